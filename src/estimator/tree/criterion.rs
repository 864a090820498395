//! How good a node is: the sums that a criterion keeps of a node's rows, and what it makes of them.

use super::grow::Limits;

/// A criterion over sums of `K` numbers: the weight of each class, or the weight and the weighted target.
///
/// A node's impurity times its weight is `Σ w·(its own constant) − score`, so that of two ways to split the one
/// with the larger sum of the children's scores is better.
pub trait Criterion<const K: usize>: Send + Sync {
    /// Whether targets are numbers.
    const IS_NUMBER: bool = false;

    /// Adds a row of weight `weight`.
    fn add(sums: &mut [f64; K], target: f64, weight: f64);

    /// The weight of all rows.
    fn weight(sums: &[f64; K]) -> f64;

    /// The same of one side of a cut of rows that sum to `all`: 0 where the criterion allows no such side.
    #[inline(always)]
    fn side_weight(sums: &[f64; K], all: &[f64; K]) -> f64 {
        let _ = all;
        Self::weight(sums)
    }

    /// What the criterion gives to rows that sum to `sums` and weigh `weight`, above 0; larger is purer.
    fn score(sums: &[f64; K], weight: f64) -> f64;

    /// No less than what some rows of `bucket` and its others score at most in two sets.
    ///
    /// Together two sets of rows score at most the sum of their scores. So a cut inside a bucket scores at most this
    /// and what the rows before the bucket and those after it score.
    fn most(bucket: &[f64; K]) -> f64;

    /// No less than both sides of a cut inside `bucket` score together, where one at its end scores less.
    ///
    /// `before` sums the rows before the bucket, `above` its weighted targets'
    /// distances above the mean of `all`. A score is convex, and so
    /// largest at a corner of a box that holds all sums that some rows of the bucket may have.
    fn at_corners(before: &[f64; K], bucket: &[f64; K], above: f64, all: &[f64; K]) -> f64;

    /// The impurity of rows with their targets and weights, `sums` being theirs.
    fn impurity(sums: &[f64; K], weight: f64, rows: impl Iterator<Item = (f64, f64)>) -> f64;

    /// What the tree predicts for such rows: the share of each class, or the mean.
    fn value(sums: &[f64; K], weight: f64, n_outputs: usize) -> impl Iterator<Item = f64>;
}

/// Gini's impurity, `1 − Σ p²`.
#[derive(Clone, Copy, Debug)]
pub struct Gini;

/// Shannon's entropy in bits, `−Σ p log2 p`.
#[derive(Clone, Copy, Debug)]
pub struct Entropy;

/// The mean squared distance from the mean.
#[derive(Clone, Copy, Debug)]
pub struct SquaredError;

/// Half the mean deviance of Poisson's distribution from the mean, the mean of `y ln(y / mean)`; targets are 0 or above.
#[derive(Clone, Copy, Debug)]
pub struct Poisson;

/// Rows whose targets sum to this or less have no Poisson deviance, as in scikit-learn: their mean would be 0.
const NO_SUM: f64 = 10.0 * f64::EPSILON;
/// The part of a sum of a million numbers that its rounding may be.
const LEFT_OVER: f64 = 1e-12;

#[inline(always)]
fn add_class<const K: usize>(sums: &mut [f64; K], class: f64, weight: f64) {
    if K == 2 {
        // Both at once.
        let of_second = class * weight;
        sums[0] += weight - of_second;
        sums[1] += of_second;
    } else {
        sums[class as usize] += weight;
    }
}

#[inline(always)]
fn total<const K: usize>(sums: &[f64; K]) -> f64 {
    sums.iter().sum()
}

/// The two sides of a cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides {
    /// What each scores; 0 where there is nothing.
    pub(super) scores: [f64; 2],
    weights: [f64; 2],
}

impl Sides {
    /// What sums to `left`, and the rest of `all`.
    #[inline(always)]
    pub(super) fn new<C: Criterion<K>, const K: usize>(left: &[f64; K], all: &[f64; K]) -> Self {
        let mut right = *all;
        right.iter_mut().zip(left).for_each(|(right, left)| *right -= left);
        let weights = [C::side_weight(left, all), C::side_weight(&right, all)];
        // Rounded sums of weights may leave nothing, or less, on one side.
        let score = |sums, weight| if weight > 0.0 { C::score(sums, weight) } else { 0.0 };
        Self { scores: [score(left, weights[0]), score(&right, weights[1])], weights }
    }

    /// The scores together, unless one side weighs too little.
    #[inline(always)]
    pub(super) fn score(&self, limits: &Limits) -> Option<f64> {
        let enough = self.weights[0].min(self.weights[1]);
        (enough > 0.0 && enough >= limits.min_weight_leaf).then(|| self.scores[0] + self.scores[1])
    }
}

/// The bound for two classes, at the two corners that are no cuts between buckets.
#[inline(always)]
fn of_two<C: Criterion<K>, const K: usize>(before: &[f64; K], bucket: &[f64; K], all: &[f64; K]) -> f64 {
    let corner = |class: usize| {
        let mut left = *before;
        left[class] += bucket[class];
        let [left, right] = Sides::new::<C, K>(&left, all).scores;
        left + right
    };
    corner(0).max(corner(1))
}

fn shares<const K: usize>(sums: &[f64; K], weight: f64, n: usize) -> impl Iterator<Item = f64> {
    sums.iter().take(n).map(move |sum| sum / weight)
}

impl<const K: usize> Criterion<K> for Gini {
    #[inline(always)]
    fn add(sums: &mut [f64; K], class: f64, weight: f64) {
        add_class(sums, class, weight);
    }

    #[inline(always)]
    fn weight(sums: &[f64; K]) -> f64 {
        total(sums)
    }

    #[inline(always)]
    fn score(sums: &[f64; K], weight: f64) -> f64 {
        sums.iter().map(|sum| sum * sum).sum::<f64>() / weight
    }

    #[inline(always)]
    fn most(bucket: &[f64; K]) -> f64 {
        total(bucket)
    }

    #[inline(always)]
    fn at_corners(before: &[f64; K], bucket: &[f64; K], _above: f64, all: &[f64; K]) -> f64 {
        if K == 2 { of_two::<Self, K>(before, bucket, all) } else { f64::INFINITY }
    }

    fn impurity(sums: &[f64; K], weight: f64, _rows: impl Iterator<Item = (f64, f64)>) -> f64 {
        1.0 - sums.iter().map(|sum| sum * sum).sum::<f64>() / (weight * weight)
    }

    fn value(sums: &[f64; K], weight: f64, n_outputs: usize) -> impl Iterator<Item = f64> {
        shares(sums, weight, n_outputs)
    }
}

impl<const K: usize> Criterion<K> for Entropy {
    #[inline(always)]
    fn add(sums: &mut [f64; K], class: f64, weight: f64) {
        add_class(sums, class, weight);
    }

    #[inline(always)]
    fn weight(sums: &[f64; K]) -> f64 {
        total(sums)
    }

    #[inline(always)]
    fn score(sums: &[f64; K], weight: f64) -> f64 {
        sums.iter().map(|&sum| if sum > 0.0 { sum * log2(sum / weight) } else { 0.0 }).sum()
    }

    #[inline(always)]
    fn most(_bucket: &[f64; K]) -> f64 {
        0.0
    }

    #[inline(always)]
    fn at_corners(before: &[f64; K], bucket: &[f64; K], _above: f64, all: &[f64; K]) -> f64 {
        if K == 2 { of_two::<Self, K>(before, bucket, all) } else { f64::INFINITY }
    }

    fn impurity(sums: &[f64; K], weight: f64, _rows: impl Iterator<Item = (f64, f64)>) -> f64 {
        // Never a negative zero.
        0.0 - <Self as Criterion<K>>::score(sums, weight) / weight
    }

    fn value(sums: &[f64; K], weight: f64, n_outputs: usize) -> impl Iterator<Item = f64> {
        shares(sums, weight, n_outputs)
    }
}

impl Criterion<2> for SquaredError {
    const IS_NUMBER: bool = true;

    #[inline(always)]
    fn add(sums: &mut [f64; 2], target: f64, weight: f64) {
        sums[0] += weight;
        sums[1] += weight * target;
    }

    #[inline(always)]
    fn weight(sums: &[f64; 2]) -> f64 {
        sums[0]
    }

    #[inline(always)]
    fn score(sums: &[f64; 2], weight: f64) -> f64 {
        sums[1] * sums[1] / weight
    }

    /// Nothing that is worth knowing.
    #[inline(always)]
    fn most(_bucket: &[f64; 2]) -> f64 {
        f64::INFINITY
    }

    #[inline(always)]
    fn at_corners(before: &[f64; 2], bucket: &[f64; 2], above: f64, all: &[f64; 2]) -> f64 {
        // As distances from the mean: its square is in every cut's score, and takes no part in the choice.
        let mean = all[1] / all[0];
        let (whole, below) = (all[1] * mean, bucket[1] - mean * bucket[0] - above);
        let start = before[1] - mean * before[0];
        let score = |weight: f64, sum: f64| if weight > 0.0 { sum * sum / weight } else { f64::INFINITY };
        let corner = |weight: f64, sum: f64| score(weight, sum) + score(all[0] - weight, sum);
        let light = corner(before[0], start + above).max(corner(before[0], start + below));
        let weight = before[0] + bucket[0];
        whole + light.max(corner(weight, start + above)).max(corner(weight, start + below))
    }

    /// In a second pass over the rows, which loses nothing where the mean is large.
    fn impurity(sums: &[f64; 2], weight: f64, rows: impl Iterator<Item = (f64, f64)>) -> f64 {
        let mean = sums[1] / weight;
        rows.map(|(target, w)| w * (target - mean) * (target - mean)).sum::<f64>() / weight
    }

    fn value(sums: &[f64; 2], weight: f64, _n_outputs: usize) -> impl Iterator<Item = f64> {
        std::iter::once(sums[1] / weight)
    }
}

impl Criterion<2> for Poisson {
    const IS_NUMBER: bool = true;

    #[inline(always)]
    fn add(sums: &mut [f64; 2], target: f64, weight: f64) {
        SquaredError::add(sums, target, weight);
    }

    #[inline(always)]
    fn weight(sums: &[f64; 2]) -> f64 {
        sums[0]
    }

    #[inline(always)]
    fn side_weight(sums: &[f64; 2], all: &[f64; 2]) -> f64 {
        // What rounding leaves of the difference of two sums is no target.
        if sums[1] > NO_SUM && sums[1] > LEFT_OVER * all[1] { sums[0] } else { 0.0 }
    }

    #[inline(always)]
    fn score(sums: &[f64; 2], weight: f64) -> f64 {
        if sums[1] > NO_SUM { sums[1] * ln(sums[1] / weight) } else { 0.0 }
    }

    /// Nothing that is worth knowing.
    #[inline(always)]
    fn most(_bucket: &[f64; 2]) -> f64 {
        f64::INFINITY
    }

    #[inline(always)]
    fn at_corners(before: &[f64; 2], bucket: &[f64; 2], _above: f64, all: &[f64; 2]) -> f64 {
        let side = |weight: f64, sum: f64| match sum > 0.0 {
            true if weight > 0.0 => sum * ln(sum / weight),
            true => f64::INFINITY,
            false => 0.0,
        };
        let corner = |weight: f64, sum: f64| {
            let sides = [side(weight, sum), side(all[0] - weight, all[1] - sum)];
            // They may cancel, and what rounding left of each be above the slack of their sum.
            sides[0] + sides[1] + 1e-12 * (sides[0].abs() + sides[1].abs())
        };
        let (weight, sum) = (before[0] + bucket[0], before[1] + bucket[1]);
        let light = corner(before[0], before[1]).max(corner(before[0], sum));
        light.max(corner(weight, before[1])).max(corner(weight, sum))
    }

    fn impurity(sums: &[f64; 2], weight: f64, rows: impl Iterator<Item = (f64, f64)>) -> f64 {
        if sums[1] <= NO_SUM {
            return f64::INFINITY;
        }
        let mean = sums[1] / weight;
        let deviance = |(target, w): (f64, f64)| {
            let ratio = target / mean;
            if ratio >= f64::MIN_POSITIVE { w * target * ln(ratio) } else { 0.0 }
        };
        rows.map(deviance).sum::<f64>() / weight
    }

    fn value(sums: &[f64; 2], weight: f64, n_outputs: usize) -> impl Iterator<Item = f64> {
        SquaredError::value(sums, weight, n_outputs)
    }
}

/// The natural logarithm of a normal number above 0, with the same bits on every machine.
#[inline]
fn ln(x: f64) -> f64 {
    log2(x) * std::f64::consts::LN_2
}

/// The binary logarithm of a normal number above 0, within 2 ulp, with the same bits on every machine.
#[inline]
fn log2(x: f64) -> f64 {
    const SQRT_2: u64 = 0x3ff6_a09e_667f_3bcd;
    // x = m · 2^e with m in [√½, √2).
    let shifted = x.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - (SQRT_2 - 0x10_0000_0000_0000));
    let exponent = (shifted >> 52) as i64 - 1023;
    let m = f64::from_bits(x.to_bits().wrapping_sub((exponent as u64) << 52));
    // ln m = 2 artanh s, s = (m − 1)/(m + 1), |s| below 0.172.
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut series = 1.0 / 23.0;
    for odd in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        series = f64::mul_add(series, square, 1.0 / odd);
    }
    let artanh = f64::mul_add(series * square, s, s);
    f64::mul_add(artanh, 2.0 * std::f64::consts::LOG2_E, exponent as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_that_of_the_standard_library() {
        for i in 1..20_000 {
            let x = f64::from(i) / 20_000.0;
            let (ours, theirs) = (log2(x), x.log2());
            assert!((ours - theirs).abs() <= 4e-16 * theirs.abs().max(0.25), "{x}: {ours} for {theirs}");
        }
        assert_eq!([log2(1.0), log2(0.5), log2(8.0), log2(1e-3 * 1e3)], [0.0, -1.0, 3.0, 0.0]);
    }

    #[test]
    fn impurities_of_known_nodes() {
        let none = || std::iter::empty();
        assert_eq!(<Gini as Criterion<2>>::impurity(&[2.0, 2.0], 4.0, none()), 0.5);
        assert_eq!(<Entropy as Criterion<4>>::impurity(&[1.0, 1.0, 1.0, 1.0], 4.0, none()), 2.0);
        assert_eq!(<Entropy as Criterion<2>>::impurity(&[3.0, 0.0], 3.0, none()), 0.0);
        let rows = [(1e9 + 1.0, 1.0), (1e9 + 3.0, 3.0)];
        let mut sums = [0.0; 2];
        rows.iter().for_each(|&(y, w)| SquaredError::add(&mut sums, y, w));
        assert_eq!(SquaredError::impurity(&sums, 4.0, rows.into_iter()), 0.75);
        // (0 ln 0 + 3 · 4 ln(4 / 3)) / 4
        let rows = [(0.0, 1.0), (4.0, 3.0)];
        let deviance = Poisson::impurity(&[4.0, 12.0], 4.0, rows.into_iter());
        assert!((deviance - 3.0 * (4f64 / 3.0).ln()).abs() < 1e-15, "{deviance}");
        assert_eq!(Poisson::impurity(&[2.0, 0.0], 2.0, none()), f64::INFINITY);
    }
}
