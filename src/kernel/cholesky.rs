//! The Cholesky factor of a dense matrix.

use super::dispatch::dispatched;

/// Columns that are brought up to date together, so that those before are read once for all of them.
const PANEL: usize = 8;

/// Rows of a panel that are worked on at a time: they stay in the first cache.
const STRIP: usize = 512;

dispatched! {
    /// Replaces the lower triangle of a symmetric positive definite matrix by its factor L. `columns` `(n, n)` holds the
    /// matrix column by column; above the diagonal it is neither read nor changed. False, with the matrix spoilt, when a
    /// pivot is at most `threshold` or no number.
    ///
    /// Each number of L is one sum over the columns before in their order: the same bits on every instruction set.
    /// Cost: n³ / 3 flops.
    ///
    /// # References
    /// Golub & Van Loan, Matrix Computations, 2013, §4.2.5 (gaxpy Cholesky).
    pub fn factorise(columns: &mut [f64], n: usize, threshold: f64) -> bool = factorise_body
}

#[inline(always)]
fn factorise_body(columns: &mut [f64], n: usize, threshold: f64) -> bool {
    assert_eq!(columns.len(), n * n);
    // A loop: what a closure does is not compiled for the instruction set.
    let mut start = 0;
    while start < n {
        let (before, rest) = columns.split_at_mut(start * n);
        let panel = &mut rest[..PANEL.min(n - start) * n];
        update(panel, before, n, start);
        if !finish(panel, n, start, threshold) {
            return false;
        }
        start += PANEL;
    }
    true
}

/// Takes from the columns `start` … of `panel` what those `before` them say.
#[inline(always)]
fn update(panel: &mut [f64], before: &[f64], n: usize, start: usize) {
    for first in (start..n).step_by(STRIP) {
        let end = (first + STRIP).min(n);
        for done in before.chunks_exact(n) {
            for (p, column) in panel.chunks_exact_mut(n).enumerate() {
                let rows = first.max(start + p)..end.max(start + p);
                subtract(done[start + p], &done[rows.clone()], &mut column[rows]);
            }
        }
    }
}

/// Factorises the panel itself.
#[inline(always)]
fn finish(panel: &mut [f64], n: usize, start: usize, threshold: f64) -> bool {
    for p in 0..panel.len() / n {
        let j = start + p;
        let (before, rest) = panel.split_at_mut(p * n);
        let column = &mut rest[j..n];
        for done in before.chunks_exact(n) {
            subtract(done[j], &done[j..], column);
        }
        if column[0].is_nan() || column[0] <= threshold {
            return false;
        }
        let root = column[0].sqrt();
        column[0] = root;
        column[1..].iter_mut().for_each(|value| *value /= root);
    }
    true
}

#[inline(always)]
fn subtract(factor: f64, from: &[f64], column: &mut [f64]) {
    for (value, from) in column.iter_mut().zip(from) {
        *value = (-factor).mul_add(*from, *value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    /// Row by row, as it is written in books.
    fn reference(a: &[f64], n: usize, threshold: f64) -> Option<Vec<f64>> {
        let mut l: Vec<f64> = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let sum = (0..j).fold(a[j * n + i], |sum: f64, k| l[k * n + i].mul_add(-l[k * n + j], sum));
                l[j * n + i] = match i == j {
                    false => sum / l[j * n + j],
                    true if sum > threshold => sum.sqrt(),
                    true => return None,
                };
            }
        }
        Some(l)
    }

    fn positive(n: usize) -> Vec<f64> {
        let x: Vec<f64> = (0..n * n).map(|i| (i as f64 * 0.731).sin()).collect();
        let dot = |i: usize, j: usize| (0..n).map(|k| x[i * n + k] * x[j * n + k]).sum::<f64>();
        (0..n * n).map(|p| dot(p / n, p % n) + if p / n == p % n { 0.5 } else { 0.0 }).collect()
    }

    #[test]
    fn the_factor_has_the_bits_of_the_plain_one() {
        for n in [1, 2, 7, 8, 9, 40, 100, 521] {
            let a = positive(n);
            let expected = reference(&a, n, 0.0).unwrap();
            for isa in Isa::available() {
                let mut found = a.clone();
                assert!(factorise(isa, &mut found, n, 0.0), "{n}");
                for (j, i) in (0..n).flat_map(|j| (j..n).map(move |i| (j, i))) {
                    assert_eq!(found[j * n + i], expected[j * n + i], "{isa:?} {n}: {i}, {j}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        for (bad, value) in [(0, -1.0), (9, f64::NAN), (16, 0.0)] {
            let mut a = positive(17);
            a[bad * 18] = value;
            assert!(reference(&a, 17, 0.0).is_none());
            assert!(!factorise(Isa::best(), &mut a, 17, 0.0), "{bad}");
        }
    }
}
