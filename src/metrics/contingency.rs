//! How often each pair of labels occurs: what scores of predicted classes and of clusterings follow from.

use serde::{Deserialize, Serialize};

use super::agreement::Agreement;
use super::class_counts::ClassCounts;
use crate::comm::Partial;

/// The rows of each pair (target, prediction) that occurs, and their weight, ascending.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Contingency {
    cells: Vec<Cell>,
}

/// What rows of one target and prediction come to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Cell {
    truth: f64,
    predicted: f64,
    /// Their number, exact.
    rows: u64,
    /// Σ of their weights.
    weight: f64,
}

impl Contingency {
    /// The counts of rows with targets `y_true`, predictions `y_pred` and `weights`, all `(n_samples,)`; without
    /// weights each row counts once.
    pub fn new(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> Self {
        debug_assert_eq!(y_true.len(), y_pred.len());
        let mut counts = Self::default();
        for (row, (truth, predicted)) in y_true.iter().zip(y_pred).enumerate() {
            let weight = weights.get(row).copied().unwrap_or(1.0);
            // Adding 0 makes one label of 0 and −0.
            counts.add(Cell { truth: truth + 0.0, predicted: predicted + 0.0, rows: 1, weight });
        }
        counts
    }

    fn add(&mut self, cell: Cell) {
        let order = |known: &Cell| {
            known.truth.total_cmp(&cell.truth).then(known.predicted.total_cmp(&cell.predicted))
        };
        match self.cells.binary_search_by(order) {
            Ok(at) => {
                self.cells[at].rows += cell.rows;
                self.cells[at].weight += cell.weight;
            }
            Err(at) => self.cells.insert(at, cell),
        }
    }

    /// Pairs that occur.
    pub fn n_cells(&self) -> usize {
        self.cells.len()
    }

    /// Rows counted.
    pub fn n_samples(&self) -> u64 {
        self.cells.iter().map(|cell| cell.rows).sum()
    }

    /// The labels that occur on either side, ascending.
    pub fn labels(&self) -> Vec<f64> {
        let mut labels: Vec<f64> = self.cells.iter().flat_map(|cell| [cell.truth, cell.predicted]).collect();
        labels.sort_unstable_by(f64::total_cmp);
        labels.dedup();
        labels
    }

    /// Weight of the rows of label `labels[i]` predicted as `labels[j]`, `(n, n)`; pairs with other labels are left out.
    pub fn matrix(&self, labels: &[f64]) -> Vec<f64> {
        let place = |label: f64| labels.iter().position(|known| *known == label);
        let mut matrix = vec![0.0; labels.len() * labels.len()];
        for cell in &self.cells {
            if let (Some(i), Some(j)) = (place(cell.truth), place(cell.predicted)) {
                matrix[i * labels.len() + j] = cell.weight;
            }
        }
        matrix
    }

    /// The weights by class.
    pub fn class_counts(&self) -> ClassCounts {
        self.by_class(|cell| cell.weight)
    }

    fn by_class(&self, of: impl Fn(&Cell) -> f64) -> ClassCounts {
        let classes = self.labels();
        let k = classes.len();
        let (mut hits, mut truth, mut predicted) = (vec![0.0; k], vec![0.0; k], vec![0.0; k]);
        let place = |label: f64| classes.partition_point(|known| known.total_cmp(&label).is_lt());
        for cell in &self.cells {
            truth[place(cell.truth)] += of(cell);
            predicted[place(cell.predicted)] += of(cell);
            if cell.truth == cell.predicted {
                hits[place(cell.truth)] += of(cell);
            }
        }
        ClassCounts { classes, hits, truth, predicted }
    }

    /// How the rows are grouped on both sides.
    pub fn agreement(&self) -> Agreement {
        let counts = self.by_class(|cell| cell.rows as f64);
        let place = |label: f64| counts.classes.partition_point(|known| known.total_cmp(&label).is_lt());
        // Numbers of rows, exact in a double.
        let rows = |counts: &[f64], label: f64| counts[place(label)] as u64;
        let cell = |cell: &Cell| {
            [cell.rows, rows(&counts.truth, cell.truth), rows(&counts.predicted, cell.predicted)]
        };
        let sizes =
            |counts: &[f64]| counts.iter().map(|&rows| rows as u64).filter(|rows| *rows > 0).collect();
        Agreement::new(self.cells.iter().map(cell).collect(), sizes(&counts.truth), sizes(&counts.predicted))
    }

    /// As [`Agreement::adjusted_rand`].
    pub fn adjusted_rand(&self) -> f64 {
        self.agreement().adjusted_rand()
    }
}

impl Partial for Contingency {
    fn merge(&mut self, right: Self) {
        right.cells.into_iter().for_each(|cell| self.add(cell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_merge_and_lead_to_those_by_class() {
        let y_true = [0.0, 2.0, 2.0, 1.0, 0.0, 5.0, -1.0, -0.0];
        let y_pred = [0.0, 2.0, 1.0, 1.0, 3.0, 5.0, 0.0, 0.0];
        let whole = Contingency::new(&y_true, &y_pred, &[]);
        assert_eq!(whole.class_counts(), ClassCounts::new(&y_true, &y_pred));
        for cut in 0..=y_true.len() {
            let mut left = Contingency::new(&y_true[..cut], &y_pred[..cut], &[]);
            left.merge(Contingency::new(&y_true[cut..], &y_pred[cut..], &[]));
            assert_eq!(left, whole);
        }
        assert_eq!(whole.matrix(&[0.0, 2.0, 1.0]), [2.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn the_rand_index_does_not_care_for_names() {
        let index = |a: &[f64], b: &[f64]| Contingency::new(a, b, &[]).adjusted_rand();
        assert_eq!(index(&[0.0, 0.0, 1.0, 1.0], &[7.0, 7.0, 3.0, 3.0]), 1.0);
        assert_eq!(index(&[0.0, 0.0, 0.0, 0.0], &[0.0, 1.0, 2.0, 3.0]), 0.0);
        assert_eq!(index(&[], &[]), 1.0);
        // The example of scikit-learn's documentation: 4/7.
        assert_eq!(index(&[0.0, 0.0, 1.0, 2.0], &[0.0, 0.0, 1.0, 1.0]), 4.0 / 7.0);
    }
}
