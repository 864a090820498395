//! Scores of values of three classes and more, one for each.

use super::Scorer;
use super::ordering::distinct;
use crate::error::{Error, Place, Result};
use crate::metrics::average_precision::average_precision;
use crate::metrics::pairwise::mean;
use crate::metrics::top_k::TopK;

impl Scorer {
    /// The score of rows with targets `y_true` and `weights`, or none, from values of `k` classes, three or more,
    /// `(n_samples, k)`, larger for the likelier ones.
    ///
    /// # Errors
    /// [`Error::Data`] for rows of more or fewer classes than `k`, as in scikit-learn, which takes those of the rows
    /// for the model's, and for values that are not finite; [`Error::Internal`] when it is no score of such values.
    pub fn of_columns(self, y_true: &[f64], k: usize, values: &[f64], weights: &[f64]) -> Result<f64> {
        let classes = distinct(y_true);
        if classes.len() != k {
            let expected = format!("rows of each of {k} classes for {}", self.name());
            return Err(self.undefined(expected, &classes));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::data("scoring", Place::default(), "finite decision values", "others"));
        }
        let places: Vec<usize> = y_true.iter().map(|y| classes.partition_point(|class| class < y)).collect();
        match self {
            Self::TopKAccuracy => Ok(TopK::new(&places, values, weights).accuracy()),
            Self::AveragePrecision => {
                let of = |class: usize| {
                    let positive: Vec<bool> = places.iter().map(|&place| place == class).collect();
                    let own: Vec<f64> = values.chunks_exact(k).map(|of_row| of_row[class]).collect();
                    average_precision(&positive, &own, weights)
                };
                let precisions: Option<Vec<f64>> = (0..k).map(of).collect();
                Ok(precisions.map_or(f64::NAN, |precisions| mean(&precisions)))
            }
            _ => Err(Error::internal(format!("{} is no score of three classes and more", self.name()))),
        }
    }
}
