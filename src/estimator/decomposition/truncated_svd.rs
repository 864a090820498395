//! The first singular vectors of the data themselves, uncentred.

use serde::{Deserialize, Serialize};

use super::pca::{check_count, most_components};
use super::projection::Projection;
use super::sketch::Sketch;
use super::solver::{SvdSolver, decompose};
use crate::data::RowMap;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;

/// Parameters of TruncatedSVD with scikit-learn's names and defaults, but for the algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TruncatedSvdParams {
    /// Singular vectors to keep.
    pub n_components: usize,
    /// How they are found; exactly by default, where scikit-learn's is `randomized`.
    pub algorithm: SvdSolver,
    /// Power iterations of the randomized solver.
    pub n_iter: usize,
    /// Directions that it looks for beyond those asked for.
    pub n_oversamples: usize,
    /// Seed of its trial matrix.
    #[serde(deserialize_with = "crate::estimator::parameter::seed_or_none")]
    pub random_state: u64,
}

impl Default for TruncatedSvdParams {
    fn default() -> Self {
        Self { n_components: 2, algorithm: SvdSolver::Auto, n_iter: 5, n_oversamples: 10, random_state: 0 }
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

    /// The number of components, of `n` rows with `d` features.
    ///
    /// # Errors
    /// [`Error::Job`] for more than there are rows or features.
    pub fn count(&self, n: u64, d: usize) -> Result<usize> {
        check_count(self.n_components, most_components(n, d))
    }

    /// Fits; weights of rows do not count.
    ///
    /// `covariance_eigh` (here of XᵀX) squares the data: singular values below 10⁻⁸ of the greatest are not resolved.
    /// Solvers and costs are [`PcaParams::fit`](super::PcaParams::fit)'s.
    ///
    /// # Collective
    /// As [`PcaParams::fit`](super::PcaParams::fit).
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Error::Job`] for more components than rows or features; what the pass
    /// meets.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<TruncatedSvd> {
        self.validate()?;
        let (n, d) = (engine.shape().n_samples, engine.shape().n_features);
        let (most, k) = (most_components(n, d), self.count(n, d)?);
        let n_axes = k.saturating_add(self.n_oversamples).min(most);
        let solver = self.algorithm.choose(n, d, Some(n_axes));
        let sketch = Sketch { n_axes, n_iter: self.n_iter, seed: self.random_state };
        let found = decompose(engine, solver, false, sketch)?;
        let components = found.vectors[..k * d].to_vec();
        let ratio = |spread: &f64| if found.total > 0.0 { spread / found.total } else { 0.0 };
        Ok(TruncatedSvd {
            params: self.clone(),
            projection: Projection::new(&vec![0.0; d], &components, &vec![1.0; k]),
            n_features: d,
            components,
            explained_variance: found.spread[..k].iter().map(|spread| spread / n as f64).collect(),
            explained_variance_ratio: found.spread[..k].iter().map(ratio).collect(),
            singular_values: found.singular[..k].to_vec(),
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
