//! Centroids laid out for the tile kernel.

use crate::kernel::Real;

/// Vectors of a group: with 8 rows their scores fill 24 of 32 registers, with 3 rows 9 of 16
/// (4 rows would need all 16, and one that is spilled waits for memory at every feature).
pub(super) const GROUP: usize = 3;

/// Centroids, shifted and packed in groups of vectors: the lanes of a vector are neighbouring centroids.
#[derive(Clone, Debug)]
pub struct Centroids<T> {
    /// Number of centroids.
    pub(super) k: usize,
    /// Number of features.
    pub(super) d: usize,
    /// Subtracted from rows; padded to whole vectors.
    pub(super) shift: Vec<T>,
    /// −(c − μ): per group `[feature][vector][lane]`. Lanes without a centroid hold 0.
    pub(super) packed: Vec<T>,
    /// ½‖c−μ‖², +∞ in lanes without a centroid, so that they never win.
    pub(super) offsets: Vec<T>,
    /// c − μ, row by row, in the type of the scores.
    pub(super) plain: Vec<T>,
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
        let vectors = k.div_ceil(T::LANES);
        let mut packed = vec![T::ZERO; vectors * T::LANES * d];
        let mut offsets = vec![T::INFINITY; vectors * T::LANES];
        for (j, c) in centered.chunks_exact(d).enumerate() {
            offsets[j] = T::from_f64(0.5 * c.iter().map(|v| v * v).sum::<f64>());
            for (f, &value) in c.iter().enumerate() {
                packed[position::<T>(j, f, d, vectors)] = -T::from_f64(value);
            }
        }
        let mut padded = shift.to_vec();
        padded.resize(d.next_multiple_of(T::LANES), T::ZERO);
        let plain = centered.iter().map(|&v| T::from_f64(v)).collect();
        Self { k, d, shift: padded, packed, offsets, plain }
    }

    /// How many centroids there are.
    pub fn n_clusters(&self) -> usize {
        self.k
    }

    /// What is subtracted from every row.
    pub fn shift(&self) -> &[T] {
        &self.shift[..self.d]
    }
}

/// Where feature `f` of centroid `j` stands among the packed numbers.
fn position<T: Real>(j: usize, f: usize, d: usize, vectors: usize) -> usize {
    let (vector, lane) = (j / T::LANES, j % T::LANES);
    let first = vector / GROUP * GROUP;
    let in_group = GROUP.min(vectors - first);
    (first * d + f * in_group + (vector - first)) * T::LANES + lane
}
