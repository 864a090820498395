//! One iteration of Lloyd's for every run that goes on.

use std::cell::{Cell, OnceCell};

use serde::{Deserialize, Serialize};

use super::finish::Finish;
use super::frame::{CHUNK, Frame};
use super::kept::{Kept, Memory};
use super::pruning::Pruning;
use super::sums::Sums;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::lloyd::{
    BoundsMut, Centroids, Drift, Grid, Neighbours, Rows, Scratch, assign, assign_bounded, reassign, screen,
    settle,
};

/// Bytes of rows that are looked at twice: half a second-level cache.
const SPAN_BYTES: usize = 512 << 10;

/// Fewer clusters are all scored sooner than a row is looked at.
const FEWEST_CLUSTERS: usize = 8;

/// Rows of a cluster that fill the lanes when rows are scored cluster by cluster.
const ROWS_OF_CLUSTER: usize = 16;

/// Where fewer rows than one in so many are open, settling them is cheaper than scoring all.
const FEW_OPEN: usize = 2;

/// Labels that are compared at a time.
const PAIRS: usize = 32;

/// Where going by old labels does not pay, every so many spans it is tried again.
const TRY_EVERY: usize = 64;

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
    /// The grid of the sums, unless rows are weighted.
    grid: Option<&'a Grid>,
    /// The ways of every run's centroids, where bounds are kept.
    pruning: Option<&'a Pruning>,
}

/// A run that is stepped.
struct Stepped<T> {
    run: usize,
    centroids: Centroids<T>,
    /// Measured when the first rows have a label.
    neighbours: OnceCell<Neighbours>,
    pace: Pace,
    /// Rows that were not read, because their bounds held and their sums were kept.
    left_alone: Cell<u64>,
}

impl<'a, T: Real> StepPass<'a, T> {
    /// Steps the runs, given with their centroids, out of `n_runs`.
    pub(super) fn new(
        frame: &'a Frame<T>,
        n_runs: usize,
        runs: Vec<(usize, Centroids<T>)>,
        sums: bool,
    ) -> Self {
        let stepped = |(run, centroids)| Stepped {
            run,
            centroids,
            neighbours: OnceCell::new(),
            pace: Pace::default(),
            left_alone: Cell::new(0),
        };
        Self {
            frame,
            n_runs,
            runs: runs.into_iter().map(stepped).collect(),
            sums,
            exact: None,
            grid: None,
            pruning: None,
        }
    }

    /// Sums on this grid, where a block's rows have a place there.
    pub(super) fn with_grid(mut self, grid: Option<&'a Grid>) -> Self {
        self.grid = grid;
        self
    }

    /// Keeps bounds for every row of the runs that do, and goes by them.
    pub(super) fn with_bounds(mut self, pruning: &'a Pruning) -> Self {
        self.pruning = Some(pruning);
        self
    }

    /// The ways of a run's centroids, where it keeps bounds.
    fn drift(&self, run: usize) -> Option<&'a Drift> {
        self.pruning.and_then(|pruning| pruning.drift(run))
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
            memory[stepped.run].labels.copy_to(first, labels);
            self.frame.distances(&rows, centers, labels, distances);
            finish.add(&rows, labels, &[], distances);
        }
        Some(finish)
    }

    fn work(&self) -> Work<T> {
        Work { scratch: self.frame.scratch(), labels: Vec::new(), before: Vec::new(), moved: Vec::new() }
    }

    /// Steps every run through the block, span by span.
    fn spans<'s>(
        &'s self,
        block: &Block<T>,
        memory: &mut Memory,
        work: &mut Work<T>,
        all: &mut [(Sums<'s>, u64)],
    ) {
        for piece in self.frame.pieces(block, self.span()) {
            for (stepped, (sums, changed)) in self.runs.iter().zip(all.iter_mut()) {
                let drift = self.drift(stepped.run);
                let kept = &mut memory[stepped.run];
                *changed += stepped.step(self.frame, piece, work, kept, sums, drift);
            }
        }
    }

    /// Sums of a block with rows that have no place on the grid, in the order of the rows.
    fn plain<'s>(
        &'s self,
        block: &Block<T>,
        stepped: &Stepped<T>,
        kept: &mut Kept,
        scratch: &mut Scratch<T>,
    ) -> Sums<'s> {
        kept.off_grid = true;
        let mut sums = Sums::start(kept, None, stepped.centroids.n_clusters(), self.frame.d());
        let mut labels = [0; CHUNK];
        for (first, rows) in self.frame.chunks(block) {
            let labels = &mut labels[..rows.len()];
            kept.labels.copy_to(first, labels);
            sums.keep_up(self.frame, &stepped.centroids, &rows, scratch, labels, &[]);
        }
        sums
    }

    /// Rows that stay in the second-level cache while they are looked at twice.
    fn span(&self) -> usize {
        (SPAN_BYTES / (self.frame.d() * size_of::<T>())).max(CHUNK)
    }
}

impl<T: Real> Stepped<T> {
    fn neighbours(&self) -> &Neighbours {
        self.neighbours.get_or_init(|| Neighbours::new(&self.centroids))
    }

    /// Labels the rows from `first` on, keeps `sums` up with the labels, and returns how many changed.
    fn step(
        &self,
        frame: &Frame<T>,
        (first, rows): (usize, Rows<'_, T>),
        work: &mut Work<T>,
        kept: &mut Kept,
        sums: &mut Sums<'_>,
        drift: Option<&Drift>,
    ) -> u64 {
        let n = rows.len();
        let known = kept.labels.len() >= first + n;
        work.labels.resize(n, 0);
        work.moved.clear();
        if known {
            kept.labels.copy_to(first, &mut work.labels);
        }
        let summed = match drift {
            Some(drift) => {
                let mut bounds = kept.bounds.part(first, n);
                self.by_bounds(frame, &rows, known, work, &mut bounds, drift, sums)
            }
            None => self.by_labels(frame, &rows, known, work, sums),
        };
        let Work { scratch, labels, moved, .. } = work;
        if !summed {
            sums.keep_up(frame, &self.centroids, &rows, scratch, labels, moved);
        }
        if known { kept.labels.change(first, labels, moved) } else { kept.labels.update(first, labels) }
    }

    /// Labels by the bounds that rows have. Returns whether the rows were summed, too.
    #[allow(clippy::too_many_arguments, reason = "what a span's rows, their past and their sums are")]
    fn by_bounds(
        &self,
        frame: &Frame<T>,
        rows: &Rows<'_, T>,
        known: bool,
        work: &mut Work<T>,
        bounds: &mut BoundsMut<'_>,
        drift: &Drift,
        sums: &mut Sums<'_>,
    ) -> bool {
        let (n, k, c) = (rows.len(), self.centroids.n_clusters(), &self.centroids);
        let known_of_all = (self.neighbours(), drift);
        let Work { scratch, labels, moved, before, .. } = work;
        if known {
            let open = screen(c, known_of_all, scratch, labels, bounds);
            let few = FEW_OPEN * open < n;
            if few && !sums.takes_all() {
                self.left_alone.set(self.left_alone.get() + (n - open) as u64);
            }
            if open == 0 {
                return false;
            }
            if few || self.pace.tries(n, k) {
                let cost = settle(rows, c, known_of_all, scratch, labels, bounds, moved);
                if !few {
                    self.pace.tried(cost < n * k);
                }
                return false;
            }
            before.clone_from(labels);
        }
        let whole = !known && sums.takes_all();
        for (at, rows) in frame.split(*rows, frame.tiles()) {
            let labels = &mut labels[at..at + rows.len()];
            let mut bounds = bounds.part(at, rows.len());
            assign_bounded(&rows, c, known_of_all, scratch, labels, &mut bounds);
            if whole {
                sums.keep_up(frame, c, &rows, scratch, labels, &[]);
            }
        }
        if known {
            list_moved(before, labels, moved);
        }
        whole
    }

    /// Labels by the labels that rows have, if they have any. Returns whether the rows were summed, too.
    fn by_labels(
        &self,
        frame: &Frame<T>,
        rows: &Rows<'_, T>,
        known: bool,
        work: &mut Work<T>,
        sums: &mut Sums<'_>,
    ) -> bool {
        let (n, k, c) = (rows.len(), self.centroids.n_clusters(), &self.centroids);
        let Work { scratch, labels, moved, before } = work;
        before.clone_from(labels);
        let whole = if known && self.pace.tries(n, k) {
            self.pace.tried(reassign(rows, c, self.neighbours(), scratch, labels) < n * k);
            false
        } else {
            let whole = sums.takes_all();
            for (at, rows) in frame.split(*rows, frame.tiles()) {
                let labels = &mut labels[at..at + rows.len()];
                assign(&rows, c, scratch, labels, None);
                if whole {
                    sums.keep_up(frame, c, &rows, scratch, labels, &[]);
                }
            }
            whole
        };
        if known {
            list_moved(before, labels, moved);
        }
        whole
    }
}

/// Buffers of a block.
struct Work<T> {
    scratch: Scratch<T>,
    /// Labels of the rows of a span, and those they had.
    labels: Vec<u32>,
    before: Vec<u32>,
    /// Rows of a span whose label changed, and the label they had.
    moved: Vec<(u32, u32)>,
}

/// Lists the rows whose label changed with those they had.
fn list_moved(before: &[u32], labels: &[u32], moved: &mut Vec<(u32, u32)>) {
    let pairs = before.chunks(PAIRS).zip(labels.chunks(PAIRS)).enumerate();
    // Equal pieces are compared fast.
    for (piece, (before, labels)) in pairs.filter(|(_, (before, labels))| before != labels) {
        let rows = before.iter().zip(labels).enumerate().filter(|(_, (old, new))| old != new);
        moved.extend(rows.map(|(i, (&old, _))| ((piece * PAIRS + i) as u32, old)));
    }
}

/// Whether sums are small enough beside the rows to be kept.
fn keeps_sums<T: Real>(block: &Block<T>, grid: Option<&Grid>, stepped: &Stepped<T>, n_runs: usize) -> bool {
    let bytes = grid.map_or(0, |grid| grid.sums_bytes(stepped.centroids.n_clusters()));
    4 * bytes * n_runs <= block.x.len() * size_of::<T>()
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
        memory.resize_with(self.n_runs, Kept::default);
        let grid = self.grid.filter(|_| block.weights.is_empty());
        let mut all = Vec::with_capacity(self.runs.len());
        for stepped in &self.runs {
            let (kept, k) = (&mut memory[stepped.run], stepped.centroids.n_clusters());
            kept.make_room(k, block.n_rows, self.drift(stepped.run).is_some());
            all.push((if self.sums { Sums::start(kept, grid, k, self.frame.d()) } else { Sums::None }, 0));
        }
        let mut work = self.work();
        self.spans(block, memory, &mut work, &mut all);
        let mut steps = Vec::with_capacity(all.len());
        for (stepped, (sums, changed)) in self.runs.iter().zip(all) {
            let kept = &mut memory[stepped.run];
            let sums = if sums.holds() { sums } else { self.plain(block, stepped, kept, &mut work.scratch) };
            let (sums, weights) = sums.finish(
                kept,
                self.pruning.is_some_and(Pruning::keeps_sums)
                    && keeps_sums(block, grid, stepped, self.n_runs),
            );
            let score = stepped.centroids.score_of(&sums, &weights);
            steps.push(Step { sums, weights, score, changed, finish: None });
        }
        if let Some(step) = steps.first_mut() {
            step.finish = self.finish(block, memory);
        }
        Ok(steps)
    }

    /// A product and an addition for each centroid and feature, and the addition to the sums.
    fn flops_per_row(&self, n_features: usize) -> f64 {
        let of_run = |c: &Centroids<T>| 2 * c.n_clusters() * n_features + usize::from(self.sums) * n_features;
        self.runs.iter().map(|stepped| of_run(&stepped.centroids)).sum::<usize>() as f64
    }

    fn rows_left_alone(&self) -> u64 {
        // Of several runs another one may have read them; the exact inertia reads them all.
        match (&self.runs[..], self.exact) {
            ([only], None) => only.left_alone.get(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::relocate::average;
    use super::super::run::Run;
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
        // Twice as far out as any row is.
        let largest = block.x.iter().map(|x| x.to_f64().abs()).fold(0.0, f64::max);
        let grid = Grid::new(&frame.shift, &vec![largest / 32.0; d], block.n_rows);
        let (mut bounded, mut pruning) = (Memory::new(), Pruning::always(k));
        let mut before_last = None;
        let mut centers: Vec<f64> = block.x[..k * d].iter().map(|x| x.to_f64()).collect();
        let (mut kept, mut before, mut used) = (Memory::new(), vec![0; block.n_rows], 0);
        for iteration in 0..12 {
            let pass =
                || StepPass::new(&frame, 1, vec![(0, frame.pack(&centers))], true).with_grid(Some(&grid));
            let mut run = Run::new(centers.clone());
            run.labelled_by = before_last.replace(centers.clone());
            pruning.advance(0, &frame, &run, 0);
            let (fast, plain) = (pass(), pass());
            let mut fresh = Memory::new();
            let mut step = plain.block(block, &mut fresh).unwrap().remove(0);
            let by_labels = fast.block(block, &mut kept).unwrap().remove(0);
            used += usize::from(fast.runs[0].neighbours.get().is_some() && !fast.runs[0].pace.failed.get());
            let by_bounds = pass().with_bounds(&pruning).block(block, &mut bounded).unwrap().remove(0);
            let labels = |memory: &Memory| {
                let mut labels = vec![0; block.n_rows];
                memory[0].labels.copy_to(0, &mut labels);
                labels
            };
            let after = labels(&fresh);
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            for (memory, other) in [(&kept, &by_labels), (&bounded, &by_bounds)] {
                assert_eq!(labels(memory), after, "iteration {iteration}");
                assert_eq!(bits(&other.sums), bits(&step.sums), "iteration {iteration}");
                assert_eq!(bits(&other.weights), bits(&step.weights), "iteration {iteration}");
                assert_eq!(other.score.to_bits(), step.score.to_bits(), "iteration {iteration}");
            }
            assert_eq!(by_bounds.changed, by_labels.changed);
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
