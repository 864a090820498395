//! All dot products of a data set's rows.

use super::panels::{PANEL, Panels, lanes};
use crate::kernel::dispatch::dispatched;

/// Rows whose products with a panel are summed side by side.
const ROWS: usize = 4;
/// Lanes of a panel taken at a time, so that the sums stay in registers.
const HALF: usize = 16;

dispatched! {
    /// Dot products of every row of `x` `(n_rows, n_features)` with every row of `panels`, row by row into `out`
    /// `(n_rows, panels.n_rows)`.
    ///
    /// 2 n² n_features flops. Each product is summed over the features in order, as kernel rows are, so that both
    /// give the same bits.
    pub fn dot_products(x: &[f64], panels: &Panels, out: &mut [f64]) = dot_products_body
}

#[inline(always)]
fn dot_products_body(x: &[f64], panels: &Panels, out: &mut [f64]) {
    let (d, n) = (panels.n_features, panels.n_rows);
    assert!(out.len() * d == x.len() * n);
    for p in 0..panels.n_panels() {
        let panel = panels.panel(p);
        for (x, out) in x.chunks(ROWS * d).zip(out.chunks_mut(ROWS * n)) {
            for half in 0..PANEL / HALF {
                let first = p * PANEL + half * HALF;
                if first < n {
                    block(panel, first, x, d, out, n);
                }
            }
        }
    }
}

/// Products of up to [`ROWS`] rows with [`HALF`] lanes of a panel, that of row `first` of the data and those after it.
#[inline(always)]
fn block(panel: &[f64], first: usize, x: &[f64], d: usize, out: &mut [f64], n: usize) {
    let lane = first % PANEL;
    let rows: [&[f64]; ROWS] = std::array::from_fn(|r| x.get(r * d..(r + 1) * d).unwrap_or(&x[..d]));
    let mut sums = [[0.0f64; HALF]; ROWS];
    for (f, feature) in panel.chunks_exact(PANEL).enumerate() {
        let feature: &[f64; HALF] = lanes(&feature[lane..]);
        for r in 0..ROWS {
            let v = rows[r][f];
            for l in 0..HALF {
                sums[r][l] = feature[l].mul_add(v, sums[r][l]);
            }
        }
    }
    let room = HALF.min(n - first);
    for (r, sums) in sums.iter().enumerate().take(x.len() / d) {
        out[r * n + first..r * n + first + room].copy_from_slice(&sums[..room]);
    }
}
