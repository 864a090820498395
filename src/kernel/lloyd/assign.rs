//! The nearest centroid of each row, by the fastest body that the machine has.

use super::bounds::{BoundsMut, Drift};
use super::neighbours::Neighbours;
use super::packed::Centroids;
use super::reassign::Buckets;
use super::run::{
    run_add, run_assign, run_assign_all, run_assign_listed, run_assign_single, run_cut, run_narrow,
    run_reassign, run_screen, run_settle,
};
use super::short_centroids::ShortCentroids;
use super::short_scores;
use super::shorts::{Extent, Scale, ShortRows};
use super::single::SingleCentroids;
use super::tile::{Ahead, Tile};
use super::vector::Lanes;
use super::{Rows, Tally};
use crate::kernel::Isa;
use crate::kernel::Real;

/// Buffers that calls of [`assign`] and [`reassign`] share, and the instruction set they run on.
pub struct Scratch<T> {
    isa: Isa,
    tile: Tile<T>,
    /// Rows and scores in single precision.
    narrow: Vec<f32>,
    single: Tile<f32>,
    /// Rows whose label single precision does not tell.
    unsure: Vec<u32>,
    buckets: Buckets,
    d: usize,
}

impl<T: Real> Scratch<T> {
    /// Buffers for rows of `d` features. All instruction sets give the same bits.
    pub fn new(d: usize, isa: Isa) -> Self {
        let (tile, single, narrow) = (Tile::new(d), Tile::new(d), Vec::new());
        Self { isa: isa.checked(), tile, narrow, single, unsure: Vec::new(), buckets: Buckets::default(), d }
    }
}

/// Writes rows in steps of the scale, tile by tile; raises `extent` to theirs.
///
/// `steps` has room for the rows, and there are as many features as in the scale: both are checked by the caller.
pub(super) fn cut_rows<T: Real>(
    rows: &Rows<'_, T>,
    shift: &[T],
    scale: &Scale,
    scratch: &mut Scratch<T>,
    extent: &mut Extent<T>,
    steps: &mut [i32],
) {
    let d = shift.len();
    assert!(scratch.d == d && rows.n_features == d && scale.n_features() == d, "rows of {d} features");
    for (t, steps) in steps.chunks_exact_mut(ShortRows::size(1, d)).enumerate() {
        let mut first = t * ShortRows::TILE;
        for at in (0..ShortRows::TILE).step_by(T::TILE_ROWS) {
            let n = T::TILE_ROWS.min(rows.len().saturating_sub(first));
            if n > 0 {
                let rows = rows.part(first, n);
                // SAFETY: the sizes have just been checked: a tile has room for the rows.
                unsafe { run_cut(scratch.isa, &rows, shift, scale, &mut scratch.tile, extent, (steps, at)) };
            }
            first += n;
        }
    }
}

/// Writes each row's nearest centroid (ties to the lowest) to `labels` and adds the rows to `tally` if there is one.
///
/// Costs `n·k·d` multiply-adds; reads the rows once.
///
/// # Panics
/// When sizes do not match.
pub fn assign<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
    tally: Option<&mut Tally>,
) {
    check(rows, centroids, scratch, labels, tally.as_deref());
    // SAFETY: the sizes have just been checked, and no scores are wanted.
    unsafe { run_assign(scratch.isa, rows, centroids, &mut scratch.tile, labels, &mut [], tally) }
}

/// As [`assign`] without sums; also writes each row's least score ½‖c−μ‖² − (x−μ)·(c−μ) to `scores`.
///
/// # Panics
/// When sizes do not match.
pub fn assign_scored<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
    scores: &mut [T],
) {
    check(rows, centroids, scratch, labels, None);
    assert!(scores.len() == labels.len(), "a score for each row");
    // SAFETY: the sizes have just been checked.
    unsafe { run_assign(scratch.isa, rows, centroids, &mut scratch.tile, labels, scores, None) }
}

/// What [`assign`] does to `labels`, by way of those that are there: centroids too far from a row's old one are left
/// out. Returns what it cost, as a number of scores, of which [`assign`] forms `n·k`.
///
/// `neighbours` are those of `centroids`. Reads the rows once in their order, and those that another centroid may win
/// once more in any order, so they should fit in the second-level cache.
///
/// # Panics
/// When sizes do not match or a label is out of range.
pub fn reassign<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    neighbours: &Neighbours,
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
) -> usize {
    check(rows, centroids, scratch, labels, None);
    assert!(neighbours.n_clusters() == centroids.k, "neighbours of {} centroids", centroids.k);
    assert!(labels.iter().all(|&label| (label as usize) < centroids.k), "labels below {}", centroids.k);
    let (tile, buckets) = (&mut scratch.tile, &mut scratch.buckets);
    // SAFETY: sizes and labels have just been checked.
    unsafe { run_reassign(scratch.isa, rows, centroids, neighbours, tile, buckets, labels) }
}

/// What [`assign`] or, with bounds, [`assign_bounded`] does to `labels`, by scores in single precision. Bounds may be
/// looser. Returns how many rows were scored again in their own precision.
///
/// Costs `n·k·d` multiply-adds in single precision; reads the rows once.
///
/// # Panics
/// When sizes do not match.
pub fn assign_single<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    single: &SingleCentroids<f32>,
    mut known: Option<(&Neighbours, &Drift, &mut BoundsMut<'_>)>,
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
) -> usize {
    check(rows, centroids, scratch, labels, None);
    assert!(single.c.k == centroids.k && single.c.d == centroids.d, "{} centroids", centroids.k);
    if let Some((neighbours, drift, bounds)) = &known {
        check_bounds(centroids, neighbours, drift, labels, bounds);
    }
    let Scratch { isa, tile, single: singles, narrow, unsure, d, .. } = scratch;
    narrow.resize(f32::TILE_ROWS * *d, 0.0);
    unsure.clear();
    let row = *d * size_of::<T>() / size_of::<f32>();
    for (t, labels) in labels.chunks_mut(f32::TILE_ROWS).enumerate() {
        let (at, n) = (t * f32::TILE_ROWS, labels.len());
        let rows = rows.part(at, n);
        let ahead = Ahead { at: rows.x.as_ptr_range().end.cast(), row };
        let known =
            known.as_mut().map(|(neighbours, drift, bounds)| (*neighbours, *drift, bounds.part(at, n)));
        // SAFETY: the sizes have just been checked: a tile has room for the rows.
        unsafe {
            run_narrow(*isa, &rows, centroids, narrow);
            run_assign_single(*isa, narrow, at, ahead, single, known, singles, labels, unsure);
        }
    }
    // SAFETY: as above; listed rows are those of the labels.
    unsafe { run_assign_listed(*isa, rows, centroids, tile, unsure, labels) };
    unsure.len()
}

/// What [`assign`] does to `labels`, by scores of rows in sixteen bits: those of `short` from row `first` on, which
/// begins a tile. Returns how many rows were scored in full.
///
/// Costs `n·k·d` multiply-adds of 16-bit integers; reads `short` once, and of `rows` only those scored in full.
///
/// # Panics
/// When sizes do not match or no tile begins at `first`.
pub fn assign_short<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    (short, first): (ShortRows<'_>, usize),
    of_block: &ShortCentroids,
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
) -> usize {
    check(rows, centroids, scratch, labels, None);
    assert!(of_block.size() == (centroids.k, centroids.d), "{} centroids", centroids.k);
    assert!(short.of.scale().n_features() == centroids.d, "rows of {} features", centroids.d);
    assert!(
        first.is_multiple_of(ShortRows::TILE) && first + labels.len() <= short.of.n_rows(),
        "rows of the block"
    );
    let Scratch { isa, tile, unsure, .. } = scratch;
    unsure.clear();
    short_scores::assign(*isa, short.tiles(first, labels.len()), of_block, labels, unsure);
    // SAFETY: the sizes have just been checked; listed rows are those of the labels.
    unsafe { run_assign_listed(*isa, rows, centroids, tile, unsure, labels) };
    unsure.len()
}

/// Adds rows to the sums of their labels, as [`assign`] does.
///
/// # Panics
/// When sizes do not match or a label is out of range.
pub fn add<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    scratch: &Scratch<T>,
    labels: &[u32],
    tally: &mut Tally,
) {
    check(rows, centroids, scratch, labels, Some(tally));
    assert!(labels.iter().all(|&label| (label as usize) < centroids.k), "labels below {}", centroids.k);
    // SAFETY: sizes and labels have just been checked.
    unsafe { run_add(scratch.isa, rows, centroids, labels, tally) }
}

/// [`assign`] without sums; also writes bounds of each row.
///
/// # Panics
/// When sizes do not match.
pub fn assign_bounded<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    (neighbours, drift): (&Neighbours, &Drift),
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
    bounds: &mut BoundsMut<'_>,
) {
    check(rows, centroids, scratch, labels, None);
    check_bounds(centroids, neighbours, drift, labels, bounds);
    // SAFETY: the sizes have just been checked.
    unsafe {
        run_assign_all(scratch.isa, rows, centroids, neighbours, drift, &mut scratch.tile, labels, bounds)
    }
}

/// How many rows may have another label than they have, by their bounds. No row is read.
///
/// # Panics
/// When sizes do not match or a label is out of range.
pub fn screen<T: Real>(
    centroids: &Centroids<T>,
    (neighbours, drift): (&Neighbours, &Drift),
    scratch: &mut Scratch<T>,
    labels: &[u32],
    bounds: &BoundsMut<'_>,
) -> usize {
    check_bounds(centroids, neighbours, drift, labels, bounds);
    check_labels(centroids, labels);
    // SAFETY: sizes and labels have just been checked.
    unsafe { run_screen(scratch.isa, centroids, neighbours, drift, &mut scratch.buckets, labels, bounds) }
}

/// What [`assign`] does to `labels`, for the rows that [`screen`] has just found in the same labels and bounds: the
/// others' labels are right. Adds the rows that changed, with their former labels, to `moved`, in the order of the rows,
/// and returns what it cost, as a number of scores, of which [`assign`] forms `n·k`.
///
/// # Panics
/// When sizes do not match or a label is out of range.
#[allow(clippy::too_many_arguments, reason = "what an iteration knows of its rows")]
pub fn settle<T: Real>(
    rows: &Rows<'_, T>,
    centroids: &Centroids<T>,
    (neighbours, drift): (&Neighbours, &Drift),
    scratch: &mut Scratch<T>,
    labels: &mut [u32],
    bounds: &mut BoundsMut<'_>,
    moved: &mut Vec<(u32, u32)>,
) -> usize {
    check(rows, centroids, scratch, labels, None);
    check_bounds(centroids, neighbours, drift, labels, bounds);
    check_labels(centroids, labels);
    let (tile, buckets) = (&mut scratch.tile, &mut scratch.buckets);
    assert!(buckets.open.last().is_none_or(|&row| (row as usize) < labels.len()), "rows of the screening");
    // SAFETY: sizes and labels have just been checked, and the listed rows, which ascend, are rows.
    unsafe {
        run_settle(scratch.isa, rows, centroids, neighbours, drift, tile, buckets, labels, bounds, moved)
    }
}

fn check_bounds<T>(
    c: &Centroids<T>,
    neighbours: &Neighbours,
    drift: &Drift,
    labels: &[u32],
    bounds: &BoundsMut<'_>,
) {
    assert!(
        neighbours.n_clusters() == c.k && drift.n_clusters() == c.k,
        "neighbours and ways of {} centroids",
        c.k
    );
    assert!(
        bounds.upper.len() == labels.len() && bounds.lower.len() == labels.len(),
        "bounds of {} rows",
        labels.len()
    );
}

fn check_labels<T>(c: &Centroids<T>, labels: &[u32]) {
    let in_range = labels.iter().fold(true, |all, &label| all & ((label as usize) < c.k));
    assert!(in_range, "labels below {}", c.k);
}

fn check<T>(
    rows: &Rows<'_, T>,
    c: &Centroids<T>,
    scratch: &Scratch<T>,
    labels: &[u32],
    tally: Option<&Tally>,
) {
    let (k, d) = (c.k, c.d);
    assert!(
        rows.n_features == d && scratch.d == d && rows.x.len() == labels.len() * d,
        "rows of {d} features"
    );
    assert!(rows.weights.is_empty() || rows.weights.len() == labels.len(), "a weight for each row");
    assert!(tally.is_none_or(|tally| tally.is_for(k, d)), "sums of {k} centroids");
}

#[cfg(test)]
mod tests {
    use super::super::assign_reference;
    use super::*;
    use crate::rng::{Purpose, stream, uniform};

    struct Case<T> {
        x: Vec<T>,
        weights: Vec<f64>,
        centered: Vec<f64>,
        shift: Vec<T>,
        d: usize,
    }

    fn case<T: Real>(n: usize, k: usize, d: usize, weighted: bool) -> Case<T> {
        let mut rng = stream((n * 1000 + k) as u64, Purpose::Noise, d as u64);
        let mut draw = |scale: f64| scale * (uniform(&mut rng) - 0.5);
        let x = (0..n * d).map(|_| T::from_f64(draw(4.0) + 100.0)).collect();
        let weights = (0..if weighted { n } else { 0 }).map(|_| draw(1.0).abs()).collect();
        let mut centered: Vec<f64> = (0..k * d).map(|_| draw(4.0)).collect();
        // Two equal centroids: the lower one must win every tie.
        if k > 5 {
            centered.copy_within(d..2 * d, 5 * d);
        }
        let shift = (0..d).map(|_| T::from_f64(100.0 + draw(0.1))).collect();
        Case { x, weights, centered, shift, d }
    }

    fn check<T: Real>(case: &Case<T>) {
        let n = case.x.len() / case.d;
        let rows = Rows { x: &case.x, weights: &case.weights, n_features: case.d };
        let centroids = Centroids::new(&case.centered, &case.shift);
        let mut expected_labels = vec![0; n];
        let mut expected_tally = Tally::new(centroids.k, case.d);
        let mut expected_scores = vec![T::ZERO; n];
        let (labels_to, scores_to) = (&mut expected_labels, &mut expected_scores);
        assign_reference(&rows, &centroids, labels_to, scores_to, Some(&mut expected_tally));
        for isa in Isa::available() {
            let mut labels = vec![u32::MAX; n];
            let mut tally = Tally::new(centroids.k, case.d);
            let mut scratch = Scratch::new(case.d, isa);
            assign(&rows, &centroids, &mut scratch, &mut labels, Some(&mut tally));
            assert_eq!(labels, expected_labels, "{isa:?}");
            let mut scores = vec![T::ZERO; n];
            assign_scored(&rows, &centroids, &mut scratch, &mut labels, &mut scores);
            assert_eq!(labels, expected_labels, "{isa:?}");
            assert_eq!(scores, expected_scores, "{isa:?}");
            assert_eq!(tally, expected_tally, "{isa:?}");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_references_bits() {
        for (n, k, d) in
            [(1, 1, 1), (7, 3, 2), (63, 12, 20), (65, 13, 3), (200, 100, 20), (130, 37, 301), (64, 9, 8)]
        {
            for weighted in [false, true] {
                check(&case::<f64>(n, k, d, weighted));
                check(&case::<f32>(n, k, d, weighted));
            }
        }
    }

    #[test]
    fn scores_that_overflow_still_give_labels_in_range() {
        let rows = Rows { x: &[1e300, 1e300], weights: &[], n_features: 1 };
        let centroids = Centroids::new(&[1e300, -1e300], &[0.0]);
        for isa in Isa::available() {
            let mut labels = [9; 2];
            assign(&rows, &centroids, &mut Scratch::new(1, isa), &mut labels, None);
            assert!(labels.iter().all(|&label| label < 2), "{isa:?}");
        }
    }
}
