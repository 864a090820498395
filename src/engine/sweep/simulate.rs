//! What a schedule would come to on other numbers of ranks.

use super::plan::SweepPlan;
use super::task::{Chain, FitId};

/// What ranks would do with chains whose seconds are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulated {
    /// Ranks.
    pub n_ranks: usize,
    /// Seconds of the busiest rank, which is when the sweep ends.
    pub makespan_s: f64,
    /// The share of all ranks' seconds up to then in which they work.
    pub utilisation: f64,
    /// Chains, and parts of those that are cut.
    pub n_tasks: usize,
    /// Seconds that no schedule can beat: max(mean, longest task).
    pub lower_bound_s: f64,
}

/// Plans chains by their `predicted` costs for `n_ranks` ranks, as a sweep would, and has them take `seconds`: the parts of
/// one that can be cut into as many as `parts` says, and is, equally long.
///
/// # Panics
/// When the three are not of one length.
pub fn simulate(predicted: &[f64], seconds: &[f64], parts: &[usize], n_ranks: usize) -> Simulated {
    assert!(predicted.len() == seconds.len() && parts.len() == seconds.len(), "as many of each as chains");
    let chain = |(candidate, &cost): (usize, &f64)| Chain { fits: vec![FitId { candidate, fold: 0 }], cost };
    let chains: Vec<Chain> = predicted.iter().enumerate().map(chain).collect();
    let plan = SweepPlan::cut(&chains, &|chain| parts[chain.fits[0].candidate], n_ranks);
    let takes = |position: usize| {
        let task = plan.tasks[position];
        seconds[task.chain] / task.n_parts as f64
    };
    let busy = |tasks: &Vec<usize>| tasks.iter().map(|&position| takes(position)).sum::<f64>();
    let makespan_s = plan.assignment.tasks.iter().map(busy).fold(0.0, f64::max);
    let mean = seconds.iter().sum::<f64>() / n_ranks as f64;
    Simulated {
        n_ranks,
        makespan_s,
        utilisation: if makespan_s > 0.0 { mean / makespan_s } else { 1.0 },
        n_tasks: plan.tasks.len(),
        lower_bound_s: (0..plan.tasks.len()).map(takes).fold(mean, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{self, Purpose};

    /// Costs such as those of the chains of SVC: 5 folds, kernels of which some take longer, C from 0.01 to 100.
    fn grid(n_chains: usize) -> Vec<f64> {
        let cost = |chain: usize| {
            let c = 10f64.powf((chain / 5 % 10) as f64 / 9.0 * 4.0 - 2.0);
            4.0 + [0.3, 0.6, 1.2][chain / 50 % 3] * c.sqrt() + 8.0 / (1.0 + 100.0 * c)
        };
        (0..n_chains).map(cost).collect()
    }

    fn drawn(n_chains: usize) -> Vec<f64> {
        let mut rng = rng::stream(1, Purpose::Design, 0);
        (0..n_chains).map(|_| 0.2 + 1.6 * rng::uniform(&mut rng)).collect()
    }

    #[test]
    fn ranks_are_busy_where_each_has_four_chains() {
        for power in 1..=12 {
            let n_ranks = 1 << power;
            for per_rank in [4, 5, 7, 16] {
                for costs in [grid(n_ranks * per_rank), drawn(n_ranks * per_rank)] {
                    let found = simulate(&costs, &costs, &vec![1; costs.len()], n_ranks);
                    assert!(found.utilisation >= 0.9, "{per_rank} chains a rank: {found:?}");
                }
            }
        }
    }

    #[test]
    fn seconds_are_those_of_the_planned_chains() {
        // Planned as [0] and [1, 2]; the first takes longer than was predicted.
        let found = simulate(&[3.0, 1.0, 1.0], &[6.0, 1.0, 2.0], &[1; 3], 2);
        assert_eq!((found.makespan_s, found.utilisation, found.lower_bound_s), (6.0, 0.75, 6.0));
        assert_eq!(simulate(&[], &[], &[], 3).utilisation, 1.0);
    }

    #[test]
    fn what_can_be_cut_keeps_more_ranks_busy() {
        let found = |parts: usize| simulate(&[1.0; 5], &[1.0; 5], &[parts; 5], 16);
        assert_eq!((found(1).n_tasks, found(1).makespan_s), (5, 1.0));
        assert_eq!(found(20).n_tasks, 100);
        assert!(found(20).utilisation > 0.85, "{:?}", found(20));
    }
}
