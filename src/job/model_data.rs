//! The rows that a fitted model is applied to, opened as the job that made it would.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::model_csv::{self, Features};
use super::source::check_whole;
use crate::comm::{Communicator, agree};
use crate::data::{BlockSource, ColumnRef, Hdf5Params, Hdf5Source, Header, Mapped};
use crate::error::{Error, Place, Result};
use crate::estimator::{Model, Transformer};
use crate::kernel::Real;

/// Which file, and what in it.
#[derive(Clone, Debug)]
pub struct Rows {
    /// An HDF5 or CSV file.
    pub path: PathBuf,
    /// The dataset of features; that of the model's job, or `X`, when absent.
    pub x: Option<String>,
    /// Targets, if they are wanted.
    pub targets: Wanted,
    /// Sample weights, if they are wanted.
    pub weights: Wanted,
}

/// Whether targets, or weights, are read along with the features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// They are not.
    #[default]
    No,
    /// From where the model's job had them: a dataset, by default `y` for targets, or a column.
    AsInJob,
    /// From this dataset, or column (a name or a number).
    From(String),
}

/// What the job that made the model tells of its data. Whatever is missing or strange is taken as not said.
#[derive(Default)]
pub(super) struct JobData {
    pub(super) dtype: Option<String>,
    x: Option<String>,
    y: Option<String>,
    sample_weight: Option<String>,
    pub(super) label_column: Option<ColumnRef>,
    pub(super) weight_column: Option<ColumnRef>,
    pub(super) group_column: Option<ColumnRef>,
    pub(super) drop_columns: Vec<ColumnRef>,
    pub(super) header: Header,
    pub(super) delimiter: Option<char>,
    /// The names of the features that the model was fitted with, which the model itself tells.
    pub(super) feature_names: Option<Vec<String>>,
    /// Whether the model is a search's, which fits in double precision.
    pub(super) search: bool,
}

impl JobData {
    /// From the text of the job, and the names that the model has for its features.
    pub(super) fn of(job: Option<&str>, feature_names: Option<Vec<String>>) -> Self {
        let table = job.and_then(|text| text.parse::<toml::Table>().ok());
        let Some(data) = table.as_ref().and_then(|table| table.get("data")?.as_table()) else {
            return Self { feature_names, ..Self::default() };
        };
        let text = |key: &str| data.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let column = |key: &str| data.get(key).cloned().and_then(|value| ColumnRef::deserialize(value).ok());
        Self {
            dtype: text("dtype"),
            x: text("x"),
            y: text("y"),
            sample_weight: text("sample_weight"),
            label_column: column("label_column"),
            weight_column: column("weight_column"),
            group_column: column("group_column"),
            drop_columns: data
                .get("drop_columns")
                .cloned()
                .and_then(|value| Vec::deserialize(value).ok())
                .unwrap_or_default(),
            header: data
                .get("header")
                .cloned()
                .and_then(|value| Header::deserialize(value).ok())
                .unwrap_or_default(),
            delimiter: text("delimiter").and_then(|text| text.parse().ok()),
            feature_names,
            search: table.as_ref().is_some_and(|table| table.contains_key("search")),
        }
    }

    /// Whether the fit weighed its rows.
    pub(super) fn has_weights(&self) -> bool {
        self.sample_weight.is_some() || self.weight_column.is_some()
    }
}

/// Opens the data and leads their rows through the fitted `steps`, for a model that takes `taken` features (`None`: what
/// the steps give).
///
/// # Collective
/// What the reader exchanges, and a few agreements.
///
/// # Errors
/// Those of the reader; [`Error::Data`] for another number of features; [`Error::Usage`] for a flag that does not fit
/// the kind of file.
pub(super) fn open_mapped<T: Real>(
    comm: &dyn Communicator,
    model: &Path,
    rows: &Rows,
    job: &JobData,
    steps: Vec<Model>,
    taken: Option<usize>,
) -> Result<Arc<dyn BlockSource<T>>> {
    let maps = agree(comm, steps.into_iter().map(Transformer::<T>::import).collect::<Result<Vec<_>>>())?;
    let taken = taken.or_else(|| maps.last().map(|step| step.map.n_outputs()));
    let taken = taken.ok_or_else(|| Error::internal("a transformer without its map"))?;
    let n_features = maps.first().map_or(taken, |step| step.map.n_inputs());
    let missing = maps.first().is_some_and(|step| step.map.takes_missing());
    let mut source = open(comm, rows, job, n_features, missing)?;
    for step in maps {
        source = Arc::new(Mapped::new(source, step.map)?);
    }
    let given = source.shape().n_features;
    if given == taken {
        return Ok(source);
    }
    let expected = format!("a pipeline that gives the {taken} features that the model takes");
    Err(Error::data(model.display(), Place::default(), expected, given.to_string()))
}

fn open<T: Real>(
    comm: &dyn Communicator,
    rows: &Rows,
    job: &JobData,
    n_features: usize,
    missing: bool,
) -> Result<Arc<dyn BlockSource<T>>> {
    let is_hdf5 = agree(comm, is_hdf5(&rows.path))?;
    let source: Arc<dyn BlockSource<T>> = if is_hdf5 {
        let mut params = Hdf5Params::new(&rows.path);
        if let Some(x) = rows.x.as_ref().or(job.x.as_ref()) {
            params.x.clone_from(x);
        }
        params.y = match &rows.targets {
            Wanted::From(name) => Some(name.clone()),
            _ => job.y.clone(),
        };
        params.sample_weight = match &rows.weights {
            Wanted::No => None,
            Wanted::From(name) => Some(name.clone()),
            Wanted::AsInJob => Some(job.sample_weight.clone().ok_or_else(unknown_weights)?),
        };
        check_whole(comm, &rows.path)?;
        Arc::new(agree(comm, Hdf5Source::open(&params, rows.targets != Wanted::No, None))?)
    } else {
        if rows.x.is_some() {
            let message = "--x names a dataset of an HDF5 file, but the data are another kind of file".into();
            return Err(Error::Usage { message });
        }
        let features = Features { count: n_features, missing };
        Arc::new(model_csv::open(comm, rows, job, features, size_of::<T>())?)
    };
    let found = source.shape().n_features;
    if found == n_features { Ok(source) } else { Err(other_features(source.origin(), n_features, found)) }
}

/// The error for rows of another length than the model's.
pub(super) fn other_features(origin: impl std::fmt::Display, n_features: usize, found: usize) -> Error {
    let expected = format!("{n_features} features, as the model was fitted with");
    Error::data(origin, Place::default(), expected, found.to_string())
}

pub(super) fn unknown_weights() -> Error {
    let message = "--sample-weight NAME: the weights, which the model's job does not tell".into();
    Error::Usage { message }
}

/// Whether a file is HDF5: its signature stands at the start, or behind a block of the user's at 512, 1024, 2048 …
///
/// # References
/// The HDF Group, "HDF5 File Format Specification Version 3.0", section II.A.
fn is_hdf5(path: &Path) -> Result<bool> {
    const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
    let missing = |message: &str| Error::InputMissing { path: path.into(), message: message.into() };
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing("there is no such file"),
        _ => Error::io(path, "opening", error),
    })?;
    // What is no file is not opened: a FIFO would wait for a writer.
    match (metadata.is_dir(), metadata.is_file()) {
        (true, _) => return Err(missing("a folder, not a file")),
        (_, false) => return Err(missing("no regular file")),
        _ => {}
    }
    let file = File::open(path).map_err(|error| Error::io(path, "opening", error))?;
    let places = std::iter::once(0).chain(std::iter::successors(Some(512u64), |place| place.checked_mul(2)));
    for place in places.take_while(|place| place + SIGNATURE.len() as u64 <= metadata.len()) {
        let mut found = [0; SIGNATURE.len()];
        match file.read_exact_at(&mut found, place) {
            Ok(()) if found == SIGNATURE => return Ok(true),
            Ok(()) => {}
            Err(error) => return Err(Error::io(path, "reading", error)),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hdf5_is_known_behind_a_block_of_the_users() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for (place, is) in [(0, true), (512, true), (1024, true), (2048, true), (1536, false), (8, false)] {
            let mut bytes = vec![b'1'; place];
            bytes.extend(b"\x89HDF\r\n\x1a\n");
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(is_hdf5(&path).unwrap(), is, "{place}");
            std::fs::write(&path, &bytes[..place + 7]).unwrap();
            assert!(!is_hdf5(&path).unwrap(), "cut at {place}");
        }
    }
}
