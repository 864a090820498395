//! Linear and ridge regression from one Gram matrix.

use super::dense::{cholesky, cholesky_solve};
use super::model::{LinearModel, Response};
use super::params::{LinearRegressionParams, RidgeParams};
use super::targets::surveyed_moments;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::estimator::moments::Moments;
use crate::kernel::Real;

impl LinearRegressionParams {
    /// Minimises Σ w (y − X·coef − intercept)²; of several minima the one of least norm.
    ///
    /// # Collective
    /// One pass: (d + 1)² numbers.
    ///
    /// # Errors
    /// No targets, bad weights.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<LinearModel> {
        fit_ridge("LinearRegression", engine, 0.0, self.fit_intercept, serde_json::to_value(self))
    }
}

impl RidgeParams {
    /// Minimises Σ w (y − X·coef − intercept)² + alpha·‖coef‖².
    ///
    /// # Collective
    /// As for linear regression.
    ///
    /// # Errors
    /// Invalid parameters, no targets, bad weights.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<LinearModel> {
        self.validate()?;
        fit_ridge("Ridge", engine, self.alpha, self.fit_intercept, serde_json::to_value(self))
    }
}

fn fit_ridge<T: Real>(
    estimator: &'static str,
    engine: &mut PassEngine<'_, T>,
    alpha: f64,
    fit_intercept: bool,
    params: serde_json::Result<serde_json::Value>,
) -> Result<LinearModel> {
    let (_, moments) = surveyed_moments(engine)?;
    let system = NormalEquations::new(&moments, fit_intercept);
    let coef = engine.replicate(|| Ok(system.solve(alpha)))?;
    ridge_model(estimator, &system, coef, params)
}

/// The ridge of rows whose moments are known.
pub(super) fn ridge_of(
    estimator: &'static str,
    moments: &Moments,
    alpha: f64,
    fit_intercept: bool,
    params: serde_json::Result<serde_json::Value>,
) -> Result<LinearModel> {
    let system = NormalEquations::new(moments, fit_intercept);
    let coef = system.solve(alpha);
    ridge_model(estimator, &system, coef, params)
}

fn ridge_model(
    estimator: &'static str,
    system: &NormalEquations,
    coef: Vec<f64>,
    params: serde_json::Result<serde_json::Value>,
) -> Result<LinearModel> {
    Ok(LinearModel {
        estimator,
        intercept: vec![system.intercept(&coef)],
        coef,
        response: Response::Identity,
        n_iter: None,
        converged: true,
        history: Vec::new(),
        class_names: None,
        warnings: Vec::new(),
        params: params.map_err(|e| Error::internal(format!("parameters cannot be written: {e}")))?,
    })
}

/// The normal equations of least squares, centred when an intercept is fitted.
pub(super) struct NormalEquations {
    pub(super) n_features: usize,
    /// Σ w x xᵀ, `(d, d)`.
    pub(super) gram: Vec<f64>,
    /// Σ w x y, `(d,)`.
    pub(super) xy: Vec<f64>,
    /// Σ w y².
    pub(super) yy: f64,
    /// Means of the features and of y; zeros without an intercept.
    mean: Vec<f64>,
}

impl NormalEquations {
    /// From moments whose last column is the target.
    pub(super) fn new(moments: &Moments, fit_intercept: bool) -> Self {
        let m = moments.n_columns();
        let d = m - 1;
        let product = |i: usize, j: usize| {
            let centred = moments.products[i * m + j];
            if fit_intercept {
                centred
            } else {
                (moments.weight * moments.mean[i]).mul_add(moments.mean[j], centred)
            }
        };
        Self {
            n_features: d,
            gram: (0..d * d).map(|p| product(p / d, p % d)).collect(),
            xy: (0..d).map(|i| product(i, d)).collect(),
            yy: product(d, d),
            mean: if fit_intercept { moments.mean.clone() } else { vec![0.0; m] },
        }
    }

    /// The intercept that goes with `coef`.
    pub(super) fn intercept(&self, coef: &[f64]) -> f64 {
        let (means, y) = self.mean.split_at(self.n_features);
        coef.iter().zip(means).fold(y[0], |sum, (c, mean)| (-c).mul_add(*mean, sum))
    }

    /// (gram + alpha)⁻¹ · xy, of least norm where that is not unique.
    fn solve(&self, alpha: f64) -> Vec<f64> {
        let d = self.n_features;
        // Columns of very different scale are no collinearity: factorise in units of each column's own length.
        let unit: Vec<f64> = (0..d)
            .map(|i| self.gram[i * d + i] + alpha)
            .map(|square| if square > 0.0 { 1.0 / square.sqrt() } else { 1.0 })
            .collect();
        let scaled = (0..d * d)
            .map(|p| (p / d, p % d))
            .map(|(i, j)| (self.gram[i * d + j] + if i == j { alpha } else { 0.0 }) * unit[i] * unit[j])
            .collect();
        // Squaring doubled the condition number: below this pivot half the digits would be gone.
        match cholesky(scaled, d, 1e-9) {
            Some(factor) => {
                let b: Vec<f64> = self.xy.iter().zip(&unit).map(|(b, u)| b * u).collect();
                let x = cholesky_solve(&factor, &b);
                x.iter().zip(&unit).map(|(x, u)| x * u).collect()
            }
            None => self.least_norm(alpha),
        }
    }

    fn least_norm(&self, alpha: f64) -> Vec<f64> {
        let d = self.n_features;
        let matrix = faer::Mat::from_fn(d, d, |i, j| self.gram[i * d + j] + if i == j { alpha } else { 0.0 });
        let Ok(eigen) = matrix.self_adjoint_eigen(faer::Side::Lower) else { return vec![0.0; d] };
        let (values, vectors) = (eigen.S().column_vector(), eigen.U());
        let largest = (0..d).map(|k| values[k]).fold(0.0, f64::max);
        // Below this an eigenvalue of the Gram matrix is rounding.
        let cut = largest * d as f64 * f64::EPSILON * 4.0;
        let mut x = vec![0.0; d];
        for k in (0..d).filter(|&k| values[k] > cut) {
            let along: f64 = (0..d).map(|i| vectors[(i, k)] * self.xy[i]).sum::<f64>() / values[k];
            (0..d).for_each(|i| x[i] += along * vectors[(i, k)]);
        }
        x
    }
}
