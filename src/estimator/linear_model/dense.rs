//! Small dense systems.
//!
//! Written out here because these few operations decide how an iteration goes on and must give the same bits on
//! every machine, which a library that picks its code by instruction set does not promise.

/// The lower factor of a symmetric positive definite `(n, n)` matrix; `None` when a pivot is at most `threshold`.
pub(in crate::estimator) fn cholesky(mut a: Vec<f64>, n: usize, threshold: f64) -> Option<Vec<f64>> {
    for i in 0..n {
        for j in 0..=i {
            let (before, row) = a.split_at(i * n);
            let other = if j < i { &before[j * n..j * n + j] } else { &row[..j] };
            let sum = other.iter().zip(&row[..j]).fold(row[j], |sum, (x, y)| (-x).mul_add(*y, sum));
            a[i * n + j] = if j < i {
                sum / a[j * n + j]
            } else if sum > threshold {
                sum.sqrt()
            } else {
                return None;
            };
        }
    }
    Some(a)
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
