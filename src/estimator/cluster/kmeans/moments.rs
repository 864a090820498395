//! The first pass: means and variances of the features, and a check of the weights.

use serde::{Deserialize, Serialize};

use super::frame::CHUNK;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::Result;
use crate::kernel::columns::{ColumnSums, column_sums};
use crate::kernel::{Isa, Real};

/// Weight, means and sums of squared deviations of the features.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    pub(super) weight: f64,
    pub(super) mean: Vec<f64>,
    /// Σ w·(x − mean)² of each feature.
    pub(super) scatter: Vec<f64>,
}

impl Moments {
    /// Of a few rows; every row counts once where `weights` is empty.
    fn of<T: Real>(isa: Isa, x: &[T], d: usize, weights: &[f64]) -> Self {
        let ColumnSums { weight, mean, squares, .. } = column_sums(isa, x, d, weights);
        Self { weight, mean, scatter: squares }
    }

    /// Σ w·‖x − origin‖² over all rows.
    pub(super) fn scatter_about<T: Real>(&self, origin: &[T]) -> f64 {
        let offset = |m: &f64, o: &T| (m - o.to_f64()) * (m - o.to_f64());
        let of_mean: f64 = self.mean.iter().zip(origin).map(|(m, o)| offset(m, o)).sum();
        self.scatter.iter().sum::<f64>() + self.weight * of_mean
    }
}

impl Partial for Moments {
    /// Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    fn merge(&mut self, right: Self) {
        let weight = self.weight + right.weight;
        if right.weight == 0.0 {
            return;
        }
        if self.weight == 0.0 {
            *self = right;
            return;
        }
        let share = right.weight / weight;
        for f in 0..self.mean.len() {
            let delta = right.mean[f] - self.mean[f];
            self.mean[f] += delta * share;
            self.scatter[f] += right.scatter[f] + delta * delta * self.weight * share;
        }
        self.weight = weight;
    }
}

/// What the first pass finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Survey {
    /// Every row counting once: for the shift and the tolerance, as in scikit-learn.
    pub(super) plain: Moments,
    /// With weights, where there are any.
    pub(super) weighted: Option<Moments>,
    /// Rows with a weight above 0.
    pub(super) positive: u64,
}

impl Survey {
    /// The moments that the inertia is made of.
    pub(super) fn of_inertia(&self) -> &Moments {
        self.weighted.as_ref().unwrap_or(&self.plain)
    }

    /// The standard deviation of each feature, every row counting once.
    pub(super) fn deviations(&self) -> Vec<f64> {
        self.plain.scatter.iter().map(|scatter| (scatter / self.plain.weight).sqrt()).collect()
    }

    /// The mean over the features of their variance.
    pub(super) fn mean_variance(&self) -> f64 {
        self.plain.scatter.iter().sum::<f64>() / self.plain.weight / self.plain.mean.len() as f64
    }
}

impl Partial for Survey {
    fn merge(&mut self, right: Self) {
        self.plain.merge(right.plain);
        if let (Some(left), Some(right)) = (&mut self.weighted, right.weighted) {
            left.merge(right);
        }
        self.positive += right.positive;
    }
}

/// Surveys the data.
pub(super) struct SurveyPass {
    pub(super) isa: Isa,
}

impl SurveyPass {
    fn chunk<T: Real>(&self, block: &Block<T>, first: usize) -> Result<Survey> {
        let end = (first + CHUNK).min(block.n_rows);
        let x = &block.x[first * block.n_features..end * block.n_features];
        let weights = if block.weights.is_empty() { &[][..] } else { &block.weights[first..end] };
        let positive =
            if weights.is_empty() { end - first } else { weights.iter().filter(|&&w| w > 0.0).count() };
        Ok(Survey {
            plain: Moments::of(self.isa, x, block.n_features, &[]),
            weighted: (!weights.is_empty()).then(|| Moments::of(self.isa, x, block.n_features, weights)),
            positive: positive as u64,
        })
    }
}

impl<T: Real> Pass<T> for SurveyPass {
    type Partial = Survey;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Survey> {
        let mut survey = self.chunk(block, 0)?;
        for first in (CHUNK..block.n_rows).step_by(CHUNK) {
            survey.merge(self.chunk(block, first)?);
        }
        Ok(survey)
    }
}
