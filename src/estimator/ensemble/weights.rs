//! The weight of each row in each tree: bootstrap counts, weights of rows, and of classes.

use std::collections::BTreeMap;

use super::data::ForestData;
use super::params::{ClassWeight, Forest};
use crate::error::{Error, Place, Result};
use crate::estimator::tree::Row;
use crate::rng::{self, Purpose};
use rand_xoshiro::rand_core::Rng;

/// The rows that a forest is fitted on, and what they weigh before any is drawn.
pub(super) struct Training<'a> {
    forest: &'a Forest,
    data: &'a ForestData,
    rows: &'a [usize],
    /// Weights of rows and classes, `(rows,)`.
    weights: Vec<f64>,
}

/// A tree's sample, and the key of its root.
pub(super) struct Sample {
    /// How often each of the rows was drawn, or once each.
    pub(super) counts: Vec<u32>,
    pub(super) key: u64,
}

impl<'a> Training<'a> {
    /// # Errors
    /// [`Error::Data`] when all weights are 0, [`Error::Job`] when `class_weight` names no class that is there, or
    /// more rows are to be drawn than there are.
    pub(super) fn new(forest: &'a Forest, data: &'a ForestData, rows: &'a [usize]) -> Result<Self> {
        if forest.n_drawn(rows.len()) > rows.len() {
            let expected = format!("at most {}, the number of rows", rows.len());
            let found = forest.n_drawn(rows.len()).to_string();
            return Err(Error::job("estimator.max_samples", expected, found));
        }
        let factors = match &forest.params().class_weight {
            Some(ClassWeight::Table(table)) => named(data, table)?,
            Some(ClassWeight::Rule(rule)) if rule == "balanced" => balanced(data, rows, |_| 1.0),
            _ => Vec::new(),
        };
        let factor = |row: usize| factors.get(data.targets[row] as usize).copied().unwrap_or(1.0);
        let factored = !factors.is_empty();
        let weight = |&row: &usize| data.weight(row) * if factored { factor(row) } else { 1.0 };
        let weights: Vec<f64> = rows.iter().map(weight).collect();
        if !weights.iter().any(|&w| w > 0.0) {
            return Err(Error::data(&data.table.origin, Place::default(), "a weight above 0", "none"));
        }
        Ok(Self { forest, data, rows, weights })
    }

    /// How many rows there are.
    pub(super) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The weight of all rows, for limits that are parts of it.
    pub(super) fn total_weight(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// What tree `tree` is grown from.
    pub(super) fn sample(&self, tree: usize) -> Sample {
        let mut rng = rng::stream(self.forest.seed, Purpose::Tree, tree as u64);
        let key = rng.next_u64();
        let n = self.rows.len();
        if !self.forest.bootstrap {
            return Sample { counts: vec![1; n], key };
        }
        let mut counts = vec![0; n];
        for _ in 0..self.forest.n_drawn(n) {
            counts[rng::below(&mut rng, n as u64) as usize] += 1;
        }
        Sample { counts, key }
    }

    /// The rows of a sample that weigh something.
    pub(super) fn drawn(&self, sample: &Sample) -> Vec<Row> {
        let factors = match &self.forest.params().class_weight {
            Some(ClassWeight::Rule(rule)) if rule == "balanced_subsample" => {
                balanced(self.data, self.rows, |place| f64::from(sample.counts[place]))
            }
            _ => Vec::new(),
        };
        let row = |place: usize| {
            let row = self.rows[place];
            let target = self.data.targets[row];
            let mut weight = f64::from(sample.counts[place]) * self.weights[place];
            if !factors.is_empty() {
                weight *= factors[target as usize];
            }
            Row { row: row as u32, target, weight }
        };
        let rows: Vec<Row> = (0..self.rows.len()).map(row).filter(|row| row.weight > 0.0).collect();
        if rows.is_empty() {
            // Only rows of no weight were drawn; a tree needs one that has some.
            let place = self.weights.iter().position(|&w| w > 0.0).unwrap_or(0);
            let row = self.rows[place];
            return vec![Row {
                row: row as u32,
                target: self.data.targets[row],
                weight: self.weights[place],
            }];
        }
        rows
    }
}

/// n_samples / (n_classes · samples of the class), for samples counted `count(place)` times; 0 for absent classes.
fn balanced(data: &ForestData, rows: &[usize], count: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut counts = vec![0.0; data.classes.len()];
    for (place, &row) in rows.iter().enumerate() {
        counts[data.targets[row] as usize] += count(place);
    }
    let total: f64 = counts.iter().sum();
    let n_classes = counts.iter().filter(|&&n| n > 0.0).count() as f64;
    counts.into_iter().map(|n| if n > 0.0 { total / (n_classes * n) } else { 0.0 }).collect()
}

/// The factors that a table gives to the classes, 1 where it names none.
fn named(data: &ForestData, table: &BTreeMap<String, f64>) -> Result<Vec<f64>> {
    let names: Vec<String> = data.classes.iter().map(|&class| class_name(data, class)).collect();
    let equal = |key: &str, name: &str| {
        key == name || matches!((key.parse::<f64>(), name.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
    };
    if let Some(key) = table.keys().find(|key| !names.iter().any(|name| equal(key, name))) {
        let expected = format!("the classes {}", names.join(", "));
        return Err(Error::job("estimator.class_weight", expected, key.clone()));
    }
    let factor = |name: &String| table.iter().find(|(key, _)| equal(key, name)).map_or(1.0, |(_, &w)| w);
    Ok(names.iter().map(factor).collect())
}

/// How a class is called: its name, or its target.
fn class_name(data: &ForestData, class: f64) -> String {
    match &data.table.class_names {
        Some(names) => names.get(class as usize).cloned().unwrap_or_else(|| class.to_string()),
        None => class.to_string(),
    }
}
