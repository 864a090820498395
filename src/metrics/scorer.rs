//! Scores by name.

mod checks;
mod columns;
mod groups;
mod names;
mod numbers;
mod ordering;
mod probabilities;

use super::class_counts::{Average, ClassCounts};
use super::contingency::Contingency;
use super::error_sums::ErrorSums;
use crate::error::{Error, Result};
pub use groups::Grouping;

/// What a score is computed from, besides the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Predicted classes or numbers, `(n_samples,)`.
    Prediction,
    /// Decision values of two classes, larger for the second, `(n_samples,)`, or of more, one for each,
    /// `(n_samples, n_classes)`; where a model has none, probabilities.
    Decision,
    /// Probabilities of the classes, `(n_samples, n_classes)`.
    Probability,
}

/// A score under scikit-learn's name; greater is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scorer {
    /// The fraction of rows predicted as what they are.
    Accuracy,
    /// The mean recall of the classes.
    BalancedAccuracy,
    /// Hits over rows predicted as the class.
    Precision(Average),
    /// Hits over rows of the class.
    Recall(Average),
    /// The harmonic mean of precision and recall.
    F1(Average),
    /// Hits over rows that are of the class or predicted as it.
    Jaccard(Average),
    /// Matthews' correlation coefficient.
    MatthewsCorrcoef,
    /// The area under the ROC curve of two classes.
    RocAuc,
    /// The mean precision over the thresholds of two classes, by the recall that each adds; of more classes its mean
    /// over each against the rest.
    AveragePrecision,
    /// The fraction of rows whose class is among the two likeliest.
    TopKAccuracy,
    /// The recall of the second of two classes over the fraction of the first that is taken for it.
    PositiveLikelihoodRatio,
    /// Minus the fraction of the second of two classes that is missed over the recall of the first.
    NegNegativeLikelihoodRatio,
    /// How well predictions group the rows as the targets do, whatever they are called.
    Grouping(Grouping),
    /// The mean over classes of the area under the ROC curve of each against the rest.
    RocAucOvr,
    /// The same weighted by the classes' rows.
    RocAucOvrWeighted,
    /// The mean over pairs of classes of the area under the ROC curve of each against the other.
    RocAucOvo,
    /// The same weighted by the pairs' rows.
    RocAucOvoWeighted,
    /// Minus the cross-entropy of the probabilities.
    NegLogLoss,
    /// Minus the mean squared error of the probabilities: of the second class, or summed over three and more.
    NegBrierScore,
    /// The explained part of the cross-entropy.
    D2LogLoss,
    /// The explained part of the squared error of the probabilities.
    D2Brier,
    /// The coefficient of determination.
    R2,
    /// The explained part of the variance.
    ExplainedVariance,
    /// Minus the mean squared error.
    NegMeanSquaredError,
    /// Minus its root.
    NegRootMeanSquaredError,
    /// Minus the mean absolute error.
    NegMeanAbsoluteError,
    /// Minus the median of the absolute errors.
    NegMedianAbsoluteError,
    /// Minus the mean squared error of log(1 + number).
    NegMeanSquaredLogError,
    /// Minus its root.
    NegRootMeanSquaredLogError,
    /// Minus the mean relative error.
    NegMeanAbsolutePercentageError,
    /// Minus the largest error.
    NegMaxError,
    /// Minus the mean Poisson deviance.
    NegMeanPoissonDeviance,
    /// Minus the mean gamma deviance.
    NegMeanGammaDeviance,
    /// The explained part of the absolute errors about the median.
    D2AbsoluteError,
    /// The explained part of the Poisson deviance.
    D2PoissonDeviance,
}

impl Scorer {
    /// What the score is computed from.
    pub fn needs(self) -> Needs {
        match self {
            Self::RocAuc | Self::AveragePrecision | Self::TopKAccuracy => Needs::Decision,
            Self::RocAucOvr
            | Self::RocAucOvrWeighted
            | Self::RocAucOvo
            | Self::RocAucOvoWeighted
            | Self::NegLogLoss
            | Self::NegBrierScore
            | Self::D2LogLoss
            | Self::D2Brier => Needs::Probability,
            _ => Needs::Prediction,
        }
    }

    /// Whether it scores classes; the others score numbers.
    pub fn is_for_classes(self) -> bool {
        use Scorer::{Accuracy, BalancedAccuracy, F1, Jaccard, MatthewsCorrcoef, Precision, Recall};
        let of_counts = matches!(
            self,
            Accuracy | BalancedAccuracy | Precision(_) | Recall(_) | F1(_) | Jaccard(_) | MatthewsCorrcoef
        );
        of_counts || self.is_of_labels() || self.needs() != Needs::Prediction
    }

    /// The score of rows with targets `y_true` and what the score [`needs`](Self::needs), both `(n_samples,)`; NaN for an
    /// area under the curve of rows of one class, as in scikit-learn. Decision values are larger for the second class, or
    /// for the one that the score [is about](Self::is_about_first).
    ///
    /// # Errors
    /// [`Error::Data`] when the score is not defined for these classes; [`Error::Internal`] for one of probabilities.
    pub fn score(self, y_true: &[f64], predicted: &[f64]) -> Result<f64> {
        self.weighted(y_true, predicted, &[])
    }

    /// The same of rows with `weights` `(n_samples,)`, or none. Some scores [know no weights](Self::knows_weights).
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn weighted(self, y_true: &[f64], predicted: &[f64], weights: &[f64]) -> Result<f64> {
        match self {
            Self::RocAuc => return self.area(y_true, predicted, weights),
            Self::AveragePrecision => return self.precision_over_recall(y_true, predicted, weights),
            Self::TopKAccuracy => return self.of_two(y_true),
            _ if self.is_of_labels() => return self.of_labels(&Contingency::new(y_true, predicted, &[])),
            _ => {}
        }
        if self.needs() == Needs::Probability {
            return Err(Error::internal(format!("{} is a score of probabilities", self.name())));
        }
        match (self.is_for_classes(), weights) {
            (true, []) => self.of_classes(&ClassCounts::new(y_true, predicted)),
            (true, _) => self.of_classes(&Contingency::new(y_true, predicted, weights).class_counts()),
            (false, _) => self.of_numbers(y_true, predicted, weights),
        }
    }

    /// The score of counted classes.
    ///
    /// # Errors
    /// [`Error::Data`] when it needs two classes, one of them 1, and these are others;
    /// [`Error::Internal`] when it is no score of counts.
    pub fn of_classes(self, counts: &ClassCounts) -> Result<f64> {
        if self.has_positive_class() && !counts.is_binary() {
            let name = self.name();
            let expected = format!("two classes, 0 and 1, for {name} (or {name}_macro, _micro, _weighted)");
            return Err(self.undefined(expected, &counts.classes));
        }
        Ok(match self {
            Self::Accuracy => counts.accuracy(),
            Self::BalancedAccuracy => counts.balanced_accuracy(),
            Self::Precision(average) => counts.precision(average),
            Self::Recall(average) => counts.recall(average),
            Self::F1(average) => counts.f1(average),
            Self::Jaccard(average) => counts.jaccard(average),
            Self::MatthewsCorrcoef => counts.matthews_corrcoef(),
            _ => return Err(Error::internal(format!("{} is no score of counts", self.name()))),
        })
    }

    /// The score of summed errors.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is no score of errors.
    pub fn of_errors(self, sums: &ErrorSums) -> Result<f64> {
        Ok(match self {
            Self::R2 => sums.r2(),
            Self::ExplainedVariance => sums.explained_variance(),
            Self::NegMeanSquaredError => -sums.mean_squared_error(),
            Self::NegRootMeanSquaredError => -sums.mean_squared_error().sqrt(),
            Self::NegMeanAbsoluteError => -sums.mean_absolute_error(),
            Self::NegMeanAbsolutePercentageError => -sums.mean_absolute_percentage_error(),
            Self::NegMaxError => -sums.max_error(),
            _ => return Err(Error::internal(format!("{} is no score of errors", self.name()))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Average::Binary;

    #[test]
    fn a_binary_score_of_three_classes_is_refused() {
        let error = Scorer::F1(Binary).score(&[0.0, 1.0, 2.0], &[0.0, 1.0, 2.0]).unwrap_err();
        assert!(error.to_string().contains("f1_macro"), "{error}");
        assert!(Scorer::Recall(Binary).score(&[3.0, 4.0], &[3.0, 4.0]).is_err());
    }

    #[test]
    fn a_deviance_needs_positive_predictions() {
        // scikit-learn 1.9: mean_poisson_deviance([2, 0, 1, 4], [0.5, 0.5, 2, 2]).
        let deviance = Scorer::NegMeanPoissonDeviance.score(&[2.0, 0.0, 1.0, 4.0], &[0.5, 0.5, 2.0, 2.0]);
        assert!((deviance.unwrap() + 1.426_015_131_959_808_4).abs() < 1e-15);
        assert!(Scorer::NegMeanPoissonDeviance.score(&[1.0, -1.0], &[1.0, 1.0]).is_err());
        assert!(Scorer::NegMeanPoissonDeviance.score(&[1.0, 1.0], &[1.0, 0.0]).is_err());
    }

    #[test]
    fn a_deviance_is_explained_in_part() {
        // scikit-learn 1.9: d2_tweedie_score([2, 0, 1, 4], [0.5, 0.5, 2, 2], power=1).
        let share = Scorer::D2PoissonDeviance.score(&[2.0, 0.0, 1.0, 4.0], &[0.5, 0.5, 2.0, 2.0]);
        assert!((share.unwrap() - 0.053_789_764_558_056_286).abs() < 1e-14);
        // scikit-learn 1.9.1: PoissonRegressor().fit(X, y).score(X[:2], [0, 0]) warns of log(0), and so under any error_score.
        assert!(Scorer::D2PoissonDeviance.score(&[0.0, 0.0], &[1.0, 1.0]).unwrap().is_nan());
        assert!(Scorer::D2PoissonDeviance.score(&[0.0, -1.0], &[1.0, 1.0]).is_err());
    }
}
