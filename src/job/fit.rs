//! The one place that knows every estimator: how each is fitted by the engine it runs on.

use std::sync::Arc;

use super::estimator::EstimatorJob;
use super::run::Plan;
use super::spec::Job;
use super::{forest, pipeline, plain, search, source, warm_start};
use crate::comm::{Communicator, agree};
use crate::data::{BlockSource, Feed, Parts, Residency, Table};
use crate::engine::keeper::Keeper;
use crate::engine::pass::PassEngine;
use crate::engine::rows::{RowSink, stream_kept};
use crate::engine::sweep::{FitOutcome, SweepReport, Watch};
use crate::error::{Error, Place, Result};
use crate::estimator::cluster::kmeans::FitLabels;
use crate::estimator::cluster::{KMeans, KMeansModel, KMeansParams};
use crate::estimator::linear_model::{LinearModel, LinearParams, WarmStart};
use crate::estimator::searchable::{Searchable, Split};
use crate::estimator::svm::{Peers, Svc, SvcModel, SvcParams};
use crate::estimator::targets::{is_class, no_class};
use crate::estimator::{Array, Values};
use crate::kernel::Real;
use crate::model_selection::{CvResults, Kind, Search, SearchResult, run_search};
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

impl Fitted {
    /// A model and nothing else.
    pub(super) fn of_model(model: crate::estimator::Model) -> Self {
        let contents = Contents { model: Some(model), ..Contents::default() };
        Self { contents, cluster_sizes: None, report: None, writer: None }
    }
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
        EstimatorJob::Tree(params) => params.clone().validate(job.seed).map(drop),
        EstimatorJob::GaussianNb(params) => params.validate(),
        EstimatorJob::MiniBatchKMeans(params) => params.validate(),
        EstimatorJob::Plain(plain) => plain.validate(job.seed).map(drop),
    };
    checked.map_err(|error| job.place("estimator", error))?;
    pipeline::check(job)
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
        (_, Some(search)) => search::fit(comm, &plan.job, search, source, keeper, telemetry),
        (EstimatorJob::KMeans(params), None) => {
            k_means(comm, &plan.job, params, source, keeper, output, telemetry)
        }
        (EstimatorJob::Linear(params), None) => linear(comm, &plan.job, params, source, keeper, telemetry),
        (EstimatorJob::Svc(params), None) => svc(comm, &plan.job, params, &*source, telemetry),
        (EstimatorJob::Transformer(step), None) => {
            pipeline::fit_last(comm, &plan.job, step, source, telemetry)
        }
        (EstimatorJob::Forest(params), None) => {
            let forest = params.clone().validate(plan.job.seed)?;
            forest::fit(comm, &plan.job, &forest, &*source, telemetry)
        }
        (EstimatorJob::Tree(params), None) => {
            let tree = params.clone().validate(plan.job.seed)?;
            forest::fit(comm, &plan.job, &tree, &*source, telemetry)
        }
        (EstimatorJob::MiniBatchKMeans(params), None) => {
            let residency = source::residency::<T>(comm, &plan.job, source.shape())?;
            let feed = Feed::new(source, residency, comm.rank(), comm.size());
            let mut engine = PassEngine::new(comm, feed, telemetry).with_keeper(keeper);
            let fitted = params.fit_predict(&mut engine, plan.job.seed);
            let (model, labels) = fitted.map_err(|error| plan.job.place("estimator", error))?;
            let k = params.n_clusters;
            let (cluster_sizes, writer) =
                labelled(comm, &plan.job, engine.parts(), &labels, k, output, telemetry)?;
            let mut fitted = Fitted { cluster_sizes, writer, ..Fitted::of_model(model.export()) };
            fitted.contents.history = model.history_arrays();
            Ok(fitted)
        }
        (EstimatorJob::GaussianNb(params), None) => {
            let _unkept = telemetry.unkept();
            // A single pass gains nothing from blocks that stay.
            let feed = Feed::new(source, Residency::Stream, comm.rank(), comm.size());
            let model = params.fit(&mut PassEngine::new(comm, feed, telemetry));
            Ok(Fitted::of_model(model.map_err(|error| plan.job.place("estimator", error))?.export()))
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
    let k_means = start(comm, job, params, shape.n_features)?;
    let residency = source::residency::<T>(comm, job, &shape)?;
    source::check_room::<T>(comm, job, &shape, k_means.label_bytes())?;
    let spare = source::spare_bytes::<T>(comm, job, &shape);
    let feed = Feed::new(source, residency, comm.rank(), comm.size());
    let mut engine = PassEngine::new(comm, feed, telemetry).with_keeper(keeper).with_spare(spare);
    let (model, labels) = k_means.fit_predict(&mut engine)?;
    telemetry.end();
    model.warnings.iter().for_each(|warning| telemetry.warn(warning));
    if !model.converged {
        telemetry.warn(&format!(
            "KMeans did not converge within max_iter = {} iterations; the model is the last one's",
            model.n_iter_
        ));
    }
    let (cluster_sizes, writer) =
        labelled(comm, job, engine.parts(), &labels, model.n_clusters(), output, telemetry)?;
    let contents =
        Contents { model: Some(model.export()), history: model.history_arrays(), ..Contents::default() };
    Ok(Fitted { contents, cluster_sizes, report: None, writer })
}

/// K-means with the centroids of the model from which the job wants it to start, if there is one.
///
/// # Collective
/// That of reading the model.
///
/// # Errors
/// Those of reading it; [`Error::Data`] for a model of other sizes.
pub(super) fn start(
    comm: &dyn Communicator,
    job: &Job,
    params: &KMeansParams,
    n_features: usize,
) -> Result<KMeans> {
    let k_means = params.validate(job.seed)?;
    let Some((path, model)) = warm_start::read(comm, job)? else { return Ok(k_means) };
    if !params.n_clusters_tried.is_empty() {
        let expected = "one number where the fit starts from a model";
        return Err(job.fault("estimator.n_clusters", expected, "a list"));
    }
    let start = KMeansModel::import(&model)?;
    if (start.n_clusters(), start.n_features_in()) != (params.n_clusters, n_features) {
        let expected = format!("{} centroids of {n_features} features to start from", params.n_clusters);
        let found = format!("{} of {}", start.n_clusters(), start.n_features_in());
        return Err(Error::data(path.display(), Place::default(), expected, found));
    }
    Ok(k_means.with_centers(start.cluster_centers()))
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

/// Writes every row's label into a new results file when the job asks for it, and counts them; the counts are rank 0's.
fn labelled(
    comm: &dyn Communicator,
    job: &Job,
    parts: &Parts,
    labels: &FitLabels,
    n_clusters: usize,
    output: Option<&Output>,
    telemetry: &Telemetry,
) -> Result<(Option<Vec<u64>>, Option<ResultsWriter>)> {
    if !job.output.labels {
        return Ok((None, None));
    }
    // Not before the fit: a run that is killed meanwhile leaves no half-made file.
    let mut writer = begin(comm, output)?;
    let sizes = write_labels(comm, parts, labels, n_clusters, &mut writer, telemetry)?;
    Ok((Some(sizes), writer))
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
    let start = match warm_start::read(comm, job)? {
        Some((path, model)) => Some((path.display().to_string(), LinearModel::import(&model)?)),
        None => None,
    };
    let start = start.as_ref().map(|(origin, model)| WarmStart { origin, model });
    let unkept = params.keeps_nothing().then(|| telemetry.unkept());
    let model = params.fit_from(&mut engine, start).map_err(|error| job.place("estimator", error))?;
    drop(unkept);
    telemetry.end();
    model.warnings.iter().for_each(|warning| telemetry.warn(warning));
    if let (false, Some(max_iter)) = (model.converged, params.max_iter()) {
        let name = params.name();
        telemetry.warn(&match model.n_iter {
            Some(n_iter) if n_iter < max_iter => format!(
                "{name} did not converge: after {n_iter} iterations rounding hides any way on (scaled data?)"
            ),
            _ => format!(
                "{name} did not converge within max_iter = {max_iter} iterations; the model is the last one's"
            ),
        });
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
    let unkept = telemetry.before_kept();
    let table = telemetry.time(Phase::Load, || Table::read(source));
    let table = agree(comm, table)?;
    drop(unkept);
    check_rows(job, &table, source)?;
    telemetry.count_bytes(Phase::Load, (table.x.len() * size_of::<T>()) as u64);
    Ok(table)
}

/// What every estimator asks of the rows that it is given at once: numbers for those that learn numbers, classes for
/// those that learn classes, and weights that count.
fn check_rows<T: Real>(job: &Job, table: &Table, source: &dyn BlockSource<T>) -> Result<()> {
    if let (false, Some(names)) = (job.estimator.is_classifier(), &table.class_names) {
        let found = format!("text, such as {:?}", names.first().map_or("", String::as_str));
        let expected = "targets that are numbers";
        return Err(Error::data(source.target_origin(), Place::default(), expected, found));
    }
    let wrong = |y: &f64| !is_class(*y);
    if let (true, Some(row)) = (job.estimator.is_classifier(), table.y.iter().position(wrong)) {
        let (expected, found) = no_class(table.y[row]);
        return Err(Error::data(
            source.target_origin(),
            Place::at(row as u64, source.target_name()),
            expected,
            found,
        ));
    }
    let only_one = table.y.first().is_some_and(|first| table.y.iter().all(|y| y == first));
    if job.estimator.is_classifier() && only_one && !job.estimator.takes_one_class() {
        return Err(Error::data(source.target_origin(), Place::default(), "at least 2 classes", "1 class"));
    }
    let weights = &table.weights;
    if !weights.is_empty() && weights.iter().all(|weight| *weight == 0.0) {
        let expected = "a positive sum of weights";
        return Err(Error::data(source.weight_origin(), Place::default(), expected, "only zeros"));
    }
    Ok(())
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
    let _unkept = telemetry.unkept();
    let fitted = if svc.is_large(table.x.nrows()) {
        large_svc(comm, job, &svc, &table, telemetry).map(Some)
    } else if comm.is_root() {
        telemetry.time(Phase::Compute, || svc.fit(&table)).map(Some)
    } else {
        Ok(None)
    };
    let model = agree(comm, fitted)?;
    if let Some(model) = model.as_ref().filter(|model| !model.converged()) {
        telemetry.warn(&not_converged(model));
    }
    let contents = Contents { model: model.map(|model| model.export()), ..Contents::default() };
    Ok(Fitted { contents, cluster_sizes: None, report: None, writer: None })
}

/// The ranks that fit a large SVC together.
struct Together<'a>(&'a dyn Communicator);

impl Peers for Together<'_> {
    fn place(&self) -> (usize, usize) {
        (self.0.rank(), self.0.size())
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.0.allgather(bytes)
    }
}

/// An SVC on so many rows that its kernel matrix is not kept whole, on all ranks.
///
/// # Collective
/// That of the fit, and an agreement.
fn large_svc(
    comm: &dyn Communicator,
    job: &Job,
    svc: &Svc,
    table: &Table,
    telemetry: &Telemetry,
) -> Result<SvcModel> {
    let budget_bytes = usize::try_from(source::budget_bytes(comm, job)).unwrap_or(usize::MAX);
    let n = table.x.nrows();
    telemetry.detail(&format!(
        "{n} rows, a kernel matrix of {:.1} GB: block working sets by {} ranks, kernel rows within {} MB a rank",
        (n * n) as f64 * 4e-9,
        comm.size(),
        budget_bytes >> 20
    ));
    let fitted = telemetry.time(Phase::Compute, || svc.fit_large(table, budget_bytes, &Together(comm)));
    let (model, told) = agree(comm, fitted)?;
    telemetry.detail(&format!(
        "{} rounds, {:.2e} kernel values computed on rank 0 of {:.2e} that it used",
        told.n_rounds, told.n_values as f64, told.n_used as f64
    ));
    Ok(model)
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

/// Does a search and puts together what it leaves.
pub(super) fn sweep(
    comm: &dyn Communicator,
    searchable: &dyn Searchable,
    splits: &[Split],
    search: &Search,
    keeper: &FileKeeper,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    let mut watch = Told { telemetry, search, n_folds: splits.len() };
    let keeper: Option<&dyn Keeper> = Some(keeper);
    let result = run_search(comm, telemetry, searchable, splits, search, keeper, &mut watch)?;
    Ok(searched(result, search, splits.len(), telemetry))
}

/// What a search leaves.
pub(super) fn searched(
    result: SearchResult,
    search: &Search,
    n_splits: usize,
    telemetry: &Telemetry,
) -> Fitted {
    telemetry.end();
    result.warnings.iter().for_each(|warning| telemetry.warn(warning));
    let contents = Contents {
        model: result.model,
        pipeline: result.steps,
        cv_results: Some(cv_results(&result.cv_results, search, n_splits, result.refit_s)),
        ..Contents::default()
    };
    Fitted { contents, cluster_sizes: None, report: Some(result.report), writer: None }
}

/// The table of a search as the results file has it.
fn cv_results(
    table: &CvResults,
    search: &Search,
    n_splits: usize,
    refit_s: Option<f64>,
) -> results::CvResults {
    let text = |text: String| Array::new([], Values::Text(vec![text]));
    let mut attributes = Vec::new();
    if let Some(best) = &table.best {
        attributes.push(("best_index_".to_owned(), Array::integer(best.index as i64)));
        attributes.push(("best_score_".to_owned(), Array::scalar(best.score)));
        attributes.push(("best_params_".to_owned(), text(best.params_json())));
    }
    attributes.extend(table.attributes.iter().cloned());
    attributes.push(("n_splits_".to_owned(), Array::integer(n_splits as i64)));
    let is_search = search.kind != Kind::CrossValidate;
    let multimetric = Array::new([], Values::Bool(vec![search.multimetric]));
    attributes.extend(is_search.then(|| ("multimetric_".to_owned(), multimetric)));
    let names: Vec<String> = search.scorers.iter().map(|scorer| scorer.name().to_owned()).collect();
    let refit = search.refit.metric.filter(|_| search.multimetric && is_search).map(|at| names[at].clone());
    attributes.push((schema::SCORING.to_owned(), Array::vector(Values::Text(names))));
    attributes.extend(refit.map(|name| (schema::REFIT.to_owned(), text(name))));
    attributes.extend(refit_s.map(|seconds| ("refit_time_".to_owned(), Array::scalar(seconds))));
    results::CvResults { columns: table.arrays(), attributes }
}

/// Tells the user how a search goes.
pub(super) struct Told<'a> {
    pub(super) telemetry: &'a Telemetry,
    pub(super) search: &'a Search,
    pub(super) n_folds: usize,
}

impl Told<'_> {
    /// A fit as scikit-learn's `verbose=3` tells of it.
    fn line(&self, fit: &FitOutcome) -> String {
        let candidates = &self.search.candidates;
        // The candidates of a rung are known by their number only.
        let known = candidates.get(fit.id.candidate).filter(|_| self.search.staged.is_none());
        let params = known.map_or_else(
            || format!("candidate {}", fit.id.candidate + 1),
            |params| {
                params.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
            },
        );
        let names = self.search.score_names();
        let scores = names.iter().zip(&fit.test_scores).map(|(name, score)| format!("{name}={score:.3}"));
        let told = std::iter::once(params).filter(|params| !params.is_empty()).chain(scores);
        format!(
            "[CV {}/{}] END {}; fit {:.3} s, score {:.3} s",
            fit.id.fold + 1,
            self.n_folds,
            told.collect::<Vec<_>>().join(", "),
            fit.fit_seconds,
            fit.score_seconds
        )
    }
}

impl Watch for Told<'_> {
    fn on_start(&mut self, done: usize, total: usize) {
        self.telemetry.begin_fits(self.n_folds, total / self.n_folds.max(1), done);
    }

    fn on_fit(&mut self, outcome: &FitOutcome, done: usize, _total: usize) {
        self.telemetry.detail(&self.line(outcome));
        self.telemetry.fits(done);
    }
}
