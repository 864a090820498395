//! Mean and centred products of all columns in one pass: what least squares, PCA and scalers start from.

use serde::{Deserialize, Serialize};

use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::means::join_means;
use crate::kernel::moments::{add_outer, block_moments};
use crate::kernel::{Isa, Real};

/// Weighted moments of the m columns of a data set: its features, and the target behind them when asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Rows.
    pub n_rows: u64,
    /// Σ w
    pub weight: f64,
    /// `(m,)`
    pub mean: Vec<f64>,
    /// What the rounded `mean` lacks, `(m,)`.
    rest: Vec<f64>,
    /// Σ w (c − mean)(c − mean)ᵀ, `(m, m)`; a partial's are zeros below the diagonal.
    pub products: Vec<f64>,
}

impl Partial for Moments {
    /// Chan, Golub & LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979.
    fn merge(&mut self, right: Self) {
        let weight = self.weight + right.weight;
        self.n_rows += right.n_rows;
        if right.weight == 0.0 {
            return;
        }
        let share = right.weight / weight;
        let factor = self.weight * share;
        let apart = join_means((&mut self.mean, &mut self.rest), (&right.mean, &right.rest), share);
        self.products.iter_mut().zip(&right.products).for_each(|(l, r)| *l += r);
        add_outer(Isa::best(), &mut self.products, factor, &apart);
        self.weight = weight;
    }
}

impl Moments {
    /// Columns.
    pub fn n_columns(&self) -> usize {
        self.mean.len()
    }

    /// The moments of a block's rows, from the kernel.
    pub(super) fn of_block<T: Real>(isa: Isa, block: &Block<T>, y: &[f64], weights: &[f64]) -> Self {
        let moments = block_moments(isa, &block.x, block.n_features, y, weights);
        Self {
            n_rows: block.n_rows as u64,
            weight: moments.weight,
            mean: moments.mean,
            rest: moments.rest,
            products: moments.products,
        }
    }

    /// The total of all blocks, with the products below the diagonal filled in. A column that differs from its mean by
    /// rounding only is constant: its products are 0.
    pub(super) fn whole(mut self) -> Self {
        let m = self.n_columns();
        let constant: Vec<bool> = (0..m)
            .map(|i| {
                let (square, rounding) = (self.products[i * m + i], 4.0 * f64::EPSILON * self.mean[i]);
                square.is_finite() && square <= self.weight * rounding * rounding
            })
            .collect();
        for i in 0..m {
            for j in i..m {
                if constant[i] || constant[j] {
                    self.products[i * m + j] = 0.0;
                }
                self.products[j * m + i] = self.products[i * m + j];
            }
        }
        self
    }
}

/// What [`moments`] runs, for those who let other passes ride along.
pub(super) struct MomentsPass {
    isa: Isa,
    with_target: bool,
}

impl MomentsPass {
    /// Of all features, and of the target as the last column when `with_target`.
    pub(super) fn new(with_target: bool) -> Self {
        Self { isa: Isa::best(), with_target }
    }
}

impl<T: Real> Pass<T> for MomentsPass {
    type Partial = Moments;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Moments> {
        let y = if self.with_target { block.y.as_slice() } else { &[] };
        Ok(Moments::of_block(self.isa, block, y, &block.weights))
    }

    fn flops_per_row(&self, n_features: usize) -> f64 {
        products_flops(n_features + usize::from(self.with_target))
    }
}

/// Centring `m` columns, and one triangle of their products, for each row.
pub(super) fn products_flops(m: usize) -> f64 {
    (m + m * (m + 1)) as f64
}

/// The moments of all features, and of the target as the last column when `with_target`.
///
/// # Collective
/// One pass; a partial is m² + 2 · m numbers.
///
/// # Errors
/// What the pass meets.
pub fn moments<T: Real>(engine: &mut PassEngine<'_, T>, with_target: bool) -> Result<Moments> {
    Ok(engine.run_once(&MomentsPass::new(with_target))?.whole())
}
