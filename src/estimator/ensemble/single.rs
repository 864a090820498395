//! Parameters of a single tree: a forest of one, grown on all rows.

use serde::{Deserialize, Serialize};

use super::params::{
    Amount, ClassWeight, Forest, ForestKind, ForestParams, MaxFeatures, default_criterion, max_features,
};
use crate::error::Result;
use crate::estimator::parameter::{fault, quoted};
use crate::estimator::tree::Splitter;

/// Parameters of `DecisionTreeClassifier` and `DecisionTreeRegressor` with scikit-learn's names and defaults, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TreeParams {
    /// Which of the two; the estimator's name in a job.
    #[serde(skip)]
    pub kind: ForestKind,
    /// As a forest's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criterion: Option<String>,
    /// `"best"`, or `"random"`: one threshold a feature, drawn.
    pub splitter: String,
    /// The most levels; no limit by default.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub max_depth: Option<i64>,
    /// Nodes of fewer rows are leaves.
    pub min_samples_split: Amount,
    /// Rows that each side of a split must have.
    pub min_samples_leaf: Amount,
    /// The part of all weight that each side of a split must have.
    pub min_weight_fraction_leaf: f64,
    /// Features considered at each split; all by default.
    #[serde(deserialize_with = "max_features")]
    pub max_features: Option<MaxFeatures>,
    /// The seed; the job's by default.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub random_state: Option<u64>,
    /// The most leaves, made by the splits that take away most of the impurity; no limit by default.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub max_leaf_nodes: Option<i64>,
    /// How much of the impurity a split must take away.
    pub min_impurity_decrease: f64,
    /// Factors of the classes' weights: `"balanced"`, or a table.
    #[serde(deserialize_with = "crate::estimator::parameter::or_none")]
    pub class_weight: Option<ClassWeight>,
    /// Branches that are not worth this for each leaf are cut off; none by default.
    pub ccp_alpha: f64,
}

impl Default for TreeParams {
    fn default() -> Self {
        let of_forest = ForestParams::default();
        Self {
            kind: ForestKind::DecisionTreeClassifier,
            criterion: None,
            splitter: "best".into(),
            max_depth: None,
            min_samples_split: of_forest.min_samples_split,
            min_samples_leaf: of_forest.min_samples_leaf,
            min_weight_fraction_leaf: 0.0,
            max_features: Some(MaxFeatures::All),
            random_state: None,
            max_leaf_nodes: None,
            min_impurity_decrease: 0.0,
            class_weight: None,
            ccp_alpha: 0.0,
        }
    }
}

impl TreeParams {
    /// The same with the defaults that depend on the kind.
    pub fn resolved(self) -> Self {
        let criterion = self.criterion.or_else(|| Some(default_criterion(self.kind).into()));
        Self { criterion, ..self }
    }

    /// Checks the parameters; `seed` is used where there is no `random_state`.
    ///
    /// # Errors
    /// [`crate::Error::Job`] with the key `estimator.…` of the first that cannot be used.
    pub fn validate(self, seed: u64) -> Result<Forest> {
        let params = self.resolved();
        let splitter = match params.splitter.as_str() {
            "best" => Splitter::Best,
            "random" => Splitter::Random,
            other => return fault("splitter", "\"best\" or \"random\"", quoted(other)),
        };
        let mut forest = params.forest().validate(seed)?;
        (forest.single, forest.splitter) = (Some(params), splitter);
        Ok(forest)
    }

    /// The forest of this tree alone.
    fn forest(&self) -> ForestParams {
        let of_tree = self.clone();
        ForestParams {
            kind: of_tree.kind,
            n_estimators: 1,
            criterion: of_tree.criterion,
            max_depth: of_tree.max_depth,
            min_samples_split: of_tree.min_samples_split,
            min_samples_leaf: of_tree.min_samples_leaf,
            min_weight_fraction_leaf: of_tree.min_weight_fraction_leaf,
            max_features: of_tree.max_features,
            max_leaf_nodes: of_tree.max_leaf_nodes,
            min_impurity_decrease: of_tree.min_impurity_decrease,
            bootstrap: Some(false),
            oob_score: false,
            random_state: of_tree.random_state,
            class_weight: of_tree.class_weight,
            ccp_alpha: of_tree.ccp_alpha,
            max_samples: None,
        }
    }
}
