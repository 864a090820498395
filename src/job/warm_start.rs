//! The model of an earlier run, from which a fit starts.

use std::path::Path;

use super::spec::Job;
use crate::comm::{Communicator, agree};
use crate::error::{Error, Place, Result};
use crate::estimator::Model;
use crate::results::ResultsFile;

/// The model that `estimator.warm_start` names, with the file; every rank reads it for itself.
///
/// # Collective
/// One agreement.
///
/// # Errors
/// [`Error::InputMissing`] without the file; [`Error::Data`] when it holds another estimator's model.
pub(super) fn read<'a>(comm: &dyn Communicator, job: &'a Job) -> Result<Option<(&'a Path, Model)>> {
    let Some(path) = &job.warm_start else { return Ok(None) };
    let model = agree(comm, ResultsFile::open(path).and_then(|file| file.model()))?;
    let name = job.estimator.name();
    if model.estimator == name {
        return Ok(Some((path, model)));
    }
    let expected = format!("the model of a {name} to start from");
    Err(Error::data(path.display(), Place::default(), expected, format!("that of a {}", model.estimator)))
}
