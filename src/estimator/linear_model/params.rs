//! Parameters of the linear models under scikit-learn's names, and their validation.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimator::class_weight::ClassWeight;

/// The five solvers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Solver {
    /// Limited-memory BFGS.
    #[default]
    Lbfgs,
    /// Newton's method.
    NewtonCholesky,
    /// Gradient descent.
    #[serde(rename = "gradient_descent")]
    GradientDescent,
    /// Accelerated proximal gradient.
    #[serde(rename = "proximal_grad")]
    ProximalGrad,
    /// Consensus over blocks.
    Admm,
}

impl Solver {
    /// The name in job files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lbfgs => "lbfgs",
            Self::NewtonCholesky => "newton-cholesky",
            Self::GradientDescent => "gradient_descent",
            Self::ProximalGrad => "proximal_grad",
            Self::Admm => "admm",
        }
    }

    /// Whether it can minimise an l1 term.
    pub fn takes_l1(self) -> bool {
        matches!(self, Self::ProximalGrad | Self::Admm)
    }
}

/// What is added to the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Penalty {
    /// Half the squared coefficients.
    L2,
    /// The absolute coefficients.
    L1,
    /// Both, mixed by `l1_ratio`.
    ElasticNet,
    /// Nothing.
    None,
}

impl Penalty {
    /// The name in job files.
    fn name(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::L1 => "l1",
            Self::ElasticNet => "elasticnet",
            Self::None => "none",
        }
    }
}

/// Logistic regression, binary or multinomial, as `sklearn.linear_model.LogisticRegression`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticRegressionParams {
    /// The penalty; what `l1_ratio` says where it is left out, as in scikit-learn from 1.8 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Penalty>,
    /// Inverse strength of the penalty: the factor of the data term.
    #[serde(rename = "C")]
    pub c: f64,
    /// Share of l1, from 0 to 1: 0 where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l1_ratio: Option<f64>,
    /// Whether to fit an unpenalised intercept.
    pub fit_intercept: bool,
    /// Factors for the classes.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub class_weight: Option<ClassWeight>,
    /// The solver.
    pub solver: Solver,
    /// The largest gradient component, of the mean loss, that counts as zero.
    pub tol: f64,
    /// Iterations at the most.
    pub max_iter: usize,
}

impl Default for LogisticRegressionParams {
    fn default() -> Self {
        Self {
            penalty: None,
            c: 1.0,
            l1_ratio: None,
            fit_intercept: true,
            class_weight: None,
            solver: Solver::Lbfgs,
            tol: 1e-4,
            max_iter: 100,
        }
    }
}

/// Poisson regression with a log link, as `sklearn.linear_model.PoissonRegressor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoissonRegressorParams {
    /// Strength of the l2 penalty.
    pub alpha: f64,
    /// Whether to fit an unpenalised intercept.
    pub fit_intercept: bool,
    /// The solver.
    pub solver: Solver,
    /// The largest gradient component, of the mean loss, that counts as zero.
    pub tol: f64,
    /// Iterations at the most.
    pub max_iter: usize,
}

impl Default for PoissonRegressorParams {
    fn default() -> Self {
        Self { alpha: 1.0, fit_intercept: true, solver: Solver::Lbfgs, tol: 1e-4, max_iter: 100 }
    }
}

/// Least squares, as `sklearn.linear_model.LinearRegression`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearRegressionParams {
    /// Whether to fit an intercept.
    pub fit_intercept: bool,
    /// Directions of the features whose singular value is at most this share of the greatest are left out.
    pub tol: f64,
    /// Whether coefficients are 0 or more.
    pub positive: bool,
}

impl Default for LinearRegressionParams {
    fn default() -> Self {
        Self { fit_intercept: true, tol: 1e-6, positive: false }
    }
}

impl LinearRegressionParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::Job`] naming the key.
    pub fn validate(&self) -> Result<()> {
        non_negative("tol", self.tol)
    }
}

/// Least squares with an l2 penalty, as `sklearn.linear_model.Ridge`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RidgeParams {
    /// Strength of the penalty, on the sum (not the mean) of squares.
    pub alpha: f64,
    /// Whether to fit an unpenalised intercept.
    pub fit_intercept: bool,
    /// Whether coefficients are 0 or more.
    pub positive: bool,
    /// Accepted, and checked to go with `positive`: all find the one minimum, which is found directly here.
    pub solver: RidgeSolver,
    /// Accepted and not used.
    pub tol: f64,
    /// Accepted and not used.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub max_iter: Option<i64>,
    /// Accepted and not used: nothing is drawn.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub random_state: Option<u64>,
}

impl Default for RidgeParams {
    fn default() -> Self {
        Self {
            alpha: 1.0,
            fit_intercept: true,
            positive: false,
            solver: RidgeSolver::Auto,
            tol: 1e-4,
            max_iter: None,
            random_state: None,
        }
    }
}

/// scikit-learn's solvers of ridge regression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RidgeSolver {
    /// Any.
    #[default]
    Auto,
    /// By singular values.
    Svd,
    /// By the normal equations.
    Cholesky,
    /// Iterated.
    Lsqr,
    /// Conjugate gradients.
    SparseCg,
    /// Stochastic averages of gradients.
    Sag,
    /// The same without bias.
    Saga,
    /// For coefficients of 0 or more.
    Lbfgs,
}

/// The order in which scikit-learn's coordinate descent takes the coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// One after the other.
    #[default]
    Cyclic,
    /// Accepted, and taken as cyclic: the minimum is the same.
    Random,
}

/// Least squares with l1 and l2 penalties, as `sklearn.linear_model.ElasticNet`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElasticNetParams {
    /// Strength of both penalties, on the mean of squares.
    pub alpha: f64,
    /// Share of l1, from 0 to 1.
    pub l1_ratio: f64,
    /// Whether to fit an unpenalised intercept.
    pub fit_intercept: bool,
    /// Sweeps over the coefficients at the most.
    pub max_iter: usize,
    /// The duality gap, relative to Σ y², that counts as zero.
    pub tol: f64,
    /// Whether coefficients are 0 or more.
    pub positive: bool,
    /// Accepted and not used: the Gram matrix is formed in any case.
    pub precompute: bool,
    /// Accepted: the minimum is the same.
    pub selection: Selection,
    /// Accepted and not used: nothing is drawn.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub random_state: Option<u64>,
}

impl Default for ElasticNetParams {
    fn default() -> Self {
        Self {
            alpha: 1.0,
            l1_ratio: 0.5,
            fit_intercept: true,
            max_iter: 1000,
            tol: 1e-4,
            positive: false,
            precompute: false,
            selection: Selection::Cyclic,
            random_state: None,
        }
    }
}

/// Least squares with an l1 penalty, as `sklearn.linear_model.Lasso`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LassoParams {
    /// Strength of the penalty, on the mean of squares.
    pub alpha: f64,
    /// Whether to fit an unpenalised intercept.
    pub fit_intercept: bool,
    /// Sweeps over the coefficients at the most.
    pub max_iter: usize,
    /// The duality gap, relative to Σ y², that counts as zero.
    pub tol: f64,
    /// Whether coefficients are 0 or more.
    pub positive: bool,
    /// Accepted and not used: the Gram matrix is formed in any case.
    pub precompute: bool,
    /// Accepted: the minimum is the same.
    pub selection: Selection,
    /// Accepted and not used: nothing is drawn.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub random_state: Option<u64>,
}

impl Default for LassoParams {
    fn default() -> Self {
        Self {
            alpha: 1.0,
            fit_intercept: true,
            max_iter: 1000,
            tol: 1e-4,
            positive: false,
            precompute: false,
            selection: Selection::Cyclic,
            random_state: None,
        }
    }
}

impl LogisticRegressionParams {
    /// Checks every value and that the solver can do the penalty.
    ///
    /// # Errors
    /// [`Error::Job`] naming the key.
    pub fn validate(&self) -> Result<()> {
        if self.c == f64::INFINITY {
            return Err(Error::job("estimator.C", "a finite number, or penalty = \"none\"", "inf"));
        }
        positive("C", self.c)?;
        non_negative("tol", self.tol)?;
        if let Some(ratio) = self.l1_ratio {
            share("l1_ratio", ratio)?;
        }
        self.check_penalty()?;
        if self.l1_strength() > 0.0 && !self.solver.takes_l1() {
            return Err(Error::job(
                "estimator.solver",
                "\"proximal_grad\" or \"admm\" for a penalty with an l1 part",
                format!("\"{}\"", self.solver.name()),
            ));
        }
        self.class_weight.as_ref().map_or(Ok(()), |weight| weight.check_from_0(&["balanced"]))
    }

    /// Checks that the penalty, where it is given, and `l1_ratio` do not say different things.
    fn check_penalty(&self) -> Result<()> {
        let Some(penalty) = self.penalty else { return Ok(()) };
        let expected = match (penalty, self.l1_ratio) {
            (Penalty::ElasticNet, None) => "a number from 0 to 1",
            (Penalty::L2 | Penalty::None, Some(ratio)) if ratio != 0.0 => "0, or no penalty beside it,",
            (Penalty::L1, Some(ratio)) if ratio != 1.0 => "1, or no penalty beside it,",
            _ => return Ok(()),
        };
        let found = self.l1_ratio.map_or("none".into(), |ratio| ratio.to_string());
        let expected = format!("{expected} for penalty = \"{}\"", penalty.name());
        Err(Error::job("estimator.l1_ratio", expected, found))
    }

    /// Factor of Σ|coef| before division by `C`.
    pub(super) fn l1_strength(&self) -> f64 {
        match self.penalty {
            Some(Penalty::L1) => 1.0,
            Some(Penalty::L2 | Penalty::None) => 0.0,
            Some(Penalty::ElasticNet) | None => self.l1_ratio.unwrap_or(0.0),
        }
    }

    /// Factor of ½Σcoef² before division by `C`.
    pub(super) fn l2_strength(&self) -> f64 {
        if self.penalty == Some(Penalty::None) { 0.0 } else { 1.0 - self.l1_strength() }
    }
}

impl PoissonRegressorParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::Job`] naming the key.
    pub fn validate(&self) -> Result<()> {
        non_negative("alpha", self.alpha)?;
        one_or_more("max_iter", self.max_iter)?;
        non_negative("tol", self.tol)
    }
}

impl RidgeParams {
    /// Checks every value, and that scikit-learn has the solver for it.
    ///
    /// # Errors
    /// [`Error::Job`] naming the key.
    pub fn validate(&self) -> Result<()> {
        non_negative("alpha", self.alpha)?;
        non_negative("tol", self.tol)?;
        if let Some(max_iter) = self.max_iter.filter(|max_iter| *max_iter < 1) {
            return Err(Error::job("estimator.max_iter", "an integer of at least 1", max_iter.to_string()));
        }
        let expected = match (self.solver, self.positive) {
            (RidgeSolver::Auto, _) | (RidgeSolver::Lbfgs, true) => return Ok(()),
            (RidgeSolver::Lbfgs, false) => "\"auto\" or another (\"lbfgs\" is for positive = true)",
            (_, true) => "\"auto\" or \"lbfgs\" with positive = true",
            (_, false) => return Ok(()),
        };
        let found = serde_json::to_string(&self.solver).unwrap_or_default();
        Err(Error::job("estimator.solver", expected, found))
    }
}

impl ElasticNetParams {
    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::Job`] naming the key.
    pub fn validate(&self) -> Result<()> {
        non_negative("alpha", self.alpha)?;
        share("l1_ratio", self.l1_ratio)?;
        one_or_more("max_iter", self.max_iter)?;
        non_negative("tol", self.tol)
    }
}

impl From<&LassoParams> for ElasticNetParams {
    fn from(lasso: &LassoParams) -> Self {
        let LassoParams {
            alpha,
            fit_intercept,
            max_iter,
            tol,
            positive,
            precompute,
            selection,
            random_state,
        } = *lasso;
        let l1_ratio = 1.0;
        Self { alpha, l1_ratio, fit_intercept, max_iter, tol, positive, precompute, selection, random_state }
    }
}

fn check(key: &str, value: f64, holds: bool, expected: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::job(format!("estimator.{key}"), expected, value.to_string())) }
}

fn positive(key: &str, value: f64) -> Result<()> {
    check(key, value, value > 0.0 && value.is_finite(), "a number above 0")
}

fn non_negative(key: &str, value: f64) -> Result<()> {
    check(key, value, value >= 0.0 && value.is_finite(), "a number of 0 or more")
}

fn one_or_more(key: &str, value: usize) -> Result<()> {
    check(key, value as f64, value >= 1, "an integer of at least 1")
}

fn share(key: &str, value: f64) -> Result<()> {
    check(key, value, (0.0..=1.0).contains(&value), "a number from 0 to 1")
}
