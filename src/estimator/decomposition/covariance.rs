//! Mean and centred products of the features, every row counting once.

use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Place, Result};
use crate::estimator::moments::{Moments, products_flops};
use crate::kernel::moments::block_moments;
use crate::kernel::{Isa, Real};

/// More features than this have a matrix of products that is too large to keep several of.
const MOST_FEATURES: usize = 8192;

struct CovariancePass(Isa);

impl<T: Real> Pass<T> for CovariancePass {
    type Partial = Moments;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Moments> {
        let moments = block_moments(self.0, &block.x, block.n_features, &[], &[]);
        Ok(Moments {
            n_rows: block.n_rows as u64,
            weight: moments.weight,
            mean: moments.mean,
            products: moments.products,
        })
    }

    fn flops_per_row(&self, n_features: usize) -> f64 {
        products_flops(n_features)
    }
}

/// The moments of all features without regard to weights, as scikit-learn's decompositions take none.
///
/// # Collective
/// One pass; a partial is n_features² + n_features numbers.
///
/// # Errors
/// What the pass meets; [`Error::Data`] for too many features, or products that leave the range of a double.
pub(super) fn covariance<T: Real>(engine: &mut PassEngine<'_, T>) -> Result<Moments> {
    let fault = |expected: String, found: String| {
        Err(Error::data(engine.origin(), Place::default(), expected, found))
    };
    let d = engine.shape().n_features;
    if d > MOST_FEATURES {
        return fault(format!("at most {MOST_FEATURES} features, whose products are kept"), d.to_string());
    }
    let moments = engine.run_once(&CovariancePass(Isa::best()))?;
    if moments.products.iter().chain(&moments.mean).all(|v| v.is_finite()) {
        return Ok(moments);
    }
    let fault =
        Error::data(engine.origin(), Place::default(), "values whose squares are finite", "larger ones");
    Err(fault)
}
