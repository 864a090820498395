//! Scores of an order of the rows of two classes.

use super::Scorer;
use crate::error::{Error, Place, Result};
use crate::metrics::average_precision::average_precision;
use crate::metrics::weighted::area_under;

impl Scorer {
    /// The area under the curve of rows with `weights`, or none.
    pub(in crate::metrics) fn area(self, y_true: &[f64], decision: &[f64], weights: &[f64]) -> Result<f64> {
        let classes = distinct(y_true);
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

    /// Whether it is made of one value for each of three classes and more, that a model knows or was fitted on.
    pub fn is_of_many(self, known: &[f64]) -> bool {
        matches!(self, Self::AveragePrecision | Self::TopKAccuracy) && are_many(known)
    }

    /// Whether the values that order the rows have to be larger for the first of the classes that the model knows: of
    /// the class 1, where it is the smaller of two. `known` are its classes, or targets that it was fitted on.
    pub fn is_about_first(self, known: &[f64]) -> bool {
        self == Self::AveragePrecision && distinct(known)[..].first() == Some(&1.0)
    }

    /// The fraction of rows whose class is among the two likeliest of two: all, if there are rows of both.
    pub(super) fn of_two(self, y_true: &[f64]) -> Result<f64> {
        let classes = distinct(y_true);
        if classes.len() == 2 {
            return Ok(1.0);
        }
        Err(self.undefined(format!("rows of two classes for {}", self.name()), &classes))
    }

    /// The average precision of rows of the class 1 and of another, by values that are larger for the class 1, with
    /// `weights`, or none; 0 of rows of the other class only, 1 of rows of the class 1, as in scikit-learn.
    pub(super) fn precision_over_recall(
        self,
        y_true: &[f64],
        values: &[f64],
        weights: &[f64],
    ) -> Result<f64> {
        let classes = distinct(y_true);
        if classes.len() > 2 || (classes.len() == 2 && !classes.contains(&1.0)) {
            let expected = format!("rows of two classes, one of them 1, for {}", self.name());
            return Err(self.undefined(expected, &classes));
        }
        let positive: Vec<bool> = y_true.iter().map(|&class| class == 1.0).collect();
        average_precision(&positive, values, weights)
            .ok_or_else(|| Error::data("scoring", Place::default(), "finite decision values", "others"))
    }
}

/// Whether there are two classes or more.
pub(super) fn are_two(y: &[f64]) -> bool {
    y.first().is_some_and(|first| y.iter().any(|class| class != first))
}

/// Whether there are three classes or more.
pub(super) fn are_many(y: &[f64]) -> bool {
    let Some(first) = y.first() else { return false };
    let second = y.iter().find(|class| *class != first).unwrap_or(first);
    y.iter().any(|class| class != first && class != second)
}

/// Ascending, each once.
pub(super) fn distinct(y: &[f64]) -> Vec<f64> {
    let mut classes: Vec<f64> = y.iter().map(|y| y + 0.0).collect();
    classes.sort_unstable_by(f64::total_cmp);
    classes.dedup();
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_needs_two_classes() {
        assert!(Scorer::RocAuc.score(&[1.0, 1.0], &[0.5, 0.1]).unwrap().is_nan());
        assert!(Scorer::RocAuc.score(&[1.0, 2.0, 3.0], &[0.5, 0.1, 0.2]).is_err());
        assert_eq!(Scorer::RocAuc.score(&[0.0, 1.0, 1.0], &[0.5, 0.5, 0.7]).unwrap(), 0.75);
    }
}
