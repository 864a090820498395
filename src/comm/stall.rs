//! A watch over a rank that waits for others too long.
//!
//! A rank that was stopped, or whose file server or link is dead, says nothing: the others wait in a collective
//! for ever, and no MPI library notices. How long a wait is right only the user can say, so the watch is on only
//! when `RANKFIT_TIMEOUT` gives the seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Since when a rank has been waiting for others.
pub(super) struct Clock {
    epoch: Instant,
    /// Milliseconds from `epoch` to the start of the wait, plus 1; 0 while the rank waits for nobody.
    since: AtomicU64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { epoch: Instant::now(), since: AtomicU64::new(0) }
    }
}

impl Clock {
    /// Marks a wait, which lasts until the value is dropped.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.since.store(self.epoch.elapsed().as_millis() as u64 + 1, Ordering::Relaxed);
        Waiting(self)
    }

    /// How long the present wait has lasted.
    fn waited(&self) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => self.epoch.elapsed().saturating_sub(Duration::from_millis(since - 1)),
        }
    }
}

/// A wait that is going on.
pub(super) struct Waiting<'a>(&'a Clock);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.since.store(0, Ordering::Relaxed);
    }
}

/// Calls `end`, once and from another thread, when a wait lasts longer than `limit`.
pub(super) fn watch(clock: Arc<Clock>, limit: Duration, end: impl FnOnce() + Send + 'static) {
    let step = (limit / 4).min(Duration::from_secs(1));
    std::thread::spawn(move || {
        while clock.waited() <= limit {
            std::thread::sleep(step);
        }
        end();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn only_a_wait_is_timed() {
        let clock = Clock::default();
        assert_eq!(clock.waited(), Duration::ZERO);
        let waiting = clock.wait();
        std::thread::sleep(Duration::from_millis(20));
        assert!(clock.waited() >= Duration::from_millis(19));
        drop(waiting);
        assert_eq!(clock.waited(), Duration::ZERO);
    }

    #[test]
    fn a_long_wait_is_noticed() {
        let clock = Arc::new(Clock::default());
        let (sender, noticed) = channel();
        watch(Arc::clone(&clock), Duration::from_millis(40), move || sender.send(()).unwrap());
        let _waiting = clock.wait();
        noticed.recv_timeout(Duration::from_secs(20)).unwrap();
    }
}
