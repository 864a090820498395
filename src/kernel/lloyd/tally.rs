//! Sums of the rows of each centroid.

use super::vector::{EIGHT, Vector};
use super::{Rows, packed::Centroids};

/// For each centroid the weighted sum of its shifted rows and the sum of their weights, in double precision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// `(k, vectors)`: the features, then the weight, then nothing.
    sums: Vec<Eight>,
    vectors: usize,
    d: usize,
}

/// A cache line of sums.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
struct Eight([f64; EIGHT]);

impl Tally {
    /// Zero sums of `k` centroids with `d` features.
    pub fn new(k: usize, d: usize) -> Self {
        let vectors = (d + 1).div_ceil(EIGHT);
        Self { sums: vec![Eight([0.0; EIGHT]); k * vectors], vectors, d }
    }

    /// Whether these are sums of `k` centroids with `d` features.
    pub(super) fn is_for(&self, k: usize, d: usize) -> bool {
        self.d == d && self.sums.len() == k * self.vectors
    }

    /// The sums `(k, d)` and the weights `(k,)`.
    pub fn into_parts(self) -> (Vec<f64>, Vec<f64>) {
        let (k, d) = (self.sums.len() / self.vectors, self.d);
        let (mut sums, mut weights) = (Vec::with_capacity(k * d), Vec::with_capacity(k));
        for of_centroid in self.sums.chunks_exact(self.vectors) {
            let whole = d / EIGHT;
            of_centroid[..whole].iter().for_each(|eight| sums.extend_from_slice(&eight.0));
            sums.extend_from_slice(&of_centroid[whole].0[..d % EIGHT]);
            weights.push(of_centroid[whole].0[d % EIGHT]);
        }
        (sums, weights)
    }

    /// The sums of one centroid, one number after the other.
    pub(super) fn of_centroid(&mut self, label: usize) -> impl Iterator<Item = &mut f64> {
        self.sums[label * self.vectors..][..self.vectors].iter_mut().flat_map(|eight| &mut eight.0)
    }
}

/// Adds rows to the sums of their labels, in the order of the rows.
///
/// # Safety
/// The instruction set of `V` must be there, `tally` be made for `c`'s sizes, and `labels` below `c.k`, one a row.
#[inline(always)]
pub(super) unsafe fn add_rows<V: Vector>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    labels: &[u32],
    tally: &mut Tally,
) {
    // SAFETY: as the caller says.
    unsafe {
        if rows.weights.is_empty() {
            add::<V, false>(rows, c, labels, tally);
        } else {
            add::<V, true>(rows, c, labels, tally);
        }
    }
}

/// # Safety
/// As for [`add_rows`]; there is a weight for each row if `WEIGHTED`.
#[inline(always)]
unsafe fn add<V: Vector, const WEIGHTED: bool>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    labels: &[u32],
    tally: &mut Tally,
) {
    let (d, vectors) = (c.d, tally.vectors);
    let (whole, rest) = (d / EIGHT, d % EIGHT);
    let shift = c.shift.as_ptr();
    let mut x = rows.x.as_ptr();
    for (i, &label) in labels.iter().enumerate() {
        let weight = if WEIGHTED { rows.weights[i] } else { 1.0 };
        // SAFETY: the row has `d` numbers, its sums and the shift eight for each vector: whole ones, and one that
        // holds the rest and the weight.
        unsafe {
            let sums = tally.sums.as_mut_ptr().add(label as usize * vectors).cast::<f64>();
            for v in 0..whole {
                let at = v * EIGHT;
                V::add_eight::<WEIGHTED>(x.add(at), EIGHT, shift.add(at), weight, sums.add(at));
            }
            let at = whole * EIGHT;
            V::add_eight::<WEIGHTED>(x.add(at), rest, shift.add(at), weight, sums.add(at));
            x = x.add(d);
        }
    }
}
