//! Which rank does which chains.

use std::collections::BTreeSet;

use super::task::{Chain, FitId};
use crate::partition::{Assignment, longest_first, multifit};

/// The chains that are still to be done and the rank of each: a pure function of the chains, of what is known and
/// of the number of ranks.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPlan {
    /// The chains with the fits that are left of them.
    pub chains: Vec<Chain>,
    /// For each of `chains` its index in the whole search.
    pub origin: Vec<usize>,
    /// Into how many parts each of `chains` can be cut.
    pub most_parts: Vec<usize>,
    /// What is done by one rank at a time, in the chains' order.
    pub tasks: Vec<Task>,
    /// Positions in `tasks` for each rank, in the order in which it does them.
    pub assignment: Assignment,
}

/// A chain, or a part of one that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Position of the chain.
    pub chain: usize,
    /// Which part.
    pub part: usize,
    /// Into how many it is cut; 1 for a whole chain.
    pub n_parts: usize,
}

/// The part of a rank's share that a chain may be without being cut.
const COARSE: f64 = 0.25;

impl SweepPlan {
    /// The plan for `size` ranks of all chains, nothing being known and none to be cut.
    pub fn new(chains: &[Chain], size: usize) -> Self {
        Self::cut(chains, &|_| 1, size)
    }

    /// The same where a chain may be cut into as many parts as `n_parts` says.
    pub fn cut(chains: &[Chain], n_parts: &dyn Fn(&Chain) -> usize, size: usize) -> Self {
        Self::resumed(chains, &BTreeSet::new(), true, n_parts, size)
    }

    /// The plan of what is left when `known` fits are done.
    ///
    /// A chain of which only some fits are known is done from its start unless its fits are `independent`.
    /// Chains that are long beside a rank's share are cut, at the places that are their own.
    pub fn resumed(
        chains: &[Chain],
        known: &BTreeSet<FitId>,
        independent: bool,
        n_parts: &dyn Fn(&Chain) -> usize,
        size: usize,
    ) -> Self {
        let (origin, chains): (Vec<usize>, Vec<Chain>) = chains
            .iter()
            .enumerate()
            .filter_map(|(index, chain)| Some((index, remainder(chain, known, independent)?)))
            .unzip();
        let share = chains.iter().map(|chain| chain.cost).sum::<f64>() / size as f64;
        let mut tasks = Vec::with_capacity(chains.len());
        let most_parts: Vec<usize> = chains.iter().map(|chain| n_parts(chain).max(1)).collect();
        for (at, chain) in chains.iter().enumerate() {
            let n_parts = if chain.cost > COARSE * share { most_parts[at] } else { 1 };
            tasks.extend((0..n_parts).map(|part| Task { chain: at, part, n_parts }));
        }
        let costs: Vec<f64> =
            tasks.iter().map(|task| chains[task.chain].cost / task.n_parts as f64).collect();
        Self { assignment: assign(&costs, size), chains, origin, most_parts, tasks }
    }

    /// The rank that joins the parts of a chain: that of its first part.
    pub(super) fn joiner(&self, chain: usize) -> usize {
        let has = |&position: &usize| self.tasks[position].chain == chain && self.tasks[position].part == 0;
        self.assignment.tasks.iter().position(|tasks| tasks.iter().any(has)).unwrap_or(0)
    }

    /// Positions of the chains that are cut.
    pub fn cut_chains(&self) -> impl Iterator<Item = usize> {
        self.tasks.iter().filter(|task| task.n_parts > 1 && task.part == 0).map(|task| task.chain)
    }

    /// The fits of a task; of the parts of one chain, the first has them all.
    pub fn n_fits_of(&self, task: Task) -> usize {
        if task.part == 0 { self.chains[task.chain].fits.len() } else { 0 }
    }

    /// The fits that the plan does.
    pub fn n_fits(&self) -> usize {
        self.chains.iter().map(|chain| chain.fits.len()).sum()
    }
}

/// What packing must save to be worth more than mixing.
const PACKED: f64 = 1.02;

/// The longest tasks first, unless packing ends sooner by far; each rank does its tasks in their order.
///
/// Costs are foretold, and those of neighbours are wrong alike. The longest first deals tasks that cost about the same, such as
/// the folds of a candidate, to different ranks, where what they are wrong by evens out; runs of neighbours on one rank, or
/// boxes filled with the longest ones, add it up.
fn assign(costs: &[f64], size: usize) -> Assignment {
    let longest = |a: &Assignment| a.load.iter().copied().fold(0.0, f64::max);
    let (mixed, packed) = (longest_first(costs, size), multifit(costs, size));
    let mut best = if PACKED * longest(&packed) < longest(&mixed) { packed } else { mixed };
    best.tasks.iter_mut().for_each(|tasks| tasks.sort_unstable());
    best
}

/// What is left of a chain, its cost taken as spread evenly over its fits.
fn remainder(chain: &Chain, known: &BTreeSet<FitId>, independent: bool) -> Option<Chain> {
    let missing: Vec<FitId> = chain.fits.iter().copied().filter(|id| !known.contains(id)).collect();
    if missing.is_empty() {
        return None;
    }
    if !independent {
        return Some(chain.clone());
    }
    let cost = chain.cost * missing.len() as f64 / chain.fits.len() as f64;
    Some(Chain { fits: missing, cost })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(candidates: &[usize], cost: f64) -> Chain {
        Chain { fits: candidates.iter().map(|&candidate| FitId { candidate, fold: 0 }).collect(), cost }
    }

    #[test]
    fn known_fits_are_left_out() {
        let chains = [chain(&[0, 1], 4.0), chain(&[2, 3], 2.0), chain(&[4], 1.0)];
        let known = BTreeSet::from([1, 2, 3].map(|candidate| FitId { candidate, fold: 0 }));
        let plan = SweepPlan::resumed(&chains, &known, true, &|_| 1, 2);
        assert_eq!(plan.origin, [0, 2]);
        assert_eq!(plan.chains, [chain(&[0], 2.0), chain(&[4], 1.0)]);
        assert_eq!(plan.assignment.tasks, [vec![0], vec![1]]);
    }

    #[test]
    fn tasks_of_one_cost_are_dealt_unless_packing_saves_much() {
        let chains = |costs: &[f64]| -> Vec<Chain> {
            costs.iter().enumerate().map(|(i, &cost)| chain(&[i], cost)).collect()
        };
        let tasks = |costs: &[f64], size| SweepPlan::new(&chains(costs), size).assignment.tasks;
        assert_eq!(tasks(&[1.0, 1.0, 3.0, 3.0, 2.0, 2.0], 2), [vec![0, 2, 4], vec![1, 3, 5]]);
        // The longest first would end at 11.
        let packed = tasks(&[5.0, 5.0, 4.0, 4.0, 3.0, 3.0, 3.0], 3);
        assert_eq!(packed, [vec![0, 2], vec![1, 3], vec![4, 5, 6]]);
    }

    #[test]
    fn a_chain_whose_fits_depend_on_each_other_starts_again() {
        let chains = [chain(&[0, 1], 4.0), chain(&[2], 2.0)];
        let known = BTreeSet::from([0, 2].map(|candidate| FitId { candidate, fold: 0 }));
        assert_eq!(SweepPlan::resumed(&chains, &known, false, &|_| 1, 1).chains, chains[..1]);
    }

    #[test]
    fn chains_that_are_long_beside_a_share_are_cut() {
        let chains = [chain(&[0], 8.0), chain(&[1], 8.0), chain(&[2], 0.5)];
        let plan = |size: usize| SweepPlan::cut(&chains, &|chain| 4 * chain.fits.len(), size);
        assert_eq!(plan(1).tasks.len(), 3 + 2 * 3);
        assert_eq!(plan(4).tasks.len(), 3 + 2 * 3);
        assert_eq!(plan(4).cut_chains().collect::<Vec<_>>(), [0, 1]);
        let longest = plan(4).assignment.load.iter().copied().fold(0.0, f64::max);
        assert!(longest <= 4.5, "{longest}");
        let few: Vec<Chain> = (0..40).map(|i| chain(&[i], 1.0)).collect();
        assert_eq!(SweepPlan::cut(&few, &|_| 4, 2).tasks.len(), 40);
    }
}
