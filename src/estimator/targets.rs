//! What a table's targets are: classes or numbers, checked.

use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::{Array, Model, Values};

/// Whole numbers from here on are not told from their neighbours in double precision: two classes would become one.
const LARGEST_CLASS: f64 = (1u64 << 53) as f64;

/// Whether a target can be a class: a whole number that double precision tells from every other.
pub(crate) fn is_class(target: f64) -> bool {
    target.fract() == 0.0 && !is_blurred(target)
}

/// Whether double precision does not tell a number from its neighbours.
pub(crate) fn is_blurred(number: f64) -> bool {
    number.abs() >= LARGEST_CLASS
}

/// What was found where a number is not told from its neighbours.
pub(crate) fn blurred(number: f64) -> String {
    format!("{number}, which is not told from its neighbours")
}

/// What is expected, and was found, where a target is no class.
pub(crate) fn no_class(target: f64) -> (&'static str, String) {
    if target.fract() == 0.0 {
        return ("classes that are whole numbers within ±2^53, or text", blurred(target));
    }
    ("targets that are classes (whole numbers or text)", format!("{target}, a continuous target"))
}

/// The classes of a fit and how they are called.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// Their targets, ascending; empty for numbers.
    pub targets: Vec<f64>,
    /// Their names, when targets were given as text.
    pub names: Option<Vec<String>>,
}

impl Classes {
    /// The distinct targets of some rows.
    pub(crate) fn of(table: &Table, rows: &[usize]) -> Self {
        let mut targets: Vec<f64> = rows.iter().map(|&row| table.y[row] + 0.0).collect();
        targets.sort_unstable_by(f64::total_cmp);
        targets.dedup();
        let name = |&class: &f64| table.class_names.as_ref()?.get(class as usize).cloned();
        let names: Option<Vec<String>> = targets.iter().map(name).collect();
        Self { targets, names: names.filter(|names| !names.is_empty()) }
    }

    /// The number of the class with this target.
    pub(crate) fn index(&self, target: f64) -> usize {
        self.targets.partition_point(|&class| class < target)
    }

    /// How many rows each class has.
    pub(crate) fn counts(&self, table: &Table, rows: &[usize]) -> Vec<f64> {
        let mut counts = vec![0.0; self.targets.len()];
        rows.iter().for_each(|&row| counts[self.index(table.y[row])] += 1.0);
        counts
    }

    /// How much the rows of each class weigh.
    pub(crate) fn weights(&self, table: &Table, rows: &[usize]) -> Vec<f64> {
        let mut weights = vec![0.0; self.targets.len()];
        let weight = |row: usize| table.weights.get(row).copied().unwrap_or(1.0);
        rows.iter().for_each(|&row| weights[self.index(table.y[row])] += weight(row));
        weights
    }

    /// `classes_`.
    pub(crate) fn export(&self) -> Array {
        Array::vector(match &self.names {
            Some(names) => Values::Text(names.clone()),
            None => Values::I64(self.targets.iter().map(|&class| class as i64).collect()),
        })
    }

    /// From `classes_`; classes given as text come back numbered in their order.
    pub(crate) fn import(model: &Model) -> Result<Self> {
        Ok(match &model.attribute("classes_")?.values {
            Values::Text(names) => {
                Self { targets: (0..names.len()).map(|i| i as f64).collect(), names: Some(names.clone()) }
            }
            _ => Self { targets: model.numbers("classes_")?, names: None },
        })
    }
}

/// Checks that a table has features and targets, numbers or `classes`, and sound weights or none.
///
/// # Errors
/// [`Error::Data`] with the place of the first that cannot be learnt.
pub(crate) fn check_table(table: &Table, classes: bool) -> Result<()> {
    let n = table.x.nrows();
    let fault =
        |place, expected: String, found: String| Err(Error::data(&table.origin, place, expected, found));
    if !table.x.is_standard_layout() {
        return Err(Error::internal("a table that is not in row-major order"));
    }
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
    if let Some(row) = table.y.iter().position(|y| !y.is_finite() || (classes && !is_class(*y))) {
        let (expected, found) = match classes && table.y[row].is_finite() {
            true => no_class(table.y[row]),
            false => ("a finite number", table.y[row].to_string()),
        };
        return fault(Place::cell(row as u64, "y"), expected.into(), found);
    }
    if let Some(row) = table.weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
        let found = table.weights[row].to_string();
        return fault(Place::row(row as u64), "a weight, 0 or above".into(), found);
    }
    Ok(())
}
