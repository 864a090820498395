//! One run's way through a span of rows: their labels by the cheapest way that gives those of all scores.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::frame::Frame;
use super::kept::Kept;
use super::pruning::settling_pays;
use super::sums::Sums;
use crate::kernel::Real;
use crate::kernel::lloyd::{
    BoundsMut, Centroids, Drift, Neighbours, Rows, Scale, Scratch, ShortCentroids, ShortRows,
    SingleCentroids, Steps, assign, assign_bounded, assign_short, assign_single, reassign, screen, settle,
};

/// Fewer clusters are all scored sooner than a row is looked at.
const FEWEST_CLUSTERS: usize = 8;

/// Rows of a cluster that fill the lanes when rows are scored cluster by cluster.
const ROWS_OF_CLUSTER: usize = 16;

/// Scores of so many clusters in double precision take longer than rows from memory: then it pays to make rows single.
const SINGLE_CLUSTERS: usize = 40;

/// Where more rows than one in so many have to be scored again, single precision is not tried further.
const FEW_UNSURE: usize = 4;

/// Where going by old labels does not pay, every so many spans it is tried again.
const TRY_EVERY: usize = 64;

/// Whether rows of type `T` are scored in single precision first.
pub(super) fn in_single<T>(k: usize) -> bool {
    size_of::<T>() > size_of::<f32>() && k >= SINGLE_CLUSTERS
}

/// Rows of a block that are looked at together.
pub(super) struct Span<'a, T> {
    pub(super) frame: &'a Frame<T>,
    /// The first of them within the block.
    pub(super) first: usize,
    pub(super) rows: Rows<'a, T>,
    /// All rows of the block in sixteen bits and the run's centroids for them, where they are kept.
    pub(super) short: Option<(ShortRows<'a>, &'a ShortCentroids)>,
}

/// A run that is stepped.
pub(super) struct Stepped<T> {
    pub(super) run: usize,
    pub(super) centroids: Centroids<T>,
    /// The same in single precision, for rows in double precision.
    single: OnceCell<SingleCentroids<f32>>,
    /// Single precision, or sixteen bits, do not tell enough rows apart.
    too_coarse: Cell<bool>,
    too_short: Cell<bool>,
    /// The centroids for rows in sixteen bits, and the scale that these had.
    in_short: RefCell<Option<(Arc<Scale>, Rc<ShortCentroids>)>>,
    /// Measured when the first rows have a label.
    pub(super) neighbours: OnceCell<Neighbours>,
    pub(super) pace: Pace,
    /// Rows whose bounds were looked at, and those of them that were not held.
    pub(super) screened: Cell<(u64, u64)>,
    /// Rows that were not read, because their bounds held and their sums were kept.
    pub(super) left_alone: Cell<u64>,
    /// Bytes that were not read, because rows in sixteen bits are shorter.
    pub(super) spared: Cell<u64>,
}

/// Buffers of a block.
pub(super) struct Work<T> {
    pub(super) scratch: Scratch<T>,
    /// Labels of the rows of a span, and those they had.
    labels: Vec<u32>,
    before: Vec<u32>,
    /// Rows of a span whose label changed, and the label they had.
    moved: Vec<(u32, u32)>,
}

impl<T> Work<T> {
    pub(super) fn new(scratch: Scratch<T>) -> Self {
        Self { scratch, labels: Vec::new(), before: Vec::new(), moved: Vec::new() }
    }
}

impl<T: Real> Stepped<T> {
    /// Run number `run` with the centroids that it has now.
    pub(super) fn new(run: usize, centroids: Centroids<T>) -> Self {
        Self {
            run,
            centroids,
            single: OnceCell::new(),
            too_coarse: Cell::new(false),
            too_short: Cell::new(false),
            in_short: RefCell::default(),
            neighbours: OnceCell::new(),
            pace: Pace::default(),
            screened: Cell::default(),
            left_alone: Cell::new(0),
            spared: Cell::new(0),
        }
    }

    /// The centroids for rows in these steps: mostly those of the block before.
    pub(super) fn in_short(&self, steps: &Steps) -> Rc<ShortCentroids> {
        let mut last = self.in_short.borrow_mut();
        match &*last {
            Some((scale, centroids)) if Arc::ptr_eq(scale, steps.scale()) => Rc::clone(centroids),
            _ => {
                let centroids = Rc::new(ShortCentroids::new(&self.centroids, steps.scale()));
                *last = Some((Arc::clone(steps.scale()), Rc::clone(&centroids)));
                centroids
            }
        }
    }

    fn neighbours(&self) -> &Neighbours {
        self.neighbours.get_or_init(|| Neighbours::new(&self.centroids))
    }

    /// Labels the rows, keeps `sums` up with the labels, and returns how many changed.
    pub(super) fn step(
        &self,
        span: &Span<'_, T>,
        work: &mut Work<T>,
        kept: &mut Kept,
        sums: &mut Sums<'_>,
        drift: Option<&Drift>,
    ) -> u64 {
        let (first, n) = (span.first, span.rows.len());
        let known = kept.labels.len() >= first + n;
        work.labels.resize(n, 0);
        work.moved.clear();
        if known {
            kept.labels.copy_to(first, &mut work.labels);
        }
        let summed = match drift {
            Some(drift) => {
                let mut bounds = kept.bounds.part(first, n);
                self.by_bounds(span, known, work, &mut bounds, drift, sums)
            }
            None => self.by_labels(span, known, work, sums),
        };
        let Work { scratch, labels, moved, .. } = work;
        if !summed {
            sums.keep_up(span.frame, &self.centroids, &span.rows, scratch, labels, moved);
        }
        if known { kept.labels.change(first, labels, moved) } else { kept.labels.update(first, labels) }
    }

    /// Labels by the bounds that rows have. Returns whether the rows were summed, too.
    fn by_bounds(
        &self,
        span: &Span<'_, T>,
        known: bool,
        work: &mut Work<T>,
        bounds: &mut BoundsMut<'_>,
        drift: &Drift,
        sums: &mut Sums<'_>,
    ) -> bool {
        let (n, k, c) = (span.rows.len(), self.centroids.n_clusters(), &self.centroids);
        let known_of_all = (self.neighbours(), drift);
        if known {
            let Work { scratch, labels, moved, .. } = work;
            let open = screen(c, known_of_all, scratch, labels, bounds);
            let (rows, open_before) = self.screened.get();
            self.screened.set((rows + n as u64, open_before + open as u64));
            let few = settling_pays::<T>(open as u64, n as u64, k);
            if few && !sums.takes_all() {
                self.left_alone.set(self.left_alone.get() + (n - open) as u64);
            }
            if open == 0 {
                return false;
            }
            if few || self.pace.tries_again(k) {
                let cost = settle(&span.rows, c, known_of_all, scratch, labels, bounds, moved);
                if !few {
                    let size_of_score = if in_single::<T>(k) { size_of::<f32>() } else { size_of::<T>() };
                    self.pace.tried(cost * size_of::<T>() < n * k * size_of_score);
                }
                return false;
            }
        }
        self.score_all(span, known, work, Some((bounds, drift)), sums)
    }

    /// Labels by the labels that rows have, if they have any. Returns whether the rows were summed, too.
    fn by_labels(&self, span: &Span<'_, T>, known: bool, work: &mut Work<T>, sums: &mut Sums<'_>) -> bool {
        let (n, k, c) = (span.rows.len(), self.centroids.n_clusters(), &self.centroids);
        // Sixteen bits tell labels sooner than those that rows had.
        let in_short = span.short.is_some() && !self.too_short.get();
        if in_short || !(known && self.pace.tries(n, k)) {
            return self.score_all(span, known, work, None, sums);
        }
        let Work { scratch, labels, moved, before } = work;
        before.clone_from(labels);
        self.pace.tried(reassign(&span.rows, c, self.neighbours(), scratch, labels) < n * k);
        list_moved(before, labels, moved);
        false
    }

    /// Labels by all scores, with bounds where they are kept. Returns whether the rows were summed, too.
    fn score_all(
        &self,
        span: &Span<'_, T>,
        known: bool,
        work: &mut Work<T>,
        mut bounds: Option<(&mut BoundsMut<'_>, &Drift)>,
        sums: &mut Sums<'_>,
    ) -> bool {
        let Work { scratch, labels, moved, before } = work;
        let (n, frame) = (labels.len(), span.frame);
        before.clone_from(labels);
        // What was kept for rows that have a label already may have to be summed again, from rows near at hand.
        let whole = sums.takes_all() && !(known && bounds.is_some());
        let size = if whole { frame.tiles() } else { n };
        for (at, rows) in frame.split(span.rows, size) {
            let labels = &mut labels[at..at + rows.len()];
            let bounds = bounds.as_mut().map(|(bounds, drift)| (bounds.part(at, rows.len()), *drift));
            let short = span.short.map(|(short, of_run)| (short, of_run, span.first + at));
            let spared = self.score(&rows, short, bounds, scratch, labels);
            if !sums.takes_all() {
                self.spared.set(self.spared.get() + spared);
            }
            if whole {
                sums.keep_up(frame, &self.centroids, &rows, scratch, labels, &[]);
            }
        }
        if known {
            list_moved(before, labels, moved);
        }
        whole
    }

    /// Scores rows: first in sixteen bits where they are kept so, else in single precision where that is faster, as long
    /// as it tells most of them apart. Returns how many bytes less were read.
    fn score(
        &self,
        rows: &Rows<'_, T>,
        short: Option<(ShortRows<'_>, &ShortCentroids, usize)>,
        bounds: Option<(BoundsMut<'_>, &Drift)>,
        scratch: &mut Scratch<T>,
        labels: &mut [u32],
    ) -> u64 {
        let c = &self.centroids;
        let narrows = in_single::<T>(c.n_clusters()) && !self.too_coarse.get();
        match (bounds, short.filter(|_| !self.too_short.get())) {
            (None, Some((short, in_short, first))) => {
                let unsure = assign_short(rows, c, (short, first), in_short, scratch, labels);
                self.too_short.set(FEW_UNSURE * unsure > rows.len());
                let d = rows.n_features;
                let spared = (d * size_of::<T>()).saturating_sub(ShortRows::row_bytes(d));
                return ((rows.len() - unsure) * spared) as u64;
            }
            (mut bounds, _) if narrows => {
                let known = bounds.as_mut().map(|(bounds, drift)| (self.neighbours(), *drift, bounds));
                let single = self.single.get_or_init(|| c.in_single());
                let unsure = assign_single(rows, c, single, known, scratch, labels);
                self.too_coarse.set(FEW_UNSURE * unsure > rows.len());
            }
            (Some((mut bounds, drift)), _) => {
                assign_bounded(rows, c, (self.neighbours(), drift), scratch, labels, &mut bounds);
            }
            (None, _) => assign(rows, c, scratch, labels, None),
        }
        0
    }
}

/// Lists the rows whose label changed with those they had.
fn list_moved(before: &[u32], labels: &[u32], moved: &mut Vec<(u32, u32)>) {
    moved.resize(before.len(), (0, 0));
    let mut n = 0;
    // Every row is written down, and the next takes its place if it stayed: there is nothing to guess.
    for (i, (&old, &new)) in before.iter().zip(labels).enumerate() {
        moved[n] = (i as u32, old);
        n += usize::from(old != new);
    }
    moved.truncate(n);
}

/// Whether to go by the rows' old labels. Either way gives the same labels, so each rank may find out for itself.
#[derive(Default)]
pub(super) struct Pace {
    /// The last try cost more than it saved.
    pub(super) failed: Cell<bool>,
    skipped: Cell<usize>,
}

impl Pace {
    /// Whether to try with these `n` rows of `k` clusters; after a failure now and then.
    fn tries(&self, n: usize, k: usize) -> bool {
        n >= k * ROWS_OF_CLUSTER && self.tries_again(k)
    }

    /// Whether to try with whatever rows; after a failure now and then.
    fn tries_again(&self, k: usize) -> bool {
        if k < FEWEST_CLUSTERS {
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
