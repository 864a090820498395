//! Scores of probabilities.

use super::Scorer;
use super::ordering::distinct;
use crate::error::{Error, Place, Result};
use crate::metrics::brier::Brier;
use crate::metrics::log_loss::LogLoss;
use crate::metrics::pairwise::{total_weight, weighted_sum};
use crate::metrics::weighted::area_under;

impl Scorer {
    /// The score of rows with targets `y_true` from the probabilities `(n_samples, n_classes)` of the ascending `classes`.
    ///
    /// # Errors
    /// [`Error::Data`] for rows of more or fewer classes than `classes`, but NaN for the area of rows of one of two; for areas of pairs of
    /// three classes and more with weights;
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
        let of_rows = distinct(y_true);
        let k = classes.len();
        if k < 2 {
            let expected = format!("a model of two classes or more for {}", self.name());
            return Err(self.undefined(expected, classes));
        }
        if !weights.is_empty() {
            self.check_weighted(classes)?;
        }
        let of_part = matches!(self, Self::D2LogLoss | Self::D2Brier);
        if of_part && y_true.len() < 2 {
            return Ok(f64::NAN);
        }
        let lone = k == 2 && of_rows.len() == 1;
        if lone && matches!(self, Self::NegBrierScore | Self::D2Brier) {
            // scikit-learn takes a lone class for the one that happens, unless it is called 0 or -1.
            let happens = of_rows[0] != 0.0 && of_rows[0] != -1.0;
            let places = vec![usize::from(happens); y_true.len()];
            let error = brier_of_two(&places, proba, weights);
            return Ok(match self {
                Self::NegBrierScore => -error,
                // A part of nothing.
                _ if error > 0.0 => f64::NEG_INFINITY,
                _ => f64::NAN,
            });
        }
        if lone && self != Self::NegLogLoss && !of_part {
            return Ok(f64::NAN);
        }
        if of_rows.len() != k {
            return Err(self.lacking(classes, y_true));
        }
        let places: Vec<usize> = y_true.iter().map(|y| of_rows.partition_point(|class| class < y)).collect();
        // Of two classes the probability of the second counts, as scikit-learn's scorers have it.
        let second = if k == 2 { from_second(proba) } else { Vec::new() };
        let all = if k == 2 { &second } else { proba };
        match self {
            Self::NegLogLoss => Ok(-LogLoss::new(&places, all, weights).mean()),
            Self::NegBrierScore if k == 2 => Ok(-brier_of_two(&places, proba, weights)),
            Self::NegBrierScore => Ok(-Brier::new(&places, proba, weights).mean()),
            Self::D2LogLoss => {
                let of = |proba: &[f64]| LogLoss::new(&places, proba, weights).mean();
                Ok(1.0 - of(all) / of(&shares(&places, k, weights)))
            }
            Self::D2Brier => {
                let of = |proba: &[f64]| Brier::new(&places, proba, weights).mean();
                Ok(1.0 - of(all) / of(&shares(&places, k, weights)))
            }
            _ if proba.iter().any(|value| value.is_nan()) => {
                Err(Error::data("scoring", Place::default(), "probabilities that are numbers", "nan"))
            }
            _ => self.area_of(&Areas { places: &places, proba, weights, k }),
        }
    }

    /// The area that the score is; NaN where one that it is made of has nothing on one side, as in scikit-learn.
    fn area_of(self, areas: &Areas<'_>) -> Result<f64> {
        if areas.k == 2 {
            return Ok(areas.against_rest(1));
        }
        let rows = areas.rows();
        match self {
            Self::RocAucOvr => Ok(areas.of_classes(|_| 1.0)),
            Self::RocAucOvrWeighted => Ok(areas.of_classes(|class| rows[class])),
            Self::RocAucOvo => Ok(areas.of_pairs(|_, _| 1.0)),
            Self::RocAucOvoWeighted => Ok(areas.of_pairs(|a, b| rows[a] + rows[b])),
            _ => Err(Error::internal(format!("{} is no score of probabilities", self.name()))),
        }
    }

    fn lacking(self, classes: &[f64], y_true: &[f64]) -> Error {
        self.undefined(format!("rows of the classes {classes:?}, of each, for {}", self.name()), y_true)
    }
}

/// Half the Brier score of the probabilities that the second of two classes has, `proba` being `(n_samples, 2)`.
fn brier_of_two(places: &[usize], proba: &[f64], weights: &[f64]) -> f64 {
    0.5 * Brier::new(places, &from_second(proba), weights).mean()
}

/// The probabilities of two classes from those of the second.
fn from_second(proba: &[f64]) -> Vec<f64> {
    proba.chunks_exact(2).flat_map(|of_row| [1.0 - of_row[1], of_row[1]]).collect()
}

/// For each row the (weighted) shares of all `k` classes: what a model says that looks at no features.
fn shares(places: &[usize], k: usize, weights: &[f64]) -> Vec<f64> {
    let is_of = |class: usize| places.iter().map(|&place| f64::from(u8::from(place == class))).collect();
    let total = total_weight(places.len(), weights);
    let shares: Vec<f64> = (0..k).map(|class| weighted_sum(is_of(class), weights) / total).collect();
    shares.repeat(places.len())
}

/// Areas under the ROC curves of probabilities.
struct Areas<'a> {
    /// Where each row's class stands among the columns.
    places: &'a [usize],
    /// `(n_samples, k)`.
    proba: &'a [f64],
    weights: &'a [f64],
    k: usize,
}

impl Areas<'_> {
    /// The weight of each class's rows.
    fn rows(&self) -> Vec<f64> {
        let mut rows = vec![0.0; self.k];
        let weight = |row: usize| self.weights.get(row).copied().unwrap_or(1.0);
        self.places.iter().enumerate().for_each(|(row, &place)| rows[place] += weight(row));
        rows
    }

    /// That of `class` against all others.
    fn against_rest(&self, class: usize) -> f64 {
        let positive: Vec<bool> = self.places.iter().map(|&place| place == class).collect();
        let own: Vec<f64> = self.proba.chunks_exact(self.k).map(|of_row| of_row[class]).collect();
        area_under(&positive, &own, self.weights).unwrap_or(f64::NAN)
    }

    /// That of `class` against `other`, each row counting once.
    fn against(&self, class: usize, other: usize) -> f64 {
        let rows = || self.places.iter().zip(self.proba.chunks_exact(self.k));
        let of_pair = || rows().filter(|(place, _)| **place == class || **place == other);
        let positive: Vec<bool> = of_pair().map(|(&place, _)| place == class).collect();
        let own: Vec<f64> = of_pair().map(|(_, of_row)| of_row[class]).collect();
        area_under(&positive, &own, &[]).unwrap_or(f64::NAN)
    }

    /// The mean over classes, each counting as `weight` says.
    fn of_classes(&self, weight: impl Fn(usize) -> f64) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for class in (0..self.k).filter(|&class| weight(class) > 0.0) {
            sum += weight(class) * self.against_rest(class);
            total += weight(class);
        }
        sum / total
    }

    /// The mean over pairs of classes of the two areas that either has against the other.
    ///
    /// # References
    /// Hand & Till (2001), "A simple generalisation of the area under the ROC curve for multiple class classification
    /// problems", eq. 7.
    fn of_pairs(&self, weight: impl Fn(usize, usize) -> f64) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for a in 0..self.k {
            for b in a + 1..self.k {
                sum += weight(a, b) * ((self.against(a, b) + self.against(b, a)) / 2.0);
                total += weight(a, b);
            }
        }
        sum / total
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

    /// scikit-learn 1.9.1: roc_auc_score(y, proba, sample_weight=weights, multi_class="ovr").
    #[test]
    fn a_class_that_weighs_nothing_has_no_area() {
        let proba = [0.7, 0.2, 0.1, 0.3, 0.4, 0.3, 0.2, 0.2, 0.6, 0.4, 0.5, 0.1, 0.1, 0.3, 0.6];
        let of = |scorer: Scorer, weights: [f64; 5]| {
            scorer
                .weighted_probabilities(&[1.0, 2.0, 5.0, 1.0, 2.0], &[1.0, 2.0, 5.0], &proba, &weights)
                .unwrap()
        };
        assert!(of(Scorer::RocAucOvr, [1.0, 0.0, 1.0, 1.0, 0.0]).is_nan());
        assert_eq!(of(Scorer::RocAucOvrWeighted, [1.0, 2.0, 0.0, 1.0, 1.0]), 0.7);
        assert!(of(Scorer::RocAucOvrWeighted, [1.0, 0.0, 0.0, 1.0, 0.0]).is_nan());
    }

    /// scikit-learn 1.9.1: the scorers of a model of these probabilities, of which they take the second class's.
    #[test]
    fn of_two_classes_the_second_ones_probability_counts() {
        let proba = [1e-12, 1.0, 1.0 - 1e-15, 1e-15, 0.3, 0.7, 3e-14, 1.0 - 2e-14];
        let of =
            |scorer: Scorer| scorer.of_probabilities(&[0.0, 1.0, 1.0, 0.0], &[0.0, 1.0], &proba).unwrap();
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-13 * expected.abs();
        assert!(near(of(Scorer::NegLogLoss), -25.620_737_111_688_364));
        assert!(near(of(Scorer::D2LogLoss), -35.962_910_374_952_63));
        assert!(near(of(Scorer::NegBrierScore), -0.772_499_999_999_989_5));
        assert!(near(of(Scorer::D2Brier), -2.089_999_999_999_958));
    }
}
