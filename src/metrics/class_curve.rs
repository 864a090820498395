//! The curves of one class against each of the others, of rows that never come together.

use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::roc_curve::{area_of, precision_of};
use super::two_sum::TwoSum;
use crate::comm::Partial;
use crate::kernel::ordered_bits::to_ordered;

/// Rows of each class at each score of one of them, or, where there are more than `most` distinct pairs of a score and
/// a class, in each of a set of bins: beyond, with a bound of the error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassCurve {
    class: u32,
    /// Weight of the rows of a class.
    bins: Bins<(u64, u32), f64>,
}

impl ClassCurve {
    /// Of rows of the classes `of`, by scores that are larger for rows of `class`, and `weights` (none where each row
    /// counts once); all `(n_samples,)`.
    pub fn new(
        class: usize,
        of: impl Iterator<Item = usize>,
        scores: impl Iterator<Item = f64>,
        weights: &[f64],
        most: usize,
    ) -> Self {
        let mut rows = Vec::new();
        let mut undefined = false;
        for (row, (of, score)) in of.zip(scores).enumerate() {
            undefined |= score.is_nan();
            rows.push(((to_ordered(score), of as u32), weights.get(row).copied().unwrap_or(1.0)));
        }
        Self { class: class as u32, bins: Bins::new(rows, undefined, most) }
    }

    /// The area under the ROC curve of the class against all others and its bound, as
    /// [`RocCurve::area`](super::RocCurve::area).
    pub fn area_against_rest(&self) -> Option<(f64, f64)> {
        if self.bins.is_undefined() { None } else { area_of(self.sides(), self.bins.is_exact()) }
    }

    /// The average precision of the class against all others and its bound, as
    /// [`RocCurve::average_precision`](super::RocCurve::average_precision).
    pub fn average_precision(&self) -> Option<(f64, f64)> {
        let sides: Vec<[f64; 2]> = self.sides().collect();
        if self.bins.is_undefined() {
            None
        } else {
            precision_of(sides.into_iter().rev(), self.bins.is_exact())
        }
    }

    /// The area under the ROC curve of the class against each one of `n_classes` and its bound, by the rows of the two;
    /// `None` for itself, where either has no rows, and where a score is no number.
    pub fn areas_against_each(&self, n_classes: usize) -> Vec<Option<(f64, f64)>> {
        let mut below = vec![0.0; n_classes];
        let mut sums = vec![(TwoSum::default(), TwoSum::default()); n_classes];
        let mut own = 0.0;
        for bin in self.bins.bins().chunk_by(|a, b| a.0.0 == b.0.0) {
            let positives = self.own(bin);
            own += positives;
            if positives > 0.0 {
                for ((twice, _), below) in sums.iter_mut().zip(&below) {
                    twice.add_product(positives, 2.0 * below);
                }
            }
            for &((_, class), weight) in bin {
                // Rows of a class that the model does not know are in no pair.
                let Some((twice, shared)) = sums.get_mut(class as usize) else { continue };
                twice.add_product(positives, weight);
                shared.add_product(positives, weight);
                below[class as usize] += weight;
            }
        }
        let area = |(class, (twice, shared)): (usize, &(TwoSum, TwoSum))| {
            let pairs = own * below[class];
            if self.bins.is_undefined() || class as u32 == self.class || pairs == 0.0 {
                return None;
            }
            let bound = if self.bins.is_exact() { 0.0 } else { shared.value() / (2.0 * pairs) };
            Some((twice.value() / (2.0 * pairs), bound))
        };
        sums.iter().enumerate().map(area).collect()
    }

    /// Weight of the rows of the class.
    pub fn weight_of_class(&self) -> f64 {
        self.own(self.bins.bins())
    }

    fn own(&self, bins: &[((u64, u32), f64)]) -> f64 {
        bins.iter().filter(|bin| bin.0.1 == self.class).map(|bin| bin.1).sum()
    }

    /// Weight of the rows of the class and of all others at ascending scores.
    fn sides(&self) -> impl Iterator<Item = [f64; 2]> {
        self.bins.bins().chunk_by(|a, b| a.0.0 == b.0.0).map(|bin| {
            let other = bin.iter().filter(|bin| bin.0.1 != self.class).map(|bin| bin.1).sum();
            [self.own(bin), other]
        })
    }
}

impl Partial for ClassCurve {
    fn merge(&mut self, right: Self) {
        self.bins.merge(right.bins);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{RocCurve, roc_auc};

    fn rows(n: usize) -> (Vec<usize>, Vec<f64>) {
        let scores: Vec<f64> = (0..n).map(|i| ((i * 2_654_435_761) % 1009) as f64 / 100.0 - 5.0).collect();
        let class = |(i, s): (usize, &f64)| ((*s + ((i * 7919) % 509) as f64 / 50.0).abs() as usize) % 4;
        (scores.iter().enumerate().map(class).collect(), scores)
    }

    fn curve(of: &[usize], scores: &[f64], most: usize) -> ClassCurve {
        ClassCurve::new(1, of.iter().copied(), scores.iter().copied(), &[], most)
    }

    #[test]
    fn one_class_is_told_from_all_and_from_each() {
        let (of, scores) = rows(2000);
        let exact = curve(&of, &scores, 10_000);
        let positive = || of.iter().map(|&class| class == 1);
        let rest = RocCurve::new(positive(), scores.iter().copied(), &[], 10_000);
        assert_eq!(exact.area_against_rest(), rest.area());
        assert_eq!(exact.average_precision(), rest.average_precision(false));
        assert_eq!(exact.weight_of_class(), rest.weight_of_positives());
        for most in [8, 100, 10_000] {
            let curve = curve(&of, &scores, most);
            let areas = curve.areas_against_each(4);
            assert_eq!(areas[1], None);
            for other in [0, 2, 3] {
                let pair = || (0..of.len()).filter(|&row| of[row] == 1 || of[row] == other);
                let positive: Vec<bool> = pair().map(|row| of[row] == 1).collect();
                let expected = roc_auc(&positive, &pair().map(|row| scores[row]).collect::<Vec<f64>>());
                let ((area, bound), expected) = (areas[other].unwrap(), expected.unwrap());
                assert!((area - expected).abs() <= bound, "{area} {expected} {bound}");
                assert_eq!(bound == 0.0, most == 10_000);
            }
        }
    }

    #[test]
    fn merging_is_associative() {
        let (of, scores) = rows(600);
        for most in [2, 50, 400, 5000] {
            let part = |a: usize, b: usize| curve(&of[a..b], &scores[a..b], most);
            let whole = part(0, 600);
            for cut in [0, 1, 300, 599] {
                let mut left = part(0, cut);
                left.merge(part(cut, 600));
                assert_eq!(left, whole);
            }
        }
    }
}
