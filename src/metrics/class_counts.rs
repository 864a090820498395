//! What every score of predicted classes follows from.

use serde::{Deserialize, Serialize};

use super::pairwise::{mean, pairwise_sum};
use crate::comm::Partial;

/// For each class that occurs: its rows, the rows predicted as it, and those of both, each row as often as its weight
/// says. O(n_classes) numbers, exact where weights are whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// The classes that occur as a target or as a prediction, ascending.
    pub classes: Vec<f64>,
    /// Rows of the class that were predicted as it.
    pub hits: Vec<f64>,
    /// Rows of the class.
    pub truth: Vec<f64>,
    /// Rows predicted as the class.
    pub predicted: Vec<f64>,
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

/// A ratio of counts that is 0 where its denominator is.
fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 { 0.0 } else { numerator / denominator }
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
            hits: vec![0.0; classes.len()],
            truth: vec![0.0; classes.len()],
            predicted: vec![0.0; classes.len()],
            classes,
        };
        for (&truth, &predicted) in y_true.iter().zip(y_pred) {
            let (of, at) = (counts.position(truth), counts.position(predicted));
            counts.truth[of] += 1.0;
            counts.predicted[at] += 1.0;
            counts.hits[of] += f64::from(u8::from(of == at));
        }
        counts
    }

    fn position(&self, class: f64) -> usize {
        self.classes.partition_point(|known| known.total_cmp(&(class + 0.0)).is_lt())
    }

    /// Rows counted, or their weight.
    pub fn total(&self) -> f64 {
        self.truth.iter().sum()
    }

    /// The fraction of rows predicted as what they are; NaN without rows.
    pub fn accuracy(&self) -> f64 {
        self.hits.iter().sum::<f64>() / self.total()
    }

    /// The mean recall of the classes that have rows.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> = self
            .hits
            .iter()
            .zip(&self.truth)
            .filter(|(_, truth)| **truth > 0.0)
            .map(|(hits, truth)| hits / truth)
            .collect();
        mean(&recalls)
    }

    /// Hits over rows predicted as the class.
    pub fn precision(&self, average: Average) -> f64 {
        self.averaged(average, |hits, _, predicted| ratio(hits, predicted))
    }

    /// Hits over rows of the class.
    pub fn recall(&self, average: Average) -> f64 {
        self.averaged(average, |hits, truth, _| ratio(hits, truth))
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self, average: Average) -> f64 {
        self.averaged(average, |hits, truth, predicted| ratio(2.0 * hits, truth + predicted))
    }

    /// Hits over rows that are of the class or predicted as it.
    pub fn jaccard(&self, average: Average) -> f64 {
        self.averaged(average, |hits, truth, predicted| ratio(hits, truth + predicted - hits))
    }

    /// Matthews' correlation between target and prediction, from -1 to 1; 0 when either is constant.
    ///
    /// # References
    /// Gorodkin (2004), "Comparing two K-category assignments by a K-category correlation coefficient", eq. 8.
    pub fn matthews_corrcoef(&self) -> f64 {
        let n = self.total();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let hits = self.hits.iter().sum::<f64>();
        let covariance = hits * n - dot(&self.truth, &self.predicted);
        let of_truth = n * n - dot(&self.truth, &self.truth);
        let of_predicted = n * n - dot(&self.predicted, &self.predicted);
        ratio(covariance, (of_truth * of_predicted).sqrt())
    }

    /// The positive and the negative likelihood ratio of two classes, the second being the positive one: how much
    /// likelier a row of it is to be predicted as it, or as the other, than a row of the other. 1, as scikit-learn's
    /// scorers have it, where no row of the first class is predicted as the second, or as itself; `None` for more or
    /// fewer classes.
    pub fn likelihood_ratios(&self) -> Option<[f64; 2]> {
        let ([n, p], [tn, tp]) = (self.truth[..].try_into().ok()?, self.hits[..].try_into().ok()?);
        let (fp, fn_): (f64, f64) = (n - tn, p - tp);
        let ratio = |above: f64, below: f64| if below == 0.0 { 1.0 } else { above * n / (below * p) };
        Some([ratio(tp, fp), ratio(fn_, tn)])
    }

    /// Whether [`Average::Binary`] can be formed: at most two classes, class 1 among two.
    pub fn is_binary(&self) -> bool {
        match self.classes[..] {
            [_, _] => self.classes.contains(&1.0),
            _ => self.classes.len() < 2,
        }
    }

    /// Precision, recall and F1 of each class.
    pub fn by_class(&self) -> Vec<[f64; 3]> {
        let of = |((&hits, &truth), &predicted): ((&f64, &f64), &f64)| {
            [ratio(hits, predicted), ratio(hits, truth), ratio(2.0 * hits, truth + predicted)]
        };
        self.hits.iter().zip(&self.truth).zip(&self.predicted).map(of).collect()
    }

    /// A score of (hits, rows of the class, rows predicted as it), averaged.
    fn averaged(&self, average: Average, score: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let of = |class: usize| score(self.hits[class], self.truth[class], self.predicted[class]);
        let all = || (0..self.classes.len()).map(of).collect::<Vec<f64>>();
        let sum = |counts: &[f64]| counts.iter().sum::<f64>();
        match average {
            Average::Binary => self.classes.iter().position(|&class| class == 1.0).map_or(0.0, of),
            Average::Macro => mean(&all()),
            Average::Micro => score(sum(&self.hits), sum(&self.truth), sum(&self.predicted)),
            Average::Weighted => {
                let weighted: Vec<f64> =
                    all().iter().zip(&self.truth).map(|(score, rows)| score * rows).collect();
                ratio(pairwise_sum(&weighted), sum(&self.truth))
            }
        }
    }
}

/// Counts over the union of the classes.
impl Partial for ClassCounts {
    fn merge(&mut self, right: Self) {
        for (class, &value) in right.classes.iter().enumerate() {
            let at = self.position(value);
            if self.classes.get(at) != Some(&value) {
                self.classes.insert(at, value);
                for counts in [&mut self.hits, &mut self.truth, &mut self.predicted] {
                    counts.insert(at, 0.0);
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
