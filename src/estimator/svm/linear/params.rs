//! Parameters of linear support vector machines: as the job gives them, and checked.

use serde::{Deserialize, Serialize};

use super::fit::{Kind, LinearSvm, Loss, Settings};
use crate::error::Result;
use crate::estimator::class_weight::ClassWeight;
use crate::estimator::parameter::{check, check_positive, fault, quoted};

/// Which problem is solved; the answer is the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "true, false or \"auto\"")]
pub enum Dual {
    /// The dual, or the primal.
    Chosen(bool),
    /// `"auto"`.
    Rule(String),
}

/// Parameters of LinearSVC with scikit-learn's names and defaults, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearSvcParams {
    /// `"l2"`, or `"l1"` with `"squared_hinge"`.
    pub penalty: String,
    /// `"squared_hinge"` or `"hinge"`.
    pub loss: String,
    /// Accepted, and checked to go with the loss; the solver follows from the loss.
    pub dual: Dual,
    /// How near the optimum the solver stops, above 0.
    pub tol: f64,
    /// Inverse strength of the regularisation, above 0.
    #[serde(rename = "C")]
    pub c: f64,
    /// `"ovr"`: one class against the rest.
    pub multi_class: String,
    /// Whether there is an intercept.
    pub fit_intercept: bool,
    /// The value of the feature whose weight is the intercept.
    pub intercept_scaling: f64,
    /// Factors of C for each class.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub class_weight: Option<ClassWeight>,
    /// Seed of the order in which rows are visited under `"hinge"`; the job's by default.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub random_state: Option<u64>,
    /// Most iterations: Newton steps, or passes over the rows.
    pub max_iter: i64,
}

impl Default for LinearSvcParams {
    fn default() -> Self {
        Self {
            penalty: "l2".into(),
            loss: "squared_hinge".into(),
            dual: Dual::Rule("auto".into()),
            tol: 1e-4,
            c: 1.0,
            multi_class: "ovr".into(),
            fit_intercept: true,
            intercept_scaling: 1.0,
            class_weight: None,
            random_state: None,
            max_iter: 1000,
        }
    }
}

/// Parameters of LinearSVR with scikit-learn's names and defaults, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearSvrParams {
    /// Errors up to this cost nothing.
    pub epsilon: f64,
    /// How near the optimum the solver stops, above 0.
    pub tol: f64,
    /// Inverse strength of the regularisation, above 0.
    #[serde(rename = "C")]
    pub c: f64,
    /// `"epsilon_insensitive"` or `"squared_epsilon_insensitive"`.
    pub loss: String,
    /// Whether there is an intercept.
    pub fit_intercept: bool,
    /// The value of the feature whose weight is the intercept.
    pub intercept_scaling: f64,
    /// Accepted, and checked to go with the loss; the solver follows from the loss.
    pub dual: Dual,
    /// Seed of the order in which rows are visited under `"epsilon_insensitive"`; the job's by default.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub random_state: Option<u64>,
    /// Most iterations: Newton steps, or passes over the rows.
    pub max_iter: i64,
}

impl Default for LinearSvrParams {
    fn default() -> Self {
        Self {
            epsilon: 0.0,
            tol: 1e-4,
            c: 1.0,
            loss: "epsilon_insensitive".into(),
            fit_intercept: true,
            intercept_scaling: 1.0,
            dual: Dual::Rule("auto".into()),
            random_state: None,
            max_iter: 1000,
        }
    }
}

impl LinearSvcParams {
    /// Checks the parameters; `seed` is used where there is no `random_state`.
    ///
    /// # Errors
    /// [`crate::Error::Job`] with the key `estimator.…` of the first that cannot be used.
    pub fn validate(self, seed: u64) -> Result<LinearSvm> {
        let l1 = match self.penalty.as_str() {
            "l2" => false,
            "l1" => true,
            other => return fault("penalty", "\"l2\" or \"l1\"", quoted(other)),
        };
        let strategy = &self.multi_class;
        check("multi_class", strategy == "ovr", "\"ovr\" (others are not supported)", quoted(strategy))?;
        let squared = match self.loss.as_str() {
            "squared_hinge" => true,
            "hinge" => false,
            other => return fault("loss", "\"squared_hinge\" or \"hinge\"", quoted(other)),
        };
        check("penalty", squared || !l1, "\"l2\" with loss = \"hinge\"", quoted(&self.penalty))?;
        check_dual(&self.dual, squared, "hinge")?;
        let primal = !l1 || self.dual != Dual::Chosen(true);
        check("dual", primal, "false or \"auto\" with penalty = \"l1\"", true)?;
        self.class_weight.as_ref().map_or(Ok(()), |weight| weight.check_from_0(&["balanced"]))?;
        let settings = Settings {
            c: self.c,
            tol: self.tol,
            intercept: intercept(self.fit_intercept, self.intercept_scaling)?,
            max_iter: check_solver(self.c, self.tol, self.max_iter)?,
            seed: self.random_state.unwrap_or(seed),
            loss: Loss { squared, epsilon: 0.0 },
            l1,
        };
        Ok(LinearSvm { settings, kind: Kind::Classes(self) })
    }
}

impl LinearSvrParams {
    /// Checks the parameters; `seed` is used where there is no `random_state`.
    ///
    /// # Errors
    /// As [`LinearSvcParams::validate`].
    pub fn validate(self, seed: u64) -> Result<LinearSvm> {
        let epsilon = self.epsilon;
        check("epsilon", epsilon >= 0.0 && epsilon.is_finite(), "a number, 0 or above", epsilon)?;
        let squared = match self.loss.as_str() {
            "squared_epsilon_insensitive" => true,
            "epsilon_insensitive" => false,
            other => {
                let expected = "\"epsilon_insensitive\" or \"squared_epsilon_insensitive\"";
                return fault("loss", expected, quoted(other));
            }
        };
        check_dual(&self.dual, squared, "epsilon_insensitive")?;
        let settings = Settings {
            c: self.c,
            tol: self.tol,
            intercept: intercept(self.fit_intercept, self.intercept_scaling)?,
            max_iter: check_solver(self.c, self.tol, self.max_iter)?,
            seed: self.random_state.unwrap_or(seed),
            loss: Loss { squared, epsilon },
            l1: false,
        };
        Ok(LinearSvm { settings, kind: Kind::Numbers(self) })
    }
}

fn check_solver(c: f64, tol: f64, max_iter: i64) -> Result<usize> {
    check_positive("C", c)?;
    check_positive("tol", tol)?;
    let checked = usize::try_from(max_iter).ok();
    checked.map_or_else(|| fault("max_iter", "a whole number, 0 or above", max_iter), Ok)
}

fn intercept(wanted: bool, scaling: f64) -> Result<Option<f64>> {
    if wanted {
        check_positive("intercept_scaling", scaling)?;
    }
    Ok(wanted.then_some(scaling))
}

fn check_dual(dual: &Dual, squared: bool, loss: &str) -> Result<()> {
    match dual {
        Dual::Chosen(chosen) => {
            let expected = format!("true or \"auto\" with loss = \"{loss}\"");
            check("dual", *chosen || squared, &expected, chosen)
        }
        Dual::Rule(rule) => check("dual", rule == "auto", "true, false or \"auto\"", quoted(rule)),
    }
}
