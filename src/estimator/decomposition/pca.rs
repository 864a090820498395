//! Principal component analysis.

use serde::{Deserialize, Serialize};

use super::axes::axes;
use super::covariance::covariance;
use super::projection::Projection;
use crate::data::RowMap;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Place, Result};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;

/// How many components to keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NComponents {
    /// This many.
    Count(usize),
    /// As many as explain more than this share of the variance.
    Share(f64),
    /// A rule; none is known.
    Rule(String),
}

/// How the components are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SvdSolver {
    /// The best there is for the data: as yet always `covariance_eigh`.
    #[default]
    Auto,
    /// The eigenvectors of the covariance, which takes one pass.
    CovarianceEigh,
}

/// Parameters of PCA with scikit-learn's names and defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PcaParams {
    /// Components to keep: a number, a share of the variance, or all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_components: Option<NComponents>,
    /// Divide each coordinate by its standard deviation.
    pub whiten: bool,
    /// How the components are found.
    pub svd_solver: SvdSolver,
}

impl PcaParams {
    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Job`] for a number of components that is none.
    pub fn validate(&self) -> Result<()> {
        let found = match &self.n_components {
            None => return Ok(()),
            Some(NComponents::Count(n)) if *n > 0 => return Ok(()),
            Some(NComponents::Share(share)) if *share > 0.0 && *share < 1.0 => return Ok(()),
            Some(NComponents::Count(n)) => n.to_string(),
            Some(NComponents::Share(share)) => format!("{share:?}"),
            Some(NComponents::Rule(rule)) => format!("the text {rule:?}"),
        };
        let expected = "a positive integer, or a share of the variance between 0 and 1";
        Err(Error::job("n_components", expected, found))
    }

    /// Fits in one pass; weights of rows do not count.
    ///
    /// The covariance is summed about the mean, which keeps the digits of data far from the origin, but squares the
    /// data: directions whose deviation is less than 10⁻⁸ of the greatest are not resolved.
    /// Cost: 2 · n · d² flops over all ranks and 9 · d³ on rank 0.
    ///
    /// # Collective
    /// One pass whose partial is d² + d numbers, and one broadcast of as many.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Error::Job`] for more components than rows or features, [`Error::Data`]
    /// for a single row; what the pass meets.
    ///
    /// # References
    /// Tipping & Bishop, Mixtures of probabilistic principal component analysers, 1999, appendix A (the noise).
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<Pca> {
        self.validate()?;
        let (n, d) = (engine.shape().n_samples, engine.shape().n_features);
        let most = usize::try_from(n).unwrap_or(usize::MAX).min(d);
        if let Some(NComponents::Count(count)) = self.n_components {
            check_count(count, most)?;
        }
        if n == 1 {
            return Err(Error::data(engine.origin(), Place::default(), "at least 2 rows", "1"));
        }
        let moments = covariance(engine)?;
        let freedom = (n - 1) as f64;
        let matrix: Vec<f64> = moments.products.iter().map(|sum| sum / freedom).collect();
        let axes = axes(engine, &matrix, d)?;
        let total: f64 = axes.values.iter().sum();
        let ratio: Vec<f64> =
            axes.values.iter().map(|value| if total > 0.0 { value / total } else { 0.0 }).collect();
        let k = match self.n_components {
            Some(NComponents::Count(count)) => count,
            Some(NComponents::Share(share)) => count_for(share, &ratio).min(most),
            _ => most,
        };
        // With fewer rows than features the other eigenvalues are 0; scikit-learn counts them for this solver only.
        let end = if self.svd_solver == SvdSolver::CovarianceEigh { d } else { most };
        let rest = if k < most { &axes.values[k..end] } else { &[] };
        let noise = if rest.is_empty() { 0.0 } else { rest.iter().sum::<f64>() / rest.len() as f64 };
        Ok(Pca::new(PcaFit {
            params: self.clone(),
            components: axes.vectors[..k * d].to_vec(),
            explained_variance: axes.values[..k].to_vec(),
            explained_variance_ratio: ratio[..k].to_vec(),
            singular_values: axes.values[..k].iter().map(|value| (value * freedom).sqrt()).collect(),
            mean: moments.mean,
            noise_variance: noise,
            n_samples: n,
            epsilon: T::EPSILON,
        }))
    }
}

/// Checks a number of components against the data's size.
pub(super) fn check_count(count: usize, most: usize) -> Result<()> {
    if count <= most {
        return Ok(());
    }
    let expected = format!("at most {most}, the smaller of n_samples and n_features");
    Err(Error::job("n_components", expected, count.to_string()))
}

/// How many of the largest ratios it takes to sum to more than `share`.
fn count_for(share: f64, ratio: &[f64]) -> usize {
    let sums = ratio.iter().scan(0.0, |sum, ratio| {
        *sum += ratio;
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= share).count() + 1
}

/// What a fit found.
struct PcaFit {
    params: PcaParams,
    components: Vec<f64>,
    explained_variance: Vec<f64>,
    explained_variance_ratio: Vec<f64>,
    singular_values: Vec<f64>,
    mean: Vec<f64>,
    noise_variance: f64,
    n_samples: u64,
    epsilon: f64,
}

/// A fitted PCA.
pub struct Pca {
    fit: PcaFit,
    projection: Projection,
}

impl Pca {
    fn new(fit: PcaFit) -> Self {
        let divisor = |variance: &f64| {
            // A direction without variance is not blown up: scikit-learn's least divisor.
            if fit.params.whiten { variance.sqrt().max(fit.epsilon) } else { 1.0 }
        };
        let divisors: Vec<f64> = fit.explained_variance.iter().map(divisor).collect();
        let projection = Projection::new(&fit.mean, &fit.components, &divisors);
        Self { fit, projection }
    }

    /// Components kept.
    pub fn n_components(&self) -> usize {
        self.fit.explained_variance.len()
    }

    /// Features of a row.
    pub fn n_features_in(&self) -> usize {
        self.fit.mean.len()
    }

    /// The model as named arrays.
    pub fn export(&self) -> Model {
        let fit = &self.fit;
        let (k, d) = (self.n_components(), self.n_features_in());
        let vector =
            |name: &str, values: &[f64]| (name.to_owned(), Array::vector(Values::F64(values.to_vec())));
        let attributes = vec![
            ("components_".into(), Array::new([k, d], Values::F64(fit.components.clone()))),
            vector("explained_variance_", &fit.explained_variance),
            vector("explained_variance_ratio_", &fit.explained_variance_ratio),
            vector("singular_values_", &fit.singular_values),
            vector("mean_", &fit.mean),
            ("n_components_".into(), Array::integer(k as i64)),
            ("noise_variance_".into(), Array::scalar(fit.noise_variance)),
            ("n_samples_".into(), Array::integer(fit.n_samples as i64)),
            ("n_features_in_".into(), Array::integer(d as i64)),
        ];
        let params = serde_json::to_value(&fit.params).unwrap_or_default();
        Model { estimator: "PCA".into(), params, attributes }
    }

    /// A model from named arrays, for rows of the type `T`.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or of the wrong shape.
    pub fn import<T: Real>(model: &Model) -> Result<Self> {
        let (k, d) = (model.count("n_components_")?, model.count("n_features_in_")?);
        Ok(Self::new(PcaFit {
            params: model.params_as()?,
            components: model.vector("components_", k.saturating_mul(d))?,
            explained_variance: model.vector("explained_variance_", k)?,
            explained_variance_ratio: model.vector("explained_variance_ratio_", k)?,
            singular_values: model.vector("singular_values_", k)?,
            mean: model.vector("mean_", d)?,
            noise_variance: model.vector("noise_variance_", 1)?[0],
            n_samples: model.count("n_samples_")? as u64,
            epsilon: T::EPSILON,
        }))
    }
}

impl<T: Real> RowMap<T> for Pca {
    fn n_inputs(&self) -> usize {
        self.n_features_in()
    }

    fn n_outputs(&self) -> usize {
        self.n_components()
    }

    fn keeps_columns(&self) -> bool {
        false
    }

    fn name(&self) -> &str {
        "PCA"
    }

    fn map(&self, x: &[T], out: &mut [T]) {
        self.projection.map(x, out);
    }
}
