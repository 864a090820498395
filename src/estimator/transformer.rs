//! A fitted transformer, whichever it is: a map over blocks.

use std::sync::Arc;

use super::Model;
use super::decomposition::{Pca, TruncatedSvd};
use super::impute::SimpleImputer;
use super::preprocessing::{MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler};
use crate::data::RowMap;
use crate::error::{Error, Place, Result};
use crate::kernel::Real;

/// The transformers, as they are called in a job.
pub const TRANSFORMERS: [&str; 7] = [
    "StandardScaler",
    "MinMaxScaler",
    "PCA",
    "TruncatedSVD",
    "RobustScaler",
    "QuantileTransformer",
    "SimpleImputer",
];

/// A fitted transformer for rows of one type, with its model.
#[derive(Clone)]
pub struct Transformer<T: Real> {
    /// What it does to rows.
    pub map: Arc<dyn RowMap<T>>,
    /// What it has learnt, as named arrays.
    pub model: Model,
}

impl<T: Real> Transformer<T> {
    /// Whether a model is that of a transformer.
    pub fn is_one(model: &Model) -> bool {
        TRANSFORMERS.contains(&model.estimator.as_str())
    }

    /// A transformer from named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when the model is another estimator's or not whole.
    pub fn import(model: Model) -> Result<Self> {
        let map: Arc<dyn RowMap<T>> = match model.estimator.as_str() {
            "StandardScaler" => Arc::new(StandardScaler::import(&model)?),
            "MinMaxScaler" => Arc::new(MinMaxScaler::import(&model)?),
            "PCA" => Arc::new(Pca::import::<T>(&model)?),
            "TruncatedSVD" => Arc::new(TruncatedSvd::import(&model)?),
            "RobustScaler" => Arc::new(RobustScaler::import(&model)?),
            "QuantileTransformer" => Arc::new(QuantileTransformer::import(&model)?),
            "SimpleImputer" => Arc::new(SimpleImputer::import(&model)?),
            other => {
                let expected = format!("a transformer known here ({})", TRANSFORMERS.join(", "));
                return Err(Error::data("model", Place::default(), expected, other));
            }
        };
        Ok(Self { map, model })
    }
}
