//! A request to stop, left by a signal handler and found by the engines between passes and fits, and in fits of a search
//! (see [`interruptible`](super::interruptible)).

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
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

/// How many pieces of work that keep nothing are under way.
static UNKEPT: AtomicUsize = AtomicUsize::new(0);
/// Whether this rank speaks.
static SPEAKS: AtomicBool = AtomicBool::new(false);

/// Work that keeps nothing is under way as long as this lives.
pub struct Unkept(());

impl Unkept {
    /// Such work begins, on a rank that `speaks` or not.
    pub(super) fn begin(speaks: bool) -> Self {
        SPEAKS.store(speaks, Ordering::Relaxed);
        UNKEPT.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    /// Whether such work is under way.
    pub(super) fn is_under_way() -> bool {
        UNKEPT.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Unkept {
    fn drop(&mut self) {
        UNKEPT.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Says, on the rank that speaks, that the program ends here.
pub(super) fn say_end(signal: i32) {
    if SPEAKS.load(Ordering::Relaxed) {
        let name = signal_name(signal);
        // Nobody is left to be told when this fails.
        let _ = writeln!(std::io::stderr(), "rankfit: stopped by {name}; what was under way keeps nothing");
    }
}

/// A signal's name.
pub fn signal_name(signal: i32) -> String {
    match signal {
        libc::SIGINT => "SIGINT".into(),
        libc::SIGTERM => "SIGTERM".into(),
        libc::SIGUSR1 => "SIGUSR1".into(),
        libc::SIGUSR2 => "SIGUSR2".into(),
        other => format!("signal {other}"),
    }
}

/// What is done at once, on another thread, when the user asks for the end.
type LastWill = dyn Fn() + Send + Sync;

/// Those that are honoured together.
struct Wills(Mutex<Vec<Weak<LastWill>>>);

impl Wills {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn add(&self, will: Arc<LastWill>) -> Arc<LastWill> {
        let mut wills = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wills.retain(|will| will.strong_count() > 0);
        wills.push(Arc::downgrade(&will));
        will
    }

    fn honour(&self) {
        let wills = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        wills.iter().filter_map(Weak::upgrade).for_each(|will| will());
    }
}

static AT_REQUEST: Wills = Wills::new();
static AT_END: Wills = Wills::new();

/// Has `will` called at SIGTERM and SIGINT, as long as what is returned lives.
///
/// Launchers leave ranks a second between those and the end, too little to wait for the next safe point.
#[must_use]
pub fn at_request(will: impl Fn() + Send + Sync + 'static) -> Arc<dyn Fn() + Send + Sync> {
    AT_REQUEST.add(Arc::new(will))
}

/// Has `will` called when a signal is about to end the process, as long as what is returned lives.
///
/// Nothing else is undone then, such as files that are removed when their owner is dropped.
#[must_use]
pub fn at_end(will: impl Fn() + Send + Sync + 'static) -> Arc<dyn Fn() + Send + Sync> {
    AT_END.add(Arc::new(will))
}

/// Calls what [`at_request`] was given.
pub(super) fn honour_wills() {
    AT_REQUEST.honour();
}

/// Calls what [`at_end`] was given.
pub(super) fn honour_last_wills() {
    AT_END.honour();
}
