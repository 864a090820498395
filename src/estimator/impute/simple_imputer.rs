//! Missing values replaced by one number a feature, and told by columns of their own where that is asked for.

use serde::{Deserialize, Deserializer, Serialize};

use crate::comm::Partial;
use crate::data::{Block, RowMap};
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Place, Result};
use crate::estimator::parameter::or_none;
use crate::estimator::preprocessing::{is_present, middle, order_statistics};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;
use crate::kernel::ordered_bits::{from_ordered, to_ordered};

/// The features that have a column of 1 and 0 each, `indicator_.features_` of scikit-learn.
const TOLD: &str = "indicator_features_";

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

/// Parameters of SimpleImputer with scikit-learn's names and defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimpleImputerParams {
    /// The number that stands for a missing value, beside which there may be no NaN; without it NaN does (in a CSV file: an
    /// empty field).
    #[serde(deserialize_with = "marker")]
    pub missing_values: Option<f64>,
    /// What stands in for a missing value.
    pub strategy: Strategy,
    /// The constant; 0 when absent.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub fill_value: Option<f64>,
    /// Whether features without any value are kept (as 0, or as the constant) instead of left out.
    pub keep_empty_features: bool,
    /// Whether rows get a 1 or a 0 behind their features for each feature of which the fit misses values: 1 where it is missing.
    pub add_indicator: bool,
}

/// Reads a number, of which NaN is none.
fn marker<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<f64>, D::Error> {
    Ok(or_none::<f64, D>(from)?.filter(|value| !value.is_nan()))
}

impl SimpleImputerParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Job`] for numbers that are not finite, or a constant that the strategy has no use for.
    pub fn validate(&self) -> Result<()> {
        if let Some(value) = self.missing_values.filter(|value| value.is_infinite()) {
            return Err(Error::job("missing_values", "nan or a finite number", value.to_string()));
        }
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
        let marker = self.marker::<T>();
        let (statistics, present): (Vec<f64>, Vec<u64>) = match self.strategy {
            Strategy::Mean | Strategy::Constant => {
                let sums = engine.run_once(&SumPass { marker })?;
                let constant = self.fill_value.unwrap_or(0.0);
                let mean = |sum: &Sum| match self.strategy {
                    Strategy::Constant if sum.n > 0 || self.keep_empty_features => constant,
                    Strategy::Constant => f64::NAN,
                    _ => or_empty(sum.sum / sum.n as f64),
                };
                sums.iter().map(|sum| (mean(sum), sum.n)).unzip()
            }
            Strategy::Median => {
                let columns = order_statistics(engine, marker, |n| middle(n).to_vec())?;
                columns.iter().map(|column| (or_empty(column.median()), column.n)).unzip()
            }
            Strategy::MostFrequent => {
                let origin = engine.origin();
                let columns = engine.run_once(&CountPass { origin: origin.clone(), marker })?;
                if let Some(column) = columns.iter().position(|counts| counts.0.len() > MOST_VALUES) {
                    return Err(too_many(&origin, column));
                }
                columns.iter().map(|counts| (or_empty(counts.most_frequent()), counts.n())).unzip()
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
        let n = engine.shape().n_samples;
        let told = (0..present.len()).filter(|&column| self.add_indicator && present[column] < n).collect();
        Ok(SimpleImputer::new(self.clone(), statistics, told))
    }

    /// Whether it takes rows with NaN.
    pub fn takes_missing(&self) -> bool {
        self.missing_values.is_none()
    }

    /// What stands for a missing value, as rows of the type `T` have it.
    fn marker<T: Real>(&self) -> Option<f64> {
        self.missing_values.map(|value| T::from_f64(value).to_f64())
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

struct SumPass {
    marker: Option<f64>,
}

impl<T: Real> Pass<T> for SumPass {
    type Partial = Vec<Sum>;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Vec<Sum>> {
        let mut sums = vec![Sum::default(); block.n_features];
        for row in block.x.chunks_exact(block.n_features.max(1)) {
            let values = row.iter().map(|value| value.to_f64());
            for (sum, value) in
                sums.iter_mut().zip(values).filter(|(_, value)| is_present(*value, self.marker))
            {
                sum.merge(Sum { n: 1, sum: value });
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

    /// How many rows have a value.
    fn n(&self) -> u64 {
        self.0.iter().map(|(_, rows)| rows).sum()
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
    marker: Option<f64>,
}

impl<T: Real> Pass<T> for CountPass {
    type Partial = Vec<ValueCounts>;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Vec<ValueCounts>> {
        let of_column = |column: usize| {
            let values = block.x[column..].iter().step_by(block.n_features).map(|value| value.to_f64());
            let values = values.filter(|value| is_present(*value, self.marker));
            let mut counts = ValueCounts(values.map(|value| (to_ordered(value), 1)).collect());
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
    /// Features whose missing values have a column of their own, behind those.
    told: Vec<usize>,
}

impl SimpleImputer {
    fn new(params: SimpleImputerParams, statistics: Vec<f64>, told: Vec<usize>) -> Self {
        let kept = (0..statistics.len()).filter(|&column| !statistics[column].is_nan()).collect();
        Self { params, statistics_: statistics, kept, told }
    }

    /// The imputer as named arrays.
    pub fn export(&self) -> Model {
        let mut attributes = vec![
            ("statistics_".to_owned(), Array::vector(Values::F64(self.statistics_.clone()))),
            ("n_features_in_".into(), Array::integer(self.statistics_.len() as i64)),
        ];
        if self.params.add_indicator {
            let features = self.told.iter().map(|&column| column as i64).collect();
            attributes.push((TOLD.into(), Array::vector(Values::I64(features))));
        }
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
        let params: SimpleImputerParams = model.params_as()?;
        let told = if params.add_indicator { model.numbers(TOLD)? } else { Vec::new() };
        let is_column = |column: &f64| *column >= 0.0 && column.fract() == 0.0 && *column < d as f64;
        if !told.iter().all(is_column) {
            return Err(Error::data(
                "model",
                Place::default(),
                format!("numbers of {d} features in {TOLD}"),
                "others",
            ));
        }
        Ok(Self::new(params, statistics, told.into_iter().map(|column| column as usize).collect()))
    }
}

impl<T: Real> RowMap<T> for SimpleImputer {
    fn n_inputs(&self) -> usize {
        self.statistics_.len()
    }

    fn n_outputs(&self) -> usize {
        self.kept.len() + self.told.len()
    }

    fn keeps_columns(&self) -> bool {
        self.kept.len() == self.statistics_.len() && self.told.is_empty()
    }

    fn name(&self) -> &str {
        "SimpleImputer"
    }

    fn takes_missing(&self) -> bool {
        self.params.takes_missing()
    }

    fn map(&self, x: &[T], out: &mut [T]) {
        let (d, k, marker) = (self.statistics_.len(), self.kept.len(), self.params.marker::<T>());
        // Beside a number that stands for what is missing NaN stays, and is refused.
        let is_missing = |value: T| marker.map_or(!value.is_finite(), |marker| value.to_f64() == marker);
        for (row, out) in x.chunks_exact(d).zip(out.chunks_exact_mut(k + self.told.len())) {
            let (values, flags) = out.split_at_mut(k);
            for (out, &column) in values.iter_mut().zip(&self.kept) {
                let value = row[column];
                *out = if is_missing(value) { T::from_f64(self.statistics_[column]) } else { value };
            }
            for (out, &column) in flags.iter_mut().zip(&self.told) {
                *out = T::from_f64(f64::from(u8::from(is_missing(row[column]))));
            }
        }
    }
}
