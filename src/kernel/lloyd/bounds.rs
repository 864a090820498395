//! How near a row's centroid is at most, and how far every other one at least, from iteration to iteration.
//!
//! A row that was at most u from its centroid and at least l from every other is, once the centroids have moved, at
//! most u + (its centroid's way) from the one and at least l − (the longest way of another) from the others. While the
//! second is greater by more than rounding can do to two scores, the row keeps its label and need not be read.
//!
//! # References
//! * Hamerly, "Making k-means even faster", SDM 2010.
//! * Newling & Fleuret, "Fast k-means with accurate bounds", ICML 2016.

use super::neighbours::Margin;
use super::packed::Centroids;
use crate::kernel::Real;

/// More than the relative error of a few operations in single precision, of those that a test does, and of those that
/// make what is stored.
const TEST_SLACK: f32 = 5e-7;
const STORE_SLACK: f32 = 1e-6;

/// The greatest bound that is stored: its square is still a number.
const MOST: f32 = 1e18;

/// Rows that are looked at together.
const ROWS: usize = 64;

/// Bounds of a block's rows, relative to [`Drift`]: 8 bytes a row.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    upper: Vec<f32>,
    lower: Vec<f32>,
}

impl Bounds {
    /// Bytes of a row.
    pub const ROW_BYTES: u64 = 8;

    /// Of `n` rows of which nothing is known, unless there are so many already.
    pub fn make_room(&mut self, n: usize) {
        self.upper.resize(n, f32::INFINITY);
        self.lower.resize(n, 0.0);
    }

    /// Those of `n` rows from row `first` on.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn part(&mut self, first: usize, n: usize) -> BoundsMut<'_> {
        BoundsMut { upper: &mut self.upper[first..first + n], lower: &mut self.lower[first..first + n] }
    }
}

/// Bounds of some rows.
#[derive(Debug)]
pub struct BoundsMut<'a> {
    pub(super) upper: &'a mut [f32],
    pub(super) lower: &'a mut [f32],
}

impl BoundsMut<'_> {
    /// `n` of them from `first` on.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn part(&mut self, first: usize, n: usize) -> BoundsMut<'_> {
        BoundsMut { upper: &mut self.upper[first..first + n], lower: &mut self.lower[first..first + n] }
    }
}

/// The ways that centroids have gone since the first bounds, and what rounding may do to today's scores.
#[derive(Clone, Debug)]
pub struct Drift {
    /// Of each centroid its own way, and that of the farthest gone of the others at each step; no less than they are.
    ways: Vec<[f64; 2]>,
    /// The same in single precision.
    pub(super) table: Vec<[f32; 2]>,
}

impl Drift {
    /// Of `k` centroids that have not moved yet.
    pub fn new(k: usize) -> Self {
        Self { ways: vec![[0.0; 2]; k], table: vec![[0.0; 2]; k] }
    }

    /// Adds the ways from the centroids that gave the bounds to those that are to be used next.
    ///
    /// # Panics
    /// When the sizes do not match.
    pub fn advance<T: Real>(&mut self, from: &Centroids<T>, to: &Centroids<T>) {
        assert!(from.k == to.k && from.d == to.d && self.ways.len() == to.k, "{} centroids", self.ways.len());
        let d = to.d;
        let error = 1.0 + (d as f64 + 8.0) * f64::EPSILON;
        let pairs = from.negated.chunks_exact(d).zip(to.negated.chunks_exact(d));
        let ways: Vec<f64> = pairs
            .map(|(a, b)| {
                let squares = a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2));
                squares.sum::<f64>().sqrt() * error + f64::MIN_POSITIVE
            })
            .collect();
        let farthest = (0..ways.len()).fold(0, |most, j| if ways[j] > ways[most] { j } else { most });
        let of_rest = ways.iter().enumerate().filter(|&(j, _)| j != farthest);
        let next = of_rest.map(|(_, &way)| way).fold(0.0, f64::max);
        for (j, (sums, table)) in self.ways.iter_mut().zip(&mut self.table).enumerate() {
            sums[0] = (sums[0] + ways[j]) * (1.0 + f64::EPSILON);
            sums[1] = (sums[1] + if j == farthest { next } else { ways[farthest] }) * (1.0 + f64::EPSILON);
            *table = sums.map(rounded_up);
        }
    }

    /// How many centroids there are.
    pub(super) fn n_clusters(&self) -> usize {
        self.table.len()
    }
}

/// No less than `value`, which is no less than 0.
fn rounded_up(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) < value { near.next_up() } else { near }
}

/// When bounds are far enough apart, in single precision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// No less than four times the error of a score: `level + slope · radius`.
    level: f32,
    slope: f32,
    /// Beyond this radius scores might overflow.
    most: f32,
    /// The error of a squared distance that is made of a score: `error · (level_norm + ‖x‖²) + tiny`.
    error: f64,
    level_norm: f64,
    tiny: f64,
}

impl Limits {
    pub(super) fn new<T: Real>(margin: &Margin, d: usize, longest: f64) -> Self {
        let (level, slope) = margin.of_scores();
        let fits = |radius: f64| Margin::fits::<T>(d, longest + radius);
        let mut most = 1e15;
        while most > 1e-30 && !fits(most) {
            most *= 0.5;
        }
        Self {
            level: rounded_up(level).next_up(),
            slope: rounded_up(slope).next_up(),
            most: if fits(most) { most as f32 * 0.99 } else { -1.0 },
            error: 4.0 * (d as f64 + 4.0) * T::EPSILON,
            level_norm: 2.0 * longest * longest,
            tiny: 4.0 * (d as f64 + 4.0) * f64::from(f32::MIN_POSITIVE),
        }
    }

    /// Whether a row at most `upper` from its centroid and at least `lower` from every other keeps its label.
    #[inline(always)]
    pub(super) fn keep(&self, upper: f32, lower: f32) -> bool {
        let sum = lower + upper;
        let gap = lower - upper - TEST_SLACK * sum;
        (gap > 0.0) & (gap * sum > self.level + self.slope * upper) & (upper <= self.most)
    }

    /// Bounds from the two least scores of a row and its squared norm.
    #[inline(always)]
    pub(super) fn of_scores<T: Real>(&self, best: T, second: T, norm: T) -> (f32, f32) {
        let (best, second, norm) = (best.to_f64(), second.to_f64(), norm.to_f64());
        let error = self.error * (self.level_norm + norm) + self.tiny;
        let (upper, lower) = (norm + 2.0 * best + error, norm + 2.0 * second - error);
        // What is no number fails both.
        let upper = if upper >= 0.0 { upper } else { f64::INFINITY } as f32;
        let lower = if lower >= 0.0 { lower } else { 0.0 } as f32;
        let lower = lower.sqrt() * (1.0 - STORE_SLACK);
        (upper.sqrt() * (1.0 + STORE_SLACK), if lower < MOST { lower } else { MOST })
    }
}

/// Bounds as they are stored for a row with label `a`, so that they hold whatever `ways` become.
#[inline(always)]
pub(super) fn stored(upper: f32, lower: f32, ways: [f32; 2]) -> (f32, f32) {
    let [own, others] = ways;
    (upper - own + STORE_SLACK * (upper + own), lower + others - STORE_SLACK * (lower + others))
}

/// Lists the rows, in their order, that their bounds do not hold to their labels.
///
/// # Safety
/// Labels are below the number of `table`'s entries; there are as many bounds as labels.
#[inline(always)]
pub(super) unsafe fn screen(
    labels: &[u32],
    bounds: &BoundsMut<'_>,
    table: &[[f32; 2]],
    limits: &Limits,
    open: &mut Vec<u32>,
) {
    open.clear();
    let (mut upper, mut lower) = ([0.0f32; ROWS], [0.0f32; ROWS]);
    let mut first = 0;
    for labels in labels.chunks(ROWS) {
        let n = labels.len();
        let stored = (&bounds.upper[first..first + n], &bounds.lower[first..first + n]);
        for (i, &label) in labels.iter().enumerate() {
            // SAFETY: labels are below the number of entries, as the caller says.
            [upper[i], lower[i]] = unsafe { *table.get_unchecked(label as usize) };
        }
        let mut failed = [0u8; ROWS];
        for i in 0..n {
            failed[i] = u8::from(!limits.keep(stored.0[i] + upper[i], stored.1[i] - lower[i]));
        }
        if failed[..n].iter().any(|&failed| failed != 0) {
            let (mut at, mut listed) = (0, [0; ROWS]);
            // Every row is written down, and the next takes its place if it holds: there is nothing to guess.
            for (i, &failed) in failed[..n].iter().enumerate() {
                listed[at] = (first + i) as u32;
                at += usize::from(failed);
            }
            open.extend_from_slice(&listed[..at]);
        }
        first += n;
    }
}
