//! Whichever of the linear models a job names.

use serde::Serialize;

use super::model::LinearModel;
use super::params::{
    ElasticNetParams, LassoParams, LinearRegressionParams, LogisticRegressionParams, PoissonRegressorParams,
    RidgeParams,
};
use super::warm_start::WarmStart;
use crate::engine::pass::PassEngine;
use crate::error::Result;
use crate::kernel::Real;

/// The parameters of one of the linear models.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum LinearParams {
    /// Least squares.
    LinearRegression(LinearRegressionParams),
    /// Least squares with an l2 penalty.
    Ridge(RidgeParams),
    /// Least squares with an l1 penalty.
    Lasso(LassoParams),
    /// Least squares with both.
    ElasticNet(ElasticNetParams),
    /// Logistic regression.
    LogisticRegression(LogisticRegressionParams),
    /// Poisson regression.
    PoissonRegressor(PoissonRegressorParams),
}

impl LinearParams {
    /// The estimator's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LinearRegression(_) => "LinearRegression",
            Self::Ridge(_) => "Ridge",
            Self::Lasso(_) => "Lasso",
            Self::ElasticNet(_) => "ElasticNet",
            Self::LogisticRegression(_) => "LogisticRegression",
            Self::PoissonRegressor(_) => "PoissonRegressor",
        }
    }

    /// Whether targets are classes.
    pub fn is_classifier(&self) -> bool {
        matches!(self, Self::LogisticRegression(_))
    }

    /// Iterations at the most, where there are any.
    pub fn max_iter(&self) -> Option<usize> {
        match self {
            Self::LinearRegression(_) | Self::Ridge(_) => None,
            Self::Lasso(params) => Some(params.max_iter),
            Self::ElasticNet(params) => Some(params.max_iter),
            Self::LogisticRegression(params) => Some(params.max_iter),
            Self::PoissonRegressor(params) => Some(params.max_iter),
        }
    }

    /// Whether a fit has nothing to keep before it is done: the passes are one or two, whatever comes after them.
    pub fn keeps_nothing(&self) -> bool {
        match self {
            Self::LinearRegression(_) | Self::Ridge(_) | Self::Lasso(_) | Self::ElasticNet(_) => true,
            Self::LogisticRegression(_) | Self::PoissonRegressor(_) => false,
        }
    }

    /// Bytes that the fit keeps with each row in memory beside the row itself: coded targets and weights.
    pub fn bytes_per_row(&self) -> u64 {
        match self {
            Self::LogisticRegression(_) | Self::PoissonRegressor(_) => 16,
            _ => 0,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::Job`](crate::Error::Job) naming the key.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::LinearRegression(params) => params.validate(),
            Self::Ridge(params) => params.validate(),
            Self::Lasso(params) => ElasticNetParams::from(params).validate(),
            Self::ElasticNet(params) => params.validate(),
            Self::LogisticRegression(params) => params.validate(),
            Self::PoissonRegressor(params) => params.validate(),
        }
    }

    /// Fits the model.
    ///
    /// # Collective
    /// One pass for the closed forms; one for the targets and one or two an iteration for the others.
    ///
    /// # Errors
    /// Those of the estimator.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<LinearModel> {
        self.fit_from(engine, None)
    }

    /// Fits the model from another's coefficients on; closed forms do not care.
    ///
    /// # Collective
    /// As [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`fit`](Self::fit); [`Error::Data`](crate::Error::Data) when those are of other features or classes.
    pub fn fit_from<T: Real>(
        &self,
        engine: &mut PassEngine<'_, T>,
        start: Option<WarmStart<'_>>,
    ) -> Result<LinearModel> {
        match self {
            Self::LinearRegression(params) => params.fit(engine),
            Self::Ridge(params) => params.fit(engine),
            Self::Lasso(params) => params.fit_from(engine, start),
            Self::ElasticNet(params) => params.fit_from(engine, start),
            Self::LogisticRegression(params) => params.fit_from(engine, start),
            Self::PoissonRegressor(params) => params.fit_from(engine, start),
        }
    }
}
