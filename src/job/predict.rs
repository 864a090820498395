//! Applies a fitted model to data of any size, block by block on every rank.

use std::path::PathBuf;
use std::sync::Arc;

use super::estimator::{self, ESTIMATORS};
use super::method::{Method, Width};
use super::model_data::{JobData, Rows, Wanted, open_mapped};
use super::{plain, wording};
use crate::comm::{Communicator, agree};
use crate::data::{Block, BlockSource, Feed, Residency};
use crate::engine::rows::{RowSink, stream_rows};
use crate::error::{Error, Place, Result};
use crate::estimator::cluster::KMeansModel;
use crate::estimator::ensemble::{ForestKind, ForestModel};
use crate::estimator::linear_model::LinearModel;
use crate::estimator::naive_bayes::GaussianNbModel;
use crate::estimator::plain::PlainModel;
use crate::estimator::svm::SvcModel;
use crate::estimator::transformer::TRANSFORMERS;
use crate::estimator::{FEATURE_NAMES, Model, Values};
use crate::kernel::Real;
use crate::results::{Output, ResultsFile, ResultsWriter, RowType, schema};
use crate::telemetry::Telemetry;

/// What to predict, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    /// A results file with a fitted model.
    pub model: PathBuf,
    /// The rows.
    pub data: Rows,
    /// What to make of them.
    pub method: Method,
}

/// A model ready to predict.
pub(super) enum Predictor {
    KMeans(Box<KMeansModel>),
    Svc(Box<SvcModel>),
    Forest(Box<ForestModel>),
    Linear(Box<LinearModel>),
    GaussianNb(Box<GaussianNbModel>),
    Plain(Box<dyn PlainModel>),
    /// A transformer, which stands at the end of the source's maps: its rows are the answer.
    Rows,
}

/// A model, its data and the names of what it predicts.
pub struct Prediction {
    predictor: Predictor,
    source: Source,
    names: Option<Vec<String>>,
    has_whole_classes: bool,
    method: Method,
    width: Width,
}

/// The rows in the precision in which the model takes them.
#[derive(Clone)]
pub(super) enum Source {
    F32(Arc<dyn BlockSource<f32>>),
    F64(Arc<dyn BlockSource<f64>>),
}

/// A model and the rows that it is applied to.
pub(super) struct Applied {
    pub(super) predictor: Predictor,
    pub(super) estimator: String,
    pub(super) source: Source,
    /// Names of the classes when targets were text: prediction `i` stands for name `i`.
    pub(super) names: Option<Vec<String>>,
    /// Whether classes are integers.
    pub(super) has_whole_classes: bool,
    /// Whether the fit weighed its rows.
    pub(super) fitted_with_weights: bool,
}

impl Applied {
    /// Reads the model and opens the data; every rank for itself.
    ///
    /// # Collective
    /// What the reader exchanges, and two agreements.
    ///
    /// # Errors
    /// As [`Prediction::open`].
    pub(super) fn open(comm: &dyn Communicator, path: &std::path::Path, rows: &Rows) -> Result<Self> {
        let read = ResultsFile::open(path).and_then(|file| {
            let job =
                file.group(schema::PROVENANCE, 1)?.and_then(|group| group.text("job").map(str::to_owned));
            let model = file.model()?;
            let (predictor, classes) = (Predictor::of(&model)?, (names(&model), has_whole_classes(&model)));
            let (estimator, mut steps) = (model.estimator.clone(), file.pipeline()?);
            let feature_names = feature_names(steps.first().unwrap_or(&model));
            if matches!(predictor, Predictor::Rows) {
                steps.push(model);
            }
            let job = JobData::of(job.as_deref(), feature_names);
            Ok((predictor, estimator, classes, job, steps))
        });
        let (predictor, estimator, (names, has_whole_classes), job, steps) = agree(comm, read)?;
        // Maps round as they did in the fit.
        let rounds = !job.search && (matches!(&predictor, Predictor::KMeans(_)) || !steps.is_empty());
        let taken = predictor.n_features();
        let mut rows = rows.clone();
        if matches!(&predictor, Predictor::KMeans(_)) && rows.targets == Wanted::AsInJob {
            // A clusterer has seen none; labels to compare its own with are asked for by name.
            rows.targets = Wanted::No;
        }
        let source = if rounds && job.dtype.as_deref() == Some("f32") {
            Source::F32(open_mapped(comm, path, &rows, &job, steps, taken)?)
        } else {
            Source::F64(open_mapped(comm, path, &rows, &job, steps, taken)?)
        };
        let fitted_with_weights = job.has_weights();
        Ok(Self { predictor, estimator, source, names, has_whole_classes, fitted_with_weights })
    }
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
        let Applied { predictor, estimator, source, names, has_whole_classes, .. } =
            Applied::open(comm, &request.model, &request.data)?;
        let n_features = match &source {
            Source::F32(source) => source.shape().n_features,
            Source::F64(source) => source.shape().n_features,
        };
        // A transformer's rows are its answer, whatever it is asked by.
        let method = match predictor {
            Predictor::Rows if request.method == Method::Predict => Method::Transform,
            _ => request.method,
        };
        let width = predictor
            .width(method, n_features)
            .ok_or_else(|| method.refused(&estimator, &predictor.methods(n_features)))?;
        Ok(Self { predictor, source, names, has_whole_classes, method, width })
    }

    /// Rows of the data.
    pub fn n_samples(&self) -> u64 {
        match &self.source {
            Source::F32(source) => source.shape().n_samples,
            Source::F64(source) => source.shape().n_samples,
        }
    }

    /// What a prediction's bytes mean.
    pub fn kind(&self) -> RowType {
        match (self.width, &self.predictor, &self.names) {
            (Width::Many(n), ..) => RowType::F64Row(n),
            (Width::One, Predictor::KMeans(_), _) => RowType::I32,
            (Width::One, _, Some(names)) if self.method == Method::Predict => {
                RowType::Text(names.iter().map(String::len).max().unwrap_or(1).max(1))
            }
            (Width::One, ..) if self.has_whole_classes && self.method == Method::Predict => RowType::I64,
            (Width::One, ..) => RowType::F64,
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
        source.doubt().into_iter().for_each(|doubt| telemetry.warn(doubt));
        let mut feed = Feed::new(source, Residency::Stream, comm.rank(), comm.size());
        stream_rows(comm, &mut feed, telemetry, |_, block| self.block(block), sink)
    }

    fn block<T: Real>(&self, block: &Block<T>) -> Result<Vec<u8>> {
        match (&self.predictor, self.method) {
            (Predictor::KMeans(model), Method::Predict) => model.predict_bytes(block),
            _ => Ok(self.named(self.predictor.apply(self.method, block)?)),
        }
    }

    /// Predictions as bytes: numbers, or the names of classes.
    fn named(&self, predictions: Vec<f64>) -> Vec<u8> {
        match (&self.names, self.kind()) {
            (Some(names), RowType::Text(width)) => {
                predictions.iter().flat_map(|&class| padded(names, class, width)).collect()
            }
            (_, RowType::I64) => {
                predictions.into_iter().flat_map(|class| (class as i64).to_le_bytes()).collect()
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
            "MiniBatchKMeans" => {
                // Its centroids predict as those of any K-means.
                let params = serde_json::Value::Object(Default::default());
                let of_k_means = Model { estimator: "KMeans".into(), params, ..model.clone() };
                Ok(Self::KMeans(Box::new(KMeansModel::import(&of_k_means)?)))
            }
            "GaussianNB" => Ok(Self::GaussianNb(Box::new(GaussianNbModel::import(model)?))),
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
            Self::GaussianNb(model) => Some(model.n_features_in()),
            Self::Rows => None,
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
    texts(model, "classes_")
}

/// Whether a classifier's classes are integers, and its predictions with them.
fn has_whole_classes(model: &Model) -> bool {
    model.attribute("classes_").is_ok_and(|classes| matches!(classes.values, Values::I64(_)))
}

/// What the features were called that the model, or the first step before it, was fitted with.
fn feature_names(first: &Model) -> Option<Vec<String>> {
    texts(first, FEATURE_NAMES)
}

fn texts(model: &Model, attribute: &str) -> Option<Vec<String>> {
    match &model.attribute(attribute).ok()?.values {
        Values::Text(names) => Some(names.clone()),
        _ => None,
    }
}
