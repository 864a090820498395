//! The rows of one fit, grouped by class as libsvm does.

use super::params::Svc;
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::targets::{is_class, no_class};

/// Which rows of a table a fit uses, class by class, and what each may weigh.
pub(super) struct TrainingSet {
    /// Targets of the classes, ascending.
    pub(super) classes: Vec<f64>,
    /// Where each class starts among the rows, and where the last ends: `(n_classes + 1,)`.
    pub(super) starts: Vec<usize>,
    /// Rows of the table, class by class, ascending in each. Rows of no weight are left out.
    pub(super) rows: Vec<u32>,
    /// The same rows' places among the rows given.
    pub(super) places: Vec<i32>,
    /// Factor of C of each of these rows, or empty.
    weights: Vec<f64>,
    /// How many rows were given.
    pub(super) n_given: usize,
    /// How many of these each class had, rows of no weight too.
    counts: Vec<usize>,
}

impl TrainingSet {
    /// Groups `rows` of `table`.
    ///
    /// # Errors
    /// [`Error::Data`] when targets are absent or not classes, or fewer than 2 classes are there.
    pub(super) fn new(table: &Table, rows: &[usize]) -> Result<Self> {
        check_targets(table)?;
        let mut classes: Vec<f64> = rows.iter().map(|&r| table.y[r]).collect();
        classes.sort_unstable_by(f64::total_cmp);
        classes.dedup();
        if classes.len() < 2 {
            let found = format!("{} class", classes.len());
            return Err(Error::data(&table.origin, Place::default(), "at least 2 classes", found));
        }
        let mut set = Self {
            starts: vec![0],
            rows: Vec::with_capacity(rows.len()),
            places: Vec::with_capacity(rows.len()),
            weights: Vec::new(),
            n_given: rows.len(),
            counts: Vec::new(),
            classes,
        };
        for class in set.classes.clone() {
            set.gather(table, rows, class)?;
        }
        Ok(set)
    }

    /// Rows of numbers: all of one part.
    ///
    /// # Errors
    /// [`Error::Data`] when no row weighs anything.
    pub(super) fn of_numbers(table: &Table, rows: &[usize]) -> Result<Self> {
        let weight = |row: usize| table.weights.get(row).copied();
        let used: Vec<usize> =
            (0..rows.len()).filter(|&place| weight(rows[place]).is_none_or(|w| w > 0.0)).collect();
        if used.is_empty() {
            return Err(Error::data(&table.origin, Place::default(), "a weight above 0", "none"));
        }
        Ok(Self {
            classes: vec![0.0],
            starts: vec![0, used.len()],
            rows: used.iter().map(|&place| rows[place] as u32).collect(),
            places: used.iter().map(|&place| place as i32).collect(),
            weights: used.iter().filter_map(|&place| weight(rows[place])).collect(),
            n_given: rows.len(),
            counts: vec![rows.len()],
        })
    }

    fn gather(&mut self, table: &Table, rows: &[usize], class: f64) -> Result<()> {
        let mut count = 0;
        for (place, &row) in rows.iter().enumerate().filter(|&(_, &row)| table.y[row] == class) {
            count += 1;
            let weight = table.weights.get(row).copied();
            if weight.is_none_or(|w| w > 0.0) {
                self.rows.push(row as u32);
                self.places.push(place as i32);
                self.weights.extend(weight);
            }
        }
        if self.starts.last() == Some(&self.rows.len()) {
            let expected = format!("a weight above 0 in class {class}");
            return Err(Error::data(&table.origin, Place::default(), expected, "none"));
        }
        self.starts.push(self.rows.len());
        self.counts.push(count);
        Ok(())
    }

    /// How many classes there are.
    pub(super) fn n_classes(&self) -> usize {
        self.classes.len()
    }

    /// Places of a class's rows.
    pub(super) fn class_rows(&self, class: usize) -> std::ops::Range<usize> {
        self.starts[class]..self.starts[class + 1]
    }

    /// C of each row of a class.
    pub(super) fn bounds(&self, class: usize, c: f64) -> Vec<f64> {
        self.class_rows(class).map(|i| self.weights.get(i).map_or(c, |w| w * c)).collect()
    }

    /// The factor of C of each class.
    ///
    /// # Errors
    /// [`Error::Job`] when the table names classes that are not there and misses some that are.
    pub(super) fn class_weight(&self, svc: &Svc, table: &Table) -> Result<Vec<f64>> {
        match &svc.params().class_weight {
            None => Ok(vec![1.0; self.n_classes()]),
            Some(weight) => {
                let counts: Vec<f64> = self.counts.iter().map(|&count| count as f64).collect();
                weight.factors(&self.classes, &counts, table.class_names.as_deref())
            }
        }
    }
}

fn check_targets(table: &Table) -> Result<()> {
    let n = table.x.nrows();
    if table.y.len() != n {
        let found = if table.y.is_empty() { "none".into() } else { format!("{}", table.y.len()) };
        return Err(Error::data(&table.origin, Place::default(), format!("targets of {n} rows"), found));
    }
    if !table.x.is_standard_layout() {
        return Err(Error::internal("a table that is not in row-major order"));
    }
    if table.x.ncols() == 0 {
        return Err(Error::data(&table.origin, Place::default(), "at least 1 feature", "none"));
    }
    if let Some(row) = table.y.iter().position(|y| !is_class(*y)) {
        let (expected, found) = no_class(table.y[row]);
        return Err(Error::data(&table.origin, Place::cell(row as u64, "y"), expected, found));
    }
    if !table.weights.is_empty() && table.weights.len() != n {
        let found = table.weights.len().to_string();
        return Err(Error::data(&table.origin, Place::default(), format!("weights of {n} rows"), found));
    }
    Ok(())
}
