//! Parameters of nearest neighbours: as the job gives them, and checked.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::estimator::parameter::{check, fault, quoted};
use crate::kernel::neighbors::Metric;

/// What neighbours vote on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NeighborsKind {
    /// Classes.
    #[default]
    KNeighborsClassifier,
    /// Numbers.
    KNeighborsRegressor,
}

impl NeighborsKind {
    /// The name in a job.
    pub fn name(self) -> &'static str {
        match self {
            Self::KNeighborsClassifier => "KNeighborsClassifier",
            Self::KNeighborsRegressor => "KNeighborsRegressor",
        }
    }

    /// The kind called `name`.
    pub fn of(name: &str) -> Option<Self> {
        [Self::KNeighborsClassifier, Self::KNeighborsRegressor].into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it learns classes.
    pub fn is_classifier(self) -> bool {
        self == Self::KNeighborsClassifier
    }
}

/// Parameters of nearest neighbours with scikit-learn's names and defaults, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KNeighborsParams {
    /// What is learnt; the estimator's name in a job.
    #[serde(skip)]
    pub kind: NeighborsKind,
    /// How many neighbours vote.
    pub n_neighbors: i64,
    /// `"uniform"`, or `"distance"`: a vote weighs 1 / distance.
    pub weights: String,
    /// `"auto"`, `"brute"`, `"kd_tree"` or `"ball_tree"`: all mean the same, since all find the same neighbours.
    pub algorithm: String,
    /// Accepted and not used: there is no tree.
    pub leaf_size: i64,
    /// The power of `metric = "minkowski"`, from 1.
    pub p: f64,
    /// `"minkowski"`, `"euclidean"` (`"l2"`), `"manhattan"` (`"l1"`, `"cityblock"`), `"chebyshev"` (`"infinity"`) or
    /// `"cosine"`.
    pub metric: String,
}

impl Default for KNeighborsParams {
    fn default() -> Self {
        Self {
            kind: NeighborsKind::default(),
            n_neighbors: 5,
            weights: "uniform".into(),
            algorithm: "auto".into(),
            leaf_size: 30,
            p: 2.0,
            metric: "minkowski".into(),
        }
    }
}

/// What `p` may be: below 1 there is no triangle inequality, and its limit has a name of its own.
const P: &str = "a number from 1, or metric = \"chebyshev\" for the limit";

/// Nearest neighbours with checked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct KNeighbors {
    params: KNeighborsParams,
    pub(super) metric: Metric,
    pub(super) k: usize,
    pub(super) by_distance: bool,
}

impl KNeighborsParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`crate::Error::Job`] with the key `estimator.…` of the first that cannot be used.
    pub fn validate(self) -> Result<KNeighbors> {
        let k = u32::try_from(self.n_neighbors).unwrap_or(0);
        check("n_neighbors", k >= 1, "a whole number from 1", self.n_neighbors)?;
        check("leaf_size", self.leaf_size >= 1, "a whole number from 1", self.leaf_size)?;
        let by_distance = match self.weights.as_str() {
            "uniform" => false,
            "distance" => true,
            other => return fault("weights", "\"uniform\" or \"distance\"", quoted(other)),
        };
        let algorithms = ["auto", "brute", "kd_tree", "ball_tree"];
        let expected = "\"auto\", \"brute\", \"kd_tree\" or \"ball_tree\"";
        let known = algorithms.contains(&self.algorithm.as_str());
        check("algorithm", known, expected, quoted(&self.algorithm))?;
        check("p", self.p > 0.0 && self.p.is_finite(), P, self.p)?;
        let metric = match (self.metric.as_str(), self.p) {
            ("minkowski", 1.0) | ("manhattan" | "l1" | "cityblock", _) => Metric::Manhattan,
            ("minkowski", 2.0) | ("euclidean" | "l2", _) => Metric::Euclidean,
            ("minkowski", p) if p < 1.0 => return fault("p", P, p),
            ("minkowski", p) => Metric::Minkowski(p),
            ("chebyshev" | "infinity", _) => Metric::Chebyshev,
            ("cosine", _) => Metric::Cosine,
            (other, _) => {
                let expected = "\"minkowski\", \"euclidean\", \"manhattan\", \"chebyshev\" or \"cosine\"";
                return fault("metric", expected, quoted(other));
            }
        };
        // scikit-learn's trees take distances only, which have the triangle inequality.
        let treeless = metric != Metric::Cosine || matches!(self.algorithm.as_str(), "auto" | "brute");
        let expected = "\"auto\" or \"brute\" with metric = \"cosine\"";
        check("algorithm", treeless, expected, quoted(&self.algorithm))?;
        Ok(KNeighbors { params: self, metric, k: k as usize, by_distance })
    }
}

impl KNeighbors {
    /// The parameters.
    pub fn params(&self) -> &KNeighborsParams {
        &self.params
    }

    /// How many neighbours vote.
    pub fn n_neighbors(&self) -> usize {
        self.k
    }
}
