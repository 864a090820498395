//! The rows that a fitted model is applied to, opened as the job that made it would.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::comm::{Communicator, agree};
use crate::data::{BlockSource, ColumnRef, CsvParams, CsvSource, Hdf5Params, Hdf5Source, Mapped};
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
    label_column: Option<ColumnRef>,
    weight_column: Option<ColumnRef>,
    group_column: Option<ColumnRef>,
    /// Whether the model is a search's, which fits in double precision.
    pub(super) search: bool,
}

impl JobData {
    pub(super) fn of(job: Option<&str>) -> Self {
        let table = job.and_then(|text| text.parse::<toml::Table>().ok());
        let Some(data) = table.as_ref().and_then(|table| table.get("data")?.as_table()) else {
            return Self::default();
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
        Arc::new(agree(comm, Hdf5Source::open(&params, rows.targets != Wanted::No, None))?)
    } else {
        if rows.x.is_some() {
            let message = "--x names a dataset of an HDF5 file, but the data are another kind of file".into();
            return Err(Error::Usage { message });
        }
        Arc::new(open_csv(comm, rows, job, (n_features, missing), size_of::<T>())?)
    };
    let found = source.shape().n_features;
    if found == n_features {
        return Ok(source);
    }
    let expected = format!("{n_features} features, as the model was fitted with");
    Err(Error::data(source.origin(), Place::default(), expected, found.to_string()))
}

/// Opens a CSV file without the columns that were no features in the model's job, if they are there.
fn open_csv(
    comm: &dyn Communicator,
    rows: &Rows,
    job: &JobData,
    (n_features, missing): (usize, bool),
    item_bytes: usize,
) -> Result<CsvSource> {
    let wanted = rows.targets != Wanted::No;
    // A number is a column's place, as in a job file.
    let column =
        |name: &String| name.parse().map_or_else(|_| ColumnRef::Name(name.clone()), ColumnRef::Number);
    let label = match &rows.targets {
        Wanted::From(name) => Some(column(name)),
        _ => job.label_column.clone(),
    };
    let weight = match &rows.weights {
        Wanted::No => None,
        Wanted::From(name) => Some(column(name)),
        Wanted::AsInJob => Some(job.weight_column.clone().ok_or_else(unknown_weights)?),
    };
    if wanted && label.is_none() {
        let message = "--y NAME: the column of targets, which the model's job does not tell".into();
        return Err(Error::Usage { message });
    }
    let mut readings = match weight {
        Some(weight) => vec![(label.clone(), Some(weight))],
        None => vec![(label.clone(), job.weight_column.clone()), (label.clone(), None)],
    };
    if !wanted {
        readings.extend([(None, job.weight_column.clone()), (None, None)]);
    }
    readings.dedup();
    let mut groups = vec![job.group_column.clone(), None];
    groups.dedup();
    let readings =
        groups.iter().flat_map(|group| readings.iter().map(move |reading| (reading.clone(), group)));
    let mut last = None;
    for ((label_column, weight_column), group_column) in readings {
        let group_column = group_column.clone();
        let columns = CsvParams { label_column, weight_column, group_column, ..CsvParams::new(&rows.path) };
        let params = CsvParams { missing, ..columns };
        let opened = agree(comm, CsvSource::open(comm, &params, wanted, None, item_bytes));
        match &opened {
            Ok(source) if <CsvSource as BlockSource<f64>>::shape(source).n_features == n_features => {
                return opened;
            }
            // Without that column, or with it among the features: the next reading may fit.
            _ => last = Some(opened),
        }
    }
    last.unwrap_or_else(|| Err(Error::internal("no way to read the data was tried")))
}

fn unknown_weights() -> Error {
    let message = "--sample-weight NAME: the weights, which the model's job does not tell".into();
    Error::Usage { message }
}

/// Whether a file begins as HDF5 files do.
fn is_hdf5(path: &Path) -> Result<bool> {
    use std::io::Read;
    let mut file = std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::InputMissing { path: path.into(), message: "there is no such file".into() }
        }
        _ => Error::io(path, "opening", error),
    })?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Error::InputMissing { path: path.into(), message: "a folder, not a file".into() });
    }
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start).map_err(|e| Error::io(path, "reading", e))?;
    Ok(start == b"\x89HDF\r\n\x1a\n")
}
