//! The journal of a search in rungs: those of the rungs that are done, and that of the present one.

use std::path::Path;
use std::sync::OnceLock;

use crate::comm;
use crate::engine::keeper::Keeper;
use crate::error::Result;

/// One rung's view of the kept state.
pub(super) struct RungKeeper<'a> {
    pub(super) keeper: &'a dyn Keeper,
    /// The journals of the rungs before.
    pub(super) before: &'a [Vec<u8>],
    /// Those of later rungs, where an earlier run came that far.
    after: OnceLock<Vec<Vec<u8>>>,
}

/// The journals of all rungs that an earlier run had begun, which `keeper` has.
pub(super) fn journals(keeper: &dyn Keeper) -> Result<Option<Vec<Vec<u8>>>> {
    keeper.load()?.map(|bytes| comm::decode(&bytes)).transpose()
}

impl<'a> RungKeeper<'a> {
    pub(super) fn new(keeper: &'a dyn Keeper, before: &'a [Vec<u8>]) -> Self {
        Self { keeper, before, after: OnceLock::new() }
    }

    fn whole(&self, state: &[u8]) -> Result<Vec<u8>> {
        let mut all: Vec<&[u8]> = self.before.iter().map(Vec::as_slice).collect();
        all.push(state);
        // Who is in a rung follows from those before: what was done there stays true.
        all.extend(self.after.get().into_iter().flatten().map(Vec::as_slice));
        comm::encode(&all)
    }
}

impl Keeper for RungKeeper<'_> {
    fn load(&self) -> Result<Option<Vec<u8>>> {
        let Some(all) = journals(self.keeper)? else { return Ok(None) };
        let mut rest = all.into_iter().skip(self.before.len());
        let own = rest.next();
        self.after.get_or_init(|| rest.collect());
        Ok(own)
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
