//! The curves of rows that never come together: a histogram of scores that merges.

use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::two_sum::TwoSum;
use crate::comm::Partial;
use crate::kernel::ordered_bits::to_ordered;

/// Rows of a class and others at each score, or, where there are more than `most` distinct ones, in each of a set of
/// bins. With at most `most` distinct scores all is exact, beyond with a bound of the error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// Weight of the rows of the class, that of other rows.
    bins: Bins<u64, [f64; 2]>,
}

impl RocCurve {
    /// Of rows with these scores, larger for rows that are `positive`, and `weights` (none where each row counts
    /// once); all `(n_samples,)`. At most `most` bins.
    pub fn new(
        positive: impl Iterator<Item = bool>,
        scores: impl Iterator<Item = f64>,
        weights: &[f64],
        most: usize,
    ) -> Self {
        let mut rows = Vec::new();
        let mut undefined = false;
        for (row, (positive, score)) in positive.zip(scores).enumerate() {
            undefined |= score.is_nan();
            let weight = weights.get(row).copied().unwrap_or(1.0);
            rows.push((to_ordered(score), if positive { [weight, 0.0] } else { [0.0, weight] }));
        }
        Self { bins: Bins::new(rows, undefined, most) }
    }

    /// The fraction of pairs (row of the class, other row) in which the former has the larger score, ties counted
    /// half, and how far it may be off: half the pairs that share a bin without sharing a score. `None` when either
    /// side has no rows, or a score is no number.
    pub fn area(&self) -> Option<(f64, f64)> {
        let sides = self.bins.bins().iter().map(|bin| bin.1);
        if self.bins.is_undefined() { None } else { area_of(sides, self.bins.is_exact()) }
    }

    /// The sum over thresholds of the precision there times the recall that it adds, and how far it may be off: at no
    /// threshold within a bin the precision is below that with all other rows of the bin, or above that with none.
    /// 0 without rows of the class; `None` without rows that weigh anything, or when a score is no number.
    ///
    /// About the class, or, if `of_others`, about the other rows, smaller scores being better then.
    pub fn average_precision(&self, of_others: bool) -> Option<(f64, f64)> {
        let exact = self.bins.is_exact();
        let sides = self.bins.bins().iter().map(|bin| bin.1);
        if self.bins.is_undefined() {
            None
        } else if of_others {
            precision_of(sides.map(|[of, other]| [other, of]), exact)
        } else {
            precision_of(sides.rev(), exact)
        }
    }

    /// Weight of the rows of the class.
    pub fn weight_of_positives(&self) -> f64 {
        self.bins.bins().iter().map(|bin| bin.1[0]).sum()
    }
}

/// The area of (rows of the class, others) at ascending scores, and its bound.
pub(super) fn area_of(sides: impl Iterator<Item = [f64; 2]>, exact: bool) -> Option<(f64, f64)> {
    // Twice the pairs in the right order, exact for whole weights: their total is below 2¹⁰⁶.
    let (mut below, mut above) = (0.0, 0.0);
    let (mut twice, mut shared) = (TwoSum::default(), TwoSum::default());
    for [positives, negatives] in sides {
        twice.add_product(positives, 2.0 * below + negatives);
        shared.add_product(positives, negatives);
        below += negatives;
        above += positives;
    }
    if above == 0.0 || below == 0.0 {
        return None;
    }
    let pairs = above * below;
    let bound = if exact { 0.0 } else { shared.value() / (2.0 * pairs) };
    Some((twice.value() / (2.0 * pairs), bound))
}

/// The average precision of (rows of the class, others) from the best score down, and its bound.
pub(super) fn precision_of(sides: impl Iterator<Item = [f64; 2]>, exact: bool) -> Option<(f64, f64)> {
    let (mut hits, mut others) = (0.0, 0.0);
    let (mut sum, mut error) = (TwoSum::default(), 0.0);
    for [positives, negatives] in sides {
        let (before, without) = (hits, others);
        hits += positives;
        others += negatives;
        if positives > 0.0 {
            let precision = hits / (hits + others);
            let (least, most) = (before / (before + others), hits / (hits + without));
            sum.add_product(precision, positives);
            error += positives * (most - precision).max(precision - if least.is_nan() { 0.0 } else { least });
        }
    }
    match (hits > 0.0, hits + others > 0.0) {
        (true, _) => Some((sum.value() / hits, if exact { 0.0 } else { error / hits })),
        (false, true) => Some((0.0, 0.0)),
        (false, false) => None,
    }
}

impl Partial for RocCurve {
    fn merge(&mut self, right: Self) {
        self.bins.merge(right.bins);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::average_precision::average_precision;
    use crate::metrics::roc_auc;

    fn rows(n: usize) -> (Vec<bool>, Vec<f64>) {
        let score = |i: usize| ((i * 2_654_435_761) % 10_007) as f64 / 1000.0 - 5.0;
        let scores: Vec<f64> = (0..n).map(score).collect();
        let positive = scores.iter().enumerate().map(|(i, s)| *s + ((i * 7919) % 1009) as f64 / 150.0 > 3.0);
        (positive.collect(), scores)
    }

    fn curve(positive: &[bool], scores: &[f64], most: usize) -> RocCurve {
        RocCurve::new(positive.iter().copied(), scores.iter().copied(), &[], most)
    }

    #[test]
    fn few_scores_give_the_exact_area() {
        let (positive, scores) = rows(3000);
        let (area, bound) = curve(&positive, &scores, 20_000).area().unwrap();
        assert_eq!((Some(area), bound), (roc_auc(&positive, &scores), 0.0));
        let (precision, bound) = curve(&positive, &scores, 20_000).average_precision(false).unwrap();
        let expected = average_precision(&positive, &scores, &[]).unwrap();
        assert!((precision - expected).abs() < 1e-14 && bound == 0.0, "{precision} {expected}");
        let others: Vec<bool> = positive.iter().map(|positive| !positive).collect();
        let turned: Vec<f64> = scores.iter().map(|score| -score).collect();
        let (precision, _) = curve(&positive, &scores, 20_000).average_precision(true).unwrap();
        assert!((precision - average_precision(&others, &turned, &[]).unwrap()).abs() < 1e-14);
    }

    #[test]
    fn many_scores_stay_within_the_bound() {
        let (positive, scores) = rows(3000);
        let exact = roc_auc(&positive, &scores).unwrap();
        for most in [2, 16, 100, 1000] {
            let curve = curve(&positive, &scores, most);
            let (area, bound) = curve.area().unwrap();
            assert!(curve.bins.bins().len() <= most);
            assert!((area - exact).abs() <= bound, "{area} {exact} {bound}");
            assert!(most < 1000 || bound < 1e-3, "{bound}");
            let expected = average_precision(&positive, &scores, &[]).unwrap();
            let (precision, bound) = curve.average_precision(false).unwrap();
            assert!((precision - expected).abs() <= bound, "{precision} {expected} {bound}");
            assert!(most < 1000 || bound < 1e-2, "{bound}");
        }
    }

    #[test]
    fn merging_is_associative() {
        let (positive, scores) = rows(900);
        for most in [2, 50, 400, 2000] {
            let whole = curve(&positive, &scores, most);
            for cuts in [[1, 2], [300, 600], [899, 899]] {
                let part = |a: usize, b: usize| curve(&positive[a..b], &scores[a..b], most);
                let mut left = part(0, cuts[0]);
                left.merge(part(cuts[0], cuts[1]));
                left.merge(part(cuts[1], 900));
                assert_eq!(left, whole);
                let mut right = part(cuts[0], cuts[1]);
                right.merge(part(cuts[1], 900));
                let mut first = part(0, cuts[0]);
                first.merge(right);
                assert_eq!(first, whole);
            }
        }
    }

    #[test]
    fn an_area_needs_both_sides_and_numbers() {
        assert_eq!(curve(&[true, false], &[1.0, f64::NAN], 10).area(), None);
        assert_eq!(curve(&[true, true], &[1.0, 2.0], 10).area(), None);
    }
}
