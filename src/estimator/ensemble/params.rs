//! Parameters of forests: as the job gives them, and checked.

use serde::{Deserialize, Deserializer, Serialize};

use super::single::TreeParams;
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
    /// A single tree on all rows, for classes.
    DecisionTreeClassifier,
    /// The same for numbers.
    DecisionTreeRegressor,
}

impl ForestKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::RandomForestClassifier,
        Self::RandomForestRegressor,
        Self::ExtraTreesClassifier,
        Self::ExtraTreesRegressor,
        Self::DecisionTreeClassifier,
        Self::DecisionTreeRegressor,
    ];

    /// The name in a job.
    pub fn name(self) -> &'static str {
        match self {
            Self::RandomForestClassifier => "RandomForestClassifier",
            Self::RandomForestRegressor => "RandomForestRegressor",
            Self::ExtraTreesClassifier => "ExtraTreesClassifier",
            Self::ExtraTreesRegressor => "ExtraTreesRegressor",
            Self::DecisionTreeClassifier => "DecisionTreeClassifier",
            Self::DecisionTreeRegressor => "DecisionTreeRegressor",
        }
    }

    /// The kind called `name`.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it learns classes.
    pub fn is_classifier(self) -> bool {
        matches!(
            self,
            Self::RandomForestClassifier | Self::ExtraTreesClassifier | Self::DecisionTreeClassifier
        )
    }

    /// Whether it is a single tree, which has parameters of its own, [`TreeParams`](super::TreeParams).
    pub fn is_single(self) -> bool {
        matches!(self, Self::DecisionTreeClassifier | Self::DecisionTreeRegressor)
    }

    /// Whether its trees may draw thresholds instead of seeking the best: for a single tree a parameter says so.
    pub(super) fn may_draw_thresholds(self) -> bool {
        self.splitter() == Splitter::Random || self.is_single()
    }

    fn is_random_forest(self) -> bool {
        matches!(self, Self::RandomForestClassifier | Self::RandomForestRegressor)
    }

    /// How its trees seek thresholds, unless a single tree's parameter says otherwise.
    fn splitter(self) -> Splitter {
        match self {
            Self::ExtraTreesClassifier | Self::ExtraTreesRegressor => Splitter::Random,
            _ => Splitter::Best,
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
pub(super) fn max_features<'de, D: Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<MaxFeatures>, D::Error> {
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
    /// `"gini"`, `"entropy"` or `"log_loss"` for classes (gini by default), `"squared_error"`, which `"friedman_mse"` is, too,
    /// or `"poisson"` for numbers.
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
    /// The most leaves, made by the splits that take away most of the impurity; no limit by default.
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
    /// Branches that are not worth this for each leaf are cut off a tree; none by default.
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

/// What splits are judged by if nobody says.
pub(super) fn default_criterion(kind: ForestKind) -> &'static str {
    if kind.is_classifier() { "gini" } else { "squared_error" }
}

/// What a split is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Gini,
    Entropy,
    SquaredError,
    Poisson,
}

/// A forest, or a single tree, with checked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    params: ForestParams,
    /// The parameters of a single tree as they were given; those of a forest of that tree are `params`.
    pub(super) single: Option<TreeParams>,
    pub(super) splitter: Splitter,
    pub(super) measure: Measure,
    pub(super) bootstrap: bool,
    pub(super) seed: u64,
    n_trees: usize,
    max_depth: usize,
    /// The most leaves of a tree, 2 or more.
    max_leaf_nodes: Option<usize>,
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
        let criterion = default_criterion(self.kind);
        let max_features = match self.kind.is_classifier() {
            _ if self.kind.is_single() => MaxFeatures::All,
            true => MaxFeatures::Rule("sqrt".into()),
            false => MaxFeatures::Part(1.0),
        };
        Self {
            criterion: self.criterion.or_else(|| Some(criterion.into())),
            max_features: self.max_features.or(Some(max_features)),
            bootstrap: self.bootstrap.or(Some(self.kind.is_random_forest())),
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
        let alpha = self.ccp_alpha;
        check("ccp_alpha", alpha >= 0.0 && alpha.is_finite(), expected, format!("{alpha:?}"))?;
        let max_leaf_nodes = self.leaves()?;
        let measure = self.measure()?;
        let bootstrap = self.bootstrap.unwrap_or(self.kind.is_random_forest());
        if !bootstrap && self.oob_score {
            return fault("oob_score", "false without bootstrap samples", true);
        }
        if !bootstrap && self.max_samples.is_some() {
            return fault("max_samples", "no such key without bootstrap samples", "it");
        }
        self.check_class_weight()?;
        let (seed, n_trees) = (self.random_state.unwrap_or(seed), self.n_estimators as usize);
        let (single, splitter) = (None, self.kind.splitter());
        Ok(Forest {
            params: self,
            single,
            splitter,
            measure,
            bootstrap,
            seed,
            n_trees,
            max_depth,
            max_leaf_nodes,
        })
    }

    fn leaves(&self) -> Result<Option<usize>> {
        match self.max_leaf_nodes {
            Some(leaves) if leaves < 2 => {
                fault("max_leaf_nodes", "a whole number from 2, or \"none\" for no limit", leaves)
            }
            leaves => Ok(leaves.map(|leaves| leaves as usize)),
        }
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
            (false, None | Some("squared_error" | "friedman_mse")) => Ok(Measure::SquaredError),
            (false, Some("poisson")) => Ok(Measure::Poisson),
            (false, Some(other)) => {
                let expected = "\"squared_error\", \"friedman_mse\" or \"poisson\"";
                let expected = match other {
                    "absolute_error" => format!("{expected} (medians are not supported yet)"),
                    _ => expected.into(),
                };
                fault("criterion", &expected, quoted(other))
            }
        }
    }

    fn check_class_weight(&self) -> Result<()> {
        match &self.class_weight {
            None => Ok(()),
            Some(_) if !self.kind.is_classifier() => {
                fault("class_weight", "no such key, for there are no classes", "it")
            }
            Some(weight) if self.kind.is_single() => weight.check_from_0(&["balanced"]),
            Some(weight) => weight.check_from_0(&["balanced", "balanced_subsample"]),
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

    /// The parameters by their names.
    pub(super) fn params_by_name(&self) -> serde_json::Value {
        let params = match &self.single {
            Some(single) => serde_json::to_value(single),
            None => serde_json::to_value(&self.params),
        };
        params.unwrap_or_default()
    }

    /// The most levels of a tree.
    pub(super) fn max_depth(&self) -> usize {
        self.max_depth
    }

    /// The most leaves of a tree, if they are limited.
    pub(super) fn max_leaf_nodes(&self) -> Option<usize> {
        self.max_leaf_nodes
    }

    /// What each leaf must save, or its branch is cut off.
    pub(super) fn ccp_alpha(&self) -> f64 {
        self.params.ccp_alpha
    }

    /// The limits of each tree on `n_samples` rows that weigh `weight` and have `n_features` features.
    pub(super) fn limits(&self, n_samples: usize, weight: f64, n_features: usize) -> Limits {
        let part = |amount: Amount, least: usize| match amount {
            Amount::Number(number) => number as usize,
            Amount::Part(part) => ((part * n_samples as f64).ceil() as usize).max(least),
        };
        let min_samples_leaf = part(self.params.min_samples_leaf, 1);
        Limits {
            max_depth: self.max_depth,
            min_samples_split: part(self.params.min_samples_split, 2).max(2 * min_samples_leaf),
            min_samples_leaf,
            min_weight_leaf: self.params.min_weight_fraction_leaf * weight,
            min_impurity_decrease: self.params.min_impurity_decrease,
            max_features: self.max_features(n_features),
            splitter: self.splitter,
            max_leaf_nodes: self.max_leaf_nodes,
        }
    }

    /// About how many bytes a fit on `n` rows of `d` features keeps at once beside the table: the ranked columns, and on
    /// the rank that puts the model together all trees, as they come, as they are kept and as they are written.
    pub fn memory_bytes(&self, n: usize, d: usize, n_outputs: usize, assembles: bool) -> u64 {
        let columns = Columns::expected_bytes(n, d, self.params.kind.may_draw_thresholds());
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
        let most = self.max_leaf_nodes.map_or(f64::INFINITY, |most| most as f64);
        let n_nodes = 2.0 * leaves.min(deepest).min(most);
        (COPIES * self.n_trees as f64 * n_nodes * (40 + 8 * n_outputs) as f64) as u64
    }

    fn max_features(&self, n_features: usize) -> usize {
        let d = n_features as f64;
        let number = match &self.params.max_features {
            None if self.params.kind.is_classifier() && !self.params.kind.is_single() => d.sqrt() as usize,
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
