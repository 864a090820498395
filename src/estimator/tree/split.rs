//! The best way to split a node.

use super::columns::{Code, Codes, Column, Columns};
use super::criterion::Criterion;
use super::grow::{Limits, Splitter};
use super::tally::Tally;
use crate::rng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Values nearer than this are equal, as in scikit-learn.
const NEAR: f32 = 1e-7;

/// A node's rows with their targets and weights, and what they sum to.
pub(super) struct Node<'a, const K: usize> {
    pub(super) rows: &'a [u32],
    pub(super) targets: &'a [(f64, f64)],
    pub(super) sums: [f64; K],
    pub(super) weight: f64,
}

/// A way to split a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    pub(super) feature: usize,
    /// The largest rank that goes left.
    pub(super) rank: usize,
    pub(super) threshold: f64,
    /// The sum of the children's scores.
    pub(super) score: f64,
}

/// Where splits are sought, and what the search needs from node to node.
pub(super) struct Search<'a, const K: usize> {
    columns: &'a Columns,
    limits: Limits,
    tally: Tally<K>,
    /// The features; each search leaves them in ascending order.
    features: Vec<u32>,
    swaps: Vec<usize>,
}

impl<'a, const K: usize> Search<'a, K> {
    pub(super) fn new(columns: &'a Columns, limits: Limits) -> Self {
        let n_slots = if limits.splitter == Splitter::Best { columns.most_values() } else { 0 };
        Self {
            columns,
            limits,
            tally: Tally::new(n_slots),
            features: (0..columns.n_features() as u32).collect(),
            swaps: Vec::new(),
        }
    }

    /// The best split of `node` among `max_features` features drawn from `rng`, or among more when all of these are
    /// constant; `None` when there is none that the limits allow.
    pub(super) fn best<C: Criterion<K>>(
        &mut self,
        node: &Node<'_, K>,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Option<Split> {
        let (mut best, mut any_varies) = (None, false);
        let n_features = self.features.len();
        for visited in 0..n_features {
            if visited >= self.limits.max_features && any_varies {
                break;
            }
            let drawn = visited + rng::below(rng, (n_features - visited) as u64) as usize;
            self.features.swap(visited, drawn);
            self.swaps.push(drawn);
            let feature = self.features[visited] as usize;
            any_varies |= match &self.columns.column(feature).codes {
                Codes::Narrow(codes) => self.of_feature::<C, u16>(node, feature, codes, rng, &mut best),
                Codes::Wide(codes) => self.of_feature::<C, u32>(node, feature, codes, rng, &mut best),
            };
        }
        for (visited, drawn) in self.swaps.drain(..).enumerate().rev() {
            self.features.swap(visited, drawn);
        }
        best
    }

    /// Puts a split on `feature` that is better into `best`; returns whether the feature is not constant here.
    fn of_feature<C: Criterion<K>, T: Code>(
        &mut self,
        node: &Node<'_, K>,
        feature: usize,
        codes: &[T],
        rng: &mut Xoshiro256PlusPlus,
        best: &mut Option<Split>,
    ) -> bool {
        match self.limits.splitter {
            Splitter::Best => self.everywhere::<C, T>(node, feature, codes, best),
            Splitter::Random => self.at_random::<C, T>(node, feature, codes, rng, best),
        }
    }

    /// Tries the middle between every two neighbouring values.
    fn everywhere<C: Criterion<K>, T: Code>(
        &mut self,
        node: &Node<'_, K>,
        feature: usize,
        codes: &[T],
        best: &mut Option<Split>,
    ) -> bool {
        let column = self.columns.column(feature);
        let limits = &self.limits;
        let (n, mut left, mut n_left) = (node.rows.len(), [0.0; K], 0usize);
        let mut before: Option<usize> = None;
        let (mut first, mut varies) = (0usize, false);
        self.tally.walk::<C, T>(codes, node.rows, node.targets, |code, sums, count| {
            match before {
                None => first = code,
                Some(rank) if column.values[code] > column.values[rank] + NEAR => {
                    if limits.allow_counts(n_left, n - n_left)
                        && let Some(score) = children::<K, C>(&left, node, limits)
                        && best.is_none_or(|best| score > best.score)
                    {
                        let threshold = middle(column, rank, code);
                        *best = Some(Split { feature, rank, threshold, score });
                    }
                }
                Some(_) => {}
            }
            varies = column.values[code] > column.values[first] + NEAR;
            before = Some(code);
            n_left += count as usize;
            left.iter_mut().zip(sums).for_each(|(left, sum)| *left += sum);
        });
        varies
    }

    /// Tries one threshold, drawn between the smallest and the largest value.
    fn at_random<C: Criterion<K>, T: Code>(
        &mut self,
        node: &Node<'_, K>,
        feature: usize,
        codes: &[T],
        rng: &mut Xoshiro256PlusPlus,
        best: &mut Option<Split>,
    ) -> bool {
        let values = &self.columns.column(feature).values;
        let ranks = || node.rows.iter().map(|&row| codes[row as usize].rank());
        let (low, high) = ranks().fold((usize::MAX, 0), |(low, high), rank| (low.min(rank), high.max(rank)));
        if values[high] <= values[low] + NEAR {
            return false;
        }
        let (from, to) = (f64::from(values[low]), f64::from(values[high]));
        let drawn = f64::mul_add(rng::uniform(rng), to - from, from);
        let threshold = if drawn >= to { from } else { drawn };
        let rank = values.partition_point(|&value| f64::from(value) <= threshold) - 1;
        let (mut left, mut n_left) = ([0.0; K], 0);
        for (code, &(target, weight)) in ranks().zip(node.targets) {
            if code <= rank {
                C::add(&mut left, target, weight);
                n_left += 1;
            }
        }
        if self.limits.allow_counts(n_left, node.rows.len() - n_left)
            && let Some(score) = children::<K, C>(&left, node, &self.limits)
            && best.is_none_or(|best| score > best.score)
        {
            *best = Some(Split { feature, rank, threshold, score });
        }
        true
    }
}

/// The scores of both children together, unless one weighs too little.
#[inline(always)]
fn children<const K: usize, C: Criterion<K>>(
    left: &[f64; K],
    node: &Node<'_, K>,
    limits: &Limits,
) -> Option<f64> {
    let mut right = node.sums;
    right.iter_mut().zip(left).for_each(|(right, left)| *right -= left);
    let (weight_left, weight_right) = (C::weight(left), C::weight(&right));
    let enough = weight_left.min(weight_right);
    // Rounded sums of weights may leave nothing, or less, on one side.
    (enough > 0.0 && enough >= limits.min_weight_leaf)
        .then(|| C::score(left, weight_left) + C::score(&right, weight_right))
}

/// The middle of two values of a column; in double precision it lies between them.
fn middle(column: &Column, low: usize, high: usize) -> f64 {
    f64::from(column.values[low]) / 2.0 + f64::from(column.values[high]) / 2.0
}
