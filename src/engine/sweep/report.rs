//! Who did what, and how evenly the work was spread.

use serde::{Deserialize, Serialize};

use super::plan::{SweepPlan, Task};

/// One chain, or a part of one that was cut, as it was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainReport {
    /// Its index in the search.
    pub chain: usize,
    /// The rank that did it.
    pub rank: usize,
    /// How many fits it had (those left of it, in a resumed sweep); of parts of one chain, the first has them all.
    pub n_fits: usize,
    /// Into how many parts it can be cut for more ranks; 1 for a part.
    pub most_parts: usize,
    /// Its cost by the estimator's model.
    pub cost: f64,
    /// Its share, by cost, of the seconds that all chains took.
    pub predicted_s: f64,
    /// Seconds it took.
    pub elapsed_s: f64,
}

/// One rank's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankReport {
    /// Chains it did.
    pub n_chains: usize,
    /// Fits it did.
    pub n_fits: usize,
    /// Seconds spent on them.
    pub busy_s: f64,
}

/// Work that fits had in common: how much was asked for, and how much was really done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedWork {
    /// What is counted.
    pub what: String,
    /// How many the fits needed.
    pub asked: u64,
    /// How many were computed; the others were taken from those.
    pub done: u64,
}

/// How a sweep went, equal on all ranks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepReport {
    /// Every chain that was done, in the search's order.
    pub chains: Vec<ChainReport>,
    /// Every rank.
    pub ranks: Vec<RankReport>,
    /// Fits that an earlier run had done.
    pub n_resumed: usize,
    /// Seconds from the start of the sweep to the end of its last fit, as rank 0 saw it.
    pub elapsed_s: f64,
    /// What the fits of all ranks shared, as those who do the fits tell; the engine knows of none.
    pub shared: Vec<SharedWork>,
}

/// Seconds of a rank's tasks, by their positions in the plan, and of the joining of chains, by those of the chains.
pub(super) type RankTimes = (Vec<(usize, f64)>, Vec<(usize, f64)>);

impl SweepReport {
    /// Puts together each rank's `(position in plan, seconds)` pairs of tasks, and of chains whose parts it joined.
    pub(super) fn new(plan: &SweepPlan, times: &[RankTimes], n_resumed: usize, elapsed_s: f64) -> Self {
        let all = times.iter().flat_map(|(times, joined)| times.iter().chain(joined));
        let total: f64 = all.map(|(_, seconds)| seconds).sum();
        let cost: f64 = plan.assignment.load.iter().sum();
        let per_cost = if cost > 0.0 { total / cost } else { 0.0 };
        let mut chains: Vec<ChainReport> = Vec::with_capacity(plan.chains.len());
        let mut ranks = Vec::with_capacity(times.len());
        for (rank, (times, joined)) in times.iter().enumerate() {
            let first = chains.len();
            chains.extend(times.iter().map(|&(position, elapsed_s)| {
                let Task { chain, part, n_parts } = plan.tasks[position];
                let cost = plan.chains[chain].cost / n_parts as f64;
                let n_fits = plan.n_fits_of(plan.tasks[position]);
                let joining = joined.iter().filter(|(of, _)| *of == chain && part == 0);
                let elapsed_s = elapsed_s + joining.map(|(_, seconds)| seconds).sum::<f64>();
                let most_parts = if n_parts > 1 { 1 } else { plan.most_parts[chain] };
                let (chain, predicted_s) = (plan.origin[chain], cost * per_cost);
                ChainReport { chain, rank, n_fits, most_parts, cost, predicted_s, elapsed_s }
            }));
            ranks.push(RankReport {
                n_chains: times.len(),
                n_fits: chains[first..].iter().map(|chain| chain.n_fits).sum(),
                busy_s: chains[first..].iter().map(|chain| chain.elapsed_s).sum(),
            });
        }
        chains.sort_by_key(|chain| chain.chain);
        Self { chains, ranks, n_resumed, elapsed_s, shared: Vec::new() }
    }

    /// Adds a sweep that was done after this one by the same ranks; its chains are numbered on.
    pub fn append(&mut self, next: Self) {
        let first = self.chains.iter().map(|chain| chain.chain + 1).max().unwrap_or(0);
        let numbered = |chain: ChainReport| ChainReport { chain: first + chain.chain, ..chain };
        self.chains.extend(next.chains.into_iter().map(numbered));
        for (rank, more) in self.ranks.iter_mut().zip(next.ranks) {
            rank.n_chains += more.n_chains;
            rank.n_fits += more.n_fits;
            rank.busy_s += more.busy_s;
        }
        for (work, more) in self.shared.iter_mut().zip(next.shared) {
            work.asked += more.asked;
            work.done += more.done;
        }
        self.n_resumed += next.n_resumed;
        self.elapsed_s += next.elapsed_s;
    }

    /// Mean of the ranks' busy seconds.
    pub fn mean_busy_s(&self) -> f64 {
        self.ranks.iter().map(|rank| rank.busy_s).sum::<f64>() / self.ranks.len().max(1) as f64
    }

    /// Busy seconds of the busiest rank.
    pub fn max_busy_s(&self) -> f64 {
        self.ranks.iter().map(|rank| rank.busy_s).fold(0.0, f64::max)
    }

    /// The busiest rank's seconds over the mean: 1 when all ranks work equally long.
    pub fn imbalance(&self) -> f64 {
        let mean = self.mean_busy_s();
        if mean > 0.0 { self.max_busy_s() / mean } else { 1.0 }
    }

    /// Seconds that no schedule of these chains on this many ranks can beat: max(mean, longest chain).
    pub fn lower_bound_s(&self) -> f64 {
        self.chains.iter().map(|chain| chain.elapsed_s).fold(self.mean_busy_s(), f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::super::task::{Chain, FitId};
    use super::*;

    #[test]
    fn figures_follow_from_the_times() {
        let chain = |candidate, cost| Chain { fits: vec![FitId { candidate, fold: 0 }], cost };
        let plan = SweepPlan::new(&[chain(0, 1.0), chain(1, 3.0), chain(2, 2.0)], 2);
        assert_eq!(plan.assignment.tasks, [vec![1], vec![0, 2]]);
        let report = SweepReport::new(
            &plan,
            &[(vec![(1, 4.0)], Vec::new()), (vec![(0, 1.0), (2, 1.0)], Vec::new())],
            0,
            4.0,
        );
        assert_eq!(
            report.chains.iter().map(|c| (c.chain, c.rank)).collect::<Vec<_>>(),
            [(0, 1), (1, 0), (2, 1)]
        );
        assert_eq!(report.chains.iter().map(|c| c.predicted_s).collect::<Vec<_>>(), [1.0, 3.0, 2.0]);
        assert_eq!((report.mean_busy_s(), report.imbalance(), report.lower_bound_s()), (3.0, 4.0 / 3.0, 4.0));
    }
}
