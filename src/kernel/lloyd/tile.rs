//! The body of the kernel, written once for every vector: rows in the lanes.

use std::ops::{Deref, DerefMut};

use super::packed::Centroids;
use super::tally::add_rows;
use super::vector::{COLUMNS, Lanes, Vector};
use super::{Rows, Tally};
use crate::kernel::Real;

/// Bytes of a cache line.
pub(super) const LINE_BYTES: usize = 64;

/// The most rows that are read at once: the lanes of the widest vector.
const MOST_LANES: usize = 16;

/// Buffers of one tile: [`Lanes::TILE_ROWS`] rows. With 20 features they stay in the first-level cache, with 300 in the
/// second.
pub(super) struct Tile<T> {
    /// Shifted rows, turned: `(d, TILE)`.
    turned: Aligned<T>,
    /// The least score so far of each row, and the number of its centroid as bits.
    best: Aligned<T>,
    tags: Aligned<T>,
    /// The next score, and ‖x−μ‖², where they are asked for.
    second: Aligned<T>,
    norms: Aligned<T>,
}

/// Numbers that begin with a cache line: vectors that straddle two are read twice.
struct Aligned<T> {
    numbers: Vec<T>,
    first: usize,
}

impl<T: Real> Aligned<T> {
    fn zeros(n: usize) -> Self {
        let numbers = vec![T::ZERO; n + LINE_BYTES / size_of::<T>()];
        let first = numbers.as_ptr().align_offset(LINE_BYTES).min(LINE_BYTES / size_of::<T>());
        Self { numbers, first }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.numbers[self.first..]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.numbers[self.first..]
    }
}

impl<T: Real> Tile<T> {
    pub(super) fn new(d: usize) -> Self {
        let zeros = Aligned::zeros;
        let of_rows = || zeros(T::TILE_ROWS);
        Self {
            turned: zeros(d * T::TILE_ROWS),
            best: of_rows(),
            tags: of_rows(),
            second: of_rows(),
            norms: of_rows(),
        }
    }

    /// The rows that the last [`turn_rows`] left.
    #[inline(always)]
    pub(super) fn turned(&self) -> *const T {
        self.turned.as_ptr()
    }

    /// Room for `n` numbers of rows that come turned.
    #[inline(always)]
    pub(super) fn turned_mut(&mut self, n: usize) -> &mut [T] {
        &mut self.turned[..n]
    }

    /// Least scores, the next ones, and squared norms of the rows: what the last [`score_tile`] and [`square_rows`] left.
    #[inline(always)]
    pub(super) fn scores(&self) -> (&[T], &[T], &[T]) {
        (&self.best, &self.second, &self.norms)
    }
}

/// Labels all rows and adds them to `tally`.
///
/// `R` vectors of rows and `G` centroids are scored together; the numbers do not touch the bits.
///
/// # Safety
/// The instruction set of `V` must be there; `labels` has a place for each row, `weights` is empty or has one, as is
/// `scores`; tile and tally are made for `c`'s sizes.
#[inline(always)]
pub(super) unsafe fn assign<V: Vector, const R: usize, const G: usize>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    tile: &mut Tile<V::Item>,
    labels: &mut [u32],
    scores: &mut [V::Item],
    mut tally: Option<&mut Tally>,
) {
    for (t, labels) in labels.chunks_mut(V::Item::TILE_ROWS).enumerate() {
        let (first, n) = (t * V::Item::TILE_ROWS, labels.len());
        let rows = rows.part(first, n);
        // SAFETY: there are `n` rows, as many as labels, and at most those of a tile.
        unsafe {
            let of_row = |i: usize| rows.x.as_ptr().add(i * c.d);
            turn_rows::<V>(n, of_row, c.frame(), tile);
            let next = Some(Ahead { at: rows.x.as_ptr_range().end, row: c.d });
            score_tile::<V, R, G, false>(n, next, c, &c.all, tile.turned(), tile);
            write_labels::<V>(tile, labels);
            if let Some(tally) = tally.as_deref_mut() {
                add_rows::<V>(&rows, c, labels, tally);
            }
        }
        if let Some(scores) = scores.get_mut(first..first + n) {
            scores.copy_from_slice(&tile.best[..n]);
        }
    }
}

/// Copies `n` rows into the tile, turned and less the shift. What is behind them up to a whole vector repeats the last.
///
/// # Safety
/// As for [`assign`]; `of_row` leads to `d` numbers for each of `n` rows, 0 < `n` ≤ TILE, and `shift` to as many.
#[inline(always)]
pub(super) unsafe fn turn_rows<V: Vector>(
    n: usize,
    of_row: impl Fn(usize) -> *const V::Item,
    (d, shift): (usize, *const V::Item),
    tile: &mut Tile<V::Item>,
) {
    for first in (0..n).step_by(V::LANES) {
        let mut at = [std::ptr::null(); MOST_LANES];
        let last = n - first - 1;
        for (l, at) in at[..V::LANES].iter_mut().enumerate() {
            *at = of_row(first + l.min(last));
        }
        // SAFETY: every row has `d` numbers from `at` on, and every feature of the tile TILE of them.
        unsafe {
            let mut to = tile.turned.as_mut_ptr().add(first);
            let mut f = 0;
            while f + COLUMNS <= d {
                V::turn(at.as_ptr(), f, shift, to, V::Item::TILE_ROWS);
                to = to.add(COLUMNS * V::Item::TILE_ROWS);
                f += COLUMNS;
            }
            for rest in 0..d - f {
                for (l, at) in at[..V::LANES].iter().enumerate() {
                    *to.add(l) = *at.add(f + rest) - *shift.add(f + rest);
                }
                to = to.add(V::Item::TILE_ROWS);
            }
        }
    }
}

/// Finds the nearest of the `candidates`, in ascending order, for each of the first `n` rows that are turned at `x`.
///
/// Meanwhile the numbers from `next` on come into the cache, if there are such. With `SECOND` the next score is kept, too.
///
/// # Safety
/// As for [`assign`]; `n` ≤ TILE, candidates below `c.k`, and `d` features of TILE rows each are readable at `x`.
#[inline(always)]
pub(super) unsafe fn score_tile<V: Vector, const R: usize, const G: usize, const SECOND: bool>(
    n: usize,
    next: Option<Ahead<V::Item>>,
    c: &Centroids<V::Item>,
    candidates: &[u32],
    x: *const V::Item,
    tile: &mut Tile<V::Item>,
) {
    tile.best.fill(V::Item::INFINITY);
    tile.tags.fill(V::Item::ZERO);
    if SECOND {
        tile.second.fill(V::Item::INFINITY);
    }
    let vectors = n.div_ceil(V::LANES);
    let mut fetch = Fetch { at: std::ptr::null(), lines: 0, twice: false };
    // SAFETY: candidates are the caller's, and the vectors from `v` on are in the tile.
    unsafe {
        let mut v = 0;
        while v + R <= vectors {
            if let Some(next) = next {
                fetch.at = next.at.wrapping_add(v * V::LANES * next.row);
                fetch.lines = V::LANES * R * next.row * size_of::<V::Item>() / LINE_BYTES;
                fetch.twice = next.row > c.d;
            }
            score_vectors::<V, R, G, SECOND>(candidates, v * V::LANES, c, x, tile, &mut fetch);
            v += R;
        }
        fetch.lines = 0;
        while v + 2 <= vectors {
            score_vectors::<V, 2, G, SECOND>(candidates, v * V::LANES, c, x, tile, &mut fetch);
            v += 2;
        }
        if v < vectors {
            score_vectors::<V, 1, G, SECOND>(candidates, v * V::LANES, c, x, tile, &mut fetch);
        }
    }
}

/// Scores `R` vectors of rows against all candidates.
///
/// # Safety
/// As for [`score`].
#[inline(always)]
unsafe fn score_vectors<V: Vector, const R: usize, const G: usize, const SECOND: bool>(
    candidates: &[u32],
    first: usize,
    c: &Centroids<V::Item>,
    x: *const V::Item,
    tile: &mut Tile<V::Item>,
    fetch: &mut Fetch<V::Item>,
) {
    let (groups, rest) = candidates.as_chunks::<G>();
    let (fours, rest) = rest.as_chunks::<4>();
    // SAFETY: as the caller says.
    unsafe {
        for group in groups {
            score::<V, R, G, SECOND>(group, first, c, x, tile, fetch);
        }
        if let [four] = fours {
            score::<V, R, 4, SECOND>(four, first, c, x, tile, fetch);
        }
        match *rest {
            [i] => score::<V, R, 1, SECOND>(&[i], first, c, x, tile, fetch),
            [i, j] => score::<V, R, 2, SECOND>(&[i, j], first, c, x, tile, fetch),
            [i, j, k] => score::<V, R, 3, SECOND>(&[i, j, k], first, c, x, tile, fetch),
            _ => {}
        }
    }
}

/// Rows that are worked on next.
#[derive(Clone, Copy)]
pub(super) struct Ahead<T> {
    /// Where they are; nothing need be readable there.
    pub(super) at: *const T,
    /// How many numbers of the type `T` take as much memory as one of them.
    pub(super) row: usize,
}

/// Cache lines that are still to be asked for.
struct Fetch<T> {
    at: *const T,
    lines: usize,
    /// Four at a time, not two.
    twice: bool,
}

impl<T: Real> Fetch<T> {
    #[inline(always)]
    fn two<V: Vector<Item = T>>(&mut self) {
        V::prefetch(self.at);
        V::prefetch(self.at.wrapping_add(LINE_BYTES / size_of::<T>()));
        self.at = self.at.wrapping_add(2 * LINE_BYTES / size_of::<T>());
        self.lines = self.lines.saturating_sub(2);
    }
}

/// Scores `R` vectors of rows against `C` centroids and keeps the least per row, the earlier where they are equal.
///
/// # Safety
/// As for [`assign`]; `R` vectors from row `first` on are in the tile, and candidates are below `c.k`.
#[inline(always)]
unsafe fn score<V: Vector, const R: usize, const C: usize, const SECOND: bool>(
    candidates: &[u32; C],
    first: usize,
    c: &Centroids<V::Item>,
    x: *const V::Item,
    tile: &mut Tile<V::Item>,
    fetch: &mut Fetch<V::Item>,
) {
    // SAFETY: each candidate has an offset and `d` numbers, each feature of the tile TILE rows.
    unsafe {
        // Loops, not closures over arrays: those are not always compiled for the instruction set.
        let mut of = [c.negated.as_ptr(); C];
        let mut scores = [[V::splat(V::Item::ZERO); C]; R];
        for i in 0..C {
            of[i] = of[i].add(candidates[i] as usize * c.d);
            let offset = V::splat(*c.offsets.as_ptr().add(candidates[i] as usize));
            for of_rows in &mut scores {
                of_rows[i] = offset;
            }
        }
        let mut x = x.add(first);
        for f in 0..c.d {
            let mut rows = [V::splat(V::Item::ZERO); R];
            for (r, rows) in rows.iter_mut().enumerate() {
                *rows = V::load(x.add(r * V::LANES));
            }
            for i in 0..C {
                let centroid = V::splat(*of[i].add(f));
                for r in 0..R {
                    scores[r][i] = rows[r].mul_add(centroid, scores[r][i]);
                }
            }
            x = x.add(V::Item::TILE_ROWS);
            if fetch.lines > 0 {
                fetch.two::<V>();
                if fetch.twice {
                    fetch.two::<V>();
                }
            }
        }
        for (r, of_rows) in scores.iter().enumerate() {
            let best_at = tile.best.as_mut_ptr().add(first + r * V::LANES);
            let tags_at = tile.tags.as_mut_ptr().add(first + r * V::LANES);
            let second_at = tile.second.as_mut_ptr().add(first + r * V::LANES);
            let mut best = (V::load(best_at), V::load(tags_at));
            let mut second = V::load(second_at);
            for i in 0..C {
                let score = of_rows[i];
                if SECOND {
                    second = best.0.max(score).min(second);
                }
                best = V::keep_less(best, score, V::tag(candidates[i]));
            }
            best.0.store(best_at);
            best.1.store(tags_at);
            if SECOND {
                second.store(second_at);
            }
        }
    }
}

/// Finds ‖x−μ‖² of the first `n` rows that are turned at `x`.
///
/// # Safety
/// As for [`score_tile`].
#[inline(always)]
pub(super) unsafe fn square_rows<V: Vector>(
    n: usize,
    c: &Centroids<V::Item>,
    x: *const V::Item,
    tile: &mut Tile<V::Item>,
) {
    for first in (0..n).step_by(V::LANES) {
        // SAFETY: each feature has TILE rows in the tile, whole vectors of them.
        unsafe {
            let mut sum = V::splat(V::Item::ZERO);
            let mut x = x.add(first);
            for _ in 0..c.d {
                let rows = V::load(x);
                sum = rows.mul_add(rows, sum);
                x = x.add(V::Item::TILE_ROWS);
            }
            sum.store(tile.norms.as_mut_ptr().add(first));
        }
    }
}

/// Writes the numbers of the nearest centroids of the tile's first rows.
///
/// # Safety
/// The instruction set of `V` must be there; there are at most TILE labels.
#[inline(always)]
pub(super) unsafe fn write_labels<V: Vector>(tile: &Tile<V::Item>, labels: &mut [u32]) {
    let mut of_vector = [0; MOST_LANES];
    for (v, labels) in labels.chunks_mut(V::LANES).enumerate() {
        // SAFETY: the tile's tags are whole vectors, of at most MOST_LANES lanes.
        unsafe {
            let tags = V::load(tile.tags.as_ptr().add(v * V::LANES));
            if labels.len() == V::LANES {
                tags.store_tags(labels.as_mut_ptr());
            } else {
                tags.store_tags(of_vector.as_mut_ptr());
                labels.copy_from_slice(&of_vector[..labels.len()]);
            }
        }
    }
}
