//! Scores by name.

use super::class_counts::{Average, ClassCounts};
use super::contingency::Contingency;
use super::error_sums::ErrorSums;
use super::log_loss::LogLoss;
use super::poisson_deviance::PoissonDeviance;
use super::weighted::area_under;
use crate::error::{Error, Place, Result};

/// What a score is computed from, besides the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Predicted classes or numbers, `(n_samples,)`.
    Prediction,
    /// Decision values of two classes, larger for the second, `(n_samples,)`.
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
    /// The mean over classes of the area under the ROC curve of each against the rest.
    RocAucOvr,
    /// The same weighted by the classes' rows.
    RocAucOvrWeighted,
    /// Minus the cross-entropy of the probabilities.
    NegLogLoss,
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
    /// Minus the mean relative error.
    NegMeanAbsolutePercentageError,
    /// Minus the largest error.
    NegMaxError,
    /// Minus the mean Poisson deviance.
    NegMeanPoissonDeviance,
    /// The explained part of the Poisson deviance.
    D2PoissonDeviance,
}

use Average::{Binary, Macro, Micro, Weighted};

/// Every name; where a score has two, the first is the one it is written under.
const NAMES: &[(&str, Scorer)] = &[
    ("accuracy", Scorer::Accuracy),
    ("balanced_accuracy", Scorer::BalancedAccuracy),
    ("precision", Scorer::Precision(Binary)),
    ("precision_macro", Scorer::Precision(Macro)),
    ("precision_micro", Scorer::Precision(Micro)),
    ("precision_weighted", Scorer::Precision(Weighted)),
    ("recall", Scorer::Recall(Binary)),
    ("recall_macro", Scorer::Recall(Macro)),
    ("recall_micro", Scorer::Recall(Micro)),
    ("recall_weighted", Scorer::Recall(Weighted)),
    ("f1", Scorer::F1(Binary)),
    ("f1_macro", Scorer::F1(Macro)),
    ("f1_micro", Scorer::F1(Micro)),
    ("f1_weighted", Scorer::F1(Weighted)),
    ("jaccard", Scorer::Jaccard(Binary)),
    ("jaccard_macro", Scorer::Jaccard(Macro)),
    ("jaccard_micro", Scorer::Jaccard(Micro)),
    ("jaccard_weighted", Scorer::Jaccard(Weighted)),
    ("matthews_corrcoef", Scorer::MatthewsCorrcoef),
    ("roc_auc", Scorer::RocAuc),
    ("roc_auc_ovr", Scorer::RocAucOvr),
    ("roc_auc_ovr_weighted", Scorer::RocAucOvrWeighted),
    ("neg_log_loss", Scorer::NegLogLoss),
    ("r2", Scorer::R2),
    ("explained_variance", Scorer::ExplainedVariance),
    ("neg_mean_squared_error", Scorer::NegMeanSquaredError),
    ("neg_root_mean_squared_error", Scorer::NegRootMeanSquaredError),
    ("neg_mean_absolute_error", Scorer::NegMeanAbsoluteError),
    ("neg_mean_absolute_percentage_error", Scorer::NegMeanAbsolutePercentageError),
    ("neg_max_error", Scorer::NegMaxError),
    ("neg_mean_poisson_deviance", Scorer::NegMeanPoissonDeviance),
    // PoissonRegressor.score of scikit-learn, which gives it no name.
    ("d2_poisson_deviance", Scorer::D2PoissonDeviance),
    // The name that scikit-learn used before 1.6, for the same negated score.
    ("max_error", Scorer::NegMaxError),
];

impl Scorer {
    /// The score called `name`.
    ///
    /// # Errors
    /// [`Error::Job`] at `search.scoring`, with the nearest names, when there is none.
    pub fn parse(name: &str) -> Result<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, scorer)| *scorer).ok_or_else(|| Error::Job {
            file: None,
            line: None,
            key: "search.scoring".into(),
            expected: "the name of a score".into(),
            found: format!("{name:?}"),
            hint: Some(nearest(name)),
        })
    }

    /// Every name that [`parse`](Self::parse) knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The name in column names.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, scorer)| *scorer == self).map_or("score", |(name, _)| name)
    }

    /// What the score is computed from.
    pub fn needs(self) -> Needs {
        match self {
            Self::RocAuc => Needs::Decision,
            Self::RocAucOvr | Self::RocAucOvrWeighted | Self::NegLogLoss => Needs::Probability,
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
        of_counts || self.needs() != Needs::Prediction
    }

    /// The score of rows with targets `y_true` and what the score [`needs`](Self::needs), both `(n_samples,)`; NaN for an
    /// area under the curve of rows of one class, as in scikit-learn.
    ///
    /// # Errors
    /// [`Error::Data`] when the score is not defined for these classes; [`Error::Internal`] for one of probabilities.
    pub fn score(self, y_true: &[f64], predicted: &[f64]) -> Result<f64> {
        self.weighted(y_true, predicted, &[])
    }

    /// The same of rows with `weights` `(n_samples,)`, or none. The largest error knows no weights.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn weighted(self, y_true: &[f64], predicted: &[f64], weights: &[f64]) -> Result<f64> {
        if self == Self::RocAuc {
            return self.area(y_true, predicted, weights);
        }
        if self.needs() == Needs::Probability {
            return Err(Error::internal(format!("{} is a score of probabilities", self.name())));
        }
        if self == Self::D2PoissonDeviance {
            let level = match weights {
                [] => super::mean(y_true),
                _ => {
                    let weighted: Vec<f64> = y_true.iter().zip(weights).map(|(y, w)| y * w).collect();
                    super::pairwise_sum(&weighted) / super::pairwise_sum(weights)
                }
            };
            let of = |predicted: &[f64]| PoissonDeviance::new(y_true, predicted, weights).mean();
            let share = of(predicted).zip(of(&vec![level; y_true.len()])).map(|(left, all)| 1.0 - left / all);
            let expected = "targets of 0 or more, not all 0, and predictions above 0 for d2_poisson_deviance";
            return share.ok_or_else(|| Error::data("scoring", Place::default(), expected, "others"));
        }
        if self == Self::NegMeanPoissonDeviance {
            let deviance = PoissonDeviance::new(y_true, predicted, weights).mean().map(|deviance| -deviance);
            let expected = "targets of 0 or more and predictions above 0 for neg_mean_poisson_deviance";
            return deviance.ok_or_else(|| Error::data("scoring", Place::default(), expected, "others"));
        }
        match (self.is_for_classes(), weights) {
            (true, []) => self.of_classes(&ClassCounts::new(y_true, predicted)),
            (true, _) => self.of_classes(&Contingency::new(y_true, predicted, weights).class_counts()),
            (false, _) => self.of_errors(&ErrorSums::new(y_true, predicted, weights)),
        }
    }

    /// The score of rows with targets `y_true` from the probabilities `(n_samples, n_classes)` of the ascending `classes`.
    ///
    /// # Errors
    /// [`Error::Data`] for rows of more or fewer classes than `classes`, but NaN for the area of rows of one of two;
    /// [`Error::Internal`] when it is no score of probabilities.
    pub fn of_probabilities(self, y_true: &[f64], classes: &[f64], proba: &[f64]) -> Result<f64> {
        self.weighted_probabilities(y_true, classes, proba, &[])
    }

    /// The same of rows with `weights`, or none.
    ///
    /// # Errors
    /// As [`of_probabilities`](Self::of_probabilities).
    pub fn weighted_probabilities(
        self,
        y_true: &[f64],
        classes: &[f64],
        proba: &[f64],
        weights: &[f64],
    ) -> Result<f64> {
        // scikit-learn takes the classes from the rows: they have to be as many as the model's, and are taken for those.
        let mut of_rows: Vec<f64> = y_true.iter().map(|y| y + 0.0).collect();
        of_rows.sort_unstable_by(f64::total_cmp);
        of_rows.dedup();
        let places: Vec<usize> = y_true.iter().map(|y| of_rows.partition_point(|class| class < y)).collect();
        let k = classes.len();
        if k < 2 {
            let expected = format!("a model of two classes or more for {}", self.name());
            return Err(self.undefined(expected, classes));
        }
        if k == 2 && of_rows.len() == 1 && self != Self::NegLogLoss {
            return Ok(f64::NAN);
        }
        let expected = || format!("rows of the classes {classes:?}, of each, for {}", self.name());
        if of_rows.len() != k {
            return Err(self.undefined(expected(), y_true));
        }
        if self == Self::NegLogLoss {
            return Ok(-LogLoss::new(&places, proba, weights).mean());
        }
        let area = |class: usize| {
            let positive: Vec<bool> = places.iter().map(|&place| place == class).collect();
            let own: Vec<f64> = proba.chunks_exact(k.max(1)).map(|of_row| of_row[class]).collect();
            area_under(&positive, &own, weights)
        };
        if k == 2 {
            return Ok(area(1).unwrap_or(f64::NAN));
        }
        let areas: Option<Vec<f64>> = (0..k).map(area).collect();
        let areas = areas.ok_or_else(|| self.undefined(expected(), y_true))?;
        match self {
            Self::RocAucOvr => Ok(areas.iter().sum::<f64>() / k as f64),
            Self::RocAucOvrWeighted => {
                let weight = |row: usize| weights.get(row).copied().unwrap_or(1.0);
                let mut rows = vec![0.0; k];
                places.iter().enumerate().for_each(|(row, &place)| rows[place] += weight(row));
                let sum: f64 = areas.iter().zip(&rows).map(|(area, rows)| rows * area).sum();
                Ok(sum / rows.iter().sum::<f64>())
            }
            _ => Err(Error::internal(format!("{} is no score of probabilities", self.name()))),
        }
    }

    /// Whether it is about one class, the positive one, which is called 1.
    fn has_positive_class(self) -> bool {
        matches!(
            self,
            Self::Precision(Binary) | Self::Recall(Binary) | Self::F1(Binary) | Self::Jaccard(Binary)
        )
    }

    /// Checks that the score is defined for targets that are text, as in scikit-learn.
    ///
    /// # Errors
    /// [`Error::Data`] for the scores of the class 1.
    pub fn check_text(self) -> Result<()> {
        if !self.has_positive_class() {
            return Ok(());
        }
        let name = self.name();
        let expected = format!("{name}_macro, _micro or _weighted for targets that are text");
        let found = format!("{name}, which is about the class called 1");
        Err(Error::data("scoring", Place::default(), expected, found))
    }

    /// Checks that the score is defined for a model that knows these classes, as in scikit-learn: one that is about the
    /// class 1 has to know it, whatever the rows are.
    ///
    /// # Errors
    /// [`Error::Data`] for the scores of the class 1.
    pub fn check_known(self, classes: &[f64]) -> Result<()> {
        if !self.has_positive_class() || classes.contains(&1.0) {
            return Ok(());
        }
        let expected = format!("training rows of the class 1, which {} is about", self.name());
        Err(Error::data("scoring", Place::default(), expected, "none"))
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

    /// The area under the curve of rows with `weights`, or none.
    pub(super) fn area(self, y_true: &[f64], decision: &[f64], weights: &[f64]) -> Result<f64> {
        let mut classes = y_true.to_vec();
        classes.sort_unstable_by(f64::total_cmp);
        classes.dedup();
        let second = match classes[..] {
            [_, second] => second,
            [_] => return Ok(f64::NAN),
            _ => return Err(self.undefined("rows of exactly two classes for roc_auc".into(), &classes)),
        };
        let positive: Vec<bool> = y_true.iter().map(|&class| class == second).collect();
        match area_under(&positive, decision, weights) {
            Some(area) => Ok(area),
            None if decision.iter().any(|value| value.is_nan()) => {
                Err(Error::data("scoring", Place::default(), "finite decision values", "NaN"))
            }
            // The rows of one class weigh nothing.
            None => Ok(f64::NAN),
        }
    }

    fn undefined(self, expected: String, classes: &[f64]) -> Error {
        let mut classes = classes.to_vec();
        classes.sort_unstable_by(f64::total_cmp);
        classes.dedup();
        let found = match classes[..] {
            [a, b, c, _, ..] => format!("{} classes: {a}, {b}, {c}, …", classes.len()),
            _ => format!("classes {classes:?}"),
        };
        Error::data("scoring", Place::default(), expected, found)
    }
}

/// The names that are nearest to `name`, for a hint.
fn nearest(name: &str) -> String {
    let mut names: Vec<&str> = Scorer::names().collect();
    names.sort_by(|a, b| strsim::jaro_winkler(b, name).total_cmp(&strsim::jaro_winkler(a, name)));
    format!("did you mean {}, {} or {}?", names[0], names[1], names[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_its_scorer() {
        for (name, scorer) in NAMES.iter().filter(|(name, _)| *name != "max_error") {
            assert_eq!(Scorer::parse(name).unwrap(), *scorer);
            assert_eq!(scorer.name(), *name);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let message = Scorer::parse("acuracy").unwrap_err().to_string();
        assert!(message.starts_with("search.scoring: "), "{message}");
        assert!(message.contains("did you mean accuracy"), "{message}");
    }

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
        assert!(Scorer::D2PoissonDeviance.score(&[0.0, 0.0], &[1.0, 1.0]).is_err());
    }

    #[test]
    fn probabilities_are_scored_as_scikit_learn_does() {
        let proba = [0.7, 0.2, 0.1, 0.3, 0.4, 0.3, 0.2, 0.2, 0.6, 0.4, 0.5, 0.1, 0.1, 0.3, 0.6];
        let (classes, y) = ([1.0, 2.0, 5.0], [1.0, 2.0, 5.0, 1.0, 2.0]);
        // scikit-learn 1.9: log_loss, roc_auc_score(multi_class="ovr", average="macro" and "weighted").
        let score = |scorer: Scorer| scorer.of_probabilities(&y, &classes, &proba);
        assert!((score(Scorer::NegLogLoss).unwrap() + 0.780_810_967_155_793_8).abs() < 1e-15);
        assert!((score(Scorer::RocAucOvr).unwrap() - 0.847_222_222_222_222_3).abs() < 1e-15);
        assert!((score(Scorer::RocAucOvrWeighted).unwrap() - 0.841_666_666_666_666_8).abs() < 1e-15);
        // Two classes have one area; too many classes, or one that has no rows, none.
        let two = Scorer::RocAucOvr.of_probabilities(&[0.0, 1.0], &[0.0, 1.0], &[0.9, 0.1, 0.2, 0.8]);
        assert_eq!(two.unwrap(), 1.0);
        assert!(Scorer::NegLogLoss.of_probabilities(&[1.0, 2.0, 7.0], &[1.0, 2.0], &[0.5; 6]).is_err());
        // scikit-learn 1.9: get_scorer("neg_log_loss") and "roc_auc_ovr" of a model of the classes 1 and 2, whose
        // probabilities of 2 are 0.2, 0.7, 0.9, 0.4, take the rows' two classes for the model's.
        let (other, proba) = ([0.0, 5.0, 0.0, 5.0], [0.8, 0.2, 0.3, 0.7, 0.1, 0.9, 0.6, 0.4]);
        let loss = Scorer::NegLogLoss.of_probabilities(&other, &[1.0, 2.0], &proba).unwrap();
        assert!((loss + 0.949_673_580_030_285_8).abs() < 1e-15);
        assert_eq!(Scorer::RocAucOvr.of_probabilities(&other, &[1.0, 2.0], &proba).unwrap(), 0.5);
        assert!(Scorer::RocAucOvr.of_probabilities(&[7.0; 4], &[1.0, 2.0], &proba).unwrap().is_nan());
        assert!(Scorer::RocAucOvr.of_probabilities(&y[..2], &classes, &proba[..6]).is_err());
        // scikit-learn 1.9: get_scorer("neg_log_loss") raises for rows that lack a class, and so does "roc_auc_ovr" but
        // for two classes, where it warns and returns NaN.
        assert!(Scorer::NegLogLoss.of_probabilities(&y[..2], &classes, &proba[..6]).is_err());
        assert!(Scorer::NegLogLoss.of_probabilities(&[1.0, 1.0], &[0.0, 1.0], &[0.5; 4]).is_err());
        assert!(Scorer::RocAucOvr.of_probabilities(&[1.0, 1.0], &[0.0, 1.0], &[0.5; 4]).unwrap().is_nan());
        assert!(Scorer::NegLogLoss.score(&y, &y).is_err());
    }

    #[test]
    fn an_area_needs_two_classes() {
        assert!(Scorer::RocAuc.score(&[1.0, 1.0], &[0.5, 0.1]).unwrap().is_nan());
        assert!(Scorer::RocAuc.score(&[1.0, 2.0, 3.0], &[0.5, 0.1, 0.2]).is_err());
        assert_eq!(Scorer::RocAuc.score(&[0.0, 1.0, 1.0], &[0.5, 0.5, 0.7]).unwrap(), 0.75);
    }
}
