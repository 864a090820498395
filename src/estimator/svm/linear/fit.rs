//! Fitting: from parameters and rows to weights, one problem a class.

use serde_json::Value;

use super::dual::{Stopping, hinge, insensitive};
use super::l1::Sparse;
use super::model::LinearSvmModel;
use super::newton::{Minimum, Squared};
use super::params::{LinearSvcParams, LinearSvrParams};
use super::rows::Rows;
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::fold_search::{FoldFit, FoldModel, FoldRows, Size};
use crate::estimator::plain::{PlainEstimator, PlainModel};
use crate::estimator::targets::{Classes, check_table};
use crate::rng::{self, Purpose};

/// A linear support vector machine with checked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearSvm {
    pub(super) kind: Kind,
    pub(super) settings: Settings,
}

/// What it learns.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Classes(LinearSvcParams),
    Numbers(LinearSvrParams),
}

/// What both kinds are told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) c: f64,
    pub(super) tol: f64,
    /// The value of the intercept's feature.
    pub(super) intercept: Option<f64>,
    pub(super) max_iter: usize,
    pub(super) seed: u64,
    pub(super) loss: Loss,
    /// Whether the penalty is |w|₁.
    pub(super) l1: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loss {
    pub(super) squared: bool,
    pub(super) epsilon: f64,
}

impl LinearSvm {
    /// The estimator's name.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Classes(_) => "LinearSVC",
            Kind::Numbers(_) => "LinearSVR",
        }
    }

    /// Fits on the given rows, ascending.
    ///
    /// Each weight of the table scales C of its row.
    ///
    /// # Errors
    /// [`Error::Data`] when targets are absent or of the wrong kind, there are fewer than two classes, or the weights
    /// leave the finite range; [`Error::Job`] for weights of classes that are not there.
    pub fn fit(&self, table: &Table, rows: &[usize]) -> Result<LinearSvmModel> {
        let matrix = Rows::new(table, rows, self.settings.intercept);
        let weight = |&row: &usize| table.weights.get(row).copied().unwrap_or(1.0);
        let c: Vec<f64> = rows.iter().map(|row| self.settings.c * weight(row)).collect();
        let targets: Vec<f64> = rows.iter().map(|&row| table.y[row]).collect();
        let (classes, minima) = match &self.kind {
            Kind::Numbers(_) => (None, self.numbers(&matrix, &targets, &c)?.map(|minimum| vec![minimum])),
            Kind::Classes(params) => {
                let classes = self.classes(table, rows)?;
                let factors = match &params.class_weight {
                    Some(weight) => weight.factors(
                        &classes.targets,
                        &classes.weights(table, rows),
                        table.class_names.as_deref(),
                    )?,
                    None => vec![1.0; classes.targets.len()],
                };
                let minima = self.each_class(&matrix, &classes, &targets, &c, &factors)?;
                (Some(classes), minima)
            }
        };
        let finite =
            |minima: &Vec<Minimum>| minima.iter().flat_map(|minimum| &minimum.w).all(|w| w.is_finite());
        let Some(minima) = minima.filter(finite) else {
            let expected = match matrix.squares().iter().sum::<f64>().is_finite() {
                true => "rows whose squares, times C and the rows' weights, are finite (scaled data?)",
                false => "values whose squares are finite (scaled data?)",
            };
            return Err(Error::data(&table.origin, Place::default(), expected, "an overflow"));
        };
        Ok(LinearSvmModel::of(self.clone(), classes, table.x.ncols(), &minima))
    }

    fn classes(&self, table: &Table, rows: &[usize]) -> Result<Classes> {
        let classes = Classes::of(table, rows);
        if classes.targets.len() >= 2 {
            return Ok(classes);
        }
        let found = format!("{} class", classes.targets.len());
        Err(Error::data(&table.origin, Place::default(), "at least 2 classes", found))
    }

    /// One problem for two classes, the second against the first; one for each of more, against the rest.
    ///
    /// As liblinear has it, the rest keeps C as it is, whatever its classes weigh, unless it is one class.
    fn each_class(
        &self,
        matrix: &Rows,
        classes: &Classes,
        targets: &[f64],
        c: &[f64],
        factors: &[f64],
    ) -> Result<Option<Vec<Minimum>>> {
        let binary = classes.targets.len() == 2;
        let positives = if binary { 1..2 } else { 0..classes.targets.len() };
        let against = |class: usize| {
            let is = |y: &f64| classes.index(*y) == class;
            let y: Vec<f64> = targets.iter().map(|y| if is(y) { 1.0 } else { -1.0 }).collect();
            let rest = if binary { factors[0] } else { 1.0 };
            let factor = |y: &f64| if *y > 0.0 { factors[class] } else { rest };
            let c: Vec<f64> = c.iter().zip(&y).map(|(c, y)| c * factor(y)).collect();
            self.two(matrix, &y, &c, class as u64)
        };
        Ok(positives.map(against).collect::<Result<Vec<_>>>()?.into_iter().collect())
    }

    fn stopping(&self) -> Stopping {
        Stopping { tol: self.settings.tol, max_iter: self.settings.max_iter }
    }

    /// The problem of y = ±1; `None` where its numbers leave the range of a double.
    fn two(&self, rows: &Rows, y: &[f64], c: &[f64], index: u64) -> Result<Option<Minimum>> {
        if !self.settings.loss.squared {
            let stream = rng::stream(self.settings.seed, Purpose::Permutation, index);
            return hinge(rows, y, c, self.stopping(), stream);
        }
        let target = |i: usize, f: f64| (y[i] * f < 1.0).then_some(y[i]);
        // liblinear's rule: the fewer rows the smaller class has, the nearer the optimum.
        let positive = y.iter().filter(|y| **y > 0.0).count();
        let share = positive.min(y.len() - positive).max(1) as f64 / y.len() as f64;
        let (tol, max_iter) = (self.settings.tol * share, self.settings.max_iter);
        match self.settings.l1 {
            true => Sparse { rows, y, c }.minimise(tol, max_iter),
            false => Squared { rows, c, target }.minimise(tol, max_iter),
        }
    }

    fn numbers(&self, rows: &Rows, y: &[f64], c: &[f64]) -> Result<Option<Minimum>> {
        let Loss { squared, epsilon } = self.settings.loss;
        if !squared {
            let stream = rng::stream(self.settings.seed, Purpose::Permutation, 0);
            return insensitive(rows, y, c, epsilon, self.stopping(), stream);
        }
        let target = |i: usize, f: f64| match f - y[i] {
            error if error > epsilon => Some(y[i] + epsilon),
            error if error < -epsilon => Some(y[i] - epsilon),
            _ => None,
        };
        Squared { rows, c, target }.minimise(self.settings.tol, self.settings.max_iter)
    }
}

impl PlainEstimator for LinearSvm {
    fn fit_rows(&self, table: &Table, rows: &[usize]) -> Result<Box<dyn PlainModel>> {
        Ok(Box::new(self.fit(table, rows)?))
    }

    fn check_table(&self, table: &Table) -> Result<()> {
        let Kind::Classes(params) = &self.kind else { return check_table(table, false) };
        check_table(table, true)?;
        let rows: Vec<usize> = (0..table.y.len()).collect();
        let classes = self.classes(table, &rows)?;
        let counts = vec![1.0; classes.targets.len()];
        let factors = params
            .class_weight
            .as_ref()
            .map(|weight| weight.factors(&classes.targets, &counts, table.class_names.as_deref()));
        factors.transpose().map(drop)
    }
}

impl LinearSvm {
    /// A Newton step forms a Hessian; a pass of coordinate descent takes two products a row.
    fn cost_of_steps(&self, size: Size, n_steps: f64) -> f64 {
        let width = size.n_features as f64 + 1.0;
        let of_row = if self.settings.loss.squared { 2.0 + 0.5 * width.min(64.0) } else { 2.0 };
        size.n_train as f64 * width * of_row * n_steps
    }
}

impl FoldFit for LinearSvm {
    fn fit(&self, rows: &FoldRows) -> Result<Box<dyn FoldModel>> {
        let all: Vec<usize> = (0..rows.table().y.len()).collect();
        Ok(Box::new(self.fit_rows(rows.table(), &all)?))
    }

    fn written(&self) -> Option<Value> {
        match &self.kind {
            Kind::Classes(params) => serde_json::to_value(params).ok(),
            Kind::Numbers(params) => serde_json::to_value(params).ok(),
        }
    }

    fn cost(&self, size: Size) -> f64 {
        let c = self.settings.c.clamp(0.01, 100.0);
        self.cost_of_steps(size, if self.settings.loss.squared { 10.0 } else { 50.0 + 10.0 * c })
    }

    fn cost_of_iterations(&self, size: Size, n_iter: usize) -> Option<f64> {
        Some(self.cost_of_steps(size, n_iter as f64))
    }
}
