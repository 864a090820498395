//! What every score of predicted classes follows from.

use serde::{Deserialize, Serialize};

use super::class_sums::ClassSums;
use crate::comm::Partial;

/// For each class that occurs: its rows, the rows predicted as it, and those of both. O(n_classes) numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// The classes that occur as a target or as a prediction, ascending.
    pub classes: Vec<f64>,
    /// Rows of the class that were predicted as it.
    pub hits: Vec<u64>,
    /// Rows of the class.
    pub truth: Vec<u64>,
    /// Rows predicted as the class.
    pub predicted: Vec<u64>,
}

/// How scores of single classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// The score of class 1, there being two classes.
    Binary,
    /// The mean over classes.
    Macro,
    /// The score of the counts summed over classes.
    Micro,
    /// The mean over classes weighted by their rows.
    Weighted,
}

impl ClassCounts {
    /// The counts of rows with targets `y_true` and predictions `y_pred`, both `(n_samples,)`.
    pub fn new(y_true: &[f64], y_pred: &[f64]) -> Self {
        debug_assert_eq!(y_true.len(), y_pred.len());
        // Adding 0 makes one class of 0 and -0.
        let mut classes: Vec<f64> = y_true.iter().chain(y_pred).map(|class| class + 0.0).collect();
        classes.sort_unstable_by(f64::total_cmp);
        classes.dedup();
        let mut counts = Self {
            hits: vec![0; classes.len()],
            truth: vec![0; classes.len()],
            predicted: vec![0; classes.len()],
            classes,
        };
        for (&truth, &predicted) in y_true.iter().zip(y_pred) {
            let (of, at) = (counts.position(truth), counts.position(predicted));
            counts.truth[of] += 1;
            counts.predicted[at] += 1;
            counts.hits[of] += u64::from(of == at);
        }
        counts
    }

    fn position(&self, class: f64) -> usize {
        self.classes.partition_point(|known| known.total_cmp(&(class + 0.0)).is_lt())
    }

    /// Rows counted.
    pub fn n_samples(&self) -> u64 {
        self.truth.iter().sum()
    }

    /// The fraction of rows predicted as what they are; NaN without rows.
    pub fn accuracy(&self) -> f64 {
        ClassSums::of(self).accuracy()
    }

    /// The mean recall of the classes that have rows.
    pub fn balanced_accuracy(&self) -> f64 {
        ClassSums::of(self).balanced_accuracy()
    }

    /// Hits over rows predicted as the class.
    pub fn precision(&self, average: Average) -> f64 {
        ClassSums::of(self).precision(average)
    }

    /// Hits over rows of the class.
    pub fn recall(&self, average: Average) -> f64 {
        ClassSums::of(self).recall(average)
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self, average: Average) -> f64 {
        ClassSums::of(self).f1(average)
    }

    /// Hits over rows that are of the class or predicted as it.
    pub fn jaccard(&self, average: Average) -> f64 {
        ClassSums::of(self).jaccard(average)
    }

    /// Matthews' correlation between target and prediction, from -1 to 1; 0 when either is constant.
    ///
    /// # References
    /// Gorodkin (2004), "Comparing two K-category assignments by a K-category correlation coefficient", eq. 8.
    pub fn matthews_corrcoef(&self) -> f64 {
        ClassSums::of(self).matthews_corrcoef()
    }

    /// Whether [`Average::Binary`] can be formed: at most two classes, class 1 among two.
    pub fn is_binary(&self) -> bool {
        is_binary(&self.classes)
    }

    /// Precision, recall and F1 of each class.
    pub fn by_class(&self) -> Vec<[f64; 3]> {
        ClassSums::of(self).by_class()
    }
}

/// Whether there are at most two classes, of two one 1.
pub(super) fn is_binary(classes: &[f64]) -> bool {
    match classes {
        [_, _] => classes.contains(&1.0),
        _ => classes.len() < 2,
    }
}

impl Partial for ClassCounts {
    fn merge(&mut self, right: Self) {
        for (class, &value) in right.classes.iter().enumerate() {
            let at = self.position(value);
            if self.classes.get(at) != Some(&value) {
                self.classes.insert(at, value);
                for counts in [&mut self.hits, &mut self.truth, &mut self.predicted] {
                    counts.insert(at, 0);
                }
            }
            self.hits[at] += right.hits[class];
            self.truth[at] += right.truth[class];
            self.predicted[at] += right.predicted[class];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_merge() {
        let y_true = [0.0, 2.0, 2.0, 1.0, 0.0, 5.0, -1.0];
        let y_pred = [0.0, 2.0, 1.0, 1.0, 3.0, 5.0, 0.0];
        let whole = ClassCounts::new(&y_true, &y_pred);
        for cut in 0..=y_true.len() {
            let mut left = ClassCounts::new(&y_true[..cut], &y_pred[..cut]);
            left.merge(ClassCounts::new(&y_true[cut..], &y_pred[cut..]));
            assert_eq!(left, whole);
        }
    }
}
