//! An error that does not wait for ranks that are busy.
//!
//! A rank that fails while the others work on alone, for hours perhaps, can agree with them only when they are done.
//! It lights a fuse before it waits: unless the agreement comes in time, the job ends with the error.

use std::sync::mpsc::Sender;
#[cfg(any(feature = "mpi", test))]
use std::sync::mpsc::{RecvTimeoutError, channel};
#[cfg(any(feature = "mpi", test))]
use std::time::Duration;

/// Ends the job after a while, unless it is dropped before.
#[must_use = "a fuse that is dropped is out"]
#[derive(Debug, Default)]
pub struct Fuse {
    _put_out: Option<Sender<()>>,
}

impl Fuse {
    /// A fuse that ends nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Calls `end` from another thread once `patience` is over.
    #[cfg(any(feature = "mpi", test))]
    pub(super) fn light(patience: Duration, end: impl FnOnce() + Send + 'static) -> Self {
        let (sender, put_out) = channel::<()>();
        std::thread::spawn(move || {
            if put_out.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                end();
            }
        });
        Self { _put_out: Some(sender) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fuse_burns_down_unless_it_is_put_out() {
        let (sender, ended) = channel();
        let other: Sender<&str> = sender.clone();
        let fuse = Fuse::light(Duration::from_millis(30), move || sender.send("left").unwrap());
        drop(Fuse::light(Duration::from_millis(10), move || other.send("put out").unwrap()));
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok("left"));
        assert!(ended.recv_timeout(Duration::from_millis(100)).is_err());
        drop(fuse);
    }
}
