//! Linear and ridge regression from one Gram matrix, or from a triangular factor where that would lose digits.

use super::dense::{cholesky, cholesky_solve};
use super::least_squares_triangle::rows_triangle;
use super::model::{LinearModel, Response};
use super::nonnegative::Columns;
use super::params::{LinearRegressionParams, RidgeParams};
use super::targets::surveyed_moments;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::estimator::moments::Moments;
use crate::kernel::Real;

impl LinearRegressionParams {
    /// Minimises Σ w (y − X·coef − intercept)²; of several minima the one of least norm. Directions of the features
    /// that are at most `tol` of the longest count as none, as in scikit-learn since 1.9. With `positive` coef is 0 or
    /// more, `tol` says nothing, and of several minima it is one of few coefficients that are not 0.
    ///
    /// # Collective
    /// One pass: (d + 1)² numbers. Where columns are nearly collinear or of very different scale, another: half as
    /// many.
    ///
    /// # Errors
    /// Invalid parameters, no targets, bad weights.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<LinearModel> {
        self.validate()?;
        fit(&self.problem(), engine, serde_json::to_value(self))
    }

    pub(super) fn problem(&self) -> LeastSquares {
        LeastSquares {
            estimator: "LinearRegression",
            alpha: 0.0,
            fit_intercept: self.fit_intercept,
            tol: self.tol,
            positive: self.positive,
        }
    }
}

impl RidgeParams {
    /// Minimises Σ w (y − X·coef − intercept)² + alpha·‖coef‖², with `positive` over coef of 0 or more.
    ///
    /// # Collective
    /// As for linear regression.
    ///
    /// # Errors
    /// Invalid parameters, no targets, bad weights.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<LinearModel> {
        self.validate()?;
        fit(&self.problem(), engine, serde_json::to_value(self))
    }

    pub(super) fn problem(&self) -> LeastSquares {
        LeastSquares {
            estimator: "Ridge",
            alpha: self.alpha,
            fit_intercept: self.fit_intercept,
            tol: 0.0,
            positive: self.positive,
        }
    }
}

/// What is minimised.
pub(super) struct LeastSquares {
    estimator: &'static str,
    pub(super) alpha: f64,
    pub(super) fit_intercept: bool,
    /// Directions shorter than this share of the longest are left out.
    pub(super) tol: f64,
    /// Whether coefficients are 0 or more.
    pub(super) positive: bool,
}

fn fit<T: Real>(
    problem: &LeastSquares,
    engine: &mut PassEngine<'_, T>,
    params: serde_json::Result<serde_json::Value>,
) -> Result<LinearModel> {
    let (_, moments) = surveyed_moments(engine)?;
    problem.model(&moments, params, |system| {
        let triangle = rows_triangle(engine, system)?;
        engine.replicate(|| triangle.solve(problem))
    })
}

impl LeastSquares {
    /// The model of rows whose moments are known. `exactly` finds the coefficients anew where those of the Gram matrix
    /// would lack digits.
    pub(super) fn model(
        &self,
        moments: &Moments,
        params: serde_json::Result<serde_json::Value>,
        exactly: impl FnOnce(&NormalEquations) -> Result<Vec<f64>>,
    ) -> Result<LinearModel> {
        let system = NormalEquations::new(moments, self.fit_intercept);
        let coef = match self.positive {
            true => system.solve_nonnegative(self.alpha),
            false => system.solve(self.alpha, self.tol),
        };
        let coef = match coef {
            Some(coef) => coef,
            None => exactly(&system)?,
        };
        ridge_model(self.estimator, &system, coef, params)
    }
}

fn ridge_model(
    estimator: &'static str,
    system: &NormalEquations,
    coef: Vec<f64>,
    params: serde_json::Result<serde_json::Value>,
) -> Result<LinearModel> {
    LinearModel {
        estimator,
        intercept: vec![system.intercept(&coef)],
        coef,
        response: Response::Identity,
        n_iter: None,
        dual_gap: None,
        converged: true,
        history: Vec::new(),
        class_names: None,
        warnings: Vec::new(),
        params: params.map_err(|e| Error::internal(format!("parameters cannot be written: {e}")))?,
    }
    .finite()
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
    pub(super) mean: Vec<f64>,
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

    /// Features that say nothing: constant ones where an intercept is fitted, else those that are 0.
    pub(super) fn says_nothing(&self, feature: usize) -> bool {
        self.gram[feature * self.n_features + feature] == 0.0
    }

    /// (gram + alpha)⁻¹ · xy; `None` where that would lack digits, or directions may be as short as `tol` of the longest.
    fn solve(&self, alpha: f64, tol: f64) -> Option<Vec<f64>> {
        let d = self.n_features;
        let Scaled { squares, unit, factor, xy } = self.scaled(alpha)?;
        // The shortest direction is at least the shortest column times the least pivot's root; the longest at most the
        // root of the trace.
        let shortest = squares.iter().copied().filter(|square| *square > 0.0).fold(f64::INFINITY, f64::min);
        let pivot = (0..d).map(|i| factor[i * d + i]).fold(1.0, f64::min).powi(2);
        let longest: f64 = squares.iter().sum();
        if shortest * pivot < (tol * MARGIN).powi(2) * longest {
            return None;
        }
        let x = cholesky_solve(&factor, &xy);
        Some(x.iter().zip(&unit).map(|(x, u)| x * u).collect())
    }

    /// The same over coefficients of 0 or more: those for which the factor's columns come nearest to its target.
    fn solve_nonnegative(&self, alpha: f64) -> Option<Vec<f64>> {
        let d = self.n_features;
        let Scaled { unit, factor, xy, .. } = self.scaled(alpha)?;
        let mut target = xy;
        for i in 0..d {
            let sum = (0..i).fold(target[i], |sum, j| (-factor[i * d + j]).mul_add(target[j], sum));
            target[i] = sum / factor[i * d + i];
        }
        let value = |i: usize, j: usize| if i <= j { factor[j * d + i] } else { 0.0 };
        let z = Columns::new(d, d, value, |i| target[i]).nonnegative();
        Some(z.iter().zip(&unit).map(|(z, u)| z * u).collect())
    }

    /// The factor of gram + alpha; `None` where it would lack digits.
    fn scaled(&self, alpha: f64) -> Option<Scaled> {
        let d = self.n_features;
        let squares: Vec<f64> = (0..d).map(|i| self.gram[i * d + i] + alpha).collect();
        // Columns of very different scale are no collinearity: factorise in units of each column's own length.
        let unit: Vec<f64> =
            squares.iter().map(|square| if *square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }).collect();
        let scaled = (0..d * d)
            .map(|p| (p / d, p % d))
            .map(|(i, j)| match i == j {
                true => 1.0,
                false => self.gram[i * d + j] * unit[i] * unit[j],
            })
            .collect();
        let factor = cholesky(scaled, d, DEPENDENT)?;
        let xy = self.xy.iter().zip(&unit).map(|(b, u)| b * u).collect();
        Some(Scaled { squares, unit, factor, xy })
    }
}

/// Normal equations in units of each column's own length.
struct Scaled {
    /// The squared lengths.
    squares: Vec<f64>,
    /// Their inverse roots, 0 for columns that say nothing.
    unit: Vec<f64>,
    /// Row by row, what stands on and below the diagonal.
    factor: Vec<f64>,
    xy: Vec<f64>,
}

/// The least pivot, of columns of unit length, from which the Gram matrix still gives nine digits: it has the square of
/// the features' condition number.
const DEPENDENT: f64 = 1e-6;

/// How far above `tol` a bound of the shortest direction must be to leave no doubt.
const MARGIN: f64 = 10.0;
