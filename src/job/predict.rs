//! Applies a fitted model to data of any size, block by block on every rank.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::estimator::{self, ESTIMATORS};
use super::{plain, wording};
use crate::comm::{Communicator, agree};
use crate::data::{
    Block, BlockSource, ColumnRef, CsvParams, CsvSource, Feed, Hdf5Params, Hdf5Source, Mapped, Residency,
};
use crate::engine::rows::{RowSink, stream_rows};
use crate::error::{Error, Place, Result};
use crate::estimator::cluster::KMeansModel;
use crate::estimator::ensemble::{ForestKind, ForestModel};
use crate::estimator::linear_model::LinearModel;
use crate::estimator::plain::PlainModel;
use crate::estimator::svm::SvcModel;
use crate::estimator::transformer::TRANSFORMERS;
use crate::estimator::{Model, Transformer, Values};
use crate::kernel::Real;
use crate::results::{Output, ResultsFile, ResultsWriter, RowType, schema};
use crate::telemetry::Telemetry;

/// What to predict, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    /// A results file with a fitted model.
    pub model: PathBuf,
    /// An HDF5 or CSV file of rows.
    pub data: PathBuf,
    /// The dataset of features; that of the model's job, or `X`, when absent.
    pub x: Option<String>,
}

/// A model ready to predict.
enum Predictor {
    KMeans(Box<KMeansModel>),
    Svc(Box<SvcModel>),
    Forest(Box<ForestModel>),
    Linear(Box<LinearModel>),
    Plain(Box<dyn PlainModel>),
    /// A transformer, which stands at the end of the source's maps: its rows are the answer.
    Rows,
}

/// A model, its data and the names of what it predicts.
pub struct Prediction {
    predictor: Predictor,
    source: Source,
    names: Option<Vec<String>>,
}

enum Source {
    F32(Arc<dyn BlockSource<f32>>),
    F64(Arc<dyn BlockSource<f64>>),
}

impl Prediction {
    /// Reads the model and opens the data; every rank for itself.
    ///
    /// # Collective
    /// What the reader exchanges, and one agreement.
    ///
    /// # Errors
    /// [`Error::InputMissing`] and [`Error::Data`] for the model's or the data's file, [`Error::Data`] when the
    /// number of features is another than the model's.
    pub fn open(comm: &dyn Communicator, request: &Request) -> Result<Self> {
        let read = ResultsFile::open(&request.model).and_then(|file| {
            let job =
                file.group(schema::PROVENANCE, 1)?.and_then(|group| group.text("job").map(str::to_owned));
            let model = file.model()?;
            let (predictor, names) = (Predictor::of(&model)?, names(&model));
            let mut steps = file.pipeline()?;
            if matches!(predictor, Predictor::Rows) {
                steps.push(model);
            }
            Ok((predictor, names, JobData::of(job.as_deref()), steps))
        });
        let (predictor, names, job, steps) = agree(comm, read)?;
        // Maps round as they did in the fit.
        let rounds = matches!(&predictor, Predictor::KMeans(_)) || !steps.is_empty();
        let source = if rounds && job.dtype.as_deref() == Some("f32") {
            Source::F32(open_mapped(comm, request, &job, steps, &predictor)?)
        } else {
            Source::F64(open_mapped(comm, request, &job, steps, &predictor)?)
        };
        Ok(Self { predictor, source, names })
    }

    /// Rows of the data.
    pub fn n_samples(&self) -> u64 {
        match &self.source {
            Source::F32(source) => source.shape().n_samples,
            Source::F64(source) => source.shape().n_samples,
        }
    }

    fn n_features(&self) -> usize {
        match &self.source {
            Source::F32(source) => source.shape().n_features,
            Source::F64(source) => source.shape().n_features,
        }
    }

    /// What a prediction's bytes mean.
    pub fn kind(&self) -> RowType {
        match (&self.predictor, &self.names) {
            (Predictor::KMeans(_), _) => RowType::I32,
            (Predictor::Rows, _) => RowType::F64Row(self.n_features()),
            (_, Some(names)) => RowType::Text(names.iter().map(String::len).max().unwrap_or(1).max(1)),
            (_, None) => RowType::F64,
        }
    }

    /// Hands the prediction of every row to `sink` on rank 0, as [`kind`](Self::kind) says.
    ///
    /// # Collective
    /// Every prediction once, to rank 0.
    ///
    /// # Errors
    /// The first error of any rank.
    pub fn stream(
        &self,
        comm: &dyn Communicator,
        telemetry: &Telemetry,
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        match &self.source {
            Source::F32(source) => self.stream_typed(comm, source.clone(), telemetry, sink),
            Source::F64(source) => self.stream_typed(comm, source.clone(), telemetry, sink),
        }
    }

    fn stream_typed<T: Real>(
        &self,
        comm: &dyn Communicator,
        source: Arc<dyn BlockSource<T>>,
        telemetry: &Telemetry,
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        let mut feed = Feed::new(source, Residency::Stream, comm.rank(), comm.size());
        stream_rows(comm, &mut feed, telemetry, |_, block| self.block(block), sink)
    }

    fn block<T: Real>(&self, block: &Block<T>) -> Result<Vec<u8>> {
        match &self.predictor {
            Predictor::KMeans(model) => model.predict_bytes(block),
            Predictor::Rows => Ok(block.x.iter().flat_map(|v| v.to_f64().to_le_bytes()).collect()),
            Predictor::Svc(_) | Predictor::Forest(_) | Predictor::Plain(_) => {
                let values = block.x.iter().map(|v| v.to_f64()).collect();
                let x = ndarray::Array2::from_shape_vec((block.n_rows, block.n_features), values)
                    .map_err(|e| Error::internal(format!("a block of the wrong shape: {e}")))?;
                Ok(self.named(self.predictor.predict(x.view())?))
            }
            Predictor::Linear(model) => Ok(self.named(model.predict(block)?)),
        }
    }

    /// Predictions as bytes: numbers, or the names of classes.
    fn named(&self, predictions: Vec<f64>) -> Vec<u8> {
        match (&self.names, self.kind()) {
            (Some(names), RowType::Text(width)) => {
                predictions.iter().flat_map(|&class| padded(names, class, width)).collect()
            }
            _ => predictions.into_iter().flat_map(f64::to_le_bytes).collect(),
        }
    }

    /// Writes the predictions into the dataset `predictions` of a new file.
    ///
    /// # Collective
    /// As [`stream`](Self::stream).
    ///
    /// # Errors
    /// As [`stream`](Self::stream), and when the file cannot be written.
    pub fn write(
        &self,
        comm: &dyn Communicator,
        telemetry: &Telemetry,
        output: Option<&Output>,
    ) -> Result<()> {
        let writer = output.map(|output| ResultsWriter::new(output, schema::PREDICTIONS_FORMAT)).transpose();
        let mut writer = agree(comm, writer)?;
        let rows = writer
            .as_mut()
            .map(|writer| writer.rows(schema::PREDICTIONS, self.n_samples(), self.kind()))
            .transpose();
        let mut sink = OnRoot(agree(comm, rows)?);
        self.stream(comm, telemetry, &mut sink)?;
        agree(comm, writer.map_or(Ok(()), |writer| writer.finish(&Default::default())))
    }
}

/// A sink on rank 0 only.
struct OnRoot<S>(Option<S>);

impl<S: RowSink> RowSink for OnRoot<S> {
    fn put(&mut self, first_row: u64, values: &[u8]) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |sink| sink.put(first_row, values))
    }
}

impl Predictor {
    fn of(model: &Model) -> Result<Self> {
        if ForestKind::of(&model.estimator).is_some() {
            return Ok(Self::Forest(Box::new(ForestModel::import(model)?)));
        }
        if let Some(model) = plain::import(model)? {
            return Ok(Self::Plain(model));
        }
        match model.estimator.as_str() {
            "KMeans" => Ok(Self::KMeans(Box::new(KMeansModel::import(model)?))),
            "SVC" => Ok(Self::Svc(Box::new(SvcModel::import(model)?))),
            name if TRANSFORMERS.contains(&name) => Ok(Self::Rows),
            other if ESTIMATORS.contains(&other) => Ok(Self::Linear(Box::new(LinearModel::import(model)?))),
            other => {
                let expected = wording::one_of(&estimator::names());
                Err(Error::data("model", Place::default(), format!("an estimator: {expected}"), other))
            }
        }
    }

    /// Features that it takes, after the maps.
    fn n_features(&self) -> Option<usize> {
        match self {
            Self::KMeans(model) => Some(model.n_features_in()),
            Self::Svc(model) => Some(model.support_vectors().ncols()),
            Self::Forest(model) => Some(model.n_features_in()),
            Self::Linear(model) => Some(model.n_features()),
            Self::Plain(model) => Some(model.n_features_in()),
            Self::Rows => None,
        }
    }

    /// The class or number of each row, of what predicts in double precision.
    fn predict(&self, x: ndarray::ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        match self {
            Self::Svc(model) => model.predict(x),
            Self::Forest(model) => model.predict(x),
            Self::Plain(model) => model.predict(x),
            Self::KMeans(_) | Self::Linear(_) | Self::Rows => {
                Err(Error::internal("this estimator predicts whole blocks"))
            }
        }
    }
}

/// A class's name in `width` bytes, filled up with zeros.
fn padded(names: &[String], class: f64, width: usize) -> Vec<u8> {
    let mut bytes = names.get(class as usize).map_or_else(Vec::new, |name| name.clone().into_bytes());
    bytes.resize(width, 0);
    bytes
}

fn names(model: &Model) -> Option<Vec<String>> {
    match &model.attribute("classes_").ok()?.values {
        Values::Text(names) => Some(names.clone()),
        _ => None,
    }
}

/// What the job that made the model tells of its data. Whatever is missing or strange is taken as not said.
#[derive(Default)]
struct JobData {
    dtype: Option<String>,
    x: Option<String>,
    label_column: Option<ColumnRef>,
    weight_column: Option<ColumnRef>,
}

impl JobData {
    fn of(job: Option<&str>) -> Self {
        let table = job.and_then(|text| text.parse::<toml::Table>().ok());
        let Some(data) = table.as_ref().and_then(|table| table.get("data")?.as_table()) else {
            return Self::default();
        };
        let text = |key: &str| data.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let column = |key: &str| data.get(key).cloned().and_then(|value| ColumnRef::deserialize(value).ok());
        Self {
            dtype: text("dtype"),
            x: text("x"),
            label_column: column("label_column"),
            weight_column: column("weight_column"),
        }
    }
}

/// Opens the data and leads their rows through the fitted `steps`.
fn open_mapped<T: Real>(
    comm: &dyn Communicator,
    request: &Request,
    job: &JobData,
    steps: Vec<Model>,
    predictor: &Predictor,
) -> Result<Arc<dyn BlockSource<T>>> {
    let maps = agree(comm, steps.into_iter().map(Transformer::<T>::import).collect::<Result<Vec<_>>>())?;
    let taken = predictor.n_features().or_else(|| maps.last().map(|step| step.map.n_outputs()));
    let taken = taken.ok_or_else(|| Error::internal("a transformer without its map"))?;
    let n_features = maps.first().map_or(taken, |step| step.map.n_inputs());
    let mut source = open(comm, request, job, n_features)?;
    for step in maps {
        source = Arc::new(Mapped::new(source, step.map)?);
    }
    let given = source.shape().n_features;
    if given == taken {
        return Ok(source);
    }
    let expected = format!("a pipeline that gives the {taken} features that the model takes");
    Err(Error::data(request.model.display(), Place::default(), expected, given.to_string()))
}

fn open<T: Real>(
    comm: &dyn Communicator,
    request: &Request,
    job: &JobData,
    n_features: usize,
) -> Result<Arc<dyn BlockSource<T>>> {
    let is_hdf5 = agree(comm, is_hdf5(&request.data))?;
    let source: Arc<dyn BlockSource<T>> = if is_hdf5 {
        let mut params = Hdf5Params::new(&request.data);
        if let Some(x) = request.x.as_ref().or(job.x.as_ref()) {
            params.x.clone_from(x);
        }
        Arc::new(agree(comm, Hdf5Source::open(&params, false, None))?)
    } else {
        if request.x.is_some() {
            let message = "--x names a dataset of an HDF5 file, but the data are another kind of file".into();
            return Err(Error::Usage { message });
        }
        Arc::new(open_csv(comm, &request.data, job, n_features, size_of::<T>())?)
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
    path: &Path,
    job: &JobData,
    n_features: usize,
    item_bytes: usize,
) -> Result<CsvSource> {
    let columns = [
        (job.label_column.clone(), job.weight_column.clone()),
        (job.label_column.clone(), None),
        (None, job.weight_column.clone()),
    ];
    for (label_column, weight_column) in columns {
        if label_column.is_none() && weight_column.is_none() {
            continue;
        }
        let params = CsvParams { label_column, weight_column, ..CsvParams::new(path) };
        match agree(comm, CsvSource::open(comm, &params, false, None, item_bytes)) {
            Ok(source) if <CsvSource as BlockSource<f64>>::shape(&source).n_features == n_features => {
                return Ok(source);
            }
            // Without that column, or with it among the features: the next reading may fit.
            Ok(_) | Err(_) => {}
        }
    }
    agree(comm, CsvSource::open(comm, &CsvParams::new(path), false, None, item_bytes))
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
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start).map_err(|e| Error::io(path, "reading", e))?;
    Ok(start == b"\x89HDF\r\n\x1a\n")
}
