//! A request to stop, left by a signal handler and found by the engines between passes and fits.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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

/// What is done at once, on another thread, when the user asks for the end.
type LastWill = dyn Fn() + Send + Sync;

static WILLS: Mutex<Vec<Weak<LastWill>>> = Mutex::new(Vec::new());

/// Has `will` called at SIGTERM and SIGINT, as long as what is returned lives.
///
/// Launchers leave ranks a second between those and the end, too little to wait for the next safe point.
#[must_use]
pub fn at_request(will: impl Fn() + Send + Sync + 'static) -> Arc<dyn Fn() + Send + Sync> {
    let will: Arc<LastWill> = Arc::new(will);
    let mut wills = WILLS.lock().unwrap_or_else(PoisonError::into_inner);
    wills.retain(|will| will.strong_count() > 0);
    wills.push(Arc::downgrade(&will));
    will
}

/// Calls what [`at_request`] was given.
pub(super) fn honour_wills() {
    let wills = WILLS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    wills.iter().filter_map(Weak::upgrade).for_each(|will| will());
}
