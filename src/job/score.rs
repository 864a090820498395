//! Scores a fitted model on data of any size: one pass, one reduction of statistics that merge.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model_data::{Rows, Wanted};
use super::predict::{Applied, Predictor, Source};
use super::score_report::{self, Scores};
use super::score_sums::{ClassSums, ClusterSums, NumberSums, Truth};
use crate::comm::{Communicator, Partial};
use crate::data::{Block, BlockSource, Feed, Residency};
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Place, Result};
use crate::estimator::cluster::KMeansModel;
use crate::estimator::targets::{is_class, no_class};
use crate::kernel::Real;
use crate::metrics::{ClusterMeans, ClusterSpread, Contingency, RowSample};
use crate::telemetry::Telemetry;

/// Pairs of classes counted at the most: more are no classes.
const MOST_CELLS: usize = 1 << 20;

/// What to score.
#[derive(Clone, Debug)]
pub struct Request {
    /// A results file with a fitted model.
    pub model: PathBuf,
    /// The rows and their targets. Those of a clusterer need none.
    pub data: Rows,
    /// Rows on which a clusterer's silhouette is estimated; 0 for no silhouette.
    pub silhouette_samples: usize,
    /// Seed of their choice.
    pub seed: u64,
}

/// Scores the model. Rows count once each, or by their weights, as `sample_weight` of scikit-learn's metrics; the
/// indices of clusterings but the inertia, and a largest error, know no weights, here as there.
///
/// # Collective
/// What the reader exchanges; one pass, whose partial is the cells of a confusion matrix, some 2¹⁶ scores or errors with
/// their rows, and the sample of the silhouette; one more for a clustering, whose partial is a number a cluster.
///
/// # Errors
/// Those of the reader; [`Error::Usage`] for a model that is no predictor; [`Error::Data`] for targets of another kind
/// than the model's, and for weights below 0 or all 0.
pub fn score(comm: &dyn Communicator, request: &Request, telemetry: &Telemetry) -> Result<Scores> {
    let applied = Applied::open(comm, &request.model, &request.data)?;
    if matches!(applied.predictor, Predictor::Rows) {
        let name = &applied.estimator;
        let message = format!("--model: expected a model that predicts, found {name}, which transforms rows");
        return Err(Error::Usage { message });
    }
    match applied.source.clone() {
        Source::F32(source) => typed(comm, request, &applied, source, telemetry),
        Source::F64(source) => typed(comm, request, &applied, source, telemetry),
    }
}

fn typed<T: Real>(
    comm: &dyn Communicator,
    request: &Request,
    applied: &Applied,
    source: Arc<dyn BlockSource<T>>,
    telemetry: &Telemetry,
) -> Result<Scores> {
    source.doubt().into_iter().for_each(|doubt| telemetry.warn(doubt));
    let labels = Labels::new(applied, source.class_names(), &source.target_origin())?;
    let (origin, target_name) = (source.target_origin(), source.target_name());
    let pass = ScorePass { applied, labels: &labels, request, origin, target_name };
    let feed = Feed::new(source, Residency::Stream, comm.rank(), comm.size());
    let mut engine = PassEngine::new(comm, feed, telemetry);
    let (n_samples, weighted) = (engine.shape().n_samples, request.data.weights != Wanted::No);
    let Summary { statistic, weight } = engine.run_once(&pass)?;
    if weighted && weight <= 0.0 {
        let found = "only zeros";
        return Err(Error::data(
            engine.weight_origin(),
            Place::default(),
            "a positive sum of weights",
            found,
        ));
    }
    let estimator = applied.estimator.clone();
    let of_rows = Scores { estimator, n_samples, weighted, ..Scores::default() };
    let mut scores = match statistic {
        Statistic::Classes(sums) => {
            let classes = applied.predictor.classes().unwrap_or(&[]);
            score_report::of_classes(of_rows, classes, &sums, &labels.names)
        }
        Statistic::Numbers(sums) => score_report::of_numbers(of_rows, &sums),
        Statistic::Clusters(mut sums) => {
            let indices = indices(&applied.predictor, &mut sums.means, &mut engine)?;
            score_report::of_clusters(of_rows, *sums, indices)
        }
    };
    if applied.fitted_with_weights && !weighted {
        scores.notes.push("each row counts once; --sample-weight weighs them as the fit did".into());
    }
    Ok(scores)
}

/// The indices of Caliński & Harabasz and of Davies & Bouldin, where they are defined; `means` are relative to the
/// centroids.
///
/// # Collective
/// One pass, where they are.
fn indices<T: Real>(
    predictor: &Predictor,
    means: &mut ClusterMeans,
    engine: &mut PassEngine<'_, T>,
) -> Result<Option<[f64; 2]>> {
    let (Predictor::KMeans(model), Some(_)) = (predictor, means.compared()) else { return Ok(None) };
    means.average();
    means.move_by(&model.cluster_centers());
    let spread = engine.run_once(&SpreadPass { model, means })?;
    Ok(Some([spread.calinski_harabasz(means), spread.davies_bouldin(means)]))
}

/// How far rows lie from the means of their clusters.
struct SpreadPass<'a> {
    model: &'a KMeansModel,
    means: &'a ClusterMeans,
}

impl<T: Real> Pass<T> for SpreadPass<'_> {
    type Partial = ClusterSpread;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<ClusterSpread> {
        let mut spread = ClusterSpread::new(self.means.len());
        for (row, label) in self.model.predict(block)?.into_iter().enumerate() {
            let mean = self.means.mean(label as usize);
            let square = |(x, m): (&T, &f64)| (x.to_f64() - m) * (x.to_f64() - m);
            spread.add(label as usize, block.row(row).iter().zip(mean).map(square).sum());
        }
        Ok(spread)
    }
}

/// From the targets in the file to those of the model.
struct Labels {
    /// The model's target for each class named in the file; empty when targets are numbers.
    codes: Vec<f64>,
    /// Names of the targets by their codes, those that the model does not know behind its own.
    names: Vec<String>,
}

impl Labels {
    fn new(applied: &Applied, in_file: Option<&[String]>, origin: &str) -> Result<Self> {
        let fault =
            |expected: &str, found: String| Err(Error::data(origin, Place::default(), expected, found));
        let text = |names: &[String]| format!("text, such as {:?}", names.first().map_or("", String::as_str));
        if matches!(applied.predictor, Predictor::KMeans(_)) {
            // Only which rows share a label matters.
            return Ok(Self { codes: Vec::new(), names: Vec::new() });
        }
        let (known, in_file) = match (&applied.names, in_file) {
            (None, None) => return Ok(Self { codes: Vec::new(), names: Vec::new() }),
            (None, Some(names)) => return fault("targets that are numbers, as the model's", text(names)),
            (Some(names), None) => {
                return fault(
                    "targets that are text, as the model's classes",
                    format!("numbers, not {}", text(names)),
                );
            }
            (Some(known), Some(in_file)) => (known, in_file),
        };
        let mut names = known.clone();
        let mut places: BTreeMap<String, usize> = known.iter().cloned().zip(0..).collect();
        let mut codes = Vec::with_capacity(in_file.len());
        for name in in_file {
            let place = *places.entry(name.clone()).or_insert(names.len());
            if place == names.len() {
                names.push(name.clone());
            }
            codes.push(place as f64);
        }
        Ok(Self { codes, names })
    }

    fn of(&self, y: &[f64]) -> Vec<f64> {
        let code = |y: &f64| self.codes.get(*y as usize).copied().unwrap_or(*y);
        y.iter().map(|y| if self.codes.is_empty() { y + 0.0 } else { code(y) }).collect()
    }
}

/// What the rows of one block, or of all, come to.
#[derive(Serialize, Deserialize)]
enum Statistic {
    Classes(Box<ClassSums>),
    Numbers(Box<NumberSums>),
    Clusters(Box<ClusterSums>),
}

/// A statistic and the weight of its rows.
#[derive(Serialize, Deserialize)]
struct Summary {
    statistic: Statistic,
    weight: f64,
}

impl Partial for Summary {
    fn merge(&mut self, right: Self) {
        self.statistic.merge(right.statistic);
        self.weight += right.weight;
    }
}

impl Partial for Statistic {
    fn merge(&mut self, right: Self) {
        match (self, right) {
            (Self::Classes(left), Self::Classes(right)) => left.merge(*right),
            (Self::Numbers(left), Self::Numbers(right)) => left.merge(*right),
            (Self::Clusters(left), Self::Clusters(right)) => left.merge(*right),
            // One model makes one kind.
            _ => {}
        }
    }
}

struct ScorePass<'a> {
    applied: &'a Applied,
    labels: &'a Labels,
    request: &'a Request,
    origin: String,
    target_name: Option<String>,
}

impl<T: Real> Pass<T> for ScorePass<'_> {
    type Partial = Summary;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Summary> {
        let predictor = &self.applied.predictor;
        let statistic = match (predictor, predictor.classes()) {
            (Predictor::KMeans(model), _) => self.clusters(model, block),
            (_, Some(classes)) => self.classes(classes, block),
            (_, None) => {
                let predicted = predictor.apply(super::Method::Predict, block)?;
                let sums = NumberSums::new(&block.y, &predicted, self.weights(block));
                Ok(Statistic::Numbers(Box::new(sums)))
            }
        }?;
        Ok(Summary { statistic, weight: self.weights(block).iter().sum() })
    }
}

impl ScorePass<'_> {
    fn classes<T: Real>(&self, classes: &[f64], block: &Block<T>) -> Result<Statistic> {
        let truth = self.whole(block)?;
        let said = self.applied.predictor.classify(block)?;
        let counts = self.limited(Contingency::new(&truth, &said.predicted, self.weights(block)), block)?;
        let weights = self.weights(block);
        let truth = Truth { first_row: block.first_row, y: &truth, classes, weights };
        Ok(Statistic::Classes(Box::new(ClassSums::new(&truth, counts, &said))))
    }

    fn clusters<T: Real>(&self, model: &KMeansModel, block: &Block<T>) -> Result<Statistic> {
        let (labels, distances) = (model.predict(block)?, model.transform(block)?);
        let own = |(&label, of_row): (&i32, &[f64])| of_row[label as usize];
        let squares = labels.iter().zip(distances.chunks_exact(model.n_clusters())).map(own).map(|d| d * d);
        let weight = |row: usize| self.weights(block).get(row).copied().unwrap_or(1.0);
        let inertia = squares.enumerate().map(|(row, square)| weight(row) * square).sum();
        let counts = if block.y.is_empty() {
            None
        } else {
            let predicted: Vec<f64> = labels.iter().map(|&label| f64::from(label)).collect();
            Some(self.limited(Contingency::new(&self.whole(block)?, &predicted, self.weights(block)), block)?)
        };
        let wide = |row: usize| block.row(row).iter().map(|v| v.to_f64()).collect();
        let Request { seed, silhouette_samples, .. } = *self.request;
        let sample = RowSample::new(seed, silhouette_samples, block.first_row, &labels, wide);
        let (d, centers) = (block.n_features, model.cluster_centers());
        let mut means = ClusterMeans::new(model.n_clusters(), d);
        for (row, &label) in labels.iter().enumerate() {
            let center = &centers[label as usize * d..][..d];
            means.add(label as usize, block.row(row).iter().zip(center).map(|(x, c)| x.to_f64() - c));
        }
        Ok(Statistic::Clusters(Box::new(ClusterSums { inertia, counts, sample, means })))
    }

    /// The rows' weights, if they are asked for.
    fn weights<'b, T>(&self, block: &'b Block<T>) -> &'b [f64] {
        if self.request.data.weights == Wanted::No { &[] } else { &block.weights }
    }

    /// The block's targets, which must be classes.
    fn whole<T: Real>(&self, block: &Block<T>) -> Result<Vec<f64>> {
        if let Some(row) = block.y.iter().position(|y| !is_class(*y)) {
            let place = Place::at(block.first_row + row as u64, self.target_name.clone());
            let (expected, found) = no_class(block.y[row]);
            return Err(Error::data(&self.origin, place, expected, found));
        }
        Ok(self.labels.of(&block.y))
    }

    fn limited<T: Real>(&self, counts: Contingency, block: &Block<T>) -> Result<Contingency> {
        if counts.n_cells() <= MOST_CELLS {
            return Ok(counts);
        }
        let place = Place::row(block.first_row);
        let found = format!("{} pairs of target and prediction in a block", counts.n_cells());
        Err(Error::data(&self.origin, place, "targets that are classes", found))
    }
}
