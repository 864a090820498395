//! Fitting: any part of a forest's trees, and the forest made of all of them.

use std::ops::Range;

use super::data::ForestData;
use super::model::ForestModel;
use super::oob::out_of_bag;
use super::params::{Forest, Measure};
use super::weights::Training;
use crate::error::{Error, Result};
use crate::estimator::tree::{Criterion, Entropy, Gini, Grower, Grown, Limits, Poisson, SquaredError, Tree};

/// Grows the tree of a number, unless that is [interrupted](crate::telemetry::check_interrupt); nothing is pruned yet.
pub(super) type Trees<'a> = Box<dyn FnMut(usize) -> Result<Grown> + 'a>;

impl Forest {
    /// Fits all trees on all rows.
    ///
    /// # Errors
    /// As [`fit_trees`](Self::fit_trees).
    pub fn fit(&self, data: &ForestData) -> Result<ForestModel> {
        self.assemble(data, self.fit_trees(data, 0..self.n_trees())?)
    }

    /// Fits some of the trees on all rows: each is the same whoever fits it and beside which others.
    ///
    /// # Errors
    /// [`Error::Data`] when all weights are 0, [`Error::Job`] for parameters that these rows cannot serve.
    pub fn fit_trees(&self, data: &ForestData, trees: Range<usize>) -> Result<Vec<Tree>> {
        let rows: Vec<usize> = (0..data.table.x.nrows()).collect();
        let training = Training::new(self, data, &rows)?;
        let mut grow = self.trees(data, &training);
        let alpha = self.ccp_alpha();
        let pruned = |tree: Tree| if alpha > 0.0 { tree.pruned(alpha) } else { tree };
        trees.map(|number| Ok(pruned(grow(number)?.tree))).collect()
    }

    /// Puts all trees together.
    ///
    /// # Errors
    /// [`Error::Internal`] when there are more or fewer trees than there should be.
    pub fn assemble(&self, data: &ForestData, trees: Vec<Tree>) -> Result<ForestModel> {
        if trees.len() != self.n_trees() {
            return Err(Error::internal(format!("{} trees for {}", trees.len(), self.n_trees())));
        }
        let oob = if self.params().oob_score { Some(out_of_bag(self, data, &trees)?) } else { None };
        Ok(ForestModel::assemble(self, data, trees, oob))
    }

    /// A grower of this forest's trees.
    pub(super) fn trees<'a>(&self, data: &'a ForestData, training: &'a Training<'a>) -> Trees<'a> {
        let limits = self.limits(training.n_rows(), training.total_weight(), data.columns.n_features());
        match self.measure {
            Measure::SquaredError => grower::<2, SquaredError>(data, training, limits),
            Measure::Poisson => grower::<2, Poisson>(data, training, limits),
            Measure::Gini => match data.classes.len() {
                ..=2 => grower::<2, Gini>(data, training, limits),
                3..=4 => grower::<4, Gini>(data, training, limits),
                5..=8 => grower::<8, Gini>(data, training, limits),
                9..=16 => grower::<16, Gini>(data, training, limits),
                17..=64 => grower::<64, Gini>(data, training, limits),
                _ => grower::<256, Gini>(data, training, limits),
            },
            Measure::Entropy => match data.classes.len() {
                ..=2 => grower::<2, Entropy>(data, training, limits),
                3..=4 => grower::<4, Entropy>(data, training, limits),
                5..=16 => grower::<16, Entropy>(data, training, limits),
                17..=64 => grower::<64, Entropy>(data, training, limits),
                _ => grower::<256, Entropy>(data, training, limits),
            },
        }
    }
}

fn grower<'a, const K: usize, C: Criterion<K>>(
    data: &'a ForestData,
    training: &'a Training<'a>,
    limits: Limits,
) -> Trees<'a> {
    let mut grower = Grower::<K>::new(&data.columns, limits, data.n_outputs());
    Box::new(move |tree| {
        let sample = training.sample(tree);
        grower.grow::<C>(training.drawn(&sample).into_iter(), sample.key)
    })
}
