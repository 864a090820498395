//! Parameters of SVR: as the job gives them, and checked.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::estimator::parameter::check;
use crate::estimator::svm::params::{Gamma, Svc, SvcParams, WarmStartAlongC, bounded};

/// Parameters of SVR with scikit-learn's names and defaults, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SvrParams {
    /// `"rbf"`, `"linear"`, `"poly"` or `"sigmoid"`.
    pub kernel: String,
    /// The power of the polynomial kernel.
    pub degree: i64,
    /// Kernel coefficient.
    pub gamma: Gamma,
    /// What poly and sigmoid add to the dot product.
    pub coef0: f64,
    /// Largest violation of optimality at which the solver stops, above 0.
    pub tol: f64,
    /// Inverse strength of the regularisation, above 0; infinity as of [SVC](SvcParams::c).
    #[serde(rename = "C", deserialize_with = "bounded")]
    pub c: f64,
    /// Errors up to this cost nothing.
    pub epsilon: f64,
    /// Leave rows aside that seem to stay at their bounds.
    pub shrinking: bool,
    /// Memory for kernel rows of one fit, in MB.
    pub cache_size: f64,
    /// Most iterations; −1 for no limit.
    pub max_iter: i64,
    /// Most seconds that one fit may take; none for no limit. Not one of scikit-learn's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_seconds_per_fit: Option<f64>,
    /// In a search, start fits from the solution of the next smaller C with the same epsilon, and fit candidates once that
    /// differ in shrinking alone: the same optimum within the tolerance, sooner, but by another path than libsvm's. Not one of
    /// scikit-learn's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub warm_start_along_c: bool,
}

impl Default for SvrParams {
    fn default() -> Self {
        let SvcParams { kernel, degree, gamma, coef0, tol, c, shrinking, cache_size, max_iter, .. } =
            SvcParams::default();
        Self {
            kernel,
            degree,
            gamma,
            coef0,
            tol,
            c,
            epsilon: 0.1,
            shrinking,
            cache_size,
            max_iter,
            max_seconds_per_fit: None,
            warm_start_along_c: false,
        }
    }
}

/// SVR with checked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Svr {
    params: SvrParams,
    /// The classifier with the same kernel and solver.
    pub(super) machine: Svc,
}

impl SvrParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`crate::Error::Job`] with the key `estimator.…` of the first that cannot be used.
    pub fn validate(self) -> Result<Svr> {
        let epsilon = self.epsilon;
        check("epsilon", epsilon >= 0.0 && epsilon.is_finite(), "a number, 0 or above", epsilon)?;
        let machine = SvcParams {
            c: self.c,
            kernel: self.kernel.clone(),
            degree: self.degree,
            gamma: self.gamma.clone(),
            coef0: self.coef0,
            shrinking: self.shrinking,
            tol: self.tol,
            cache_size: self.cache_size,
            max_iter: self.max_iter,
            max_seconds_per_fit: self.max_seconds_per_fit,
            warm_start_along_c: WarmStartAlongC::Given(self.warm_start_along_c),
            ..SvcParams::default()
        };
        Ok(Svr { machine: machine.validate()?, params: self })
    }
}

impl Svr {
    /// The parameters.
    pub fn params(&self) -> &SvrParams {
        &self.params
    }
}
