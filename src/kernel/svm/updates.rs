//! Sums of kernel rows, besides those that an iteration makes: each rounded as libsvm rounds it.

use super::panels::lanes;
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
    /// Subtracts each row times its factor from f, one after the other.
    pub fn subtract_in_order(f: &mut [f64], rows: &[&[f32]], factors: &[f64]) = subtract_in_order_body
}

#[inline(always)]
fn subtract_in_order_body(f: &mut [f64], rows: &[&[f32]], factors: &[f64]) {
    assert!(rows.len() == factors.len() && rows.iter().all(|row| row.len() == f.len()));
    let (mut at, n) = (0, f.len());
    while at + W <= n {
        let mut sums: [f64; W] = *lanes(&f[at..]);
        for (row, a) in rows.iter().zip(factors) {
            let values: &[f32; W] = lanes(&row[at..]);
            for l in 0..W {
                sums[l] -= f64::from(values[l]) * a;
            }
        }
        f[at..at + W].copy_from_slice(&sums);
        at += W;
    }
    for (t, f) in f.iter_mut().enumerate().skip(at) {
        for (row, a) in rows.iter().zip(factors) {
            *f -= f64::from(row[t]) * a;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    #[test]
    fn rows_are_subtracted_one_after_the_other() {
        for (n, n_rows) in [(1, 1), (15, 3), (16, 8), (100, 2), (1003, 7)] {
            let value = |i: usize, r: usize| ((i * 37 + r * 101) as f32 * 0.7).sin();
            let rows: Vec<Vec<f32>> = (0..n_rows).map(|r| (0..n).map(|i| value(i, r)).collect()).collect();
            let factors: Vec<f64> = (0..n_rows).map(|r| 10f64.powi(r as i32 - 3) * 1.1).collect();
            let start: Vec<f64> = (0..n).map(|i| f64::from(value(i, 9)) * 3.0).collect();
            let one_by_one =
                |i: usize| rows.iter().zip(&factors).fold(start[i], |f, (row, a)| f - f64::from(row[i]) * a);
            let expected: Vec<f64> = (0..n).map(one_by_one).collect();
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            for isa in Isa::available() {
                let mut f = start.clone();
                subtract_in_order(isa, &mut f, &rows, &factors);
                assert_eq!(f, expected, "{isa:?} {n} {n_rows}");
            }
        }
    }
}
