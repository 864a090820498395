//! The cross-entropy of predicted probabilities.

use serde::{Deserialize, Serialize};

use super::pairwise::{total_weight, weighted_sum};
use crate::comm::Partial;

/// Σ −w·log p of the rows' own classes. Mergeable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogLoss {
    weight: f64,
    sum: f64,
}

impl LogLoss {
    /// Of rows whose class stands at `class` `(n_samples,)` among the columns of `proba` `(n_samples, n_classes)`;
    /// `weights` `(n_samples,)`, or none where each row counts once.
    ///
    /// Probabilities are kept 2⁻⁵² away from 0 and 1, as in scikit-learn.
    pub fn new(class: &[usize], proba: &[f64], weights: &[f64]) -> Self {
        let k = proba.len().checked_div(class.len()).unwrap_or(0);
        let own = |(row, &class): (usize, &usize)| proba[row * k + class];
        let terms = class.iter().enumerate().map(own);
        let terms = terms.map(|p| -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()).collect();
        Self { weight: total_weight(class.len(), weights), sum: weighted_sum(terms, weights) }
    }

    /// The (weighted) mean over rows; NaN without any.
    pub fn mean(&self) -> f64 {
        self.sum / self.weight
    }
}

impl Partial for LogLoss {
    fn merge(&mut self, right: Self) {
        self.weight += right.weight;
        self.sum += right.sum;
    }
}
