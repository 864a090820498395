//! What every tree of a job shares: ranked columns, and targets as trees need them.

use std::sync::Arc;

use super::params::ForestKind;
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::tree::Columns;

/// The most classes: a node sums the weight of each.
const MOST_CLASSES: usize = 256;

/// A table with its columns ranked and its targets checked.
#[derive(Clone, Debug)]
pub struct ForestData {
    pub(super) table: Arc<Table>,
    pub(super) columns: Columns,
    /// Targets of the classes, ascending; empty for numbers.
    pub(super) classes: Vec<f64>,
    /// The class of each row, counted from 0, or its number.
    pub(super) targets: Vec<f64>,
}

impl ForestData {
    /// Checks and ranks `table` for forests of `kind`.
    ///
    /// # Errors
    /// [`Error::Data`] when there are no rows or features, targets or weights that a forest cannot learn from, too
    /// many classes, or values beyond single precision.
    pub fn new(table: Arc<Table>, kind: ForestKind) -> Result<Self> {
        check(&table, kind.is_classifier())?;
        let columns = Columns::new(&table.x, &table.origin)?;
        if !kind.is_classifier() {
            return Ok(Self { targets: table.y.clone(), classes: Vec::new(), columns, table });
        }
        let mut classes = table.y.clone();
        classes.sort_unstable_by(f64::total_cmp);
        classes.dedup();
        if classes.len() > MOST_CLASSES {
            let expected = format!("at most {MOST_CLASSES} classes");
            return Err(Error::data(&table.origin, Place::default(), expected, classes.len().to_string()));
        }
        let targets = table.y.iter().map(|y| classes.partition_point(|class| class < y) as f64).collect();
        Ok(Self { classes, targets, columns, table })
    }

    /// Values that a node predicts: classes, or 1 number.
    pub(super) fn n_outputs(&self) -> usize {
        self.classes.len().max(1)
    }

    /// The weight of a row.
    pub(super) fn weight(&self, row: usize) -> f64 {
        self.table.weights.get(row).copied().unwrap_or(1.0)
    }

    /// The features of some rows, `(rows, n_features)`, in single precision.
    pub(super) fn rows(&self, rows: &[usize]) -> Vec<f32> {
        let row = |row: &usize| self.table.x.row(*row).to_vec();
        rows.iter().flat_map(row).map(|v| v as f32).collect()
    }
}

fn check(table: &Table, classes: bool) -> Result<()> {
    let n = table.x.nrows();
    let fault =
        |place, expected: String, found: String| Err(Error::data(&table.origin, place, expected, found));
    if n == 0 || table.x.ncols() == 0 {
        let found = format!("{n} rows of {} features", table.x.ncols());
        return fault(Place::default(), "at least 1 row and 1 feature".into(), found);
    }
    if table.y.len() != n {
        let found = if table.y.is_empty() { "none".into() } else { table.y.len().to_string() };
        return fault(Place::default(), format!("targets of {n} rows"), found);
    }
    if !table.weights.is_empty() && table.weights.len() != n {
        return fault(Place::default(), format!("weights of {n} rows"), table.weights.len().to_string());
    }
    let wrong = |y: &f64| !y.is_finite() || (classes && y.fract() != 0.0);
    if let Some(row) = table.y.iter().position(wrong) {
        let expected = if classes { "a class: a whole number" } else { "a finite number" };
        return fault(Place::cell(row as u64, "y"), expected.into(), table.y[row].to_string());
    }
    if let Some(row) = table.weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
        let found = table.weights[row].to_string();
        return fault(Place::row(row as u64), "a weight, 0 or above".into(), found);
    }
    Ok(())
}
