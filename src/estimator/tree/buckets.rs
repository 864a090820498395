//! The best place to cut a column, by looking closely only where the best may lie.
//!
//! The rows of a node are summed in the coarse buckets of the column. A bucket's sums and those before it bound what
//! any cut inside it can score; the cuts between buckets score something at once. Only the rows of buckets whose bound
//! is above all that is known are put in order, and all their cuts tried, so that the best cut of all is found.

use super::columns::{Code, Column, N_BUCKETS};
use super::criterion::{Criterion, Sides};
use super::grow::Limits;
use super::split::{Node, Split, is_above, middle};

/// How much a bound and a score, each rounded, may differ.
const SLACK: f64 = 1e-9;

/// The buckets of a column, and what the search needs from one column to the next.
pub(super) struct Buckets<const K: usize> {
    slots: Vec<Slot<K>>,
    /// A bit for each slot that has rows.
    used: [u64; N_BUCKETS / 64],
    list: Vec<Bucket<K>>,
    /// Whether the rows of each slot are looked at closely.
    wanted: [bool; N_BUCKETS],
    keys: Vec<u64>,
}

/// What a bucket's rows sum to.
#[derive(Clone, Copy)]
struct Slot<const K: usize> {
    sums: [f64; K],
    /// The weighted distances of targets from the node's mean, of those above it.
    above: f64,
    count: u32,
}

/// A bucket that has rows, and what those before it sum to.
struct Bucket<const K: usize> {
    number: usize,
    slot: Slot<K>,
    before: [f64; K],
    n_before: usize,
    /// What those before it score by themselves, and those after it.
    scores: [f64; 2],
    /// The better of the scores of a cut before it and of one after it.
    at_ends: f64,
}

impl<const K: usize> Bucket<K> {
    /// What all rows up to this bucket's last sum to.
    fn through(&self) -> [f64; K] {
        std::array::from_fn(|i| self.before[i] + self.slot.sums[i])
    }

    fn n_through(&self) -> usize {
        self.n_before + self.slot.count as usize
    }
}

/// Where a column is searched.
pub(super) struct Place<'a, T, const K: usize> {
    pub(super) node: &'a Node<'a, K>,
    pub(super) limits: &'a Limits,
    pub(super) feature: usize,
    pub(super) column: &'a Column,
    pub(super) codes: &'a [T],
    /// Two to this power of the column's buckets make one.
    pub(super) shift: usize,
}

impl<'a, T, const K: usize> Place<'a, T, K> {
    /// Where the column is searched for cuts of `node`.
    pub(super) fn new(
        node: &'a Node<'a, K>,
        limits: &'a Limits,
        feature: usize,
        column: &'a Column,
        codes: &'a [T],
    ) -> Self {
        let shift =
            (N_BUCKETS / node.rows.len().max(1)).checked_ilog2().map_or(0, |power| power + 1) as usize;
        Self { node, limits, feature, column, codes, shift }
    }

    /// The first rank of a bucket.
    #[inline(always)]
    fn start(&self, number: usize) -> usize {
        self.column.starts[number << self.shift] as usize
    }

    #[inline(always)]
    fn bucket(&self, row: u32) -> usize {
        usize::from(self.column.buckets[row as usize] >> self.shift)
    }
}

impl<const K: usize> Buckets<K> {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot { sums: [0.0; K], above: 0.0, count: 0 }; N_BUCKETS],
            used: [0; N_BUCKETS / 64],
            list: Vec::new(),
            wanted: [false; N_BUCKETS],
            keys: Vec::new(),
        }
    }

    /// Puts a cut that is better into `best`; returns whether the column is not constant in the node.
    #[inline(always)]
    pub(super) fn search<C: Criterion<K>, T: Code>(
        &mut self,
        at: &Place<'_, T, K>,
        best: &mut Option<Split>,
    ) -> bool {
        self.fill::<C, T>(at);
        self.drain();
        if !self.varies(at) {
            return false;
        }
        if self.mark::<C, T>(at, best.map_or(f64::NEG_INFINITY, |best| best.score)) {
            self.gather(at);
            self.cuts::<C, T>(at, best);
        }
        true
    }

    #[inline(always)]
    fn fill<C: Criterion<K>, T>(&mut self, at: &Place<'_, T, K>) {
        let mean =
            if C::IS_NUMBER { C::value(&at.node.sums, at.node.weight, 1).next().unwrap_or(0.0) } else { 0.0 };
        for (&row, &(target, weight)) in at.node.rows.iter().zip(at.node.targets) {
            let bucket = at.bucket(row);
            let slot = &mut self.slots[bucket];
            C::add(&mut slot.sums, target, weight);
            slot.count += 1;
            if C::IS_NUMBER {
                slot.above += weight * (target - mean).max(0.0);
            }
            self.used[bucket / 64] |= 1 << (bucket % 64);
        }
    }

    /// Lists the slots that have rows, and empties them.
    fn drain(&mut self) {
        self.list.clear();
        let (mut before, mut n_before) = ([0.0; K], 0);
        for (word, used) in self.used.iter_mut().enumerate() {
            let mut bits = std::mem::take(used);
            while bits != 0 {
                let number = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let empty = Slot { sums: [0.0; K], above: 0.0, count: 0 };
                let slot = std::mem::replace(&mut self.slots[number], empty);
                let bucket = Bucket { number, slot, before, n_before, scores: [0.0; 2], at_ends: 0.0 };
                (before, n_before) = (bucket.through(), bucket.n_through());
                self.list.push(bucket);
            }
        }
    }

    /// Whether the largest value of the node is above the smallest.
    fn varies<T: Code>(&self, at: &Place<'_, T, K>) -> bool {
        let (Some(first), Some(last)) = (self.list.first(), self.list.last()) else { return false };
        let values = &at.column.values;
        let least_apart = (at.start(first.number + 1) - 1, at.start(last.number));
        if is_above(values[least_apart.1], values[least_apart.0]) {
            return true;
        }
        let ranks = at.node.rows.iter().map(|&row| at.codes[row as usize].rank());
        let (low, high) = ranks.fold((usize::MAX, 0), |(low, high), rank| (low.min(rank), high.max(rank)));
        is_above(values[high], values[low])
    }

    /// Marks the buckets in or after which the best cut may be, if it is above `known`; returns whether there are any.
    #[inline(always)]
    fn mark<C: Criterion<K>, T: Code>(&mut self, at: &Place<'_, T, K>, known: f64) -> bool {
        let (values, all, n) = (&at.column.values, &at.node.sums, at.node.rows.len());
        let mut floor = known;
        let Some((last, others)) = self.list.split_last_mut() else { return false };
        let whole = Sides::new::<C, K>(&[0.0; K], all).scores[1];
        let (mut before, mut cut) = (0.0, whole);
        for bucket in others {
            let sides = Sides::new::<C, K>(&bucket.through(), all);
            let both = sides.scores[0] + sides.scores[1];
            (bucket.scores, bucket.at_ends) = ([before, sides.scores[1]], cut.max(both));
            (before, cut) = (sides.scores[0], both);
            // The node's values on both sides are at least as far apart.
            let next = at.start(bucket.number + 1);
            if is_above(values[next], values[next - 1])
                && at.limits.allow_counts(bucket.n_through(), n - bucket.n_through())
                && let Some(score) = sides.score(at.limits)
            {
                floor = floor.max(score);
            }
        }
        (last.scores, last.at_ends) = ([before, 0.0], cut.max(whole));
        floor -= SLACK * floor.abs();
        let mut any = false;
        for bucket in &self.list {
            let ([before, after], slot) = (bucket.scores, &bucket.slot);
            let wanted = before + after + C::most(&slot.sums) >= floor
                && (bucket.at_ends >= floor
                    || C::at_corners(&bucket.before, &slot.sums, slot.above, all) >= floor);
            self.wanted[bucket.number] = wanted;
            any |= wanted;
        }
        any
    }

    /// The rows of the marked buckets in the order of the column, those of one value in their order.
    #[inline(always)]
    fn gather<T: Code>(&mut self, at: &Place<'_, T, K>) {
        self.keys.resize(at.node.rows.len(), 0);
        let mut n = 0;
        for (place, &row) in at.node.rows.iter().enumerate() {
            // Written in any case: no branch to mispredict.
            self.keys[n] = (at.codes[row as usize].rank() as u64) << 32 | place as u64;
            n += usize::from(self.wanted[at.bucket(row)]);
        }
        self.keys.truncate(n);
        self.keys.sort_unstable();
    }

    /// Tries the cuts in and after the marked buckets.
    #[inline(always)]
    fn cuts<C: Criterion<K>, T: Code>(&self, at: &Place<'_, T, K>, best: &mut Option<Split>) {
        let values = &at.column.values;
        let (n, mut key) = (at.node.rows.len(), 0);
        let mut consider = |left: &[f64; K], n_left: usize, rank: usize, next: Option<usize>| {
            if at.limits.allow_counts(n_left, n - n_left)
                && let Some(score) = Sides::new::<C, K>(left, &at.node.sums).score(at.limits)
                && best.is_none_or(|best| score > best.score)
            {
                let next = next.unwrap_or_else(|| after(at, rank));
                if is_above(values[next], values[rank]) {
                    let threshold = middle(at.column, rank, next);
                    *best = Some(Split { feature: at.feature, rank, threshold, score });
                }
            }
        };
        for (i, bucket) in self.list.iter().enumerate().filter(|(_, b)| self.wanted[b.number]) {
            let (mut left, mut n_left) = (bucket.before, bucket.n_before);
            let end = key + bucket.slot.count as usize;
            let mut rank = (self.keys[key] >> 32) as usize;
            while key < end {
                let next = (self.keys[key] >> 32) as usize;
                if next != rank {
                    consider(&left, n_left, rank, Some(next));
                    rank = next;
                }
                let (target, weight) = at.node.targets[(self.keys[key] & 0xffff_ffff) as usize];
                C::add(&mut left, target, weight);
                n_left += 1;
                key += 1;
            }
            if i + 1 < self.list.len() {
                consider(&bucket.through(), bucket.n_through(), rank, None);
            }
        }
    }
}

/// The node's smallest rank above `rank`.
fn after<T: Code, const K: usize>(at: &Place<'_, T, K>, rank: usize) -> usize {
    let ranks = at.node.rows.iter().map(|&row| at.codes[row as usize].rank());
    ranks.filter(|&other| other > rank).min().unwrap_or(rank)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::columns::{Codes, Columns};
    use super::super::criterion::{Entropy, Gini, Poisson, SquaredError};
    use super::super::grow::Splitter;
    use super::*;
    use crate::rng::{self, Purpose};

    fn limits(min_samples_leaf: usize, min_weight_leaf: f64) -> Limits {
        Limits {
            max_depth: 1,
            min_samples_split: 2,
            min_samples_leaf,
            min_weight_leaf,
            min_impurity_decrease: 0.0,
            max_features: 1,
            splitter: Splitter::Best,
            max_leaf_nodes: None,
        }
    }

    /// The best score and its rank when every cut is tried.
    fn naive<C: Criterion<K>, const K: usize>(
        node: &Node<'_, K>,
        codes: &[u16],
        limits: &Limits,
    ) -> (f64, usize) {
        let mut ranks: Vec<u16> = node.rows.iter().map(|&row| codes[row as usize]).collect();
        ranks.sort_unstable();
        ranks.dedup();
        let mut best = (f64::NEG_INFINITY, 0);
        for &rank in &ranks[..ranks.len() - 1] {
            let (mut left, mut n_left) = ([0.0; K], 0);
            for (&row, &(target, weight)) in node.rows.iter().zip(node.targets) {
                if codes[row as usize] <= rank {
                    C::add(&mut left, target, weight);
                    n_left += 1;
                }
            }
            let score = Sides::new::<C, K>(&left, &node.sums).score(limits);
            if let Some(score) = score.filter(|_| limits.allow_counts(n_left, node.rows.len() - n_left))
                && score > best.0
            {
                best = (score, usize::from(rank));
            }
        }
        best
    }

    fn compare<C: Criterion<K>, const K: usize>(n_values: u64, offset: f64, informative: f64) {
        let mut rng = rng::stream(n_values, Purpose::Noise, K as u64);
        let n = 700;
        let x = Array2::from_shape_fn((n, 1), |_| rng::below(&mut rng, n_values) as f64);
        let columns = Columns::new(&x, "x").unwrap();
        let column = columns.column(0);
        let Codes::Narrow(codes) = &column.codes else { panic!("few values") };
        let rows: Vec<u32> = (0..n as u32).filter(|row| row % 7 != 3).collect();
        let mut target = |row: u32| {
            let z = informative * x[[row as usize, 0]] / n_values as f64 + rng::uniform(&mut rng);
            if C::IS_NUMBER { offset + z } else { (z / (1.0 + informative) * K as f64).floor() }
        };
        let targets: Vec<(f64, f64)> =
            rows.iter().map(|&row| (target(row), 0.25 * f64::from(1 + row % 5))).collect();
        let mut buckets = Buckets::<K>::new();
        for (length, leaf, weight) in
            [(600, 1, 0.0), (600, 40, 0.0), (600, 1, 90.0), (100, 1, 0.0), (37, 3, 0.0)]
        {
            let (rows, targets) = (&rows[..length], &targets[..length]);
            let mut sums = [0.0; K];
            targets.iter().for_each(|&(target, weight)| C::add(&mut sums, target, weight));
            let node = Node { rows, targets, sums, weight: C::weight(&sums) };
            let limits = limits(leaf, weight);
            let place = Place::new(&node, &limits, 0, column, &codes[..]);
            let mut best = None;
            assert!(buckets.search::<C, u16>(&place, &mut best));
            let (score, rank) = naive::<C, K>(&node, codes, &limits);
            let best = best.expect("a split");
            assert_eq!(best.rank, rank, "{n_values} values, {length} rows, {leaf}, {weight}");
            assert!((best.score - score).abs() <= 1e-12 * score.abs(), "{} for {score}", best.score);
            // Nothing is above the best.
            let mut same = Some(best);
            assert!(buckets.search::<C, u16>(&place, &mut same));
            assert_eq!(same.map(|split| (split.rank, split.score)), Some((best.rank, best.score)));
        }
    }

    #[test]
    fn the_best_of_all_cuts_is_found() {
        for n_values in [2, 40, 300, 5000] {
            for informative in [0.0, 0.3, 3.0] {
                compare::<Gini, 2>(n_values, 0.0, informative);
                compare::<Gini, 4>(n_values, 0.0, informative);
                compare::<Entropy, 2>(n_values, 0.0, informative);
                compare::<Entropy, 8>(n_values, 0.0, informative);
                compare::<SquaredError, 2>(n_values, -2.0, informative);
                compare::<SquaredError, 2>(n_values, 100.0, informative);
                compare::<Poisson, 2>(n_values, 0.0, informative);
                compare::<Poisson, 2>(n_values, 100.0, informative);
            }
        }
    }

    #[test]
    fn what_is_constant_has_no_cut() {
        let x = Array2::from_shape_fn((200, 1), |(row, _)| f64::from(row % 2 == 0));
        let columns = Columns::new(&x, "x").unwrap();
        let Codes::Narrow(codes) = &columns.column(0).codes else { panic!("few values") };
        let rows: Vec<u32> = (0..200).step_by(2).collect();
        let targets: Vec<(f64, f64)> = rows.iter().map(|&row| (f64::from(row % 3 == 0), 1.0)).collect();
        let node = Node { rows: &rows, targets: &targets, sums: [66.0, 34.0], weight: 100.0 };
        let limits = limits(1, 0.0);
        let place = Place::new(&node, &limits, 0, columns.column(0), &codes[..]);
        let mut best = None;
        assert!(!Buckets::<2>::new().search::<Gini, u16>(&place, &mut best) && best.is_none());
    }
}
