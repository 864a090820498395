//! Predictions of rows by the trees that did not grow on them.

use super::data::ForestData;
use super::model::first_largest;
use super::params::Forest;
use super::weights::Training;
use crate::error::Result;
use crate::estimator::tree::Tree;
use crate::metrics::Scorer;
use crate::telemetry::check_interrupt;

/// What the rows' other trees predict, and how well.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OutOfBag {
    /// Accuracy or R² of all rows, as in scikit-learn, those without such a tree, too.
    pub(super) score: f64,
    /// Shares of the classes or the mean, `(n_samples, n_outputs)`; 0 for rows that every tree grew on.
    pub(super) values: Vec<f64>,
    /// How many rows every tree grew on.
    pub(super) n_without: usize,
}

/// Predicts each row by the trees whose bootstrap sample does not have it.
pub(super) fn out_of_bag(forest: &Forest, data: &ForestData, trees: &[Tree]) -> Result<OutOfBag> {
    let rows: Vec<usize> = (0..data.table.x.nrows()).collect();
    let training = Training::new(forest, data, &rows)?;
    let (x, d, k) = (data.rows(&rows), data.columns.n_features(), data.n_outputs());
    let mut values = vec![0.0; rows.len() * k];
    let mut n_trees = vec![0u32; rows.len()];
    for (number, tree) in trees.iter().enumerate() {
        check_interrupt()?;
        let counts = training.sample(number).counts;
        for row in (0..rows.len()).filter(|&row| counts[row] == 0) {
            let leaf = tree.leaf(&x[row * d..(row + 1) * d]);
            let sums = &mut values[row * k..(row + 1) * k];
            sums.iter_mut().zip(&tree.value[leaf * k..]).for_each(|(sum, value)| *sum += value);
            n_trees[row] += 1;
        }
    }
    let mut y_pred = Vec::with_capacity(rows.len());
    for (sums, n) in values.chunks_exact_mut(k).zip(&n_trees) {
        sums.iter_mut().for_each(|sum| *sum /= f64::from((*n).max(1)));
        y_pred.push(if data.classes.is_empty() { sums[0] } else { data.classes[first_largest(sums)] });
    }
    let scorer = if data.classes.is_empty() { Scorer::R2 } else { Scorer::Accuracy };
    let score = scorer.score(&data.table.y, &y_pred)?;
    Ok(OutOfBag { score, values, n_without: n_trees.iter().filter(|n| **n == 0).count() })
}
