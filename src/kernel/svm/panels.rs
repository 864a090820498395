//! Rows of data side by side in panels, and kernel rows computed from them.

use bytemuck::{Pod, Zeroable};

use super::KernelFunction;
use crate::kernel::dispatch::dispatched;

/// Rows of a panel: the lanes of every loop over rows.
pub const PANEL: usize = 32;

/// Rows that meet a panel while it is in the nearest cache.
pub(super) const ROWS: usize = 16;

/// Rows of a data set in panels of [`PANEL`] rows, feature by feature: `(n_panels, n_features, PANEL)`.
///
/// Lanes past the last row are 0.
#[derive(Clone, Debug, Default)]
pub struct Panels {
    /// How many rows there are.
    pub n_rows: usize,
    /// Features of a row.
    pub n_features: usize,
    values: Vec<Line>,
    norms: Vec<f64>,
}

/// Numbers of a cache line: a vector that lies across two takes twice as long to load.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f64; 8]);

// SAFETY: eight doubles, for which zero bytes are zeros.
unsafe impl Zeroable for Line {}
// SAFETY: doubles fill all of it, and every bit pattern is a double.
unsafe impl Pod for Line {}

impl Panels {
    /// Packs rows of `n_features` values each.
    pub fn new<'a>(rows: impl ExactSizeIterator<Item = &'a [f64]>, n_features: usize) -> Self {
        let n_rows = rows.len();
        let n_panels = n_rows.div_ceil(PANEL);
        let mut lines = vec![Line::zeroed(); n_panels * n_features * PANEL / 8];
        let values: &mut [f64] = bytemuck::cast_slice_mut(&mut lines);
        let mut norms = vec![0.0; n_panels * PANEL];
        for (i, row) in rows.enumerate() {
            let (panel, lane) = (i / PANEL, i % PANEL);
            for (f, &v) in row.iter().enumerate() {
                values[(panel * n_features + f) * PANEL + lane] = v;
            }
            norms[i] = squared_norm(row);
        }
        Self { n_rows, n_features, values: lines, norms }
    }

    /// How many panels there are.
    pub fn n_panels(&self) -> usize {
        self.norms.len() / PANEL
    }

    /// The squared norms of the rows.
    pub fn norms(&self) -> &[f64] {
        &self.norms[..self.n_rows]
    }

    /// The values of a panel, `(n_features, PANEL)`.
    #[inline(always)]
    pub(in crate::kernel) fn panel(&self, index: usize) -> &[f64] {
        let size = self.n_features * PANEL;
        &bytemuck::cast_slice(&self.values)[index * size..(index + 1) * size]
    }

    #[inline(always)]
    pub(super) fn panel_norms(&self, index: usize) -> &[f64; PANEL] {
        lanes(&self.norms[index * PANEL..])
    }
}

/// |x|², summed in order with fused multiply-adds, as every dot product here is.
pub(super) fn squared_norm(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |sum, &v| v.mul_add(v, sum))
}

/// The same of each of the rows `x` of `d` features, at most [`ROWS`].
#[inline(always)]
pub(super) fn squared_norms(x: &[f64], d: usize) -> [f64; ROWS] {
    let mut norms = [0.0; ROWS];
    for (norm, x) in norms.iter_mut().zip(x.chunks_exact(d)) {
        *norm = squared_norm(x);
    }
    norms
}

/// The first `W` values.
#[inline(always)]
pub(in crate::kernel) fn lanes<T, const W: usize>(values: &[T]) -> &[T; W] {
    match values.first_chunk() {
        Some(lanes) => lanes,
        None => unreachable!("a panel is always whole"),
    }
}

/// Dot products of `x` with the rows of a panel.
#[inline(always)]
pub(super) fn panel_dots(panel: &[f64], x: &[f64]) -> [f64; PANEL] {
    let mut sums = [0.0f64; PANEL];
    for (feature, &v) in panel.chunks_exact(PANEL).zip(x) {
        let feature: &[f64; PANEL] = lanes(feature);
        for l in 0..PANEL {
            sums[l] = feature[l].mul_add(v, sums[l]);
        }
    }
    sums
}

dispatched! {
    /// Kernel values of the row `x` with every row of `panels`, rounded to single precision into `out` `(n_rows,)`.
    ///
    /// 2 n_features flops and one kernel function a value, in double precision.
    pub fn kernel_row(kernel: KernelFunction, panels: &Panels, x: &[f64], out: &mut [f32]) = kernel_row_body
}

#[inline(always)]
fn kernel_row_body(kernel: KernelFunction, panels: &Panels, x: &[f64], out: &mut [f32]) {
    assert!(x.len() == panels.n_features && out.len() == panels.n_rows);
    let own = squared_norm(x);
    for p in 0..panels.n_panels() {
        kernel_values(kernel, panels, p, x, own, &mut out[p * PANEL..]);
    }
}

dispatched! {
    /// The same of the rows `x` `(out.len(), n_features)`, each into its own part of `out`: in less time, since a panel is
    /// fetched once for several rows. Parts begin at the panel `first` and are of one length, of whole panels or to the last
    /// row.
    pub fn kernel_rows(
        kernel: KernelFunction, panels: &Panels, first: usize, x: &[f64], out: &mut [&mut [f32]],
    ) = kernel_rows_body
}

#[inline(always)]
fn kernel_rows_body(
    kernel: KernelFunction,
    panels: &Panels,
    first: usize,
    x: &[f64],
    out: &mut [&mut [f32]],
) {
    let d = panels.n_features;
    let width = out.first().map_or(0, |out| out.len());
    let end = first * PANEL + width;
    assert!(end == panels.n_rows || (end < panels.n_rows && width.is_multiple_of(PANEL)));
    assert!(x.len() == d * out.len() && out.iter().all(|out| out.len() == width));
    for (x, out) in x.chunks(ROWS * d).zip(out.chunks_mut(ROWS)) {
        let norms = squared_norms(x, d);
        for p in 0..width.div_ceil(PANEL) {
            for ((x, out), &own) in x.chunks_exact(d).zip(out.iter_mut()).zip(&norms) {
                kernel_values(kernel, panels, first + p, x, own, &mut out[p * PANEL..]);
            }
        }
    }
}

/// Kernel values of the row `x`, whose squared norm is `own`, with the rows of a panel, into the beginning of `out`.
#[inline(always)]
fn kernel_values(
    kernel: KernelFunction,
    panels: &Panels,
    panel: usize,
    x: &[f64],
    own: f64,
    out: &mut [f32],
) {
    let dots = panel_dots(panels.panel(panel), x);
    let values = kernel.single_of_dots(dots, own, panels.panel_norms(panel));
    match out.first_chunk_mut::<PANEL>() {
        Some(out) => *out = values,
        None => out.copy_from_slice(&values[..out.len()]),
    }
}

dispatched! {
    /// The same from dot products that are known already: `dots[rows[k]]` is the product with row `k`, whose squared
    /// norm is `norms[rows[k]]`; `own` is the squared norm of the row itself.
    pub fn gathered_row(
        kernel: KernelFunction, dots: &[f64], norms: &[f64], own: f64, rows: &[u32], out: &mut [f32],
    ) = gathered_row_body
}

#[inline(always)]
fn gathered_row_body(
    kernel: KernelFunction,
    dots: &[f64],
    norms: &[f64],
    own: f64,
    rows: &[u32],
    out: &mut [f32],
) {
    assert!(rows.len() == out.len());
    for (rows, out) in rows.chunks(PANEL).zip(out.chunks_mut(PANEL)) {
        let (mut d, mut n) = ([0.0; PANEL], [0.0; PANEL]);
        for (l, &row) in rows.iter().enumerate() {
            d[l] = dots[row as usize];
            n[l] = norms[row as usize];
        }
        let values = kernel.single_of_dots(d, own, &n);
        out.copy_from_slice(&values[..out.len()]);
    }
}
