//! What a search asks of an estimator that fits on rows in memory.

use ndarray::ArrayView2;
use serde_json::Value;

use super::rows::FoldRows;
use crate::error::Result;
use crate::estimator::Model;

/// How large a fit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows to fit on.
    pub n_train: usize,
    /// Rows to score on.
    pub n_test: usize,
    /// Features of a row.
    pub n_features: usize,
}

/// An estimator with the parameters of one candidate, all checked.
pub trait FoldFit: Send + Sync {
    /// Fits on `rows`. The answer must depend on nothing but the rows and the parameters. What is no pass looks now and then
    /// [whether it is still wanted](crate::telemetry::check_interrupt).
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) for rows that these parameters cannot be fitted on.
    fn fit(&self, rows: &FoldRows) -> Result<Box<dyn FoldModel>>;

    /// The parameters: fits of equal ones are the same, and done once. None where that cannot be told.
    fn written(&self) -> Option<Value> {
        None
    }

    /// About how many multiplications a fit with its scoring takes beside those of [`shared_cost`](Self::shared_cost).
    fn cost(&self, size: Size) -> f64;

    /// The same of a fit that took `n_iter` iterations; none where that is known without fitting.
    fn cost_of_iterations(&self, _size: Size, _n_iter: usize) -> Option<f64> {
        None
    }

    /// About how many multiplications the work takes that all candidates of a fold share.
    fn shared_cost(&self, _size: Size) -> f64 {
        0.0
    }
}

/// A fitted estimator.
pub trait FoldModel {
    /// The prediction for each row of `x` `(n_rows, n_features)`: a number, or the class as it stands in the targets.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) for rows that it cannot take.
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>>;

    /// Decision values of two classes, larger for the second, or of more, one for each `(n_rows, n_classes)`; `None` where
    /// there are no such values: probabilities, if there are any, order rows then.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    fn decision(&self, _x: ArrayView2<'_, f64>) -> Result<Option<Vec<f64>>> {
        Ok(None)
    }

    /// The ascending classes and their probabilities `(n_rows, n_classes)`, where the model has them.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    fn probabilities(&self, _x: ArrayView2<'_, f64>) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
        Ok(None)
    }

    /// Whether the fit reached its tolerance.
    fn converged(&self) -> bool {
        true
    }

    /// Iterations of the fit, where there are such.
    fn n_iter(&self) -> Option<usize> {
        None
    }

    /// The model as named arrays.
    fn export(&self) -> Model;
}
