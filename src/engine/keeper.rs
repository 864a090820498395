//! What keeps the work of a job that stops before its end.

use crate::comm::{Communicator, agree};
use crate::error::{Error, ExitCode, Result};
use crate::telemetry::signal_name;

/// A place for the state of an unfinished job. Called on rank 0 only; the engines distribute what it returns.
pub trait Keeper: Send + Sync {
    /// The state that an earlier, stopped run of the same job left, if any.
    ///
    /// # Errors
    /// When there is one that cannot be read or belongs to another job.
    fn load(&self) -> Result<Option<Vec<u8>>>;

    /// Replaces the kept state; whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    fn store(&self, state: &[u8]) -> Result<()>;

    /// Whether enough time has passed since the last [`store`](Self::store) to do it again.
    fn is_due(&self) -> bool;

    /// Whether a state [held](Self::hold) at hand would be of use now; asked often.
    fn wants_to_hold(&self) -> bool {
        false
    }

    /// Takes a state that is not worth a write yet, to be written if the job is told to end before the next
    /// [`store`](Self::store).
    fn hold(&self, _state: Vec<u8>) {}

    /// The file, for messages.
    fn path(&self) -> &std::path::Path;
}

/// Stores a state that is urgent or due, or leaves it at hand where that is wanted.
pub(in crate::engine) fn keep(
    keeper: &dyn Keeper,
    urgent: bool,
    state: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<()> {
    if urgent || keeper.is_due() {
        keeper.store(&state()?)?;
    } else if keeper.wants_to_hold() {
        keeper.hold(state()?);
    }
    Ok(())
}

/// The end of a job whose work `keeper` has, after a request to stop by `signal`.
pub(in crate::engine) fn stopped(signal: i32, keeper: Option<&dyn Keeper>) -> Error {
    let checkpoint = keeper.map_or_else(Default::default, |keeper| keeper.path().to_path_buf());
    Error::Stopped { signal: signal_name(signal), checkpoint }
}

/// [Agrees](agree) on the result of work that may have been [interrupted](Error::Interrupted); if it was on any rank, rank 0
/// stores the `state` from which a later run comes to the same work.
///
/// # Collective
/// One agreement.
///
/// # Errors
/// The first error of any rank, [`Error::Stopped`] for an interruption; on rank 0 that of storing.
pub fn agree_or_keep<T>(
    comm: &dyn Communicator,
    keeper: Option<&dyn Keeper>,
    result: Result<T>,
    state: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<T> {
    let result = result.map_err(|error| match error {
        Error::Interrupted { signal } => stopped(signal, keeper),
        other => other,
    });
    let agreed = agree(comm, result);
    if let (Err(error), Some(keeper)) = (&agreed, keeper.filter(|_| comm.is_root()))
        && error.exit_code() == ExitCode::Stopped
    {
        keeper.store(&state()?)?;
    }
    agreed
}
