//! A transformer in the job: a step of `[[pipeline]]`, or the sole estimator.

use serde::Serialize;
use toml::{Table, Value};

use super::document::Document;
use super::estimator::ESTIMATORS;
use super::wording;
use crate::engine::pass::PassEngine;
use crate::error::Result;
use crate::estimator::decomposition::{PcaParams, TruncatedSvdParams};
use crate::estimator::impute::SimpleImputerParams;
use crate::estimator::preprocessing::{
    MinMaxScalerParams, QuantileTransformerParams, RobustScalerParams, StandardScalerParams,
};
use crate::estimator::transformer::TRANSFORMERS;
use crate::estimator::{Model, Transformer};
use crate::kernel::Real;

/// A transformer and its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TransformerJob {
    /// Mean 0 and variance 1.
    StandardScaler(StandardScalerParams),
    /// A given range.
    MinMaxScaler(MinMaxScalerParams),
    /// Principal components.
    Pca(PcaParams),
    /// Singular vectors of uncentred data.
    TruncatedSvd(TruncatedSvdParams),
    /// Median and quartiles.
    RobustScaler(RobustScalerParams),
    /// An even or normal distribution.
    QuantileTransformer(QuantileTransformerParams),
    /// No missing values.
    SimpleImputer(SimpleImputerParams),
}

impl TransformerJob {
    /// Reads the parameters in `table`, which stands at the dotted path `prefix`; `None` for another's `name`.
    ///
    /// # Errors
    /// [`crate::Error::Job`] for what cannot be used.
    pub(super) fn read(document: &Document, prefix: &str, name: &str, table: Table) -> Result<Option<Self>> {
        let known = &["name"];
        Ok(Some(match name {
            "StandardScaler" => Self::StandardScaler(document.read(prefix, table, known)?),
            "MinMaxScaler" => Self::MinMaxScaler(document.read(prefix, table, known)?),
            "PCA" => Self::Pca(document.read(prefix, table, known)?),
            "TruncatedSVD" => Self::TruncatedSvd(document.read(prefix, table, known)?),
            "RobustScaler" => Self::RobustScaler(document.read(prefix, table, known)?),
            "QuantileTransformer" => Self::QuantileTransformer(document.read(prefix, table, known)?),
            "SimpleImputer" => Self::SimpleImputer(document.read(prefix, table, known)?),
            _ => return Ok(None),
        }))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StandardScaler(_) => TRANSFORMERS[0],
            Self::MinMaxScaler(_) => TRANSFORMERS[1],
            Self::Pca(_) => TRANSFORMERS[2],
            Self::TruncatedSvd(_) => TRANSFORMERS[3],
            Self::RobustScaler(_) => TRANSFORMERS[4],
            Self::QuantileTransformer(_) => TRANSFORMERS[5],
            Self::SimpleImputer(_) => TRANSFORMERS[6],
        }
    }

    /// Whether it takes rows with missing values.
    pub(super) fn takes_missing(&self) -> bool {
        matches!(self, Self::SimpleImputer(params) if params.takes_missing())
    }

    /// Whether rows count in it by their weights.
    pub(super) fn takes_weights(&self) -> bool {
        matches!(self, Self::StandardScaler(_))
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`crate::Error::Job`] without a place.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::StandardScaler(_) => Ok(()),
            Self::MinMaxScaler(params) => params.validate(),
            Self::Pca(params) => params.validate(),
            Self::TruncatedSvd(params) => params.validate(),
            Self::RobustScaler(params) => params.validate(),
            Self::QuantileTransformer(params) => params.validate(),
            Self::SimpleImputer(params) => params.validate(),
        }
    }

    /// Fits it.
    ///
    /// # Collective
    /// One pass.
    ///
    /// # Errors
    /// Those of the transformer, without a place.
    pub(super) fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<Transformer<T>> {
        let model: Model = match self {
            Self::StandardScaler(params) => params.fit(engine)?.export(),
            Self::MinMaxScaler(params) => params.fit(engine)?.export(),
            Self::Pca(params) => params.fit(engine)?.export(),
            Self::TruncatedSvd(params) => params.fit(engine)?.export(),
            Self::RobustScaler(params) => params.fit(engine)?.export(),
            Self::QuantileTransformer(params) => params.fit(engine)?.export(),
            Self::SimpleImputer(params) => params.fit(engine)?.export(),
        };
        // What follows starts from what the file holds, as a later predict does.
        Transformer::import(model)
    }

    /// The section with all defaults.
    pub(super) fn to_table(&self) -> Result<Table, toml::ser::Error> {
        let mut table = Table::new();
        table.insert("name".into(), self.name().into());
        table.extend(Table::try_from(self)?);
        Ok(table)
    }
}

/// Reads the steps `[[pipeline]]`.
///
/// # Errors
/// [`crate::Error::Job`] for what cannot be used, and for a step that is no transformer.
pub(super) fn read_steps(document: &Document) -> Result<Vec<TransformerJob>> {
    let steps = match document.get("pipeline") {
        None => return Ok(Vec::new()),
        Some(Value::Array(steps)) => steps,
        Some(other) => {
            let expected = "steps, each a section [[pipeline]]";
            return Err(document.fault("pipeline", expected, wording::describe(other), None));
        }
    };
    steps.iter().enumerate().map(|(number, step)| read_step(document, number, step)).collect()
}

fn read_step(document: &Document, number: usize, step: &Value) -> Result<TransformerJob> {
    let prefix = format!("pipeline.{number}");
    let Value::Table(table) = step else {
        return Err(document.fault(&prefix, "a section [[pipeline]]", wording::describe(step), None));
    };
    let mut table = table.clone();
    let key = format!("{prefix}.name");
    let expected = wording::one_of(&TRANSFORMERS);
    let name = match table.remove("name") {
        Some(Value::String(name)) => name,
        found => {
            let found = found.as_ref().map_or_else(|| "nothing".into(), wording::describe);
            return Err(document.fault(&key, expected, found, None));
        }
    };
    if let Some(step) = TransformerJob::read(document, &prefix, &name, table)? {
        return Ok(step);
    }
    let hint = if ESTIMATORS.contains(&name.as_str()) {
        Some("the last step is the section [estimator]".into())
    } else {
        wording::nearest(&name, &TRANSFORMERS).map(|near| format!("did you mean \"{near}\"?"))
    };
    Err(document.fault(&key, expected, format!("the text {name:?}"), hint))
}
