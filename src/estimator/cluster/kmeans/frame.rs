//! What every pass of a fit shares: the shift, the sizes and the instruction set.

use crate::data::Block;
use crate::kernel::Isa;
use crate::kernel::Real;
use crate::kernel::lloyd::{Centroids, Rows, Scratch, squared_distances};

/// The most rows of a chunk.
pub(super) const CHUNK: usize = 1024;

/// Bytes of a chunk in double precision: its rows stay in the first-level cache while candidates, distances and the
/// fits of one pass go over them.
const CHUNK_BYTES: usize = 16 << 10;

/// A chunk has a multiple of so many rows: the kernels work on as many at a time.
const CHUNK_STEP: usize = 48;

/// Rows of a chunk. Sums are formed chunk by chunk: a function of the features alone.
fn chunk_rows(d: usize) -> usize {
    let rows = CHUNK_BYTES / (size_of::<f64>() * d) / CHUNK_STEP * CHUNK_STEP;
    rows.clamp(2 * CHUNK_STEP, CHUNK / CHUNK_STEP * CHUNK_STEP)
}

/// The frame of reference: rows and centroids are taken relative to `shift`.
#[derive(Clone, Debug)]
pub(super) struct Frame<T> {
    /// The mean of the data, rounded to their type.
    pub(super) shift: Vec<T>,
    pub(super) isa: Isa,
}

impl<T: Real> Frame<T> {
    /// Features of a row.
    pub(super) fn d(&self) -> usize {
        self.shift.len()
    }

    /// The block's rows in chunks, each with the number of its first row within the block.
    pub(super) fn chunks<'b>(&self, block: &'b Block<T>) -> impl Iterator<Item = (usize, Rows<'b, T>)> {
        self.pieces(block, chunk_rows(self.d()))
    }

    /// The block's rows in pieces of `size` rows, each with the number of its first row within the block.
    pub(super) fn pieces<'b>(
        &self,
        block: &'b Block<T>,
        size: usize,
    ) -> impl Iterator<Item = (usize, Rows<'b, T>)> {
        self.split(Rows { x: &block.x, weights: &block.weights, n_features: self.d() }, size)
    }

    /// Rows in pieces of `size` rows, each with the number of its first row.
    pub(super) fn split<'b>(
        &self,
        rows: Rows<'b, T>,
        size: usize,
    ) -> impl Iterator<Item = (usize, Rows<'b, T>)> {
        (0..rows.len())
            .step_by(size)
            .map(move |first| (first, rows.part(first, size.min(rows.len() - first))))
    }

    /// Rows that are labelled and summed at a time: they stay in the first-level cache.
    pub(super) fn tiles(&self) -> usize {
        if size_of::<T>() == size_of::<f64>() { 2 * CHUNK_STEP } else { 4 * CHUNK_STEP }
    }

    /// Centroids, given relative to the shift, ready for the kernel.
    pub(super) fn pack(&self, centered: &[f64]) -> Centroids<T> {
        Centroids::new(centered, &self.shift)
    }

    /// Buffers for the kernel.
    pub(super) fn scratch(&self) -> Scratch<T> {
        Scratch::new(self.d(), self.isa)
    }

    /// A row relative to the shift, in double precision.
    pub(super) fn centered(&self, row: &[T]) -> Vec<f64> {
        row.iter().zip(&self.shift).map(|(x, m)| x.to_f64() - m.to_f64()).collect()
    }

    /// Squared distances of rows to the centroids of their labels.
    pub(super) fn distances(&self, rows: &Rows<'_, T>, centered: &[f64], labels: &[u32], to: &mut [f64]) {
        squared_distances(self.isa, rows, &self.shift, centered, labels, to);
    }
}
