//! Starts the program as one rank or as one of many, and ends all ranks together.
//!
//! The whole of a program's `main`:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     rankfit::comm::launch::with_world(|comm| {
//!         // … every rank does the same things here …
//!         rankfit::comm::agree(comm, Ok(()))
//!     })
//! }
//! ```
//!
//! The body runs on every rank and returns the agreed result. Launching prints the error, once for the job (as
//! `rankfit: …` on stderr), and turns it into the exit code, so the body prints no errors. However a rank ends, the
//! job ends:
//!
//! | on one rank | the job |
//! |---|---|
//! | an error that all ranks returned | is finalised; the error's exit code |
//! | an error that the others do not know of | is aborted after 2 s with the error's exit code |
//! | a panic, on whatever thread | is aborted at once with exit code 70 |
//! | killed by a signal | is ended by the launcher, 128 + the signal |
//! | stopped, unreachable | with `RANKFIT_TIMEOUT` (seconds) set: is aborted with 74 once a rank has waited so long |
//!
//! An error must not leave the body before the work that all ranks do together is done: after it a rank waits for
//! the others for 2 s only (30 s after [`Error::Stopped`](crate::Error::Stopped)).
//!
//! Environment: without a launcher's variables, or with one program launched, MPI is not initialised (that would
//! cost 0.3 s). `RANKFIT_LAUNCH=alone` never uses it, `RANKFIT_LAUNCH=mpi` always does.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::launcher::{Launcher, Plan, refusal};
use super::{Communicator, Single};
use crate::error::{ExitCode, Result};

/// Runs `body` on every rank of the launch, ends all ranks together and returns the exit code for `main`.
///
/// # Collective
/// Every program of the launch must call it, first thing.
pub fn with_world(body: impl FnOnce(&dyn Communicator) -> Result<()>) -> std::process::ExitCode {
    Launch::default().run(body)
}

/// A launch with other than the usual settings.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    piece_bytes: Option<usize>,
}

impl Launch {
    /// Cuts messages into pieces of at most `bytes`, so that tests need no long messages.
    pub fn piece_bytes(mut self, bytes: usize) -> Self {
        self.piece_bytes = Some(bytes);
        self
    }

    /// As [`with_world`].
    pub fn run(self, body: impl FnOnce(&dyn Communicator) -> Result<()>) -> std::process::ExitCode {
        let get = |name: &str| std::env::var(name).ok();
        let ended = Plan::of(get).and_then(|plan| match plan {
            Plan::Alone => alone(body),
            Plan::Mpi(launcher) => self.many(launcher, body),
        });
        let code = ended.unwrap_or_else(|error| {
            if Launcher::find(get).is_none_or(|launcher| launcher.speaks()) {
                say(&error.to_string());
            }
            error.exit_code()
        });
        std::process::ExitCode::from(code.code() as u8)
    }

    #[cfg(feature = "mpi")]
    fn many(
        &self,
        launcher: Option<Launcher>,
        body: impl FnOnce(&dyn Communicator) -> Result<()>,
    ) -> Result<ExitCode> {
        use super::{closing, mpi};
        let limit = timeout(std::env::var("RANKFIT_TIMEOUT").ok())?;
        let comm = mpi::MpiComm::initialize(self.piece_bytes.unwrap_or(mpi::PIECE))?;
        let (rank, size) = (comm.rank(), comm.size());
        if let Some(error) = refusal(launcher.as_ref(), size) {
            comm.finalize();
            return Err(error);
        }
        install_panic_hook(rank, size, |code| mpi::abort_world(code));
        if let Some(limit) = limit {
            // The lowest rank that still runs speaks, and ends the others before their turn comes.
            let turn = Duration::from_millis(200 * rank.min(10) as u64);
            super::stall::watch(comm.clock().clone(), limit + turn, move || {
                let limit = limit.as_secs_f64();
                say(&format!(
                    "rank {rank}: waited for other ranks for more than {limit} s (RANKFIT_TIMEOUT)"
                ));
                mpi::abort_world(ExitCode::Io.code());
            });
        }
        let outcome = body(&comm);
        let code = closing::close(&comm, outcome)?;
        end_anyway(code);
        comm.finalize();
        Ok(code)
    }

    #[cfg(not(feature = "mpi"))]
    fn many(
        &self,
        launcher: Option<Launcher>,
        body: impl FnOnce(&dyn Communicator) -> Result<()>,
    ) -> Result<ExitCode> {
        match refusal(launcher.as_ref(), 1) {
            Some(error) => Err(error),
            None => alone(body),
        }
    }
}

/// Runs `body` as the only rank.
fn alone(body: impl FnOnce(&dyn Communicator) -> Result<()>) -> Result<ExitCode> {
    install_panic_hook(0, 1, |code| signal_hook::low_level::exit(code));
    body(&Single::new()).map(|()| ExitCode::Ok)
}

/// Prints one line for the user.
pub(super) fn say(message: &str) {
    // Nobody reads what cannot be written, and the exit code is still there.
    // In one write: launchers put lines of their own between two.
    let _ = std::io::stderr().lock().write_all(format!("rankfit: {message}\n").as_bytes());
}

/// Makes a panic on any thread end all ranks with one message.
///
/// Unwinding would drop the communicator and leave the other ranks waiting.
fn install_panic_hook(rank: usize, size: usize, end: impl Fn(i32) + Send + Sync + 'static) {
    let dying = AtomicBool::new(false);
    std::panic::set_hook(Box::new(move |info| {
        while dying.swap(true, Ordering::SeqCst) {
            // Another thread is ending the program.
            std::thread::sleep(Duration::from_secs(1));
        }
        // Ranks do the same things and so panic together: the first to speak ends the others.
        if rank > 0 {
            std::thread::sleep(Duration::from_millis(500 + 100 * rank.min(10) as u64));
        }
        say(&report(rank, size, info));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            let _ = writeln!(std::io::stderr().lock(), "{backtrace}");
        }
        end(ExitCode::Internal.code());
    }));
}

/// What a user should pass on.
fn report(rank: usize, size: usize, info: &PanicHookInfo<'_>) -> String {
    let who = if size > 1 { format!("rank {rank}: ") } else { String::new() };
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let what = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic");
    let place = info.location().map_or(String::new(), |place| format!(" at {place}"));
    format!("{who}internal error: {what}{place}; please report it")
}

/// The seconds of `RANKFIT_TIMEOUT`.
#[cfg(feature = "mpi")]
fn timeout(value: Option<String>) -> Result<Option<Duration>> {
    let Some(text) = value.filter(|text| !text.is_empty()) else { return Ok(None) };
    match text.parse().ok().filter(|seconds: &f64| *seconds > 0.0).map(Duration::try_from_secs_f64) {
        Some(Ok(limit)) => Ok(Some(limit)),
        _ => Err(crate::Error::Usage {
            message: format!("RANKFIT_TIMEOUT: expected a number of seconds above 0, found {text:?}"),
        }),
    }
}

/// Ends this process if `MPI_Finalize` does not come back; every rank's work is done by then.
#[cfg(feature = "mpi")]
fn end_anyway(code: ExitCode) {
    let patience = Duration::from_secs(if code == ExitCode::Ok { 30 } else { 2 });
    std::thread::spawn(move || {
        std::thread::sleep(patience);
        signal_hook::low_level::exit(code.code());
    });
}

#[cfg(all(test, feature = "mpi"))]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_is_a_positive_number() {
        assert_eq!(timeout(None).unwrap(), None);
        assert_eq!(timeout(Some("1.5".into())).unwrap(), Some(Duration::from_millis(1500)));
        for wrong in ["0", "-1", "NaN", "soon", "1e300"] {
            let message = timeout(Some(wrong.into())).unwrap_err().to_string();
            assert!(message.contains(wrong), "{message}");
        }
    }
}
