//! Whether the class of a row is among the few that a model holds for the likeliest.

use serde::{Deserialize, Serialize};

use super::pairwise::{total_weight, weighted_sum};
use crate::comm::Partial;

/// How many classes count as the likeliest, as scikit-learn's default.
const K: usize = 2;

/// Σ w of the rows whose class is among the two of the largest values. Mergeable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopK {
    weight: f64,
    sum: f64,
}

impl TopK {
    /// Of rows of the class at `class` `(n_samples,)` among the columns of `values` `(n_samples, n_classes)`; `weights`
    /// `(n_samples,)`, or none where each row counts once. Of equal values that of the last class comes first, as in
    /// scikit-learn.
    pub fn new(class: &[usize], values: &[f64], weights: &[f64]) -> Self {
        let n_classes = values.len().checked_div(class.len()).unwrap_or(0).max(1);
        let hit = |(&class, values): (&usize, &[f64])| {
            let own = values[class];
            let comes_before =
                |(column, value): &(usize, &f64)| **value > own || (**value == own && *column > class);
            f64::from(u8::from(values.iter().enumerate().filter(comes_before).count() < K))
        };
        let hits = class.iter().zip(values.chunks_exact(n_classes)).map(hit).collect();
        Self { weight: total_weight(class.len(), weights), sum: weighted_sum(hits, weights) }
    }

    /// The (weighted) fraction of rows; NaN without any.
    pub fn accuracy(&self) -> f64 {
        self.sum / self.weight
    }
}

impl Partial for TopK {
    fn merge(&mut self, right: Self) {
        self.weight += right.weight;
        self.sum += right.sum;
    }
}
