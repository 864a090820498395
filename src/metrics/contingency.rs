//! How often each pair of labels occurs: what scores of predicted classes and of clusterings follow from.

use serde::{Deserialize, Serialize};

use super::class_counts::ClassCounts;
use crate::comm::Partial;

/// The rows of each pair (target, prediction) that occurs, ascending; exact, in integers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Contingency {
    /// Target, prediction, rows.
    cells: Vec<(f64, f64, u64)>,
}

impl Contingency {
    /// The counts of rows with targets `y_true` and predictions `y_pred`, both `(n_samples,)`.
    pub fn new(y_true: &[f64], y_pred: &[f64]) -> Self {
        debug_assert_eq!(y_true.len(), y_pred.len());
        let mut counts = Self::default();
        // Adding 0 makes one label of 0 and −0.
        y_true.iter().zip(y_pred).for_each(|(truth, predicted)| counts.add(truth + 0.0, predicted + 0.0, 1));
        counts
    }

    fn add(&mut self, truth: f64, predicted: f64, rows: u64) {
        let order = |cell: &(f64, f64, u64)| cell.0.total_cmp(&truth).then(cell.1.total_cmp(&predicted));
        match self.cells.binary_search_by(order) {
            Ok(at) => self.cells[at].2 += rows,
            Err(at) => self.cells.insert(at, (truth, predicted, rows)),
        }
    }

    /// Pairs that occur.
    pub fn n_cells(&self) -> usize {
        self.cells.len()
    }

    /// Rows counted.
    pub fn n_samples(&self) -> u64 {
        self.cells.iter().map(|(.., rows)| rows).sum()
    }

    /// The labels that occur on either side, ascending.
    pub fn labels(&self) -> Vec<f64> {
        let mut labels: Vec<f64> =
            self.cells.iter().flat_map(|(truth, predicted, _)| [*truth, *predicted]).collect();
        labels.sort_unstable_by(f64::total_cmp);
        labels.dedup();
        labels
    }

    /// Rows of label `labels[i]` predicted as `labels[j]`, `(n, n)`; pairs with other labels are left out.
    pub fn matrix(&self, labels: &[f64]) -> Vec<u64> {
        let place = |label: f64| labels.iter().position(|known| *known == label);
        let mut matrix = vec![0; labels.len() * labels.len()];
        for &(truth, predicted, rows) in &self.cells {
            if let (Some(i), Some(j)) = (place(truth), place(predicted)) {
                matrix[i * labels.len() + j] = rows;
            }
        }
        matrix
    }

    /// The counts by class.
    pub fn class_counts(&self) -> ClassCounts {
        let classes = self.labels();
        let k = classes.len();
        let (mut hits, mut truth, mut predicted) = (vec![0; k], vec![0; k], vec![0; k]);
        let place = |label: f64| classes.partition_point(|known| known.total_cmp(&label).is_lt());
        for &(of, at, rows) in &self.cells {
            truth[place(of)] += rows;
            predicted[place(at)] += rows;
            if of == at {
                hits[place(of)] += rows;
            }
        }
        ClassCounts { classes, hits, truth, predicted }
    }

    /// How well two labellings agree on which rows belong together, corrected for chance: 1 for the same grouping,
    /// about 0 for unrelated ones. 1 without rows.
    ///
    /// # References
    /// Hubert & Arabie, Comparing partitions, 1985, eq. 5.
    pub fn adjusted_rand(&self) -> f64 {
        let counts = self.class_counts();
        let n = u128::from(self.n_samples());
        let squares = |counts: &[u64]| counts.iter().map(|&c| u128::from(c) * u128::from(c)).sum::<u128>();
        let both: u128 = self.cells.iter().map(|&(.., rows)| u128::from(rows) * u128::from(rows)).sum();
        // Ordered pairs of rows: together in both, in the prediction only, in the target only, in neither.
        let together = both - n;
        let (predicted_only, target_only) =
            (squares(&counts.predicted) - both, squares(&counts.truth) - both);
        if predicted_only == 0 && target_only == 0 {
            return 1.0;
        }
        let neither = n * n - predicted_only - target_only - both;
        let [together, predicted_only, target_only, neither] =
            [together, predicted_only, target_only, neither].map(|pairs| pairs as f64);
        let above = 2.0 * (together * neither - target_only * predicted_only);
        let below = (together + target_only) * (target_only + neither)
            + (together + predicted_only) * (predicted_only + neither);
        above / below
    }
}

impl Partial for Contingency {
    fn merge(&mut self, right: Self) {
        right.cells.into_iter().for_each(|(truth, predicted, rows)| self.add(truth, predicted, rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_merge_and_lead_to_those_by_class() {
        let y_true = [0.0, 2.0, 2.0, 1.0, 0.0, 5.0, -1.0, -0.0];
        let y_pred = [0.0, 2.0, 1.0, 1.0, 3.0, 5.0, 0.0, 0.0];
        let whole = Contingency::new(&y_true, &y_pred);
        assert_eq!(whole.class_counts(), ClassCounts::new(&y_true, &y_pred));
        for cut in 0..=y_true.len() {
            let mut left = Contingency::new(&y_true[..cut], &y_pred[..cut]);
            left.merge(Contingency::new(&y_true[cut..], &y_pred[cut..]));
            assert_eq!(left, whole);
        }
        assert_eq!(whole.matrix(&[0.0, 2.0, 1.0]), [2, 0, 0, 0, 1, 1, 0, 0, 1]);
    }

    #[test]
    fn the_rand_index_does_not_care_for_names() {
        let index = |a: &[f64], b: &[f64]| Contingency::new(a, b).adjusted_rand();
        assert_eq!(index(&[0.0, 0.0, 1.0, 1.0], &[7.0, 7.0, 3.0, 3.0]), 1.0);
        assert_eq!(index(&[0.0, 0.0, 0.0, 0.0], &[0.0, 1.0, 2.0, 3.0]), 0.0);
        assert_eq!(index(&[], &[]), 1.0);
        // The example of scikit-learn's documentation: 4/7.
        assert_eq!(index(&[0.0, 0.0, 1.0, 2.0], &[0.0, 0.0, 1.0, 1.0]), 4.0 / 7.0);
    }
}
