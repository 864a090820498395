//! What a run leaves whose numbers left the finite range: its history, beside the output that will not come.

use std::path::{Path, PathBuf};

use super::spec::Job;
use crate::comm::Communicator;
use crate::error::Error;
use crate::estimator::{Array, Values};
use crate::results::{Contents, Output, ResultsFile, ResultsWriter, schema};
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
    let output = Output::check(path, is_ours(path))?;
    ResultsWriter::with_status(&output, schema::FORMAT, schema::DIVERGED)?.finish(&contents)
}

/// Whether there is the history of an earlier run, which may be replaced; another file of this name is the user's.
fn is_ours(path: &Path) -> bool {
    let attributes = ResultsFile::open(path).and_then(|file| file.attributes()).unwrap_or_default();
    let diverged = Array::new([], Values::Text(vec![schema::DIVERGED.into()]));
    attributes.iter().any(|(name, value)| name == "status" && *value == diverged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::run_threads;
    use crate::job::Overrides;

    #[test]
    fn the_iterations_before_stay_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[data]\nsource = \"blobs\"\nn_samples = 10\n[estimator]\nname = \"KMeans\"\n";
        let job = Job::read(&folder.path().join("job.toml"), text, &Overrides::default()).unwrap();
        let output = folder.path().join("out.h5");
        let diverged = || Error::Diverged { what: "KMeans".into(), iteration: 2, found: "NaN".into() };
        let messages = run_threads(2, |comm| {
            let telemetry = Telemetry::new();
            let nothing = leave_history(comm, &job, &output, &telemetry, diverged());
            assert_eq!(nothing.to_string(), diverged().to_string());
            for (number, loss) in [(1, 7.0), (2, 8.0), (1, 3.0), (2, 2.5)] {
                // The second fit's iterations replace the first's.
                telemetry.iteration(number, &[("loss", loss), ("gradient", 0.5)], 0.0);
            }
            leave_history(comm, &job, &output, &telemetry, diverged()).to_string()
        });
        let path = folder.path().join("out.h5.diverged");
        assert!(messages.iter().all(|message| message.contains(path.to_str().unwrap())), "{messages:?}");
        let file = ResultsFile::open(&path).unwrap();
        let history = file.group(schema::HISTORY, 100).unwrap().unwrap();
        assert_eq!(history.array("loss").unwrap().to_f64().unwrap(), [3.0, 2.5]);
        assert_eq!(history.array("gradient_norm").unwrap().to_f64().unwrap(), [0.5, 0.5]);
        assert!(!output.exists());
        drop((file, history));
        // Another file of that name is not replaced.
        std::fs::write(&path, "notes").unwrap();
        let telemetry = Telemetry::new();
        telemetry.iteration(1, &[("loss", 7.0)], 0.0);
        let message = leave_history(&crate::comm::Single::new(), &job, &output, &telemetry, diverged());
        assert!(message.to_string().contains("not written"), "{message}");
        assert_eq!(std::fs::read(&path).unwrap(), b"notes");
    }
}
