//! The inner loops of K-means: nearest centroids, their sums, squared distances.
//!
//! A row x and a centroid c are compared by the *score* ½‖c−μ‖² − (x−μ)·(c−μ), which orders centroids as their
//! distances to x do: ‖x−c‖² = ‖x−μ‖² + 2·score. The shift μ (the mean of the data) keeps digits when the data lie
//! far from the origin. [`assign`] scores a micro-tile of rows against a group of centroids in registers, takes the
//! minimum there, and adds each row to its centroid's sums while it is in the first-level cache.
//!
//! Centroids stand in the SIMD lanes, so each score is formed in one lane, feature by feature, with fused
//! multiply-add: the bits are those of [`assign_reference`] on every instruction set.
//!
//! # References
//! Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28 (1982).

mod assign;
mod distance;
mod packed;
mod reference;
mod tally;
mod tile;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use assign::{Scratch, assign, assign_scored};
pub use distance::squared_distances;
pub use packed::Centroids;
pub use reference::{assign_reference, squared_distance_reference};
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

    /// The weight of row `i`.
    #[inline(always)]
    pub fn weight(&self, i: usize) -> f64 {
        if self.weights.is_empty() { 1.0 } else { self.weights[i] }
    }
}
