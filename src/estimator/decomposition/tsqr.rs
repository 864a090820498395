//! The triangular factor of all rows about their mean, in one pass.

use serde::{Deserialize, Serialize};

use super::sketch::Coordinates;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::means::join_means;
use crate::kernel::triangle::{BlockTriangle, Triangle, block_triangle};
use crate::kernel::{Isa, Real};

/// R of the QR decomposition of rows about their mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Triangles {
    pub(super) n_rows: u64,
    /// `(n_columns,)`
    pub(super) mean: Vec<f64>,
    /// What the rounded `mean` lacks, `(n_columns,)`.
    rest: Vec<f64>,
    /// The upper triangle row by row, `(n_columns · (n_columns + 1) / 2,)`.
    packed: Vec<f64>,
}

impl Triangles {
    fn new(n_rows: usize, BlockTriangle { mean, rest, triangle }: BlockTriangle) -> Self {
        Self { n_rows: n_rows as u64, mean, rest, packed: triangle.packed() }
    }

    /// R.
    pub(super) fn triangle(&self) -> Triangle {
        Triangle::unpack(self.mean.len(), &self.packed)
    }

    /// R of the rows about the origin in place of their mean.
    pub(super) fn uncentred(&self) -> Triangle {
        let (mut triangle, weight) = (self.triangle(), (self.n_rows as f64).sqrt());
        triangle.add_row(Isa::best(), &self.mean.iter().map(|mean| weight * mean).collect::<Vec<_>>());
        triangle
    }

    /// Σ of the squared lengths of the rows about their mean.
    pub(super) fn total(&self) -> f64 {
        self.packed.iter().fold(0.0, |sum, v| v.mul_add(*v, sum))
    }

    pub(super) fn is_finite(&self) -> bool {
        self.packed.iter().chain(&self.mean).all(|v| v.is_finite())
    }
}

impl Partial for Triangles {
    /// Rows about two means are rows about the common one and one row more along the means' difference (Chan, Golub &
    /// LeVeque 1979, for factors in place of sums).
    fn merge(&mut self, right: Self) {
        let n_rows = self.n_rows + right.n_rows;
        let share = right.n_rows as f64 / n_rows as f64;
        let weight = (self.n_rows as f64 * share).sqrt();
        let apart = join_means((&mut self.mean, &mut self.rest), (&right.mean, &right.rest), share);
        let mut triangle = self.triangle();
        triangle.merge(Isa::best(), right.triangle());
        triangle.add_row(Isa::best(), &apart.iter().map(|a| weight * a).collect::<Vec<_>>());
        self.packed = triangle.packed();
        self.n_rows = n_rows;
    }
}

/// The factor of the features.
struct TrianglePass;

impl<T: Real> Pass<T> for TrianglePass {
    type Partial = Triangles;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Triangles> {
        Ok(Triangles::new(block.n_rows, block_triangle(Isa::best(), &block.x, block.n_features)))
    }

    fn flops_per_row(&self, n_features: usize) -> f64 {
        flops(n_features)
    }
}

/// The factor of the coordinates along a basis.
struct CoordinatesPass<'a>(&'a Coordinates);

impl<T: Real> Pass<T> for CoordinatesPass<'_> {
    type Partial = Triangles;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Triangles> {
        let coordinates = self.0.of_rows(&block.x);
        Ok(Triangles::new(block.n_rows, block_triangle(Isa::best(), &coordinates, self.0.n_axes())))
    }

    fn flops_per_row(&self, n_features: usize) -> f64 {
        flops(self.0.n_axes()) + (2 * n_features * self.0.n_axes()) as f64
    }
}

fn flops(n_columns: usize) -> f64 {
    (2 * n_columns * n_columns) as f64
}

/// The factor of all features, or of the coordinates along some axes.
///
/// # Collective
/// One pass; a partial is about half the square of the number of columns.
///
/// # Errors
/// What the pass meets.
pub(super) fn triangles<T: Real>(
    engine: &mut PassEngine<'_, T>,
    along: Option<&Coordinates>,
) -> Result<Triangles> {
    match along {
        Some(axes) => engine.run_once(&CoordinatesPass(axes)),
        None => engine.run_once(&TrianglePass),
    }
}
