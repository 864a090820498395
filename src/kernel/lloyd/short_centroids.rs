//! Centroids for rows in sixteen bits, and when a score of these tells a label.

use super::packed::Centroids;
use super::shorts::Scale;
use crate::kernel::Real;

/// The largest number of a centroid's.
const MOST: f64 = i16::MAX as f64 - 1.0;

/// Scores stay below this.
const MOST_SCORE: f64 = i32::MAX as f64 * 0.99;

/// The unit of scores is never less, in units of the scale's span: single precision has room for it.
const LEAST_UNIT: f64 = 1e-30;

/// Centroids as rows in steps of one scale are compared with them, in 16-bit numbers.
///
/// Lengths are in units of the scale's span, of which the rows are at most one. A score
/// ½‖c‖² − x·c is `unit` times an integer.
#[derive(Clone, Debug)]
pub struct ShortCentroids {
    pub(super) k: usize,
    pub(super) d: usize,
    /// Each centroid's negated coordinates, two in a number as those of the rows: `(k, ⌈d/2⌉)`.
    pub(super) pairs: Vec<i32>,
    /// ½‖c‖².
    pub(super) offsets: Vec<i32>,
    /// 0, 1, 2 … k − 1.
    pub(super) tags: Vec<i32>,
    pub(super) margin: Margin,
}

/// When a row's least score in integers is certain to be the least of the row itself.
///
/// Let x̃ and c̃ be a row and a centroid as they were rounded, D their distance, d that of the row itself from the
/// centroid itself, and |D − d| ≤ ε for each. With a the centroid of the least score and b any other, the scores that
/// these stand for differ by G = ½(D_b² − D_a²), those of the row itself by at least G − ε (D_a + D_b), which grows with G where
/// D_b > ε, and D_b ≤ D_a + √(2G). The row's own label comes from scores that are off by ϱ each. So it is
/// enough that G − ε√(2G) > 2 ε D_a + 2ϱ for the second-least score, and since ε√(2G) ≤ G/64 + 32 ε², that
/// 63/64 G > 2 ε D_a + 2ϱ + 32 ε².
#[derive(Clone, Copy, Debug)]
pub(super) struct Margin {
    unit: f32,
    /// What a row's squared distance from its centroid may be off by.
    slack: f32,
    /// Of each unit of distance.
    of_distance: f32,
    /// At any distance.
    base: f32,
}

impl Margin {
    /// Whether the least score is that of the row itself, of which `norm` is ½‖x̃‖².
    #[inline(always)]
    pub(super) fn tells(&self, best: f32, second: f32, norm: f32) -> bool {
        let half = best * self.unit + norm;
        let half = if half > 0.0 { half } else { 0.0 };
        // What is no number tells nothing.
        (second - best) * self.unit > self.of_distance * (2.0 * half + self.slack).sqrt() + self.base
    }

    /// For distances that are off by at most `epsilon` and scores of the rows themselves by `rho`, where a row has `d` numbers.
    ///
    /// An integer score is off by half a unit, and by 128 more as a single-precision number; a norm by d + 2 roundings.
    fn new(unit: f64, epsilon: f64, rho: f64, d: usize) -> Self {
        let rounding = (d as f64 + 16.0) * f64::from(f32::EPSILON);
        Self {
            unit: unit as f32,
            slack: (260.0 * unit + rounding * (1.0 + unit * f64::from(u32::MAX))) as f32,
            of_distance: (2.04 * epsilon) as f32,
            base: (1.02 * (2.0 * rho + 32.0 * epsilon * epsilon) + 600.0 * unit) as f32,
        }
    }
}

impl ShortCentroids {
    /// The centroids `c` for rows of this scale.
    ///
    /// A score of the row itself is off by at most (d + 8)·u·(½‖c‖² + ‖x‖·‖c‖), u being half an ulp of 1, and what
    /// is lost below the smallest normal number.
    ///
    /// # Panics
    /// When the numbers of features differ.
    pub fn new<T: Real>(c: &Centroids<T>, scale: &Scale) -> Self {
        let (k, d) = (c.k, c.d);
        assert!(scale.n_features() == d, "rows of {d} features");
        // Negated as they are kept.
        let all: Vec<f64> = c.negated.iter().map(|v| v.to_f64() / scale.span()).collect();
        let unit = unit(&all, scale);
        let rounding = (d as f64 + 8.0) * 0.5 * T::EPSILON;
        let lost = (d as f64 + 8.0) * T::MIN_POSITIVE / scale.span() / scale.span();
        let (mut pairs, mut offsets) = (Vec::with_capacity(k * d.div_ceil(2)), Vec::with_capacity(k));
        let (mut off, mut rho, mut numbers) = (0.0, 0.0, vec![0; d]);
        for of_one in all.chunks_exact(d) {
            let (mut square, mut square_rounded, mut square_off) = (0.0, 0.0, 0.0);
            for ((&v, &width), number) in of_one.iter().zip(scale.widths()).zip(&mut numbers) {
                let nearest = (v * width / unit).round_ties_even();
                // Features without steps are 0 in all rows: any number does.
                let rounded = if width > 0.0 { nearest * unit / width } else { v };
                *number = nearest as i16;
                square += v * v;
                square_rounded += rounded * rounded;
                square_off += (v - rounded) * (v - rounded);
            }
            let halves = numbers.chunks(2).map(|two| pair(two[0], two.get(1).copied().unwrap_or(0)));
            pairs.extend(halves);
            let offset = (0.5 * square_rounded / unit).round_ties_even();
            offsets.push(offset as i32);
            let fits = 0.5 * square_rounded + scale.longest() * square_rounded.sqrt() < MOST_SCORE * unit;
            let size = 0.5 * square + (scale.longest() + scale.off()) * square.sqrt();
            off = worst(off, if fits { square_off.sqrt() } else { f64::INFINITY });
            // What may leave the range is never sure.
            let in_range = size * scale.span() * (scale.span() * T::MIN_POSITIVE) < 0.5;
            rho = worst(rho, if in_range { rounding * size + lost } else { f64::INFINITY });
        }
        let tags = (0..k as i32).collect();
        Self {
            k,
            d,
            pairs,
            offsets,
            tags,
            margin: Margin::new(unit, (scale.off() + off) * 1.000_001, rho, d),
        }
    }

    /// Of how many centroids and features.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.k, self.d)
    }

    /// How many pairs a row has.
    #[inline(always)]
    pub(super) fn n_pairs(&self) -> usize {
        self.d.div_ceil(2)
    }
}

/// Two 16-bit numbers in one, the first in the low half.
#[inline(always)]
pub(super) fn pair(low: i16, high: i16) -> i32 {
    i32::from(low) & 0xffff | i32::from(high) << 16
}

/// The unit of scores: the smallest with which these and the numbers of the centroids have room.
fn unit(all: &[f64], scale: &Scale) -> f64 {
    let mut least = LEAST_UNIT;
    for of_one in all.chunks_exact(scale.n_features()) {
        let square: f64 = of_one.iter().map(|v| v * v).sum();
        // The rounded centroid may be somewhat longer.
        least = worst(least, 1.01 * (0.5 * square + scale.longest() * square.sqrt()) / MOST_SCORE);
        let numbers = of_one.iter().zip(scale.widths()).map(|(v, width)| v.abs() * width / MOST);
        least = numbers.fold(least, worst);
    }
    least
}

/// The larger; what is no number is infinite.
fn worst(a: f64, b: f64) -> f64 {
    if b <= a {
        a
    } else if b.is_nan() {
        f64::INFINITY
    } else {
        b
    }
}
