//! The one place that knows every estimator: how each is fitted by the engine it runs on.

use std::sync::Arc;

use super::estimator::EstimatorJob;
use super::run::Plan;
use super::spec::Job;
use super::{forest, pipeline, plain, searchable, source};
use crate::comm::{Communicator, agree};
use crate::data::{BlockSource, Feed, Parts, Table};
use crate::engine::keeper::Keeper;
use crate::engine::pass::PassEngine;
use crate::engine::rows::{RowSink, stream_kept};
use crate::engine::sweep::{FitOutcome, SweepReport, Watch};
use crate::error::Result;
use crate::estimator::cluster::KMeansParams;
use crate::estimator::cluster::kmeans::FitLabels;
use crate::estimator::linear_model::LinearParams;
use crate::estimator::searchable::{Searchable, Split};
use crate::estimator::svm::{SvcModel, SvcParams, SvcSearch};
use crate::estimator::{Array, Values};
use crate::kernel::Real;
use crate::model_selection::{CvResults, Search, run_search};
use crate::partition::Slice;
use crate::results::{self, Contents, FileKeeper, Output, ResultsWriter, RowType, schema};
use crate::telemetry::{Phase, Telemetry};

/// What a fit or search leaves for the results file.
pub(super) struct Fitted {
    pub(super) contents: Contents,
    pub(super) cluster_sizes: Option<Vec<u64>>,
    pub(super) report: Option<SweepReport>,
    /// The results file, on rank 0, where arrays of one value a row have been written into it already.
    pub(super) writer: Option<ResultsWriter>,
}

/// Checks the estimator's parameters.
///
/// # Errors
/// [`Error::Job`] with file and line.
pub(super) fn check(job: &Job) -> Result<()> {
    let checked = match &job.estimator {
        EstimatorJob::KMeans(params) => params.validate(job.seed).map(drop),
        EstimatorJob::Svc(params) => params.clone().validate().map(drop),
        EstimatorJob::Linear(params) => params.validate(),
        EstimatorJob::Transformer(step) => step.check(),
        EstimatorJob::Forest(params) => params.clone().validate(job.seed).map(drop),
        EstimatorJob::Plain(plain) => plain.validate(job.seed).map(drop),
    };
    checked.map_err(|error| job.place("estimator", error))?;
    pipeline::check(job)
}

/// Bytes of rows that this rank would hold at once.
pub(super) fn memory_bytes<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    source: Arc<dyn BlockSource<T>>,
) -> Result<u64> {
    let shape = source.shape().clone();
    match &job.estimator {
        EstimatorJob::KMeans(_) | EstimatorJob::Linear(_) => {
            let residency = source::residency::<T>(comm, job, &shape)?;
            if let EstimatorJob::KMeans(params) = &job.estimator {
                source::check_room::<T>(comm, job, &shape, params.validate(job.seed)?.label_bytes())?;
            }
            let waits = source.waits_for_input();
            let feed = Feed::new(source, residency, comm.rank(), comm.size());
            let streamed = feed.slice().len() - feed.n_resident();
            let in_flight = streamed.min(if waits { 2 } else { 1 });
            let part = feed.parts().shape().clone();
            let beside = match &job.estimator {
                EstimatorJob::Linear(params) => params.bytes_per_row().saturating_mul(part.block_rows as u64),
                _ => 0,
            };
            let each = part.block_bytes::<T>().saturating_add(beside);
            Ok(((feed.n_resident() + in_flight) as u64).saturating_mul(each))
        }
        EstimatorJob::Transformer(_) => {
            let n_local = Slice::of(shape.n_blocks(), comm.rank(), comm.size()).len();
            let in_flight = n_local.min(if source.waits_for_input() { 2 } else { 1 });
            Ok((in_flight as u64).saturating_mul(shape.block_bytes::<T>()))
        }
        EstimatorJob::Svc(_) | EstimatorJob::Forest(_) | EstimatorJob::Plain(_) => {
            source::check_table(comm, job, &shape)?;
            Ok(shape.n_samples * (shape.n_features as u64 + 1) * 8)
        }
    }
}

/// Fits what the plan says.
///
/// # Collective
/// Those of the engine.
///
/// # Errors
/// Those of the engine and the estimator.
pub(super) fn fit<T: Real>(
    comm: &dyn Communicator,
    plan: &Plan,
    source: Arc<dyn BlockSource<T>>,
    keeper: &FileKeeper,
    output: Option<&Output>,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    match (&plan.job.estimator, &plan.search) {
        (EstimatorJob::KMeans(params), _) => {
            k_means(comm, &plan.job, params, source, keeper, output, telemetry)
        }
        (EstimatorJob::Linear(params), _) => linear(comm, &plan.job, params, source, keeper, telemetry),
        (EstimatorJob::Svc(params), Some(search)) => {
            svc_search(comm, &plan.job, params, search, &*source, keeper, telemetry)
        }
        (EstimatorJob::Svc(params), None) => svc(comm, &plan.job, params, &*source, telemetry),
        (EstimatorJob::Transformer(step), _) => pipeline::fit_last(comm, &plan.job, step, source, telemetry),
        (EstimatorJob::Forest(params), Some(search)) => {
            forest::search(comm, &plan.job, params, search, &*source, keeper, telemetry)
        }
        (EstimatorJob::Forest(params), None) => forest::fit(comm, &plan.job, params, &*source, telemetry),
        (EstimatorJob::Plain(plain), Some(search)) => {
            plain::search(comm, &plan.job, plain, search, &*source, keeper, telemetry)
        }
        (EstimatorJob::Plain(plain), None) => plain::fit(comm, &plan.job, plain, &*source, telemetry),
    }
}

fn k_means<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    params: &KMeansParams,
    source: Arc<dyn BlockSource<T>>,
    keeper: &FileKeeper,
    output: Option<&Output>,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    let shape = source.shape().clone();
    let k_means = params.validate(job.seed)?;
    let residency = source::residency::<T>(comm, job, &shape)?;
    source::check_room::<T>(comm, job, &shape, k_means.label_bytes())?;
    let feed = Feed::new(source, residency, comm.rank(), comm.size());
    let mut engine = PassEngine::new(comm, feed, telemetry).with_keeper(keeper);
    let (model, labels) = k_means.fit_predict(&mut engine)?;
    telemetry.end();
    model.warnings.iter().for_each(|warning| telemetry.warn(warning));
    if !model.converged {
        telemetry.warn(&format!(
            "KMeans did not converge within max_iter = {} iterations; the model is the last one's",
            model.n_iter_
        ));
    }
    let (cluster_sizes, writer) = if job.output.labels {
        // Not before the fit: a run that is killed meanwhile leaves no half-made file.
        let mut writer = begin(comm, output)?;
        let sizes = write_labels(comm, engine.parts(), &labels, model.n_clusters(), &mut writer, telemetry)?;
        (Some(sizes), writer)
    } else {
        (None, None)
    };
    let contents =
        Contents { model: Some(model.export()), history: model.history_arrays(), ..Contents::default() };
    Ok(Fitted { contents, cluster_sizes, report: None, writer })
}

/// Begins the results file on rank 0.
///
/// # Collective
/// One agreement.
///
/// # Errors
/// Those of [`ResultsWriter::new`].
pub(super) fn begin(comm: &dyn Communicator, output: Option<&Output>) -> Result<Option<ResultsWriter>> {
    agree(comm, output.map(|output| ResultsWriter::new(output, schema::FORMAT)).transpose())
}

/// Writes every row's label and counts them; the counts are rank 0's.
fn write_labels(
    comm: &dyn Communicator,
    parts: &Parts,
    labels: &FitLabels,
    n_clusters: usize,
    writer: &mut Option<ResultsWriter>,
    telemetry: &Telemetry,
) -> Result<Vec<u64>> {
    let rows = writer
        .as_mut()
        .map(|writer| writer.rows("model/labels_", parts.shape().n_samples, RowType::I32))
        .transpose();
    let rows = agree(comm, rows)?;
    let mut sink = Counted { rows, sizes: vec![0; n_clusters], telemetry };
    stream_kept(comm, parts, |position| Ok(labels.bytes(position)), &mut sink)?;
    Ok(sink.sizes)
}

/// Counts labels on their way to the file.
struct Counted<'a, R> {
    rows: Option<R>,
    sizes: Vec<u64>,
    telemetry: &'a Telemetry,
}

impl<R: RowSink> RowSink for Counted<'_, R> {
    fn put(&mut self, first_row: u64, values: &[u8]) -> Result<()> {
        for label in values.chunks_exact(4) {
            let label = i32::from_le_bytes([label[0], label[1], label[2], label[3]]);
            if let Some(size) = usize::try_from(label).ok().and_then(|label| self.sizes.get_mut(label)) {
                *size += 1;
            }
        }
        self.telemetry.count_bytes(Phase::Write, values.len() as u64);
        match &mut self.rows {
            Some(rows) => self.telemetry.time(Phase::Write, || rows.put(first_row, values)),
            None => Ok(()),
        }
    }
}

fn linear<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    params: &LinearParams,
    source: Arc<dyn BlockSource<T>>,
    keeper: &FileKeeper,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    let residency = source::residency::<T>(comm, job, source.shape())?;
    let feed = Feed::new(source, residency, comm.rank(), comm.size());
    let mut engine = PassEngine::new(comm, feed, telemetry).with_keeper(keeper);
    let model = params.fit(&mut engine).map_err(|error| job.place("estimator", error))?;
    telemetry.end();
    model.warnings.iter().for_each(|warning| telemetry.warn(warning));
    if let (false, Some(max_iter)) = (model.converged, params.max_iter()) {
        let name = params.name();
        telemetry.warn(&format!(
            "{name} did not converge within max_iter = {max_iter} iterations; the model is the last one's"
        ));
    }
    let contents =
        Contents { model: Some(model.export()), history: model.history_arrays(), ..Contents::default() };
    Ok(Fitted { contents, cluster_sizes: None, report: None, writer: None })
}

/// Reads all rows on this rank.
pub(super) fn table<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    source: &dyn BlockSource<T>,
    telemetry: &Telemetry,
) -> Result<Table> {
    source::check_table(comm, job, source.shape())?;
    let table = telemetry.time(Phase::Load, || Table::read(source));
    let table = agree(comm, table)?;
    telemetry.count_bytes(Phase::Load, (table.x.len() * size_of::<T>()) as u64);
    Ok(table)
}

fn svc<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    params: &SvcParams,
    source: &dyn BlockSource<T>,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    let table = table(comm, job, source, telemetry)?;
    let svc = params.clone().validate()?;
    svc.check_classes(&table).map_err(|error| job.place("estimator", error))?;
    let fitted =
        if comm.is_root() { telemetry.time(Phase::Compute, || svc.fit(&table)).map(Some) } else { Ok(None) };
    let model = agree(comm, fitted)?;
    if let Some(model) = model.as_ref().filter(|model| !model.converged()) {
        telemetry.warn(&not_converged(model));
    }
    let contents = Contents { model: model.map(|model| model.export()), ..Contents::default() };
    Ok(Fitted { contents, cluster_sizes: None, report: None, writer: None })
}

/// scikit-learn's warning about a solver that was stopped.
fn not_converged(model: &SvcModel) -> String {
    let params = model.svc().params();
    let limit = match params.max_seconds_per_fit {
        Some(seconds) => format!("max_iter={}, max_seconds_per_fit={seconds}", params.max_iter),
        None => format!("max_iter={}", params.max_iter),
    };
    format!(
        "Solver terminated early ({limit}). Consider pre-processing your data: features of mean 0 and variance 1 \
         need fewer iterations"
    )
}

fn svc_search<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    params: &SvcParams,
    search: &Search,
    source: &dyn BlockSource<T>,
    keeper: &FileKeeper,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    let table = table(comm, job, source, telemetry)?;
    let splits = search.splits(table.y.len(), &table.y, None).map_err(|error| job.place("search", error))?;
    splits.warnings.iter().for_each(|warning| telemetry.warn(warning));
    let candidates = searchable::candidates(job, params, search, SvcParams::validate)?;
    searchable::check_classes(job, &candidates, search, &table)?;
    let scorers = searchable::scorers(search, &table.y)?;
    let budget_bytes = usize::try_from(source::budget_bytes(comm, job)).unwrap_or(usize::MAX);
    let searchable =
        SvcSearch::new(Arc::new(table), candidates, scorers, search.return_train_score, budget_bytes);
    sweep(comm, &searchable, &splits.splits, search, keeper, telemetry)
}

/// Does a search and puts together what it leaves.
pub(super) fn sweep(
    comm: &dyn Communicator,
    searchable: &dyn Searchable,
    splits: &[Split],
    search: &Search,
    keeper: &FileKeeper,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    let mut watch = Told { telemetry, n_folds: splits.len(), n_candidates: search.candidates.len() };
    let keeper: Option<&dyn Keeper> = Some(keeper);
    let result = run_search(comm, telemetry, searchable, splits, search, keeper, &mut watch)?;
    telemetry.end();
    result.warnings.iter().for_each(|warning| telemetry.warn(warning));
    let contents = Contents {
        model: result.model,
        cv_results: Some(cv_results(&result.cv_results, splits.len(), result.refit_s)),
        ..Contents::default()
    };
    Ok(Fitted { contents, cluster_sizes: None, report: Some(result.report), writer: None })
}

/// The table of a search as the results file has it.
fn cv_results(table: &CvResults, n_splits: usize, refit_s: f64) -> results::CvResults {
    let text = |text: String| Array::new([], Values::Text(vec![text]));
    let mut attributes = Vec::new();
    if let Some(best) = &table.best {
        attributes.push(("best_index_".to_owned(), Array::integer(best.index as i64)));
        attributes.push(("best_score_".to_owned(), Array::scalar(best.score)));
        attributes.push(("best_params_".to_owned(), text(best.params_json())));
    }
    attributes.push(("n_splits_".to_owned(), Array::integer(n_splits as i64)));
    attributes.push(("refit_time_".to_owned(), Array::scalar(refit_s)));
    results::CvResults { columns: table.arrays(), attributes }
}

/// Tells the user how a search goes.
struct Told<'a> {
    telemetry: &'a Telemetry,
    n_folds: usize,
    n_candidates: usize,
}

impl Watch for Told<'_> {
    fn on_start(&mut self, done: usize, _total: usize) {
        self.telemetry.begin_fits(self.n_folds, self.n_candidates, done);
    }

    fn on_fit(&mut self, _outcome: &FitOutcome, done: usize, _total: usize) {
        self.telemetry.fits(done);
    }
}
