//! Mean and spread of the features, with their products or without, every row counting once.

use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::estimator::moments::{Moments, products_flops};
use crate::estimator::preprocessing::ColumnMoments;
use crate::kernel::{Isa, Real};

/// More features than this have a matrix of products that is too large to keep several of.
pub(super) const MOST_FEATURES: usize = 8192;

struct CovariancePass(Isa);

impl<T: Real> Pass<T> for CovariancePass {
    type Partial = Moments;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Moments> {
        Ok(Moments::of_block(self.0, block, &[], &[]))
    }

    fn flops_per_row(&self, n_features: usize) -> f64 {
        products_flops(n_features)
    }
}

/// The moments of all features without regard to weights, as scikit-learn's decompositions take none.
///
/// # Collective
/// One pass; a partial is n_features² + 2 · n_features numbers.
///
/// # Errors
/// What the pass meets.
pub(super) fn covariance<T: Real>(engine: &mut PassEngine<'_, T>) -> Result<Moments> {
    Ok(engine.run_once(&CovariancePass(Isa::best()))?.whole())
}

struct ColumnsPass;

impl<T: Real> Pass<T> for ColumnsPass {
    type Partial = ColumnMoments;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<ColumnMoments> {
        Ok(ColumnMoments::of_rows(&block.x, block.n_features, &[]))
    }
}

/// The same without products.
///
/// # Collective
/// One pass; a partial is 3 · n_features numbers.
///
/// # Errors
/// What the pass meets.
pub(super) fn columns<T: Real>(engine: &mut PassEngine<'_, T>) -> Result<ColumnMoments> {
    engine.run_once(&ColumnsPass)
}
