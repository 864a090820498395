//! Margins and gradients of a tile of rows.

use crate::kernel::simd::{LANES, Simd, dispatch};
use crate::kernel::{Isa, Real};

/// Rows whose reads may run over their end by up to seven values.
///
/// Loads of eight features run into the next row; coefficients are padded with zeros, and gradients in padded
/// lanes are dropped, so that what stands there does not matter as long as it is finite.
pub(crate) struct Tile<'a, T> {
    x: &'a [T],
    n_rows: usize,
    n_features: usize,
}

impl<'a, T: Real> Tile<'a, T> {
    /// Rows `(n_rows, n_features)` at the start of `x`, which must go on for seven values behind them.
    ///
    /// # Panics
    /// When `x` is too short.
    pub(crate) fn new(x: &'a [T], n_rows: usize, n_features: usize) -> Self {
        assert!(x.len() >= Self::length(n_rows, n_features));
        Self { x, n_rows, n_features }
    }

    /// Values needed for rows of this size.
    pub(crate) fn length(n_rows: usize, n_features: usize) -> usize {
        n_rows * n_features + LANES - 1
    }

    /// `eta[r] = intercept + Σ_j x[r][j] · coef[j]`; `coef` is padded with zeros to a multiple of eight.
    pub(crate) fn margins(&self, isa: Isa, coef: &[f64], intercept: f64, eta: &mut [f64]) {
        assert!(coef.len() == self.n_features.next_multiple_of(LANES) && eta.len() >= self.n_rows);
        margins(isa, self, coef, intercept, eta);
    }

    /// `gradient[j] += Σ_r factor[r] · x[r][j]`; `gradient` is padded to a multiple of eight.
    pub(crate) fn add_weighted_rows(&self, isa: Isa, factor: &[f64], gradient: &mut [f64]) {
        assert!(gradient.len() == self.n_features.next_multiple_of(LANES) && factor.len() >= self.n_rows);
        weighted_rows(isa, self, factor, gradient);
    }
}

dispatch!(fn margins<T: Real>(tile: &Tile<'_, T>, coef: &[f64], intercept: f64, eta: &mut [f64]) = margins_body);
dispatch!(fn weighted_rows<T: Real>(tile: &Tile<'_, T>, factor: &[f64], gradient: &mut [f64]) = weighted_rows_body);

#[inline(always)]
unsafe fn margins_body<S: Simd, T: Real>(tile: &Tile<'_, T>, coef: &[f64], intercept: f64, eta: &mut [f64]) {
    let mut row = 0;
    // SAFETY: `margins` checked the lengths: rows below n_rows exist, and a load of eight stays within `x`.
    unsafe {
        while row + 4 <= tile.n_rows {
            dot::<S, T, 4>(tile, row, coef, intercept, eta);
            row += 4;
        }
        while row < tile.n_rows {
            dot::<S, T, 1>(tile, row, coef, intercept, eta);
            row += 1;
        }
    }
}

/// `N` dot products side by side, to hide the latency of their chains.
#[inline(always)]
unsafe fn dot<S: Simd, T: Real, const N: usize>(
    tile: &Tile<'_, T>,
    row: usize,
    coef: &[f64],
    intercept: f64,
    eta: &mut [f64],
) {
    // SAFETY: as in `margins_body`.
    unsafe {
        let start = tile.x.as_ptr().add(row * tile.n_features);
        let mut sums = [S::splat(0.0); N];
        for j in (0..coef.len()).step_by(LANES) {
            let c = S::load(coef.as_ptr().add(j));
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = S::fma(T::load_lanes::<S>(start.add(n * tile.n_features + j)), c, *sum);
            }
        }
        for (n, &sum) in sums.iter().enumerate() {
            eta[row + n] = S::sum(sum) + intercept;
        }
    }
}

#[inline(always)]
unsafe fn weighted_rows_body<S: Simd, T: Real>(tile: &Tile<'_, T>, factor: &[f64], gradient: &mut [f64]) {
    let mut j = 0;
    // SAFETY: `add_weighted_rows` checked the lengths; columns j + 8·N stay within the padded width.
    unsafe {
        while j < gradient.len() {
            match (gradient.len() - j) / LANES {
                1 => columns::<S, T, 1>(tile, factor, j, gradient),
                2 => columns::<S, T, 2>(tile, factor, j, gradient),
                3 => columns::<S, T, 3>(tile, factor, j, gradient),
                _ => columns::<S, T, 4>(tile, factor, j, gradient),
            }
            j += LANES * ((gradient.len() - j) / LANES).min(4);
        }
    }
}

#[inline(always)]
unsafe fn columns<S: Simd, T: Real, const N: usize>(
    tile: &Tile<'_, T>,
    factor: &[f64],
    j: usize,
    gradient: &mut [f64],
) {
    // SAFETY: as in `weighted_rows_body`.
    unsafe {
        let place = gradient.as_mut_ptr().add(j);
        let mut sums = [S::splat(0.0); N];
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = S::load(place.add(n * LANES));
        }
        for (r, &f) in factor[..tile.n_rows].iter().enumerate() {
            let f = S::splat(f);
            let x = tile.x.as_ptr().add(r * tile.n_features + j);
            for n in 0..N {
                // These rows are in the cache; meanwhile memory can bring those of the next tile.
                S::prefetch(x.wrapping_add(tile.n_rows * tile.n_features + n * LANES));
            }
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = S::fma(f, T::load_lanes::<S>(x.add(n * LANES)), *sum);
            }
        }
        for (n, &sum) in sums.iter().enumerate() {
            S::store(place.add(n * LANES), sum);
        }
    }
}
