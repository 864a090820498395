//! Which rank does which chains.

use std::collections::BTreeSet;

use super::task::{Chain, FitId};
use crate::partition::{Assignment, in_order, multifit};

/// The chains that are still to be done and the rank of each: a pure function of the chains, of what is known and
/// of the number of ranks.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPlan {
    /// The chains with the fits that are left of them.
    pub chains: Vec<Chain>,
    /// For each of `chains` its index in the whole search.
    pub origin: Vec<usize>,
    /// Positions in `chains` for each rank, in the order in which it does them.
    pub assignment: Assignment,
}

impl SweepPlan {
    /// The plan for `size` ranks of all chains, nothing being known.
    pub fn new(chains: &[Chain], size: usize) -> Self {
        Self::resumed(chains, &BTreeSet::new(), true, size)
    }

    /// The plan of what is left when `known` fits are done.
    ///
    /// A chain of which only some fits are known is done from its start unless its fits are `independent`.
    pub fn resumed(chains: &[Chain], known: &BTreeSet<FitId>, independent: bool, size: usize) -> Self {
        let (origin, chains): (Vec<usize>, Vec<Chain>) = chains
            .iter()
            .enumerate()
            .filter_map(|(index, chain)| Some((index, remainder(chain, known, independent)?)))
            .unzip();
        let costs: Vec<f64> = chains.iter().map(|chain| chain.cost).collect();
        Self { assignment: assign(&costs, size), chains, origin }
    }

    /// The fits that the plan does.
    pub fn n_fits(&self) -> usize {
        self.chains.iter().map(|chain| chain.fits.len()).sum()
    }
}

/// What the longest rank's work may grow by so that neighbouring chains, which share most, stay on one rank.
const NEIGHBOURS: f64 = 1.02;

/// Neighbours on one rank where that costs little balance; in any case each rank does its chains in their order.
fn assign(costs: &[f64], size: usize) -> Assignment {
    let longest = |a: &Assignment| a.load.iter().copied().fold(0.0, f64::max);
    let (together, mut apart) = (in_order(costs, size), multifit(costs, size));
    if longest(&together) > 0.0 && longest(&together) <= NEIGHBOURS * longest(&apart) {
        return together;
    }
    apart.tasks.iter_mut().for_each(|tasks| tasks.sort_unstable());
    apart
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
        let plan = SweepPlan::resumed(&chains, &known, true, 2);
        assert_eq!(plan.origin, [0, 2]);
        assert_eq!(plan.chains, [chain(&[0], 2.0), chain(&[4], 1.0)]);
        assert_eq!(plan.assignment.tasks, [vec![0], vec![1]]);
    }

    #[test]
    fn neighbours_stay_together_where_that_is_balanced() {
        let chains = |costs: &[f64]| -> Vec<Chain> {
            costs.iter().enumerate().map(|(i, &cost)| chain(&[i], cost)).collect()
        };
        let tasks = |costs: &[f64]| SweepPlan::new(&chains(costs), 2).assignment.tasks;
        assert_eq!(tasks(&[1.0, 2.0, 3.0, 3.0, 2.0, 1.0]), [vec![0, 1, 2], vec![3, 4, 5]]);
        assert_eq!(tasks(&[3.0, 1.0, 1.0, 3.0, 4.0]), [vec![1, 2, 4], vec![0, 3]]);
    }

    #[test]
    fn a_chain_whose_fits_depend_on_each_other_starts_again() {
        let chains = [chain(&[0, 1], 4.0), chain(&[2], 2.0)];
        let known = BTreeSet::from([0, 2].map(|candidate| FitId { candidate, fold: 0 }));
        assert_eq!(SweepPlan::resumed(&chains, &known, false, 1).chains, chains[..1]);
    }
}
