//! The rows of a fit with their column for the intercept.

use crate::data::Table;
use crate::kernel::Isa;
use crate::kernel::linear_rows::{self, LANES};

/// Rows `(n, width)`: the features, then the intercept's, then zeros up to whole lanes.
pub(super) struct Rows {
    pub(super) n: usize,
    pub(super) width: usize,
    values: Vec<f64>,
    isa: Isa,
}

impl Rows {
    /// The given rows of a table; a feature of value `intercept` is put after the others.
    pub(super) fn new(table: &Table, rows: &[usize], intercept: Option<f64>) -> Self {
        let (d, x) = (table.x.ncols(), table.x.as_slice().unwrap_or(&[]));
        let width = (d + usize::from(intercept.is_some())).next_multiple_of(LANES);
        let mut values = vec![0.0; rows.len() * width];
        for (&row, out) in rows.iter().zip(values.chunks_exact_mut(width)) {
            out[..d].copy_from_slice(&x[row * d..(row + 1) * d]);
            if let Some(intercept) = intercept {
                out[d] = intercept;
            }
        }
        Self { n: rows.len(), width, values, isa: Isa::best() }
    }

    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// One row.
    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.width..(i + 1) * self.width]
    }

    /// Products of all rows with `w`.
    pub(super) fn dots(&self, w: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.n];
        linear_rows::dots(self.isa, &self.values, w, &mut out);
        out
    }

    /// The product of one row with `w`.
    pub(super) fn dot(&self, i: usize, w: &[f64]) -> f64 {
        let mut out = [0.0];
        linear_rows::dots(self.isa, self.row(i), w, &mut out);
        out[0]
    }

    /// The square of each row.
    pub(super) fn squares(&self) -> Vec<f64> {
        (0..self.n).map(|i| self.dot(i, self.row(i))).collect()
    }

    /// The same, unless one is no number.
    pub(super) fn finite_squares(&self) -> Option<Vec<f64>> {
        Some(self.squares()).filter(|squares| squares.iter().all(|square| square.is_finite()))
    }

    /// Adds `factors[i]` times each row to `sums`.
    pub(super) fn add(&self, factors: &[f64], sums: &mut [f64]) {
        linear_rows::add_rows(self.isa, &self.values, factors, sums);
    }

    /// Adds `factor` times one row to `sums`.
    pub(super) fn add_row(&self, i: usize, factor: f64, sums: &mut [f64]) {
        linear_rows::add_rows(self.isa, self.row(i), &[factor], sums);
    }
}
