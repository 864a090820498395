//! The deviance of predicted sizes.

use serde::{Deserialize, Serialize};

use super::pairwise::{total_weight, weighted_sum};
use crate::comm::Partial;

/// Σ 2w (log(μ/y) + y/μ − 1). Mergeable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GammaDeviance {
    n_samples: u64,
    weight: f64,
    sum: f64,
    defined: bool,
}

impl GammaDeviance {
    /// Of rows with targets `y_true`, predictions `y_pred` and `weights`, all `(n_samples,)`; without weights each row
    /// counts once.
    pub fn new(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> Self {
        let pairs = || y_true.iter().zip(y_pred);
        let term = |(y, mu): (&f64, &f64)| 2.0 * ((mu / y).ln() + y / mu - 1.0);
        Self {
            n_samples: y_true.len() as u64,
            weight: total_weight(y_true.len(), weights),
            sum: weighted_sum(pairs().map(term).collect(), weights),
            defined: pairs().all(|(y, mu)| *y > 0.0 && *mu > 0.0),
        }
    }

    /// The (weighted) mean over rows; `None` without rows, or where a target or a prediction is not positive.
    pub fn mean(&self) -> Option<f64> {
        (self.defined && self.n_samples > 0).then(|| self.sum / self.weight)
    }
}

impl Partial for GammaDeviance {
    fn merge(&mut self, right: Self) {
        self.n_samples += right.n_samples;
        self.weight += right.weight;
        self.sum += right.sum;
        self.defined &= right.defined;
    }
}
