//! The deviance of predicted counts.

use serde::{Deserialize, Serialize};

use super::pairwise::pairwise_sum;
use crate::comm::Partial;

/// Σ 2 (y log(y/μ) − y + μ). Mergeable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoissonDeviance {
    n_samples: u64,
    sum: f64,
    defined: bool,
}

impl PoissonDeviance {
    /// Of rows with targets `y_true` and predictions `y_pred`, both `(n_samples,)`.
    pub fn new(y_true: &[f64], y_pred: &[f64]) -> Self {
        let pairs = || y_true.iter().zip(y_pred);
        let term = |(y, mu): (&f64, &f64)| {
            let log = if *y > 0.0 { y * (y / mu).ln() } else { 0.0 };
            2.0 * (log - y + mu)
        };
        Self {
            n_samples: y_true.len() as u64,
            sum: pairwise_sum(&pairs().map(term).collect::<Vec<f64>>()),
            defined: pairs().all(|(y, mu)| *y >= 0.0 && *mu > 0.0),
        }
    }

    /// The mean over rows; `None` without rows, or where a target is negative or a prediction not positive.
    pub fn mean(&self) -> Option<f64> {
        (self.defined && self.n_samples > 0).then(|| self.sum / self.n_samples as f64)
    }
}

impl Partial for PoissonDeviance {
    fn merge(&mut self, right: Self) {
        self.n_samples += right.n_samples;
        self.sum += right.sum;
        self.defined &= right.defined;
    }
}
