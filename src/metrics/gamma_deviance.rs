//! The deviance of predicted sizes.

use super::pairwise::{total_weight, weighted_sum};

/// The (weighted) mean over rows of 2 (log(μ/y) + y/μ − 1), of targets `y_true`, predictions `y_pred` and `weights`, or
/// none, all `(n_samples,)`; `None` without rows, or where a target or a prediction is not positive.
pub(super) fn gamma_deviance(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> Option<f64> {
    let pairs = || y_true.iter().zip(y_pred);
    let defined = !y_true.is_empty() && pairs().all(|(y, mu)| *y > 0.0 && *mu > 0.0);
    let term = |(y, mu): (&f64, &f64)| 2.0 * ((mu / y).ln() + y / mu - 1.0);
    defined.then(|| weighted_sum(pairs().map(term).collect(), weights) / total_weight(y_true.len(), weights))
}
