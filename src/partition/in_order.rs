//! Tasks that are best done beside their neighbours, cut into one run a rank.

use super::Assignment;

/// Assigns to each of `size` ranks a run of neighbouring tasks: a task goes to the rank whose equal share of the whole
/// cost its middle lies in.
///
/// No rank gets more than its share and the cost of one task. Every rank computes the same table. A cost that is not
/// finite counts as 0; where all are 0, the first rank gets everything.
pub fn in_order(costs: &[f64], size: usize) -> Assignment {
    let cost = |task: usize| if costs[task].is_finite() { costs[task].max(0.0) } else { 0.0 };
    let total: f64 = (0..costs.len()).map(cost).sum();
    let mut assignment = Assignment { tasks: vec![Vec::new(); size], load: vec![0.0; size] };
    let mut before = 0.0;
    for task in 0..costs.len() {
        let middle = before + cost(task) / 2.0;
        let rank = if total > 0.0 { (middle / total * size as f64) as usize } else { 0 };
        let rank = rank.min(size - 1);
        assignment.tasks[rank].push(task);
        assignment.load[rank] += cost(task);
        before += cost(task);
    }
    assignment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_one_rank_and_no_rank_much_more_than_its_share() {
        let costs: Vec<f64> = (0..57).map(|i| f64::from(i * i % 11)).collect();
        for size in 1..70 {
            let assignment = in_order(&costs, size);
            assert_eq!(assignment.tasks.concat(), (0..57).collect::<Vec<_>>());
            let share = costs.iter().sum::<f64>() / size as f64;
            assert!(assignment.load.iter().all(|&load| load <= share + 10.0));
        }
        assert_eq!(in_order(&[f64::NAN, 1.0, 1.0], 2).tasks, [vec![0, 1], vec![2]]);
    }
}
