//! A whole data set in memory, for estimators that fit on plain arrays.

use ndarray::Array2;

use super::{Block, BlockSource};
use crate::error::{Error, Result};
use crate::kernel::Real;

/// Features, targets and weights of all rows, in double precision.
#[derive(Clone, Debug)]
pub struct Table {
    /// Features `(n_samples, n_features)`.
    pub x: Array2<f64>,
    /// Targets `(n_samples,)`, or empty.
    pub y: Vec<f64>,
    /// Weights `(n_samples,)`, or empty.
    pub weights: Vec<f64>,
    /// Names of the classes when targets are given as text.
    pub class_names: Option<Vec<String>>,
    /// What the data are, for messages.
    pub origin: String,
}

impl Table {
    /// Reads every block of `source`. Each rank reads for itself; values are checked to be finite.
    ///
    /// # Errors
    /// What [`BlockSource::fill`] returns, a value that is not finite, or more data than memory can hold.
    pub fn read<T: Real>(source: &dyn BlockSource<T>) -> Result<Self> {
        let shape = source.shape().clone();
        let too_large = || {
            Error::data(
                source.origin(),
                Default::default(),
                "data that fit in memory",
                format!("{} x {} values", shape.n_samples, shape.n_features),
            )
        };
        let rows = usize::try_from(shape.n_samples).map_err(|_| too_large())?;
        let count = rows.checked_mul(shape.n_features).ok_or_else(too_large)?;
        let mut values = Vec::new();
        values.try_reserve_exact(count).map_err(|_| too_large())?;
        let (mut y, mut weights) = (Vec::new(), Vec::new());
        let mut block = Block::default();
        for index in 0..shape.n_blocks() {
            block.reshape(&shape, index);
            source.fill(&mut block)?;
            super::feed::check_finite(source, &block, false)?;
            values.extend(block.x.iter().map(|v| v.to_f64()));
            y.extend_from_slice(&block.y);
            weights.extend_from_slice(&block.weights);
        }
        let x = Array2::from_shape_vec((rows, shape.n_features), values)
            .map_err(|e| Error::internal(format!("a table of the wrong shape: {e}")))?;
        let class_names = source.class_names().map(<[String]>::to_vec);
        Ok(Self { x, y, weights, class_names, origin: source.origin() })
    }
}
