//! Principal component analysis.

use serde::{Deserialize, Serialize};

use super::evidence::{Dimension, dimension};
use super::projection::Projection;
use super::sketch::Sketch;
use super::solver::{Decomposition, IteratedPower, SvdSolver, decompose};
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
    /// Less than none, which cannot be.
    Negative(i64),
    /// As many as explain more than this share of the variance.
    Share(f64),
    /// `"mle"`: as many as are likeliest.
    Rule(String),
}

/// Parameters of PCA with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PcaParams {
    /// Components to keep: a number, a share of the variance, `"mle"` for the likeliest number, or all when absent.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub n_components: Option<NComponents>,
    /// Divide each coordinate by its standard deviation.
    pub whiten: bool,
    /// How the components are found.
    pub svd_solver: SvdSolver,
    /// Power iterations of the randomized solver.
    pub iterated_power: IteratedPower,
    /// Directions that it looks for beyond those asked for.
    pub n_oversamples: usize,
    /// Seed of its trial matrix.
    #[serde(deserialize_with = "crate::estimator::parameter::seed_or_none")]
    pub random_state: u64,
}

impl Default for PcaParams {
    fn default() -> Self {
        Self {
            n_components: None,
            whiten: false,
            svd_solver: SvdSolver::Auto,
            iterated_power: IteratedPower::default(),
            n_oversamples: 10,
            random_state: 0,
        }
    }
}

impl PcaParams {
    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Job`] for a number of components that is none, a share of the variance or `"mle"` with a solver that does not
    /// know it, or an unknown rule.
    pub fn validate(&self) -> Result<()> {
        self.iterated_power.validate()?;
        let (expected, found) = match &self.n_components {
            Some(NComponents::Share(share)) if self.svd_solver == SvdSolver::Randomized => {
                ("a positive integer for svd_solver = \"randomized\"", format!("{share:?}"))
            }
            Some(NComponents::Rule(rule)) if rule == MLE && self.svd_solver == SvdSolver::Randomized => {
                ("a positive integer for svd_solver = \"randomized\"", format!("the text {rule:?}"))
            }
            None => return Ok(()),
            Some(NComponents::Rule(rule)) if rule == MLE => return Ok(()),
            Some(NComponents::Count(n)) if *n > 0 => return Ok(()),
            Some(NComponents::Share(share)) if *share > 0.0 && *share < 1.0 => return Ok(()),
            Some(NComponents::Count(n)) => (COMPONENTS, n.to_string()),
            Some(NComponents::Negative(n)) => (COMPONENTS, n.to_string()),
            Some(NComponents::Share(share)) => (COMPONENTS, format!("{share:?}")),
            Some(NComponents::Rule(rule)) => (COMPONENTS, format!("the text {rule:?}")),
        };
        Err(Error::job("n_components", expected, found))
    }

    /// Fits; weights of rows do not count.
    ///
    /// `covariance_eigh` sums products about the mean, which keeps the digits of data far from the origin, but squares the
    /// data: directions whose deviation is less than 10⁻⁸ of the greatest are not resolved. `full` does not square, and
    /// keeps them down to 10⁻¹⁵. `randomized` looks for a few directions; how near it comes depends on how fast the
    /// variances fall and on `iterated_power`.
    /// Cost over all ranks, of n rows, d features and l = `n_components` + `n_oversamples`: n · d², 2 · n · d² or
    /// 4 · n · d · l a pass; on rank 0 of the order of d³ or d · l².
    ///
    /// # Collective
    /// One pass whose partial is d² + 2 · d numbers, or half of it for `full`, and one broadcast; for `randomized` the power
    /// iterations and 3 passes, whose partial is d · l numbers.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Error::Job`] for more components than rows or features, [`Error::Data`]
    /// for a single row; what the pass meets.
    ///
    /// # References
    /// Tipping & Bishop, Mixtures of probabilistic principal component analysers, 1999, appendix A (the noise); Minka, Automatic
    /// choice of dimensionality for PCA, NIPS 2000 (`"mle"`).
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<Pca> {
        self.validate()?;
        let (n, d) = (engine.shape().n_samples, engine.shape().n_features);
        let (most, asked) = (most_components(n, d), self.count(n, d)?);
        if n == 1 {
            return Err(Error::data(engine.origin(), Place::default(), "at least 2 rows", "1"));
        }
        let n_axes = |k: usize| k.saturating_add(self.n_oversamples).min(most);
        let solver = self.svd_solver.choose(n, d, asked.map(n_axes));
        let wanted = asked.unwrap_or(most);
        let n_iter = self.iterated_power.count(wanted, most);
        let sketch = Sketch { n_axes: n_axes(wanted), n_iter, seed: self.random_state };
        let found = decompose(engine, solver, true, sketch)?;
        let freedom = (n - 1) as f64;
        let share = |square: &f64| if found.total > 0.0 { square / found.total } else { 0.0 };
        let ratio: Vec<f64> = found.squares.iter().map(share).collect();
        let variances: Vec<f64> = found.squares.iter().map(|square| square / freedom).collect();
        let k = match &self.n_components {
            Some(NComponents::Share(share)) => count_for(*share, &ratio).min(most),
            Some(NComponents::Rule(_)) => likeliest(engine, &variances)?,
            _ => wanted,
        };
        Ok(Pca::new(PcaFit {
            params: self.clone(),
            components: found.vectors[..k * d].to_vec(),
            explained_variance: variances[..k].to_vec(),
            explained_variance_ratio: ratio[..k].to_vec(),
            singular_values: found.singular[..k].to_vec(),
            noise_variance: noise(&found, solver, k, [most, d]) / freedom,
            mean: found.mean,
            n_samples: n,
            epsilon: T::EPSILON,
        }))
    }
}

impl PcaParams {
    /// The number of components asked for, of `n` rows with `d` features; none where the data tell it, or for all.
    ///
    /// # Errors
    /// [`Error::Job`] for more than there are rows or features, and for `"mle"` of fewer rows than features.
    pub fn count(&self, n: u64, d: usize) -> Result<Option<usize>> {
        match &self.n_components {
            Some(NComponents::Count(count)) => check_count(*count, most_components(n, d)).map(Some),
            Some(NComponents::Rule(_)) if n < d as u64 => {
                let expected = format!("a number for {n} rows of {d} features");
                Err(Error::job("n_components", expected, "\"mle\", which needs n_samples >= n_features"))
            }
            _ => Ok(None),
        }
    }
}

/// The most components of `n` rows with `d` features.
pub(super) fn most_components(n: u64, d: usize) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX).min(d)
}

const MLE: &str = "mle";

const COMPONENTS: &str = "a positive integer, a share of the variance between 0 and 1, or \"mle\"";

/// The likeliest number of components of rows with these variances along their axes.
///
/// # Collective
/// One broadcast: no rank may count otherwise than the others.
///
/// # Errors
/// [`Error::Data`] where there are no two features that vary, or their variances are equal.
fn likeliest<T: Real>(engine: &PassEngine<'_, T>, variances: &[f64]) -> Result<usize> {
    let found = match engine.replicate(|| Ok(dimension(variances, engine.shape().n_samples)))? {
        Dimension::Components(count) => return Ok(count),
        Dimension::TooFew => "one, or none",
        Dimension::Tied => "equal ones",
    };
    let expected = "two features or more whose variances differ, for n_components = \"mle\"";
    Err(Error::data(engine.origin(), Place::default(), expected, found))
}

/// The mean of the squares that the first `k` directions leave, of `most` that are not 0.
fn noise(found: &Decomposition, solver: SvdSolver, k: usize, [most, d]: [usize; 2]) -> f64 {
    if k >= most {
        return 0.0;
    }
    match solver {
        SvdSolver::Randomized => {
            let kept: f64 = found.squares[..k].iter().sum();
            (found.total - kept).max(0.0) / (most - k) as f64
        }
        // With fewer rows than features the other squares are 0; scikit-learn counts them for this solver only.
        SvdSolver::CovarianceEigh => found.squares[k..].iter().sum::<f64>() / (d - k) as f64,
        _ => found.squares[k..most].iter().sum::<f64>() / (most - k) as f64,
    }
}

/// Checks a number of components against the data's size; returns it.
pub(super) fn check_count(count: usize, most: usize) -> Result<usize> {
    if count <= most {
        return Ok(count);
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
