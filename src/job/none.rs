//! scikit-learn's `None` among the values of a search: `"none"` in a job, whose format has no word for it, `null` in what
//! comes out.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::Table;

use super::document::Document;
use super::estimator::EstimatorJob;
use super::spec::Job;
use super::steps;
use super::transformer::TransformerJob;
use crate::error::Result;
use crate::estimator::parameter::NONE;
use crate::model_selection::Search;

/// Makes `"none"` none in the values of `search`, of parameters that may be none; of others it is a text.
///
/// # Errors
/// An internal error.
pub(super) fn resolve(job: &Job, search: &mut Search) -> Result<()> {
    let nowhere = Document::parse(std::path::Path::new(""), "")?;
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    search.change_values(&mut |key, value| {
        if value.as_str() != Some(NONE) {
            return;
        }
        let may_be = || may_be_none(&nowhere, job, key);
        if *known.entry(key.to_owned()).or_insert_with(may_be) {
            *value = Value::Null;
        }
    });
    Ok(())
}

/// Whether `"none"` is read as none by the parameter `key` of the job's estimator or of one of its steps.
fn may_be_none(nowhere: &Document, job: &Job, key: &str) -> bool {
    let own = job.estimator.name().to_lowercase();
    let (step, parameter) = key.split_once("__").unwrap_or((own.as_str(), key));
    let mut table = Table::from_iter([(parameter.to_owned(), NONE.into())]);
    let written = match steps::names(&job.pipeline).iter().position(|name| name == step) {
        Some(number) => {
            let name = job.pipeline[number].name();
            let read = TransformerJob::read(nowhere, "", name, table).ok().flatten();
            read.and_then(|step| serde_json::to_value(step).ok())
        }
        None => {
            table.insert("name".into(), job.estimator.name().into());
            let read = EstimatorJob::of(nowhere, table).ok();
            read.and_then(|estimator| serde_json::to_value(estimator).ok())
        }
    };
    // A parameter that is left out of what is written is none as well.
    written.is_some_and(|written| written.get(parameter).is_none_or(Value::is_null))
}
