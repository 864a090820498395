//! The scores of a search from what a model says of rows, which may weigh differently.

use crate::metrics::{Needs, Scorer};

/// Rows and what a model says of them.
pub struct Scored<'a> {
    /// Their targets `(n_samples,)`.
    pub y_true: &'a [f64],
    /// Their weights, or none.
    pub weights: &'a [f64],
    /// The predictions; not looked at where no score needs them.
    pub predicted: &'a [f64],
    /// Decision values of two classes, where the model has them.
    pub decision: Option<&'a [f64]>,
    /// The ascending classes and their probabilities `(n_samples, n_classes)`, where the model has them.
    pub proba: Option<(&'a [f64], &'a [f64])>,
}

/// The scores that a search takes.
#[derive(Clone, Debug)]
pub struct RowScores {
    scorers: Vec<Scorer>,
    failed: f64,
}

impl RowScores {
    /// `failed` stands for a score that is not defined for the rows.
    pub fn new(scorers: Vec<Scorer>, failed: f64) -> Self {
        Self { scorers, failed }
    }

    /// Whether one of the scores needs this of a model.
    pub fn ask(&self, needs: Needs) -> bool {
        self.scorers.iter().any(|scorer| scorer.needs() == needs)
    }

    /// One number for each score, weighted as scikit-learn weights them; NaN for what the model does not have.
    pub fn of(&self, rows: &Scored<'_>) -> Vec<f64> {
        let score = |scorer: &Scorer| {
            let score = match scorer.needs() {
                Needs::Prediction => Some(scorer.weighted(rows.y_true, rows.predicted, rows.weights)),
                Needs::Decision => {
                    rows.decision.map(|values| scorer.weighted(rows.y_true, values, rows.weights))
                }
                Needs::Probability => rows.proba.map(|(classes, proba)| {
                    scorer.weighted_probabilities(rows.y_true, classes, proba, rows.weights)
                }),
            };
            score.map_or(f64::NAN, |score| score.unwrap_or(self.failed))
        };
        self.scorers.iter().map(score).collect()
    }
}
