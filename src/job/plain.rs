//! Estimators that fit on plain arrays by themselves, in a job.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table as Toml;

use super::document::Document;
use super::fit::{Fitted, table};
use super::searchable;
use super::spec::Job;
use crate::comm::{Communicator, agree};
use crate::data::{BlockSource, Table};
use crate::error::Result;
use crate::estimator::Model;
use crate::estimator::fold_search::{FoldFit, FoldSearch};
use crate::estimator::neighbors::{KNeighborsModel, KNeighborsParams, KNeighborsSearch, NeighborsKind};
use crate::estimator::plain::{PlainEstimator, PlainModel};
use crate::estimator::searchable::Searchable;
use crate::estimator::svm::linear::{LinearSvcParams, LinearSvmModel, LinearSvrParams};
use crate::estimator::svm::svr::{SvrModel, SvrParams, SvrSearch};
use crate::kernel::Real;
use crate::model_selection::{Candidate, Search};
use crate::results::Contents;
use crate::telemetry::{Phase, Telemetry};

/// The names of these estimators.
pub(super) const PLAIN: [&str; 5] =
    ["KNeighborsClassifier", "KNeighborsRegressor", "LinearSVC", "LinearSVR", "SVR"];

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
    /// Support vector regression with a kernel.
    Svr(SvrParams),
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
            "SVR" => Some(Self::Svr(read(document, section)?)),
            _ => None,
        })
    }

    /// The estimator's name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Neighbors(params) => params.kind.name(),
            Self::LinearSvc(_) => "LinearSVC",
            Self::LinearSvr(_) => "LinearSVR",
            Self::Svr(_) => "SVR",
        }
    }

    /// Whether targets are classes.
    pub(super) fn is_classifier(&self) -> bool {
        match self {
            Self::Neighbors(params) => params.kind.is_classifier(),
            Self::LinearSvc(_) => true,
            Self::LinearSvr(_) | Self::Svr(_) => false,
        }
    }

    /// Whether it learns from rows that are all of one class, as scikit-learn's does.
    pub(super) fn takes_one_class(&self) -> bool {
        matches!(self, Self::Neighbors(_))
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
            Self::Svr(params) => Box::new(params.clone().validate()?),
        })
    }

    /// The search over `candidates` with the rows of `table`, in at most `budget_bytes`; with what the ranks of
    /// `together` share, where they all make it.
    ///
    /// # Collective
    /// That of sharing, with `together`.
    ///
    /// # Errors
    /// [`crate::Error::Job`] at the key of the search, [`crate::Error::Data`] for data that cannot be learnt from.
    pub(super) fn searchable(
        &self,
        job: &Job,
        search: &Search,
        candidates: &[Candidate],
        table: &Arc<Table>,
        budget_bytes: usize,
        together: Option<(&dyn Communicator, &Telemetry)>,
    ) -> Result<Box<dyn Searchable>> {
        let at = At { job, search, candidates, table };
        match self {
            Self::Neighbors(params) => {
                let kind = params.kind;
                let all = at.all(params, |p: KNeighborsParams| KNeighborsParams { kind, ..p }.validate())?;
                let scores = searchable::row_scores(job, search, table);
                Ok(Box::new(KNeighborsSearch::new(table.clone(), all, scores, search.return_train_score)?))
            }
            Self::LinearSvc(params) => {
                searchable::refuse_probabilities(job, search, "LinearSVC")?;
                at.each(params, |p: LinearSvcParams| p.validate(job.seed))
            }
            Self::LinearSvr(params) => at.each(params, |p: LinearSvrParams| p.validate(job.seed)),
            Self::Svr(params) => {
                let all = at.all(params, SvrParams::validate)?;
                let (scores, train) = (searchable::row_scores(job, search, table), search.return_train_score);
                let made = SvrSearch::new(table.clone(), all, scores, train, budget_bytes)?;
                if let Some((comm, telemetry)) = together {
                    searchable::tell_shared(telemetry, "dot products", made.share_products(comm)?);
                }
                Ok(Box::new(made))
            }
        }
    }
}

/// The points of a search.
struct At<'a> {
    job: &'a Job,
    search: &'a Search,
    candidates: &'a [Candidate],
    table: &'a Arc<Table>,
}

impl At<'_> {
    /// The estimator at every candidate, checked against the data.
    fn all<P, E>(&self, params: &P, check: impl Fn(P) -> Result<E>) -> Result<Vec<E>>
    where
        P: Serialize + DeserializeOwned,
        E: PlainEstimator,
    {
        let all = searchable::candidates(self.job, params, self.candidates, check)?;
        searchable::check_tables(self.job, &all, self.candidates, self.table)?;
        Ok(all)
    }

    /// A search in which each candidate is fitted by itself.
    fn each<P, E>(&self, params: &P, check: impl Fn(P) -> Result<E>) -> Result<Box<dyn Searchable>>
    where
        P: Serialize + DeserializeOwned,
        E: PlainEstimator + FoldFit + 'static,
    {
        let all = self.all(params, check)?.into_iter();
        let fits = all.map(|one| Box::new(one) as Box<dyn FoldFit>).collect();
        let scores = searchable::row_scores(self.job, self.search, self.table);
        Ok(Box::new(FoldSearch::new(self.table.clone(), fits, scores, self.search.return_train_score)))
    }
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
    let _unkept = telemetry.unkept();
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

/// The model of one of these estimators from its named arrays; none for another's.
///
/// # Errors
/// [`crate::Error::Data`] when attributes are missing or do not fit together.
pub(super) fn import(model: &Model) -> Result<Option<Box<dyn PlainModel>>> {
    Ok(match model.estimator.as_str() {
        "KNeighborsClassifier" | "KNeighborsRegressor" => Some(Box::new(KNeighborsModel::import(model)?)),
        "LinearSVC" | "LinearSVR" => Some(Box::new(LinearSvmModel::import(model)?)),
        "SVR" => Some(Box::new(SvrModel::import(model)?)),
        _ => None,
    })
}
