//! The first singular vectors of the data themselves, uncentred.

use serde::{Deserialize, Serialize};

use super::axes::axes;
use super::covariance::covariance;
use super::pca::check_count;
use super::projection::Projection;
use crate::data::RowMap;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;

/// Parameters of TruncatedSVD with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TruncatedSvdParams {
    /// Singular vectors to keep.
    pub n_components: usize,
}

impl Default for TruncatedSvdParams {
    fn default() -> Self {
        Self { n_components: 2 }
    }
}

impl TruncatedSvdParams {
    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Job`] for no components.
    pub fn validate(&self) -> Result<()> {
        if self.n_components > 0 {
            return Ok(());
        }
        Err(Error::job("n_components", "a positive integer", "0"))
    }

    /// Fits in one pass by the eigenvectors of XᵀX, exactly rather than at random; weights of rows do not count.
    ///
    /// XᵀX squares the data: singular values below 10⁻⁸ of the greatest are not resolved.
    /// Cost: 2 · n · d² flops over all ranks and 9 · d³ on rank 0.
    ///
    /// # Collective
    /// One pass whose partial is d² + d numbers, and one broadcast of as many.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Error::Job`] for more components than rows or features; what the pass
    /// meets.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<TruncatedSvd> {
        self.validate()?;
        let (n, d, k) = (engine.shape().n_samples, engine.shape().n_features, self.n_components);
        check_count(k, usize::try_from(n).unwrap_or(usize::MAX).min(d))?;
        let moments = covariance(engine)?;
        let (mean, products, n) = (&moments.mean, &moments.products, n as f64);
        let gram: Vec<f64> =
            (0..d * d).map(|p| (n * mean[p / d]).mul_add(mean[p % d], products[p])).collect();
        let axes = axes(engine, &gram, d)?;
        let components = axes.vectors[..k * d].to_vec();
        let variance = |v: &[f64]| {
            let along = |row: &[f64]| row.iter().zip(v).map(|(p, v)| p * v).sum::<f64>();
            products.chunks_exact(d).zip(v).map(|(row, v)| v * along(row)).sum::<f64>().max(0.0) / n
        };
        let explained_variance: Vec<f64> = components.chunks_exact(d).map(variance).collect();
        let total = (0..d).map(|i| products[i * d + i]).sum::<f64>() / n;
        let ratio = |variance: &f64| if total > 0.0 { variance / total } else { 0.0 };
        Ok(TruncatedSvd {
            params: self.clone(),
            projection: Projection::new(&vec![0.0; d], &components, &vec![1.0; k]),
            n_features: d,
            components,
            explained_variance_ratio: explained_variance.iter().map(ratio).collect(),
            explained_variance,
            singular_values: axes.values[..k].iter().map(|value| value.sqrt()).collect(),
        })
    }
}

/// A fitted TruncatedSVD.
pub struct TruncatedSvd {
    params: TruncatedSvdParams,
    projection: Projection,
    n_features: usize,
    components: Vec<f64>,
    explained_variance: Vec<f64>,
    explained_variance_ratio: Vec<f64>,
    singular_values: Vec<f64>,
}

impl TruncatedSvd {
    /// The model as named arrays.
    pub fn export(&self) -> Model {
        let vector =
            |name: &str, values: &[f64]| (name.to_owned(), Array::vector(Values::F64(values.to_vec())));
        let shape = [self.singular_values.len(), self.n_features];
        let attributes = vec![
            ("components_".into(), Array::new(shape, Values::F64(self.components.clone()))),
            vector("explained_variance_", &self.explained_variance),
            vector("explained_variance_ratio_", &self.explained_variance_ratio),
            vector("singular_values_", &self.singular_values),
            ("n_features_in_".into(), Array::integer(self.n_features as i64)),
        ];
        let params = serde_json::to_value(&self.params).unwrap_or_default();
        Model { estimator: "TruncatedSVD".into(), params, attributes }
    }

    /// A model from named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or of the wrong shape.
    pub fn import(model: &Model) -> Result<Self> {
        let params: TruncatedSvdParams = model.params_as()?;
        let d = model.count("n_features_in_")?;
        let k = model.numbers("singular_values_")?.len();
        if k == 0 {
            return Err(Error::data("model", Default::default(), "at least one of singular_values_", "none"));
        }
        let components = model.vector("components_", k.saturating_mul(d))?;
        Ok(Self {
            params,
            projection: Projection::new(&vec![0.0; d], &components, &vec![1.0; k]),
            n_features: d,
            components,
            explained_variance: model.vector("explained_variance_", k)?,
            explained_variance_ratio: model.vector("explained_variance_ratio_", k)?,
            singular_values: model.vector("singular_values_", k)?,
        })
    }
}

impl<T: Real> RowMap<T> for TruncatedSvd {
    fn n_inputs(&self) -> usize {
        self.n_features
    }

    fn n_outputs(&self) -> usize {
        self.singular_values.len()
    }

    fn keeps_columns(&self) -> bool {
        false
    }

    fn name(&self) -> &str {
        "TruncatedSVD"
    }

    fn map(&self, x: &[T], out: &mut [T]) {
        self.projection.map(x, out);
    }
}
