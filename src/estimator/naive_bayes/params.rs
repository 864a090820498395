//! Parameters of GaussianNB and their validation.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Parameters of GaussianNB with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianNbParams {
    /// Probabilities of the classes, in their order; those found in the data when absent.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub priors: Option<Vec<f64>>,
    /// The share of the largest variance of a feature that is added to all variances.
    pub var_smoothing: f64,
}

impl Default for GaussianNbParams {
    fn default() -> Self {
        Self { priors: None, var_smoothing: 1e-9 }
    }
}

impl GaussianNbParams {
    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Job`] for a smoothing below 0, and for priors that are no probabilities.
    pub fn validate(&self) -> Result<()> {
        if !(self.var_smoothing >= 0.0 && self.var_smoothing.is_finite()) {
            let found = self.var_smoothing.to_string();
            return Err(Error::job("var_smoothing", "a number of 0 or more", found));
        }
        let Some(priors) = &self.priors else { return Ok(()) };
        let sum: f64 = priors.iter().sum();
        let sums_to_one = (sum - 1.0).abs() <= 1e-5;
        if sums_to_one && priors.iter().all(|prior| *prior >= 0.0) {
            return Ok(());
        }
        Err(Error::job("priors", "numbers of 0 or more that sum to 1", format!("{priors:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_value_is_refused() {
        let refused = |params: GaussianNbParams, key: &str| {
            let message = params.validate().unwrap_err().to_string();
            assert!(message.starts_with(key), "{message}");
        };
        for var_smoothing in [-1e-9, f64::NAN, f64::INFINITY] {
            refused(GaussianNbParams { var_smoothing, ..GaussianNbParams::default() }, "var_smoothing");
        }
        for priors in [vec![0.5, 0.6], vec![1.5, -0.5], vec![f64::NAN, 1.0], vec![]] {
            refused(GaussianNbParams { priors: Some(priors), ..GaussianNbParams::default() }, "priors");
        }
        GaussianNbParams { priors: Some(vec![0.25, 0.75]), var_smoothing: 0.0 }.validate().unwrap();
    }
}
