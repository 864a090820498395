//! What a run would do, told without doing it: the resolved job, who owns what, and the memory it takes.

use std::sync::Arc;

use super::data::Dtype;
use super::estimator::EstimatorJob;
use super::fit;
use super::plain::PlainJob;
use super::run::{Plan, check_output, fingerprint, to_make};
use super::search::{self, Outlook, Share};
use super::source;
use super::spec::Job;
use super::transformer::TransformerJob;
use super::warm_start;
use crate::comm::{self, Communicator};
use crate::data::{BlockSource, Feed, Shape};
use crate::error::Result;
use crate::estimator::ensemble::Forest;
use crate::estimator::linear_model::LinearModel;
use crate::kernel::Real;
use crate::model_selection::{Bracket, Search};
use crate::partition::Slice;
use crate::results::OnExisting;
use crate::results::checkpoint::{self, Fingerprint};

/// What a dry run tells.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// The resolved job as TOML.
    pub job: String,
    /// What the data are.
    pub data: String,
    /// Size and cut.
    pub shape: Shape,
    /// For each rank its blocks.
    pub slices: Vec<Slice>,
    /// For each rank about the bytes that it would keep at once: rows, and what fits keep beside them.
    pub memory_bytes: Vec<u64>,
    /// The search, if there is one.
    pub search: Option<SearchForecast>,
    /// Why a run would be refused for its output, on rank 0.
    pub output_fault: Option<String>,
}

/// What a dry run tells of a search.
#[derive(Clone, Debug)]
pub struct SearchForecast {
    /// Its kind.
    pub kind: &'static str,
    /// Candidates; those of the first rungs, where it has rungs.
    pub n_candidates: usize,
    /// Folds.
    pub n_folds: usize,
    /// Scores.
    pub scores: Vec<&'static str>,
    /// Its rungs, if it has some, with what they get more and more of.
    pub brackets: Vec<Bracket>,
    /// `n_samples`, or a parameter.
    pub resource: String,
    /// What each rank would do; not known of a search in rungs before it runs.
    pub shares: Vec<Share>,
    /// Whether a refit follows.
    pub refits: bool,
    /// About how long that takes.
    pub refit_s: Option<f64>,
}

/// What the job would do. Runs and writes nothing; what a run would refuse before its first fit is refused here, too, but for its
/// output, of which it is told.
///
/// # Collective
/// Every rank calls it with the same arguments.
///
/// # Errors
/// Those of [`run`](super::run) that need no fit.
pub fn forecast(comm: &dyn Communicator, mut plan: Plan, on_existing: OnExisting) -> Result<Forecast> {
    match plan.job.data.cut.dtype {
        Dtype::F64 => typed::<f64>(comm, &mut plan, on_existing),
        Dtype::F32 => typed::<f32>(comm, &mut plan, on_existing),
    }
}

fn typed<T: Real>(comm: &dyn Communicator, plan: &mut Plan, on_existing: OnExisting) -> Result<Forecast> {
    let source = source::open::<T>(comm, &plan.job)?;
    let shape = source.shape().clone();
    plan.job.data.cut.block_rows = Some(shape.block_rows);
    let data = source::describe(comm, &plan.job, &*source)?;
    let own = fingerprint(comm, &plan.job, &data)?;
    let output_fault = comm.is_root().then(|| output_fault(&plan.job, on_existing, &own)).flatten();
    let outlook = match &plan.search {
        Some(search) => Some(search::forecast(comm, &plan.job, search, &source)?),
        None => {
            check::<T>(comm, &plan.job, &shape, &source.origin())?;
            None
        }
    };
    let mine = match &outlook {
        Some(outlook) => table_bytes(comm, &plan.job, &shape)?.saturating_add(outlook.memory_bytes),
        None => memory_bytes::<T>(comm, &plan.job, source)?,
    };
    let n_blocks = shape.n_blocks();
    Ok(Forecast {
        job: plan.job.to_toml()?,
        data,
        slices: (0..comm.size()).map(|rank| Slice::of(n_blocks, rank, comm.size())).collect(),
        shape,
        memory_bytes: comm::allgather(comm, &mine)?,
        search: plan.search.as_ref().zip(outlook).map(|(search, outlook)| told(search, outlook)),
        output_fault,
    })
}

/// Why a run could not begin for its output, which may still be named, made or removed before it does.
fn output_fault(job: &Job, on_existing: OnExisting, own: &Fingerprint) -> Option<String> {
    // None is named yet, which the run will say at once.
    let path = job.output_path().ok()?;
    let check = || {
        let output = to_make(check_output(job, &path, on_existing)?, &path, own)?;
        let checkpoint = checkpoint::path_for(&path);
        let resumes = output.is_some() && on_existing == OnExisting::Resume;
        match resumes && checkpoint::is_of(&checkpoint, own)? == Some(false) {
            true => Err(checkpoint::of_another(&checkpoint)),
            false => Ok(()),
        }
    };
    check().err().map(|error| error.to_string())
}

fn told(search: &Search, outlook: Outlook) -> SearchForecast {
    let Outlook { n_candidates, n_folds, brackets, shares, refit_s, .. } = outlook;
    SearchForecast {
        kind: search.kind.name(),
        n_candidates,
        n_folds,
        scores: search.scorers.iter().map(|scorer| scorer.name()).collect(),
        brackets,
        resource: search.staged.as_ref().map_or_else(String::new, |staged| staged.rules.resource.clone()),
        shares,
        refits: search.refit.wanted,
        refit_s,
    }
}

/// Checks what needs the data's shape and the files that the job names, but no pass over the data.
///
/// # Collective
/// Those of reading the files.
///
/// # Errors
/// What the fit would return.
fn check<T: Real>(comm: &dyn Communicator, job: &Job, shape: &Shape, origin: &str) -> Result<()> {
    let mut n_features = Some(shape.n_features);
    for (number, step) in job.pipeline.iter().enumerate() {
        let Some(d) = n_features else { break };
        let checked = features_after(step, shape.n_samples, d);
        n_features = checked.map_err(|error| job.place(&format!("pipeline.{number}"), error))?;
    }
    let known = n_features.map(|n_features| Shape { n_features, ..shape.clone() });
    match (&job.estimator, known) {
        (EstimatorJob::KMeans(params), Some(shape)) => {
            let k_means = fit::start(comm, job, params, shape.n_features)?;
            k_means.check_shape(&shape, origin.to_owned())?;
            k_means.check_start::<T>(comm, shape.n_features)
        }
        (EstimatorJob::MiniBatchKMeans(params), Some(shape)) => params.check_shape(&shape, origin.to_owned()),
        (EstimatorJob::Linear(_), _) => match warm_start::read(comm, job)? {
            Some((_, model)) => LinearModel::import(&model).map(drop),
            None => Ok(()),
        },
        (EstimatorJob::Transformer(step), Some(shape)) => {
            let checked = features_after(step, shape.n_samples, shape.n_features).map(drop);
            checked.map_err(|error| job.place("estimator", error))
        }
        (EstimatorJob::Plain(PlainJob::Neighbors(params)), _) => {
            let n = usize::try_from(shape.n_samples).unwrap_or(usize::MAX);
            params.clone().validate()?.check_rows(origin, n)
        }
        _ => Ok(()),
    }
}

/// How many features a step makes of `n` rows with `d`, where that is known before.
fn features_after(step: &TransformerJob, n: u64, d: usize) -> Result<Option<usize>> {
    Ok(match step {
        TransformerJob::Pca(params) => params.count(n, d)?,
        TransformerJob::TruncatedSvd(params) => Some(params.count(n, d)?),
        // Features that are missing in every row are left out.
        TransformerJob::SimpleImputer(_) => None,
        _ => Some(d),
    })
}

/// About how many bytes this rank would keep at once.
fn memory_bytes<T: Real>(comm: &dyn Communicator, job: &Job, source: Arc<dyn BlockSource<T>>) -> Result<u64> {
    let shape = source.shape().clone();
    let (n, d) = (usize::try_from(shape.n_samples).unwrap_or(usize::MAX), shape.n_features);
    let is_root = comm.is_root();
    // Checked first: more than memory holds is more than numbers count.
    let table = || table_bytes(comm, job, &shape);
    let of_forest = |forest: &Forest| {
        let kind = forest.params().kind;
        let own = forest.memory_bytes(n, d, if kind.is_classifier() { 2 } else { 1 }, is_root);
        Ok(table()?.saturating_add(own))
    };
    match &job.estimator {
        EstimatorJob::KMeans(_) | EstimatorJob::Linear(_) | EstimatorJob::MiniBatchKMeans(_) => {
            pass_bytes(comm, job, source)
        }
        EstimatorJob::Transformer(_) | EstimatorJob::GaussianNb(_) => {
            let n_local = Slice::of(shape.n_blocks(), comm.rank(), comm.size()).len();
            let in_flight = n_local.min(if source.waits_for_input() { 2 } else { 1 });
            Ok((in_flight as u64).saturating_mul(shape.block_bytes::<T>()))
        }
        EstimatorJob::Svc(params) => {
            let (table, svc) = (table()?, params.clone().validate()?);
            let own = svc.memory_bytes(n, d, source::budget_bytes(comm, job), comm.size());
            Ok(table.saturating_add(if is_root || svc.is_large(n) { own } else { 0 }))
        }
        EstimatorJob::Forest(params) => of_forest(&params.clone().validate(job.seed)?),
        EstimatorJob::Tree(params) => of_forest(&params.clone().validate(job.seed)?),
        EstimatorJob::Plain(plain) => {
            let (table, estimator) = (table()?, plain.validate(job.seed)?);
            Ok(table.saturating_add(if is_root { estimator.memory_bytes(n, d) } else { 0 }))
        }
    }
}

/// The same where passes go over blocks.
fn pass_bytes<T: Real>(comm: &dyn Communicator, job: &Job, source: Arc<dyn BlockSource<T>>) -> Result<u64> {
    let shape = source.shape().clone();
    let residency = source::residency::<T>(comm, job, &shape)?;
    let k_means = match &job.estimator {
        EstimatorJob::KMeans(params) => Some(params.validate(job.seed)?),
        _ => None,
    };
    if let Some(k_means) = &k_means {
        source::check_room::<T>(comm, job, &shape, k_means.label_bytes())?;
    }
    let spare = source::spare_bytes::<T>(comm, job, &shape);
    let waits = source.waits_for_input();
    let feed = Feed::new(source, residency, comm.rank(), comm.size());
    let n_owned = feed.slice().len();
    let streamed = n_owned - feed.n_resident();
    let in_flight = streamed.min(if waits { 2 } else { 1 });
    let part = feed.parts().shape().clone();
    let beside = match &job.estimator {
        EstimatorJob::Linear(params) => params.bytes_per_row().saturating_mul(part.block_rows as u64),
        _ => 0,
    };
    let kept = k_means.map_or(0, |k_means| {
        let labels = ((n_owned * part.block_rows) as u64).saturating_mul(k_means.label_bytes());
        let layout = [n_owned, part.block_rows, part.n_features, size_of::<T>()];
        labels.saturating_add(if streamed == 0 { k_means.kept_bytes(layout, spare) } else { 0 })
    });
    let each = part.block_bytes::<T>().saturating_add(beside);
    Ok(((feed.n_resident() + in_flight) as u64).saturating_mul(each).saturating_add(kept))
}

/// Bytes of all rows, where every rank has them.
fn table_bytes(comm: &dyn Communicator, job: &Job, shape: &Shape) -> Result<u64> {
    source::check_table(comm, job, shape)?;
    Ok(shape.n_samples * (shape.n_features as u64 + 1) * 8)
}
