//! The body of the kernel, written once for every vector.

use super::packed::{Centroids, GROUP};
use super::vector::Vector;
use super::{Rows, Tally};
use crate::kernel::Real;

/// Rows of a tile: with 20 features in double precision they and the next tile's rows fit
/// in the first-level cache, with 300 a part
/// of the second, where they wait while one group of centroids after the other passes by. A multiple of the rows that
/// are scored together: 8, 4 or 3.
pub(super) const TILE: usize = 48;

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// Lanes of the widest vector.
const MOST_LANES: usize = 8;

/// Buffers of one tile.
pub(super) struct Tile<T> {
    /// Shifted rows, each followed by a 1 and zeros: `(TILE, stride)`.
    pub(super) rows: Vec<T>,
    pub(super) stride: usize,
    /// The least score so far of each row and lane, and the centroid it belongs to.
    best: Vec<[T; MOST_LANES]>,
    index: Vec<[T; MOST_LANES]>,
    /// The least score of each row.
    scores: [T; TILE],
    /// 0, 1, 2 …
    ramp: [T; MOST_LANES],
}

impl<T: Real> Tile<T> {
    pub(super) fn new(d: usize, stride: usize) -> Self {
        let mut rows = vec![T::ZERO; TILE * stride];
        rows.chunks_exact_mut(stride).for_each(|row| row[d] = T::from_f64(1.0));
        Self {
            rows,
            stride,
            best: vec![[T::ZERO; MOST_LANES]; TILE],
            index: vec![[T::ZERO; MOST_LANES]; TILE],
            scores: [T::ZERO; TILE],
            ramp: std::array::from_fn(|l| T::from_f64(l as f64)),
        }
    }
}

/// Labels all rows, adds them to `tally`, and returns the weighted sum of their least scores.
///
/// `R` rows are scored together; the number does not touch the bits.
///
/// # Safety
/// The instruction set of `V` must be there; `labels` has a place for each row, `weights` is empty or has one, and
/// tile and tally are made for `c`'s sizes.
#[inline(always)]
pub(super) unsafe fn assign<V: Vector, const R: usize>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    tile: &mut Tile<V::Item>,
    labels: &mut [u32],
    scores: &mut [V::Item],
    mut tally: Option<&mut Tally>,
) -> f64 {
    let mut score = 0.0;
    for (t, labels) in labels.chunks_mut(TILE).enumerate() {
        let (first, n) = (t * TILE, labels.len());
        // SAFETY: rows `first..first + n` are there, as many as labels, and at most TILE.
        unsafe {
            shift_rows::<V>(rows.x.as_ptr().add(first * c.d), n, c, tile);
            let next = rows.x.as_ptr().wrapping_add((first + n) * c.d);
            score_tile::<V, R>(n, next, c, tile, labels);
            if let Some(tally) = tally.as_deref_mut() {
                if rows.weights.is_empty() {
                    add_rows::<V, false>(tile, labels, &[], tally);
                } else {
                    add_rows::<V, true>(tile, labels, &rows.weights[first..first + n], tally);
                }
            }
        }
        if let Some(scores) = scores.get_mut(first..first + n) {
            scores.copy_from_slice(&tile.scores[..n]);
        }
        for (i, value) in tile.scores[..n].iter().enumerate() {
            // Not fused: the same bits without asking for an instruction set.
            score += rows.weight(first + i) * value.to_f64();
        }
    }
    score
}

/// Copies `n` rows into the tile and subtracts the shift.
///
/// # Safety
/// As for [`assign`]; `n` rows are readable at `x`, and `n` ≤ TILE.
#[inline(always)]
unsafe fn shift_rows<V: Vector>(
    x: *const V::Item,
    n: usize,
    c: &Centroids<V::Item>,
    tile: &mut Tile<V::Item>,
) {
    let lanes = <V::Item as super::Lanes>::LANES;
    let (d, shift) = (c.d, c.shift.as_ptr());
    for i in 0..n {
        // SAFETY: row i lies within both; a vector at f ends at d or before, and tile rows are at least d long.
        unsafe {
            let (from, to) = (x.add(i * d), tile.rows.as_mut_ptr().add(i * tile.stride));
            let one = |f: usize| V::load(from.add(f)).sub(V::load(shift.add(f))).store(to.add(f));
            let mut f = 0;
            while f + lanes <= d {
                one(f);
                f += lanes;
            }
            if f < d && d >= lanes {
                // The last vector overlaps the one before and writes the same numbers again.
                one(d - lanes);
            } else {
                for f in f..d {
                    *to.add(f) = *from.add(f) - *shift.add(f);
                }
            }
        }
    }
}

/// Finds the nearest centroid of each of the tile's first `n` rows.
///
/// # Safety
/// As for [`assign`]; `n` ≤ TILE and `labels` has `n` places.
#[inline(always)]
unsafe fn score_tile<V: Vector, const R: usize>(
    n: usize,
    next: *const V::Item,
    c: &Centroids<V::Item>,
    tile: &mut Tile<V::Item>,
    labels: &mut [u32],
) {
    let vectors = c.offsets.len() / <V::Item as super::Lanes>::LANES;
    for first in (0..vectors).step_by(GROUP) {
        // SAFETY: the group of these centroids begins at `first` and has so many vectors.
        unsafe {
            match (vectors - first, first > 0) {
                (1, false) => score_rows::<V, R, 1, false>(first, n, next, c, tile),
                (2, false) => score_rows::<V, R, 2, false>(first, n, next, c, tile),
                (_, false) => score_rows::<V, R, GROUP, false>(first, n, next, c, tile),
                (1, true) => score_rows::<V, R, 1, true>(first, n, next, c, tile),
                (2, true) => score_rows::<V, R, 2, true>(first, n, next, c, tile),
                (_, true) => score_rows::<V, R, GROUP, true>(first, n, next, c, tile),
            }
        }
    }
    for (i, label) in labels.iter_mut().enumerate() {
        // SAFETY: `best` and `index` have TILE entries of at least a vector.
        let (score, index) = unsafe {
            V::least(V::load(tile.best[i].as_ptr().cast()), V::load(tile.index[i].as_ptr().cast()))
        };
        tile.scores[i] = score;
        // Scores that are no numbers (overflow) must not lead out of the sums: the driver sees them and stops.
        *label = (index.to_f64() as u32).min(c.k as u32 - 1);
    }
}

/// Scores the tile's first `n` rows against the group of `G` vectors that begins at `first`.
///
/// # Safety
/// As for [`assign`]; `n` ≤ TILE, and vectors `first..first + G` are one group.
#[inline(always)]
unsafe fn score_rows<V: Vector, const R: usize, const G: usize, const LATER: bool>(
    first: usize,
    n: usize,
    next: *const V::Item,
    c: &Centroids<V::Item>,
    tile: &mut Tile<V::Item>,
) {
    // Scoring up to R − 1 stale rows behind the last one is cheaper than a second body, and nobody reads them.
    let mut row = 0;
    while row < n {
        // SAFETY: R divides TILE, so that rows row..row + R are in the tile.
        unsafe { score_group::<V, R, G, LATER>(first, row, c, tile) };
        if !LATER {
            // The next tile's rows come in while these are worked on. Behind the last row there is nothing to fetch,
            // which does no harm.
            let mut f = row * c.d;
            while f < (row + R) * c.d {
                V::prefetch(next.wrapping_add(f));
                f += LINE_BYTES / size_of::<V::Item>();
            }
        }
        row += R;
    }
}

/// Scores `R` rows against `G` vectors of centroids and keeps the least per lane, of this group alone or, if it is a
/// later one, of those before too.
///
/// # Safety
/// As for [`assign`]; rows `row..row + R` are in the tile, and vectors `first..first + G` are one group.
#[inline(always)]
unsafe fn score_group<V: Vector, const R: usize, const G: usize, const LATER: bool>(
    first: usize,
    row: usize,
    c: &Centroids<V::Item>,
    tile: &mut Tile<V::Item>,
) {
    let lanes = <V::Item as super::Lanes>::LANES;
    // SAFETY: a group holds d·G vectors from first·d on, and offsets one vector for each of the group's; tile rows
    // have `stride` > d numbers.
    unsafe {
        let offsets = c.offsets.as_ptr().add(first * lanes);
        let mut packed = c.packed.as_ptr().add(first * c.d * lanes);
        let x = tile.rows.as_ptr().add(row * tile.stride);
        let mut scores = [[V::splat(V::Item::ZERO); G]; R];
        for of_row in &mut scores {
            for (g, score) in of_row.iter_mut().enumerate() {
                *score = V::load(offsets.add(g * lanes));
            }
        }
        for f in 0..c.d {
            let mut centroids = [V::splat(V::Item::ZERO); G];
            for (g, centroid) in centroids.iter_mut().enumerate() {
                *centroid = V::load(packed.add(g * lanes));
            }
            packed = packed.add(G * lanes);
            for (r, of_row) in scores.iter_mut().enumerate() {
                let value = V::splat(*x.add(r * tile.stride + f));
                for (score, centroid) in of_row.iter_mut().zip(centroids) {
                    *score = value.mul_add(centroid, *score);
                }
            }
        }
        let ramp = V::load(tile.ramp.as_ptr());
        let tag = |g: usize| ramp.add(V::splat(V::Item::from_f64(((first + g) * lanes) as f64)));
        for (r, of_row) in scores.iter().enumerate() {
            let best_at = tile.best.as_mut_ptr().add(row + r).cast::<V::Item>();
            let index_at = tile.index.as_mut_ptr().add(row + r).cast::<V::Item>();
            let mut best = (of_row[0], tag(0));
            if LATER {
                best = V::keep_less((V::load(best_at), V::load(index_at)), of_row[0], tag(0));
            }
            for (g, &score) in of_row.iter().enumerate().skip(1) {
                best = V::keep_less(best, score, tag(g));
            }
            best.0.store(best_at);
            best.1.store(index_at);
        }
    }
}

/// Adds the tile's rows to their centroids' sums.
///
/// # Safety
/// As for [`assign`]; labels are below the number of centroids of `tally`, and weights as many if `WEIGHTED`.
#[inline(always)]
unsafe fn add_rows<V: Vector, const WEIGHTED: bool>(
    tile: &Tile<V::Item>,
    labels: &[u32],
    weights: &[f64],
    tally: &mut Tally,
) {
    let lanes = <V::Item as super::Lanes>::LANES;
    let mut from = tile.rows.as_ptr();
    for (i, &label) in labels.iter().enumerate() {
        // SAFETY: rows and sums have `stride` numbers, a multiple of the lanes.
        unsafe {
            let sums = tally.sums.as_mut_ptr().add(label as usize * tile.stride);
            let mut f = 0;
            while f < tile.stride {
                let x = V::load(from.add(f));
                if WEIGHTED {
                    x.add_weighted_to(*weights.get_unchecked(i), sums.add(f));
                } else {
                    x.add_to(sums.add(f));
                }
                f += lanes;
            }
            from = from.add(tile.stride);
        }
    }
}
