//! Sums of weighted kernel values: what a decision function is made of.

use super::KernelFunction;
use super::panels::{PANEL, Panels, lanes, panel_dots};
use crate::kernel::dispatch::dispatched;

/// Rows of `x` that meet a panel while it is in the nearest cache.
const TILE: usize = 64;

dispatched! {
    /// For each row of `x` `(n_rows, n_features)` and each of `n_sums` lists of weights the sum of weight times
    /// kernel value over the rows of `panels`, into `out` `(n_rows, n_sums)`.
    ///
    /// `weights` is `(n_panels, n_sums, PANEL)`, 0 past the last row. Kernel values and sums are in double
    /// precision; each of [`PANEL`] lanes is summed in order, and the lanes are summed in order at the end.
    pub fn weighted_sums(
        kernel: KernelFunction, panels: &Panels, weights: &[f64], n_sums: usize, x: &[f64], out: &mut [f64],
    ) = weighted_sums_body
}

#[inline(always)]
fn weighted_sums_body(
    kernel: KernelFunction,
    panels: &Panels,
    weights: &[f64],
    n_sums: usize,
    x: &[f64],
    out: &mut [f64],
) {
    let d = panels.n_features;
    assert!(weights.len() == panels.n_panels() * n_sums * PANEL && x.len() * n_sums == out.len() * d);
    let mut sums = vec![[0.0f64; PANEL]; TILE * n_sums];
    for (x, out) in x.chunks(TILE * d).zip(out.chunks_mut(TILE * n_sums)) {
        sums.fill([0.0; PANEL]);
        for p in 0..panels.n_panels() {
            let weights = &weights[p * n_sums * PANEL..(p + 1) * n_sums * PANEL];
            for (x, sums) in x.chunks_exact(d).zip(sums.chunks_mut(n_sums)) {
                let values = panel_values(kernel, panels.panel(p), x);
                for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(PANEL)) {
                    let weights: &[f64; PANEL] = lanes(weights);
                    for l in 0..PANEL {
                        sum[l] = weights[l].mul_add(values[l], sum[l]);
                    }
                }
            }
        }
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out = sum.iter().fold(0.0, |total, v| total + v);
        }
    }
}

/// Kernel values of `x` with a panel's rows. Squared distances are summed from differences, as scikit-learn predicts.
#[inline(always)]
fn panel_values(kernel: KernelFunction, panel: &[f64], x: &[f64]) -> [f64; PANEL] {
    let KernelFunction::Rbf { gamma } = kernel else {
        return kernel.of_products(panel_dots(panel, x));
    };
    let mut sums = [0.0f64; PANEL];
    for (feature, &v) in panel.chunks_exact(PANEL).zip(x) {
        let feature: &[f64; PANEL] = lanes(feature);
        for l in 0..PANEL {
            let difference = v - feature[l];
            sums[l] = difference.mul_add(difference, sums[l]);
        }
    }
    for s in &mut sums {
        *s *= -gamma;
    }
    super::exp::exp(sums)
}
