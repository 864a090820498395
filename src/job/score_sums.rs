//! What scores of a model are computed from: statistics of the rows of a block, or of all.

use serde::{Deserialize, Serialize};

use super::method::Classified;
use crate::comm::Partial;
use crate::metrics::{
    Brier, ClassCurve, ClusterMeans, Contingency, ErrorSums, GammaDeviance, LogError, LogLoss,
    PoissonDeviance, RocCurve, RowSample, TopK, ValueBins,
};

/// Distinct scores up to which the area under an ROC curve is exact, and distinct errors or targets up to which their
/// median is; several curves share them.
const MOST_SCORES: usize = 1 << 16;
/// Scores that a curve of many has at the least.
const LEAST_SCORES: usize = 1 << 10;

/// What scores of classes are computed from.
#[derive(Serialize, Deserialize)]
pub(super) struct ClassSums {
    pub(super) counts: Contingency,
    /// Those of probabilities, where the model has some.
    pub(super) log_loss: Option<LogLoss>,
    pub(super) brier: Option<Brier>,
    /// Of three classes and more.
    pub(super) top_k: Option<TopK>,
    pub(super) curves: Curves,
    /// The first row, if any, of a class that the model does not know.
    pub(super) unknown: Option<(u64, f64)>,
}

/// Rows by the values that order them.
#[derive(Serialize, Deserialize)]
pub(super) struct Curves {
    /// Two classes, by decision values or, without any, probabilities.
    pub(super) second: Option<RocCurve>,
    /// More, each by its probabilities.
    pub(super) by_proba: Vec<ClassCurve>,
    /// The same by decision values, for what scikit-learn's scorers compute from those.
    pub(super) by_decision: Vec<RocCurve>,
}

/// Rows of a block: targets, where they stand among the model's classes, and weights, or none.
pub(super) struct Truth<'a> {
    pub(super) first_row: u64,
    pub(super) y: &'a [f64],
    pub(super) classes: &'a [f64],
    pub(super) weights: &'a [f64],
}

impl ClassSums {
    pub(super) fn new(truth: &Truth<'_>, counts: Contingency, said: &Classified) -> Self {
        let k = truth.classes.len();
        let place = |class: &f64| truth.classes.binary_search_by(|known| known.total_cmp(class)).ok();
        let places: Vec<Option<usize>> = truth.y.iter().map(place).collect();
        let unknown = places.iter().position(Option::is_none);
        let unknown = unknown.map(|row| (truth.first_row + row as u64, truth.y[row]));
        // A class that the model does not know comes behind its own.
        let ordered: Vec<usize> = places.iter().map(|place| place.unwrap_or(k)).collect();
        let known: Option<Vec<usize>> = places.into_iter().collect();
        let columns = said.decision.as_ref().filter(|_| k > 2).or(said.proba.as_ref());
        Self {
            log_loss: of_known(&said.proba, &known, |places, p| LogLoss::new(places, p, truth.weights)),
            brier: of_known(&said.proba, &known, |places, p| Brier::new(places, p, truth.weights)),
            top_k: of_known(&columns.filter(|_| k > 2), &known, |places, values| {
                TopK::new(places, values, truth.weights)
            }),
            curves: Curves::new(&ordered, k, said, truth.weights),
            counts,
            unknown,
        }
    }
}

/// The statistic of rows whose classes are all known, or of none.
fn of_known<V: AsRef<[f64]>, S: Default>(
    values: &Option<V>,
    places: &Option<Vec<usize>>,
    of: impl Fn(&[usize], &[f64]) -> S,
) -> Option<S> {
    values
        .as_ref()
        .map(|values| places.as_ref().map_or_else(S::default, |places| of(places, values.as_ref())))
}

impl Curves {
    fn new(places: &[usize], k: usize, said: &Classified, weights: &[f64]) -> Self {
        let mut curves = Self { second: None, by_proba: Vec::new(), by_decision: Vec::new() };
        let column = |values: &'_ [f64], class: usize| -> Vec<f64> {
            values.chunks_exact(k).map(|of_row| of_row[class]).collect()
        };
        let is_of = |class: usize| places.iter().map(move |&place| place == class);
        if k == 2 {
            let second = said.decision.clone().or_else(|| said.proba.as_ref().map(|p| column(p, 1)));
            let curve = |second: Vec<f64>| RocCurve::new(is_of(1), second.into_iter(), weights, MOST_SCORES);
            curves.second = second.map(curve);
            return curves;
        }
        let most = |all: usize| (all / k.max(1)).max(LEAST_SCORES);
        if let Some(proba) = &said.proba {
            let of = |class: usize| {
                let own = column(proba, class).into_iter();
                // Pairs of a score and a class are counted there.
                ClassCurve::new(class, places.iter().copied(), own, weights, most(2 * MOST_SCORES))
            };
            curves.by_proba = (0..k).map(of).collect();
        }
        if let Some(values) = &said.decision {
            let of = |class: usize| {
                RocCurve::new(is_of(class), column(values, class).into_iter(), weights, most(MOST_SCORES))
            };
            curves.by_decision = (0..k).map(of).collect();
        }
        curves
    }
}

impl Partial for ClassSums {
    fn merge(&mut self, right: Self) {
        self.counts.merge(right.counts);
        merge_both(&mut self.log_loss, right.log_loss);
        merge_both(&mut self.brier, right.brier);
        merge_both(&mut self.top_k, right.top_k);
        merge_both(&mut self.curves.second, right.curves.second);
        self.curves.by_proba.merge(right.curves.by_proba);
        self.curves.by_decision.merge(right.curves.by_decision);
        self.unknown = self.unknown.or(right.unknown);
    }
}

/// One model has all of a kind or none.
fn merge_both<P: Partial>(left: &mut Option<P>, right: Option<P>) {
    if let (Some(left), Some(right)) = (left, right) {
        left.merge(right);
    }
}

/// What scores of numbers are computed from.
#[derive(Serialize, Deserialize)]
pub(super) struct NumberSums {
    pub(super) errors: ErrorSums,
    pub(super) poisson: PoissonDeviance,
    pub(super) gamma: GammaDeviance,
    pub(super) logs: LogError,
    /// Absolute errors, and targets, by their size.
    pub(super) absolutes: ValueBins,
    pub(super) targets: ValueBins,
}

impl NumberSums {
    pub(super) fn new(y: &[f64], predicted: &[f64], weights: &[f64]) -> Self {
        let absolutes = y.iter().zip(predicted).map(|(y, predicted)| (predicted - y).abs());
        Self {
            errors: ErrorSums::new(y, predicted, weights),
            poisson: PoissonDeviance::new(y, predicted, weights),
            gamma: GammaDeviance::new(y, predicted, weights),
            logs: LogError::new(y, predicted, weights),
            absolutes: ValueBins::new(absolutes, weights, MOST_SCORES),
            targets: ValueBins::new(y.iter().copied(), weights, MOST_SCORES),
        }
    }
}

impl Partial for NumberSums {
    fn merge(&mut self, right: Self) {
        self.errors.merge(right.errors);
        self.poisson.merge(right.poisson);
        self.gamma.merge(right.gamma);
        self.logs.merge(right.logs);
        self.absolutes.merge(right.absolutes);
        self.targets.merge(right.targets);
    }
}

/// What scores of clusters are computed from.
#[derive(Serialize, Deserialize)]
pub(super) struct ClusterSums {
    /// Σ weight · (squared distance to the nearest centroid).
    pub(super) inertia: f64,
    pub(super) counts: Option<Contingency>,
    pub(super) sample: RowSample,
    /// Rows relative to their centroids.
    pub(super) means: ClusterMeans,
}

impl Partial for ClusterSums {
    fn merge(&mut self, right: Self) {
        self.inertia += right.inertia;
        merge_both(&mut self.counts, right.counts);
        self.sample.merge(right.sample);
        self.means.merge(right.means);
    }
}
