//! Mean and spread of each column over all blocks.

use serde::{Deserialize, Serialize};

use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::columns::{ColumnSums, column_sums};
use crate::kernel::means::join_means;
use crate::kernel::{Isa, Real};

/// Weighted mean and spread of each of `n_features` columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnMoments {
    /// Rows.
    pub n_rows: u64,
    /// Σ w
    pub weight: f64,
    /// `(n_features,)`
    pub mean: Vec<f64>,
    /// What the rounded `mean` lacks, `(n_features,)`.
    rest: Vec<f64>,
    /// Σ w (x − mean)², `(n_features,)`.
    pub squares: Vec<f64>,
}

impl ColumnMoments {
    /// Those of some rows `(n_rows, n_features)`; `weights` is empty or `(n_rows,)`.
    pub fn of_rows<T: Real>(x: &[T], n_features: usize, weights: &[f64]) -> Self {
        let ColumnSums { weight, mean, rest, squares } = column_sums(Isa::best(), x, n_features, weights);
        Self { n_rows: (x.len() / n_features) as u64, weight, mean, rest, squares }
    }

    /// Σ w (x − mean)² / Σ w of each column.
    pub fn variances(&self) -> Vec<f64> {
        self.squares.iter().map(|sum| sum / self.weight).collect()
    }
}

impl Partial for ColumnMoments {
    /// Chan, Golub & LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979.
    fn merge(&mut self, right: Self) {
        self.n_rows += right.n_rows;
        if right.weight == 0.0 {
            return;
        }
        if self.weight == 0.0 {
            // Means of nothing do not take part, not even by rounding.
            *self = Self { n_rows: self.n_rows, ..right };
            return;
        }
        let weight = self.weight + right.weight;
        let share = right.weight / weight;
        let factor = self.weight * share;
        let apart = join_means((&mut self.mean, &mut self.rest), (&right.mean, &right.rest), share);
        for ((squares, theirs), apart) in self.squares.iter_mut().zip(&right.squares).zip(apart) {
            *squares = (factor * apart).mul_add(apart, *squares + theirs);
        }
        self.weight = weight;
    }
}

struct ColumnMomentsPass;

impl<T: Real> Pass<T> for ColumnMomentsPass {
    type Partial = ColumnMoments;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<ColumnMoments> {
        Ok(ColumnMoments::of_rows(&block.x, block.n_features, &block.weights))
    }
}

/// The moments of every feature.
///
/// # Collective
/// One pass; a partial is 3 · n_features numbers.
///
/// # Errors
/// What the pass meets.
pub fn column_moments<T: Real>(engine: &mut PassEngine<'_, T>) -> Result<ColumnMoments> {
    engine.run_once(&ColumnMomentsPass)
}
