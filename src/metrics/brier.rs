//! The squared error of predicted probabilities.

use serde::{Deserialize, Serialize};

use super::pairwise::{pairwise_sum, total_weight, weighted_sum};
use crate::comm::Partial;

/// Σ w · Σ (is the class − p)² over the classes. Mergeable.
///
/// # References
/// Brier (1950), "Verification of forecasts expressed in terms of probability", eq. 2.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Brier {
    weight: f64,
    sum: f64,
}

impl Brier {
    /// Of rows of the class at `class` `(n_samples,)` among the columns of `proba` `(n_samples, n_classes)`; `weights`
    /// `(n_samples,)`, or none where each row counts once.
    pub fn new(class: &[usize], proba: &[f64], weights: &[f64]) -> Self {
        let k = proba.len().checked_div(class.len()).unwrap_or(0).max(1);
        let of_row = |(&class, proba): (&usize, &[f64])| {
            let error = |(column, p): (usize, &f64)| f64::from(u8::from(column == class)) - p;
            let errors = proba.iter().enumerate().map(error);
            pairwise_sum(&errors.map(|error| error * error).collect::<Vec<f64>>())
        };
        let terms = class.iter().zip(proba.chunks_exact(k)).map(of_row).collect();
        Self { weight: total_weight(class.len(), weights), sum: weighted_sum(terms, weights) }
    }

    /// The (weighted) mean over rows, from 0 to 2; NaN without any.
    pub fn mean(&self) -> f64 {
        self.sum / self.weight
    }
}

impl Partial for Brier {
    fn merge(&mut self, right: Self) {
        self.weight += right.weight;
        self.sum += right.sum;
    }
}
