//! The job's section `[estimator]`: what is fitted, and with which parameters.

use serde::Serialize;
use toml::{Table, Value};

use super::document::Document;
use super::plain::{PLAIN, PlainJob};
use super::transformer::TransformerJob;
use super::wording;
use crate::error::Result;
use crate::estimator::cluster::{KMeansParams, MiniBatchKMeansParams};
use crate::estimator::ensemble::{ForestKind, ForestParams, MaxFeatures, TreeParams};
use crate::estimator::linear_model::LinearParams;
use crate::estimator::naive_bayes::GaussianNbParams;
use crate::estimator::parameter::NONE;
use crate::estimator::svm::SvcParams;
use crate::estimator::transformer::TRANSFORMERS;

/// The estimators, as they are called in a job.
pub const ESTIMATORS: [&str; 16] = [
    "KMeans",
    "SVC",
    "LinearRegression",
    "Ridge",
    "Lasso",
    "ElasticNet",
    "LogisticRegression",
    "PoissonRegressor",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "GaussianNB",
    "MiniBatchKMeans",
];

/// An estimator and its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EstimatorJob {
    /// K-means, on the pass engine.
    KMeans(KMeansParams),
    /// Support vector classification, on plain arrays.
    Svc(SvcParams),
    /// A linear model, on the pass engine.
    Linear(LinearParams),
    /// A transformer by itself, on the pass engine.
    Transformer(TransformerJob),
    /// Random forests and extra trees, on plain arrays.
    Forest(ForestParams),
    /// A single tree, on plain arrays.
    Tree(TreeParams),
    /// Gaussian naive Bayes, on the pass engine.
    GaussianNb(GaussianNbParams),
    /// K-means on random batches, on the pass engine.
    MiniBatchKMeans(MiniBatchKMeansParams),
    /// Another estimator on plain arrays.
    Plain(PlainJob),
}

impl EstimatorJob {
    /// Reads the section.
    ///
    /// # Errors
    /// [`crate::Error::Job`] for what cannot be used.
    pub(super) fn read(document: &Document) -> Result<Self> {
        Self::of(document, document.section("estimator")?.clone())
    }

    /// Reads `table`, as if it were the section of `document`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn of(document: &Document, mut table: Table) -> Result<Self> {
        // A file, and so the job's affair.
        table.remove("warm_start");
        let name = match table.remove("name") {
            Some(Value::String(name)) => name,
            found => {
                let found = found.as_ref().map_or_else(|| "nothing".into(), wording::describe);
                return Err(document.fault("estimator.name", wording::one_of(&names()), found, None));
            }
        };
        if let Some(step) = TransformerJob::read(document, "estimator", &name, table.clone())? {
            return Ok(Self::Transformer(step));
        }
        if let Some(kind) = ForestKind::of(&name).filter(|kind| kind.is_single()) {
            let params: TreeParams = document.read("estimator", table, &["name"])?;
            return Ok(Self::Tree(TreeParams { kind, ..params }.resolved()));
        }
        if let Some(kind) = ForestKind::of(&name) {
            let params: ForestParams = document.read("estimator", table, &["name"])?;
            return Ok(Self::Forest(ForestParams { kind, ..params }.resolved()));
        }
        if let Some(plain) = PlainJob::read(document, &name, &table)? {
            return Ok(Self::Plain(plain));
        }
        match name.as_str() {
            "KMeans" => Ok(Self::KMeans(document.read("estimator", table, &["name"])?)),
            "MiniBatchKMeans" => Ok(Self::MiniBatchKMeans(document.read("estimator", table, &["name"])?)),
            "GaussianNB" => Ok(Self::GaussianNb(document.read("estimator", table, &["name"])?)),
            "SVC" => Ok(Self::Svc(document.read("estimator", table, &["name"])?)),
            "LinearRegression" => linear(document, table, LinearParams::LinearRegression),
            "Ridge" => linear(document, table, LinearParams::Ridge),
            "Lasso" => linear(document, table, LinearParams::Lasso),
            "ElasticNet" => linear(document, table, LinearParams::ElasticNet),
            "LogisticRegression" => linear(document, table, LinearParams::LogisticRegression),
            "PoissonRegressor" => linear(document, table, LinearParams::PoissonRegressor),
            other => {
                let hint = wording::nearest(other, &names()).map(|near| format!("did you mean \"{near}\"?"));
                let found = format!("the text {other:?}");
                Err(document.fault("estimator.name", wording::one_of(&names()), found, hint))
            }
        }
    }

    /// The estimator's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::KMeans(_) => ESTIMATORS[0],
            Self::Svc(_) => ESTIMATORS[1],
            Self::Linear(params) => params.name(),
            Self::Transformer(step) => step.name(),
            Self::Forest(params) => params.kind.name(),
            Self::Tree(params) => params.kind.name(),
            Self::GaussianNb(_) => "GaussianNB",
            Self::MiniBatchKMeans(_) => "MiniBatchKMeans",
            Self::Plain(plain) => plain.name(),
        }
    }

    /// Whether it learns from targets.
    pub fn needs_targets(&self) -> bool {
        matches!(
            self,
            Self::Svc(_)
                | Self::Linear(_)
                | Self::Forest(_)
                | Self::Tree(_)
                | Self::Plain(_)
                | Self::GaussianNb(_)
        )
    }

    /// Whether targets are classes.
    pub fn is_classifier(&self) -> bool {
        match self {
            Self::KMeans(_) | Self::MiniBatchKMeans(_) | Self::Transformer(_) => false,
            Self::Svc(_) | Self::GaussianNb(_) => true,
            Self::Linear(params) => params.is_classifier(),
            Self::Forest(params) => params.kind.is_classifier(),
            Self::Tree(params) => params.kind.is_classifier(),
            Self::Plain(plain) => plain.is_classifier(),
        }
    }

    /// Whether it learns from rows that are all of one class, as scikit-learn's does.
    pub fn takes_one_class(&self) -> bool {
        match self {
            Self::GaussianNb(_) | Self::Forest(_) | Self::Tree(_) => true,
            Self::Plain(plain) => plain.takes_one_class(),
            _ => false,
        }
    }

    /// Whether a search can be made over its parameters.
    pub fn is_searchable(&self) -> bool {
        !matches!(self, Self::KMeans(_) | Self::MiniBatchKMeans(_) | Self::Transformer(_))
    }

    /// Whether its fit can start from another's model.
    pub fn takes_warm_start(&self) -> bool {
        match self {
            Self::KMeans(_) => true,
            Self::Linear(params) => params.max_iter().is_some(),
            _ => false,
        }
    }

    /// Whether it gives every row a label while it fits.
    pub fn is_clusterer(&self) -> bool {
        matches!(self, Self::KMeans(_) | Self::MiniBatchKMeans(_))
    }

    /// The section with all defaults.
    pub(super) fn to_table(&self) -> Result<Table, toml::ser::Error> {
        let mut table = Table::new();
        table.insert("name".into(), self.name().into());
        match self {
            // TOML has no null, and an absent key is another value.
            Self::Forest(params) if params.max_features == Some(MaxFeatures::All) => {
                table.extend(Table::try_from(ForestParams { max_features: None, ..params.clone() })?);
                table.insert("max_features".into(), NONE.into());
            }
            Self::Tree(params) if params.max_features == Some(MaxFeatures::All) => {
                table.extend(Table::try_from(TreeParams { max_features: None, ..params.clone() })?);
                table.insert("max_features".into(), NONE.into());
            }
            _ => table.extend(Table::try_from(self)?),
        }
        Ok(table)
    }
}

fn linear<P: serde::de::DeserializeOwned>(
    document: &Document,
    table: Table,
    of: fn(P) -> LinearParams,
) -> Result<EstimatorJob> {
    Ok(EstimatorJob::Linear(of(document.read("estimator", table, &["name"])?)))
}

/// Everything that can be fitted by itself.
pub(super) fn names() -> Vec<&'static str> {
    ESTIMATORS.iter().chain(&PLAIN).chain(&TRANSFORMERS).copied().collect()
}
