//! What the rows of each class weigh, and the scores that follow from it.

use super::class_counts::{Average, ClassCounts};
use super::pairwise::{mean, pairwise_sum};

/// Weights of rows by class: those that are of it, predicted as it, and both. Rows that are counted weigh 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ClassSums {
    /// The classes among targets and predictions, ascending.
    pub(super) classes: Vec<f64>,
    hits: Vec<f64>,
    truth: Vec<f64>,
    predicted: Vec<f64>,
}

/// A quotient that is 0 where nothing is there, as scikit-learn's `zero_division` has it.
pub(super) fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 { 0.0 } else { numerator / denominator }
}

impl ClassSums {
    /// Of rows with targets `y_true`, predictions `y_pred` and `weights`, all `(n_samples,)`.
    pub(super) fn weighted(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> Self {
        let counts = ClassCounts::new(y_true, y_pred);
        let zeros = vec![0.0; counts.classes.len()];
        let mut sums =
            Self { hits: zeros.clone(), truth: zeros.clone(), predicted: zeros, classes: counts.classes };
        let position =
            |class: f64| sums.classes.partition_point(|known| known.total_cmp(&(class + 0.0)).is_lt());
        for ((&truth, &predicted), &weight) in y_true.iter().zip(y_pred).zip(weights) {
            let (of, at) = (position(truth), position(predicted));
            sums.truth[of] += weight;
            sums.predicted[at] += weight;
            if of == at {
                sums.hits[of] += weight;
            }
        }
        sums
    }

    /// Of counted rows.
    pub(super) fn of(counts: &ClassCounts) -> Self {
        let numbers = |counts: &[u64]| counts.iter().map(|&count| count as f64).collect();
        Self {
            classes: counts.classes.clone(),
            hits: numbers(&counts.hits),
            truth: numbers(&counts.truth),
            predicted: numbers(&counts.predicted),
        }
    }

    /// Right predictions over all.
    pub(super) fn accuracy(&self) -> f64 {
        pairwise_sum(&self.hits) / pairwise_sum(&self.truth)
    }

    /// The mean recall of the classes that have rows.
    pub(super) fn balanced_accuracy(&self) -> f64 {
        let of_class = self.hits.iter().zip(&self.truth).filter(|(_, truth)| **truth > 0.0);
        mean(&of_class.map(|(hits, truth)| hits / truth).collect::<Vec<f64>>())
    }

    /// Hits over rows predicted as the class.
    pub(super) fn precision(&self, average: Average) -> f64 {
        self.averaged(average, |hits, _, predicted| ratio(hits, predicted))
    }

    /// Hits over rows of the class.
    pub(super) fn recall(&self, average: Average) -> f64 {
        self.averaged(average, |hits, truth, _| ratio(hits, truth))
    }

    /// The harmonic mean of precision and recall.
    pub(super) fn f1(&self, average: Average) -> f64 {
        self.averaged(average, |hits, truth, predicted| ratio(2.0 * hits, truth + predicted))
    }

    /// Hits over rows that are of the class or predicted as it.
    pub(super) fn jaccard(&self, average: Average) -> f64 {
        self.averaged(average, |hits, truth, predicted| ratio(hits, truth + predicted - hits))
    }

    /// Matthews' correlation coefficient.
    pub(super) fn matthews_corrcoef(&self) -> f64 {
        let n = pairwise_sum(&self.truth);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let covariance = pairwise_sum(&self.hits) * n - dot(&self.truth, &self.predicted);
        let of_truth = n * n - dot(&self.truth, &self.truth);
        let of_predicted = n * n - dot(&self.predicted, &self.predicted);
        ratio(covariance, (of_truth * of_predicted).sqrt())
    }

    /// Precision, recall and F1 of each class.
    pub(super) fn by_class(&self) -> Vec<[f64; 3]> {
        let of = |((&hits, &truth), &predicted): ((&f64, &f64), &f64)| {
            [ratio(hits, predicted), ratio(hits, truth), ratio(2.0 * hits, truth + predicted)]
        };
        self.hits.iter().zip(&self.truth).zip(&self.predicted).map(of).collect()
    }

    fn averaged(&self, average: Average, score: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let of = |class: usize| score(self.hits[class], self.truth[class], self.predicted[class]);
        let all = || (0..self.classes.len()).map(of).collect::<Vec<f64>>();
        match average {
            Average::Binary => self.classes.iter().position(|&class| class == 1.0).map_or(0.0, of),
            Average::Macro => mean(&all()),
            Average::Micro => {
                score(pairwise_sum(&self.hits), pairwise_sum(&self.truth), pairwise_sum(&self.predicted))
            }
            Average::Weighted => {
                let weighted: Vec<f64> =
                    all().iter().zip(&self.truth).map(|(score, rows)| score * rows).collect();
                ratio(pairwise_sum(&weighted), pairwise_sum(&self.truth))
            }
        }
    }
}
