//! A request to stop, left by a signal handler and found by the engines between passes and fits.

use std::sync::atomic::{AtomicI32, Ordering};

/// The signal that asked for a stop, 0 while none has.
static REQUESTED: AtomicI32 = AtomicI32::new(0);

/// Asks the engines to stop at the next safe point, as signal `signal` does.
pub fn request_stop(signal: i32) {
    REQUESTED.store(signal, Ordering::Relaxed);
}

/// The signal that has asked this rank to stop, if any.
pub fn stop_requested() -> Option<i32> {
    match REQUESTED.load(Ordering::Relaxed) {
        0 => None,
        signal => Some(signal),
    }
}
