//! Static partition of tasks by cost: the longest task first, always to the rank with the least work so far.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Which rank does which tasks, and what each rank's share costs by the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// For each rank the indices of its tasks, in the order in which it does them.
    pub tasks: Vec<Vec<usize>>,
    /// For each rank the sum of its tasks' costs.
    pub load: Vec<f64>,
}

/// Assigns every task to one of `size` ranks (Graham 1969, "Bounds on multiprocessing timing anomalies": at most
/// 4/3 of the best possible makespan).
///
/// Ties go to the lower task and the lower rank, so every rank computes the same table. A rank may get nothing.
/// Costs need only be comparable with each other; a cost that is not finite counts as 0.
pub fn longest_first(costs: &[f64], size: usize) -> Assignment {
    let cost = |task: usize| if costs[task].is_finite() { costs[task].max(0.0) } else { 0.0 };
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|&a, &b| cost(b).total_cmp(&cost(a)).then(a.cmp(&b)));

    let mut assignment = Assignment { tasks: vec![Vec::new(); size], load: vec![0.0; size] };
    // Among equally loaded ranks the one with fewer tasks comes first, so that free tasks spread as well.
    let mut ranks: BinaryHeap<Reverse<(Load, usize, usize)>> =
        (0..size).map(|rank| Reverse((Load(0.0), 0, rank))).collect();
    for task in order {
        let Some(Reverse((_, _, rank))) = ranks.pop() else { break };
        assignment.tasks[rank].push(task);
        assignment.load[rank] += cost(task);
        ranks.push(Reverse((Load(assignment.load[rank]), assignment.tasks[rank].len(), rank)));
    }
    assignment
}

/// A finite load, ordered.
#[derive(PartialEq)]
struct Load(f64);

impl Eq for Load {}

impl PartialOrd for Load {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Load {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_one_rank_and_long_ones_go_first() {
        let costs = [1.0, 9.0, 3.0, 3.0, 2.0, 8.0, 0.0];
        for size in 1..12 {
            let assignment = longest_first(&costs, size);
            let mut seen: Vec<usize> = assignment.tasks.iter().flatten().copied().collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..costs.len()).collect::<Vec<_>>());
            for tasks in &assignment.tasks {
                assert!(tasks.windows(2).all(|pair| costs[pair[0]] >= costs[pair[1]]));
            }
        }
        assert_eq!(longest_first(&costs, 2).load, [13.0, 13.0]);
    }

    #[test]
    fn equal_tasks_spread_evenly() {
        let assignment = longest_first(&[0.0; 10], 4);
        let lengths: Vec<usize> = assignment.tasks.iter().map(Vec::len).collect();
        assert_eq!(lengths, [3, 3, 2, 2]);
        assert_eq!(longest_first(&[f64::NAN, 1.0], 2).load, [1.0, 0.0]);
    }
}
