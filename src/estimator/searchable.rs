//! What a search asks of an estimator; the search itself is `model_selection`, one layer up.

use std::ops::Range;

pub use crate::engine::sweep::{Chain, FitId, FitOutcome, SharedWork};
use crate::error::{Error, Result};
use crate::estimator::Model;

/// One fold: the rows to fit on and the rows to score on, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows to fit on.
    pub train: Vec<usize>,
    /// Rows to score on.
    pub test: Vec<usize>,
}

/// Who does the operations of a chain that others do, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// The chain itself.
    Nothing,
    /// The first chain of a rank among those with the same key.
    With((usize, usize)),
    /// Nobody: they are done before the first chain.
    Before,
}

/// An estimator with its data and the candidates of a search.
///
/// Built once on every rank from the same job. Knows neither ranks nor files.
pub trait Searchable: Send + Sync {
    /// How many candidates there are.
    fn n_candidates(&self) -> usize;

    /// Every fit of the search, grouped into chains. Equal on all ranks.
    fn chains(&self, splits: &[Split]) -> Vec<Chain>;

    /// Does the fits of `chain` in order and hands each outcome to `emit` as it comes.
    ///
    /// Long fits look now and then [whether they are still wanted](crate::telemetry::check_interrupt), and leave nothing behind that
    /// others would take for whole.
    ///
    /// # Errors
    /// What the fits or `emit` return.
    fn run(
        &self,
        chain: &Chain,
        splits: &[Split],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()>;

    /// Into how many parts `chain` can be cut, as [`Fits::n_parts`](crate::engine::sweep::Fits::n_parts).
    fn n_chain_parts(&self, chain: &Chain) -> usize {
        let _ = chain;
        1
    }

    /// One part of `chain`, as bytes for [`join_chain`](Self::join_chain).
    ///
    /// # Errors
    /// What the fits return.
    fn chain_part(&self, chain: &Chain, splits: &[Split], part: usize) -> Result<Vec<u8>> {
        let _ = (chain, splits, part);
        Err(Error::internal("a part of a chain that has none"))
    }

    /// What [`run`](Self::run) hands to `emit`, to the bit, from all parts in their order.
    ///
    /// # Errors
    /// What the fits or `emit` return.
    fn join_chain(
        &self,
        chain: &Chain,
        splits: &[Split],
        parts: &[Vec<u8>],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        let _ = (chain, splits, parts, emit);
        Err(Error::internal("parts of a chain that has none"))
    }

    /// Whether a fit's scores are the same, to the bit, whichever fits of its chain came before it.
    ///
    /// False for fits that start from their predecessor's solution: a stopped search then does a chain that was
    /// cut from its start again.
    fn fits_are_independent(&self) -> bool {
        false
    }

    /// Whether a fit of `first` that turns out to be [settled](Self::settled) is also that of `then` on the same rows,
    /// which [`run`](Self::run) then copies.
    fn settles(&self, first: usize, then: usize) -> bool {
        let _ = (first, then);
        false
    }

    /// The candidates that turned out, in a fit of this rank, not to depend on the parameter by which those that they
    /// [settle](Self::settles) differ, so clearly that the same is expected on more rows.
    fn settled(&self) -> Vec<usize> {
        Vec::new()
    }

    /// What this rank's fits shared so far. The same list on every rank, with different counts.
    fn shared(&self) -> Vec<SharedWork> {
        Vec::new()
    }

    /// One row of how many small fits are done on first, where chains that cost `cost` in all are worth it: because
    /// [`n_operations`](Self::n_operations) tells what fits cost better, and there is a second's work or more.
    fn counts_on(&self, cost: f64) -> Option<usize> {
        let _ = cost;
        None
    }

    /// Operations of all fits that this rank has done so far: a measure of their time that is the same on every machine
    /// and whichever fits were done before.
    fn n_operations(&self) -> u64 {
        0
    }

    /// Those of these operations that fits may [share](Self::sharing); they are counted all the same.
    fn n_shared_operations(&self) -> u64 {
        0
    }

    /// Which other chains share such operations with this one.
    fn sharing(&self, chain: &Chain) -> Sharing {
        let _ = chain;
        Sharing::Nothing
    }

    /// About how many bytes a rank keeps at once beside the table: for its fits on `splits` and, where it `refits`, then.
    fn memory_bytes(&self, splits: &[Split], refits: bool) -> u64 {
        let _ = (splits, refits);
        0
    }

    /// Fits `candidate` on all rows.
    ///
    /// # Errors
    /// What the fit returns.
    fn refit(&self, candidate: usize) -> Result<Model>;

    /// Fits `candidate` on all rows, with the steps before it in their order.
    ///
    /// # Errors
    /// What the fits return.
    fn refit_steps(&self, candidate: usize) -> Result<(Vec<Model>, Model)> {
        self.refit(candidate).map(|model| (Vec::new(), model))
    }

    /// Into how many parts the refit of `candidate` can be cut, each to be done on any rank. Equal on all ranks.
    fn n_refit_parts(&self, candidate: usize) -> usize {
        let _ = candidate;
        1
    }

    /// Some of the parts of the refit of `candidate`, as bytes for [`join_refit`](Self::join_refit).
    ///
    /// # Errors
    /// What the fits return.
    fn refit_parts(&self, candidate: usize, parts: Range<usize>) -> Result<Vec<u8>> {
        let _ = (candidate, parts);
        Err(Error::internal("a part of a refit that has none"))
    }

    /// What [`refit_steps`](Self::refit_steps) returns, from all parts in their order.
    ///
    /// # Errors
    /// What the fits return.
    fn join_refit(&self, candidate: usize, parts: &[Vec<u8>]) -> Result<(Vec<Model>, Model)> {
        let _ = (candidate, parts);
        Err(Error::internal("parts of a refit that has none"))
    }
}
