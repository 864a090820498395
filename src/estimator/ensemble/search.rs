//! Many candidates of a forest on many folds, with what they have in common done once.
//!
//! A chain is one fold with one forest of the largest `n_estimators` and `max_depth`. Tree t is the same in every
//! forest, and a tree of less depth is a prefix of a deeper one, so every candidate that differs in these two only
//! is read off while the trees grow, with the scores that it has when it is fitted alone. So it is with `max_leaf_nodes`
//! instead of the depth, and with `ccp_alpha`, by which a tree is pruned once it has grown. A chain can be cut into pieces
//! of its trees: what trees say is summed piece by piece in any case, so that it does not matter who grows which.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::data::ForestData;
use super::fit::Trees;
use super::model::{PIECE, first_largest};
use super::params::Forest;
use super::weights::Training;
use crate::comm;
use crate::error::{Error, Result};
use crate::estimator::Model;
use crate::estimator::row_scores::{RowScores, Scored};
use crate::estimator::searchable::{Chain, FitId, FitOutcome, Searchable, SharedWork, Split};
use crate::estimator::tree::{Grown, Tree};

/// The candidates of a search over a forest with their data.
pub struct ForestSearch {
    data: Arc<ForestData>,
    candidates: Vec<Forest>,
    scores: RowScores,
    return_train_score: bool,
    n_operations: AtomicU64,
    /// Trees that fits asked for, and those that were grown.
    n_asked: AtomicU64,
    n_grown: AtomicU64,
}

/// What of a grown tree a candidate has.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    /// Nodes of up to so many levels below the root,
    depth: usize,
    /// of the first so many nodes,
    n_nodes: usize,
    /// and of the branches that are worth this.
    ccp_alpha: f64,
}

/// Rows that are predicted by more and more trees, at several cuts.
struct Votes {
    rows: Vec<f32>,
    y_true: Vec<f64>,
    /// Or none.
    weights: Vec<f64>,
    /// What the trees of all pieces that are whole sum to, `(cuts, rows, n_outputs)`.
    whole: Vec<Vec<f64>>,
    /// The same of the trees of the present piece.
    sums: Vec<Vec<f64>>,
}

/// What a part of a chain, a piece of its trees, leaves of the rows' sums.
#[derive(Serialize, Deserialize)]
struct PartVotes {
    /// For each number of trees that is read off within the piece: the number, the sums of the test and of the training
    /// rows so far.
    read: Vec<(usize, [Vec<Vec<f64>>; 2])>,
    /// The sums of all its trees.
    all: [Vec<Vec<f64>>; 2],
    fit_seconds: f64,
    score_seconds: f64,
}

/// The classes of a fold's training rows: its forests know no others.
struct Known {
    /// Their targets, ascending; empty for numbers.
    classes: Vec<f64>,
    /// Their places among all classes.
    places: Vec<usize>,
    /// How many classes there are in all.
    n_all: usize,
}

/// A family of one fold while its trees grow.
struct Growing<'a> {
    trees: Trees<'a>,
    cuts: Vec<Cut>,
    test: Votes,
    train: Votes,
    known: Known,
    of_features: u64,
    fit_seconds: f64,
    score_seconds: f64,
}

impl ForestSearch {
    /// A search over `candidates`, all of the kind that `data` was made for.
    pub fn new(
        data: Arc<ForestData>,
        candidates: Vec<Forest>,
        scores: RowScores,
        return_train_score: bool,
    ) -> Self {
        Self {
            data,
            candidates,
            scores,
            return_train_score,
            n_operations: AtomicU64::new(0),
            n_asked: AtomicU64::new(0),
            n_grown: AtomicU64::new(0),
        }
    }

    /// Whether one forest serves both candidates.
    fn alike(&self, a: usize, b: usize) -> bool {
        let shared = |candidate: usize| {
            let forest = &self.candidates[candidate];
            let mut params = forest.params().clone();
            params.n_estimators = 1;
            // One of these alone differs within a family: they do not go together.
            match (params.ccp_alpha > 0.0, params.max_leaf_nodes) {
                (true, _) => params.ccp_alpha = 1.0,
                (false, Some(_)) => params.max_leaf_nodes = Some(2),
                (false, None) => params.max_depth = None,
            }
            (params, forest.splitter, forest.seed)
        };
        shared(a) == shared(b)
    }

    /// Candidates that one forest serves, in the order in which they are read off it.
    fn families(&self) -> Vec<Vec<usize>> {
        let mut families: Vec<Vec<usize>> = Vec::new();
        for candidate in 0..self.candidates.len() {
            match families.iter_mut().find(|family| self.alike(family[0], candidate)) {
                Some(family) => family.push(candidate),
                None => families.push(vec![candidate]),
            }
        }
        for family in &mut families {
            family.sort_by_key(|&c| (self.candidates[c].n_trees(), self.extent(c), c));
        }
        families
    }

    /// What a chain costs: trees, their levels, and the features tried for each row.
    fn cost(&self, family: &[usize], split: &Split) -> f64 {
        let most = |of: fn(&Forest) -> usize| family.iter().map(|&c| of(&self.candidates[c])).max();
        let n = split.train.len().max(2) as f64;
        let n_leaves = most(|forest| forest.max_leaf_nodes().unwrap_or(usize::MAX)).unwrap_or(2);
        let levels = (1.5 * n.log2()).min(1.5 * (n_leaves as f64).log2());
        let depth = (most(Forest::max_depth).unwrap_or(1) as f64).min(levels);
        let features = self.features(family[0]) as f64;
        most(Forest::n_trees).unwrap_or(1) as f64 * depth * n * (features + 2.0)
    }

    /// How far the trees of a candidate grow: levels and leaves.
    fn extent(&self, candidate: usize) -> (usize, usize) {
        let forest = &self.candidates[candidate];
        (forest.max_depth(), forest.max_leaf_nodes().unwrap_or(usize::MAX))
    }

    /// The rows of a chain's fold.
    fn split<'s>(&self, chain: &Chain, splits: &'s [Split]) -> Result<&'s Split> {
        let first = chain.fits.first().ok_or_else(|| Error::internal("a chain of no fits"))?;
        if chain.fits.iter().any(|id| id.fold != first.fold || !self.alike(id.candidate, first.candidate)) {
            return Err(Error::internal("a chain of forests that have nothing in common"));
        }
        splits.get(first.fold).ok_or_else(|| Error::internal("a chain of an unknown fold"))
    }

    /// Trees of the largest forest of some fits.
    fn most_trees(&self, fits: &[FitId]) -> usize {
        fits.iter().map(|id| self.candidates[id.candidate].n_trees()).max().unwrap_or(0)
    }

    /// Features tried at each node.
    fn features(&self, candidate: usize) -> usize {
        self.candidates[candidate].limits(2, 1.0, self.data.columns.n_features()).max_features
    }

    /// Fits of one fold that one forest serves, ordered by their numbers of trees.
    fn run_family(
        &self,
        fits: &[FitId],
        split: &Split,
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        let training = Training::new(&self.candidates[fits[0].candidate], &self.data, &split.train)?;
        let mut growing = self.growing(fits, split, &training, true);
        let mut n_grown = 0;
        for id in fits {
            while n_grown < self.candidates[id.candidate].n_trees() {
                growing.add(n_grown, &self.n_operations)?;
                self.n_grown.fetch_add(1, Ordering::Relaxed);
                n_grown += 1;
            }
            let (fit_seconds, score_seconds) = (growing.fit_seconds, growing.score_seconds);
            (growing.fit_seconds, growing.score_seconds) = (0.0, 0.0);
            emit(self.outcome(*id, &growing, n_grown, [fit_seconds, score_seconds])?)?;
        }
        Ok(())
    }

    /// The family of `fits`, no tree grown yet; `counted` where its operations count.
    fn growing<'a>(
        &'a self,
        fits: &[FitId],
        split: &Split,
        training: &'a Training<'a>,
        counted: bool,
    ) -> Growing<'a> {
        let forest = |id: &FitId| &self.candidates[id.candidate];
        let cuts = cuts(fits.iter().map(forest));
        let largest = fits.iter().max_by_key(|id| self.extent(id.candidate)).unwrap_or(&fits[0]);
        let train = if self.return_train_score { &split.train[..] } else { &[] };
        Growing {
            trees: forest(largest).trees(&self.data, training),
            test: Votes::new(&self.data, &split.test, cuts.len()),
            train: Votes::new(&self.data, train, cuts.len()),
            known: Known::of(&self.data, &split.train),
            cuts,
            of_features: if counted { self.features(fits[0].candidate) as u64 + 2 } else { 0 },
            fit_seconds: 0.0,
            score_seconds: 0.0,
        }
    }

    /// What a fit comes to once its trees have voted.
    fn outcome(
        &self,
        id: FitId,
        growing: &Growing<'_>,
        n_trees: usize,
        [fit_seconds, before_s]: [f64; 2],
    ) -> Result<FitOutcome> {
        let start = Instant::now();
        self.n_asked.fetch_add(n_trees as u64, Ordering::Relaxed);
        let cut = Cut::of(&self.candidates[id.candidate]);
        let unknown = || Error::internal("a forest of another chain");
        let at = growing.cuts.iter().position(|other| *other == cut).ok_or_else(unknown)?;
        let test_scores = self.scores(&growing.test, &growing.known, at, n_trees)?;
        let score_seconds = before_s + start.elapsed().as_secs_f64();
        let train_scores = match self.return_train_score {
            true => self.scores(&growing.train, &growing.known, at, n_trees)?,
            false => Vec::new(),
        };
        Ok(FitOutcome::new(id, [test_scores, train_scores], [fit_seconds, score_seconds]))
    }

    fn scores(&self, votes: &Votes, known: &Known, cut: usize, n_trees: usize) -> Result<Vec<f64>> {
        let (values, classes) = (known.columns(votes.values(cut, n_trees)), &known.classes);
        let y_pred = predictions(&values, classes);
        self.scores.of(&Scored {
            y_true: &votes.y_true,
            known: classes,
            weights: &votes.weights,
            predicted: &y_pred,
            decision: None,
            proba: Some((classes, &values)),
        })
    }
}

impl Cut {
    fn of(forest: &Forest) -> Self {
        // A tree of m leaves is the first m − 1 splits, of which each adds two nodes to the root.
        let n_nodes = |leaves: usize| leaves.saturating_mul(2) - 1;
        // Nothing is left out of one that is pruned: its nodes are numbered anew.
        let is_pruned = forest.ccp_alpha() > 0.0;
        let n_nodes = forest.max_leaf_nodes().filter(|_| !is_pruned).map_or(usize::MAX, n_nodes);
        Self { depth: forest.max_depth(), n_nodes, ccp_alpha: forest.ccp_alpha() }
    }
}

/// What candidates that one forest serves have of its trees, each once and ascending.
fn cuts<'a>(forests: impl Iterator<Item = &'a Forest>) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = forests.map(Cut::of).collect();
    cuts.sort_unstable_by(|a, b| {
        (a.depth, a.n_nodes).cmp(&(b.depth, b.n_nodes)).then(a.ccp_alpha.total_cmp(&b.ccp_alpha))
    });
    cuts.dedup();
    cuts
}

impl Growing<'_> {
    /// Grows the next tree, of number `number`, and has it vote.
    fn add(&mut self, number: usize, n_operations: &AtomicU64) -> Result<()> {
        let mut since = Instant::now();
        let Grown { tree, n_sought } = (self.trees)(number)?;
        self.fit_seconds += lap(&mut since);
        let of_scoring = 4 * (self.test.y_true.len() + self.train.y_true.len()) as u64;
        n_operations.fetch_add(self.of_features * n_sought + of_scoring, Ordering::Relaxed);
        if number.is_multiple_of(PIECE) {
            self.test.turn();
            self.train.turn();
        }
        if self.cuts[0].ccp_alpha == 0.0 {
            self.test.add(&tree, &self.cuts);
            self.train.add(&tree, &self.cuts);
        } else {
            for (place, cut) in self.cuts.iter().enumerate() {
                let pruned = tree.pruned(cut.ccp_alpha);
                self.test.add_to(place, &pruned);
                self.train.add_to(place, &pruned);
            }
        }
        self.score_seconds += lap(&mut since);
        Ok(())
    }

    /// The sums of the present piece.
    fn sums(&self) -> [Vec<Vec<f64>>; 2] {
        [self.test.sums.clone(), self.train.sums.clone()]
    }
}

/// Seconds since `since`, which becomes now.
fn lap(since: &mut Instant) -> f64 {
    let now = Instant::now();
    let seconds = now.duration_since(*since).as_secs_f64();
    *since = now;
    seconds
}

impl Votes {
    fn new(data: &ForestData, rows: &[usize], n_cuts: usize) -> Self {
        Self {
            rows: data.rows(rows),
            y_true: rows.iter().map(|&row| data.table.y[row]).collect(),
            whole: vec![vec![0.0; rows.len() * data.n_outputs()]; n_cuts],
            weights: data.table.weights_of(rows),
            sums: vec![vec![0.0; rows.len() * data.n_outputs()]; n_cuts],
        }
    }

    /// The next tree begins another piece.
    fn turn(&mut self) {
        for (whole, sums) in self.whole.iter_mut().zip(&mut self.sums) {
            whole.iter_mut().zip(&*sums).for_each(|(whole, sum)| *whole += sum);
            sums.fill(0.0);
        }
    }

    /// Adds what a tree says when it is cut by the depths or the numbers of nodes of `cuts`, which ascend.
    fn add(&mut self, tree: &Tree, cuts: &[Cut]) {
        let n = self.y_true.len();
        if n == 0 {
            return;
        }
        let (d, k) = (self.rows.len() / n, self.sums[0].len() / n);
        for (place, row) in self.rows.chunks_exact(d).enumerate() {
            let (mut node, mut level) = (0, 0);
            for (sums, cut) in self.sums.iter_mut().zip(cuts) {
                while level < cut.depth && tree.goes_on(node, cut.n_nodes) {
                    node = tree.child(node, row);
                    level += 1;
                }
                let sums = &mut sums[place * k..(place + 1) * k];
                sums.iter_mut().zip(&tree.value[node * k..]).for_each(|(sum, value)| *sum += value);
            }
        }
    }

    /// Adds what a tree says to the sums of the cut `number`.
    fn add_to(&mut self, number: usize, tree: &Tree) {
        let n = self.y_true.len();
        if n == 0 {
            return;
        }
        let (d, sums) = (self.rows.len() / n, &mut self.sums[number]);
        let k = sums.len() / n;
        for (row, sums) in self.rows.chunks_exact(d).zip(sums.chunks_exact_mut(k)) {
            let leaf = tree.leaf(row);
            sums.iter_mut().zip(&tree.value[leaf * k..]).for_each(|(sum, value)| *sum += value);
        }
    }

    /// The mean of what `n_trees` trees say at a cut, `(rows, n_outputs)`.
    fn values(&self, cut: usize, n_trees: usize) -> Vec<f64> {
        let both = self.whole[cut].iter().zip(&self.sums[cut]);
        both.map(|(whole, sum)| (whole + sum) / n_trees as f64).collect()
    }
}

impl Known {
    fn of(data: &ForestData, rows: &[usize]) -> Self {
        let mut is_there = vec![false; data.classes.len()];
        if !is_there.is_empty() {
            rows.iter().for_each(|&row| is_there[data.targets[row] as usize] = true);
        }
        let places: Vec<usize> = (0..is_there.len()).filter(|&class| is_there[class]).collect();
        Self {
            classes: places.iter().map(|&class| data.classes[class]).collect(),
            places,
            n_all: is_there.len(),
        }
    }

    /// Of `values` `(rows, n_outputs)` the columns of these classes; numbers as they are.
    fn columns(&self, values: Vec<f64>) -> Vec<f64> {
        if self.places.len() == self.n_all {
            return values;
        }
        let of_row = |row: &[f64]| self.places.iter().map(|&class| row[class]).collect::<Vec<_>>();
        values.chunks_exact(self.n_all).flat_map(of_row).collect()
    }
}

/// What follows from the mean `values` of the trees: the class, or the number where there are no `classes`.
fn predictions(values: &[f64], classes: &[f64]) -> Vec<f64> {
    let of_row = |values: &[f64]| classes.get(first_largest(values)).copied().unwrap_or(values[0]);
    values.chunks_exact(classes.len().max(1)).map(of_row).collect()
}

impl Searchable for ForestSearch {
    fn n_candidates(&self) -> usize {
        self.candidates.len()
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        let families = self.families();
        let mut chains = Vec::with_capacity(splits.len() * families.len());
        for (fold, split) in splits.iter().enumerate() {
            for family in &families {
                let fits = family.iter().map(|&candidate| FitId { candidate, fold }).collect();
                chains.push(Chain { fits, cost: self.cost(family, split) });
            }
        }
        chains
    }

    fn run(
        &self,
        chain: &Chain,
        splits: &[Split],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        let split = self.split(chain, splits)?;
        self.run_family(&chain.fits, split, emit)
    }

    fn n_chain_parts(&self, chain: &Chain) -> usize {
        self.most_trees(&chain.fits).div_ceil(PIECE)
    }

    fn chain_part(&self, chain: &Chain, splits: &[Split], part: usize) -> Result<Vec<u8>> {
        let split = self.split(chain, splits)?;
        let fits = &chain.fits;
        let training = Training::new(&self.candidates[fits[0].candidate], &self.data, &split.train)?;
        let mut growing = self.growing(fits, split, &training, true);
        let mut read = Vec::new();
        for number in part * PIECE..((part + 1) * PIECE).min(self.most_trees(fits)) {
            growing.add(number, &self.n_operations)?;
            self.n_grown.fetch_add(1, Ordering::Relaxed);
            let n_grown = number + 1;
            if fits.iter().any(|id| self.candidates[id.candidate].n_trees() == n_grown) {
                read.push((n_grown, growing.sums()));
            }
        }
        let all = growing.sums();
        let Growing { fit_seconds, score_seconds, .. } = growing;
        comm::encode(&PartVotes { read, all, fit_seconds, score_seconds })
    }

    fn join_chain(
        &self,
        chain: &Chain,
        splits: &[Split],
        parts: &[Vec<u8>],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        let split = self.split(chain, splits)?;
        let training = Training::new(&self.candidates[chain.fits[0].candidate], &self.data, &split.train)?;
        let mut growing = self.growing(&chain.fits, split, &training, false);
        let mut fits = chain.fits.iter().peekable();
        for bytes in parts {
            let part: PartVotes = comm::decode(bytes)?;
            growing.test.turn();
            growing.train.turn();
            let mut seconds = [part.fit_seconds, part.score_seconds];
            for (n_trees, sums) in part.read {
                [growing.test.sums, growing.train.sums] = sums;
                while let Some(id) = fits.next_if(|id| self.candidates[id.candidate].n_trees() == n_trees) {
                    emit(self.outcome(*id, &growing, n_trees, std::mem::take(&mut seconds))?)?;
                }
            }
            [growing.test.sums, growing.train.sums] = part.all;
        }
        Ok(())
    }

    fn fits_are_independent(&self) -> bool {
        true
    }

    fn counts_on(&self, cost: f64) -> Option<usize> {
        (cost > 1e9).then_some(4)
    }

    fn n_operations(&self) -> u64 {
        self.n_operations.load(Ordering::Relaxed)
    }

    fn shared(&self) -> Vec<SharedWork> {
        let (asked, done) = (self.n_asked.load(Ordering::Relaxed), self.n_grown.load(Ordering::Relaxed));
        vec![SharedWork { what: "trees".into(), asked, done }]
    }

    /// The ranked columns, what trees say of the rows that they score and, of the last fit, the trees themselves.
    fn memory_bytes(&self, splits: &[Split], refits: bool) -> u64 {
        let n = self.data.table.y.len();
        let n_scored =
            |split: &Split| split.test.len() + if self.return_train_score { split.train.len() } else { 0 };
        let scored = splits.iter().map(n_scored).max().unwrap_or(0) as u64;
        let forests = |family: &Vec<usize>| cuts(family.iter().map(|&c| &self.candidates[c])).len();
        let n_cuts = self.families().iter().map(forests).max().unwrap_or(1);
        let of_outputs = (8 + 16 * n_cuts) * self.data.n_outputs();
        let votes = scored * (4 * self.data.columns.n_features() + of_outputs) as u64;
        let trees = |forest: &Forest| forest.tree_bytes(n, self.data.n_outputs());
        let trees = if refits { self.candidates.iter().map(trees).max().unwrap_or(0) } else { 0 };
        self.data.size_bytes() + votes.max(trees)
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        Ok(self.candidates[candidate].fit(&self.data)?.export())
    }

    fn n_refit_parts(&self, candidate: usize) -> usize {
        self.candidates[candidate].n_trees()
    }

    fn refit_parts(&self, candidate: usize, parts: Range<usize>) -> Result<Vec<u8>> {
        comm::encode(&self.candidates[candidate].fit_trees(&self.data, parts)?)
    }

    fn join_refit(&self, candidate: usize, parts: &[Vec<u8>]) -> Result<(Vec<Model>, Model)> {
        let trees: Vec<Vec<Tree>> = parts.iter().map(|bytes| comm::decode(bytes)).collect::<Result<_>>()?;
        let model = self.candidates[candidate].assemble(&self.data, trees.into_iter().flatten().collect())?;
        Ok((Vec::new(), model.export()))
    }
}
