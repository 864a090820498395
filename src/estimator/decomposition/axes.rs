//! Principal axes of a symmetric matrix, in scikit-learn's order and with its signs.

use faer::{Mat, Side};
use serde::{Deserialize, Serialize};

use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::kernel::Real;

/// Eigenvalues and eigenvectors of a positive semi-definite matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Axes {
    /// Descending, none below 0: `(n_features,)`.
    pub(super) values: Vec<f64>,
    /// One axis a row, `(n_features, n_features)`; the component of greatest absolute value is positive.
    pub(super) vectors: Vec<f64>,
}

/// The axes of the symmetric `matrix` `(n, n)`, the same bits on every rank.
///
/// # Collective
/// One broadcast of n² + n numbers, for the decomposition is done on rank 0.
///
/// # Errors
/// [`Error::Internal`] when the decomposition does not converge.
pub(super) fn axes<T: Real>(engine: &PassEngine<'_, T>, matrix: &[f64], n: usize) -> Result<Axes> {
    engine.replicate(|| decompose(matrix, n))
}

fn decompose(matrix: &[f64], n: usize) -> Result<Axes> {
    let eigen = Mat::from_fn(n, n, |i, j| matrix[i * n + j])
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| Error::internal("the decomposition of a covariance did not converge"))?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let rows = order.iter().flat_map(|&k| {
        let sign = sign((0..n).map(|i| vectors[(i, k)]));
        (0..n).map(move |i| sign * vectors[(i, k)])
    });
    Ok(Axes { vectors: rows.collect(), values: order.iter().map(|&k| values[k].max(0.0)).collect() })
}

/// The sign of the number of greatest absolute value, the first of equals.
fn sign(numbers: impl Iterator<Item = f64>) -> f64 {
    let greatest = numbers.fold(0.0f64, |greatest, v| if v.abs() > greatest.abs() { v } else { greatest });
    if greatest < 0.0 { -1.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axes_diagonalise_the_matrix() {
        let n = 9;
        let a: Vec<f64> = (0..n * n).map(|i| (i as f64 * 1.7).sin()).collect();
        let product = |i: usize, j: usize| (0..n).map(|k| a[i * n + k] * a[j * n + k]).sum::<f64>();
        let matrix: Vec<f64> = (0..n * n).map(|p| product(p / n, p % n)).collect();
        let axes = decompose(&matrix, n).unwrap();
        assert!(axes.values.is_sorted_by(|a, b| a >= b) && axes.values[n - 1] >= 0.0);
        for k in 0..n {
            let v = &axes.vectors[k * n..(k + 1) * n];
            assert!((v.iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-14);
            let greatest = v.iter().copied().fold(0.0, |m: f64, v| if v.abs() > m.abs() { v } else { m });
            assert!(greatest > 0.0);
            for i in 0..n {
                let image: f64 = (0..n).map(|j| matrix[i * n + j] * v[j]).sum();
                assert!((image - axes.values[k] * v[i]).abs() < 1e-13 * axes.values[0]);
            }
        }
    }
}
