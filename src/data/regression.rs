//! A linear model with Gaussian features: scikit-learn's `make_regression`.

use serde::{Deserialize, Serialize};

use super::{Block, BlockSource, Shape, generated};
use crate::error::{Error, Result};
use crate::kernel::Real;
use crate::rng::{self, Purpose};

/// The parameters of [`Regression`], with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegressionParams {
    /// Rows.
    pub n_samples: u64,
    /// Features of a row.
    pub n_features: usize,
    /// Features that the target depends on; all when there are fewer.
    pub n_informative: usize,
    /// Targets of a row: 1.
    pub n_targets: usize,
    /// What the target is where all features are 0.
    pub bias: f64,
    /// Not supported: scikit-learn's low-rank features need the whole data set at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_rank: Option<usize>,
    /// Has a meaning with `effective_rank` only.
    pub tail_strength: f64,
    /// Standard deviation of the noise added to the target.
    pub noise: f64,
    /// Whether informative features stand in random columns instead of the first.
    pub shuffle: bool,
    /// Accepted as in scikit-learn; [`Regression::coef`] is there in any case.
    pub coef: bool,
}

impl Default for RegressionParams {
    fn default() -> Self {
        Self {
            n_samples: 100,
            n_features: 100,
            n_informative: 10,
            n_targets: 1,
            bias: 0.0,
            effective_rank: None,
            tail_strength: 0.5,
            noise: 0.0,
            shuffle: true,
            coef: false,
        }
    }
}

/// Standard normal features and the target `x · coef + bias + noise · e`, e standard normal.
///
/// Coefficients of informative features are uniform in [0, 100), the others 0.
#[derive(Clone, Debug)]
pub struct Regression {
    shape: Shape,
    seed: u64,
    bias: f64,
    noise: f64,
    coef: Vec<f64>,
    /// Columns whose coefficient is not always 0, in ascending order.
    informative: Vec<usize>,
}

impl Regression {
    /// Checks the parameters and draws the coefficients.
    ///
    /// # Errors
    /// When a parameter is out of its range or not supported.
    pub fn new(params: &RegressionParams, seed: u64, block_rows: Option<usize>) -> Result<Self> {
        if params.n_targets != 1 {
            return Err(Error::job("data.n_targets", "1", params.n_targets.to_string()));
        }
        if let Some(rank) = params.effective_rank {
            return Err(Error::job(
                "data.effective_rank",
                "no such key: it is not supported",
                rank.to_string(),
            ));
        }
        generated::within("data.bias", f64::NEG_INFINITY, f64::INFINITY, params.bias)?;
        generated::within("data.noise", 0.0, f64::INFINITY, params.noise)?;
        generated::within("data.tail_strength", 0.0, 1.0, params.tail_strength)?;
        let shape = generated::shape(params.n_samples, params.n_features, block_rows)?;
        let (coef, informative) = draw_coef(params, seed);
        Ok(Self { shape, seed, bias: params.bias, noise: params.noise, coef, informative })
    }

    /// The coefficients of the model: `(n_features,)`.
    pub fn coef(&self) -> &[f64] {
        &self.coef
    }

    /// `x · coef + bias`, summed in the order of columns.
    fn linear_part<T: Real>(&self, row: &[T]) -> f64 {
        self.informative.iter().fold(self.bias, |sum, &j| sum + row[j].to_f64() * self.coef[j])
    }
}

fn draw_coef(params: &RegressionParams, seed: u64) -> (Vec<f64>, Vec<usize>) {
    let mut rng = rng::stream(seed, Purpose::Design, 0);
    let mut columns: Vec<usize> = (0..params.n_features).collect();
    if params.shuffle {
        rng::shuffle(&mut rng, &mut columns);
    }
    let mut informative = columns[..params.n_informative.min(params.n_features)].to_vec();
    informative.sort_unstable();
    let mut coef = vec![0.0; params.n_features];
    for &column in &informative {
        coef[column] = 100.0 * rng::uniform(&mut rng);
    }
    (coef, informative)
}

impl<T: Real> BlockSource<T> for Regression {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn part_rows(&self) -> usize {
        generated::part_rows(&self.shape)
    }

    fn fill(&self, block: &mut Block<T>) -> Result<()> {
        for part in generated::parts_of(&self.shape, block) {
            let mut normal = generated::noise(self.seed, part.index);
            normal.fill(part.x);
            if self.noise > 0.0 {
                normal.fill(part.y);
            }
            for (y, row) in part.y.iter_mut().zip(part.x.chunks_exact(self.shape.n_features)) {
                let noise = if self.noise > 0.0 { self.noise * *y } else { 0.0 };
                *y = self.linear_part(row) + noise;
            }
        }
        Ok(())
    }

    fn origin(&self) -> String {
        "regression".to_owned()
    }

    fn waits_for_input(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
