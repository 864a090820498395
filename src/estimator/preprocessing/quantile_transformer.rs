//! Features mapped to their place among the values of the fit: an even or a normal distribution.

use serde::{Deserialize, Serialize};

use super::normal_quantile::normal_quantile;
use super::order_statistics::{interpolate, order_statistics, ranks_of};
use crate::data::{Block, RowMap};
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Result};
use crate::estimator::parameter::or_none;
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;
use crate::metrics::RowSample;

/// Nearer to the ends than this, a normal output counts as the end.
const BOUND: f64 = 1e-7;

/// What the features are to be distributed as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputDistribution {
    /// Evenly from 0 to 1.
    #[default]
    Uniform,
    /// Standard normal, cut off at about ±5.2.
    Normal,
}

/// Parameters of QuantileTransformer with scikit-learn's names and defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuantileTransformerParams {
    /// Quantiles kept of each feature; at most the rows there are.
    pub n_quantiles: usize,
    /// The distribution made.
    pub output_distribution: OutputDistribution,
    /// Rows drawn to estimate the quantiles; exact quantiles of all rows when there are no more, as
    /// with `"none"`.
    #[serde(deserialize_with = "all_or_some")]
    pub subsample: u64,
    /// Seed of that draw.
    #[serde(deserialize_with = "crate::estimator::parameter::seed_or_none")]
    pub random_state: u64,
}

/// A number of rows, or as many as there can be.
fn all_or_some<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<u64, D::Error> {
    // What TOML can write, and so read again.
    or_none(from).map(|rows| rows.unwrap_or(i64::MAX as u64))
}

impl Default for QuantileTransformerParams {
    fn default() -> Self {
        let output_distribution = OutputDistribution::Uniform;
        Self { n_quantiles: 1000, output_distribution, subsample: 10_000, random_state: 0 }
    }
}

impl QuantileTransformerParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Job`] for no quantiles, or fewer rows than those.
    pub fn validate(&self) -> Result<()> {
        if self.n_quantiles == 0 {
            return Err(Error::job("n_quantiles", "a positive integer", "0"));
        }
        if self.n_quantiles as u64 > self.subsample {
            let expected = format!("at least n_quantiles = {}", self.n_quantiles);
            return Err(Error::job("subsample", expected, self.subsample.to_string()));
        }
        Ok(())
    }

    /// Fits the transformer. Weights do not matter.
    ///
    /// With more rows than `subsample` the quantiles are those of a random sample of that many rows: the share of rows
    /// below quantile q is then off by about √(q(1 − q)/subsample), at most 0.5 % with the default. Otherwise they
    /// are exact.
    ///
    /// # Collective
    /// One pass with a partial of `subsample` rows; without sampling a few passes more, as many as the features' values
    /// need to be told apart (at most 34).
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and what the passes meet.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<QuantileTransformer> {
        self.validate()?;
        let (n_samples, d) = (engine.shape().n_samples, engine.shape().n_features);
        let k = self.n_quantiles.min(usize::try_from(n_samples).unwrap_or(usize::MAX)).max(1);
        let references = references(k);
        // As scikit-learn: by way of per cent.
        let shares: Vec<f64> = references.iter().map(|reference| reference * 100.0 / 100.0).collect();
        let columns: Vec<Vec<f64>> = if n_samples > self.subsample {
            let rows =
                engine.run_once(&SamplePass { seed: self.random_state, most: self.subsample as usize })?;
            let rows = rows.into_features();
            let column = |j: usize| {
                let mut values: Vec<f64> = rows.iter().map(|row| row[j] + 0.0).collect();
                values.sort_unstable_by(f64::total_cmp);
                shares.iter().map(|share| quantile(&values, *share)).collect()
            };
            (0..d).map(column).collect()
        } else {
            let wanted = |n| shares.iter().flat_map(|share| ranks_of(n, *share)).collect();
            let ordered = order_statistics(engine, None, wanted)?;
            ordered.iter().map(|of| shares.iter().map(|share| of.quantile(*share)).collect()).collect()
        };
        Ok(QuantileTransformer { params: self.clone(), references, columns })
    }
}

/// `k` numbers from 0 to 1, as `numpy.linspace` has them.
fn references(k: usize) -> Vec<f64> {
    let step = 1.0 / (k.max(2) - 1) as f64;
    (0..k).map(|i| if i > 0 && i + 1 == k { 1.0 } else { i as f64 * step }).collect()
}

/// The quantile of sorted values.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * share;
    let rank = place.floor() as usize;
    interpolate(sorted[rank], sorted[(rank + 1).min(sorted.len() - 1)], place - place.floor())
}

struct SamplePass {
    seed: u64,
    most: usize,
}

impl<T: Real> Pass<T> for SamplePass {
    type Partial = RowSample;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<RowSample> {
        let wide = |row: usize| block.row(row).iter().map(|v| v.to_f64()).collect();
        Ok(RowSample::new(self.seed, self.most, block.first_row, &vec![0; block.n_rows], wide))
    }
}

/// A fitted QuantileTransformer.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileTransformer {
    params: QuantileTransformerParams,
    references: Vec<f64>,
    /// The quantiles of each feature.
    columns: Vec<Vec<f64>>,
}

impl QuantileTransformer {
    /// The transformer as named arrays; `quantiles_` is `(n_quantiles_, n_features)`.
    pub fn export(&self) -> Model {
        let (k, d) = (self.references.len(), self.columns.len());
        let quantiles = (0..k * d).map(|p| self.columns[p % d][p / d]).collect();
        let attributes = vec![
            ("n_quantiles_".to_owned(), Array::integer(k as i64)),
            ("references_".into(), Array::vector(Values::F64(self.references.clone()))),
            ("quantiles_".into(), Array::new([k, d], Values::F64(quantiles))),
            ("n_features_in_".into(), Array::integer(d as i64)),
        ];
        let params = serde_json::to_value(&self.params).unwrap_or_default();
        Model { estimator: "QuantileTransformer".into(), params, attributes }
    }

    /// A transformer from named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or of the wrong shape.
    pub fn import(model: &Model) -> Result<Self> {
        let (k, d) = (model.count("n_quantiles_")?, model.count("n_features_in_")?);
        let quantiles = model.vector("quantiles_", k.saturating_mul(d))?;
        Ok(Self {
            params: model.params_as()?,
            references: model.vector("references_", k)?,
            columns: (0..d).map(|j| (0..k).map(|i| quantiles[i * d + j]).collect()).collect(),
        })
    }

    /// The place of `x` among a feature's quantiles, the mean of the first and the last where several are equal.
    fn place(&self, quantiles: &[f64], x: f64) -> f64 {
        let (Some(first), Some(last)) = (quantiles.first(), quantiles.last()) else { return 0.0 };
        let normal = self.params.output_distribution == OutputDistribution::Normal;
        let slack = if normal { BOUND } else { 0.0 };
        let (below, above) =
            if normal { (x - slack < *first, x + slack > *last) } else { (x == *first, x == *last) };
        if below {
            return 0.0;
        }
        if above {
            return 1.0;
        }
        let ends = |at: usize| self.references[at];
        // Halves, which have the same quotients to the bit, where distances would leave the range of a double.
        let scale = if (last - first).is_finite() { 1.0 } else { 0.5 };
        let between = |low: usize| {
            // As `numpy.interp`: from the lower end.
            let slope = (ends(low + 1) - ends(low)) / (scale * quantiles[low + 1] - scale * quantiles[low]);
            slope * (scale * x - scale * quantiles[low]) + ends(low)
        };
        // The last quantile that is not above x, and the first that is not below it.
        let after = quantiles.partition_point(|quantile| *quantile <= x);
        let from = quantiles.partition_point(|quantile| *quantile < x);
        match (after, from) {
            (0, _) => ends(0),
            (_, from) if from == quantiles.len() => ends(from - 1),
            (after, from) if after > from => 0.5 * (ends(after - 1) + ends(from)),
            (after, _) => {
                let up = between(after - 1);
                // From above, as the mirrored interpolation goes.
                let rise = ends(after) - ends(after - 1);
                let slope = rise / (scale * quantiles[after] - scale * quantiles[after - 1]);
                let down = ends(after) - slope * (scale * quantiles[after] - scale * x);
                0.5 * (up + down)
            }
        }
    }
}

impl<T: Real> RowMap<T> for QuantileTransformer {
    fn n_inputs(&self) -> usize {
        self.columns.len()
    }

    fn n_outputs(&self) -> usize {
        self.columns.len()
    }

    fn keeps_columns(&self) -> bool {
        true
    }

    fn name(&self) -> &str {
        "QuantileTransformer"
    }

    fn map(&self, x: &[T], out: &mut [T]) {
        let normal = self.params.output_distribution == OutputDistribution::Normal;
        let edge = BOUND - f64::EPSILON;
        let (least, greatest) = (normal_quantile(edge), normal_quantile(1.0 - edge));
        let d = self.columns.len();
        for (row, out) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            for ((out, v), quantiles) in out.iter_mut().zip(row).zip(&self.columns) {
                let place = self.place(quantiles, v.to_f64());
                let value = if normal { normal_quantile(place).clamp(least, greatest) } else { place };
                *out = T::from_f64(value);
            }
        }
    }
}
