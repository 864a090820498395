//! What chains cost, by small fits whose operations are counted.
//!
//! How many iterations a fit takes, or how deep its trees grow, follows from its parameters and its data, and cannot be
//! told from the parameters alone. So each chain of the first fold is done on a part of the rows, a chain on a rank, and
//! what it counts is carried over to the chains of the same candidates on all rows and folds; where there are rows enough,
//! by how it [grows](super::growth) from half as many. Counts are the same on every machine and in every run, and so is the
//! schedule that follows from them.
//!
//! Where a small fit turns out to be that of other candidates, too, the large ones are expected to be: such chains are
//! joined, so that one rank does the first and copies the others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::growth::carried_over;
use super::search::{Chain, FitId, FitOutcome, Searchable, SharedWork, Sharing, Split};
use crate::comm::{self, Communicator};
use crate::error::Result;
use crate::estimator::Model;
use crate::partition::multifit;
use crate::telemetry::interruptible;

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
    /// Those of a search by `searchable`, and half as many; fewer or none where there is too little to count.
    pub fn of(searchable: &dyn Searchable, splits: &[Split]) -> Vec<Self> {
        let Some(first) = splits.first() else { return Vec::new() };
        let cost: f64 = searchable.chains(splits).iter().map(|chain| chain.cost).sum();
        let Some(step) = searchable.counts_on(cost) else { return Vec::new() };
        let step = step.max(first.train.len().div_ceil(ROWS.1));
        let suffices = |step: &usize| first.train.len() / step >= ROWS.0;
        [step, 2 * step].into_iter().take_while(suffices).map(|step| Self::every(step, first)).collect()
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

/// What the small fits of chains counted.
struct Counts {
    /// Rows that were fitted on.
    n_rows: usize,
    /// Whether the fits of each chain succeeded.
    done: Vec<bool>,
    /// Of each the operations that it does not share, and those that it may.
    own: Vec<f64>,
    shared: Vec<f64>,
}

impl Counts {
    /// Those of `chains`, each done by one rank as `small` on the rows of `pilot`.
    ///
    /// # Collective
    /// An allgather of three numbers a chain.
    fn new(
        comm: &dyn Communicator,
        chains: &[Chain],
        small: &dyn Searchable,
        pilot: &PilotRows,
    ) -> Result<Self> {
        let costs: Vec<f64> = chains.iter().map(|chain| chain.cost).collect();
        // Chains of the first fold look at no other.
        let splits = std::slice::from_ref(&pilot.split);
        let mut counted: Vec<(usize, u64, u64)> = Vec::new();
        let counts = || (small.n_operations(), small.n_shared_operations());
        for &at in &multifit(&costs, comm.size()).tasks[comm.rank()] {
            let before = counts();
            // What follows honours a request to stop, whatever is known of the costs.
            let run = || small.run(&chains[at], splits, &mut |_| Ok(()));
            if interruptible(true, run).is_ok() {
                let after = counts();
                let (all, shared) = (after.0 - before.0, after.1 - before.1);
                counted.push((at, all.saturating_sub(shared), shared));
            }
        }
        let nothing = || vec![0.0; chains.len()];
        let done = vec![false; chains.len()];
        let mut counts = Self { n_rows: pilot.split.train.len(), done, own: nothing(), shared: nothing() };
        for (at, own, shared) in comm::allgather(comm, &counted)?.concat() {
            counts.done[at] = true;
            counts.own[at] = own as f64;
            counts.shared[at] = shared as f64;
        }
        Ok(counts)
    }

    /// For the candidates of each chain that `counts`, of the most rows first, tell of: what its cost by the estimator's model
    /// is to be multiplied by, and the part of the product that chains of one rank may share.
    fn factors(counts: &[Self], chains: &[Chain], n_rows: usize) -> Vec<(Vec<usize>, f64, f64)> {
        let Some((large, small)) = counts.split_first() else { return Vec::new() };
        let rows = (large.n_rows, small.first().map_or(1, |small| small.n_rows));
        let carried_over =
            |of: fn(&Self) -> &[f64]| carried_over(of(large), small.first().map(of), rows, n_rows);
        let (own, shared) = (carried_over(|counts| &counts.own), carried_over(|counts| &counts.shared));
        let all: Vec<f64> = own.iter().zip(&shared).map(|(own, shared)| own + shared).collect();
        // The unit of the estimator's model: what is known in both.
        let known: Vec<usize> = (0..chains.len()).filter(|&at| large.done[at]).collect();
        let model: f64 = known.iter().map(|&at| chains[at].cost).sum();
        let count: f64 = known.iter().map(|&at| all[at]).sum();
        if model <= 0.0 || count <= 0.0 {
            return Vec::new();
        }
        let factor = |&at: &usize| {
            let factor = all[at] * model / (count * chains[at].cost);
            let part = if all[at] > 0.0 { shared[at] / all[at] } else { 0.0 };
            (candidates(&chains[at]), if factor.is_finite() { factor } else { 1.0 }, part)
        };
        known.iter().map(factor).collect()
    }
}

impl<'a> Piloted<'a> {
    /// Does the small fits: each of the first fold's chains of `searchable`, by each of `small` on its rows, of which the
    /// first are the most.
    ///
    /// A chain whose small fits fail, or are left after a request to stop, keeps its own model's cost, in proportion to the others.
    ///
    /// # Collective
    /// For each of `small` an allgather of three numbers a chain, and one of candidates.
    ///
    /// # Errors
    /// An internal error.
    pub fn new(
        comm: &dyn Communicator,
        searchable: Box<dyn Searchable + 'a>,
        small: &[(Box<dyn Searchable + '_>, &PilotRows)],
        splits: &[Split],
    ) -> Result<Self> {
        let of_first = |chain: &Chain| chain.fits.iter().all(|id| id.fold == 0);
        let chains: Vec<Chain> = searchable.chains(splits).into_iter().filter(of_first).collect();
        let counts = small
            .iter()
            .map(|(small, pilot)| Counts::new(comm, &chains, &**small, pilot))
            .collect::<Result<Vec<Counts>>>()?;
        let mut settled = match small {
            [(first, _), ..] => comm::allgather(comm, &first.settled())?.concat(),
            [] => Vec::new(),
        };
        settled.sort_unstable();
        settled.dedup();
        let n_rows = splits.first().map_or(0, |split| split.train.len());
        let factors = Counts::factors(&counts, &chains, n_rows);
        Ok(Self { searchable, factors, n_ranks: comm.size(), settled })
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
        /// What chains have to cost for it.
        needs: f64,
        /// The power of the rows by which the operations of the second chain grow; that of the first is 1.
        growth: f64,
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
            needs: 1e10,
            growth: 1.0,
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
                let n = splits[id.fold].train.len() as f64;
                // Growth makes no difference for 1,000 rows.
                let count = if id.candidate == 0 {
                    70.0 * n
                } else {
                    15.0 * n * (n / 1000.0).powf(self.growth - 1.0)
                };
                self.n.fetch_add(count as u64, Ordering::Relaxed);
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
            (self.counts && cost > self.needs).then_some(4)
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

    fn piloted<'a>(
        comm: &dyn Communicator,
        full: Counting,
        small: impl Fn() -> Counting,
        pilots: &[PilotRows],
        splits: &[Split],
    ) -> Piloted<'a> {
        let small: Vec<(Box<dyn Searchable>, &PilotRows)> =
            pilots.iter().map(|pilot| (Box::new(small()) as Box<dyn Searchable>, pilot)).collect();
        Piloted::new(comm, Box::new(full), &small, splits).expect("counts")
    }

    #[test]
    fn small_fits_are_on_every_fourth_row_of_the_first_fold() {
        let splits = splits();
        let pilots = PilotRows::of(&counting(), &splits);
        assert_eq!(pilots.len(), 2);
        for (pilot, step) in pilots.iter().zip([4, 8]) {
            let sizes = (pilot.split.train.len(), pilot.split.test.len());
            assert_eq!(sizes, (4000 / step, 1000usize.div_ceil(step)));
            for (places, rows) in
                [(&pilot.split.train, &splits[0].train), (&pilot.split.test, &splits[0].test)]
            {
                assert!(
                    places.iter().zip(rows.iter().step_by(step)).all(|(&at, row)| pilot.rows[at] == *row)
                );
            }
        }
        assert!(PilotRows::of(&Counting { counts: false, ..counting() }, &splits).is_empty());
        assert!(PilotRows::of(&counting(), &splits[..0]).is_empty());
        for (n_train, n_pilots) in [(1000, 0), (1600, 1), (3200, 2)] {
            let few = Split { train: (0..n_train).collect(), test: vec![n_train] };
            assert_eq!(PilotRows::of(&Counting { needs: 1e9, ..counting() }, &[few]).len(), n_pilots);
        }
    }

    /// Seven tenths of the operations are those of the first chain, on every rank and fold.
    #[test]
    fn chains_cost_what_their_small_fits_counted() {
        let splits = splits();
        let pilots = PilotRows::of(&counting(), &splits);
        for size in [1, 2, 5] {
            let costs = run_threads(size, |comm| {
                let piloted = piloted(comm, counting(), counting, &pilots, &splits);
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

    /// On 1,000 rows both chains of a fold cost the same as if neither grew faster.
    #[test]
    fn chains_whose_operations_grow_faster_cost_more() {
        let splits = splits();
        let cost_of_two = |growth: f64, n_pilots: usize| {
            let small = || Counting { growth, ..counting() };
            let pilots = &PilotRows::of(&counting(), &splits)[..n_pilots];
            let chains = piloted(&Single::new(), counting(), small, pilots, &splits).chains(&splits);
            chains[1].cost / chains[0].cost
        };
        let unknown = [1.0, 1.4].map(|growth| cost_of_two(growth, 1));
        assert!(
            (unknown[0] - 3.0 / 7.0).abs() < 1e-3 && (unknown[1] - unknown[0]).abs() < 1e-3,
            "{unknown:?}"
        );
        let known = [1.0, 1.4].map(|growth| cost_of_two(growth, 2));
        assert!((known[0] - unknown[0]).abs() < 1e-3, "{known:?}");
        // Four times as many rows: 4^0.4, of which not all is believed.
        let ratio = known[1] / known[0];
        assert!(ratio > 1.3 && ratio < 4f64.powf(0.4), "{ratio}");
    }

    #[test]
    fn chains_that_small_fits_settle_join_the_chain_of_these() {
        let splits = splits();
        let pilots = PilotRows::of(&counting(), &splits);
        let joined = |settled: &[usize]| {
            let small = || Counting { settled: settled.to_vec(), ..counting() };
            let piloted = piloted(&Single::new(), counting(), small, &pilots, &splits);
            let chains = piloted.chains(&splits);
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
        let pilots = PilotRows::of(&counting(), &splits);
        let sharing = [Sharing::With((0, 0)), Sharing::Before];
        for (size, sharing) in [1, 3, 8].into_iter().flat_map(|size| sharing.map(|s| (size, s))) {
            let costs = run_threads(size, |comm| {
                let full = Counting { sharing, ..counting() };
                let piloted = piloted(comm, full, counting, &pilots, &splits);
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
        let pilots = PilotRows::of(&counting(), &splits);
        for fails in [0, 1] {
            let small = || Counting { fails: Some(fails), ..counting() };
            let piloted = piloted(&Single::new(), counting(), small, &pilots, &splits);
            let costs: Vec<f64> = piloted.chains(&splits).iter().map(|chain| chain.cost).collect();
            assert_eq!(costs, [4e10, 8e10, 4e10, 8e10]);
        }
    }
}
