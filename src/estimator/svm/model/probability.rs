//! Class probabilities of a fitted SVC.

use ndarray::{Array2, ArrayView2};

use super::SvcModel;
use crate::error::Result;
use crate::estimator::svm::platt::{Sigmoid, couple};

impl SvcModel {
    /// The same model with probabilities.
    pub(in crate::estimator::svm) fn with_sigmoids(self, sigmoids: Vec<Sigmoid>) -> Self {
        Self { sigmoids, ..self }
    }

    /// Whether it was fitted with `probability`.
    pub fn has_probabilities(&self) -> bool {
        !self.sigmoids.is_empty()
    }

    /// `probA_` and `probB_`, one number a pair of classes each; empty without probabilities.
    pub fn probabilities(&self) -> (Vec<f64>, Vec<f64>) {
        self.sigmoids.iter().map(|sigmoid| (sigmoid.a, sigmoid.b)).unzip()
    }

    /// Probabilities of the classes `(n_rows, n_classes)`, where they were asked for. As in scikit-learn the most
    /// probable class need not be the predicted one.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) when rows have another number of features than the model.
    pub fn predict_proba(&self, x: ArrayView2<'_, f64>) -> Result<Option<Array2<f64>>> {
        if !self.has_probabilities() {
            return Ok(None);
        }
        let decisions = self.pair_decisions(&self.row_major(x)?)?;
        let k = self.classes.len();
        let mut probabilities = Array2::zeros((x.nrows(), k));
        let (mut pairs, mut room) = (vec![0.0; self.sigmoids.len()], vec![0.0; (k + 1) * k]);
        for (decisions, mut out) in decisions.outer_iter().zip(probabilities.outer_iter_mut()) {
            for ((pair, sigmoid), &decision) in pairs.iter_mut().zip(&self.sigmoids).zip(&decisions) {
                *pair = sigmoid.probability(decision);
            }
            if let Some(out) = out.as_slice_mut() {
                couple(&pairs, out, &mut room);
            }
        }
        Ok(Some(probabilities))
    }
}
