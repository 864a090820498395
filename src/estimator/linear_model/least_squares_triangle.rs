//! Least squares from a triangular factor of the rows: the digits that the Gram matrix, whose condition number is the
//! square of the features', does not hold.

use faer::Mat;
use serde::{Deserialize, Serialize};

use super::least_squares::{LeastSquares, NormalEquations};
use super::nonnegative::Columns;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Result};
use crate::kernel::triangle::{Triangle, triangle_about};
use crate::kernel::{Isa, Real};

/// R of the QR decomposition of the weighted rows, features and target, about their means.
pub(super) struct RowsTriangle {
    triangle: Triangle,
    n_features: usize,
    n_rows: u64,
    /// Features whose coefficient is 0.
    left_out: Vec<bool>,
}

/// The triangle of all rows about the means of `system`.
///
/// # Collective
/// One pass; a partial is half of (d + 1)² numbers.
///
/// # Errors
/// What the pass meets.
pub(super) fn rows_triangle<T: Real>(
    engine: &mut PassEngine<'_, T>,
    system: &NormalEquations,
) -> Result<RowsTriangle> {
    let Packed(packed) = engine.run_once(&TrianglePass { centre: &system.mean })?;
    Ok(RowsTriangle {
        triangle: Triangle::unpack(system.n_features + 1, &packed),
        n_features: system.n_features,
        n_rows: engine.shape().n_samples,
        left_out: (0..system.n_features).map(|j| system.says_nothing(j)).collect(),
    })
}

/// A triangle as it travels.
#[derive(Serialize, Deserialize)]
struct Packed(Vec<f64>);

impl Packed {
    fn n_columns(&self) -> usize {
        // n · (n + 1) / 2 numbers.
        ((8 * self.0.len() + 1).isqrt() - 1) / 2
    }
}

impl Partial for Packed {
    fn merge(&mut self, right: Self) {
        let n = self.n_columns();
        let mut triangle = Triangle::unpack(n, &self.0);
        triangle.merge(Isa::best(), Triangle::unpack(n, &right.0));
        self.0 = triangle.packed();
    }
}

struct TrianglePass<'a> {
    centre: &'a [f64],
}

impl<T: Real> Pass<T> for TrianglePass<'_> {
    type Partial = Packed;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Packed> {
        let (y, weights) = (&block.y, &block.weights);
        let triangle = triangle_about(Isa::best(), &block.x, block.n_features, y, weights, self.centre);
        Ok(Packed(triangle.packed()))
    }

    fn flops_per_row(&self, n_features: usize) -> f64 {
        (2 * (n_features + 1).pow(2)) as f64
    }
}

impl RowsTriangle {
    /// The coefficients of `problem`, of least norm where they are not unique.
    ///
    /// By a library whose bits may differ from machine to machine: for one rank to do.
    ///
    /// # Errors
    /// [`Error::Internal`] when the decomposition does not converge.
    pub(super) fn solve(&self, problem: &LeastSquares) -> Result<Vec<f64>> {
        let d = self.n_features;
        let triangle = self.penalised(problem.alpha);
        let rounding = (self.n_rows.max(d as u64)) as f64 * f64::EPSILON;
        let column = |j: usize| (0..d).map(|i| triangle.get(i, j).powi(2)).sum::<f64>().sqrt();
        let unit: Vec<f64> = (0..d)
            .map(|j| if self.left_out[j] { 0.0 } else { column(j) })
            .map(|length| if length > 0.0 { 1.0 / length } else { 0.0 })
            .collect();
        if problem.positive {
            let value = |i: usize, j: usize| triangle.get(i, j) * unit[j];
            let z = Columns::new(d, d, value, |i| triangle.get(i, d)).nonnegative();
            return Ok(z.iter().zip(&unit).map(|(z, unit)| z * unit).collect());
        }
        if problem.tol == 0.0 {
            let (coef, rank) = least_norm(&triangle, &unit, rounding)?;
            if rank == unit.iter().filter(|unit| **unit > 0.0).count() {
                return Ok(coef);
            }
        }
        // What is left out is told by lengths as they are.
        let plain: Vec<f64> = unit.iter().map(|unit| f64::from(u8::from(*unit > 0.0))).collect();
        Ok(least_norm(&triangle, &plain, problem.tol.max(rounding))?.0)
    }

    /// With the rows √alpha·I below, whose targets are 0.
    fn penalised(&self, alpha: f64) -> Triangle {
        let mut triangle = self.triangle.clone();
        if alpha > 0.0 {
            let mut below = vec![0.0; (self.n_features + 1) * (self.n_features + 2) / 2];
            let mut at = 0;
            for j in 0..self.n_features {
                below[at] = alpha.sqrt();
                at += self.n_features + 1 - j;
            }
            triangle.merge(Isa::best(), Triangle::unpack(self.n_features + 1, &below));
        }
        triangle
    }
}

/// The shortest of the minima of ‖R·coef − target‖, the last column of `triangle` being the target and the others taken
/// `unit` times; and how many singular values were more than `cut` times the greatest: the others count as 0.
fn least_norm(triangle: &Triangle, unit: &[f64], cut: f64) -> Result<(Vec<f64>, usize)> {
    let d = unit.len();
    let svd = Mat::from_fn(d, d, |i, j| triangle.get(i, j) * unit[j])
        .svd()
        .map_err(|_| Error::internal("the decomposition of a triangle did not converge"))?;
    let (values, left, right) = (svd.S().column_vector(), svd.U(), svd.V());
    let kept: Vec<usize> = (0..d).filter(|&k| values[k] > cut * values[0]).collect();
    let mut coef = vec![0.0; d];
    for &k in &kept {
        let along = (0..d).map(|i| left[(i, k)] * triangle.get(i, d)).sum::<f64>() / values[k];
        (0..d).for_each(|j| coef[j] += along * right[(j, k)] * unit[j]);
    }
    Ok((coef, kept.len()))
}
