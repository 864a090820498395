//! Work that may be left in the middle once a stop is requested.
//!
//! Whether it may is known to the thread that does it, and is no argument: an interruption changes no result, for what is
//! interrupted comes to nothing. So an algorithm needs to know no more of it than where it looks.

use std::cell::Cell;

use super::stop_requested;
use crate::error::{Error, Result};

thread_local! {
    /// Whether what this thread does may be left.
    static MAY_BE_LEFT: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`, in which [`check_interrupt`] heeds requests to stop if they are `honoured`: where somebody keeps what was done
/// before, and on this thread only.
pub fn interruptible<R>(honoured: bool, work: impl FnOnce() -> R) -> R {
    let _before = Before(MAY_BE_LEFT.replace(honoured));
    work()
}

/// What held before, and holds again once this is dropped: after a panic, too.
struct Before(bool);

impl Drop for Before {
    fn drop(&mut self) {
        MAY_BE_LEFT.set(self.0);
    }
}

/// Whether to go on with what this rank does by itself: long work asks every few milliseconds, outside of its inner loops.
///
/// Between two collectives it is an error like any other, and the ranks have to agree on it.
///
/// # Errors
/// [`Error::Interrupted`] in [`interruptible`] work after a request to stop.
#[inline]
pub fn check_interrupt() -> Result<()> {
    match stop_requested() {
        Some(signal) if MAY_BE_LEFT.get() => Err(Error::Interrupted { signal }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_may_be_left_as_long_as_it_is_said_to() {
        let may = || MAY_BE_LEFT.get();
        assert!(!may());
        interruptible(true, || {
            assert!(may());
            assert!(!interruptible(false, may));
            assert!(!std::thread::spawn(may).join().unwrap(), "that is another's");
            assert!(may());
        });
        assert!(std::panic::catch_unwind(|| interruptible(true, || panic!("a fit"))).is_err());
        assert!(!may());
        interruptible(true, || check_interrupt().expect("no request"));
    }
}
