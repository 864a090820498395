//! Rows in sixteen bits, which tell nearly every label for a quarter of the memory.
//!
//! Each feature of a block is cut into steps of equal width. A score of such a row is off by half a step times the
//! centroid's coordinate, summed over the features, at most, and by what single precision rounds. Where the least
//! score is smaller than every other by more than that may do to two, it is the least of the row itself, too; the few
//! other rows are scored in full. Rows stand turned, so that they go to the lanes as they are.
//!
//! # References
//! Higham, "Accuracy and stability of numerical algorithms", 2002, section 3.1, for the error of a dot product.

use std::sync::Arc;

use super::Rows;
use super::assign::{Scratch, cut_rows};
use super::packed::Centroids;
use super::reassign::MOST_ROWS;
use super::single::list_unsure;
use super::tile::{Ahead, Tile, score_tile, turn_rows, write_labels};
use super::vector::{Lanes, Vector};
use crate::kernel::simd::{Simd, dispatch, prefetch};
use crate::kernel::{Isa, Real};

/// Rows of a tile.
const TILE: usize = <f32 as Lanes>::TILE_ROWS;

/// Steps from 0 to the farthest value of a feature.
const STEPS: f64 = i16::MAX as f64;

/// How much farther steps reach than the rows they were made for.
const ROOM: f64 = 1.25;

/// How much coarser than their own steps those of other rows may be.
const COARSER: f64 = 4.0;

/// More than half a step, by what scaling rounds.
const HALF: f64 = 0.5 * (1.0 + 1e-9);

/// Values that are cut side by side.
const LANES: usize = 16;

/// 1.5 · 2^52: adding it rounds to an integer, which stands in the low bits.
const INTEGER: f64 = 6_755_399_441_055_744.0;

/// The steps of each feature.
#[derive(Debug)]
pub struct Scale {
    /// How far steps reach.
    reach: Vec<f64>,
    /// How many steps a unit is, and how wide a step.
    per_unit: Vec<f64>,
    widths: Vec<f64>,
    /// The most that a value is off.
    errors: Vec<f64>,
    /// No row is longer.
    longest: f64,
}

impl Scale {
    /// Steps as far as `most` and somewhat farther, or as far as those of the scale `before`: blocks that are alike soon
    /// have one scale.
    fn new(most: &[f64], before: Option<&Self>) -> Self {
        let mut reach: Vec<f64> = most.iter().map(|most| most * ROOM).collect();
        if let Some(before) = before {
            for ((reach, most), before) in reach.iter_mut().zip(most).zip(&before.reach) {
                *reach = if *before > *reach && is_fine(*before, *most) { *before } else { *reach };
            }
        }
        // What cannot be cut into steps is 0, and off by all that it is.
        let can_be_cut = |reach: &f64| (STEPS / reach).is_finite() && reach.is_finite();
        let per_unit = |reach: &f64| if can_be_cut(reach) { STEPS / reach } else { 0.0 };
        let width = |reach: &f64| if can_be_cut(reach) { reach / STEPS } else { 0.0 };
        let error = |reach: &f64| if can_be_cut(reach) { HALF * reach / STEPS } else { *reach };
        Self {
            per_unit: reach.iter().map(per_unit).collect(),
            widths: reach.iter().map(width).collect(),
            errors: reach.iter().map(error).collect(),
            longest: reach.iter().map(|reach| reach * reach).sum::<f64>().sqrt() * (1.0 + 1e-9),
            reach,
        }
    }

    /// Whether rows whose features are `most` at most can be cut by it, not much more coarsely than by their own.
    fn suits(&self, most: &[f64]) -> bool {
        self.reach.iter().zip(most).all(|(reach, most)| most <= reach && is_fine(*reach, *most))
    }

    /// How many features there are.
    pub(super) fn n_features(&self) -> usize {
        self.widths.len()
    }
}

/// How the rows of a block are cut into steps.
#[derive(Clone, Debug)]
pub struct Steps {
    n_rows: usize,
    scale: Arc<Scale>,
}

impl Steps {
    /// Cuts rows, taken relative to `shift`, into steps, which fill `to`: as many numbers as [`ShortRows::size`] says.
    /// By the scale of a block cut `before`, if that suits.
    ///
    /// # Panics
    /// When the sizes do not match.
    pub fn cut<T: Real>(
        rows: &Rows<'_, T>,
        shift: &[T],
        before: Option<&Self>,
        scratch: &mut Scratch<T>,
        to: &mut [i16],
    ) -> Self {
        let (d, n_rows) = (rows.n_features, rows.len());
        assert!(shift.len() == d && rows.x.len() == n_rows * d, "rows of {d} features");
        assert!(to.len() == ShortRows::size(n_rows, d), "room for {n_rows} rows");
        let mut most = vec![T::ZERO; d * LANES];
        if let Some(before) = before {
            cut_rows(rows, shift, &before.scale.per_unit, scratch, &mut most, to);
            if before.scale.suits(&largest(&most)) {
                return Self { n_rows, scale: Arc::clone(&before.scale) };
            }
        } else {
            // Only to see how far they reach.
            cut_rows(rows, shift, &vec![0.0; d], scratch, &mut most, to);
        }
        let scale = Arc::new(Scale::new(&largest(&most), before.map(|steps| steps.scale.as_ref())));
        cut_rows(rows, shift, &scale.per_unit, scratch, &mut most, to);
        Self { n_rows, scale }
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The scale.
    pub fn scale(&self) -> &Arc<Scale> {
        &self.scale
    }
}

/// Whether steps that go as far as `reach` are not much coarser than those of rows that go as far as `most`, unless these
/// are 0 throughout.
fn is_fine(reach: f64, most: f64) -> bool {
    reach <= COARSER * most || most == 0.0
}

/// The largest of the lanes of each feature.
fn largest<T: Real>(most: &[T]) -> Vec<f64> {
    let of_lanes = |lanes: &[T; LANES]| lanes.iter().fold(0.0, |most: f64, v| most.max(v.to_f64()));
    most.as_chunks().0.iter().map(of_lanes).collect()
}

/// A block's rows less the shift, in steps of each feature.
#[derive(Clone, Copy, Debug)]
pub struct ShortRows<'a> {
    /// `(n_tiles, d, TILE)`; what is behind the last row is of no account.
    steps: &'a [i16],
    pub(super) of: &'a Steps,
}

impl<'a> ShortRows<'a> {
    /// Rows that are a multiple of this apart begin a tile.
    pub const TILE: usize = TILE;

    /// How many numbers `n_rows` rows of `d` features take.
    pub fn size(n_rows: usize, d: usize) -> usize {
        n_rows.div_ceil(TILE) * TILE * d
    }

    /// The rows that were [cut](Steps::cut).
    ///
    /// # Panics
    /// When the sizes do not match.
    pub fn new(steps: &'a [i16], of: &'a Steps) -> Self {
        assert!(steps.len() == Self::size(of.n_rows, of.scale.n_features()), "steps of {} rows", of.n_rows);
        Self { steps, of }
    }

    /// The tiles that hold `n` rows from row `first` on, which begins one.
    pub(super) fn tiles(&self, first: usize, n: usize) -> &'a [i16] {
        let of_tile = self.of.scale.n_features() * TILE;
        &self.steps[first / TILE * of_tile..(first + n).div_ceil(TILE) * of_tile]
    }
}

/// Turns a tile's rows and writes them in steps; raises `most`, lane by lane `(d, LANES)`, to the
/// largest distance from the shift of each feature.
///
/// # Safety
/// The instruction set of `V` must be there; there are as many features as in the tile, at most its rows, and room for
/// [`TILE`] steps of each feature from the row that these begin with.
#[inline(always)]
pub(super) unsafe fn cut<V: Vector>(
    rows: &Rows<'_, V::Item>,
    shift: &[V::Item],
    per_unit: &[f64],
    tile: &mut Tile<V::Item>,
    most: &mut [V::Item],
    steps: &mut [i16],
) {
    let (d, size) = (shift.len(), V::Item::TILE_ROWS);
    // SAFETY: the caller's promises.
    unsafe {
        turn_rows::<V>(rows.len(), |i| rows.x.as_ptr().add(i * d), (d, shift.as_ptr()), tile);
    }
    let ahead = rows.x.as_ptr_range().end;
    let turned = tile.turned_mut(d * size);
    let each =
        turned.chunks_exact(size).zip(steps.chunks_mut(TILE)).zip(per_unit).zip(most.as_chunks_mut().0);
    for (f, (((turned, steps), per_unit), most)) in each.enumerate() {
        prefetch(ahead.wrapping_add(f * size), size);
        for (step, value) in steps.iter_mut().zip(turned) {
            let nearest = value.to_f64() * per_unit + INTEGER;
            *step = nearest.to_bits() as i16;
        }
        // What a tile held before stands behind a last, shorter one: that may make steps wider, never too narrow.
        let mut farthest: [V::Item; LANES] = *most;
        for values in turned.as_chunks::<LANES>().0 {
            for l in 0..LANES {
                let off = if values[l] < V::Item::ZERO { -values[l] } else { values[l] };
                farthest[l] = if off > farthest[l] { off } else { farthest[l] };
            }
        }
        *most = farthest;
    }
}

/// Centroids as rows in steps of one scale are compared with them.
#[derive(Clone, Debug)]
pub struct ShortCentroids {
    c: Centroids<f32>,
    /// By how much a score must be smaller than the others to be the least of the row itself.
    level: f32,
}

impl ShortCentroids {
    /// The centroids `c` for rows of this scale.
    ///
    /// A score ½‖c‖² − x·c of the row itself is off by at most (d + 4)·u·(½‖c‖² + ‖x‖·‖c‖) in the rows' own precision,
    /// u being half an ulp of 1; one of steps by as much in single precision and by Σ error·|c|. The level is twice the
    /// sum of these for the worst centroid, and what may be lost below the smallest normal number.
    ///
    /// # Panics
    /// When the numbers of features differ.
    pub fn new<T: Real>(c: &Centroids<T>, scale: &Scale) -> Self {
        let d = c.d;
        assert!(scale.n_features() == d, "rows of {d} features");
        let rounding = (d as f64 + 8.0) * 0.5 * (T::EPSILON + f64::from(f32::EPSILON));
        let (mut negated, mut worst) = (Vec::with_capacity(c.negated.len()), 0.0);
        for (of_one, offset) in c.negated.chunks_exact(d).zip(&c.offsets) {
            let (mut square, mut off) = (0.0, 0.0);
            for ((value, width), error) in of_one.iter().zip(&scale.widths).zip(&scale.errors) {
                let value = value.to_f64();
                square += value * value;
                off += value.abs() * error;
                negated.push((value * width) as f32);
            }
            off += rounding * (offset.to_f64().abs() + scale.longest * square.sqrt());
            // What is no number is infinite: no row is sure then.
            worst = if off <= worst {
                worst
            } else if off.is_nan() {
                f64::INFINITY
            } else {
                off
            };
        }
        let offsets = c.offsets.iter().map(|offset| offset.to_f64() as f32).collect();
        let c = Centroids { k: c.k, d, shift: Vec::new(), negated, offsets, all: c.all.clone() };
        let lost = 16.0 * (d as f64 + 8.0) * f64::from(f32::MIN_POSITIVE) * STEPS;
        Self { c, level: (1.01 * (2.0 * worst + lost)) as f32 }
    }

    /// The centroids for steps, and by how much a score must be smaller than the others.
    pub(super) fn parts(&self) -> (&Centroids<f32>, f32) {
        (&self.c, self.level)
    }

    /// Of how many centroids and features.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.c.k, self.c.d)
    }
}

dispatch!(fn widen(steps: &[i16], to: &mut [f32]) = widen_body);

/// # Safety
/// The machine has the lanes' features.
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "plain loops, compiled for the lanes' features")]
unsafe fn widen_body<S: Simd>(steps: &[i16], to: &mut [f32]) {
    for (to, &steps) in to.iter_mut().zip(steps) {
        *to = f32::from(steps);
    }
}

/// Puts a tile's steps where the lanes take them from.
#[inline(always)]
pub(super) fn widen_tile(isa: Isa, steps: &[i16], tile: &mut Tile<f32>) {
    widen(isa, steps, tile.turned_mut(steps.len()));
}

/// Finds the nearest centroids of the rows that are turned in the tile, and adds those whose label is not sure to be
/// that of the row itself to `unsure`, counted from `at` on. Meanwhile what is `ahead` comes into the cache.
///
/// # Safety
/// The instruction set of `V` must be there; there are at most a tile of labels; the tile is made for the centroids.
#[inline(always)]
pub(super) unsafe fn assign<V: Vector, const R: usize, const G: usize>(
    at: usize,
    ahead: Ahead<V::Item>,
    c: &Centroids<V::Item>,
    level: V::Item,
    tile: &mut Tile<V::Item>,
    labels: &mut [u32],
    unsure: &mut Vec<u32>,
) {
    let n = labels.len();
    // SAFETY: the caller's promises.
    unsafe {
        score_tile::<V, R, G, true>(n, Some(ahead), c, &c.all, tile.turned(), tile);
        write_labels::<V>(tile, labels);
    }
    list_unsure(&[level; MOST_ROWS][..n], tile, at, unsure);
}

#[cfg(test)]
mod tests {
    use super::super::{Centroids, Rows, Scratch, assign, assign_short, cases};
    use super::*;
    use crate::kernel::Isa;

    /// The last feature is constant. Labels must be those of all scores, from every tile on. Returns how many rows were
    /// scored in full.
    fn check<T: Real>(scale: f64, lattice: bool, [n, k, d]: [usize; 3]) -> usize {
        let (mut x, centers, shift) = cases::draw::<T>(scale, lattice, [n, k, d]);
        if d > 1 {
            x.chunks_exact_mut(d).for_each(|row| row[d - 1] = T::from_f64(3.0 * scale));
        }
        let rows = Rows { x: &x, weights: &[], n_features: d };
        let c = Centroids::<T>::new(&centers, &shift);
        let mut again = 0;
        for isa in Isa::available() {
            let mut scratch = Scratch::new(d, isa);
            let mut expected = vec![0; n];
            assign(&rows, &c, &mut scratch, &mut expected, None);
            let mut to = vec![0; ShortRows::size(n, d)];
            let first = Steps::cut(&rows, &shift, None, &mut scratch, &mut to);
            let steps = Steps::cut(&rows, &shift, Some(&first), &mut scratch, &mut to);
            assert!(Arc::ptr_eq(first.scale(), steps.scale()) || scale.abs().log10().abs() > 20.0);
            let (short, in_short) = (ShortRows::new(&to, &steps), ShortCentroids::new(&c, steps.scale()));
            for start in (0..n).step_by(TILE) {
                let (part, mut labels) = (rows.part(start, n - start), vec![9; n - start]);
                let unsure = assign_short(&part, &c, (short, start), &in_short, &mut scratch, &mut labels);
                assert_eq!(labels, expected[start..], "{scale} {n} × {d}, k = {k}, {} {isa:?}", T::NAME);
                again += if start == 0 { unsure } else { 0 };
            }
        }
        again
    }

    #[test]
    fn labels_in_sixteen_bits_are_those_of_the_rows_themselves() {
        cases::each(check::<f64>, check::<f32>);
    }

    #[test]
    fn few_rows_are_scored_in_full_unless_they_must_be() {
        assert!(check::<f64>(1.0, false, [500, 4, 20]) <= 3 * Isa::available().len());
        // Centroids 1 and 5 are equal: rows nearest to them are never sure.
        assert!(check::<f64>(1.0, false, [500, 12, 20]) > 20 * Isa::available().len());
    }

    #[test]
    fn blocks_that_are_alike_come_to_one_scale() {
        let mut scratch = Scratch::new(2, Isa::best());
        let mut to = vec![0; ShortRows::size(1, 2)];
        let mut cut = |x: [f64; 2], before: Option<&Steps>| {
            let rows = Rows { x: &x, weights: &[], n_features: 2 };
            Steps::cut(&rows, &[0.0; 2], before, &mut scratch, &mut to)
        };
        let first = cut([1.0, -1.0], None);
        let wider = cut([-2.0, 0.9], Some(&first));
        assert!(!Arc::ptr_eq(first.scale(), wider.scale()));
        for x in [[1.0, 1.0], [-2.4, 0.8], [0.7, -1.2], [0.0, 1.0]] {
            assert!(Arc::ptr_eq(wider.scale(), cut(x, Some(&wider)).scale()), "{x:?}");
        }
        // Steps of the other scale would be too coarse, or reach not far enough.
        for x in [[0.1, 1.0], [3.0, 1.0]] {
            assert!(!Arc::ptr_eq(wider.scale(), cut(x, Some(&wider)).scale()), "{x:?}");
        }
    }
}
