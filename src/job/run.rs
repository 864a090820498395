//! A run from its job to its results file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::data::Dtype;
use super::diverged::leave_history;
use super::estimator::EstimatorJob;
use super::fit::{self, Fitted};
use super::none;
use super::pipeline;
use super::source;
use super::spec::{Job, Overrides};
use super::timing;
use crate::comm::{Communicator, agree, mpi_version};
use crate::error::{Error, Result};
use crate::estimator::linear_model::LinearParams;
use crate::estimator::{Array, FEATURE_NAMES, Values};
use crate::kernel::Real;
use crate::model_selection::{ScoringSpec, Search, SearchSpec};
use crate::results::checkpoint::{self, Fingerprint};
use crate::results::provenance::{self, Machine};
use crate::results::{Contents, FileKeeper, OnExisting, Output, ResultsFile, refuse_inputs, schema};
use crate::telemetry::{Talk, Telemetry, at_request};

/// A job that has been checked; equal on all ranks.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The job.
    pub job: Job,
    /// The checked search, if the job has one.
    pub search: Option<Search>,
}

impl Plan {
    /// How much the job wants to be told, by its `search.verbose`.
    pub fn talk(&self) -> Talk {
        match self.search.as_ref().and_then(|search| search.verbose) {
            Some(0) => Talk::Quiet,
            Some(2..) => Talk::Verbose,
            None | Some(1) => Talk::Normal,
        }
    }

    /// Reads and checks a job file and what the command line adds to it.
    ///
    /// # Collective
    /// One broadcast of the job file's text.
    ///
    /// # Errors
    /// [`Error::InputMissing`], [`Error::JobSyntax`], [`Error::Job`], [`Error::Usage`].
    pub fn read(comm: &dyn Communicator, file: &Path, overrides: &Overrides) -> Result<Self> {
        let text = source::job_text(comm, file)?;
        let mut job = Job::read(file, &text, overrides)?;
        fit::check(&job)?;
        let Some(spec) = &job.search else { return Ok(Self { job, search: None }) };
        let classifier = job.estimator.is_classifier();
        let spec = with_own_score(spec, &job.estimator);
        let prefix = match job.pipeline.is_empty() {
            true => String::new(),
            false => format!("{}__", job.estimator.name().to_lowercase()),
        };
        let search = spec.check_behind(&prefix, classifier, job.seed);
        let mut search = search.map_err(|error| job.place("search", error))?;
        none::resolve(&job, &mut search)?;
        job.search = Some(spec.resolved(&search, job.seed));
        Ok(Self { job, search: Some(search) })
    }
}

/// The search with the score that scikit-learn's estimator has by itself, where it is neither accuracy nor R².
fn with_own_score(spec: &SearchSpec, estimator: &EstimatorJob) -> SearchSpec {
    let counts = matches!(estimator, EstimatorJob::Linear(LinearParams::PoissonRegressor(_)));
    let own = counts.then(|| ScoringSpec::One("d2_poisson_deviance".into()));
    SearchSpec { scoring: spec.scoring.clone().or(own), ..spec.clone() }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The results file.
    pub path: PathBuf,
    /// What it holds; complete on rank 0 only.
    pub contents: Contents,
    /// Rows of each cluster, where labels were written.
    pub cluster_sizes: Option<Vec<u64>>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The work was done.
    Finished(Box<Finished>),
    /// The output of the same job was there already.
    Found(PathBuf),
}

/// Does the job and writes its results.
///
/// # Collective
/// Every rank calls it with the same arguments.
///
/// # Errors
/// Any; see [`Error`].
pub fn run(
    comm: &dyn Communicator,
    mut plan: Plan,
    on_existing: OnExisting,
    telemetry: &Telemetry,
) -> Result<Ending> {
    let path = plan.job.output_path()?;
    // The name is checked before any work; whether an output is this job's own is known once the data are open.
    let output = agree(comm, on_root(comm, || check_output(&plan.job, &path, on_existing)))?;
    if comm.is_root() && on_existing != OnExisting::Fail {
        checkpoint::remove_partial(&checkpoint::path_for(&path));
    }
    match plan.job.data.cut.dtype {
        Dtype::F64 => typed::<f64>(comm, &mut plan, &path, output.flatten(), on_existing, telemetry),
        Dtype::F32 => typed::<f32>(comm, &mut plan, &path, output.flatten(), on_existing, telemetry),
    }
}

/// What tells this job's results and checkpoints from those of others.
///
/// # Collective
/// One broadcast.
///
/// # Errors
/// An internal error.
pub(super) fn fingerprint(comm: &dyn Communicator, job: &Job, data: &str) -> Result<Fingerprint> {
    let files = source::describe_files(comm, job)?;
    Ok(Fingerprint::of(&[schema::SOFTWARE, &job.essence()?, data, &files]))
}

/// `Ok(None)` for an output that exists and may be the same job's.
pub(super) fn check_output(job: &Job, path: &Path, on_existing: OnExisting) -> Result<Option<Output>> {
    let checkpoint = checkpoint::path_for(path);
    let named = job.inputs().into_iter().map(|(key, input)| (format!("the file of {key}"), input));
    let job_file = ("the job file".to_owned(), job.file().to_path_buf());
    refuse_inputs(path, &std::iter::once(job_file).chain(named).collect::<Vec<_>>())?;
    checkpoint::check_place(&checkpoint)?;
    match on_existing {
        OnExisting::Resume if path.is_file() => Ok(None),
        OnExisting::Fail if checkpoint.symlink_metadata().is_ok() && path.symlink_metadata().is_err() => {
            Err(Error::CannotCreate {
                path: checkpoint,
                message: "holds the work of a run that was stopped; go on with it by --on-existing resume, \
                          or start anew by --on-existing replace"
                    .into(),
            })
        }
        _ => {
            let output = Output::check(path, on_existing == OnExisting::Replace)?;
            checkpoint::check_name(&checkpoint).map(|()| Some(output))
        }
    }
}

pub(super) fn on_root<R>(comm: &dyn Communicator, work: impl FnOnce() -> Result<R>) -> Result<Option<R>> {
    if comm.is_root() { work().map(Some) } else { Ok(None) }
}

fn typed<T: Real>(
    comm: &dyn Communicator,
    plan: &mut Plan,
    path: &Path,
    output: Option<Output>,
    on_existing: OnExisting,
    telemetry: &Telemetry,
) -> Result<Ending> {
    let (begun, start) = (Instant::now(), provenance::now());
    let unkept = telemetry.before_kept();
    let source = source::open::<T>(comm, &plan.job)?;
    drop(unkept);
    source.doubt().into_iter().for_each(|doubt| telemetry.warn(doubt));
    plan.job.data.cut.block_rows = Some(source.shape().block_rows);
    let data = source::describe(comm, &plan.job, &*source)?;
    let fingerprint = fingerprint(comm, &plan.job, &data)?;
    let output = agree(comm, on_root(comm, || to_make(output, path, &fingerprint)))?.flatten();
    if !crate::comm::broadcast(comm, 0, Some(output.is_some()))? {
        return Ok(Ending::Found(path.to_path_buf()));
    }
    let interval = Duration::from_secs_f64(plan.job.output.checkpoint_every_s);
    let keeper = FileKeeper::new(path, fingerprint, on_existing == OnExisting::Resume, interval);
    let keeper = Arc::new(keeper);
    let feature_names = source.feature_names();
    let _will = comm.is_root().then(|| {
        let keeper = Arc::clone(&keeper);
        // Nothing can be done about a failure now: the checkpoint before stays whole, and the job may yet reach a safe point.
        at_request(move || drop(keeper.save_held()))
    });
    // A search fits the steps itself, on the training rows of each fold.
    let (source, steps) = match plan.search {
        Some(_) => (source, Vec::new()),
        None => pipeline::fit(comm, &plan.job, source, telemetry)?,
    };
    let fitted = fit::fit(comm, plan, source, &keeper, output.as_ref(), telemetry);
    let Fitted { mut contents, cluster_sizes, report, writer } =
        fitted.map_err(|error| leave_history(comm, &plan.job, path, telemetry, error))?;
    telemetry.end();
    contents.pipeline.extend(steps);
    name_features(&mut contents, feature_names);
    contents.timing = timing::gather(comm, telemetry, report.as_ref(), begun.elapsed().as_secs_f64())?;
    let machines = Machine::all(comm)?;
    let job = plan.job.to_toml()?;
    contents.provenance = provenance::provenance(
        &provenance::Run {
            job: &job,
            seed: plan.job.seed,
            start: &start,
            data: &data,
            fingerprint: &fingerprint.hex(),
            mpi_version: &mpi_version(),
        },
        &machines,
    );
    let begun = if crate::comm::broadcast(comm, 0, Some(writer.is_some()))? {
        writer
    } else {
        fit::begin(comm, output.as_ref())?
    };
    let written = match begun {
        Some(writer) => writer.finish(&contents).and_then(|()| keeper.remove()),
        None => Ok(()),
    };
    agree(comm, written)?;
    Ok(Ending::Finished(Box::new(Finished { path: path.to_path_buf(), contents, cluster_sizes })))
}

/// Keeps the names of the features with what takes them: the model, or the first step before it.
fn name_features(contents: &mut Contents, names: Option<Vec<String>>) {
    if let (Some(model), Some(names)) = (contents.pipeline.first_mut().or(contents.model.as_mut()), names) {
        model.attributes.push((FEATURE_NAMES.to_owned(), Array::vector(Values::Text(names))));
    }
}

/// The output to make: the one that was checked, or else what is at `path`, which is to be replaced where a run of this job
/// was stopped that was to replace it. `None` where it is this job's.
///
/// # Errors
/// [`Error::CannotCreate`] where it is another job's.
pub(super) fn to_make(
    checked: Option<Output>,
    path: &Path,
    fingerprint: &Fingerprint,
) -> Result<Option<Output>> {
    if checked.is_some() {
        return Ok(checked);
    }
    match same_job(path, fingerprint) {
        Ok(()) => Ok(None),
        // Only a run that is to replace it leaves its checkpoint beside an output.
        Err(_) if checkpoint::is_of(&checkpoint::path_for(path), fingerprint)? == Some(true) => {
            Output::check(path, true).map(Some)
        }
        Err(error) => Err(error),
    }
}

/// Whether the finished output at `path` is that of the job with this fingerprint.
fn same_job(path: &Path, fingerprint: &Fingerprint) -> Result<()> {
    let file = ResultsFile::open(path)?;
    let provenance = file.group(schema::PROVENANCE, 1)?;
    let theirs = provenance.as_ref().and_then(|group| group.text("fingerprint"));
    if theirs == Some(fingerprint.hex().as_str()) {
        return Ok(());
    }
    Err(Error::CannotCreate {
        path: path.into(),
        message: "holds the results of another job (its parameters, seed or data differ); give another \
                  --output, or --on-existing replace"
            .into(),
    })
}
