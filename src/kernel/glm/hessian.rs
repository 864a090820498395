//! The Hessian of a tile: rank-k updates of packed rows.

use super::pointwise::TILE;
use crate::kernel::rank_k::{add_products, padded};
use crate::kernel::{Isa, Real};

/// Packed rows of a tile, each with a 1 behind its features for the intercept.
pub(super) struct Packed {
    width: usize,
    rows: Vec<f64>,
    scaled: Vec<f64>,
}

impl Packed {
    pub(super) fn new(n_features: usize) -> Self {
        let width = padded(n_features + 1);
        Self { width, rows: vec![0.0; width * TILE], scaled: vec![0.0; width * TILE] }
    }

    /// Copies `n_rows` rows of `n_features` from `x`.
    pub(super) fn pack<T: Real>(&mut self, x: &[T], n_rows: usize, n_features: usize) {
        for (packed, row) in
            self.rows.chunks_exact_mut(self.width).zip(x.chunks_exact(n_features)).take(n_rows)
        {
            packed.iter_mut().zip(row).for_each(|(p, v)| *p = v.to_f64());
            packed[n_features] = 1.0;
        }
    }

    /// Adds `Σ_r factor(r) · x_r x_rᵀ` to the `(width, width)` matrix `out`, its upper blocks.
    pub(super) fn add(&mut self, isa: Isa, n_rows: usize, factor: impl Fn(usize) -> f64, out: &mut [f64]) {
        let used = n_rows * self.width;
        for (r, (scaled, row)) in self
            .scaled
            .chunks_exact_mut(self.width)
            .zip(self.rows.chunks_exact(self.width))
            .take(n_rows)
            .enumerate()
        {
            let f = factor(r);
            scaled.iter_mut().zip(row).for_each(|(s, v)| *s = v * f);
        }
        add_products(isa, &self.scaled[..used], &self.rows[..used], self.width, out);
    }
}
