//! Blocks of a kernel matrix: several rows at a time, and what they do to f.

use super::KernelFunction;
use super::exp::ROUND;
use super::panels::{PANEL, Panels, ROWS, panel_dots, squared_norms};
use crate::kernel::dispatch::dispatched;

dispatched! {
    /// Kernel values of the rows `x` `(out.len(), n_features)` with every row of `panels`, rounded to single precision,
    /// one row of whole panels after the other into `out`; past the last row of the panels they mean nothing.
    ///
    /// 2 n_features flops and one kernel function a value. Rows with each other give a symmetric matrix to the bit.
    pub fn kernel_block(kernel: KernelFunction, panels: &Panels, x: &[f64], out: &mut [&mut [f32]]) = block_body
}

#[inline(always)]
fn block_body(kernel: KernelFunction, panels: &Panels, x: &[f64], out: &mut [&mut [f32]]) {
    let d = panels.n_features;
    assert!(x.len() == out.len() * d);
    for (x, out) in x.chunks(ROWS * d).zip(out.chunks_mut(ROWS)) {
        let norms = squared_norms(x, d);
        for p in 0..panels.n_panels() {
            let (panel, others) = (panels.panel(p), panels.panel_norms(p));
            for ((x, out), &own) in x.chunks_exact(d).zip(out.iter_mut()).zip(&norms) {
                let values = values(kernel, panel_dots(panel, x), own, others);
                let mut single = [0.0f32; PANEL];
                for l in 0..PANEL {
                    single[l] = values[l] as f32;
                }
                out[p * PANEL..(p + 1) * PANEL].copy_from_slice(&single);
            }
        }
    }
}

/// Kernel values that are rounded to single precision next.
#[inline(always)]
fn values(kernel: KernelFunction, dots: [f64; PANEL], own: f64, norms: &[f64; PANEL]) -> [f64; PANEL] {
    let KernelFunction::Rbf { gamma } = kernel else { return kernel.of_products(dots) };
    let mut exponent = [0.0; PANEL];
    for l in 0..PANEL {
        exponent[l] = -gamma * ((own + norms[l]) - 2.0 * dots[l]);
    }
    short_exp(exponent)
}

/// 1/7!, …, 1/2!, 1, 1.
const INVERSE_FACTORIALS: [f64; 8] =
    [1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0, 1.0, 1.0];

/// e^x in each lane for x up to 700, within 3e-10 of its value: a two-hundredth of what rounding to single precision
/// adds. Below −700 it is e^−700.
///
/// x = k ln 2 + r with |r| ≤ ln 2 / 2, and e^r by its Taylor polynomial of degree 8.
#[inline(always)]
fn short_exp(x: [f64; PANEL]) -> [f64; PANEL] {
    let mut r = [0.0; PANEL];
    let mut scale = [0.0; PANEL];
    for l in 0..PANEL {
        let clamped = if x[l] < -700.0 { -700.0 } else { x[l] };
        let magic = clamped.mul_add(std::f64::consts::LOG2_E, ROUND);
        r[l] = (magic - ROUND).mul_add(-std::f64::consts::LN_2, clamped);
        // k is above −1022, so 2^k is a normal number.
        scale[l] = f64::from_bits(magic.to_bits().wrapping_add(1023) << 52);
    }
    let mut p = [1.0f64 / 40_320.0; PANEL];
    for c in INVERSE_FACTORIALS {
        for l in 0..PANEL {
            p[l] = p[l].mul_add(r[l], c);
        }
    }
    for l in 0..PANEL {
        p[l] *= scale[l];
    }
    p
}

/// Values of f that meet all rows while they are in the nearest cache.
const TILE: usize = 1024;
/// Rows that are subtracted at a time.
const FEW: usize = 4;

dispatched! {
    /// Subtracts each row times its factor from f, in the rows' order. Rows may be longer than f.
    pub fn subtract_block(f: &mut [f64], rows: &[&[f32]], factors: &[f64]) = subtract_body
}

#[inline(always)]
fn subtract_body(f: &mut [f64], rows: &[&[f32]], factors: &[f64]) {
    assert!(rows.len() == factors.len());
    for (t, f) in f.chunks_mut(TILE).enumerate() {
        let columns = t * TILE..t * TILE + f.len();
        for (rows, factors) in rows.chunks(FEW).zip(factors.chunks(FEW)) {
            if let ([a, b, c, d], &[ka, kb, kc, kd]) = (rows, factors) {
                let n = f.len();
                let (a, b) = (&a[columns.clone()][..n], &b[columns.clone()][..n]);
                let (c, d) = (&c[columns.clone()][..n], &d[columns.clone()][..n]);
                for i in 0..n {
                    let first = (-kb).mul_add(f64::from(b[i]), (-ka).mul_add(f64::from(a[i]), f[i]));
                    f[i] = (-kd).mul_add(f64::from(d[i]), (-kc).mul_add(f64::from(c[i]), first));
                }
            } else {
                for (row, &k) in rows.iter().zip(factors) {
                    for (f, &v) in f.iter_mut().zip(&row[columns.clone()]) {
                        *f = (-k).mul_add(f64::from(v), *f);
                    }
                }
            }
        }
    }
}
