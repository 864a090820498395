//! Sums of kernel rows, besides those that an iteration makes: each rounded as libsvm rounds it.

use super::smo::W;
use crate::kernel::dispatch::dispatched;

dispatched! {
    /// Subtracts `a · row_a + b · row_b` from f.
    pub fn subtract_rows(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64) = subtract_rows_body
}

#[inline(always)]
fn subtract_rows_body(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64) {
    for (f, (&ka, &kb)) in f.iter_mut().zip(row_a.iter().zip(row_b)) {
        *f -= f64::from(ka) * a + f64::from(kb) * b;
    }
}

dispatched! {
    /// Subtracts `a · row_a` and then `b · row_b` from f.
    pub fn subtract_in_order(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64) = subtract_in_order_body
}

#[inline(always)]
fn subtract_in_order_body(f: &mut [f64], row_a: &[f32], a: f64, row_b: &[f32], b: f64) {
    for (f, (&ka, &kb)) in f.iter_mut().zip(row_a.iter().zip(row_b)) {
        *f = (*f - f64::from(ka) * a) - f64::from(kb) * b;
    }
}

dispatched! {
    /// Adds `a · row` to `sum` and what was added, without its sign, to `size`.
    pub fn add_row_and_size(sum: &mut [f64], size: &mut [f64], row: &[f32], a: f64) = add_row_and_size_body
}

#[inline(always)]
fn add_row_and_size_body(sum: &mut [f64], size: &mut [f64], row: &[f32], a: f64) {
    for ((sum, size), &k) in sum.iter_mut().zip(size).zip(row) {
        let term = f64::from(k) * a;
        *sum += term;
        *size += term.abs();
    }
}

/// Lanes of [`late_steps`].
pub const LATE_LANES: usize = W;

/// A step that some missed: which kernel rows, and their factors.
#[derive(Clone, Copy, Debug)]
pub struct LateStep {
    /// Two places in the list of rows.
    pub rows: [u32; 2],
    /// Their factors.
    pub by: [f64; 2],
}

dispatched! {
    /// Takes `steps` one after the other, as [`step`](super::step) does, in the first `n_lanes` lanes of f.
    pub fn late_steps(
        f: &mut [f64; LATE_LANES], n_lanes: usize, rows: &[[f32; LATE_LANES]], steps: &[LateStep],
    ) = late_steps_body
}

#[inline(always)]
fn late_steps_body(f: &mut [f64; W], n_lanes: usize, rows: &[[f32; W]], steps: &[LateStep]) {
    let mut new = *f;
    for step in steps {
        new = late_step(new, &rows[step.rows[0] as usize], &rows[step.rows[1] as usize], step.by);
    }
    f[..n_lanes].copy_from_slice(&new[..n_lanes]);
}

#[inline(always)]
fn late_step(f: [f64; W], ka: &[f32; W], kb: &[f32; W], by: [f64; 2]) -> [f64; W] {
    let mut out = f;
    for l in 0..W {
        out[l] -= f64::from(ka[l]) * by[0] + f64::from(kb[l]) * by[1];
    }
    out
}
