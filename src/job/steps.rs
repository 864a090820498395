//! Steps before the estimator of a search: which candidates set what of which step.

use std::sync::Arc;

use serde_json::Value;

use super::document::Document;
use super::searchable::place;
use super::spec::Job;
use super::transformer::TransformerJob;
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::Transformer;
use crate::estimator::fold_search::FoldRows;
use crate::estimator::parameter::NONE;
use crate::estimator::pipeline_search::{MakeSearch, PipelineSearch, StepFit};
use crate::model_selection::Candidate;

/// A step at some candidates.
struct Step {
    step: TransformerJob,
    /// Its section, and the keys at which the first of the candidates sets its parameters, by their names.
    section: String,
    set: Vec<(String, String)>,
}

impl Step {
    /// An error of a fit, at the key that gives the parameter.
    fn placed(&self, error: Error) -> Error {
        let Error::Job { key, expected, found, .. } = error else { return error };
        let name = key.rsplit('.').next().unwrap_or(&key);
        let origin = match self.set.iter().find(|(set, _)| set == name) {
            Some((_, key)) => key.clone(),
            None => format!("{}.{name} ({})", self.section, self.step.name()),
        };
        Error::data(origin, Place::default(), expected, found)
    }
}

impl StepFit for Step {
    fn fit(&self, rows: &FoldRows) -> Result<Transformer<f64>> {
        rows.with_engine(|engine| self.step.fit(engine)).map_err(|error| self.placed(error))
    }
}

/// The names of the steps, as scikit-learn's `make_pipeline` gives them: the class in small letters, and a number
/// where there are several of it.
pub(super) fn names(steps: &[TransformerJob]) -> Vec<String> {
    let plain: Vec<String> = steps.iter().map(|step| step.name().to_lowercase()).collect();
    let name = |(at, name): (usize, &String)| {
        let all = plain.iter().filter(|other| *other == name).count();
        let before = plain[..at].iter().filter(|other| *other == name).count();
        if all > 1 { format!("{name}-{}", before + 1) } else { name.clone() }
    };
    plain.iter().enumerate().map(name).collect()
}

/// A candidate taken apart.
pub(super) struct Parts<'c> {
    /// For each step the parameters that the candidate sets: the key as written, the parameter, the value.
    steps: Vec<Vec<(&'c str, &'c str, &'c Value)>>,
    /// The estimator's parameters, without a prefix.
    pub(super) estimator: Candidate,
}

/// Takes `candidate` apart: `pca__n_components` is a step's, `C` and `svc__C` are the estimator's.
///
/// # Errors
/// [`Error::Job`] at a key that names no step, or a parameter that is given twice.
pub(super) fn parts<'c>(job: &Job, candidate: &'c Candidate) -> Result<Parts<'c>> {
    let (names, own) = (names(&job.pipeline), job.estimator.name().to_lowercase());
    let mut parts = Parts { steps: vec![Vec::new(); names.len()], estimator: Candidate::new() };
    for (key, value) in candidate {
        let (step, name) = key.split_once("__").unwrap_or((own.as_str(), key.as_str()));
        if let Some(number) = names.iter().position(|known| known == step) {
            parts.steps[number].push((key, name, value));
        } else if step != own {
            let known: Vec<&str> = names.iter().chain([&own]).map(String::as_str).collect();
            let expected = format!("a parameter of {} before its two underscores", known.join(", "));
            let hint = super::wording::suggest(step, &known);
            return Err(job.fault_at(
                &place(job, key, value),
                expected,
                format!("one of {step:?}"),
                Some(hint),
            ));
        } else if parts.estimator.insert(name.to_owned(), value.clone()).is_some() {
            return Err(job.fault_at(&place(job, key, value), format!("{name} once"), "it twice", None));
        }
    }
    Ok(parts)
}

/// The job's steps at every candidate before what `make` makes.
///
/// # Errors
/// [`Error::Job`] at the key of `[search]` that holds a parameter or value that a step does not take; those of
/// `make`.
pub(super) fn behind<'a>(
    job: &Job,
    table: Arc<Table>,
    candidates: &[Candidate],
    make: MakeSearch<'a>,
) -> Result<PipelineSearch<'a>> {
    let mut settings: Vec<Vec<Step>> = job.pipeline.iter().map(|_| Vec::new()).collect();
    let mut paths = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let parts = parts(job, candidate)?;
        let mut path = Vec::with_capacity(settings.len());
        for (number, (overrides, known)) in parts.steps.iter().zip(&mut settings).enumerate() {
            let step = setting(job, &job.pipeline[number], overrides)?;
            let at = known.iter().position(|other| other.step == step).unwrap_or(known.len());
            if at == known.len() {
                let set =
                    |(key, name, value): &(&str, &str, &Value)| ((*name).to_owned(), place(job, key, value));
                let set = overrides.iter().map(set).collect();
                known.push(Step { step, section: format!("pipeline.{number}"), set });
            }
            path.push(at);
        }
        paths.push(path);
    }
    let boxed = |step| Box::new(step) as Box<dyn StepFit>;
    let steps = settings.into_iter().map(|known| known.into_iter().map(boxed).collect()).collect();
    PipelineSearch::new(table, steps, &paths, make)
}

/// A step with the parameters that a candidate sets.
fn setting(job: &Job, base: &TransformerJob, overrides: &[(&str, &str, &Value)]) -> Result<TransformerJob> {
    if overrides.is_empty() {
        return Ok(base.clone());
    }
    let internal = |error: String| Error::internal(format!("a step cannot be written as TOML: {error}"));
    let mut table = base.to_table().map_err(|error| internal(error.to_string()))?;
    table.remove("name");
    for (_, name, value) in overrides {
        let value = match value {
            Value::Null => NONE.into(),
            value => toml::Value::try_from(value).map_err(|error| internal(error.to_string()))?,
        };
        table.insert((*name).to_owned(), value);
    }
    // The step is not where it was written: faults are placed below.
    let nowhere = Document::parse(std::path::Path::new(""), "")?;
    let read = TransformerJob::read(&nowhere, "", base.name(), table)
        .and_then(|step| step.ok_or_else(|| Error::internal("a step that is no transformer")))
        .and_then(|step| step.check().map(|()| step));
    read.map_err(|error| match error {
        Error::Job { key, expected, found, hint, .. } => {
            let name = key.split('.').next().unwrap_or(&key);
            let written = overrides.iter().find(|(_, other, _)| *other == name).or(overrides.first());
            let key = written.map_or_else(|| key.clone(), |(key, _, value)| place(job, key, value));
            job.fault_at(&key, expected, found, hint)
        }
        other => other,
    })
}
