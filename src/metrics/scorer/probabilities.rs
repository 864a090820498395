//! Scores of probabilities.

use super::Scorer;
use crate::error::{Error, Result};
use crate::metrics::log_loss::LogLoss;
use crate::metrics::weighted::area_under;

impl Scorer {
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
