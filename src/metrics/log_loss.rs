//! The cross-entropy of predicted probabilities.

use serde::{Deserialize, Serialize};

use super::pairwise::pairwise_sum;
use crate::comm::Partial;

/// Σ −log p of the rows' own classes. Mergeable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogLoss {
    n_samples: u64,
    sum: f64,
}

impl LogLoss {
    /// Of rows whose class stands at `class` `(n_samples,)` among the columns of `proba` `(n_samples, n_classes)`.
    ///
    /// Probabilities are kept 2⁻⁵² away from 0 and 1, as in scikit-learn.
    pub fn new(class: &[usize], proba: &[f64]) -> Self {
        let k = proba.len().checked_div(class.len()).unwrap_or(0);
        let own = |(row, &class): (usize, &usize)| proba[row * k + class];
        let terms: Vec<f64> = class
            .iter()
            .enumerate()
            .map(own)
            .map(|p| -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln())
            .collect();
        Self { n_samples: class.len() as u64, sum: pairwise_sum(&terms) }
    }

    /// The mean over rows; NaN without any.
    pub fn mean(&self) -> f64 {
        self.sum / self.n_samples as f64
    }
}

impl Partial for LogLoss {
    fn merge(&mut self, right: Self) {
        self.n_samples += right.n_samples;
        self.sum += right.sum;
    }
}
