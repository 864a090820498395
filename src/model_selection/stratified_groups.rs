//! Folds that keep groups together and classes in proportion.

use super::folds::check_classes;
use super::group_folds::Groups;
use crate::error::Result;
use crate::metrics::pairwise_sum;
use crate::rng::{self, Purpose};

/// Folds of whole groups with about each class's share of rows.
///
/// Groups come in the order of how unevenly their rows are spread over the classes, the most uneven first (among
/// equals in the order of their numbers, or at random with a seed). Each goes to the fold that leaves the shares of
/// the classes the most even over the folds; among folds as good, to the one with the fewest rows. Means and
/// deviations are formed in NumPy's order of sums, so that ties are broken as scikit-learn breaks them.
/// O(n + groups · folds² · classes).
pub(super) fn stratified_group_k_fold(
    y: &[f64],
    groups: &[i64],
    n_splits: usize,
    seed: Option<u64>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Vec<usize>>> {
    let classes = Classes::new(y);
    check_classes(&classes.counts, n_splits, warnings)?;
    let groups = Groups::new(groups);
    groups.check(n_splits)?;
    let rows = groups.rows();
    let mut order: Vec<usize> = (0..groups.n).collect();
    if let Some(seed) = seed {
        rng::shuffle(&mut rng::stream(seed, Purpose::Split, 0), &mut order);
    }
    let unevenness: Vec<f64> =
        rows.iter().map(|rows| deviation(&classes.among(rows), pairwise_sum)).collect();
    order.sort_by(|&a, &b| unevenness[b].total_cmp(&unevenness[a]));
    let mut folds = Folds::new(&classes.counts, n_splits);
    let mut fold_of_group = vec![0; groups.n];
    for group in order {
        fold_of_group[group] = folds.deal(&classes.among(&rows[group]));
    }
    Ok(groups.folds(&fold_of_group, n_splits))
}

/// Each row's class in ascending order, and how many rows each has.
struct Classes {
    of_row: Vec<usize>,
    counts: Vec<usize>,
}

impl Classes {
    fn new(y: &[f64]) -> Self {
        let mut unique = y.to_vec();
        unique.sort_unstable_by(f64::total_cmp);
        // 0 and -0 are one class.
        unique.dedup();
        let of_row: Vec<usize> =
            y.iter().map(|class| unique.partition_point(|known| known < class)).collect();
        let mut counts = vec![0; unique.len()];
        of_row.iter().for_each(|&class| counts[class] += 1);
        Self { of_row, counts }
    }

    /// How many of some rows are of each class.
    fn among(&self, rows: &[usize]) -> Vec<f64> {
        let mut counts = vec![0.0; self.counts.len()];
        rows.iter().for_each(|&row| counts[self.of_row[row]] += 1.0);
        counts
    }
}

/// The rows of each class in each fold so far.
struct Folds<'a> {
    of_class: &'a [usize],
    /// `(n_splits, n_classes)`
    counts: Vec<Vec<f64>>,
}

impl<'a> Folds<'a> {
    fn new(of_class: &'a [usize], n_splits: usize) -> Self {
        Self { of_class, counts: vec![vec![0.0; of_class.len()]; n_splits] }
    }

    /// Puts a group, given by its rows of each class, where it fits best, and says where that is.
    fn deal(&mut self, group: &[f64]) -> usize {
        let (mut best, mut least, mut fewest) = (0, f64::INFINITY, f64::INFINITY);
        for fold in 0..self.counts.len() {
            let unevenness = self.unevenness_with(fold, group);
            let n_rows: f64 = self.counts[fold].iter().sum();
            if unevenness < least || (is_close(unevenness, least) && n_rows < fewest) {
                (best, least, fewest) = (fold, unevenness, n_rows);
            }
        }
        self.counts[best].iter_mut().zip(group).for_each(|(count, rows)| *count += rows);
        best
    }

    /// The mean over the classes of the deviation of their shares over the folds, were the group in `fold`.
    fn unevenness_with(&self, fold: usize, group: &[f64]) -> f64 {
        // NumPy adds over folds one after the other, but for a single class, whose shares lie side by side.
        let sum = if group.len() == 1 { pairwise_sum } else { one_by_one };
        let mut shares = vec![0.0; self.counts.len()];
        let mut deviations = Vec::with_capacity(group.len());
        for (class, (&rows, &total)) in group.iter().zip(self.of_class).enumerate() {
            for (share, counts) in shares.iter_mut().zip(&self.counts) {
                *share = counts[class] / total as f64;
            }
            shares[fold] = (self.counts[fold][class] + rows) / total as f64;
            deviations.push(deviation(&shares, sum));
        }
        pairwise_sum(&deviations) / deviations.len() as f64
    }
}

fn one_by_one(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

/// The standard deviation as `numpy.std` forms it with such sums.
fn deviation(values: &[f64], sum: fn(&[f64]) -> f64) -> f64 {
    let n = values.len() as f64;
    let mean = sum(values) / n;
    let squares: Vec<f64> = values.iter().map(|value| (value - mean) * (value - mean)).collect();
    (sum(&squares) / n).sqrt()
}

/// `numpy.isclose` with its default tolerances.
fn is_close(value: f64, reference: f64) -> bool {
    (value - reference).abs() <= 1e-8 + 1e-5 * reference.abs()
}
