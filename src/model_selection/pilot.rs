//! What chains cost, by small fits whose operations are counted.
//!
//! How many iterations a fit takes, or how deep its trees grow, follows from its parameters and its data, and cannot be
//! told from the parameters alone. So each chain of the first fold is done on a part of the rows, a chain on a rank, and
//! what it counts is carried over to the chains of the same candidates on all rows and folds. Counts are the same on
//! every machine and in every run, and so is the schedule that follows from them.
//!
//! Where a small fit turns out to be that of other candidates, too, the large ones are expected to be: such chains are
//! joined, so that one rank does the first and copies the others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::search::{Chain, FitId, FitOutcome, Searchable, SharedWork, Sharing, Split};
use crate::comm::{self, Communicator};
use crate::error::Result;
use crate::estimator::Model;
use crate::partition::multifit;

/// No fewer rows than this are fitted on, and no more.
const ROWS: (usize, usize) = (400, 4000);

/// The rows of the small fits, ascending, and which of these are fitted on and scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PilotRows {
    /// Rows of the data.
    pub rows: Vec<usize>,
    /// Places among them.
    pub split: Split,
}

impl PilotRows {
    /// Those of a search by `searchable`, or none where there is too little to count.
    pub fn of(searchable: &dyn Searchable, splits: &[Split]) -> Option<Self> {
        let first = splits.first()?;
        let cost: f64 = searchable.chains(splits).iter().map(|chain| chain.cost).sum();
        let step = searchable.counts_on(cost)?.max(first.train.len().div_ceil(ROWS.1));
        (first.train.len() / step >= ROWS.0).then(|| Self::every(step, first))
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
    /// Candidates of a chain, the factor of its cost, and the part of that which chains of one rank may share.
    factors: Vec<(Vec<usize>, f64, f64)>,
    n_ranks: usize,
    /// Candidates whose small fits were those of all that they settle, ascending.
    settled: Vec<usize>,
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
    /// An allgather of three numbers a chain and one of candidates.
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
        let mut counted: Vec<(usize, u64, u64)> = Vec::new();
        let counts = || (small.n_operations(), small.n_shared_operations());
        for &at in &multifit(&costs, comm.size()).tasks[comm.rank()] {
            let before = counts();
            if small.run(&chains[at], &small_splits, &mut |_| Ok(())).is_ok() {
                let after = counts();
                counted.push((at, after.0 - before.0, after.1 - before.1));
            }
        }
        let counted: Vec<(usize, u64, u64)> = comm::allgather(comm, &counted)?.concat();
        let mut settled = comm::allgather(comm, &small.settled())?.concat();
        settled.sort_unstable();
        settled.dedup();
        // The unit of the estimator's model: what is known in both.
        let model: f64 = counted.iter().map(|&(at, ..)| costs[at]).sum();
        let count: f64 = counted.iter().map(|&(_, count, _)| count as f64).sum();
        let n_ranks = comm.size();
        if model <= 0.0 || count <= 0.0 {
            return Ok(Self { searchable, factors: Vec::new(), n_ranks, settled });
        }
        let factor = |&(at, n, n_shared): &(usize, u64, u64)| {
            let factor = n as f64 * model / (count * costs[at]);
            let part = if n > 0 { n_shared as f64 / n as f64 } else { 0.0 };
            (candidates(&chains[at]), if factor.is_finite() { factor } else { 1.0 }, part)
        };
        Ok(Self { factors: counted.iter().map(factor).collect(), searchable, n_ranks, settled })
    }

    /// Joins each chain whose fits are expected to be those of earlier ones of its fold to the chain of these.
    fn joined(&self, chains: Vec<Chain>) -> Vec<Chain> {
        let settling: Vec<Vec<usize>> = (0..self.n_candidates())
            .map(|then| self.settled.iter().copied().filter(|&first| self.settles(first, then)).collect())
            .collect();
        let mut joined: Vec<Chain> = Vec::new();
        let mut chain_of: BTreeMap<FitId, usize> = BTreeMap::new();
        for chain in chains {
            let first_settling = |id: &FitId| {
                let of_fold = |&candidate: &usize| chain_of.get(&FitId { candidate, fold: id.fold }).copied();
                settling[id.candidate].iter().filter_map(of_fold).min()
            };
            let leaders: BTreeSet<Option<usize>> = chain.fits.iter().map(first_settling).collect();
            let leader = if leaders.len() == 1 { leaders.into_iter().flatten().next() } else { None };
            let at = leader.unwrap_or(joined.len());
            chain_of.extend(chain.fits.iter().map(|&id| (id, at)));
            match joined.get_mut(at) {
                Some(leader) => leader.fits.extend(chain.fits),
                None => joined.push(chain),
            }
        }
        joined
    }
}

impl Searchable for Piloted<'_> {
    fn n_candidates(&self) -> usize {
        self.searchable.n_candidates()
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        let mut chains = self.searchable.chains(splits);
        let mut n_sharing: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for chain in &mut chains {
            let own = candidates(chain);
            let known = self.factors.iter().find(|(of, ..)| *of == own);
            let (factor, part) = known.map_or((1.0, 0.0), |&(_, factor, part)| (factor, part));
            let finds_it = match self.sharing(chain) {
                Sharing::Nothing => false,
                Sharing::Before => true,
                // Chains stand in the order in which they are done: one a rank finds nothing done.
                Sharing::With(key) => {
                    let n = n_sharing.entry(key).or_default();
                    *n += 1;
                    *n > self.n_ranks
                }
            };
            chain.cost *= if finds_it { factor * (1.0 - part) } else { factor };
        }
        if self.settled.is_empty() { chains } else { self.joined(chains) }
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

    fn settles(&self, first: usize, then: usize) -> bool {
        self.searchable.settles(first, then)
    }

    fn settled(&self) -> Vec<usize> {
        self.searchable.settled()
    }

    fn fits_are_independent(&self) -> bool {
        self.searchable.fits_are_independent()
    }

    fn shared(&self) -> Vec<SharedWork> {
        self.searchable.shared()
    }

    fn counts_on(&self, cost: f64) -> Option<usize> {
        self.searchable.counts_on(cost)
    }

    fn n_operations(&self) -> u64 {
        self.searchable.n_operations()
    }

    fn n_shared_operations(&self) -> u64 {
        self.searchable.n_shared_operations()
    }

    fn sharing(&self, chain: &Chain) -> Sharing {
        self.searchable.sharing(chain)
    }

    fn memory_bytes(&self, splits: &[Split], refits: bool) -> u64 {
        self.searchable.memory_bytes(splits, refits)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::comm::{Single, run_threads};
    use crate::error::{Error, Place};

    /// Two chains a fold, of one and of two candidates, of which the first counts many operations a row.
    struct Counting {
        n: AtomicU64,
        counts: bool,
        /// The candidate whose fits fail.
        fails: Option<usize>,
        /// Candidates that settled all after them.
        settled: Vec<usize>,
        /// Who does half of the operations.
        sharing: Sharing,
    }

    fn counting() -> Counting {
        Counting {
            n: AtomicU64::new(0),
            counts: true,
            fails: None,
            settled: Vec::new(),
            sharing: Sharing::Nothing,
        }
    }

    impl Searchable for Counting {
        fn n_candidates(&self) -> usize {
            3
        }

        fn chains(&self, splits: &[Split]) -> Vec<Chain> {
            let chain = |fold, candidates: &[usize], split: &Split| Chain {
                fits: candidates
                    .iter()
                    .map(|&candidate| crate::engine::sweep::FitId { candidate, fold })
                    .collect(),
                cost: 1e7 * split.train.len() as f64 * candidates.len() as f64,
            };
            let of = |(fold, split): (usize, &Split)| [chain(fold, &[0], split), chain(fold, &[2, 1], split)];
            splits.iter().enumerate().flat_map(of).collect()
        }

        fn run(
            &self,
            chain: &Chain,
            splits: &[Split],
            _emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
        ) -> Result<()> {
            for id in &chain.fits {
                if Some(id.candidate) == self.fails {
                    return Err(Error::data("rows", Place::default(), "others", "these"));
                }
                let of_row = if id.candidate == 0 { 70 } else { 15 };
                self.n.fetch_add(of_row * splits[id.fold].train.len() as u64, Ordering::Relaxed);
            }
            Ok(())
        }

        fn settles(&self, first: usize, then: usize) -> bool {
            first <= then
        }

        fn settled(&self) -> Vec<usize> {
            self.settled.clone()
        }

        fn counts_on(&self, cost: f64) -> Option<usize> {
            (self.counts && cost > 1e10).then_some(4)
        }

        fn n_operations(&self) -> u64 {
            self.n.load(Ordering::Relaxed)
        }

        fn n_shared_operations(&self) -> u64 {
            self.n_operations() / 2
        }

        fn sharing(&self, chain: &Chain) -> Sharing {
            match self.sharing {
                Sharing::With(_) => Sharing::With((chain.fits.len(), 0)),
                other => other,
            }
        }

        fn refit(&self, _candidate: usize) -> Result<Model> {
            Err(Error::internal("no refit"))
        }
    }

    fn splits() -> Vec<Split> {
        let of = |fold: usize| {
            let (test, train) = (0..5000).partition(|row| row % 5 == fold);
            Split { train, test }
        };
        (0..2).map(of).collect()
    }

    #[test]
    fn small_fits_are_on_every_fourth_row_of_the_first_fold() {
        let splits = splits();
        let pilot = PilotRows::of(&counting(), &splits).expect("something to do");
        assert_eq!((pilot.split.train.len(), pilot.split.test.len()), (1000, 250));
        for (places, rows) in [(&pilot.split.train, &splits[0].train), (&pilot.split.test, &splits[0].test)] {
            assert!(places.iter().zip(rows.iter().step_by(4)).all(|(&at, row)| pilot.rows[at] == *row));
        }
        assert!(PilotRows::of(&Counting { counts: false, ..counting() }, &splits).is_none());
        assert!(PilotRows::of(&counting(), &splits[..0]).is_none());
        let few = Split { train: (0..1000).collect(), test: vec![1000] };
        assert!(PilotRows::of(&counting(), &[few]).is_none());
    }

    /// Seven tenths of the operations are those of the first chain, on every rank and fold.
    #[test]
    fn chains_cost_what_their_small_fits_counted() {
        let splits = splits();
        let pilot = PilotRows::of(&counting(), &splits).expect("something to do");
        for size in [1, 2, 5] {
            let costs = run_threads(size, |comm| {
                let piloted =
                    Piloted::new(comm, Box::new(counting()), &counting(), &splits, &pilot).expect("counts");
                piloted.chains(&splits).iter().map(|chain| chain.cost).collect::<Vec<_>>()
            });
            let total = 1e7 * 4000.0 * 3.0;
            for costs in costs {
                for (cost, part) in costs.iter().zip([0.7, 0.3, 0.7, 0.3]) {
                    assert!((cost / total - part).abs() < 1e-12, "{size} ranks: {costs:?}");
                }
            }
        }
    }

    #[test]
    fn chains_that_small_fits_settle_join_the_chain_of_these() {
        let splits = splits();
        let pilot = PilotRows::of(&counting(), &splits).expect("something to do");
        let joined = |settled: &[usize]| {
            let small = Counting { settled: settled.to_vec(), ..counting() };
            let piloted = Piloted::new(&Single::new(), Box::new(counting()), &small, &splits, &pilot);
            let chains = piloted.expect("counts").chains(&splits);
            chains
                .iter()
                .map(|c| (c.fits.iter().map(|id| (id.fold, id.candidate)).collect(), c.cost))
                .collect()
        };
        let total = 1e7 * 4000.0 * 3.0;
        let near = |chains: Vec<(Vec<(usize, usize)>, f64)>, parts: &[f64]| {
            assert_eq!(chains.len(), parts.len());
            assert!(chains.iter().zip(parts).all(|(chain, part)| (chain.1 / total - part).abs() < 1e-12));
            chains.into_iter().map(|chain| chain.0).collect::<Vec<_>>()
        };
        let apart = [vec![(0, 0)], vec![(0, 2), (0, 1)], vec![(1, 0)], vec![(1, 2), (1, 1)]];
        assert_eq!(near(joined(&[]), &[0.7, 0.3, 0.7, 0.3]), apart);
        assert_eq!(near(joined(&[0]), &[0.7, 0.7]), [[(0, 0), (0, 2), (0, 1)], [(1, 0), (1, 2), (1, 1)]]);
        assert_eq!(
            near(joined(&[1]), &[0.7, 0.3, 0.7, 0.3]),
            apart,
            "of a chain whose first fits are its own"
        );
        assert_eq!(near(joined(&[0, 1]), &[0.7, 0.7]).len(), 2);
    }

    /// Chains of as many fits share half of their operations: the first one of each rank has to do them.
    #[test]
    fn chains_that_find_shared_operations_done_cost_less() {
        let splits: Vec<Split> = (0..4).flat_map(|_| splits()).collect();
        let pilot = PilotRows::of(&counting(), &splits).expect("something to do");
        let sharing = [Sharing::With((0, 0)), Sharing::Before];
        for (size, sharing) in [1, 3, 8].into_iter().flat_map(|size| sharing.map(|s| (size, s))) {
            let costs = run_threads(size, |comm| {
                let full = Box::new(Counting { sharing, ..counting() });
                let piloted = Piloted::new(comm, full, &counting(), &splits, &pilot).expect("counts");
                piloted.chains(&splits).iter().map(|chain| chain.cost).collect::<Vec<_>>()
            });
            let total = 1e7 * 4000.0 * 3.0;
            for costs in costs {
                for (fold, two) in costs.chunks_exact(2).enumerate() {
                    let left = if fold < size && sharing != Sharing::Before { 1.0 } else { 0.5 };
                    assert!((two[0] / total - 0.7 * left).abs() < 1e-12, "{size} ranks: {costs:?}");
                    assert!((two[1] / total - 0.3 * left).abs() < 1e-12, "{size} ranks: {costs:?}");
                }
            }
        }
    }

    #[test]
    fn a_chain_whose_small_fits_fail_keeps_its_cost() {
        let splits = splits();
        let pilot = PilotRows::of(&counting(), &splits).expect("something to do");
        for fails in [0, 1] {
            let small = Counting { fails: Some(fails), ..counting() };
            let piloted = Piloted::new(&Single::new(), Box::new(counting()), &small, &splits, &pilot);
            let costs: Vec<f64> =
                piloted.expect("counts").chains(&splits).iter().map(|chain| chain.cost).collect();
            assert_eq!(costs, [4e10, 8e10, 4e10, 8e10]);
        }
    }
}
