//! Small dense systems.
//!
//! Written out here because these few operations decide how an iteration goes on and must give the same bits on
//! every machine, which a library that picks its code by instruction set does not promise.

use crate::kernel::Isa;
use crate::kernel::cholesky::factorise;

/// The lower factor of a symmetric positive definite `(n, n)` matrix, row by row; `None` when a pivot is at most
/// `threshold`. Read is the lower triangle only.
pub(in crate::estimator) fn cholesky(mut a: Vec<f64>, n: usize, threshold: f64) -> Option<Vec<f64>> {
    transpose(&mut a, n);
    let found = factorise(Isa::best(), &mut a, n, threshold);
    transpose(&mut a, n);
    found.then_some(a)
}

/// Exchanges the triangles of an `(n, n)` matrix.
fn transpose(a: &mut [f64], n: usize) {
    for (i, j) in (0..n).flat_map(|i| (0..i).map(move |j| (i, j))) {
        a.swap(i * n + j, j * n + i);
    }
}

/// (L·Lᵀ)⁻¹·b for the factor that [`cholesky`] made.
pub(in crate::estimator) fn cholesky_solve(factor: &[f64], b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut x = b.to_vec();
    for i in 0..n {
        let sum = (0..i).fold(x[i], |sum, j| (-factor[i * n + j]).mul_add(x[j], sum));
        x[i] = sum / factor[i * n + i];
    }
    for i in (0..n).rev() {
        let sum = (i + 1..n).fold(x[i], |sum, j| (-factor[j * n + i]).mul_add(x[j], sum));
        x[i] = sum / factor[i * n + i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_solves() {
        let a = [4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let x = cholesky_solve(&cholesky(a.to_vec(), 3, 0.0).unwrap(), &[1.0, 2.0, 3.0]);
        for i in 0..3 {
            let back: f64 = (0..3).map(|j| a[i * 3 + j] * x[j]).sum();
            assert!((back - (i + 1) as f64).abs() < 1e-14);
        }
        assert!(cholesky(vec![1.0, 1.0, 1.0, 1.0], 2, 1e-12).is_none());
    }
}
