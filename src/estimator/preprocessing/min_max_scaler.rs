//! Features brought to a given range.

use serde::{Deserialize, Serialize};

use super::divisors;
use crate::data::RowMap;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Place, Result};
use crate::estimator::range::RangePass;
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;

/// Parameters of MinMaxScaler with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MinMaxScalerParams {
    /// The range that each feature is brought to, `[low, high]`.
    pub feature_range: [f64; 2],
    /// Whether rows outside the range seen in the fit are cut off at it.
    pub clip: bool,
}

impl Default for MinMaxScalerParams {
    fn default() -> Self {
        Self { feature_range: [0.0, 1.0], clip: false }
    }
}

impl MinMaxScalerParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Job`] when the range is none.
    pub fn validate(&self) -> Result<()> {
        let [low, high] = self.feature_range;
        if low < high && low.is_finite() && high.is_finite() {
            return Ok(());
        }
        Err(Error::job(
            "feature_range",
            "two numbers [low, high], low below high",
            format!("[{low}, {high}]"),
        ))
    }

    /// Fits the scaler in one pass. Weights do not matter.
    ///
    /// # Collective
    /// One pass; a partial is 2 · n_features numbers.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and what the pass meets; [`Error::Data`] when a range is too wide for a
    /// double.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<MinMaxScaler> {
        self.validate()?;
        let n_samples = engine.shape().n_samples;
        let range = engine.run_once(&RangePass)?;
        let data_range: Vec<f64> = range.greatest.iter().zip(&range.least).map(|(hi, lo)| hi - lo).collect();
        if let Some(column) = data_range.iter().position(|range| !range.is_finite()) {
            let place = Place { column: Some(column.to_string()), ..Place::default() };
            let found = format!("{:?} to {:?}", range.least[column], range.greatest[column]);
            return Err(Error::data(engine.origin(), place, "values whose range is a finite number", found));
        }
        let [low, high] = self.feature_range;
        // As scikit-learn: a range below ten roundings of one counts as none.
        let divisors = divisors(data_range.clone(), 10.0 * T::EPSILON);
        let scale: Vec<f64> = divisors.iter().map(|divisor| (high - low) / divisor).collect();
        let min = range.least.iter().zip(&scale).map(|(least, scale)| low - least * scale).collect();
        Ok(MinMaxScaler {
            params: self.clone(),
            n_samples_seen_: n_samples,
            data_min_: range.least,
            data_max_: range.greatest,
            data_range_: data_range,
            scale_: scale,
            min_: min,
        })
    }
}

/// A fitted MinMaxScaler.
#[derive(Clone, Debug, PartialEq)]
pub struct MinMaxScaler {
    params: MinMaxScalerParams,
    /// Rows.
    pub n_samples_seen_: u64,
    /// Least value of each feature.
    pub data_min_: Vec<f64>,
    /// Greatest value of each feature.
    pub data_max_: Vec<f64>,
    /// Their difference.
    pub data_range_: Vec<f64>,
    /// What each feature is multiplied with.
    pub scale_: Vec<f64>,
    /// What is then added.
    pub min_: Vec<f64>,
}

impl MinMaxScaler {
    /// The scaler as named arrays.
    pub fn export(&self) -> Model {
        let vector =
            |name: &str, values: &[f64]| (name.to_owned(), Array::vector(Values::F64(values.to_vec())));
        let attributes = vec![
            vector("data_min_", &self.data_min_),
            vector("data_max_", &self.data_max_),
            vector("data_range_", &self.data_range_),
            vector("scale_", &self.scale_),
            vector("min_", &self.min_),
            ("n_samples_seen_".into(), Array::integer(self.n_samples_seen_ as i64)),
            ("n_features_in_".into(), Array::integer(self.scale_.len() as i64)),
        ];
        let params = serde_json::to_value(&self.params).unwrap_or_default();
        Model { estimator: "MinMaxScaler".into(), params, attributes }
    }

    /// A scaler from named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or of the wrong shape.
    pub fn import(model: &Model) -> Result<Self> {
        let d = model.count("n_features_in_")?;
        Ok(Self {
            params: model.params_as()?,
            n_samples_seen_: model.count("n_samples_seen_")? as u64,
            data_min_: model.vector("data_min_", d)?,
            data_max_: model.vector("data_max_", d)?,
            data_range_: model.vector("data_range_", d)?,
            scale_: model.vector("scale_", d)?,
            min_: model.vector("min_", d)?,
        })
    }
}

impl<T: Real> RowMap<T> for MinMaxScaler {
    fn n_inputs(&self) -> usize {
        self.scale_.len()
    }

    fn n_outputs(&self) -> usize {
        self.scale_.len()
    }

    fn keeps_columns(&self) -> bool {
        true
    }

    fn name(&self) -> &str {
        "MinMaxScaler"
    }

    fn map(&self, x: &[T], out: &mut [T]) {
        let d = self.scale_.len();
        let (clip, [low, high]) = (self.params.clip, self.params.feature_range);
        for (row, out) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            for (((out, v), scale), min) in out.iter_mut().zip(row).zip(&self.scale_).zip(&self.min_) {
                // Two roundings on every machine, as in scikit-learn.
                let value = v.to_f64() * scale + min;
                *out = T::from_f64(if clip { value.clamp(low, high) } else { value });
            }
        }
    }
}
