//! Scores of an order of the rows of two classes.

use super::Scorer;
use crate::error::{Error, Place, Result};
use crate::metrics::weighted::area_under;

impl Scorer {
    /// The area under the curve of rows with `weights`, or none.
    pub(in crate::metrics) fn area(self, y_true: &[f64], decision: &[f64], weights: &[f64]) -> Result<f64> {
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
