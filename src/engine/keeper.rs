//! What keeps the work of a job that stops before its end.

use crate::error::Result;

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
