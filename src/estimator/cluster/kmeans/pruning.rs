//! What lets an iteration leave rows alone: the ways of the centroids, and a grid for the sums.

use std::cell::{Ref, RefCell};

use super::frame::Frame;
use super::params::KMeans;
use super::run::{Run, State};
use super::shorts::{Cut, ShortMemory};
use super::stepped::in_single;
use crate::data::Block;
use crate::engine::pass::PassEngine;
use crate::kernel::Real;
use crate::kernel::lloyd::{Bounds, Drift, FixedTally, Grid, Scratch};

/// Sums of more rows than that would lose too many bits on the grid.
const MOST_ROWS: usize = 1 << 22;

/// Fewer rows are summed in their order, as scikit-learn does: whether rows lie on their mean is decided alike.
const FEWEST_ROWS: u64 = 10_000;

/// Bounds begin where settling so many times the rows that changed is cheaper than scoring all: about as many will be
/// open at first, measured on blobs, overlapping blobs and uniform data. Late in a run there may be a thousand.
const OPEN_PER_CHANGED: f64 = 25.0;

/// Whether settling `open` of `n` rows is cheaper than scoring all with `k` centroids.
///
/// In tenths of a nanosecond for 20 features, as measured on Zen 4: an open row is fetched from memory by itself,
/// measured, sorted and turned, and scored with a few centroids or all.
pub(super) fn settling_pays<T>(open: u64, n: u64, k: usize) -> bool {
    let (k, size) = (k as u64, size_of::<T>() as u64);
    let of_all = if in_single::<T>(k as usize) { size_of::<f32>() as u64 } else { size };
    (400 + k * size * 5 / 6) * open < (40 + k * of_all) * n
}

/// Whether settling `open` of `n` rows of `d` features is cheaper than scoring all in sixteen bits.
///
/// In tenths of a nanosecond, as measured on Zen 4 and Golden Cove.
fn settling_beats_short<T>(open: u64, n: u64, k: usize, d: usize) -> bool {
    let (k, d, size) = (k as u64, d as u64, size_of::<T>() as u64);
    let of_open = 250 + d * size + k * d * size / 24;
    // Tiles of many features are larger than the first-level cache.
    let of_tile = if d > FEATURES_OF_TILE { 2 } else { 1 };
    let of_all = (3 + d * 3 / 2).max((6 + k * (2 + d) / 10) * of_tile);
    of_open * open < of_all * n
}

/// Up to so many features a tile stays in the first-level cache.
const FEATURES_OF_TILE: u64 = 128;

/// The ways of every run's centroids, where bounds are kept.
pub(super) struct Pruning {
    /// Whether bounds may be kept.
    allowed: bool,
    /// Whether rows may be kept in sixteen bits beside them, and these.
    keeps_short: bool,
    short: RefCell<ShortMemory>,
    /// Whether it is time to cut rows, and how many iterations may come in all.
    cuts: bool,
    max_iter: usize,
    /// From the iteration on in which a run's bounds begin, until they do not pay any more.
    drifts: Vec<Option<Drift>>,
    /// How many rows of each run are open, to be expected, for each that changes.
    open_per_changed: Vec<f64>,
}

/// Bytes that a rank would have to keep.
struct Needs {
    bounds: u64,
    sums: u64,
    short: u64,
}

impl Pruning {
    /// For runs of so many clusters. Bounds are kept where all rows stay in memory, bounds of all runs take at most
    /// half as much, and there is room for these and for the sums of the blocks, of which those that take no more than
    /// their rows are kept.
    pub(super) fn new<T: Real>(
        sizes: impl Iterator<Item = usize>,
        max_iter: usize,
        engine: &PassEngine<'_, T>,
    ) -> Self {
        let (d, block_rows) = (engine.shape().n_features, engine.shape().block_rows);
        let sizes: Vec<usize> = sizes.collect();
        let row_bytes = (d * size_of::<T>()) as u64;
        let short = ShortMemory::new(engine.n_owned(), block_rows, d);
        let needs = Needs::of(&sizes, engine.most_rows(), block_rows, d, row_bytes, short.bytes());
        let (rows, spare) = (engine.most_rows().saturating_mul(row_bytes), engine.spare_bytes());
        let allowed = engine.all_resident() && needs.fit(rows, spare);
        let keeps_short = allowed && needs.all_fit(spare);
        let (short, drifts) = (RefCell::new(short), vec![None; sizes.len()]);
        let open_per_changed = vec![OPEN_PER_CHANGED; sizes.len()];
        let cuts = sizes.iter().any(|&k| ShortMemory::pays(k, 0, max_iter));
        Self { allowed, keeps_short, short, cuts, max_iter, drifts, open_per_changed }
    }

    /// Bounds of one run of `k` clusters from the start.
    #[cfg(test)]
    pub(super) fn always(k: usize) -> Self {
        let drifts = vec![Some(Drift::new(k))];
        Self {
            allowed: true,
            keeps_short: false,
            short: RefCell::default(),
            cuts: false,
            max_iter: 0,
            drifts,
            open_per_changed: vec![OPEN_PER_CHANGED],
        }
    }

    /// Begins bounds of the only run, of `k` clusters.
    #[cfg(test)]
    pub(super) fn begin(&mut self, k: usize) {
        self.drifts = vec![Some(Drift::new(k))];
    }

    /// A block of `n` rows in sixteen bits, and no bounds.
    #[cfg(test)]
    pub(super) fn short(n: usize, d: usize) -> Self {
        let short = RefCell::new(ShortMemory::new(1, n, d));
        let (drifts, open_per_changed) = (vec![None], vec![OPEN_PER_CHANGED]);
        Self { allowed: true, keeps_short: true, short, cuts: true, max_iter: 0, drifts, open_per_changed }
    }

    /// Whether blocks' sums may be kept, as bounds may.
    pub(super) fn keeps_sums(&self) -> bool {
        self.allowed
    }

    /// Cuts a block's rows, taken relative to `shift`, where they may be kept.
    pub(super) fn cut<T: Real>(
        &self,
        block: &Block<T>,
        shift: &[T],
        scratch: &mut Scratch<T>,
    ) -> Option<Cut> {
        (self.keeps_short && self.cuts).then(|| self.short.borrow_mut().cut(block, shift, scratch))?
    }

    /// The rows that were cut.
    pub(super) fn short_memory(&self) -> Ref<'_, ShortMemory> {
        self.short.borrow()
    }

    /// The ways of a run's centroids, where it keeps bounds.
    pub(super) fn drift(&self, run: usize) -> Option<&Drift> {
        self.drifts[run].as_ref()
    }

    /// Adds the way from the centroids that gave run `i` its labels to those it has now; or decides whether it is time for
    /// bounds, or to cut rows. That is about work, never about results.
    pub(super) fn advance<T: Real>(&mut self, i: usize, frame: &Frame<T>, run: &Run, n_samples: u64) {
        let k = run.centers.len() / frame.d();
        match (&mut self.drifts[i], &run.labelled_by, run.history.last()) {
            (Some(drift), Some(before), _) => drift.advance(&frame.pack(before), &frame.pack(&run.centers)),
            (drift @ None, Some(_), Some(last)) if self.allowed && k > 1 => {
                let (d, done) = (frame.d(), run.history.len());
                let open = (self.open_per_changed[i] * last.n_changed as f64) as u64;
                // How many will be open is a guess, and bounds have to be made first.
                let pays = settling_pays::<T>(open, n_samples, k)
                    && (!self.keeps_short || settling_beats_short::<T>(2 * open, n_samples, k, d));
                *drift = pays.then(|| Drift::new(k));
                self.cuts |= !pays && ShortMemory::pays(k, done, self.max_iter);
            }
            _ => {}
        }
    }

    /// Learns from an iteration in which this rank found so many of so many rows of run `i` open, and the `changed` part of all
    /// rows had another label: whether its bounds are kept on, and when it may be time for others. That is about work, never
    /// about results, so ranks may differ.
    pub(super) fn learn<T: Real>(
        &mut self,
        i: usize,
        k: usize,
        d: usize,
        (rows, open): (u64, u64),
        changed: f64,
    ) {
        // Where none is held, bounds have only just begun.
        if rows == 0 || open == rows {
            return;
        }
        let seen = open as f64 / rows as f64 / changed.max(1.0 / rows as f64);
        self.open_per_changed[i] = self.open_per_changed[i].max(seen);
        if self.keeps_short && !settling_beats_short::<T>(open, rows, k, d) {
            self.drifts[i] = None;
        }
    }

    /// The grid of the sums: of the data alone, not of what is kept. Few rows gain nothing by it and are summed in order.
    pub(super) fn grid<T: Real>(
        &self,
        state: &State,
        frame: &Frame<T>,
        engine: &PassEngine<'_, T>,
    ) -> Option<Grid> {
        let rows = engine.shape().block_rows;
        let many = engine.shape().n_samples >= FEWEST_ROWS;
        (many && rows <= MOST_ROWS).then(|| Grid::new(&frame.shift, &state.deviations, rows))
    }
}

impl KMeans {
    /// Bytes that a fit keeps beside labels of a rank's `n_blocks` blocks of `block_rows` rows with `d` features of
    /// `bytes` each, where all of them stay in memory and `spare` bytes are left: bounds, the sums of blocks, and the rows in
    /// sixteen bits.
    pub fn kept_bytes(&self, [n_blocks, block_rows, d, bytes]: [usize; 4], spare: u64) -> u64 {
        let (sizes, rows) = (self.run_sizes().collect::<Vec<_>>(), n_blocks as u64 * block_rows as u64);
        let row_bytes = (d * bytes) as u64;
        let short = ShortMemory::new(n_blocks, block_rows, d).bytes();
        let needs = Needs::of(&sizes, rows, block_rows, d, row_bytes, short);
        if !needs.fit(rows.saturating_mul(row_bytes), spare) {
            return 0;
        }
        let cuts =
            needs.all_fit(spare) && sizes.iter().any(|&k| ShortMemory::pays(k, 0, self.params.max_iter));
        needs.bounds + needs.sums + if cuts { needs.short } else { 0 }
    }
}

impl Needs {
    /// Of runs of `sizes` over at most `rows` rows of `d` features and `row_bytes`, in blocks of `block_rows`.
    fn of(sizes: &[usize], rows: u64, block_rows: usize, d: usize, row_bytes: u64, short: u64) -> Self {
        let of_block = sizes.iter().map(|&k| FixedTally::bytes(k, d) as u64).sum::<u64>();
        Self {
            bounds: rows.saturating_mul(sizes.len() as u64 * Bounds::ROW_BYTES),
            sums: rows.saturating_mul(of_block.div_ceil(block_rows.max(1) as u64).min(row_bytes)),
            short,
        }
    }

    /// Whether bounds and sums are kept, of rows of so many bytes, where there is room for `spare` bytes.
    fn fit(&self, rows: u64, spare: u64) -> bool {
        self.bounds.saturating_mul(2) <= rows && self.bounds.saturating_add(self.sums) <= spare
    }

    /// Whether there is room for rows in sixteen bits beside bounds and sums.
    fn all_fit(&self, spare: u64) -> bool {
        self.bounds.saturating_add(self.sums).saturating_add(self.short) <= spare
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept_only_where_the_memory_has_room() {
        let needs = Needs { bounds: 80, sums: 20, short: 50 };
        assert!(!needs.fit(1600, 99));
        assert!(needs.fit(1600, 100));
        assert!(needs.all_fit(150) && !needs.all_fit(149));
        // Rows of a single feature are read as soon as their bounds.
        assert!(!needs.fit(159, u64::MAX));
        assert!(needs.fit(160, u64::MAX));
        let vast = Needs { bounds: u64::MAX / 2, sums: u64::MAX, short: u64::MAX };
        assert!(!vast.fit(u64::MAX, u64::MAX - 1));
    }

    #[test]
    fn bounds_end_where_too_many_rows_are_open_and_wait_for_fewer() {
        let mut pruning = Pruning { keeps_short: true, ..Pruning::always(12) };
        pruning.learn::<f64>(0, 12, 20, (1000, 1000), 0.001);
        assert!(pruning.drifts[0].is_some(), "they have only just begun");
        pruning.learn::<f64>(0, 12, 20, (1000, 10), 0.001);
        assert!(pruning.drifts[0].is_some() && pruning.open_per_changed == [OPEN_PER_CHANGED]);
        pruning.learn::<f64>(0, 12, 20, (1000, 200), 0.001);
        assert!(pruning.drifts[0].is_none() && pruning.open_per_changed == [200.0]);
    }

    #[test]
    fn settling_pays_while_few_rows_are_open() {
        for k in [2, 12, 100, 1000] {
            assert!(settling_pays::<f64>(0, 1, k) && !settling_pays::<f64>(1, 1, k), "{k} clusters");
            assert!(settling_pays::<f32>(0, 1, k) && !settling_pays::<f32>(3, 2, k), "{k} clusters");
            for d in [1, 20, 300] {
                let beats = |open| settling_beats_short::<f64>(open, 1000, k, d);
                assert!(beats(0) && !beats(1000), "{k} clusters, {d} features");
            }
        }
    }
}
