//! Scores of numbers that do not follow from sums over all rows alone, or are not defined for all numbers.

use super::Scorer;
use crate::error::{Error, Place, Result};
use crate::metrics::error_sums::ErrorSums;
use crate::metrics::gamma_deviance::GammaDeviance;
use crate::metrics::log_error::LogError;
use crate::metrics::median::median;
use crate::metrics::pairwise::{total_weight, weighted_sum};
use crate::metrics::poisson_deviance::PoissonDeviance;

impl Scorer {
    /// The score of predicted numbers `y_pred`, `(n_samples,)` as the targets and the `weights`, or none.
    ///
    /// # Errors
    /// [`Error::Data`] for a deviance or a logarithm that is not defined for these numbers.
    pub(super) fn of_numbers(self, y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> Result<f64> {
        let score = match self {
            Self::D2PoissonDeviance => explained_poisson(y_true, y_pred, weights),
            Self::NegMeanPoissonDeviance => {
                PoissonDeviance::new(y_true, y_pred, weights).mean().map(|deviance| -deviance)
            }
            Self::NegMeanGammaDeviance => {
                GammaDeviance::new(y_true, y_pred, weights).mean().map(|deviance| -deviance)
            }
            Self::NegMeanSquaredLogError => LogError::new(y_true, y_pred, weights).mean().map(|error| -error),
            Self::NegRootMeanSquaredLogError => {
                LogError::new(y_true, y_pred, weights).mean().map(|error| -error.sqrt())
            }
            Self::NegMedianAbsoluteError => Some(-median(&errors(y_true, y_pred), weights)),
            Self::D2AbsoluteError => Some(explained_absolute(y_true, y_pred, weights)),
            _ => return self.of_errors(&ErrorSums::new(y_true, y_pred, weights)),
        };
        score.ok_or_else(|| self.not_defined("others".into()))
    }

    /// Checks that the score is defined for these targets, whatever is predicted.
    ///
    /// # Errors
    /// [`Error::Data`] for those of a deviance or a logarithm that are too small.
    pub fn check_targets(self, mut y_true: impl Iterator<Item = f64>) -> Result<()> {
        let fits = |y: f64| match self {
            Self::NegMeanPoissonDeviance | Self::D2PoissonDeviance => y >= 0.0,
            Self::NegMeanGammaDeviance => y > 0.0,
            Self::NegMeanSquaredLogError | Self::NegRootMeanSquaredLogError => y > -1.0,
            _ => true,
        };
        match y_true.find(|y| !fits(*y)) {
            None => Ok(()),
            Some(y) => Err(self.not_defined(format!("a target of {y}"))),
        }
    }

    /// That it is not defined for these numbers.
    fn not_defined(self, found: String) -> Error {
        let bounds = match self {
            Self::D2PoissonDeviance | Self::NegMeanPoissonDeviance => {
                "targets of 0 or more and predictions above 0"
            }
            Self::NegMeanGammaDeviance => "targets and predictions above 0",
            Self::NegMeanSquaredLogError | Self::NegRootMeanSquaredLogError => {
                "targets and predictions above -1"
            }
            _ => "numbers",
        };
        Error::data("scoring", Place::default(), format!("{bounds} for {}", self.name()), found)
    }
}

fn errors(y_true: &[f64], y_pred: &[f64]) -> Vec<f64> {
    y_true.iter().zip(y_pred).map(|(y, predicted)| (predicted - y).abs()).collect()
}

/// The part of the Poisson deviance about the mean that is explained; NaN for a mean of 0, as scikit-learn's
/// `PoissonRegressor` has it.
fn explained_poisson(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> Option<f64> {
    let level = weighted_sum(y_true.to_vec(), weights) / total_weight(y_true.len(), weights);
    let of = |predicted: &[f64]| PoissonDeviance::new(y_true, predicted, weights).mean();
    let left = of(y_pred)?;
    if level == 0.0 {
        return Some(f64::NAN);
    }
    of(&vec![level; y_true.len()]).map(|all| 1.0 - left / all)
}

/// The part of the absolute errors about the median that is explained; with a constant target 1 for a perfect prediction
/// and 0 otherwise, and NaN below two rows, as in scikit-learn.
fn explained_absolute(y_true: &[f64], y_pred: &[f64], weights: &[f64]) -> f64 {
    if y_true.len() < 2 {
        return f64::NAN;
    }
    let of = |predicted: &[f64]| weighted_sum(errors(y_true, predicted), weights);
    let centre = median(y_true, weights);
    match (of(y_pred), of(&vec![centre; y_true.len()])) {
        (0.0, _) => 1.0,
        (_, 0.0) => 0.0,
        (left, all) => 1.0 - left / all,
    }
}
