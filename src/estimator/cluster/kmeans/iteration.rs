//! One iteration of Lloyd's for every run that goes on.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::finish::Finish;
use super::frame::{CHUNK, Frame};
use super::kept::{Kept, Memory};
use super::pruning::Pruning;
use super::shorts::ShortMemory;
use super::stepped::{Span, Stepped, Work};
use super::sums::Sums;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::lloyd::{Centroids, Drift, FixedTally, Grid, Scratch, ShortRows};

/// Bytes of rows that are looked at twice: half a second-level cache.
const SPAN_BYTES: usize = 512 << 10;

/// What a block adds to one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    /// Sums of the shifted rows of each centroid `(k, d)`.
    pub(super) sums: Vec<f64>,
    /// Sums of their weights `(k,)`.
    pub(super) weights: Vec<f64>,
    /// Rows whose label changed.
    pub(super) changed: u64,
    /// What the last pass would find, should this iteration change nothing; where it was asked for.
    pub(super) finish: Option<Finish>,
}

impl Partial for Step {
    fn merge(&mut self, right: Self) {
        self.sums.merge(right.sums);
        self.weights.merge(right.weights);
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
    /// Buffers that all blocks share.
    work: RefCell<Work<T>>,
}

impl<'a, T: Real> StepPass<'a, T> {
    /// Steps the runs, given with their centroids, out of `n_runs`.
    pub(super) fn new(
        frame: &'a Frame<T>,
        n_runs: usize,
        runs: Vec<(usize, Centroids<T>)>,
        sums: bool,
    ) -> Self {
        Self {
            frame,
            n_runs,
            runs: runs.into_iter().map(|(run, centroids)| Stepped::new(run, centroids)).collect(),
            sums,
            exact: None,
            grid: None,
            pruning: None,
            work: RefCell::new(Work::new(frame.scratch())),
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

    /// Of each run that is stepped, the rows whose bounds this rank looked at, and those of them that were not held.
    pub(super) fn screened(&self) -> Vec<(u64, u64)> {
        self.runs.iter().map(|stepped| stepped.screened.get()).collect()
    }

    /// The weighted sum of the least scores of each run that is stepped, from the sums of all blocks.
    pub(super) fn scores(&self, totals: &[Step]) -> Vec<f64> {
        let of_run =
            |(stepped, total): (&Stepped<T>, &Step)| stepped.centroids.score_of(&total.sums, &total.weights);
        self.runs.iter().zip(totals).map(of_run).collect()
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
            memory.runs[stepped.run].labels.copy_to(first, labels);
            self.frame.distances(&rows, centers, labels, distances);
            finish.add(&rows, labels, &[], distances);
        }
        Some(finish)
    }

    /// Steps every run through the block, span by span.
    fn spans<'s>(
        &'s self,
        block: &Block<T>,
        memory: &mut Memory,
        work: &mut Work<T>,
        all: &mut [(Sums<'s>, u64)],
    ) {
        let Memory { runs, short } = memory;
        let store = self.pruning.map(Pruning::short_memory);
        let short = store.as_ref().zip(short.as_ref());
        // Runs with bounds do not go by them.
        let goes_by = |stepped: &&Stepped<T>| self.drift(stepped.run).is_none();
        let in_short =
            |stepped| Some(stepped).filter(goes_by).zip(short).map(|(s, (_, cut))| s.in_short(cut.steps()));
        let in_short: Vec<_> = self.runs.iter().map(in_short).collect();
        let short = short.map(|(store, cut)| store.rows(cut));
        for (first, rows) in self.frame.pieces(block, self.span()) {
            for ((stepped, (sums, changed)), in_short) in self.runs.iter().zip(all.iter_mut()).zip(&in_short)
            {
                let (kept, drift) = (&mut runs[stepped.run], self.drift(stepped.run));
                let span = Span { frame: self.frame, first, rows, short: short.zip(in_short.as_deref()) };
                *changed += stepped.step(&span, work, kept, sums, drift);
            }
        }
    }

    /// The only run, if rows that it does not read are not read at all: of several another one may read them, and the
    /// exact inertia reads them all.
    fn alone(&self) -> Option<&Stepped<T>> {
        match (&self.runs[..], self.exact) {
            ([only], None) => Some(only),
            _ => None,
        }
    }

    /// Keeps the block's rows in sixteen bits, when a run without bounds is to label them.
    fn keep_short(&self, block: &Block<T>, memory: &mut Memory, scratch: &mut Scratch<T>) {
        let Some(pruning) = self.pruning.filter(|_| memory.short.is_none()) else { return };
        let pays = |stepped: &Stepped<T>| {
            self.drift(stepped.run).is_none()
                && ShortMemory::suits(block.n_rows, stepped.centroids.n_clusters())
        };
        if self.runs.iter().any(pays) {
            memory.short = pruning.cut(block, &self.frame.shift, scratch);
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
        let rows = (SPAN_BYTES / (self.frame.d() * size_of::<T>())).max(CHUNK);
        rows.next_multiple_of(ShortRows::TILE)
    }
}

/// Whether sums are small enough beside the rows to be kept.
fn keeps_sums<T: Real>(block: &Block<T>, grid: Option<&Grid>, stepped: &Stepped<T>, n_runs: usize) -> bool {
    let bytes = grid.map_or(0, |_| FixedTally::bytes(stepped.centroids.n_clusters(), block.n_features));
    bytes * n_runs <= block.x.len() * size_of::<T>()
}

impl<T: Real> Pass<T> for StepPass<'_, T> {
    type Partial = Vec<Step>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<Step>> {
        memory.runs.resize_with(self.n_runs, Kept::default);
        let grid = self.grid.filter(|_| block.weights.is_empty());
        let mut all = Vec::with_capacity(self.runs.len());
        for stepped in &self.runs {
            let (kept, k) = (&mut memory.runs[stepped.run], stepped.centroids.n_clusters());
            kept.make_room(k, block.n_rows, self.drift(stepped.run).is_some());
            all.push((if self.sums { Sums::start(kept, grid, k, self.frame.d()) } else { Sums::None }, 0));
        }
        let work = &mut *self.work.borrow_mut();
        self.keep_short(block, memory, &mut work.scratch);
        self.spans(block, memory, work, &mut all);
        let mut steps = Vec::with_capacity(all.len());
        for (stepped, (sums, changed)) in self.runs.iter().zip(all) {
            let kept = &mut memory.runs[stepped.run];
            let sums = if sums.holds() { sums } else { self.plain(block, stepped, kept, &mut work.scratch) };
            let (sums, weights) = sums.finish(
                self.frame.isa,
                kept,
                self.pruning.is_some_and(Pruning::keeps_sums)
                    && keeps_sums(block, grid, stepped, self.n_runs),
            );
            steps.push(Step { sums, weights, changed, finish: None });
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

    fn bytes_spared(&self) -> u64 {
        self.alone().map_or(0, |only| only.spared.get())
    }

    fn rows_left_alone(&self) -> u64 {
        self.alone().map_or(0, |only| only.left_alone.get())
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
        let (mut bounded, mut pruning) = (Memory::default(), Pruning::always(k));
        let (mut in_short, shortening) = (Memory::default(), Pruning::short(block.n_rows, d));
        let mut before_last = None;
        let mut centers: Vec<f64> = block.x[..k * d].iter().map(|x| x.to_f64()).collect();
        let (mut kept, mut before, mut used) = (Memory::default(), vec![0; block.n_rows], 0);
        for iteration in 0..12 {
            let pass =
                || StepPass::new(&frame, 1, vec![(0, frame.pack(&centers))], true).with_grid(Some(&grid));
            let mut run = Run::new(centers.clone());
            run.labelled_by = before_last.replace(centers.clone());
            let (fast, plain) = (pass(), pass());
            let mut fresh = Memory::default();
            let mut step = plain.block(block, &mut fresh).unwrap().remove(0);
            let by_labels = fast.block(block, &mut kept).unwrap().remove(0);
            used += usize::from(fast.runs[0].neighbours.get().is_some() && !fast.runs[0].pace.failed.get());
            let labels = |memory: &Memory| {
                let mut labels = vec![0; block.n_rows];
                memory.runs[0].labels.copy_to(0, &mut labels);
                labels
            };
            let after = labels(&fresh);
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            let same = |memory: &Memory, other: &Step| {
                assert_eq!(labels(memory), after, "iteration {iteration}");
                assert_eq!(bits(&other.sums), bits(&step.sums), "iteration {iteration}");
                assert_eq!(bits(&other.weights), bits(&step.weights), "iteration {iteration}");
                assert_eq!(other.changed, by_labels.changed, "iteration {iteration}");
            };
            same(&kept, &by_labels);
            pruning.advance(0, &frame, &run, 0);
            let by_bounds = pass().with_bounds(&pruning).block(block, &mut bounded).unwrap().remove(0);
            same(&bounded, &by_bounds);
            let short = pass().with_bounds(&shortening).block(block, &mut in_short).unwrap().remove(0);
            same(&in_short, &short);
            assert_eq!(in_short.short.is_some(), ShortMemory::suits(block.n_rows, k));
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
    fn bounds_that_ended_begin_again_from_nothing() {
        let (n, k, d) = (3000, 12, 20);
        let block = block::<f64>(n, d, k, 20.0, false, false);
        let frame = Frame { shift: vec![0.0; d], isa: Isa::best() };
        let (mut memory, mut pruning) = (Memory::default(), Pruning::short(n, d));
        let mut centers = block.x[..k * d].to_vec();
        let mut run = Run::new(centers.clone());
        let mut held = Vec::new();
        for iteration in 0..9 {
            match iteration {
                // As many are open as to drop them.
                3 => pruning.learn::<f64>(0, k, d, (1000, 999), 0.5),
                0 | 5 => pruning.begin(k),
                _ => pruning.advance(0, &frame, &run, 0),
            }
            let pass = || StepPass::new(&frame, 1, vec![(0, frame.pack(&centers))], true);
            let by_bounds = pass().with_bounds(&pruning);
            by_bounds.block(&block, &mut memory).unwrap();
            let mut fresh = Memory::default();
            pass().block(&block, &mut fresh).unwrap();
            let labels = |memory: &Memory| {
                let mut labels = vec![0; n];
                memory.runs[0].labels.copy_to(0, &mut labels);
                labels
            };
            assert_eq!(labels(&memory), labels(&fresh), "iteration {iteration}");
            let (rows, open) = by_bounds.screened()[0];
            held.push(rows - open);
            // Centroids that go on far enough for bounds of before to be wrong.
            run.labelled_by = Some(centers.clone());
            for (c, center) in centers.chunks_exact_mut(d).enumerate() {
                center.iter_mut().for_each(|v| *v += 0.4 * ((c + iteration) as f64).sin());
            }
            run.centers.clone_from(&centers);
        }
        // Those that begin hold no row, and others do.
        assert!(held[0] == 0 && held[3..6] == [0; 3] && held[6] > 0, "{held:?}");
    }

    #[test]
    fn bytes_are_spared_where_sixteen_bits_tell_the_label() {
        // Too few clusters to go by old labels instead.
        let (n, k, d) = (2000, 6, 20);
        let block = block::<f64>(n, d, k, 20.0, false, false);
        let frame = Frame { shift: vec![0.0; d], isa: Isa::best() };
        let grid = Grid::new(&frame.shift, &vec![5.0; d], n);
        let (pruning, mut memory) = (Pruning::short(n, d), Memory::default());
        let mut spared = || {
            let centroids = vec![(0, frame.pack(&block.x[..k * d]))];
            let pass = StepPass::new(&frame, 1, centroids, true).with_grid(Some(&grid)).with_bounds(&pruning);
            pass.block(&block, &mut memory).unwrap();
            pass.bytes_spared()
        };
        assert_eq!(spared(), 0, "the first iteration cuts the rows and sums them");
        // Eight bytes a feature less two, and the length.
        let of_row = (8 * d - (2 * d + 4)) as u64;
        let of_all = spared();
        assert_eq!(of_all % of_row, 0);
        let told = of_all / of_row;
        assert!(told > 9 * n as u64 / 10 && told <= n as u64, "{told} of {n} rows");
    }

    #[test]
    fn labels_are_gone_by_where_that_pays_only() {
        assert!(check(&block::<f64>(4000, 20, 12, 20.0, false, false), 100, Isa::best()) > 8);
        assert_eq!(check(&block::<f64>(4000, 20, 1, 0.0, false, false), 100, Isa::best()), 0);
    }
}
