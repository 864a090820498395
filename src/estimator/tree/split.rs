//! The best way to split a node.

use super::buckets::{Buckets, Place};
use super::columns::{Code, Codes, Column, Columns};
use super::criterion::{Criterion, Sides};
use super::grow::{Limits, Splitter};
use crate::rng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Values nearer than this are equal, as in scikit-learn.
const NEAR: f32 = 1e-7;
/// Up to this many rows are put in order without more ado.
const FEW: usize = 32;

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
    buckets: Buckets<K>,
    /// The features; each search leaves them in ascending order.
    features: Vec<u32>,
    swaps: Vec<usize>,
    /// The values of a node's rows.
    values: Vec<f32>,
}

impl<'a, const K: usize> Search<'a, K> {
    pub(super) fn new(columns: &'a Columns, limits: Limits) -> Self {
        Self {
            columns,
            limits,
            buckets: Buckets::new(),
            features: (0..columns.n_features() as u32).collect(),
            swaps: Vec::new(),
            values: Vec::new(),
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
        if self.limits.splitter == Splitter::Random
            && let Some(split) = &mut best
        {
            split.rank = self.columns.column(split.feature).last_at_most(split.threshold);
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
            Splitter::Random => self.at_random::<C>(node, feature, rng, best),
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
        let (column, limits) = (self.columns.column(feature), &self.limits);
        let place = Place::new(node, limits, feature, column, codes);
        if node.rows.len() > FEW {
            self.buckets.search::<C, T>(&place, best)
        } else {
            few::<C, T, K>(&place, best)
        }
    }

    /// Tries one threshold, drawn between the smallest and the largest value. The rank of a split is found when it is
    /// known to be the best.
    fn at_random<C: Criterion<K>>(
        &mut self,
        node: &Node<'_, K>,
        feature: usize,
        rng: &mut Xoshiro256PlusPlus,
        best: &mut Option<Split>,
    ) -> bool {
        let by_row = &self.columns.column(feature).by_row;
        self.values.clear();
        self.values.extend(node.rows.iter().map(|&row| by_row[row as usize]));
        let range = |(low, high): (f32, f32), &value: &f32| {
            (if value < low { value } else { low }, if value > high { value } else { high })
        };
        let (low, high) = self.values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), range);
        if high <= low + NEAR {
            return false;
        }
        let (from, to) = (f64::from(low), f64::from(high));
        let drawn = f64::mul_add(rng::uniform(rng), to - from, from);
        let threshold = if drawn >= to { from } else { drawn };
        let (left, n_left) = left_of::<C, K>(&self.values, node.targets, rounded_down(threshold));
        if self.limits.allow_counts(n_left, node.rows.len() - n_left)
            && let Some(score) = Sides::new::<C, K>(&left, &node.sums).score(&self.limits)
            && best.is_none_or(|best| score > best.score)
        {
            *best = Some(Split { feature, rank: 0, threshold, score });
        }
        true
    }
}

/// The largest single that is at most `threshold`: a single is at most one if it is at most the other.
fn rounded_down(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}

/// What the rows of values up to `most` sum to, and how many they are.
fn left_of<C: Criterion<K>, const K: usize>(
    values: &[f32],
    targets: &[(f64, f64)],
    most: f32,
) -> ([f64; K], usize) {
    // Sums of many classes are not worth being made several times.
    if K <= 4 { left_in::<C, K, 4>(values, targets, most) } else { left_in::<C, K, 1>(values, targets, most) }
}

/// The same in `LANES` sums, which do not wait for one another, and without a branch to mispredict.
#[inline(always)]
fn left_in<C: Criterion<K>, const K: usize, const LANES: usize>(
    values: &[f32],
    targets: &[(f64, f64)],
    most: f32,
) -> ([f64; K], usize) {
    let (mut sums, mut n) = ([[0.0; K]; LANES], [0usize; LANES]);
    let mut add = |lane: usize, value: f32, (target, weight): (f64, f64)| {
        let goes_left = value <= most;
        C::add(&mut sums[lane], target, if goes_left { weight } else { 0.0 });
        n[lane] += usize::from(goes_left);
    };
    let ((whole, rest), (targets, rest_targets)) =
        (values.as_chunks::<LANES>(), targets.as_chunks::<LANES>());
    for (values, targets) in whole.iter().zip(targets) {
        (0..LANES).for_each(|lane| add(lane, values[lane], targets[lane]));
    }
    rest.iter().zip(rest_targets).enumerate().for_each(|(lane, (&value, &target))| add(lane, value, target));
    (std::array::from_fn(|i| sums.iter().map(|sums| sums[i]).sum()), n.iter().sum())
}

/// Tries every cut of rows that are few enough to be put in order one by one.
fn few<C: Criterion<K>, T: Code, const K: usize>(at: &Place<'_, T, K>, best: &mut Option<Split>) -> bool {
    let (node, values, n) = (at.node, &at.column.values, at.node.rows.len());
    let mut keys = [0u64; FEW];
    let keys = &mut keys[..n];
    for (place, (key, &row)) in keys.iter_mut().zip(node.rows).enumerate() {
        *key = (at.codes[row as usize].rank() as u64) << 8 | place as u64;
    }
    keys.sort_unstable();
    let rank = |key: u64| (key >> 8) as usize;
    if !is_above(values[rank(keys[n - 1])], values[rank(keys[0])]) {
        return false;
    }
    let mut left = [0.0; K];
    for (i, pair) in keys.windows(2).enumerate() {
        let (target, weight) = node.targets[(pair[0] & 0xff) as usize];
        C::add(&mut left, target, weight);
        let (low, high) = (rank(pair[0]), rank(pair[1]));
        if low != high
            && at.limits.allow_counts(i + 1, n - i - 1)
            && let Some(score) = Sides::new::<C, K>(&left, &node.sums).score(at.limits)
            && best.is_none_or(|best| score > best.score)
            && is_above(values[high], values[low])
        {
            *best = Some(Split {
                feature: at.feature,
                rank: low,
                threshold: middle(at.column, low, high),
                score,
            });
        }
    }
    true
}

/// Whether a value is far enough above another to be told from it.
#[inline(always)]
pub(super) fn is_above(value: f32, other: f32) -> bool {
    value > other + NEAR
}

/// The middle of two values of a column; in double precision it lies between them.
pub(super) fn middle(column: &Column, low: usize, high: usize) -> f64 {
    f64::from(column.values[low]) / 2.0 + f64::from(column.values[high]) / 2.0
}
