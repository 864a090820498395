//! The deviance of predicted counts.

use serde::{Deserialize, Serialize};

use super::error_sums::only_value;
use super::pairwise::{total_weight, weighted_sum};
use crate::comm::Partial;

/// Σ 2w (y log(y/μ) − y + μ) of predictions, and about the mean of the targets. Mergeable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoissonDeviance {
    n_samples: u64,
    weight: f64,
    sum: f64,
    /// The (weighted) mean of the targets.
    mean: f64,
    about_mean: f64,
    defined: bool,
}

fn term(y: f64, mu: f64) -> f64 {
    let log = if y > 0.0 { y * (y / mu).ln() } else { 0.0 };
    2.0 * (log - y + mu)
}

impl PoissonDeviance {
    /// Of rows with targets `y_true`, predictions `y_pred` and `weights`, all `(n_samples,)`; without weights each row
    /// counts once.
    pub fn new(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> Self {
        let pairs = || y_true.iter().zip(y_pred);
        let weight = total_weight(y_true.len(), weights);
        let mean = only_value(y_true, weights).unwrap_or_else(|| {
            weighted_sum(y_true.to_vec(), weights) / if weight == 0.0 { 1.0 } else { weight }
        });
        Self {
            n_samples: y_true.len() as u64,
            weight,
            sum: weighted_sum(pairs().map(|(y, mu)| term(*y, *mu)).collect(), weights),
            mean,
            about_mean: weighted_sum(y_true.iter().map(|y| term(*y, mean)).collect(), weights),
            defined: pairs().all(|(y, mu)| *y >= 0.0 && *mu > 0.0),
        }
    }

    /// The (weighted) mean over rows; `None` without rows, or where a target is negative or a prediction not positive.
    pub fn mean(&self) -> Option<f64> {
        (self.defined && self.n_samples > 0).then(|| self.sum / self.weight)
    }

    /// The part of the deviance about the mean that is explained; `None` where [`mean`](Self::mean) has none, and for
    /// targets that are all the same.
    pub fn explained(&self) -> Option<f64> {
        (self.mean().is_some() && self.about_mean > 0.0).then(|| 1.0 - self.sum / self.about_mean)
    }
}

impl Partial for PoissonDeviance {
    fn merge(&mut self, right: Self) {
        self.defined &= right.defined;
        self.n_samples += right.n_samples;
        self.sum += right.sum;
        let (n, n_right) = (self.weight, right.weight);
        self.weight += n_right;
        if self.weight == 0.0 {
            return;
        }
        let mean = self.mean + (right.mean - self.mean) * (n_right / self.weight);
        // Σ about another mean: the sum about the own one, and as if every row were that.
        let about = |own: f64, weight: f64| if weight == 0.0 { 0.0 } else { weight * term(own, mean) };
        self.about_mean += right.about_mean + about(self.mean, n) + about(right.mean, n_right);
        self.mean = mean;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviance_about_the_mean_merges() {
        let y: Vec<f64> = (0..60).map(|i| f64::from(i * i % 11)).collect();
        let mu: Vec<f64> = y.iter().map(|y| y / 2.0 + 1.5).collect();
        let weights: Vec<f64> = (0..60).map(|i| f64::from(i % 4)).collect();
        for weights in [&[][..], &weights] {
            let of = |rows: std::ops::Range<usize>| {
                let weights = if weights.is_empty() { weights } else { &weights[rows.clone()] };
                PoissonDeviance::new(&y[rows.clone()], &mu[rows], weights)
            };
            let whole = of(0..60).explained().unwrap();
            for cut in [0, 1, 20, 59, 60] {
                let mut left = of(0..cut);
                left.merge(of(cut..60));
                assert!((left.explained().unwrap() - whole).abs() < 1e-13);
            }
        }
        let mut constant = PoissonDeviance::new(&[0.1; 7], &[0.3; 7], &[]);
        constant.merge(PoissonDeviance::new(&[0.1; 3], &[0.3; 3], &[]));
        assert_eq!(constant.explained(), None);
    }
}
