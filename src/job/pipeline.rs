//! The steps before the estimator: each fitted in a pass over what the steps before it make of the data.

use std::sync::Arc;

use super::fit::Fitted;
use super::spec::Job;
use super::transformer::TransformerJob;
use crate::comm::Communicator;
use crate::data::{BlockSource, Feed, Mapped, Residency, WithMissing};
use crate::engine::pass::PassEngine;
use crate::error::Result;
use crate::estimator::{Model, Transformer};
use crate::kernel::Real;
use crate::results::Contents;
use crate::telemetry::Telemetry;

/// Checks the parameters of all steps.
///
/// # Errors
/// [`crate::Error::Job`] with file and line.
pub(super) fn check(job: &Job) -> Result<()> {
    for (number, step) in job.pipeline.iter().enumerate() {
        step.check().map_err(|error| job.place(&format!("pipeline.{number}"), error))?;
    }
    Ok(())
}

/// Fits the steps one after the other; returns the data as the estimator sees them, and what each step has learnt.
///
/// # Collective
/// One pass a step.
///
/// # Errors
/// Those of the steps, with the file and line of parameters that do not fit the data.
pub(super) fn fit<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    mut source: Arc<dyn BlockSource<T>>,
    telemetry: &Telemetry,
) -> Result<(Arc<dyn BlockSource<T>>, Vec<Model>)> {
    let mut models = Vec::new();
    for (number, step) in job.pipeline.iter().enumerate() {
        let fitted = fit_one(comm, step, source.clone(), telemetry)
            .map_err(|error| job.place(&format!("pipeline.{number}"), error))?;
        source = Arc::new(Mapped::new(source, fitted.map)?);
        models.push(fitted.model);
    }
    Ok((source, models))
}

/// Fits a transformer that is the job's estimator.
///
/// # Collective
/// One pass.
///
/// # Errors
/// As [`fit`].
pub(super) fn fit_last<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    step: &TransformerJob,
    source: Arc<dyn BlockSource<T>>,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    if source.shape().has_weights && !step.takes_weights() {
        telemetry.warn(&format!("sample weights do not count: {} knows none", step.name()));
    }
    let fitted = fit_one(comm, step, source, telemetry).map_err(|error| job.place("estimator", error))?;
    let contents = Contents { model: Some(fitted.model), ..Contents::default() };
    Ok(Fitted { contents, cluster_sizes: None, report: None, writer: None })
}

fn fit_one<T: Real>(
    comm: &dyn Communicator,
    step: &TransformerJob,
    source: Arc<dyn BlockSource<T>>,
    telemetry: &Telemetry,
) -> Result<Transformer<T>> {
    let source = if step.takes_missing() { Arc::new(WithMissing::new(source)) } else { source };
    let _unkept = telemetry.unkept();
    // One pass, or a few, gain little from blocks that stay.
    let feed = Feed::new(source, Residency::Stream, comm.rank(), comm.size());
    step.fit(&mut PassEngine::new(comm, feed, telemetry))
}
