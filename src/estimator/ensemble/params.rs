//! Parameters of forests: as the job gives them, and checked.

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Result;
pub use crate::estimator::class_weight::ClassWeight;
use crate::estimator::parameter::{check, fault, or_none, quoted};
use crate::estimator::tree::{Columns, Limits, Splitter};

/// The most rows that a sample draws: one may be drawn every time, and is counted.
const MOST_DRAWN: u32 = i32::MAX as u32;

/// Leaves a row of trees that part classes, about.
const CLASS_LEAVES: f64 = 0.09;
/// How often trees are there at once while a model is put together.
const COPIES: f64 = 2.5;

const EXPECTED_SAMPLES: &str = "a whole number from 1, or a part above 0.0";

/// Which forest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForestKind {
    /// Bootstrap samples and best thresholds, for classes.
    #[default]
    RandomForestClassifier,
    /// The same for numbers.
    RandomForestRegressor,
    /// All rows and random thresholds, for classes.
    ExtraTreesClassifier,
    /// The same for numbers.
    ExtraTreesRegressor,
}

impl ForestKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::RandomForestClassifier,
        Self::RandomForestRegressor,
        Self::ExtraTreesClassifier,
        Self::ExtraTreesRegressor,
    ];

    /// The name in a job.
    pub fn name(self) -> &'static str {
        match self {
            Self::RandomForestClassifier => "RandomForestClassifier",
            Self::RandomForestRegressor => "RandomForestRegressor",
            Self::ExtraTreesClassifier => "ExtraTreesClassifier",
            Self::ExtraTreesRegressor => "ExtraTreesRegressor",
        }
    }

    /// The kind called `name`.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it learns classes.
    pub fn is_classifier(self) -> bool {
        matches!(self, Self::RandomForestClassifier | Self::ExtraTreesClassifier)
    }

    /// Whether its trees draw thresholds instead of seeking the best.
    pub(super) fn draws_thresholds(self) -> bool {
        self.splitter() == Splitter::Random
    }

    fn splitter(self) -> Splitter {
        match self {
            Self::RandomForestClassifier | Self::RandomForestRegressor => Splitter::Best,
            Self::ExtraTreesClassifier | Self::ExtraTreesRegressor => Splitter::Random,
        }
    }
}

/// A number of rows, or a part of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a whole number, or a part between 0.0 and 1.0")]
pub enum Amount {
    /// So many.
    Number(i64),
    /// This part of all.
    Part(f64),
}

/// How many features each split considers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "\"sqrt\", \"log2\", \"none\", a number of features, or a part of them")]
pub enum MaxFeatures {
    /// So many.
    Number(i64),
    /// This part of all.
    Part(f64),
    /// `"sqrt"` or `"log2"`.
    Rule(String),
    /// All of them: `"none"`, or JSON's `null`.
    All,
}

/// As [`or_none`], where none is another value than the default.
fn max_features<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<MaxFeatures>, D::Error> {
    or_none(from).map(|given| Some(given.unwrap_or(MaxFeatures::All)))
}

/// Parameters of a forest with scikit-learn's names and defaults, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForestParams {
    /// Which forest; the estimator's name in a job.
    #[serde(skip)]
    pub kind: ForestKind,
    /// How many trees.
    pub n_estimators: i64,
    /// `"gini"`, `"entropy"` or `"log_loss"` for classes (gini by default), `"squared_error"` for numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criterion: Option<String>,
    /// The most levels of a tree; no limit by default.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub max_depth: Option<i64>,
    /// Nodes of fewer rows are leaves.
    pub min_samples_split: Amount,
    /// Rows that each side of a split must have.
    pub min_samples_leaf: Amount,
    /// The part of all weight that each side of a split must have.
    pub min_weight_fraction_leaf: f64,
    /// Features considered at each split; `"sqrt"` for classes and 1.0 for numbers by default.
    #[serde(deserialize_with = "max_features", skip_serializing_if = "Option::is_none")]
    pub max_features: Option<MaxFeatures>,
    /// The most leaves; not supported.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub max_leaf_nodes: Option<i64>,
    /// How much of the impurity a split must take away.
    pub min_impurity_decrease: f64,
    /// Whether each tree grows on rows drawn with replacement; true for random forests by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<bool>,
    /// Whether rows are predicted by the trees that did not grow on them.
    pub oob_score: bool,
    /// The seed; the job's by default.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub random_state: Option<u64>,
    /// Factors of the classes' weights: `"balanced"`, `"balanced_subsample"`, or a table.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub class_weight: Option<ClassWeight>,
    /// Pruning; not supported above 0.
    pub ccp_alpha: f64,
    /// How many rows a bootstrap sample draws, or which part of what all rows weigh; as many as there are by default.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub max_samples: Option<Amount>,
}

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            kind: ForestKind::default(),
            n_estimators: 100,
            criterion: None,
            max_depth: None,
            min_samples_split: Amount::Number(2),
            min_samples_leaf: Amount::Number(1),
            min_weight_fraction_leaf: 0.0,
            max_features: None,
            max_leaf_nodes: None,
            min_impurity_decrease: 0.0,
            bootstrap: None,
            oob_score: false,
            random_state: None,
            class_weight: None,
            ccp_alpha: 0.0,
            max_samples: None,
        }
    }
}

/// What a split is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Gini,
    Entropy,
    SquaredError,
}

/// A forest with checked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    params: ForestParams,
    pub(super) measure: Measure,
    pub(super) bootstrap: bool,
    pub(super) seed: u64,
    n_trees: usize,
    max_depth: usize,
}

impl ForestParams {
    /// Checks the parameters; `seed` is used where there is no `random_state`.
    ///
    /// # Errors
    /// [`crate::Error::Job`] with the key `estimator.…` of the first that cannot be used.
    pub fn validate(self, seed: u64) -> Result<Forest> {
        self.resolved().checked(seed)
    }

    /// The same with the defaults that depend on the kind.
    pub fn resolved(self) -> Self {
        let (criterion, max_features) = match self.kind.is_classifier() {
            true => ("gini", MaxFeatures::Rule("sqrt".into())),
            false => ("squared_error", MaxFeatures::Part(1.0)),
        };
        Self {
            criterion: self.criterion.or_else(|| Some(criterion.into())),
            max_features: self.max_features.or(Some(max_features)),
            bootstrap: self.bootstrap.or(Some(self.kind.splitter() == Splitter::Best)),
            ..self
        }
    }

    fn checked(self, seed: u64) -> Result<Forest> {
        let at_least_1 = "a whole number from 1";
        let fits = self.n_estimators >= 1 && self.n_estimators <= i64::from(i32::MAX);
        check("n_estimators", fits, at_least_1, self.n_estimators)?;
        let max_depth = self.depth()?;
        self.check_amounts()?;
        let leaf = self.min_weight_fraction_leaf;
        check(
            "min_weight_fraction_leaf",
            (0.0..=0.5).contains(&leaf),
            "a number from 0.0 to 0.5",
            format!("{leaf:?}"),
        )?;
        let decrease = self.min_impurity_decrease;
        let expected = "a number, 0.0 or above";
        check(
            "min_impurity_decrease",
            decrease >= 0.0 && decrease.is_finite(),
            expected,
            format!("{decrease:?}"),
        )?;
        check(
            "ccp_alpha",
            self.ccp_alpha == 0.0,
            "0.0 (pruning is not supported yet)",
            format!("{:?}", self.ccp_alpha),
        )?;
        if let Some(leaves) = self.max_leaf_nodes {
            return fault("max_leaf_nodes", "no such key (it is not supported yet)", leaves);
        }
        let measure = self.measure()?;
        let bootstrap = self.bootstrap.unwrap_or(self.kind.splitter() == Splitter::Best);
        if !bootstrap && self.oob_score {
            return fault("oob_score", "false without bootstrap samples", true);
        }
        if !bootstrap && self.max_samples.is_some() {
            return fault("max_samples", "no such key without bootstrap samples", "it");
        }
        self.check_class_weight()?;
        let (seed, n_trees) = (self.random_state.unwrap_or(seed), self.n_estimators as usize);
        Ok(Forest { params: self, measure, bootstrap, seed, n_trees, max_depth })
    }

    fn depth(&self) -> Result<usize> {
        match self.max_depth {
            None => Ok(usize::MAX),
            Some(levels) if levels >= 1 => Ok(levels as usize),
            Some(levels) => fault("max_depth", "a whole number from 1, or \"none\" for no limit", levels),
        }
    }

    fn check_amounts(&self) -> Result<()> {
        let part = |key: &str, amount: Amount, least: i64, upper: bool| {
            let holds = match amount {
                Amount::Number(number) => number >= least,
                Amount::Part(part) => part > 0.0 && (part < 1.0 || (upper && part == 1.0)),
            };
            let end = if upper { "up to" } else { "below" };
            let expected = format!("a whole number from {least}, or a part above 0.0 and {end} 1.0");
            let found = match amount {
                Amount::Number(number) => number.to_string(),
                Amount::Part(part) => format!("{part:?}"),
            };
            check(key, holds, &expected, found)
        };
        part("min_samples_split", self.min_samples_split, 2, true)?;
        part("min_samples_leaf", self.min_samples_leaf, 1, false)?;
        match self.max_samples {
            Some(Amount::Number(number)) if number < 1 => fault("max_samples", EXPECTED_SAMPLES, number)?,
            Some(Amount::Part(part)) if !(part > 0.0 && part.is_finite()) => {
                fault("max_samples", EXPECTED_SAMPLES, format!("{part:?}"))?;
            }
            _ => {}
        }
        let expected =
            "\"sqrt\", \"log2\", \"none\", a whole number from 1, or a part above 0.0 and up to 1.0";
        match &self.max_features {
            Some(MaxFeatures::Number(number)) => check("max_features", *number >= 1, expected, number),
            Some(MaxFeatures::Part(part)) => {
                check("max_features", *part > 0.0 && *part <= 1.0, expected, format!("{part:?}"))
            }
            Some(MaxFeatures::Rule(rule)) => {
                let known = ["sqrt", "log2"].contains(&rule.as_str());
                check("max_features", known, expected, quoted(rule))
            }
            Some(MaxFeatures::All) | None => Ok(()),
        }
    }

    fn measure(&self) -> Result<Measure> {
        match (self.kind.is_classifier(), self.criterion.as_deref()) {
            (true, None | Some("gini")) => Ok(Measure::Gini),
            (true, Some("entropy" | "log_loss")) => Ok(Measure::Entropy),
            (true, Some(other)) => fault("criterion", "\"gini\", \"entropy\" or \"log_loss\"", quoted(other)),
            (false, None | Some("squared_error")) => Ok(Measure::SquaredError),
            (false, Some(other)) => {
                fault("criterion", "\"squared_error\" (others are not supported yet)", quoted(other))
            }
        }
    }

    fn check_class_weight(&self) -> Result<()> {
        match &self.class_weight {
            None => Ok(()),
            Some(_) if !self.kind.is_classifier() => {
                fault("class_weight", "no such key, for there are no classes", "it")
            }
            Some(weight) => weight.check(&["balanced", "balanced_subsample"]),
        }
    }
}

impl Forest {
    /// The parameters.
    pub fn params(&self) -> &ForestParams {
        &self.params
    }

    /// How many trees it has.
    pub fn n_trees(&self) -> usize {
        self.n_trees
    }

    /// The most levels of a tree.
    pub(super) fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// The limits of each tree on `n_samples` rows that weigh `weight` and have `n_features` features, but for its
    /// depth.
    pub(super) fn limits(&self, n_samples: usize, weight: f64, n_features: usize) -> Limits {
        let part = |amount: Amount, least: usize| match amount {
            Amount::Number(number) => number as usize,
            Amount::Part(part) => ((part * n_samples as f64).ceil() as usize).max(least),
        };
        let min_samples_leaf = part(self.params.min_samples_leaf, 1);
        Limits {
            max_depth: usize::MAX,
            min_samples_split: part(self.params.min_samples_split, 2).max(2 * min_samples_leaf),
            min_samples_leaf,
            min_weight_leaf: self.params.min_weight_fraction_leaf * weight,
            min_impurity_decrease: self.params.min_impurity_decrease,
            max_features: self.max_features(n_features),
            splitter: self.params.kind.splitter(),
        }
    }

    /// About how many bytes a fit on `n` rows of `d` features keeps at once beside the table: the ranked columns, and on
    /// the rank that puts the model together all trees, as they come, as they are kept and as they are written.
    pub fn memory_bytes(&self, n: usize, d: usize, n_outputs: usize, assembles: bool) -> u64 {
        let columns = Columns::expected_bytes(n, d, self.params.kind.draws_thresholds());
        columns + 8 * n as u64 + if assembles { self.tree_bytes(n, n_outputs) } else { 0 }
    }

    /// About how many bytes the trees on `n` rows take while the model is put together.
    pub(super) fn tree_bytes(&self, n: usize, n_outputs: usize) -> u64 {
        let limits = self.limits(n, 1.0, 1);
        let drawn = if self.bootstrap { 0.63 } else { 1.0 };
        // Nodes of numbers go on to single rows, those of classes end where there is one class only.
        let leaves = if self.params.kind.is_classifier() { CLASS_LEAVES } else { 1.0 };
        let leaves =
            leaves * drawn * n as f64 / limits.min_samples_leaf.max(limits.min_samples_split / 2) as f64;
        // Few trees are full at their deepest level.
        let deepest = 2f64.powf(0.8 * self.max_depth.min(64) as f64);
        let n_nodes = 2.0 * leaves.min(deepest);
        (COPIES * self.n_trees as f64 * n_nodes * (40 + 8 * n_outputs) as f64) as u64
    }

    fn max_features(&self, n_features: usize) -> usize {
        let d = n_features as f64;
        let number = match &self.params.max_features {
            None if self.params.kind.is_classifier() => d.sqrt() as usize,
            None => n_features,
            Some(MaxFeatures::Number(number)) => usize::try_from(*number).unwrap_or(1),
            Some(MaxFeatures::Part(part)) => (part * d) as usize,
            Some(MaxFeatures::Rule(rule)) => match rule.as_str() {
                "sqrt" => d.sqrt() as usize,
                // log2: the whole part of the logarithm, without rounding.
                _ => n_features.checked_ilog2().unwrap_or(0) as usize,
            },
            Some(MaxFeatures::All) => n_features,
        };
        number.clamp(1, n_features.max(1))
    }

    /// How many rows a bootstrap sample of `n_samples` rows that weigh `weight` draws: a part is one of the weight, and
    /// rounded down, as in scikit-learn 1.9.
    ///
    /// # Errors
    /// [`crate::Error::Job`] at `estimator.max_samples` for more than can be counted.
    pub(super) fn n_drawn(&self, n_samples: usize, weight: f64) -> Result<usize> {
        let drawn = match self.params.max_samples {
            None => return Ok(n_samples),
            Some(Amount::Number(number)) => number as f64,
            Some(Amount::Part(part)) => (part * weight).floor().max(1.0),
        };
        let expected = format!("a sample of at most {MOST_DRAWN} rows");
        check("max_samples", drawn <= f64::from(MOST_DRAWN), &expected, format!("{drawn:?}"))?;
        Ok(drawn as usize)
    }
}
