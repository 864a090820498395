//! The journal of a search in rungs: those of the rungs that are done, and that of the present one.

use std::path::Path;

use crate::comm;
use crate::engine::keeper::Keeper;
use crate::error::Result;

/// One rung's view of the kept state.
pub(super) struct RungKeeper<'a> {
    pub(super) keeper: &'a dyn Keeper,
    /// The journals of the rungs before.
    pub(super) before: &'a [Vec<u8>],
}

impl RungKeeper<'_> {
    fn whole(&self, state: &[u8]) -> Result<Vec<u8>> {
        let mut all: Vec<&[u8]> = self.before.iter().map(Vec::as_slice).collect();
        all.push(state);
        comm::encode(&all)
    }
}

impl Keeper for RungKeeper<'_> {
    fn load(&self) -> Result<Option<Vec<u8>>> {
        let Some(bytes) = self.keeper.load()? else { return Ok(None) };
        let mut all: Vec<Vec<u8>> = comm::decode(&bytes)?;
        Ok((all.len() > self.before.len()).then(|| all.swap_remove(self.before.len())))
    }

    fn store(&self, state: &[u8]) -> Result<()> {
        self.keeper.store(&self.whole(state)?)
    }

    fn is_due(&self) -> bool {
        self.keeper.is_due()
    }

    fn wants_to_hold(&self) -> bool {
        self.keeper.wants_to_hold()
    }

    fn hold(&self, state: Vec<u8>) {
        if let Ok(whole) = self.whole(&state) {
            self.keeper.hold(whole);
        }
    }

    fn path(&self) -> &Path {
        self.keeper.path()
    }
}
