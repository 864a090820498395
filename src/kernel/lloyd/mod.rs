//! The inner loops of K-means: nearest centroids, their sums, squared distances.
//!
//! A row x and a centroid c are compared by the *score* ½‖c−μ‖² − (x−μ)·(c−μ), which orders centroids as their
//! distances to x do: ‖x−c‖² = ‖x−μ‖² + 2·score. The shift μ (the mean of the data) keeps digits when the data lie
//! far from the origin. [`assign`] turns a tile of rows, so that rows stand in the SIMD lanes, scores it against a few
//! centroids at a time in registers, takes the minimum there without a step across lanes, and adds each row to its
//! centroid's sums while it is in the first-level cache.
//!
//! [`assign_short`] takes the rows from a copy in sixteen bits, which tells nearly every label, is a quarter to read, and is
//! compared in integers.
//!
//! [`reassign`] starts from labels that rows have had and leaves out the centroids that [`Neighbours`] rule out.
//!
//! Each score is formed in one lane, feature by feature, with fused multiply-add: the bits are those of
//! [`assign_reference`] on every instruction set.
//!
//! # References
//! Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28 (1982).

mod array;
mod assign;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bounded;
mod bounds;
mod distance;
mod fixed;
mod integers;
mod neighbours;
#[cfg(target_arch = "aarch64")]
mod neon;
mod packed;
mod reassign;
mod reference;
mod run;
mod shared;
mod short_centroids;
mod short_scores;
mod shorts;
mod single;
mod tally;
mod tile;
mod vector;

pub use assign::{
    Scratch, add, assign, assign_bounded, assign_scored, assign_short, assign_single, reassign, screen,
    settle,
};
pub use bounds::{Bounds, BoundsMut, Drift};
pub use distance::squared_distances;
pub use fixed::{FixedTally, Grid};
pub use neighbours::Neighbours;
pub use packed::Centroids;
pub use reference::{assign_reference, squared_distance_reference};
pub use short_centroids::ShortCentroids;
pub use shorts::{Scale, ShortRows, Steps};
pub use single::SingleCentroids;
pub use tally::Tally;
pub use vector::Lanes;

/// Rows as they lie in a block.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// Features `(n_rows, n_features)`, row by row.
    pub x: &'a [T],
    /// Weights `(n_rows,)`, or empty when every row counts once.
    pub weights: &'a [f64],
    /// Features of a row, at least 1.
    pub n_features: usize,
}

impl<T> Rows<'_, T> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.x.len() / self.n_features
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// `n` rows from row `first` on.
    ///
    /// # Panics
    /// When there are fewer.
    #[inline(always)]
    pub fn part(&self, first: usize, n: usize) -> Self {
        let d = self.n_features;
        let weights = if self.weights.is_empty() { self.weights } else { &self.weights[first..first + n] };
        Self { x: &self.x[first * d..(first + n) * d], weights, n_features: d }
    }

    /// The weight of row `i`.
    #[inline(always)]
    pub fn weight(&self, i: usize) -> f64 {
        if self.weights.is_empty() { 1.0 } else { self.weights[i] }
    }
}

#[cfg(test)]
mod cases {
    //! Rows and centroids that tests of scores in fewer digits go through.

    use crate::kernel::Real;
    use crate::rng::{Purpose, stream, uniform};

    /// Numbers of rows, centroids and features.
    const SIZES: [(usize, usize, usize); 6] =
        [(1, 1, 1), (95, 3, 2), (97, 12, 20), (500, 37, 13), (300, 100, 20), (200, 9, 301)];

    /// Units, and whether values are whole numbers of them.
    const SCALES: [(f64, bool); 8] = [
        (1.0, false),
        (1.0, true),
        (1e-22, false),
        (1e-18, true),
        (1e18, false),
        (1e-160, false),
        (1e-310, false),
        (1e150, false),
    ];

    /// Calls the one for each case that double, the other for each that single precision has room for: with the unit,
    /// whether values are whole numbers of it, and the sizes.
    pub(super) fn each(
        double: impl Fn(f64, bool, [usize; 3]) -> usize,
        single: impl Fn(f64, bool, [usize; 3]) -> usize,
    ) {
        for (n, k, d) in SIZES {
            for (scale, lattice) in SCALES {
                double(scale, lattice, [n, k, d]);
                if (1e-30..1e30).contains(&scale) {
                    single(scale, lattice, [n, k, d]);
                }
            }
        }
    }

    /// Rows `(n, d)`, centroids `(k, d)` of which 1 and 5 are equal, and a shift; on a lattice many rows are as far from one
    /// as from another.
    pub(super) fn draw<T: Real>(
        scale: f64,
        lattice: bool,
        [n, k, d]: [usize; 3],
    ) -> (Vec<T>, Vec<f64>, Vec<T>) {
        let mut rng = stream(n as u64, Purpose::Noise, (k * 1000 + d) as u64);
        let mut value = || {
            let value = 8.0 * (uniform(&mut rng) - 0.5);
            scale * if lattice { value.round() } else { value }
        };
        let x = (0..n * d).map(|_| T::from_f64(value())).collect();
        let mut centers: Vec<f64> = (0..k * d).map(|_| value()).collect();
        if k > 5 {
            centers.copy_within(d..2 * d, 5 * d);
        }
        let shift = (0..d).map(|_| T::from_f64(if lattice { 0.0 } else { 0.01 * value() })).collect();
        (x, centers, shift)
    }
}
