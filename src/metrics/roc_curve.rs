//! The area under the ROC curve of rows that never come together: a histogram of scores that merges.

use serde::{Deserialize, Serialize};

use crate::comm::Partial;
use crate::kernel::ordered_bits::to_ordered;

/// Rows of both classes at each score, or, where there are more than `most` distinct ones, in each of a set of bins.
///
/// A bin is all scores whose numbers agree in all but some last bits; one bit more is dropped from every bin
/// whenever there are too many. How many bits that takes follows from the set of all scores alone, so merging is
/// associative: the same area for any cut of the rows. With at most `most` distinct scores it is exact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    most: usize,
    /// Last bits that do not count.
    dropped: u32,
    /// [Ordered score](to_ordered) without them, weight of the rows of the class, that of other rows; ascending.
    bins: Vec<(u64, f64, f64)>,
    undefined: bool,
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
            let (of, other) = if positive { (weight, 0.0) } else { (0.0, weight) };
            rows.push((to_ordered(score), of, other));
        }
        // Stable, so that weights of one score are added in the order of the rows.
        rows.sort_by_key(|row| row.0);
        let mut curve = Self { most: most.max(2), dropped: 0, bins: rows, undefined };
        curve.join();
        curve.limit();
        curve
    }

    /// Joins neighbours with the same key.
    fn join(&mut self) {
        self.bins.dedup_by(|next, bin| {
            let same = next.0 == bin.0;
            if same {
                bin.1 += next.1;
                bin.2 += next.2;
            }
            same
        });
    }

    fn drop_to(&mut self, bits: u32) {
        if bits > self.dropped {
            let more = bits - self.dropped;
            self.bins.iter_mut().for_each(|bin| bin.0 >>= more);
            self.dropped = bits;
            self.join();
        }
    }

    fn limit(&mut self) {
        while self.bins.len() > self.most {
            self.drop_to(self.dropped + 1);
        }
    }

    /// The fraction of pairs (row of the class, other row) in which the former has the larger score, ties counted
    /// half, and how far it may be off: half the pairs that share a bin without sharing a score. `None` when either
    /// side has no rows, or a score is no number.
    pub fn area(&self) -> Option<(f64, f64)> {
        // Twice the pairs in the right order, exact for whole weights: their total is below 2¹⁰⁶.
        let (mut below, mut above) = (0.0, 0.0);
        let (mut twice, mut shared) = (TwoSum::default(), TwoSum::default());
        for &(_, positives, negatives) in &self.bins {
            twice.add_product(positives, 2.0 * below + negatives);
            shared.add_product(positives, negatives);
            below += negatives;
            above += positives;
        }
        if self.undefined || above == 0.0 || below == 0.0 {
            return None;
        }
        let pairs = above * below;
        let bound = if self.dropped == 0 { 0.0 } else { shared.value() / (2.0 * pairs) };
        Some((twice.value() / (2.0 * pairs), bound))
    }

    /// Weight of the rows of the class.
    pub fn weight_of_positives(&self) -> f64 {
        self.bins.iter().map(|bin| bin.1).sum()
    }
}

/// A sum of products in twice a double's digits.
///
/// # References
/// Ogita, Rump & Oishi, Accurate sum and dot product, SIAM J. Scientific Computing 26, 2005, algorithm 5.3.
#[derive(Default)]
struct TwoSum {
    high: f64,
    low: f64,
}

impl TwoSum {
    fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        let sum = self.high + product;
        let part = sum - self.high;
        let lost = (self.high - (sum - part)) + (product - part);
        self.low += lost + a.mul_add(b, -product);
        self.high = sum;
    }

    fn value(&self) -> f64 {
        self.high + self.low
    }
}

impl Partial for RocCurve {
    fn merge(&mut self, mut right: Self) {
        let bits = self.dropped.max(right.dropped);
        self.drop_to(bits);
        right.drop_to(bits);
        self.undefined |= right.undefined;
        let mut left = std::mem::take(&mut self.bins).into_iter().peekable();
        let mut right = right.bins.into_iter().peekable();
        while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
            let next = if l.0 <= r.0 { left.next() } else { right.next() };
            self.bins.extend(next);
        }
        self.bins.extend(left);
        self.bins.extend(right);
        self.join();
        self.limit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    }

    #[test]
    fn many_scores_stay_within_the_bound() {
        let (positive, scores) = rows(3000);
        let exact = roc_auc(&positive, &scores).unwrap();
        for most in [2, 16, 100, 1000] {
            let curve = curve(&positive, &scores, most);
            let (area, bound) = curve.area().unwrap();
            assert!(curve.bins.len() <= most);
            assert!((area - exact).abs() <= bound, "{area} {exact} {bound}");
            assert!(most < 1000 || bound < 1e-3, "{bound}");
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
