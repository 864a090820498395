//! One iteration of Lloyd's for every run that goes on.

use std::cell::{Cell, OnceCell};

use serde::{Deserialize, Serialize};

use super::finish::Finish;
use super::frame::{CHUNK, Frame};
use super::labels::Labels;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::lloyd::{Centroids, Neighbours, Rows, Scratch, Tally, add, assign, reassign};

/// Bytes of rows that are looked at twice: half a second-level cache.
const SPAN_BYTES: usize = 512 << 10;

/// Fewer clusters are all scored sooner than a row is looked at.
const FEWEST_CLUSTERS: usize = 8;

/// Rows of a cluster that fill the lanes when rows are scored cluster by cluster.
const ROWS_OF_CLUSTER: usize = 16;

/// Where going by old labels does not pay, every so many spans it is tried again.
const TRY_EVERY: usize = 64;

/// The labels of a block's rows, one entry a run.
pub(super) type Memory = Vec<Labels>;

/// What a block adds to one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    /// Sums of the shifted rows of each centroid `(k, d)`.
    pub(super) sums: Vec<f64>,
    /// Sums of their weights `(k,)`.
    pub(super) weights: Vec<f64>,
    /// Weighted sum of the least scores.
    pub(super) score: f64,
    /// Rows whose label changed.
    pub(super) changed: u64,
    /// What the last pass would find, should this iteration change nothing; where it was asked for.
    pub(super) finish: Option<Finish>,
}

impl Partial for Step {
    fn merge(&mut self, right: Self) {
        self.sums.merge(right.sums);
        self.weights.merge(right.weights);
        self.score += right.score;
        self.changed += right.changed;
        self.finish = self.finish.take().zip(right.finish).map(|(mut left, right)| {
            left.merge(right);
            left
        });
    }
}

/// Labels the rows of each listed run and, when asked to, sums them up.
pub(super) struct StepPass<'a, T> {
    frame: &'a Frame<T>,
    /// Number of runs of the fit.
    n_runs: usize,
    /// The runs to step.
    runs: Vec<Stepped<T>>,
    /// Whether sums are wanted, or labels only.
    sums: bool,
    /// The centroids of the only run, when the exact inertia about them is wanted.
    exact: Option<&'a [f64]>,
}

/// A run that is stepped.
struct Stepped<T> {
    run: usize,
    centroids: Centroids<T>,
    /// Measured when the first rows have a label.
    neighbours: OnceCell<Neighbours>,
    pace: Pace,
}

impl<'a, T: Real> StepPass<'a, T> {
    /// Steps the runs, given with their centroids, out of `n_runs`.
    pub(super) fn new(
        frame: &'a Frame<T>,
        n_runs: usize,
        runs: Vec<(usize, Centroids<T>)>,
        sums: bool,
    ) -> Self {
        let stepped =
            |(run, centroids)| Stepped { run, centroids, neighbours: OnceCell::new(), pace: Pace::default() };
        Self { frame, n_runs, runs: runs.into_iter().map(stepped).collect(), sums, exact: None }
    }

    /// Also finds the exact inertia about the only run's centroids, where they are given.
    pub(super) fn with_exact(mut self, centers: Option<&'a [f64]>) -> Self {
        self.exact = centers;
        self
    }

    /// What the last pass would find with the labels that the only run has now.
    fn finish(&self, block: &Block<T>, memory: &Memory) -> Option<Finish> {
        let (centers, stepped) = self.exact.zip(self.runs.first())?;
        let mut finish = Finish::new(stepped.centroids.n_clusters(), 0);
        let (mut labels, mut distances) = ([0; CHUNK], [0.0; CHUNK]);
        for (first, rows) in self.frame.chunks(block) {
            let (labels, distances) = (&mut labels[..rows.len()], &mut distances[..rows.len()]);
            memory[stepped.run].copy_to(first, labels);
            self.frame.distances(&rows, centers, labels, distances);
            finish.add(&rows, labels, &[], distances);
        }
        Some(finish)
    }

    /// Rows that stay in the second-level cache while they are looked at twice.
    fn span(&self) -> usize {
        (SPAN_BYTES / (self.frame.d() * size_of::<T>())).max(CHUNK)
    }
}

impl<T: Real> Stepped<T> {
    /// Labels the rows from `first` on, adds them to `tally`, and returns how many labels changed.
    fn step(
        &self,
        frame: &Frame<T>,
        (first, rows): (usize, Rows<'_, T>),
        scratch: &mut Scratch<T>,
        kept: &mut Labels,
        mut tally: Option<&mut Tally>,
    ) -> u64 {
        let (n, k, c) = (rows.len(), self.centroids.n_clusters(), &self.centroids);
        if kept.len() >= first + n && self.pace.tries(n, k) {
            let mut labels = vec![0; n];
            kept.copy_to(first, &mut labels);
            let neighbours = self.neighbours.get_or_init(|| Neighbours::new(c));
            self.pace.tried(reassign(&rows, c, neighbours, scratch, &mut labels) < n * k);
            if let Some(tally) = tally {
                add(&rows, c, scratch, &labels, tally);
            }
            return kept.update(first, &labels);
        }
        let mut labels = [0; CHUNK];
        let mut changed = 0;
        for (at, rows) in frame.split(rows, CHUNK) {
            let labels = &mut labels[..rows.len()];
            assign(&rows, c, scratch, labels, tally.as_deref_mut());
            changed += kept.update(first + at, labels);
        }
        changed
    }
}

/// Whether to go by the rows' old labels. Either way gives the same labels, so each rank may find out for itself.
#[derive(Default)]
struct Pace {
    /// The last try cost more than it saved.
    failed: Cell<bool>,
    skipped: Cell<usize>,
}

impl Pace {
    /// Whether to try with these `n` rows of `k` clusters; after a failure now and then.
    fn tries(&self, n: usize, k: usize) -> bool {
        if k < FEWEST_CLUSTERS || n < k * ROWS_OF_CLUSTER {
            return false;
        }
        if self.failed.get() {
            self.skipped.set((self.skipped.get() + 1) % TRY_EVERY);
        }
        self.skipped.get() == 0
    }

    fn tried(&self, paid: bool) {
        self.failed.set(!paid);
    }
}

impl<T: Real> Pass<T> for StepPass<'_, T> {
    type Partial = Vec<Step>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<Step>> {
        memory.resize_with(self.n_runs, Labels::default);
        for stepped in &self.runs {
            let kept = &mut memory[stepped.run];
            if matches!(kept, Labels::None) {
                *kept = Labels::with_capacity(stepped.centroids.n_clusters(), block.n_rows);
            }
        }
        let mut scratch = self.frame.scratch();
        let tally = |s: &Stepped<T>| self.sums.then(|| Tally::new(s.centroids.n_clusters(), self.frame.d()));
        let mut steps: Vec<_> = self.runs.iter().map(|stepped| (tally(stepped), 0)).collect();
        for piece in self.frame.pieces(block, self.span()) {
            for (stepped, (tally, changed)) in self.runs.iter().zip(&mut steps) {
                let kept = &mut memory[stepped.run];
                *changed += stepped.step(self.frame, piece, &mut scratch, kept, tally.as_mut());
            }
        }
        let mut finish = self.finish(block, memory);
        let step = |((tally, changed), stepped): ((Option<Tally>, u64), &Stepped<T>)| {
            let score = tally.as_ref().map_or(0.0, |tally| tally.score(&stepped.centroids));
            let (sums, weights) = tally.map(Tally::into_parts).unwrap_or_default();
            Step { sums, weights, score, changed, finish: finish.take() }
        };
        Ok(steps.into_iter().zip(&self.runs).map(step).collect())
    }

    /// A product and an addition for each centroid and feature, and the addition to the sums.
    fn flops_per_row(&self, n_features: usize) -> f64 {
        let of_run = |c: &Centroids<T>| 2 * c.n_clusters() * n_features + usize::from(self.sums) * n_features;
        self.runs.iter().map(|stepped| of_run(&stepped.centroids)).sum::<usize>() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::relocate::average;
    use super::*;
    use crate::kernel::Isa;
    use crate::rng::{Purpose, stream, uniform};

    /// Rows around `centers` centres that lie `spread` noises apart; every row twice where `twice`.
    fn block<T: Real>(
        n: usize,
        d: usize,
        centers: usize,
        spread: f64,
        twice: bool,
        weighted: bool,
    ) -> Block<T> {
        let mut rng = stream(n as u64, Purpose::Noise, (centers * 100 + d) as u64);
        let mut draw = || uniform(&mut rng) - 0.5;
        let middles: Vec<f64> = (0..centers * d).map(|_| spread * draw()).collect();
        let mut x = Vec::with_capacity(n * d);
        for i in 0..n {
            if twice && i % 2 == 1 {
                x.extend_from_within((i - 1) * d..i * d);
            } else {
                let middle = &middles[i % centers * d..][..d];
                x.extend(middle.iter().map(|m| T::from_f64(m + draw() + draw())));
            }
        }
        let weights = (0..if weighted { n } else { 0 }).map(|_| draw() + 0.5).collect();
        Block { n_rows: n, n_features: d, x, weights, ..Block::default() }
    }

    /// Steps with kept labels and without any, which scores every centroid; returns how often labels were gone by.
    fn check<T: Real>(block: &Block<T>, k: usize, isa: Isa) -> usize {
        let d = block.n_features;
        let frame = Frame { shift: vec![T::ZERO; d], isa };
        let mut centers: Vec<f64> = block.x[..k * d].iter().map(|x| x.to_f64()).collect();
        let (mut kept, mut before, mut used) = (Memory::new(), vec![0; block.n_rows], 0);
        for iteration in 0..12 {
            let pass = || StepPass::new(&frame, 1, vec![(0, frame.pack(&centers))], true);
            let (fast, plain) = (pass(), pass());
            let mut fresh = Memory::new();
            let mut step = plain.block(block, &mut fresh).unwrap().remove(0);
            let by_labels = fast.block(block, &mut kept).unwrap().remove(0);
            used += usize::from(fast.runs[0].neighbours.get().is_some() && !fast.runs[0].pace.failed.get());
            let labels = |memory: &Memory| {
                let mut labels = vec![0; block.n_rows];
                memory[0].copy_to(0, &mut labels);
                labels
            };
            let after = labels(&fresh);
            assert_eq!(labels(&kept), after, "iteration {iteration}");
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&by_labels.sums), bits(&step.sums), "iteration {iteration}");
            assert_eq!(bits(&by_labels.weights), bits(&step.weights), "iteration {iteration}");
            assert_eq!(by_labels.score.to_bits(), step.score.to_bits(), "iteration {iteration}");
            let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            assert_eq!(by_labels.changed, if iteration == 0 { block.n_rows } else { changed } as u64);
            before = after;
            average(&mut step);
            centers = step.sums;
        }
        used
    }

    #[test]
    fn going_by_labels_gives_the_bits_of_all_scores() {
        for isa in Isa::available() {
            for (centers, spread, twice) in
                [(12, 20.0, false), (12, 2.0, false), (1, 0.0, false), (5, 4.0, true)]
            {
                for (k, d) in [(1, 20), (8, 3), (12, 20), (100, 20), (60, 4)] {
                    let n = 1700;
                    check(&block::<f64>(n, d, centers, spread, twice, k == 12), k, isa);
                    check(&block::<f32>(n, d, centers, spread, twice, k == 60), k, isa);
                }
            }
        }
    }

    #[test]
    fn labels_are_gone_by_where_that_pays_only() {
        assert!(check(&block::<f64>(4000, 20, 12, 20.0, false, false), 100, Isa::best()) > 8);
        assert_eq!(check(&block::<f64>(4000, 20, 1, 0.0, false, false), 100, Isa::best()), 0);
    }
}
