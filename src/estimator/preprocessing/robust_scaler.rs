//! Features centred by their median and scaled by the range of their middle values.

use serde::{Deserialize, Serialize};

use super::divisors;
use super::normal_quantile::normal_quantile;
use super::order_statistics::{middle, order_statistics, ranks_of};
use crate::data::RowMap;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Place, Result};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;

/// Parameters of RobustScaler with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RobustScalerParams {
    /// Subtract the median of each feature.
    pub with_centering: bool,
    /// Divide by the range between two quantiles of each feature.
    pub with_scaling: bool,
    /// Those quantiles, in percent.
    pub quantile_range: [f64; 2],
    /// Scale so that a normally distributed feature gets variance 1.
    pub unit_variance: bool,
}

impl Default for RobustScalerParams {
    fn default() -> Self {
        Self { with_centering: true, with_scaling: true, quantile_range: [25.0, 75.0], unit_variance: false }
    }
}

impl RobustScalerParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Job`] when the range is none.
    pub fn validate(&self) -> Result<()> {
        let [low, high] = self.quantile_range;
        let inside = if self.unit_variance { low > 0.0 && high < 100.0 } else { low >= 0.0 && high <= 100.0 };
        // One quantile twice is no range: as in scikit-learn nothing is divided, but that has no variance to go by.
        let ascending = if self.unit_variance { low < high } else { low <= high };
        if inside && ascending {
            return Ok(());
        }
        let expected = if self.unit_variance {
            "two numbers [low, high] above 0 and below 100 for unit_variance, low below high"
        } else {
            "two numbers [low, high] from 0 to 100, low not above high"
        };
        Err(Error::job("quantile_range", expected, format!("[{low}, {high}]")))
    }

    /// Fits the scaler; quantiles are exact, with NumPy's linear interpolation. Weights do not matter.
    ///
    /// # Collective
    /// Usually 4 or 5 passes, at most 10; a partial is at most 1,536 counts a feature.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and what the passes meet; [`Error::Data`] when a range to divide by is too wide
    /// for a double.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<RobustScaler> {
        self.validate()?;
        let [low, high] = self.quantile_range.map(|percent| percent / 100.0);
        let wanted = |n| [middle(n), ranks_of(n, low), ranks_of(n, high)].concat();
        let columns = order_statistics(engine, None, wanted)?;
        let ranges: Vec<f64> =
            columns.iter().map(|column| column.quantile(high) - column.quantile(low)).collect();
        if let Some(column) = ranges.iter().position(|range| self.with_scaling && !range.is_finite()) {
            let place = Place { column: Some(column.to_string()), ..Place::default() };
            let expected = "values whose range is a finite number";
            return Err(Error::data(engine.origin(), place, expected, ranges[column].to_string()));
        }
        let adjust = if self.unit_variance { normal_quantile(high) - normal_quantile(low) } else { 1.0 };
        // scikit-learn's quantiles are in double precision, whatever the data are in.
        let scale = divisors(ranges, 10.0 * f64::EPSILON).into_iter().map(|scale| scale / adjust).collect();
        Ok(RobustScaler {
            params: self.clone(),
            center_: columns.iter().map(|column| column.median()).collect(),
            scale_: scale,
        })
    }
}

/// A fitted RobustScaler.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustScaler {
    params: RobustScalerParams,
    /// Median of each feature.
    pub center_: Vec<f64>,
    /// What each feature is divided by.
    pub scale_: Vec<f64>,
}

impl RobustScaler {
    /// The scaler as named arrays; what the parameters leave out is absent, where scikit-learn has `None`.
    pub fn export(&self) -> Model {
        let mut attributes = Vec::new();
        let mut put = |name: &str, values: &[f64], wanted: bool| {
            if wanted {
                attributes.push((name.to_owned(), Array::vector(Values::F64(values.to_vec()))));
            }
        };
        put("center_", &self.center_, self.params.with_centering);
        put("scale_", &self.scale_, self.params.with_scaling);
        attributes.push(("n_features_in_".into(), Array::integer(self.center_.len() as i64)));
        let params = serde_json::to_value(&self.params).unwrap_or_default();
        Model { estimator: "RobustScaler".into(), params, attributes }
    }

    /// A scaler from named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or of the wrong shape.
    pub fn import(model: &Model) -> Result<Self> {
        let params: RobustScalerParams = model.params_as()?;
        let d = model.count("n_features_in_")?;
        let or_absent = |name: &str, is_there: bool, otherwise: f64| {
            if is_there { model.vector(name, d) } else { Ok(vec![otherwise; d]) }
        };
        Ok(Self {
            center_: or_absent("center_", params.with_centering, 0.0)?,
            scale_: or_absent("scale_", params.with_scaling, 1.0)?,
            params,
        })
    }
}

impl<T: Real> RowMap<T> for RobustScaler {
    fn n_inputs(&self) -> usize {
        self.center_.len()
    }

    fn n_outputs(&self) -> usize {
        self.center_.len()
    }

    fn keeps_columns(&self) -> bool {
        true
    }

    fn name(&self) -> &str {
        "RobustScaler"
    }

    fn map(&self, x: &[T], out: &mut [T]) {
        let d = self.center_.len();
        let Self { params: RobustScalerParams { with_centering, with_scaling, .. }, center_, scale_ } = self;
        for (row, out) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            for (((out, v), center), scale) in out.iter_mut().zip(row).zip(center_).zip(scale_) {
                let value = if *with_centering { v.to_f64() - center } else { v.to_f64() };
                *out = T::from_f64(if *with_scaling { value / scale } else { value });
            }
        }
    }
}
