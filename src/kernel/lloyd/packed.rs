//! Centroids laid out for the tile kernel.

use super::single::SingleCentroids;
use super::vector::EIGHT;
use crate::kernel::Real;

/// Centroids relative to the shift, in the type of the scores.
#[derive(Clone, Debug)]
pub struct Centroids<T> {
    /// Number of centroids.
    pub(super) k: usize,
    /// Number of features.
    pub(super) d: usize,
    /// Subtracted from rows. A −1 follows, so that a row that ends in a 0 counts itself, and zeros up to a multiple of
    /// eight numbers.
    pub(super) shift: Vec<T>,
    /// −(c − μ), `(k, d)`.
    pub(super) negated: Vec<T>,
    /// ½‖c−μ‖².
    pub(super) offsets: Vec<T>,
    /// 0, 1, 2 … k − 1: every centroid is a candidate.
    pub(super) all: Vec<u32>,
}

impl<T: Real> Centroids<T> {
    /// Packs `(k, d)` centroids that are given relative to `shift` (of `d` features).
    ///
    /// # Panics
    /// When there are none, or the sizes do not match.
    pub fn new(centered: &[f64], shift: &[T]) -> Self {
        let d = shift.len();
        assert!(
            d > 0 && !centered.is_empty() && centered.len().is_multiple_of(d),
            "centroids of {d} features"
        );
        let k = centered.len() / d;
        let half_square = |c: &[f64]| T::from_f64(0.5 * c.iter().map(|v| v * v).sum::<f64>());
        let mut padded = shift.to_vec();
        padded.push(T::from_f64(-1.0));
        padded.resize((d + 1).next_multiple_of(EIGHT), T::ZERO);
        Self {
            k,
            d,
            shift: padded,
            negated: centered.iter().map(|&v| -T::from_f64(v)).collect(),
            offsets: centered.chunks_exact(d).map(half_square).collect(),
            all: (0..k as u32).collect(),
        }
    }

    /// The same for rows that are kept in single precision.
    pub fn in_single(&self) -> SingleCentroids<f32> {
        SingleCentroids::of(self)
    }

    /// How many centroids there are.
    pub fn n_clusters(&self) -> usize {
        self.k
    }

    /// The weighted sum of the scores that rows have with the centroids of their sums `(k, d)` and weights `(k,)`.
    ///
    /// Σ w·‖x−c‖² over the rows is Σ w·‖x−μ‖² plus twice that, up to cancellation. 0 without sums.
    pub fn score_of(&self, sums: &[f64], weights: &[f64]) -> f64 {
        let of_each = sums.chunks_exact(self.d).zip(self.negated.chunks_exact(self.d)).zip(weights);
        let score = |((sums, negated), weight): ((&[f64], &[T]), &f64)| {
            let (mut product, mut square) = (0.0, 0.0);
            for (c, sum) in negated.iter().map(|c| c.to_f64()).zip(sums) {
                product += c * sum;
                square += c * c;
            }
            product + 0.5 * square * weight
        };
        of_each.map(score).sum()
    }

    /// How many features there are, and where what is subtracted from each row lies.
    #[inline(always)]
    pub(super) fn frame(&self) -> (usize, *const T) {
        (self.d, self.shift.as_ptr())
    }

    /// What is subtracted from every row.
    pub fn shift(&self) -> &[T] {
        &self.shift[..self.d]
    }
}
