//! Sums of the rows of each centroid.

use crate::kernel::Real;

/// For each centroid the weighted sum of its shifted rows and the sum of their weights, in double precision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// `(k, stride)`: the features, then the weight, then nothing.
    pub(super) sums: Vec<f64>,
    pub(super) stride: usize,
    d: usize,
}

impl Tally {
    /// Zero sums of `k` centroids with `d` features, for rows of `T`.
    pub fn new<T: Real>(k: usize, d: usize) -> Self {
        let stride = stride::<T>(d);
        Self { sums: vec![0.0; k * stride], stride, d }
    }

    /// The sums `(k, d)` and the weights `(k,)`.
    pub fn into_parts(self) -> (Vec<f64>, Vec<f64>) {
        let rows = || self.sums.chunks_exact(self.stride);
        (rows().flat_map(|row| row[..self.d].to_vec()).collect(), rows().map(|row| row[self.d]).collect())
    }
}

/// Numbers of a tile's row: the features and a 1 (which counts the weight), filled up to whole vectors.
pub(super) fn stride<T: Real>(d: usize) -> usize {
    (d + 1).next_multiple_of(T::LANES)
}
