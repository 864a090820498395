//! Fitted nearest neighbours: the training rows, and what they predict.

use ndarray::{Array2, ArrayView2};

use super::nearest::nearest;
use super::packed::Packed;
use super::params::{KNeighbors, KNeighborsParams, NeighborsKind};
use super::vote::{Vote, first_largest};
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::plain::{PlainEstimator, PlainModel, check_width, gather, matrix};
use crate::estimator::targets::{Classes, check_table};
use crate::estimator::{Array, Model, Values};
use crate::kernel::neighbors::Metric;

/// Fitted nearest neighbours.
#[derive(Clone, Debug)]
pub struct KNeighborsModel {
    neighbors: KNeighbors,
    pub(super) classes: Classes,
    x: Vec<f64>,
    /// The number of each row's class, or its number.
    pub(super) y: Vec<f64>,
    pub(super) packed: Packed,
}

impl KNeighbors {
    /// Checks that `table` can be learnt from.
    ///
    /// # Errors
    /// [`Error::Data`] for targets that are absent or of the wrong kind, and for weights.
    pub fn check_table(&self, table: &Table) -> Result<()> {
        let kind = self.params().kind;
        check_table(table, kind.is_classifier())?;
        if table.weights.is_empty() {
            return Ok(());
        }
        let expected = format!("no weights, which {} does not take", kind.name());
        Err(Error::data(&table.origin, Place::default(), expected, "weights"))
    }

    /// Fits on the given rows, ascending: packs them.
    ///
    /// # Errors
    /// As [`check_table`](Self::check_table); [`Error::Data`] when there are fewer rows than neighbours.
    pub fn fit(&self, table: &Table, rows: &[usize]) -> Result<KNeighborsModel> {
        self.check_table(table)?;
        self.check_rows(&table.origin, rows.len())?;
        Ok(KNeighborsModel::of(self.clone(), table, rows))
    }

    /// Checks that there are at least as many rows as neighbours.
    ///
    /// # Errors
    /// [`Error::Data`] about `origin` when there are fewer.
    pub fn check_rows(&self, origin: &str, n_rows: usize) -> Result<()> {
        if self.k <= n_rows {
            return Ok(());
        }
        let expected = format!("at least {} rows, as many as n_neighbors", self.k);
        Err(Error::data(origin, Place::default(), expected, n_rows.to_string()))
    }

    pub(super) fn vote(&self) -> Vote {
        Vote { k: self.k, by_distance: self.by_distance }
    }
}

impl KNeighborsModel {
    /// From rows that were checked.
    pub(super) fn of(neighbors: KNeighbors, table: &Table, rows: &[usize]) -> Self {
        let classifies = neighbors.params().kind.is_classifier();
        let classes =
            if classifies { Classes::of(table, rows) } else { Classes { targets: Vec::new(), names: None } };
        let target = |&row: &usize| match classifies {
            true => classes.index(table.y[row]) as f64,
            false => table.y[row],
        };
        let y = rows.iter().map(target).collect();
        Self::build(neighbors, classes, gather(table, rows), y, table.x.ncols())
    }

    fn build(neighbors: KNeighbors, classes: Classes, x: Vec<f64>, y: Vec<f64>, d: usize) -> Self {
        let packed = Packed::new(neighbors.metric, &x, d);
        Self { neighbors, classes, x, y, packed }
    }

    /// What is learnt.
    pub fn kind(&self) -> NeighborsKind {
        self.neighbors.params().kind
    }

    /// The targets of the classes, ascending; empty for a regressor.
    pub fn classes(&self) -> &[f64] {
        &self.classes.targets
    }

    /// Distances and places of the nearest rows of each row of `x`, both `(n_rows, n_neighbors)`, the nearest first.
    ///
    /// # Errors
    /// [`Error::Data`] when `x` has another number of features than the model.
    pub fn kneighbors(&self, x: ArrayView2<'_, f64>) -> Result<(Array2<f64>, Array2<u32>)> {
        check_width(x, self.packed.n_features)?;
        let (n, k) = (x.nrows(), self.neighbors.k);
        let (mut distances, mut places) = (Array2::zeros((n, k)), Array2::zeros((n, k)));
        let x: Vec<f64> = x.iter().copied().collect();
        nearest(&self.packed, &x, k, |row, found| {
            for (i, &(distance, place)) in found.iter().enumerate() {
                (distances[[row, i]], places[[row, i]]) = (distance, place);
            }
        })?;
        Ok((distances, places))
    }

    /// The model from its named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or do not fit together, [`Error::Job`] for wrong parameters.
    pub fn import(model: &Model) -> Result<Self> {
        let unsound =
            || Error::data("model", Place::default(), "neighbours whose attributes fit together", "others");
        let kind = NeighborsKind::of(&model.estimator).ok_or_else(unsound)?;
        let neighbors = KNeighborsParams { kind, ..model.params_as()? }.validate()?;
        let (n, d) = (model.count("n_samples_fit_")?, model.count("n_features_in_")?);
        let length = n.checked_mul(d).ok_or_else(unsound)?;
        let (x, y) = (model.vector("_fit_X", length)?, model.vector("_y", n)?);
        let classes = match kind.is_classifier() {
            true => Classes::import(model)?,
            false => Classes { targets: Vec::new(), names: None },
        };
        let known = |y: &f64| *y >= 0.0 && y.fract() == 0.0 && (*y as usize) < classes.targets.len();
        neighbors.check_rows("model", n)?;
        if kind.is_classifier() && !y.iter().all(known) {
            return Err(unsound());
        }
        Ok(Self::build(neighbors, classes, x, y, d))
    }

    fn probabilities(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        check_width(x, self.packed.n_features)?;
        let (vote, n_classes) = (self.neighbors.vote(), self.classes.targets.len());
        let mut values = vec![0.0; x.nrows() * n_classes];
        let rows: Vec<f64> = x.iter().copied().collect();
        nearest(&self.packed, &rows, vote.k, |row, found| {
            vote.probabilities(found, &self.y, &mut values[row * n_classes..(row + 1) * n_classes]);
        })?;
        matrix(x.nrows(), n_classes, values)
    }
}

impl PlainEstimator for KNeighbors {
    fn fit_rows(&self, table: &Table, rows: &[usize]) -> Result<Box<dyn PlainModel>> {
        Ok(Box::new(self.fit(table, rows)?))
    }

    fn check_table(&self, table: &Table) -> Result<()> {
        KNeighbors::check_table(self, table)
    }
}

impl PlainModel for KNeighborsModel {
    fn n_features_in(&self) -> usize {
        self.packed.n_features
    }

    fn classes(&self) -> Option<&[f64]> {
        self.kind().is_classifier().then_some(self.classes.targets.as_slice())
    }

    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        if self.kind().is_classifier() {
            let probabilities = self.probabilities(x)?;
            let class =
                |row: &[f64]| self.classes.targets.get(first_largest(row)).copied().unwrap_or(f64::NAN);
            return Ok(probabilities.outer_iter().map(|row| class(row.to_slice().unwrap_or(&[]))).collect());
        }
        check_width(x, self.packed.n_features)?;
        let (vote, mut values) = (self.neighbors.vote(), vec![0.0; x.nrows()]);
        let rows: Vec<f64> = x.iter().copied().collect();
        nearest(&self.packed, &rows, vote.k, |row, found| {
            values[row] = vote.mean(found, &self.y);
        })?;
        Ok(values)
    }

    fn predict_proba(&self, x: ArrayView2<'_, f64>) -> Result<Option<Array2<f64>>> {
        if self.kind().is_classifier() { self.probabilities(x).map(Some) } else { Ok(None) }
    }

    fn export(&self) -> Model {
        let (n, d) = (self.packed.panels.n_rows, self.packed.n_features);
        let metric = match self.neighbors.metric {
            Metric::Manhattan => "manhattan",
            Metric::Euclidean => "euclidean",
            Metric::Chebyshev => "chebyshev",
            Metric::Minkowski(_) => "minkowski",
            Metric::Cosine => "cosine",
        };
        let mut attributes = Vec::new();
        let mut y = Values::F64(self.y.clone());
        if self.kind().is_classifier() {
            attributes.push(("classes_".to_owned(), self.classes.export()));
            y = Values::I64(self.y.iter().map(|&class| class as i64).collect());
        }
        let text = Array::new([], Values::Text(vec![metric.into()]));
        attributes.push(("effective_metric_".into(), text));
        attributes.push(("n_features_in_".into(), Array::integer(d as i64)));
        attributes.push(("n_samples_fit_".into(), Array::integer(n as i64)));
        attributes.push(("_fit_X".into(), Array::new([n, d], Values::F64(self.x.clone()))));
        attributes.push(("_y".into(), Array::vector(y)));
        let params = serde_json::to_value(self.neighbors.params()).unwrap_or_default();
        Model { estimator: self.kind().name().into(), params, attributes }
    }
}
