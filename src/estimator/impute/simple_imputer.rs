//! Missing values replaced by one number a feature.

use serde::{Deserialize, Serialize};

use crate::comm::Partial;
use crate::data::{Block, RowMap};
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Place, Result};
use crate::estimator::preprocessing::{middle, order_statistics};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;
use crate::kernel::ordered_bits::{from_ordered, to_ordered};

/// Distinct values of a feature that are counted at the most.
const MOST_VALUES: usize = 1 << 16;

/// What stands in for a missing value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The mean of the feature.
    #[default]
    Mean,
    /// Its median.
    Median,
    /// Its most frequent value, the least of several.
    MostFrequent,
    /// `fill_value`.
    Constant,
}

/// Parameters of SimpleImputer with scikit-learn's names and defaults; missing is what is NaN (in a CSV file: empty).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimpleImputerParams {
    /// What stands in for a missing value.
    pub strategy: Strategy,
    /// The constant; 0 when absent.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub fill_value: Option<f64>,
    /// Whether features without any value are kept (as 0, or as the constant) instead of left out.
    pub keep_empty_features: bool,
}

impl SimpleImputerParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Job`] for a constant that is not finite, or that the strategy has no use for.
    pub fn validate(&self) -> Result<()> {
        match self.fill_value {
            Some(value) if !value.is_finite() => {
                Err(Error::job("fill_value", "a finite number", value.to_string()))
            }
            Some(value) if self.strategy != Strategy::Constant => {
                Err(Error::job("fill_value", "nothing unless strategy = \"constant\"", value.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Fits the imputer. Weights do not matter; medians are exact.
    ///
    /// # Collective
    /// One pass for the mean, the most frequent value (a partial is each feature's distinct values) and the constant;
    /// for the median usually 4 or 5, at most 10.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and what the passes meet; [`Error::Data`] when a feature has more than 65,536
    /// distinct values of which the most frequent is asked for, or no feature has any value.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<SimpleImputer> {
        self.validate()?;
        let empty = if self.keep_empty_features { 0.0 } else { f64::NAN };
        let or_empty = |value: f64| if value.is_nan() { empty } else { value };
        let statistics: Vec<f64> = match self.strategy {
            Strategy::Mean | Strategy::Constant => {
                let sums = engine.run_once(&SumPass)?;
                let constant = self.fill_value.unwrap_or(0.0);
                let mean = |sum: &Sum| match self.strategy {
                    Strategy::Constant if sum.n > 0 || self.keep_empty_features => constant,
                    Strategy::Constant => f64::NAN,
                    _ => or_empty(sum.sum / sum.n as f64),
                };
                sums.iter().map(mean).collect()
            }
            Strategy::Median => {
                let columns = order_statistics(engine, |n| middle(n).to_vec())?;
                columns.iter().map(|column| or_empty(column.median())).collect()
            }
            Strategy::MostFrequent => {
                let origin = engine.origin();
                let columns = engine.run_once(&CountPass { origin: origin.clone() })?;
                if let Some(column) = columns.iter().position(|counts| counts.0.len() > MOST_VALUES) {
                    return Err(too_many(&origin, column));
                }
                columns.iter().map(|counts| or_empty(counts.most_frequent())).collect()
            }
        };
        if let Some(column) = statistics.iter().position(|value| value.is_infinite()) {
            let place = Place { column: Some(column.to_string()), ..Place::default() };
            return Err(Error::data(engine.origin(), place, "values with a finite mean", "larger ones"));
        }
        if statistics.iter().all(|value| value.is_nan()) {
            let expected = "a feature that has a value, or keep_empty_features = true";
            return Err(Error::data(engine.origin(), Place::default(), expected, "none"));
        }
        Ok(SimpleImputer::new(self.clone(), statistics))
    }
}

fn too_many(origin: &str, column: usize) -> Error {
    let place = Place { column: Some(column.to_string()), ..Place::default() };
    let expected = format!("at most {MOST_VALUES} distinct values for strategy = \"most_frequent\"");
    Error::data(origin, place, expected, "more")
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Sum {
    n: u64,
    sum: f64,
}

impl Partial for Sum {
    fn merge(&mut self, right: Self) {
        self.n += right.n;
        self.sum += right.sum;
    }
}

struct SumPass;

impl<T: Real> Pass<T> for SumPass {
    type Partial = Vec<Sum>;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Vec<Sum>> {
        let mut sums = vec![Sum::default(); block.n_features];
        for row in block.x.chunks_exact(block.n_features.max(1)) {
            for (sum, value) in sums.iter_mut().zip(row).filter(|(_, value)| value.is_finite()) {
                sum.merge(Sum { n: 1, sum: value.to_f64() });
            }
        }
        Ok(sums)
    }
}

/// The rows of each value, ascending by value.
#[derive(Clone, Default, Serialize, Deserialize)]
struct ValueCounts(Vec<(u64, u64)>);

impl ValueCounts {
    /// The value of most rows, the least of several; NaN without rows.
    fn most_frequent(&self) -> f64 {
        let better = |best: (u64, u64), next: &(u64, u64)| if next.1 > best.1 { *next } else { best };
        let (key, rows) = self.0.iter().fold((0, 0), better);
        if rows == 0 { f64::NAN } else { from_ordered(key) }
    }

    fn join(&mut self) {
        self.0.sort_unstable_by_key(|(key, _)| *key);
        self.0.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
    }
}

impl Partial for ValueCounts {
    fn merge(&mut self, right: Self) {
        // Past the limit only the fact counts.
        if self.0.len() <= MOST_VALUES {
            self.0.extend(right.0);
            self.join();
        }
    }
}

struct CountPass {
    origin: String,
}

impl<T: Real> Pass<T> for CountPass {
    type Partial = Vec<ValueCounts>;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Vec<ValueCounts>> {
        let of_column = |column: usize| {
            let values = block.x[column..].iter().step_by(block.n_features).filter(|value| value.is_finite());
            let mut counts = ValueCounts(values.map(|value| (to_ordered(value.to_f64()), 1)).collect());
            counts.join();
            if counts.0.len() > MOST_VALUES { Err(too_many(&self.origin, column)) } else { Ok(counts) }
        };
        (0..block.n_features).map(of_column).collect()
    }
}

/// A fitted SimpleImputer.
#[derive(Clone, Debug, PartialEq)]
pub struct SimpleImputer {
    params: SimpleImputerParams,
    /// What stands in for a missing value of each feature; NaN for a feature that is left out.
    pub statistics_: Vec<f64>,
    /// Features that are kept.
    kept: Vec<usize>,
}

impl SimpleImputer {
    fn new(params: SimpleImputerParams, statistics: Vec<f64>) -> Self {
        let kept = (0..statistics.len()).filter(|&column| !statistics[column].is_nan()).collect();
        Self { params, statistics_: statistics, kept }
    }

    /// The imputer as named arrays.
    pub fn export(&self) -> Model {
        let attributes = vec![
            ("statistics_".to_owned(), Array::vector(Values::F64(self.statistics_.clone()))),
            ("n_features_in_".into(), Array::integer(self.statistics_.len() as i64)),
        ];
        let params = serde_json::to_value(&self.params).unwrap_or_default();
        Model { estimator: "SimpleImputer".into(), params, attributes }
    }

    /// An imputer from named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or of the wrong shape.
    pub fn import(model: &Model) -> Result<Self> {
        let (d, statistics) = (model.count("n_features_in_")?, model.numbers("statistics_")?);
        let sound = statistics.len() == d
            && statistics.iter().all(|value| !value.is_infinite())
            && statistics.iter().any(|value| !value.is_nan());
        if !sound {
            let expected = format!("{d} finite numbers in statistics_, or NaN for features left out");
            return Err(Error::data("model", Place::default(), expected, "others"));
        }
        Ok(Self::new(model.params_as()?, statistics))
    }
}

impl<T: Real> RowMap<T> for SimpleImputer {
    fn n_inputs(&self) -> usize {
        self.statistics_.len()
    }

    fn n_outputs(&self) -> usize {
        self.kept.len()
    }

    fn keeps_columns(&self) -> bool {
        self.kept.len() == self.statistics_.len()
    }

    fn name(&self) -> &str {
        "SimpleImputer"
    }

    fn takes_missing(&self) -> bool {
        true
    }

    fn map(&self, x: &[T], out: &mut [T]) {
        let (d, k) = (self.statistics_.len(), self.kept.len());
        for (row, out) in x.chunks_exact(d).zip(out.chunks_exact_mut(k)) {
            for (out, &column) in out.iter_mut().zip(&self.kept) {
                let value = row[column];
                *out = if value.is_finite() { value } else { T::from_f64(self.statistics_[column]) };
            }
        }
    }
}
