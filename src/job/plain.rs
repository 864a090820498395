//! Estimators that fit on plain arrays by themselves, in a job.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table as Toml;

use super::document::Document;
use super::fit::{Fitted, sweep, table};
use super::searchable;
use super::spec::Job;
use crate::comm::{Communicator, agree};
use crate::data::{BlockSource, Table};
use crate::error::Result;
use crate::estimator::Model;
use crate::estimator::neighbors::{KNeighborsModel, KNeighborsParams, KNeighborsSearch, NeighborsKind};
use crate::estimator::plain::{PlainEstimator, PlainModel};
use crate::estimator::plain_search::PlainSearch;
use crate::estimator::searchable::Searchable;
use crate::estimator::svm::linear::{LinearSvcParams, LinearSvmModel, LinearSvrParams};
use crate::kernel::Real;
use crate::model_selection::Search;
use crate::results::{Contents, FileKeeper};
use crate::telemetry::{Phase, Telemetry};

/// The names of these estimators.
pub(super) const PLAIN: [&str; 4] = ["KNeighborsClassifier", "KNeighborsRegressor", "LinearSVC", "LinearSVR"];

/// Parameters of one of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PlainJob {
    /// Nearest neighbours.
    Neighbors(KNeighborsParams),
    /// Linear support vector classification.
    LinearSvc(LinearSvcParams),
    /// Linear support vector regression.
    LinearSvr(LinearSvrParams),
}

impl PlainJob {
    /// Reads the section `[estimator]` when `name` is one of these.
    ///
    /// # Errors
    /// [`crate::Error::Job`] for keys and values that cannot be used.
    pub(super) fn read(document: &Document, name: &str, section: &Toml) -> Result<Option<Self>> {
        fn read<P: DeserializeOwned>(document: &Document, section: &Toml) -> Result<P> {
            document.read("estimator", section.clone(), &["name"])
        }
        if let Some(kind) = NeighborsKind::of(name) {
            return Ok(Some(Self::Neighbors(KNeighborsParams { kind, ..read(document, section)? })));
        }
        Ok(match name {
            "LinearSVC" => Some(Self::LinearSvc(read(document, section)?)),
            "LinearSVR" => Some(Self::LinearSvr(read(document, section)?)),
            _ => None,
        })
    }

    /// The estimator's name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Neighbors(params) => params.kind.name(),
            Self::LinearSvc(_) => "LinearSVC",
            Self::LinearSvr(_) => "LinearSVR",
        }
    }

    /// Whether targets are classes.
    pub(super) fn is_classifier(&self) -> bool {
        match self {
            Self::Neighbors(params) => params.kind.is_classifier(),
            Self::LinearSvc(_) => true,
            Self::LinearSvr(_) => false,
        }
    }

    /// The estimator with checked parameters; `seed` is used where there is no `random_state`.
    ///
    /// # Errors
    /// [`crate::Error::Job`] with the key of the first parameter that cannot be used.
    pub(super) fn validate(&self, seed: u64) -> Result<Box<dyn PlainEstimator>> {
        Ok(match self {
            Self::Neighbors(params) => Box::new(params.clone().validate()?),
            Self::LinearSvc(params) => Box::new(params.clone().validate(seed)?),
            Self::LinearSvr(params) => Box::new(params.clone().validate(seed)?),
        })
    }

    /// The search over it.
    fn searchable(&self, job: &Job, search: &Search, table: Arc<Table>) -> Result<Box<dyn Searchable>> {
        let scorers = searchable::scorers(search, &table.y)?;
        let train = search.return_train_score;
        match self {
            Self::Neighbors(params) => {
                let kind = params.kind;
                let candidates =
                    searchable::candidates(job, params, search, |candidate: KNeighborsParams| {
                        KNeighborsParams { kind, ..candidate }.validate()
                    })?;
                Ok(Box::new(KNeighborsSearch::new(table, candidates, scorers, train)?))
            }
            Self::LinearSvc(params) => {
                let of = |candidate: LinearSvcParams| candidate.validate(job.seed);
                let candidates = searchable::candidates(job, params, search, of)?;
                Ok(Box::new(PlainSearch::new(table, boxed(candidates), scorers, train)?))
            }
            Self::LinearSvr(params) => {
                let of = |candidate: LinearSvrParams| candidate.validate(job.seed);
                let candidates = searchable::candidates(job, params, search, of)?;
                Ok(Box::new(PlainSearch::new(table, boxed(candidates), scorers, train)?))
            }
        }
    }
}

fn boxed<E: PlainEstimator + 'static>(candidates: Vec<E>) -> Vec<Box<dyn PlainEstimator>> {
    candidates.into_iter().map(|candidate| Box::new(candidate) as Box<dyn PlainEstimator>).collect()
}

/// Fits on rank 0.
///
/// # Collective
/// That of reading the data, and one agreement.
///
/// # Errors
/// What the data and the parameters make impossible.
pub(super) fn fit<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    plain: &PlainJob,
    source: &dyn BlockSource<T>,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    let table = table(comm, job, source, telemetry)?;
    let estimator = plain.validate(job.seed)?;
    estimator.check_table(&table).map_err(|error| job.place("estimator", error))?;
    let rows: Vec<usize> = (0..table.y.len()).collect();
    let fitted = match comm.is_root() {
        true => telemetry.time(Phase::Compute, || estimator.fit_rows(&table, &rows)).map(Some),
        false => Ok(None),
    };
    let model = agree(comm, fitted)?;
    if model.as_ref().is_some_and(|model| !model.converged()) {
        telemetry.warn(&format!(
            "{} did not converge within max_iter iterations; the model is the last one's",
            plain.name()
        ));
    }
    let contents = Contents { model: model.map(|model| model.export()), ..Contents::default() };
    Ok(Fitted { contents, cluster_sizes: None, report: None, writer: None })
}

/// Searches over the parameters.
///
/// # Collective
/// Those of reading the data and of the sweep.
///
/// # Errors
/// As [`fit`], and what the search cannot do.
pub(super) fn search<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    plain: &PlainJob,
    search: &Search,
    source: &dyn BlockSource<T>,
    keeper: &FileKeeper,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    let table = table(comm, job, source, telemetry)?;
    plain.validate(job.seed)?.check_table(&table).map_err(|error| job.place("estimator", error))?;
    let splits = search.splits(table.y.len(), &table.y, None).map_err(|error| job.place("search", error))?;
    splits.warnings.iter().for_each(|warning| telemetry.warn(warning));
    let searchable = plain.searchable(job, search, Arc::new(table))?;
    sweep(comm, &*searchable, &splits.splits, search, keeper, telemetry)
}

/// The model of one of these estimators from its named arrays; none for another's.
///
/// # Errors
/// [`crate::Error::Data`] when attributes are missing or do not fit together.
pub(super) fn import(model: &Model) -> Result<Option<Box<dyn PlainModel>>> {
    Ok(match model.estimator.as_str() {
        "KNeighborsClassifier" | "KNeighborsRegressor" => Some(Box::new(KNeighborsModel::import(model)?)),
        "LinearSVC" | "LinearSVR" => Some(Box::new(LinearSvmModel::import(model)?)),
        _ => None,
    })
}
