//! Signals that ask a job to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use super::stop::{Unkept, honour_last_wills, honour_wills, say_end};
use super::{request_stop, stop_requested};
use crate::error::{Error, Result};

/// Launchers and batch systems may deliver one signal twice, moments apart.
const SAME: Duration = Duration::from_millis(500);

/// Held while a signal is acted upon.
static ACTING: Mutex<()> = Mutex::new(());
/// Whether the handlers are there.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Makes SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 ask for a [stop](super::stop_requested) at the next safe point.
///
/// A second SIGTERM or SIGINT ends the process at once with 128 + the signal, and so does the first where the work under
/// way [keeps nothing](super::Telemetry::unkept). SIGUSR1 and SIGUSR2 are what batch
/// systems send ahead of the time limit; the SIGTERM that follows them counts as the first. Call it once the work
/// that can be stopped begins: before that, signals should end the program as they always do. Further calls, and those
/// of [`let_signals_end`], do nothing.
///
/// # Errors
/// When the system refuses the handlers.
pub fn install_signal_handlers() -> Result<()> {
    install(false)
}

/// Makes the same signals end the process at once with 128 + the signal, once what [`at_end`](super::at_end) was given is
/// done: for work without a safe point. Further calls, and those of [`install_signal_handlers`], do nothing.
///
/// # Errors
/// When the system refuses the handlers.
pub fn let_signals_end() -> Result<()> {
    install(true)
}

/// Makes a write that would take a file beyond the system's limit (`ulimit -f`) fail as one on a full disk does; without
/// this SIGXFSZ ends the process, and what it was writing stays half made. First thing in a program.
///
/// # Errors
/// When the system refuses the handler.
pub fn let_long_files_fail() -> Result<()> {
    // A flag that nobody asks for: it is enough that the signal is caught.
    let caught = signal_hook::flag::register(libc::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    caught.map(drop).map_err(not_installed)
}

fn not_installed(error: std::io::Error) -> Error {
    Error::internal(format!("signal handlers could not be installed: {error}"))
}

fn install(at_once: bool) -> Result<()> {
    static ONCE: Once = Once::new();
    let mut installed = Ok(());
    ONCE.call_once(|| installed = watch(at_once));
    installed
}

fn watch(at_once: bool) -> Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGUSR1, SIGUSR2]).map_err(not_installed)?;
    INSTALLED.store(true, Ordering::SeqCst);
    std::thread::spawn(move || {
        let mut asked = Asked::default();
        for signal in signals.forever() {
            if at_once || asked.is_final(signal, Instant::now()) {
                end(signal);
            }
            let _acting = ACTING.lock();
            request_stop(signal);
            if matches!(signal, SIGINT | SIGTERM) {
                honour_wills();
                if Unkept::is_under_way() {
                    say_end(signal);
                    end(signal);
                }
            }
        }
    });
    Ok(())
}

/// Ends the process, if SIGTERM or SIGINT asked for it before the work that keeps nothing began.
pub(super) fn end_if_requested() {
    if let (true, Some(signal @ (SIGINT | SIGTERM))) = (INSTALLED.load(Ordering::SeqCst), stop_requested()) {
        // What is done at the request has to be whole.
        let _acting = ACTING.lock();
        say_end(signal);
        end(signal);
    }
}

fn end(signal: i32) -> ! {
    honour_last_wills();
    signal_hook::low_level::exit(128 + signal)
}

/// When the user first asked for the end.
#[derive(Default)]
struct Asked(Option<Instant>);

impl Asked {
    /// Whether `signal` insists on what an earlier one asked for.
    fn is_final(&mut self, signal: i32, now: Instant) -> bool {
        if signal != SIGINT && signal != SIGTERM {
            return false;
        }
        now.duration_since(*self.0.get_or_insert(now)) > SAME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_later_second_request_is_final() {
        let mut asked = Asked::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs_f64(seconds);
        assert!(!asked.is_final(SIGUSR1, at(0.0)));
        assert!(!asked.is_final(SIGTERM, at(10.0)));
        assert!(!asked.is_final(SIGTERM, at(10.1)), "delivered twice");
        assert!(!asked.is_final(SIGUSR2, at(20.0)));
        assert!(asked.is_final(SIGINT, at(20.0)));
    }
}
