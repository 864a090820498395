//! The squared error of logarithms.

use serde::{Deserialize, Serialize};

use super::pairwise::{total_weight, weighted_sum};
use crate::comm::Partial;

/// Σ w (log(1 + y) − log(1 + prediction))². Mergeable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogError {
    weight: f64,
    sum: f64,
    defined: bool,
}

impl LogError {
    /// Of rows with targets `y_true`, predictions `y_pred` and `weights`, all `(n_samples,)`; without weights each row
    /// counts once.
    pub fn new(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> Self {
        let pairs = || y_true.iter().zip(y_pred);
        let term = |(y, predicted): (&f64, &f64)| {
            let error = y.ln_1p() - predicted.ln_1p();
            error * error
        };
        Self {
            weight: total_weight(y_true.len(), weights),
            sum: weighted_sum(pairs().map(term).collect(), weights),
            defined: pairs().all(|(y, predicted)| *y > -1.0 && *predicted > -1.0),
        }
    }

    /// The (weighted) mean over rows; `None` for numbers that have no logarithm.
    pub fn mean(&self) -> Option<f64> {
        self.defined.then(|| self.sum / self.weight)
    }
}

impl Partial for LogError {
    fn merge(&mut self, right: Self) {
        self.weight += right.weight;
        self.sum += right.sum;
        self.defined &= right.defined;
    }
}
