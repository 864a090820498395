//! Parameters of SVC: as the job gives them, and checked.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Result;
pub use crate::estimator::class_weight::ClassWeight;
use crate::estimator::parameter::{check, fault, quoted};
use crate::kernel::svm::KernelFunction;

/// The kernel coefficient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Gamma {
    /// The coefficient itself.
    Number(f64),
    /// `"scale"`, 1 / (n_features · variance of X), or `"auto"`, 1 / n_features.
    Rule(String),
}

/// Whether fits of a search start from the solution of the next smaller C.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WarmStartAlongC {
    /// Whether they do.
    Given(bool),
    /// `"auto"`: in a long search whose scores are made of predictions.
    Rule(String),
}

/// The fits times the square of the rows from which `"auto"` starts warm: a hundred fits on 10,000 rows.
///
/// Below it there is little to wait for, and every score is scikit-learn's to the row.
pub const WARM_WORK: f64 = 1e10;

impl WarmStartAlongC {
    fn is_auto(&self) -> bool {
        matches!(self, Self::Rule(_))
    }
}

/// What `C = inf` is read as: above every α, and still finite with weights of rows and classes.
const NO_BOUND: f64 = 1e150;

/// Reads C, which may be infinite.
///
/// # Errors
/// Those of reading a number.
pub(in crate::estimator::svm) fn bounded<'de, D: Deserializer<'de>>(
    from: D,
) -> std::result::Result<f64, D::Error> {
    f64::deserialize(from).map(|c| if c == f64::INFINITY { NO_BOUND } else { c })
}

/// Parameters of SVC with scikit-learn's names and defaults, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SvcParams {
    /// Inverse strength of the regularisation, above 0. Infinity, which asks for a machine without errors, is read as 10¹⁵⁰:
    /// no α reaches either, and results have no word for it.
    #[serde(rename = "C", deserialize_with = "bounded")]
    pub c: f64,
    /// `"rbf"`, `"linear"`, `"poly"` or `"sigmoid"`.
    pub kernel: String,
    /// The power of the polynomial kernel.
    pub degree: i64,
    /// Kernel coefficient.
    pub gamma: Gamma,
    /// What poly and sigmoid add to the dot product.
    pub coef0: f64,
    /// Leave rows aside that seem to stay at their bounds.
    pub shrinking: bool,
    /// Class probabilities, by Platt's method; 5 further fits for each pair of classes.
    pub probability: bool,
    /// Largest violation of optimality at which the solver stops, above 0.
    pub tol: f64,
    /// Memory for kernel rows of one fit, in MB.
    pub cache_size: f64,
    /// Factors of C for each class.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub class_weight: Option<ClassWeight>,
    /// Most iterations of one binary problem; −1 for no limit.
    pub max_iter: i64,
    /// `"ovr"` or `"ovo"`: one decision value a class, or one a pair of classes.
    pub decision_function_shape: String,
    /// Break ties between votes by the decision values.
    pub break_ties: bool,
    /// Seed of the folds that probabilities are calibrated on, 0 by default; not used without them.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub random_state: Option<u64>,
    /// Most seconds that one fit may take; none for no limit. Not one of scikit-learn's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_seconds_per_fit: Option<f64>,
    /// In a search, start fits from the solution of the next smaller C, and fit candidates once that differ in shrinking
    /// alone: the same optimum within the tolerance, sooner, but by another path than libsvm's, so that a row at the border
    /// may fall on the other side. Not one of scikit-learn's.
    #[serde(skip_serializing_if = "WarmStartAlongC::is_auto")]
    pub warm_start_along_c: WarmStartAlongC,
}

impl Default for SvcParams {
    fn default() -> Self {
        Self {
            c: 1.0,
            kernel: "rbf".into(),
            degree: 3,
            gamma: Gamma::Rule("scale".into()),
            coef0: 0.0,
            shrinking: true,
            probability: false,
            tol: 1e-3,
            cache_size: 200.0,
            class_weight: None,
            max_iter: -1,
            decision_function_shape: "ovr".into(),
            break_ties: false,
            random_state: None,
            max_seconds_per_fit: None,
            warm_start_along_c: WarmStartAlongC::Rule("auto".into()),
        }
    }
}

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelKind {
    /// x·z
    Linear,
    /// (gamma x·z + coef0)^degree
    Poly,
    /// exp(−gamma |x − z|²)
    Rbf,
    /// tanh(gamma x·z + coef0)
    Sigmoid,
}

/// What the decision function returns for more than two classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionShape {
    /// One value a class.
    OneVsRest,
    /// One value a pair of classes.
    OneVsOne,
}

/// SVC with checked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Svc {
    params: SvcParams,
    pub(super) kind: KernelKind,
    pub(super) shape: DecisionShape,
    /// Whether a search may start this fit from another one's solution.
    warm: bool,
}

impl SvcParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`crate::Error::Job`] with the key `estimator.…` of the first that cannot be used.
    pub fn validate(self) -> Result<Svc> {
        check("C", self.c > 0.0 && self.c.is_finite(), "a number above 0", self.c)?;
        check("tol", self.tol > 0.0 && self.tol.is_finite(), "a number above 0", self.tol)?;
        check("coef0", self.coef0.is_finite(), "a finite number", self.coef0)?;
        check("degree", u32::try_from(self.degree).is_ok(), "a whole number, 0 or above", self.degree)?;
        check("cache_size", self.cache_size > 0.0, "a number of MB above 0", self.cache_size)?;
        check("max_iter", self.max_iter >= -1, "-1 or a whole number from 0", self.max_iter)?;
        let kind = match self.kernel.as_str() {
            "linear" => KernelKind::Linear,
            "poly" => KernelKind::Poly,
            "rbf" => KernelKind::Rbf,
            "sigmoid" => KernelKind::Sigmoid,
            other => return fault("kernel", "\"rbf\", \"linear\", \"poly\" or \"sigmoid\"", quoted(other)),
        };
        let shape = match self.decision_function_shape.as_str() {
            "ovr" => DecisionShape::OneVsRest,
            "ovo" => DecisionShape::OneVsOne,
            other => return fault("decision_function_shape", "\"ovr\" or \"ovo\"", quoted(other)),
        };
        if self.break_ties && shape == DecisionShape::OneVsOne {
            return fault("break_ties", "false when decision_function_shape is \"ovo\"", "true");
        }
        if let Some(seconds) = self.max_seconds_per_fit {
            check("max_seconds_per_fit", seconds > 0.0, "a number of seconds above 0", seconds)?;
        }
        check_gamma(&self.gamma)?;
        // With C = 0 for a class no α of it is free, nor any of the other: libsvm's threshold is not finite then, and
        // scikit-learn refuses the fit.
        self.class_weight.as_ref().map_or(Ok(()), |weight| weight.check(&["balanced"]))?;
        let warm = match &self.warm_start_along_c {
            WarmStartAlongC::Given(warm) => *warm,
            WarmStartAlongC::Rule(rule) if rule == "auto" => false,
            WarmStartAlongC::Rule(other) => {
                return fault("warm_start_along_c", "true, false or \"auto\"", quoted(other));
            }
        };
        Ok(Svc { params: self, kind, shape, warm })
    }
}

fn check_gamma(gamma: &Gamma) -> Result<()> {
    let expected = "\"scale\", \"auto\" or a number, 0 or above";
    match gamma {
        Gamma::Number(g) => check("gamma", *g >= 0.0 && g.is_finite(), expected, g),
        Gamma::Rule(rule) => check("gamma", rule == "scale" || rule == "auto", expected, quoted(rule)),
    }
}

impl Svc {
    /// The parameters.
    pub fn params(&self) -> &SvcParams {
        &self.params
    }

    /// This candidate of a search of `n_fits` fits on parts of `n_rows` rows, whose scores are made of predictions alone or of
    /// more: without it `"auto"` starts no fit warm.
    #[must_use]
    pub fn of_search(self, n_fits: usize, n_rows: usize, by_predictions: bool) -> Self {
        let work = n_fits as f64 * (n_rows as f64).powi(2);
        let warm = match self.params.warm_start_along_c {
            WarmStartAlongC::Given(warm) => warm,
            WarmStartAlongC::Rule(_) => work >= WARM_WORK && by_predictions,
        };
        Self { warm, ..self }
    }

    /// Whether a search may start this fit from another one's solution, if nothing else speaks against it.
    pub(super) fn may_start_warm(&self) -> bool {
        self.warm
    }

    /// Most iterations of a binary problem.
    pub(super) fn max_iter(&self) -> u64 {
        u64::try_from(self.params.max_iter).unwrap_or(u64::MAX)
    }

    /// Most time that a fit may take.
    pub(super) fn time_limit(&self) -> Option<Duration> {
        self.params.max_seconds_per_fit.and_then(|s| Duration::try_from_secs_f64(s).ok())
    }

    /// Whether gamma depends on the rows fitted.
    pub(super) fn scales(&self) -> bool {
        self.kind != KernelKind::Linear && self.params.gamma == Gamma::Rule("scale".into())
    }

    /// The kernel for data with `n_features` and, under `gamma = "scale"`, a variance.
    pub(super) fn kernel(&self, gamma: f64) -> KernelFunction {
        let coef0 = self.params.coef0;
        match self.kind {
            KernelKind::Linear => KernelFunction::Linear,
            KernelKind::Rbf => KernelFunction::Rbf { gamma },
            KernelKind::Sigmoid => KernelFunction::Sigmoid { gamma, coef0 },
            KernelKind::Poly => {
                let degree = u32::try_from(self.params.degree).unwrap_or(0);
                KernelFunction::Poly { gamma, coef0, degree }
            }
        }
    }

    /// Gamma as a number: `variance` is that of all values of X, asked for under `"scale"` only.
    pub(super) fn gamma(&self, n_features: usize, variance: impl FnOnce() -> f64) -> f64 {
        match &self.params.gamma {
            Gamma::Number(gamma) => *gamma,
            Gamma::Rule(rule) if rule == "auto" => 1.0 / n_features as f64,
            Gamma::Rule(_) => {
                let variance = variance();
                if variance == 0.0 { 1.0 } else { 1.0 / (n_features as f64 * variance) }
            }
        }
    }
}
