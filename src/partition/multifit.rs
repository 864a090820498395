//! Static partition of tasks by cost into equal boxes: the smallest limit under which every rank's share fits.

use super::{Assignment, longest_first};

/// Halvings of the interval in which the limit is sought.
const HALVINGS: usize = 12;

/// Assigns every task to one of `size` ranks (Coffman, Garey, Johnson 1978, "An application of bin-packing to
/// multiprocessor scheduling": at most 13/11 of the best possible makespan), or as [`longest_first`] does where that
/// ends earlier.
///
/// Under a limit each task, the longest first, goes to the first rank that it fits on; the limit is halved towards the
/// least that holds all. Every rank computes the same table. A cost that is not finite counts as 0.
pub fn multifit(costs: &[f64], size: usize) -> Assignment {
    let cost = |task: usize| if costs[task].is_finite() { costs[task].max(0.0) } else { 0.0 };
    let longest = |loads: &[f64]| loads.iter().copied().fold(0.0, f64::max);
    let mut best = longest_first(costs, size);
    let mut order: Vec<usize> = (0..costs.len()).collect();
    order.sort_by(|&a, &b| cost(b).total_cmp(&cost(a)).then(a.cmp(&b)));
    let mean = best.load.iter().sum::<f64>() / size.max(1) as f64;
    let mut low = order.first().map_or(0.0, |&task| cost(task)).max(mean);
    let mut high = longest(&best.load);
    for _ in 0..HALVINGS {
        let limit = (low + high) / 2.0;
        // Where costs are equal or few there is nothing to gain.
        if limit >= high || limit <= low {
            break;
        }
        match first_fit(&order, cost, size, limit) {
            Some(assignment) => {
                high = longest(&assignment.load);
                best = assignment;
            }
            None => low = limit,
        }
    }
    best
}

/// The tasks in `order`, each on the first rank on which the load stays within `limit`; `None` where one fits on none.
fn first_fit(order: &[usize], cost: impl Fn(usize) -> f64, size: usize, limit: f64) -> Option<Assignment> {
    let mut assignment = Assignment { tasks: vec![Vec::new(); size], load: vec![0.0; size] };
    // The least load of the ranks below each node of a binary tree; ranks that are not there are full.
    let n_leaves = size.next_power_of_two();
    let mut least = vec![f64::INFINITY; 2 * n_leaves];
    least[n_leaves..n_leaves + size].fill(0.0);
    (1..n_leaves).rev().for_each(|node| least[node] = least[2 * node].min(least[2 * node + 1]));
    for &task in order {
        if least[1] + cost(task) > limit {
            return None;
        }
        let mut node = 1;
        while node < n_leaves {
            node = if least[2 * node] + cost(task) <= limit { 2 * node } else { 2 * node + 1 };
        }
        assignment.tasks[node - n_leaves].push(task);
        assignment.load[node - n_leaves] += cost(task);
        least[node] = assignment.load[node - n_leaves];
        while node > 1 {
            node /= 2;
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
    }
    Some(assignment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_one_rank_and_none_is_later_than_with_the_longest_first() {
        let costs: Vec<f64> = (0..97).map(|i| f64::from(i * i % 23) + 0.5).collect();
        for size in 1..120 {
            let (found, longest) = (multifit(&costs, size), longest_first(&costs, size));
            let mut seen: Vec<usize> = found.tasks.iter().flatten().copied().collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..97).collect::<Vec<_>>());
            for (tasks, load) in found.tasks.iter().zip(&found.load) {
                assert_eq!(*load, tasks.iter().map(|&task| costs[task]).sum::<f64>());
            }
            let most = |assignment: &Assignment| assignment.load.iter().copied().fold(0.0, f64::max);
            assert!(most(&found) <= most(&longest));
        }
    }

    #[test]
    fn what_can_be_packed_without_a_gap_is() {
        // Graham's example: longest first ends at 11, the best possible at 9.
        let costs = [5.0, 5.0, 4.0, 4.0, 3.0, 3.0, 3.0];
        assert_eq!(longest_first(&costs, 3).load.iter().copied().fold(0.0, f64::max), 11.0);
        assert_eq!(multifit(&costs, 3).load, [9.0; 3]);
        assert!(multifit(&[], 3).load.iter().all(|&load| load == 0.0));
        assert_eq!(multifit(&[f64::NAN, 1.0], 1).tasks, [vec![1, 0]]);
    }
}
