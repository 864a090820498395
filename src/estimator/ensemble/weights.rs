//! The weight of each row in each tree: how often it was drawn, or the weights of rows and of classes.
//!
//! As in scikit-learn 1.9 these weights say how likely a bootstrap sample is to draw a row, and a tree weighs what was
//! drawn by how often it was; without bootstrap samples trees weigh the rows by them.

use super::data::ForestData;
use super::params::{ClassWeight, Forest, Measure};
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::targets::Classes;
use crate::estimator::tree::Row;
use crate::metrics::pairwise_sum;
use crate::rng::{self, Purpose};
use rand_xoshiro::rand_core::Rng;

/// The rows that a forest is fitted on, and what they weigh before any is drawn.
pub(super) struct Training<'a> {
    forest: &'a Forest,
    data: &'a ForestData,
    rows: &'a [usize],
    /// Weights of rows and classes, `(rows,)`; none where each row counts once.
    weights: Vec<f64>,
    /// What the rows up to each weigh, itself included, `(rows,)`; none where rows are not drawn by weight.
    up_to: Vec<f64>,
    /// How many rows a bootstrap sample draws.
    n_drawn: usize,
}

/// A tree's sample, and the key of its root.
pub(super) struct Sample {
    /// How often each of the rows was drawn, or once each.
    pub(super) counts: Vec<u32>,
    pub(super) key: u64,
}

impl<'a> Training<'a> {
    /// # Errors
    /// [`Error::Data`] when all weights are 0, their sum is not finite, a class that is to be balanced weighs nothing, or
    /// targets have no Poisson deviance that is to be made less;
    /// [`Error::Job`] when `class_weight` is about other classes, or more rows are to be drawn than can be counted.
    pub(super) fn new(forest: &'a Forest, data: &'a ForestData, rows: &'a [usize]) -> Result<Self> {
        check_counts(forest, &data.table, rows)?;
        let weights = weights(forest, data, rows)?;
        let sum = if weights.is_empty() { rows.len() as f64 } else { pairwise_sum(&weights) };
        let n_drawn = if forest.bootstrap { forest.n_drawn(rows.len(), sum)? } else { 0 };
        let mut up_to = if forest.bootstrap { weights.clone() } else { Vec::new() };
        for place in 1..up_to.len() {
            up_to[place] += up_to[place - 1];
        }
        Ok(Self { forest, data, rows, weights, up_to, n_drawn })
    }

    /// How many rows there are.
    pub(super) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// What the rows of a tree weigh, for limits that are parts of it.
    pub(super) fn total_weight(&self) -> f64 {
        match self.forest.bootstrap {
            true => self.n_drawn as f64,
            false if self.weights.is_empty() => self.rows.len() as f64,
            false => self.weights.iter().sum(),
        }
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
        for _ in 0..self.n_drawn {
            counts[self.draw(&mut rng)] += 1;
        }
        Sample { counts, key }
    }

    /// The place of a row, each as likely as its part of the weight.
    fn draw(&self, rng: &mut impl Rng) -> usize {
        let Some(&sum) = self.up_to.last() else { return rng::below(rng, self.rows.len() as u64) as usize };
        let drawn = rng::uniform(rng) * sum;
        // A row of no weight ends where the one before it does, and so is never the first to end above.
        let place = self.up_to.partition_point(|&end| end <= drawn);
        // Where rounding took the product up to the sum itself, the last row that weighs something.
        if place < self.up_to.len() { place } else { self.up_to.partition_point(|&end| end < sum) }
    }

    /// The rows of a sample that weigh something.
    pub(super) fn drawn(&self, sample: &Sample) -> Vec<Row> {
        let balances =
            matches!(&self.forest.params().class_weight, Some(rule) if of_samples(self.forest, rule));
        let factors = if balances { self.balanced(sample) } else { Vec::new() };
        let row = |place: usize| {
            let row = self.rows[place];
            let target = self.data.targets[row];
            let mut weight = match self.forest.bootstrap {
                true => f64::from(sample.counts[place]),
                false => self.weights.get(place).copied().unwrap_or(1.0),
            };
            if !factors.is_empty() {
                weight *= factors[target as usize];
            }
            Row { row: row as u32, target, weight }
        };
        (0..self.rows.len()).map(row).filter(|row| row.weight > 0.0).collect()
    }

    /// The factor of each class by the rows of a sample, whatever they weighed; 0 for absent classes.
    fn balanced(&self, sample: &Sample) -> Vec<f64> {
        let mut counts = vec![0.0; self.data.classes.len()];
        for (&row, &count) in self.rows.iter().zip(&sample.counts) {
            counts[self.data.targets[row] as usize] += f64::from(count);
        }
        let total: f64 = counts.iter().sum();
        let n_classes = counts.iter().filter(|&&n| n > 0.0).count() as f64;
        counts.into_iter().map(|n| if n > 0.0 { total / (n_classes * n) } else { 0.0 }).collect()
    }
}

impl Forest {
    /// Checks, before any work, that a table of class weights is about the classes of the data, and that targets have the
    /// deviance that is to be made less.
    ///
    /// # Errors
    /// [`Error::Job`] when it names classes that are not there and misses some that are; [`Error::Data`] for targets below
    /// 0, or nothing else, under `criterion = "poisson"`.
    pub fn check_targets(&self, table: &Table) -> Result<()> {
        let rows: Vec<usize> = (0..table.y.len()).collect();
        check_counts(self, table, &rows)?;
        let Some(weight @ ClassWeight::Table(_)) = &self.params().class_weight else { return Ok(()) };
        let classes = Classes::of(table, &rows);
        weight
            .factors(&classes.targets, &classes.weights(table, &rows), table.class_names.as_deref())
            .map(drop)
    }
}

/// Whether the classes are balanced in each sample. Without samples `"balanced_subsample"` is `"balanced"`.
fn of_samples(forest: &Forest, weight: &ClassWeight) -> bool {
    forest.bootstrap && matches!(weight, ClassWeight::Rule(rule) if rule == "balanced_subsample")
}

/// Checks that targets of `rows` are such as are counted, where these are to be told by Poisson's deviance.
fn check_counts(forest: &Forest, table: &Table, rows: &[usize]) -> Result<()> {
    if forest.measure != Measure::Poisson {
        return Ok(());
    }
    let fault =
        |place, expected: &str, found: String| Err(Error::data(&table.origin, place, expected, found));
    if let Some(&row) = rows.iter().find(|&&row| table.y[row] < 0.0) {
        let expected = "a target of 0 or above, for criterion = \"poisson\"";
        return fault(Place::cell(row as u64, "y"), expected, table.y[row].to_string());
    }
    match rows.iter().any(|&row| table.y[row] > 0.0) {
        true => Ok(()),
        false => {
            fault(Place::default(), "a target above 0, for criterion = \"poisson\"", "only zeros".into())
        }
    }
}

/// What each of `rows` weighs by itself and by its class, or none where all count once.
fn weights(forest: &Forest, data: &ForestData, rows: &[usize]) -> Result<Vec<f64>> {
    let fault = |expected: &str, found: String| {
        Err(Error::data(&data.table.origin, Place::default(), expected, found))
    };
    let mut weights: Vec<f64> = if data.table.weights.is_empty() {
        Vec::new()
    } else {
        rows.iter().map(|&row| data.table.weights[row]).collect()
    };
    let of_all = |weight: &&ClassWeight| !weight.is_none() && !of_samples(forest, weight);
    if let Some(weight) = forest.params().class_weight.as_ref().filter(of_all) {
        let classes = Classes::of(&data.table, rows);
        // As in scikit-learn a forest balances what rows weigh, a single tree how many they are.
        let counts = match forest.params().kind.is_single() {
            true => classes.counts(&data.table, rows),
            false => classes.weights(&data.table, rows),
        };
        let factors = weight.factors(&classes.targets, &counts, data.table.class_names.as_deref())?;
        let balances = matches!(weight, ClassWeight::Rule(_));
        if let (true, Some(class)) = (balances, counts.iter().position(|count| *count == 0.0)) {
            let found = format!("none in class {}", classes.targets[class]);
            return fault("rows of every class that weigh something, for class_weight = \"balanced\"", found);
        }
        weights.resize(rows.len(), 1.0);
        let of_row = |row: usize| factors[classes.index(data.table.y[row])];
        weights.iter_mut().zip(rows).for_each(|(weight, &row)| *weight *= of_row(row));
    }
    let counts = weights.is_empty() && !rows.is_empty();
    if !counts && !weights.iter().any(|&weight| weight > 0.0) {
        return fault("a weight above 0", "none".into());
    }
    let sum: f64 = weights.iter().sum();
    if sum.is_finite() { Ok(weights) } else { fault("weights of rows with a finite sum", sum.to_string()) }
}
