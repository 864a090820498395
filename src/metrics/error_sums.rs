//! What every score of predicted numbers follows from.

use serde::{Deserialize, Serialize};

use super::pairwise::{total_weight, weighted_sum};
use crate::comm::Partial;

/// Moments of the target and of the error, which merge without loss of digits.
///
/// # References
/// Chan, Golub, LeVeque (1983), "Algorithms for computing the sample variance", eq. 2.1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorSums {
    n_samples: u64,
    /// Σ of the weights; the rows, without any.
    weight: f64,
    target: Moments,
    error: Moments,
    squares: f64,
    absolutes: f64,
    relatives: f64,
    largest: f64,
}

/// A mean and the sum of squares about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Those of a target, whose spread is a divisor: 0 for a constant, though the mean of equal values may differ from
    /// them in its last bit. Constant parts of equal value merge to a constant again.
    fn of_target(values: &[f64], weights: &[f64]) -> Self {
        only_value(values, weights)
            .map_or_else(|| Self::new(values, weights), |mean| Self { mean, squares: 0.0 })
    }

    fn new(values: &[f64], weights: &[f64]) -> Self {
        let weight = total_weight(values.len(), weights);
        if weight == 0.0 {
            return Self::default();
        }
        let mean = weighted_sum(values.to_vec(), weights) / weight;
        let squares = values.iter().map(|value| (value - mean) * (value - mean)).collect();
        Self { mean, squares: weighted_sum(squares, weights) }
    }

    fn merge(&mut self, n: f64, right: Self, n_right: f64) {
        if n + n_right == 0.0 {
            return;
        }
        let shift = right.mean - self.mean;
        self.mean += shift * (n_right / (n + n_right));
        self.squares += right.squares + shift * shift * (n * n_right / (n + n_right));
    }
}

/// The value that all rows have which weigh anything.
pub(super) fn only_value(values: &[f64], weights: &[f64]) -> Option<f64> {
    let weighs = |row: &usize| weights.get(*row).is_none_or(|&weight| weight != 0.0);
    let mut rows = (0..values.len()).filter(weighs);
    let first = values[rows.next()?];
    rows.all(|row| values[row] == first).then_some(first)
}

impl ErrorSums {
    /// The sums of rows with targets `y_true`, predictions `y_pred` and `weights`, all `(n_samples,)`; without weights
    /// each row counts once.
    pub fn new(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> Self {
        debug_assert_eq!(y_true.len(), y_pred.len());
        let errors: Vec<f64> =
            y_true.iter().zip(y_pred).map(|(truth, predicted)| truth - predicted).collect();
        let sum_of =
            |term: &dyn Fn(usize) -> f64| weighted_sum((0..errors.len()).map(term).collect(), weights);
        Self {
            n_samples: y_true.len() as u64,
            weight: total_weight(y_true.len(), weights),
            target: Moments::of_target(y_true, weights),
            error: Moments::new(&errors, weights),
            squares: sum_of(&|row| errors[row] * errors[row]),
            absolutes: sum_of(&|row| errors[row].abs()),
            relatives: sum_of(&|row| errors[row].abs() / y_true[row].abs().max(f64::EPSILON)),
            largest: errors.iter().fold(0.0, |largest, error| {
                // A NaN must not be lost in a maximum.
                if error.is_nan() || error.abs() > largest { error.abs() } else { largest }
            }),
        }
    }

    fn per_row(&self, sum: f64) -> f64 {
        sum / self.weight
    }

    /// The mean squared error.
    pub fn mean_squared_error(&self) -> f64 {
        self.per_row(self.squares)
    }

    /// The mean absolute error.
    pub fn mean_absolute_error(&self) -> f64 {
        self.per_row(self.absolutes)
    }

    /// The mean of |error| / max(|target|, 2⁻⁵²).
    pub fn mean_absolute_percentage_error(&self) -> f64 {
        self.per_row(self.relatives)
    }

    /// The largest absolute error, whatever the row weighs, as in scikit-learn.
    pub fn max_error(&self) -> f64 {
        self.largest
    }

    /// 1 − Σ error² / Σ (target − mean)²; NaN below two rows.
    ///
    /// With a constant target 1 for a perfect prediction and 0 otherwise, as in scikit-learn.
    pub fn r2(&self) -> f64 {
        if self.n_samples < 2 {
            return f64::NAN;
        }
        explained(self.squares, self.target.squares)
    }

    /// 1 − Σ |error| / `deviation`, the Σ |target − median|; with the same rules.
    pub fn d2_absolute_error(&self, deviation: f64) -> f64 {
        if self.n_samples < 2 { f64::NAN } else { explained(self.absolutes, deviation) }
    }

    /// How far that may be off when the deviation may be by `error`.
    pub fn d2_absolute_error_bound(&self, deviation: f64, error: f64) -> f64 {
        if error == 0.0 {
            0.0
        } else {
            self.absolutes / (deviation - error).max(0.0) - self.absolutes / deviation
        }
    }

    /// 1 − Var(error) / Var(target), with the same rule for a constant target.
    pub fn explained_variance(&self) -> f64 {
        explained(self.per_row(self.error.squares), self.per_row(self.target.squares))
    }
}

fn explained(unexplained: f64, total: f64) -> f64 {
    match (unexplained == 0.0, total == 0.0) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) => 1.0 - unexplained / total,
    }
}

impl Partial for ErrorSums {
    fn merge(&mut self, right: Self) {
        if right.n_samples == 0 {
            return;
        }
        let (n, n_right) = (self.weight, right.weight);
        self.target.merge(n, right.target, n_right);
        self.error.merge(n, right.error, n_right);
        self.n_samples += right.n_samples;
        self.weight += right.weight;
        self.squares += right.squares;
        self.absolutes += right.absolutes;
        self.relatives += right.relatives;
        if right.largest.is_nan() || right.largest > self.largest {
            self.largest = right.largest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_merge_to_the_digits_of_the_whole() {
        let y_true: Vec<f64> = (0..100).map(|i| 1e6 + f64::from(i * i % 37)).collect();
        let y_pred: Vec<f64> = (0..100).map(|i| 1e6 + f64::from(i * i % 41)).collect();
        let whole = ErrorSums::new(&y_true, &y_pred, &[]);
        // Merging rounds means: the loss is 2⁻⁵² times mean / deviation (10⁵ here), where sums of squares would
        // lose the square of that.
        let bound = f64::EPSILON * 1e6 / (whole.target.squares / 100.0).sqrt();
        for cut in [0, 1, 50, 99, 100] {
            let mut left = ErrorSums::new(&y_true[..cut], &y_pred[..cut], &[]);
            left.merge(ErrorSums::new(&y_true[cut..], &y_pred[cut..], &[]));
            assert!((left.r2() - whole.r2()).abs() < bound, "{} {}", left.r2(), whole.r2());
            assert!((left.explained_variance() - whole.explained_variance()).abs() < bound);
            assert!((left.mean_squared_error() / whole.mean_squared_error() - 1.0).abs() < 1e-14);
            assert_eq!(left.max_error(), whole.max_error());
        }
    }
    #[test]
    fn a_constant_target_is_constant_whatever_its_binary_form() {
        // scikit-learn 1.9.1: r2_score of numpy.full(400, 0.1) with these predictions is 0.0, 1.0 and 0.0, and so is
        // explained_variance_score of the first two.
        let off: Vec<f64> = (0..400).map(|i| 0.1 + f64::from(i % 3)).collect();
        let cases = [(off, 0.0), (vec![0.1; 400], 1.0), (vec![0.3; 400], 0.0)];
        let weights: Vec<f64> = (0..400).map(|i| if i < 2 { 0.0 } else { 0.7 }).collect();
        for (y_pred, expected) in cases {
            for cut in [0, 1, 2, 144, 256, 400] {
                for (first, weights) in [(0.1, &[][..]), (7.0, &weights)] {
                    let mut y_true = vec![0.1; 400];
                    y_true[..2].fill(first);
                    let of = |rows: std::ops::Range<usize>| {
                        let weights = if weights.is_empty() { weights } else { &weights[rows.clone()] };
                        ErrorSums::new(&y_true[rows.clone()], &y_pred[rows], weights)
                    };
                    let mut sums = of(0..cut);
                    sums.merge(of(cut..400));
                    assert_eq!(sums.r2(), expected, "cut {cut}, first {first}");
                    if y_pred[0] != 0.3 {
                        assert_eq!(sums.explained_variance(), expected, "cut {cut}, first {first}");
                    }
                }
            }
        }
    }
}
