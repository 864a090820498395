//! Linear models in a search: one Gram matrix of a fold serves every penalty.

use ndarray::ArrayView2;
use serde_json::Value;

use super::any::LinearParams;
use super::coordinate_descent::elastic_net_of;
use super::least_squares::LeastSquares;
use super::least_squares_triangle::{RowsTriangle, rows_triangle};
use super::model::{LinearModel, Response};
use super::params::{ElasticNetParams, Solver};
use super::targets::{Targets, surveyed_moments};
use crate::error::Result;
use crate::estimator::Model;
use crate::estimator::fold_search::{FoldFit, FoldModel, FoldRows, Size};
use crate::estimator::moments::Moments;

/// What least squares needs to know of a fold, whatever the penalty.
struct Sums {
    targets: Targets,
    moments: Moments,
}

impl Sums {
    fn of(rows: &FoldRows) -> Result<Self> {
        rows.with_engine(|engine| {
            let (targets, moments) = surveyed_moments(engine)?;
            Ok(Self { targets, moments })
        })
    }
}

/// The triangle of a fold's rows about their means, or about the origin.
struct FoldTriangle<const CENTRED: bool>(RowsTriangle);

/// Least squares on a fold whose sums are known; where those lack digits, from a triangle that serves every penalty too.
fn least_squares(
    rows: &FoldRows,
    sums: &Sums,
    problem: &LeastSquares,
    written: serde_json::Result<Value>,
) -> Result<LinearModel> {
    problem.model(&sums.moments, written, |system| {
        let triangle = || rows.with_engine(|engine| rows_triangle(engine, system));
        if problem.fit_intercept {
            rows.shared(|| triangle().map(FoldTriangle::<true>))?.0.solve(problem)
        } else {
            rows.shared(|| triangle().map(FoldTriangle::<false>))?.0.solve(problem)
        }
    })
}

impl LinearParams {
    fn fit_rows(&self, rows: &FoldRows) -> Result<LinearModel> {
        let sums = || rows.shared(|| Sums::of(rows));
        match self {
            Self::LinearRegression(params) => {
                least_squares(rows, &*sums()?, &params.problem(), serde_json::to_value(params))
            }
            Self::Ridge(params) => {
                least_squares(rows, &*sums()?, &params.problem(), serde_json::to_value(params))
            }
            Self::Lasso(params) => {
                let (sums, written) = (sums()?, serde_json::to_value(params));
                let start = vec![0.0; rows.table().x.ncols()];
                let params = ElasticNetParams::from(params);
                elastic_net_of("Lasso", &params, &sums.targets, &sums.moments, start, written)
            }
            Self::ElasticNet(params) => {
                let (sums, written) = (sums()?, serde_json::to_value(params));
                let start = vec![0.0; rows.table().x.ncols()];
                elastic_net_of("ElasticNet", params, &sums.targets, &sums.moments, start, written)
            }
            Self::LogisticRegression(_) | Self::PoissonRegressor(_) => {
                rows.with_engine(|engine| self.fit(engine))
            }
        }
    }

    /// What a fit with `passes` over the rows (over the Gram matrix, where there is one) costs with its scoring.
    fn cost_of_passes(&self, size: Size, passes: f64) -> f64 {
        let (n, d) = (size.n_train as f64, size.n_features as f64 + 1.0);
        let of_pass = match self {
            Self::LinearRegression(_) | Self::Ridge(_) => {
                // Coefficients of 0 or more are found one at a time.
                let part = if self.is_positive() { 4.0 } else { 1.0 / 3.0 };
                return size.n_test as f64 * d + part * d * d * d;
            }
            Self::Lasso(_) | Self::ElasticNet(_) => d * d,
            Self::LogisticRegression(params) if params.solver == Solver::NewtonCholesky => n * d * d / 2.0,
            Self::LogisticRegression(_) | Self::PoissonRegressor(_) => n * 2.0 * (d + 10.0),
        };
        size.n_test as f64 * d + passes * of_pass
    }

    fn is_positive(&self) -> bool {
        match self {
            Self::LinearRegression(params) => params.positive,
            Self::Ridge(params) => params.positive,
            _ => false,
        }
    }

    /// Passes over the rows that an iterative fit makes, about.
    fn passes(&self) -> f64 {
        let (solver, max_iter, strength) = match self {
            Self::LogisticRegression(params) => (params.solver, params.max_iter, params.c),
            Self::PoissonRegressor(params) => (params.solver, params.max_iter, 1.0 / params.alpha.max(1e-6)),
            Self::Lasso(_) | Self::ElasticNet(_) => return 30.0,
            Self::LinearRegression(_) | Self::Ridge(_) => return 0.0,
        };
        // A weaker penalty takes longer.
        let growth = 1.0 + 0.2 * strength.max(1e-4).log10().max(-3.0);
        let passes = match solver {
            Solver::NewtonCholesky => 7.0,
            Solver::Lbfgs => 20.0 * growth.max(0.4),
            Solver::GradientDescent | Solver::ProximalGrad => 60.0 * growth.max(0.4),
            Solver::Admm => 100.0,
        };
        passes.min(2.0 * max_iter.max(1) as f64)
    }
}

impl FoldFit for LinearParams {
    fn fit(&self, rows: &FoldRows) -> Result<Box<dyn FoldModel>> {
        Ok(Box::new(self.fit_rows(rows)?))
    }

    fn written(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }

    fn cost(&self, size: Size) -> f64 {
        self.cost_of_passes(size, self.passes())
    }

    fn cost_of_iterations(&self, size: Size, n_iter: usize) -> Option<f64> {
        match self {
            Self::LinearRegression(_) | Self::Ridge(_) => None,
            // The start is evaluated too.
            _ => Some(self.cost_of_passes(size, n_iter as f64 + 1.0)),
        }
    }

    fn shared_cost(&self, size: Size) -> f64 {
        let (n, d) = (size.n_train as f64, size.n_features as f64 + 1.0);
        match self {
            Self::LogisticRegression(_) | Self::PoissonRegressor(_) => 0.0,
            _ => n * d * d / 2.0,
        }
    }
}

impl FoldModel for LinearModel {
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        Ok(self.decide(self.of_rows(x)?))
    }

    fn decision(&self, x: ArrayView2<'_, f64>) -> Result<Option<Vec<f64>>> {
        match &self.response {
            Response::Classes(_) => self.of_rows(x).map(Some),
            _ => Ok(None),
        }
    }

    fn probabilities(&self, x: ArrayView2<'_, f64>) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
        let Some(classes) = self.classes() else { return Ok(None) };
        let proba = Self::probabilities(self, &self.of_rows(x)?);
        Ok(proba.map(|proba| (classes.to_vec(), proba)))
    }

    fn converged(&self) -> bool {
        self.converged
    }

    fn n_iter(&self) -> Option<usize> {
        self.n_iter
    }

    fn export(&self) -> Model {
        Self::export(self)
    }
}

impl LinearModel {
    fn of_rows(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        let x = x.as_standard_layout();
        self.predictors(x.as_slice().unwrap_or_default(), x.ncols())
    }
}
