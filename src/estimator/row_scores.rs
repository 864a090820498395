//! The scores of a search from what a model says of rows, which may weigh differently.

use std::borrow::Cow;

use crate::error::{Error, Place, Result};
use crate::metrics::{Needs, Scorer};

/// Rows and what a model says of them.
pub struct Scored<'a> {
    /// Their targets `(n_samples,)`.
    pub y_true: &'a [f64],
    /// Classes that the model knows, or targets that it was fitted on; not looked at where targets are numbers.
    pub known: &'a [f64],
    /// Their weights, or none.
    pub weights: &'a [f64],
    /// The predictions; not looked at where no score needs them.
    pub predicted: &'a [f64],
    /// Decision values of two classes, larger for the second, `(n_samples,)`, or of more, one for each,
    /// `(n_samples, n_classes)`, where the model has them.
    pub decision: Option<&'a [f64]>,
    /// The ascending classes and their probabilities `(n_samples, n_classes)`, where the model has them.
    pub proba: Option<(&'a [f64], &'a [f64])>,
}

impl Scored<'_> {
    /// Values that are larger for the second of two classes, or for the first where the score is about that: decision
    /// values, or, as in scikit-learn, that class's probabilities where the model has none.
    fn ordering(&self, scorer: Scorer) -> Option<Cow<'_, [f64]>> {
        let first = scorer.is_about_first(self.known);
        let decision = self.decision.filter(|values| values.len() == self.y_true.len());
        match (decision, self.proba) {
            (Some(values), _) if first => Some(values.iter().map(|value| -value).collect()),
            (Some(values), _) => Some(Cow::Borrowed(values)),
            (None, Some((classes, proba))) if classes.len() == 2 => {
                Some(proba.chunks_exact(2).map(|of_row| of_row[usize::from(!first)]).collect())
            }
            _ => None,
        }
    }

    /// Values of each of three classes and more, and how many those are: decision values, or, as in scikit-learn,
    /// probabilities where the model has none.
    fn columns(&self) -> Option<(usize, &[f64])> {
        let values = self.decision.or(self.proba.map(|(_, proba)| proba))?;
        Some((values.len().checked_div(self.y_true.len())?, values))
    }
}

/// The scores that a search takes.
#[derive(Clone, Debug)]
pub struct RowScores {
    scorers: Vec<Scorer>,
    failed: Option<f64>,
    by_weight: bool,
    of_text: bool,
}

impl RowScores {
    /// `failed` stands for a score that is not defined for the rows; without it, that is an error.
    pub fn new(scorers: Vec<Scorer>, failed: Option<f64>) -> Self {
        Self { scorers, failed, by_weight: true, of_text: false }
    }

    /// Scores that count each row once whatever it weighs.
    pub fn of_equal_rows(self) -> Self {
        Self { by_weight: false, ..self }
    }

    /// Scores of targets that are text if `of_text`: none of those has a positive class.
    pub fn with_text(self, of_text: bool) -> Self {
        Self { of_text, ..self }
    }

    /// Whether one of the scores needs this of a model.
    pub fn ask(&self, needs: Needs) -> bool {
        self.scorers.iter().any(|scorer| scorer.needs() == needs)
    }

    /// One number for each score, weighted as scikit-learn weights them: some [are not](Scorer::knows_weights).
    ///
    /// # Errors
    /// [`Error::Data`] for a score that is not defined for these rows, or needs what the model does not have, where
    /// nothing stands for it.
    pub fn of(&self, rows: &Scored<'_>) -> Result<Vec<f64>> {
        let score = |scorer: &Scorer| match (self.score(*scorer, rows), self.failed) {
            (Err(_), Some(failed)) => Ok(failed),
            (score, _) => score,
        };
        self.scorers.iter().map(score).collect()
    }

    /// What stands for every score of rows for which a model has no predictions, as `error` says.
    ///
    /// # Errors
    /// `error` where nothing stands for a score.
    pub fn of_nothing(&self, error: Error) -> Result<Vec<f64>> {
        self.failed.map(|failed| vec![failed; self.scorers.len()]).ok_or(error)
    }

    fn score(&self, scorer: Scorer, rows: &Scored<'_>) -> Result<f64> {
        if self.of_text {
            scorer.check_text(rows.known)?;
        }
        scorer.check_known(rows.known)?;
        if let Some(score) =
            self.of_text.then(|| scorer.of_names(rows.known, rows.y_true, rows.predicted)).flatten()
        {
            return score;
        }
        let weights = if self.by_weight && scorer.knows_weights() { rows.weights } else { &[] };
        if !weights.is_empty() && weights.iter().all(|weight| *weight == 0.0) {
            let expected = format!("a row that weighs something for {}", scorer.name());
            return Err(Error::data("scoring", Place::default(), expected, "weights of 0 only"));
        }
        let score = match scorer.needs() {
            Needs::Prediction => Some(scorer.weighted(rows.y_true, rows.predicted, weights)),
            Needs::Decision if scorer.is_of_many(rows.known) => {
                rows.columns().map(|(k, values)| scorer.of_columns(rows.y_true, k, values, weights))
            }
            Needs::Decision => {
                rows.ordering(scorer).map(|values| scorer.weighted(rows.y_true, &values, weights))
            }
            Needs::Probability => rows
                .proba
                .map(|(classes, proba)| scorer.weighted_probabilities(rows.y_true, classes, proba, weights)),
        };
        score.unwrap_or_else(|| {
            let expected = format!("a model with what {} is computed from", scorer.name());
            Err(Error::data("scoring", Place::default(), expected, "none, for these training rows"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9 raises "Sample weights must contain at least one non-zero number" for each but the largest error,
    /// which it does not weigh: such a fold has scored 1 in R².
    #[test]
    fn rows_without_weight_have_no_scores() {
        let (y_true, predicted) = ([1.0, 2.0, 4.0], [1.0, 2.5, 3.0]);
        let rows = Scored {
            y_true: &y_true,
            known: &[],
            weights: &[0.0; 3],
            predicted: &predicted,
            decision: None,
            proba: None,
        };
        let scorers = vec![Scorer::R2, Scorer::NegMeanSquaredError, Scorer::NegMaxError];
        assert_eq!(RowScores::new(scorers.clone(), Some(-7.0)).of(&rows).unwrap(), [-7.0, -7.0, -1.0]);
        let error = RowScores::new(scorers.clone(), None).of(&rows).unwrap_err().to_string();
        assert!(error.contains("a row that weighs something for r2"), "{error}");
        let equal = RowScores::new(scorers, None).of_equal_rows().of(&rows).unwrap();
        assert!((equal[1] + 1.25 / 3.0).abs() < 1e-15 && equal[2] == -1.0, "{equal:?}");
    }
}
