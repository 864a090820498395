//! What every tree of a job shares: ranked columns, and targets as trees need them.

use std::sync::Arc;

use super::params::ForestKind;
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::targets::check_table;
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
        check_table(&table, kind.is_classifier())?;
        let columns = Columns::new(&table.x, &table.origin)?;
        let columns = if kind.may_draw_thresholds() { columns.with_values() } else { columns };
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

    /// Bytes of the ranked columns and the targets.
    pub(super) fn size_bytes(&self) -> u64 {
        self.columns.size_bytes() + 8 * self.targets.len() as u64
    }

    /// Values that a node predicts: classes, or 1 number.
    pub(super) fn n_outputs(&self) -> usize {
        self.classes.len().max(1)
    }

    /// The features of some rows, `(rows, n_features)`, in single precision.
    pub(super) fn rows(&self, rows: &[usize]) -> Vec<f32> {
        let row = |row: &usize| self.table.x.row(*row).to_vec();
        rows.iter().flat_map(row).map(|v| v as f32).collect()
    }
}
