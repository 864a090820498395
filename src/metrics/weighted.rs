//! Scores of rows that weigh differently, as scikit-learn's of `sample_weight`.

use std::cmp::Ordering;

use super::class_sums::ClassSums;
use super::error_sums::explained;
use super::log_loss::LogLoss;
use super::pairwise::pairwise_sum;
use super::ranking::roc_auc;
use super::scorer::{Needs, Scorer};
use crate::error::{Error, Place, Result};

impl Scorer {
    /// As [`score`](Self::score), of rows with `weights` `(n_samples,)`, or none. The largest error knows no weights.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn weighted(self, y_true: &[f64], predicted: &[f64], weights: &[f64]) -> Result<f64> {
        if weights.is_empty() || self == Self::NegMaxError || self.needs() == Needs::Probability {
            return self.score(y_true, predicted);
        }
        if self == Self::RocAuc {
            return self.area(y_true, predicted, weights);
        }
        if self.is_for_classes() {
            return self.of_sums(&ClassSums::weighted(y_true, predicted, weights));
        }
        let errors: Vec<f64> = y_true.iter().zip(predicted).map(|(truth, value)| truth - value).collect();
        let mean_of = |term: &dyn Fn(usize) -> f64| average((0..errors.len()).map(term), weights);
        let square = || mean_of(&|row| errors[row] * errors[row]);
        match self {
            Self::R2 if errors.len() < 2 => Ok(f64::NAN),
            Self::R2 => Ok(explained(square(), variance(y_true, weights))),
            Self::ExplainedVariance => Ok(explained(variance(&errors, weights), variance(y_true, weights))),
            Self::NegMeanSquaredError => Ok(-square()),
            Self::NegRootMeanSquaredError => Ok(-square().sqrt()),
            Self::NegMeanAbsoluteError => Ok(-mean_of(&|row| errors[row].abs())),
            Self::NegMeanAbsolutePercentageError => {
                Ok(-mean_of(&|row| errors[row].abs() / y_true[row].abs().max(f64::EPSILON)))
            }
            Self::NegMeanPoissonDeviance => Ok(-poisson_deviance(self, y_true, predicted, weights)?),
            Self::D2PoissonDeviance => {
                let level = vec![average(y_true.iter().copied(), weights); y_true.len()];
                let left = poisson_deviance(self, y_true, predicted, weights)?;
                Ok(1.0 - left / poisson_deviance(self, y_true, &level, weights)?)
            }
            _ => Err(Error::internal(format!("{} without weights", self.name()))),
        }
    }
}

/// `numpy.average`.
fn average(values: impl Iterator<Item = f64>, weights: &[f64]) -> f64 {
    let weighted: Vec<f64> = values.zip(weights).map(|(value, weight)| value * weight).collect();
    pairwise_sum(&weighted) / pairwise_sum(weights)
}

/// The weighted variance about the weighted mean.
fn variance(values: &[f64], weights: &[f64]) -> f64 {
    let mean = average(values.iter().copied(), weights);
    average(values.iter().map(|value| (value - mean) * (value - mean)), weights)
}

fn poisson_deviance(scorer: Scorer, y_true: &[f64], predicted: &[f64], weights: &[f64]) -> Result<f64> {
    if y_true.iter().any(|y| *y < 0.0) || predicted.iter().any(|mu| *mu <= 0.0 || mu.is_nan()) {
        let expected = format!("targets of 0 or more and predictions above 0 for {}", scorer.name());
        return Err(Error::data("scoring", Place::default(), expected, "others"));
    }
    let term = |(y, mu): (&f64, &f64)| {
        let log = if *y > 0.0 { y * (y / mu).ln() } else { 0.0 };
        2.0 * (log - y + mu)
    };
    Ok(average(y_true.iter().zip(predicted).map(term), weights))
}

/// The mean logarithmic loss of rows of classes number `class` with probabilities `(n_samples, n_classes)`.
pub(super) fn log_loss(class: &[usize], proba: &[f64], weights: &[f64]) -> f64 {
    if weights.is_empty() {
        return LogLoss::new(class, proba).mean();
    }
    let k = proba.len().checked_div(class.len()).unwrap_or(0);
    let of_row = |(row, &class): (usize, &usize)| LogLoss::new(&[0], &[proba[row * k + class]]).mean();
    average(class.iter().enumerate().map(of_row), weights)
}

/// The area under the ROC curve of rows with `weights`, or none; `None` where one side weighs nothing or a value is NaN.
pub(super) fn area_under(positive: &[bool], decision: &[f64], weights: &[f64]) -> Option<f64> {
    if weights.is_empty() {
        return roc_auc(positive, decision);
    }
    if decision.iter().any(|value| value.is_nan()) {
        return None;
    }
    let compare = |&a: &usize, &b: &usize| decision[a].partial_cmp(&decision[b]).unwrap_or(Ordering::Equal);
    let mut order: Vec<usize> = (0..decision.len()).collect();
    order.sort_by(compare);
    let (mut below, mut above, mut area) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|a, b| compare(a, b).is_eq()) {
        let weigh = |side: bool| -> f64 {
            tied.iter().filter(|&&row| positive[row] == side).map(|&row| weights[row]).sum()
        };
        let (positives, negatives) = (weigh(true), weigh(false));
        area += positives * (below + negatives / 2.0);
        (below, above) = (below + negatives, above + positives);
    }
    (below > 0.0 && above > 0.0).then(|| area / (below * above))
}
