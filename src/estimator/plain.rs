//! Estimators that fit on plain arrays: what they have in common for jobs, searches and predictions.

use ndarray::{Array2, ArrayView2};

use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::Model;
use crate::estimator::fold_search::FoldModel;

/// A fitted model that predicts rows in double precision.
pub trait PlainModel: Send + Sync {
    /// How many features it was fitted on.
    fn n_features_in(&self) -> usize;

    /// The targets of the classes, ascending; none for numbers.
    fn classes(&self) -> Option<&[f64]>;

    /// The class (as its target) or the number of each row of `x` `(n_rows, n_features)`.
    ///
    /// # Errors
    /// [`Error::Data`] when rows have another number of features than the model.
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>>;

    /// Probabilities of the classes `(n_rows, n_classes)`, where the model has them.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    fn predict_proba(&self, x: ArrayView2<'_, f64>) -> Result<Option<Array2<f64>>> {
        let _ = x;
        Ok(None)
    }

    /// Decision values as scikit-learn shapes them, `(n_rows, 1)` for two classes, where the model has them.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    fn decision_function(&self, x: ArrayView2<'_, f64>) -> Result<Option<Array2<f64>>> {
        let _ = x;
        Ok(None)
    }

    /// The model as named arrays under scikit-learn's names.
    fn export(&self) -> Model;

    /// Whether the solver reached its tolerance.
    fn converged(&self) -> bool {
        true
    }

    /// Iterations of the solver, where there is one.
    fn n_iter(&self) -> Option<usize> {
        None
    }
}

/// An estimator with checked parameters that fits on any rows of a table, by itself.
pub trait PlainEstimator: Send + Sync {
    /// Fits on the given rows, ascending.
    ///
    /// # Errors
    /// [`Error::Data`] when the rows cannot be learnt from, [`Error::Job`] for parameters that do not go with them.
    fn fit_rows(&self, table: &Table, rows: &[usize]) -> Result<Box<dyn PlainModel>>;

    /// About how many bytes a fit on `n` rows of `d` features keeps at once beside the table: a copy of the rows.
    fn memory_bytes(&self, n: usize, d: usize) -> u64 {
        8 * n as u64 * d as u64
    }

    /// Checks, before any work, what needs the data to be checked.
    ///
    /// # Errors
    /// As [`fit_rows`](Self::fit_rows).
    fn check_table(&self, table: &Table) -> Result<()>;
}

impl FoldModel for Box<dyn PlainModel> {
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        (**self).predict(x)
    }

    fn decision(&self, x: ArrayView2<'_, f64>) -> Result<Option<Vec<f64>>> {
        Ok((**self).decision_function(x)?.map(|values| values.iter().copied().collect()))
    }

    fn probabilities(&self, x: ArrayView2<'_, f64>) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
        let proba = (**self).predict_proba(x)?;
        Ok((**self).classes().zip(proba).map(|(classes, p)| (classes.to_vec(), p.iter().copied().collect())))
    }

    fn converged(&self) -> bool {
        (**self).converged()
    }

    fn n_iter(&self) -> Option<usize> {
        (**self).n_iter()
    }

    fn export(&self) -> Model {
        (**self).export()
    }
}

/// An error for rows of another width than the model's.
pub(crate) fn check_width(x: ArrayView2<'_, f64>, n_features: usize) -> Result<()> {
    if x.ncols() == n_features {
        return Ok(());
    }
    let expected = format!("{n_features} features, as fitted");
    Err(Error::data("data", Place::default(), expected, format!("{} features", x.ncols())))
}

/// Rows of a table one after the other.
pub(crate) fn gather(table: &Table, rows: &[usize]) -> Vec<f64> {
    let (d, x) = (table.x.ncols(), table.x.as_slice().unwrap_or(&[]));
    rows.iter().flat_map(|&row| &x[row * d..(row + 1) * d]).copied().collect()
}

/// Values as a matrix.
pub(crate) fn matrix(rows: usize, columns: usize, values: Vec<f64>) -> Result<Array2<f64>> {
    let found = format!("{} values", values.len());
    Array2::from_shape_vec((rows, columns), values)
        .map_err(|_| Error::data("model", Place::default(), format!("{rows} x {columns} values"), found))
}
