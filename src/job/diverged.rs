//! What a run leaves whose numbers left the finite range: its history, beside the output that will not come.

use std::path::{Path, PathBuf};

use super::spec::Job;
use crate::comm::Communicator;
use crate::error::Error;
use crate::estimator::{Array, Values};
use crate::results::{Contents, Output, ResultsWriter, schema};
use crate::telemetry::Telemetry;

/// The file of the history of a run that was to write `output`.
fn path_for(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".diverged");
    name.into()
}

/// Writes the history, if `error` says that the iteration diverged and there is any; returns the error, which then
/// tells where.
///
/// # Collective
/// A barrier when the iteration diverged, which all ranks find at once: none ends the others before the file is whole.
pub(super) fn leave_history(
    comm: &dyn Communicator,
    job: &Job,
    output: &Path,
    telemetry: &Telemetry,
    error: Error,
) -> Error {
    let Error::Diverged { what, iteration, found } = error else { return error };
    let path = path_for(output);
    let columns = telemetry.history();
    let found = if columns.is_empty() {
        found
    } else {
        format!("{found}; the iterations before are in {}", path.display())
    };
    // A second fault must not hide the first.
    let written = if comm.is_root() && !columns.is_empty() { write(job, &path, columns) } else { Ok(()) };
    comm.barrier();
    match written {
        Ok(()) => Error::Diverged { what, iteration, found },
        Err(fault) => Error::Diverged { what, iteration, found: format!("{found} (not written: {fault})") },
    }
}

fn write(job: &Job, path: &Path, columns: Vec<(String, Vec<f64>)>) -> crate::error::Result<()> {
    let named = |(name, values): (String, Vec<f64>)| {
        let name = match name.as_str() {
            "gradient" => "gradient_norm".into(),
            "shift" => "center_shift".into(),
            _ => name,
        };
        (name, Array::vector(Values::F64(values)))
    };
    let job = Array::new([], Values::Text(vec![job.to_toml()?]));
    let contents = Contents {
        history: columns.into_iter().map(named).collect(),
        provenance: vec![("job".to_owned(), job)],
        ..Contents::default()
    };
    let output = Output::check(path, true)?;
    ResultsWriter::with_status(&output, schema::FORMAT, schema::DIVERGED)?.finish(&contents)
}
