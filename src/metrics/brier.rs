//! The squared error of predicted probabilities.

use super::pairwise::{pairwise_sum, total_weight, weighted_sum};

/// The (weighted) mean over rows of Σ (is the class − p)² over the classes.
///
/// Rows are of the class at `class` `(n_samples,)` among the columns of `proba` `(n_samples, n_classes)`; `weights`
/// `(n_samples,)`, or none where each row counts once. From 0 to 2.
///
/// # References
/// Brier (1950), "Verification of forecasts expressed in terms of probability", eq. 2.
pub(super) fn brier(class: &[usize], proba: &[f64], weights: &[f64]) -> f64 {
    let k = proba.len().checked_div(class.len()).unwrap_or(0).max(1);
    let of_row = |(&class, proba): (&usize, &[f64])| {
        let error = |(column, p): (usize, &f64)| f64::from(u8::from(column == class)) - p;
        let errors = proba.iter().enumerate().map(error);
        pairwise_sum(&errors.map(|error| error * error).collect::<Vec<f64>>())
    };
    let terms = class.iter().zip(proba.chunks_exact(k)).map(of_row).collect();
    weighted_sum(terms, weights) / total_weight(class.len(), weights)
}
