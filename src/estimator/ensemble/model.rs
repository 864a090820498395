//! A fitted forest: its attributes and predictions.

use ndarray::{Array2, ArrayView2};

use super::data::ForestData;
use super::oob::OutOfBag;
use super::params::{Forest, ForestKind};
use crate::error::{Error, Place, Result};
use crate::estimator::tree::Tree;
use crate::estimator::{Array, Model, Values};

/// Trees whose values are summed before they are added to those of the trees before: a piece may be somebody else's work.
pub(super) const PIECE: usize = 10;

/// A fitted forest.
#[derive(Clone, Debug, PartialEq)]
pub struct ForestModel {
    kind: ForestKind,
    /// The parameters by their names.
    params: serde_json::Value,
    classes: Vec<f64>,
    class_names: Option<Vec<String>>,
    n_features: usize,
    trees: Vec<Tree>,
    oob: Option<OutOfBag>,
}

impl ForestModel {
    pub(super) fn assemble(
        forest: &Forest,
        data: &ForestData,
        trees: Vec<Tree>,
        oob: Option<OutOfBag>,
    ) -> Self {
        let names = data.table.class_names.as_ref().filter(|_| !data.classes.is_empty());
        let class_names =
            names.map(|names| data.classes.iter().map(|&c| names[c as usize].clone()).collect());
        let n_features = data.columns.n_features();
        let (kind, params) = (forest.params().kind, forest.params_by_name());
        Self { kind, params, classes: data.classes.clone(), class_names, n_features, trees, oob }
    }

    /// The targets of the classes, ascending; empty for a regressor.
    pub fn classes(&self) -> &[f64] {
        &self.classes
    }

    /// Which forest it is.
    pub fn kind(&self) -> ForestKind {
        self.kind
    }

    /// How many features it was fitted on.
    pub fn n_features_in(&self) -> usize {
        self.n_features
    }

    /// The trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// The score of rows predicted by the trees that did not grow on them, where asked for.
    pub fn oob_score(&self) -> Option<f64> {
        self.oob.as_ref().map(|oob| oob.score)
    }

    /// How many rows every tree grew on: their out-of-bag predictions are 0. 0, too, where none were asked for.
    pub fn n_without_oob(&self) -> usize {
        self.oob.as_ref().map_or(0, |oob| oob.n_without)
    }

    /// How much each feature lowers the impurity, the mean of the trees that have a split, summing to 1.
    pub fn feature_importances(&self) -> Vec<f64> {
        let mut importances = vec![0.0; self.n_features];
        for tree in self.trees.iter().filter(|tree| tree.n_nodes() > 1) {
            let of_tree = tree.feature_importances(self.n_features);
            importances.iter_mut().zip(of_tree).for_each(|(sum, value)| *sum += value);
        }
        let total: f64 = importances.iter().sum();
        if total > 0.0 {
            importances.iter_mut().for_each(|importance| *importance /= total);
        }
        importances
    }

    fn n_outputs(&self) -> usize {
        self.classes.len().max(1)
    }

    /// The mean of the trees' values, `(n_rows, n_outputs)`: probabilities of the classes, or one number.
    ///
    /// # Errors
    /// [`Error::Data`] when `x`, `(n_rows, n_features)`, has other features than the model.
    pub fn predict_values(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        if x.ncols() != self.n_features {
            let expected = format!("{} features, as the model was fitted with", self.n_features);
            return Err(Error::data("X", Place::default(), expected, x.ncols().to_string()));
        }
        let (d, k) = (self.n_features, self.n_outputs());
        let rows: Vec<f32> = x.iter().map(|&v| v as f32).collect();
        let mut values = vec![0.0; x.nrows() * k];
        // Tree by tree, so that each stays in the cache for all rows; every row's sum keeps the trees' order.
        let mut of_piece = vec![0.0; x.nrows() * k];
        for piece in self.trees.chunks(PIECE) {
            of_piece.fill(0.0);
            for tree in piece {
                for (row, sums) in rows.chunks_exact(d).zip(of_piece.chunks_exact_mut(k)) {
                    let leaf = tree.leaf(row);
                    sums.iter_mut().zip(&tree.value[leaf * k..]).for_each(|(sum, value)| *sum += value);
                }
            }
            values.iter_mut().zip(&of_piece).for_each(|(sum, piece)| *sum += piece);
        }
        let n_trees = self.trees.len() as f64;
        values.iter_mut().for_each(|value| *value /= n_trees);
        Array2::from_shape_vec((x.nrows(), k), values)
            .map_err(|e| Error::internal(format!("predictions of the wrong shape: {e}")))
    }

    /// The class, or the number, of each row of `x`, `(n_rows, n_features)`.
    ///
    /// # Errors
    /// As [`predict_values`](Self::predict_values).
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        Ok(self.decide(self.predict_values(x)?.as_slice().unwrap_or(&[])))
    }

    /// The class, or the number, of each row from its [values](Self::predict_values), row by row.
    pub fn decide(&self, values: &[f64]) -> Vec<f64> {
        let of_row = |values: &[f64]| match self.classes.get(first_largest(values)) {
            Some(&class) => class,
            None => values[0],
        };
        values.chunks_exact(self.n_outputs()).map(of_row).collect()
    }

    /// The model as named arrays: scikit-learn's attributes, and the trees' arrays one after the other, tree t from
    /// `tree_offsets[t]` to `tree_offsets[t + 1]`.
    pub fn export(&self) -> Model {
        let mut attributes: Vec<(String, Array)> = Vec::new();
        let mut put = |name: &str, array: Array| attributes.push((name.into(), array));
        if !self.classes.is_empty() {
            put("classes_", self.class_array());
            put("n_classes_", Array::integer(self.classes.len() as i64));
        }
        put("n_features_in_", Array::integer(self.n_features as i64));
        put("feature_importances_", Array::vector(Values::F64(self.feature_importances())));
        if let Some(oob) = &self.oob {
            put("oob_score_", Array::scalar(oob.score));
            let values = Values::F64(oob.values.clone());
            match self.classes.len() {
                0 => put("oob_prediction_", Array::vector(values)),
                k => put("oob_decision_function_", Array::new([oob.values.len() / k, k], values)),
            }
        }
        self.put_trees(&mut put);
        Model { estimator: self.kind.name().into(), params: self.params.clone(), attributes }
    }

    fn class_array(&self) -> Array {
        Array::vector(match &self.class_names {
            Some(names) => Values::Text(names.clone()),
            None => Values::I64(self.classes.iter().map(|&class| class as i64).collect()),
        })
    }

    fn put_trees(&self, put: &mut dyn FnMut(&str, Array)) {
        let mut offsets = vec![0i64];
        offsets.extend(self.trees.iter().scan(0, |end, tree| {
            *end += tree.n_nodes() as i64;
            Some(*end)
        }));
        put("tree_offsets", Array::vector(Values::I64(offsets)));
        let integers = |of: fn(&Tree) -> &Vec<i32>| {
            Array::vector(Values::I32(self.trees.iter().flat_map(|tree| of(tree).iter().copied()).collect()))
        };
        let numbers = |of: fn(&Tree) -> &Vec<f64>| -> Vec<f64> {
            self.trees.iter().flat_map(|tree| of(tree).iter().copied()).collect()
        };
        put("children_left", integers(|tree| &tree.children_left));
        put("children_right", integers(|tree| &tree.children_right));
        put("feature", integers(|tree| &tree.feature));
        put("threshold", Array::vector(Values::F64(numbers(|tree| &tree.threshold))));
        put("impurity", Array::vector(Values::F64(numbers(|tree| &tree.impurity))));
        put("n_node_samples", integers(|tree| &tree.n_node_samples));
        let weights = numbers(|tree| &tree.weighted_n_node_samples);
        put("weighted_n_node_samples", Array::vector(Values::F64(weights)));
        let (values, k) = (numbers(|tree| &tree.value), self.n_outputs());
        put("value", Array::new([values.len() / k, k], Values::F64(values)));
    }

    /// A model from its named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when arrays are missing or do not fit together.
    pub fn import(model: &Model) -> Result<Self> {
        let unsound =
            || Error::data("model", Place::default(), "a forest whose attributes fit together", "others");
        let kind = ForestKind::of(&model.estimator).ok_or_else(unsound)?;
        let (classes, class_names) = match model.attribute("classes_") {
            Ok(Array { values: Values::Text(names), .. }) => {
                ((0..names.len()).map(|class| class as f64).collect(), Some(names.clone()))
            }
            Ok(_) => (model.numbers("classes_")?, None),
            Err(_) => (Vec::new(), None),
        };
        let n_features = model.numbers("n_features_in_")?.first().map_or(0, |&n| n as usize);
        let trees = read_trees(model, classes.len().max(1)).and_then(|trees| trees.ok_or_else(unsound))?;
        let sound = trees.iter().all(|tree| tree.is_sound(n_features, classes.len().max(1)));
        if trees.is_empty() || !sound || classes.is_empty() == kind.is_classifier() {
            return Err(unsound());
        }
        let params = model.params.clone();
        Ok(Self { kind, params, classes, class_names, n_features, trees, oob: None })
    }
}

/// The trees of a model; `None` when their arrays have other lengths than they should.
fn read_trees(model: &Model, k: usize) -> Result<Option<Vec<Tree>>> {
    let integers =
        |name: &str| -> Result<Vec<i32>> { Ok(model.numbers(name)?.into_iter().map(|v| v as i32).collect()) };
    let offsets: Vec<usize> = model.numbers("tree_offsets")?.into_iter().map(|v| v as usize).collect();
    let (left, right) = (integers("children_left")?, integers("children_right")?);
    let (feature, threshold) = (integers("feature")?, model.numbers("threshold")?);
    let (impurity, samples) = (model.numbers("impurity")?, integers("n_node_samples")?);
    let (weights, value) = (model.numbers("weighted_n_node_samples")?, model.numbers("value")?);
    let tree = |ends: &[usize]| {
        let range = ends[0]..ends[1];
        Some(Tree {
            children_left: left.get(range.clone())?.to_vec(),
            children_right: right.get(range.clone())?.to_vec(),
            feature: feature.get(range.clone())?.to_vec(),
            threshold: threshold.get(range.clone())?.to_vec(),
            impurity: impurity.get(range.clone())?.to_vec(),
            n_node_samples: samples.get(range.clone())?.to_vec(),
            weighted_n_node_samples: weights.get(range.clone())?.to_vec(),
            value: value.get(range.start * k..range.end * k)?.to_vec(),
        })
    };
    Ok(offsets.windows(2).map(tree).collect())
}

/// Where the largest value stands, the first of equal ones.
pub(super) fn first_largest(values: &[f64]) -> usize {
    let mut best = 0;
    for (place, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = place;
        }
    }
    best
}
