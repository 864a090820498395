//! Principal axes by dense decompositions on rank 0, in scikit-learn's order and with its signs.

use faer::{Mat, Side};
use serde::{Deserialize, Serialize};

use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::kernel::Real;
use crate::kernel::triangle::Triangle;

/// Right singular vectors of some rows, and how long the rows are along them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Axes {
    /// Singular values, descending.
    pub(super) singular: Vec<f64>,
    /// Their squares, none below 0.
    pub(super) squares: Vec<f64>,
    /// One axis a row, `(n_axes, n_features)`; the component of greatest absolute value is positive.
    pub(super) vectors: Vec<f64>,
}

/// The axes of rows whose sum of products is the symmetric `matrix` `(n, n)`, the same bits on every rank.
///
/// # Collective
/// One broadcast of n² + 2 · n numbers, for the decomposition is done on rank 0.
///
/// # Errors
/// [`Error::Internal`] when the decomposition does not converge.
pub(super) fn of_products<T: Real>(engine: &PassEngine<'_, T>, matrix: &[f64], n: usize) -> Result<Axes> {
    engine.replicate(|| decompose(matrix, n))
}

fn decompose(matrix: &[f64], n: usize) -> Result<Axes> {
    let eigen = Mat::from_fn(n, n, |i, j| matrix[i * n + j])
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| Error::internal("the decomposition of a covariance did not converge"))?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let squares: Vec<f64> = order.iter().map(|&k| values[k].max(0.0)).collect();
    Ok(Axes {
        singular: squares.iter().map(|square| square.sqrt()).collect(),
        squares,
        vectors: signed_rows(order.len(), n, |k, i| vectors[(i, order[k])]),
    })
}

/// The axes of the rows that `triangle` `(n, n)` stands for, the same bits on every rank. Where the columns are
/// coordinates along an orthonormal `basis` `(n_features, n)`, the axes are those of the features.
///
/// # Collective
/// One broadcast of n · n_features + 2 · n numbers, for the decomposition is done on rank 0.
///
/// # Errors
/// [`Error::Internal`] when the decomposition does not converge.
pub(super) fn of_triangle<T: Real>(
    engine: &PassEngine<'_, T>,
    triangle: &Triangle,
    n: usize,
    basis: Option<&[f64]>,
) -> Result<Axes> {
    engine.replicate(|| {
        let svd = Mat::from_fn(n, n, |i, j| triangle.get(i, j))
            .svd()
            .map_err(|_| Error::internal("the decomposition of a triangle did not converge"))?;
        let (values, vectors) = (svd.S().column_vector(), svd.V());
        let vectors = match basis {
            None => vectors.to_owned(),
            Some(basis) => Mat::from_fn(basis.len() / n, n, |i, j| basis[i * n + j]) * vectors,
        };
        let singular: Vec<f64> = (0..n).map(|k| values[k]).collect();
        Ok(Axes {
            squares: singular.iter().map(|value| value * value).collect(),
            singular,
            vectors: signed_rows(n, vectors.nrows(), |k, i| vectors[(i, k)]),
        })
    })
}

/// An orthonormal basis of the columns of `matrix` `(n, m)`, m ≤ n, the same bits on every rank.
///
/// # Collective
/// One broadcast of n · m numbers, for the decomposition is done on rank 0.
///
/// # Errors
/// When ranks cannot agree.
pub(super) fn orthonormal<T: Real>(
    engine: &PassEngine<'_, T>,
    matrix: &[f64],
    [n, m]: [usize; 2],
) -> Result<Vec<f64>> {
    engine.replicate(|| {
        let basis = Mat::from_fn(n, m, |i, j| matrix[i * m + j]).qr().compute_thin_Q();
        Ok((0..n * m).map(|p| basis[(p / m, p % m)]).collect())
    })
}

/// Rows of `d` numbers, each turned so that its greatest is positive.
fn signed_rows(n: usize, d: usize, at: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut rows = Vec::with_capacity(n * d);
    for k in 0..n {
        let sign = sign((0..d).map(|i| at(k, i)));
        rows.extend((0..d).map(|i| sign * at(k, i)));
    }
    rows
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
        assert!(axes.squares.is_sorted_by(|a, b| a >= b) && axes.squares[n - 1] >= 0.0);
        for k in 0..n {
            let v = &axes.vectors[k * n..(k + 1) * n];
            assert!((v.iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-14);
            let greatest = v.iter().copied().fold(0.0, |m: f64, v| if v.abs() > m.abs() { v } else { m });
            assert!(greatest > 0.0);
            for i in 0..n {
                let image: f64 = (0..n).map(|j| matrix[i * n + j] * v[j]).sum();
                assert!((image - axes.squares[k] * v[i]).abs() < 1e-13 * axes.squares[0]);
            }
        }
    }
}
