//! What chains cost, by small fits whose operations are counted.
//!
//! How many iterations a fit takes, or how deep its trees grow, follows from its parameters and its data, and cannot be
//! told from the parameters alone. So each chain of the first fold is done on a part of the rows, a chain on a rank, and
//! what it counts is carried over to the chains of the same candidates on all rows and folds. Counts are the same on
//! every machine and in every run, and so is the schedule that follows from them.

use std::ops::Range;

use super::search::{Chain, FitOutcome, Searchable, SharedWork, Split};
use crate::comm::{self, Communicator};
use crate::error::Result;
use crate::estimator::Model;
use crate::partition::multifit;

/// One row of so many is fitted on.
const SHARE: usize = 4;

/// No fewer rows than this are fitted on, and no more.
const ROWS: (usize, usize) = (400, 4000);

/// What a search has to cost, by the estimator's own model, to be worth small fits: some seconds' work.
const WORTHWHILE: f64 = 2e10;

/// The rows of the small fits, ascending, and which of these are fitted on and scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PilotRows {
    /// Rows of the data.
    pub rows: Vec<usize>,
    /// Places among them.
    pub split: Split,
}

impl PilotRows {
    /// Those of a search by `searchable`, or none where it counts nothing or there is too little to do.
    pub fn of(searchable: &dyn Searchable, splits: &[Split]) -> Option<Self> {
        let first = splits.first().filter(|_| searchable.counts_operations())?;
        let step = SHARE.max(first.train.len().div_ceil(ROWS.1));
        let cost: f64 = searchable.chains(splits).iter().map(|chain| chain.cost).sum();
        if first.train.len() / step < ROWS.0 || cost.is_nan() || cost < WORTHWHILE {
            return None;
        }
        Some(Self::every(step, first))
    }

    /// Every `step`-th row of a split: the first ones may all be of one class.
    fn every(step: usize, split: &Split) -> Self {
        let part = |rows: &[usize]| -> Vec<usize> { rows.iter().copied().step_by(step).collect() };
        let (train, test) = (part(&split.train), part(&split.test));
        let mut rows = [&train[..], &test[..]].concat();
        rows.sort_unstable();
        rows.dedup();
        let places = |of: &[usize]| of.iter().map(|row| rows.partition_point(|other| other < row)).collect();
        let split = Split { train: places(&train), test: places(&test) };
        Self { split, rows }
    }
}

/// A search whose chains cost what small fits of theirs counted.
pub struct Piloted<'a> {
    searchable: Box<dyn Searchable + 'a>,
    /// Candidates of a chain, and the factor of its cost.
    factors: Vec<(Vec<usize>, f64)>,
}

/// The candidates of a chain of the first fold.
fn candidates(chain: &Chain) -> Vec<usize> {
    chain.fits.iter().map(|id| id.candidate).collect()
}

impl<'a> Piloted<'a> {
    /// Does the small fits: each of the first fold's chains of `searchable`, by `small` on `pilot`'s rows.
    ///
    /// A chain whose small fits fail keeps its own model's cost, in proportion to the others.
    ///
    /// # Collective
    /// One allgather of two numbers a chain.
    ///
    /// # Errors
    /// An internal error.
    pub fn new(
        comm: &dyn Communicator,
        searchable: Box<dyn Searchable + 'a>,
        small: &dyn Searchable,
        splits: &[Split],
        pilot: &PilotRows,
    ) -> Result<Self> {
        let of_first = |chain: &Chain| chain.fits.iter().all(|id| id.fold == 0);
        let chains: Vec<Chain> = searchable.chains(splits).into_iter().filter(of_first).collect();
        let costs: Vec<f64> = chains.iter().map(|chain| chain.cost).collect();
        let small_splits = vec![pilot.split.clone(); splits.len()];
        let mut counted: Vec<(usize, u64)> = Vec::new();
        for &at in &multifit(&costs, comm.size()).tasks[comm.rank()] {
            let before = small.n_operations();
            if small.run(&chains[at], &small_splits, &mut |_| Ok(())).is_ok() {
                counted.push((at, small.n_operations() - before));
            }
        }
        let counted: Vec<(usize, u64)> = comm::allgather(comm, &counted)?.concat();
        // The unit of the estimator's model: what is known in both.
        let model: f64 = counted.iter().map(|&(at, _)| costs[at]).sum();
        let count: f64 = counted.iter().map(|&(_, count)| count as f64).sum();
        if model <= 0.0 || count <= 0.0 {
            return Ok(Self { searchable, factors: Vec::new() });
        }
        let factor = |&(at, n): &(usize, u64)| {
            let factor = n as f64 * model / (count * costs[at]);
            (candidates(&chains[at]), if factor.is_finite() { factor } else { 1.0 })
        };
        Ok(Self { factors: counted.iter().map(factor).collect(), searchable })
    }
}

impl Searchable for Piloted<'_> {
    fn n_candidates(&self) -> usize {
        self.searchable.n_candidates()
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        let mut chains = self.searchable.chains(splits);
        for chain in &mut chains {
            let own = candidates(chain);
            let factor = self.factors.iter().find(|(of, _)| *of == own).map_or(1.0, |(_, factor)| *factor);
            chain.cost *= factor;
        }
        chains
    }

    fn run(
        &self,
        chain: &Chain,
        splits: &[Split],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        self.searchable.run(chain, splits, emit)
    }

    fn n_chain_parts(&self, chain: &Chain) -> usize {
        self.searchable.n_chain_parts(chain)
    }

    fn chain_part(&self, chain: &Chain, splits: &[Split], part: usize) -> Result<Vec<u8>> {
        self.searchable.chain_part(chain, splits, part)
    }

    fn join_chain(
        &self,
        chain: &Chain,
        splits: &[Split],
        parts: &[Vec<u8>],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        self.searchable.join_chain(chain, splits, parts, emit)
    }

    fn fits_are_independent(&self) -> bool {
        self.searchable.fits_are_independent()
    }

    fn shared(&self) -> Vec<SharedWork> {
        self.searchable.shared()
    }

    fn counts_operations(&self) -> bool {
        self.searchable.counts_operations()
    }

    fn n_operations(&self) -> u64 {
        self.searchable.n_operations()
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        self.searchable.refit(candidate)
    }

    fn refit_steps(&self, candidate: usize) -> Result<(Vec<Model>, Model)> {
        self.searchable.refit_steps(candidate)
    }

    fn n_refit_parts(&self, candidate: usize) -> usize {
        self.searchable.n_refit_parts(candidate)
    }

    fn refit_parts(&self, candidate: usize, parts: Range<usize>) -> Result<Vec<u8>> {
        self.searchable.refit_parts(candidate, parts)
    }

    fn join_refit(&self, candidate: usize, parts: &[Vec<u8>]) -> Result<(Vec<Model>, Model)> {
        self.searchable.join_refit(candidate, parts)
    }
}
