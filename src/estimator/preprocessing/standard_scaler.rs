//! Features with mean 0 and variance 1.

use serde::{Deserialize, Serialize};

use super::column_moments;
use crate::data::RowMap;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Place, Result};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;

/// Parameters of StandardScaler with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StandardScalerParams {
    /// Subtract the mean of each feature.
    pub with_mean: bool,
    /// Divide by the standard deviation of each feature.
    pub with_std: bool,
}

impl Default for StandardScalerParams {
    fn default() -> Self {
        Self { with_mean: true, with_std: true }
    }
}

impl StandardScalerParams {
    /// Fits the scaler in one pass; rows with weights count by them.
    ///
    /// Deviations are those of the population (÷ n). A feature that varies by no more than rounding does is only
    /// centred, as in scikit-learn.
    ///
    /// # Collective
    /// One pass; a partial is 3 · n_features numbers.
    ///
    /// # Errors
    /// What the pass meets; [`Error::Data`] when the weights are not positive, or a mean or variance that is wanted is
    /// too large for a double.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<StandardScaler> {
        let weighted = engine.shape().has_weights;
        let moments = column_moments(engine)?;
        let fault = |column: usize, expected: &str, found: f64| {
            let place = Place { column: Some(column.to_string()), ..Place::default() };
            Err(Error::data(engine.origin(), place, expected, found.to_string()))
        };
        let weight_ok = moments.weight > 0.0 && moments.weight.is_finite();
        if !weight_ok {
            let (origin, found) = (engine.weight_origin(), moments.weight.to_string());
            return Err(Error::data(origin, Place::default(), "a positive sum of weights", found));
        }
        let (mean, var) = (&moments.mean, moments.variances());
        let moments_wanted = self.with_mean || self.with_std;
        if let Some(column) = mean.iter().position(|mean| moments_wanted && !mean.is_finite()) {
            return fault(column, "values and weights with a finite mean", mean[column]);
        }
        if let Some(column) = var.iter().position(|var| self.with_std && !(*var >= 0.0 && var.is_finite())) {
            return fault(column, "values and weights with a finite variance", var[column]);
        }
        let deviation = |(var, mean): (&f64, &f64)| {
            let rounding = moments.weight * mean * f64::EPSILON;
            let constant = *var <= moments.weight * f64::EPSILON * var + rounding * rounding;
            if constant { 1.0 } else { var.sqrt() }
        };
        let scale = var.iter().zip(&moments.mean).map(deviation).collect();
        Ok(StandardScaler {
            params: self.clone(),
            // Where nothing is to be found weights do not matter, as in scikit-learn.
            n_samples_seen_: if weighted && moments_wanted { moments.weight } else { moments.n_rows as f64 },
            weighted,
            mean_: moments.mean,
            var_: var,
            scale_: scale,
        })
    }
}

/// A fitted StandardScaler.
#[derive(Clone, Debug, PartialEq)]
pub struct StandardScaler {
    params: StandardScalerParams,
    weighted: bool,
    /// Rows, or the sum of their weights where a mean or a variance is wanted.
    pub n_samples_seen_: f64,
    /// Mean of each feature.
    pub mean_: Vec<f64>,
    /// Variance of each feature.
    pub var_: Vec<f64>,
    /// What each feature is divided by.
    pub scale_: Vec<f64>,
}

impl StandardScaler {
    /// The scaler as named arrays; what the parameters leave out is absent, where scikit-learn has `None`.
    pub fn export(&self) -> Model {
        let mut attributes = Vec::new();
        let mut put = |name: &str, values: &[f64]| {
            attributes.push((name.to_owned(), Array::vector(Values::F64(values.to_vec()))));
        };
        if self.params.with_mean || self.params.with_std {
            put("mean_", &self.mean_);
        }
        if self.params.with_std {
            put("var_", &self.var_);
            put("scale_", &self.scale_);
        }
        let seen = self.n_samples_seen_;
        let seen = if self.weighted { Array::scalar(seen) } else { Array::integer(seen as i64) };
        attributes.push(("n_samples_seen_".into(), seen));
        attributes.push(("n_features_in_".into(), Array::integer(self.mean_.len() as i64)));
        let params = serde_json::to_value(&self.params).unwrap_or_default();
        Model { estimator: "StandardScaler".into(), params, attributes }
    }

    /// A scaler from named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or of the wrong shape.
    pub fn import(model: &Model) -> Result<Self> {
        let params: StandardScalerParams = model.params_as()?;
        let d = model.count("n_features_in_")?;
        let seen = model.attribute("n_samples_seen_")?;
        let or_absent = |name: &str, is_there: bool, otherwise: f64| {
            if is_there { model.vector(name, d) } else { Ok(vec![otherwise; d]) }
        };
        Ok(Self {
            mean_: or_absent("mean_", params.with_mean || params.with_std, 0.0)?,
            var_: or_absent("var_", params.with_std, 1.0)?,
            scale_: or_absent("scale_", params.with_std, 1.0)?,
            n_samples_seen_: model.vector("n_samples_seen_", 1)?[0],
            weighted: matches!(seen.values, Values::F64(_)),
            params,
        })
    }
}

impl<T: Real> RowMap<T> for StandardScaler {
    fn n_inputs(&self) -> usize {
        self.mean_.len()
    }

    fn n_outputs(&self) -> usize {
        self.mean_.len()
    }

    fn keeps_columns(&self) -> bool {
        true
    }

    fn name(&self) -> &str {
        "StandardScaler"
    }

    fn map(&self, x: &[T], out: &mut [T]) {
        let d = self.mean_.len();
        let none = vec![0.0; d];
        let mean = if self.params.with_mean { &self.mean_ } else { &none };
        let ones = vec![1.0; d];
        let scale = if self.params.with_std { &self.scale_ } else { &ones };
        for (row, out) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            for (((out, v), mean), scale) in out.iter_mut().zip(row).zip(mean).zip(scale) {
                *out = T::from_f64((v.to_f64() - mean) / scale);
            }
        }
    }
}
