//! Rows in sixteen bits, which tell nearly every label for a quarter of the memory.
//!
//! Each feature of a block is cut into steps of equal width. Scores of such rows are formed in integers (`short_scores.rs`).
//! Where the least is smaller than every other by more than the steps may hide (`short_centroids.rs`), it is
//! the least of the row itself, too; the few other rows are scored in full. Rows stand turned, two features in a number,
//! so that they go to the lanes as they are.

use std::sync::Arc;

use super::Rows;
use super::assign::{Scratch, cut_rows};
use super::short_centroids::pair;
use super::tile::{Tile, turn_rows};
use super::vector::{Lanes, Vector};
use crate::kernel::Real;
use crate::kernel::simd::prefetch;

/// Rows of a tile.
const TILE: usize = <f32 as Lanes>::TILE_ROWS;

/// Steps from 0 to the farthest value of a feature.
const STEPS: f64 = i16::MAX as f64;

/// How much farther steps reach than the rows they were made for.
const ROOM: f64 = 1.25;

/// How much coarser than their own steps those of other rows may be.
const COARSER: f64 = 4.0;

/// More than half a step, by what scaling rounds in single precision: a value and its factor by 2^-24 each, of up to 2^15 steps.
const HALF: f64 = 0.5 * (1.0 + 1.0 / 64.0);

/// Values that are cut side by side.
const LANES: usize = 16;

/// 1.5 · 2^23: adding it rounds to an integer, which stands in the low bits.
const INTEGER: f32 = 12_582_912.0;

/// The steps of each feature.
///
/// Lengths are in units of the span, so that neither they nor their squares leave the range of single precision.
#[derive(Debug)]
pub struct Scale {
    /// How far steps reach.
    reach: Vec<f64>,
    /// √Σ reach²: no row is longer.
    span: f64,
    /// How many steps a unit is.
    per_unit: Vec<f64>,
    /// How wide a step is, in units of the span.
    widths: Vec<f64>,
    /// The most that a row is off, in units of the span.
    off: f64,
    /// The longest row that this is for, in units of the span.
    longest: f64,
}

impl Scale {
    /// Steps of values of type `T` as far as `most` and somewhat farther, or as far as those of the scale `before`: blocks that
    /// are alike soon have one scale.
    fn new<T: Real>(most: &[f64], before: Option<&Self>) -> Self {
        let mut reach: Vec<f64> = most.iter().map(|most| most * ROOM).collect();
        if let Some(before) = before {
            for ((reach, most), before) in reach.iter_mut().zip(most).zip(&before.reach) {
                *reach = if *before > *reach && is_fine(*before, *most) { *before } else { *reach };
            }
        }
        let span = reach.iter().map(|reach| reach * reach).sum::<f64>().sqrt() * (1.0 + 1e-9);
        // What cannot be cut into steps is 0, and off by all that it is.
        let can_be_cut = |reach: &f64| T::from_f64(STEPS / reach).is_finite() && reach.is_finite();
        let per_unit = |reach: &f64| if can_be_cut(reach) { STEPS / reach } else { 0.0 };
        let width = |reach: &f64| if can_be_cut(reach) { reach / STEPS / span } else { 0.0 };
        let error = |reach: &f64| if can_be_cut(reach) { HALF * reach / STEPS } else { *reach } / span;
        Self {
            per_unit: reach.iter().map(per_unit).collect(),
            widths: reach.iter().map(width).collect(),
            off: reach.iter().map(error).map(|error| error * error).sum::<f64>().sqrt() * (1.0 + 1e-9),
            span,
            longest: 1.0,
            reach,
        }
    }

    /// The same for rows of which ½‖x‖² is `norm` at most, and somewhat longer, or as long as those of the scale `before`.
    fn for_rows(self, norm: f64, before: Option<&Self>) -> Self {
        let longest = (2.0 * norm).sqrt();
        let before = before.map_or(0.0, |before| before.longest * (before.span / self.span));
        let longest = if is_fine(before, longest) { before.max(ROOM * longest) } else { ROOM * longest };
        Self { longest: longest.min(1.0), ..self }
    }

    /// Whether rows whose features are `most` at most and ½‖x‖² `norm` can be cut by it, not much more coarsely than by
    /// their own.
    fn suits(&self, most: &[f64], norm: f64) -> bool {
        self.reach.iter().zip(most).all(|(reach, most)| most <= reach && is_fine(*reach, *most))
            && 2.0 * norm <= self.longest * self.longest
    }

    /// How many features there are.
    pub(super) fn n_features(&self) -> usize {
        self.widths.len()
    }

    /// The unit of lengths.
    pub(super) fn span(&self) -> f64 {
        self.span
    }

    /// How wide the steps of each feature are; 0 where there are none.
    pub(super) fn widths(&self) -> &[f64] {
        &self.widths
    }

    /// The most that a row is off.
    pub(super) fn off(&self) -> f64 {
        self.off
    }

    /// The length of the longest row in steps.
    pub(super) fn longest(&self) -> f64 {
        self.longest
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
        to: &mut [i32],
    ) -> Self {
        let (d, n_rows) = (rows.n_features, rows.len());
        assert!(shift.len() == d && rows.x.len() == n_rows * d, "rows of {d} features");
        assert!(to.len() == ShortRows::size(n_rows, d), "room for {n_rows} rows");
        let mut extent = Extent { most: vec![T::ZERO; d * LANES], norm: 0.0 };
        let before = before.map(|steps| &steps.scale);
        // Without a scale only to see how far they reach.
        let first = before.map_or_else(|| Arc::new(Scale::new::<T>(&vec![0.0; d], None)), Arc::clone);
        cut_rows(rows, shift, &first, scratch, &mut extent, to);
        if before.is_some() && first.suits(&extent.farthest(), f64::from(extent.norm)) {
            return Self { n_rows, scale: first };
        }
        let before = before.map(Arc::as_ref);
        let scale = Scale::new::<T>(&extent.farthest(), before);
        extent.norm = 0.0;
        cut_rows(rows, shift, &scale, scratch, &mut extent, to);
        Self { n_rows, scale: Arc::new(scale.for_rows(f64::from(extent.norm), before)) }
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

/// How far rows reach.
pub(super) struct Extent<T> {
    /// The largest distance from the shift of each feature, lane by lane: `(d, LANES)`.
    most: Vec<T>,
    /// The largest ½‖x‖² of the rows in steps, in units of the scale's span.
    norm: f32,
}

impl<T: Real> Extent<T> {
    /// The largest of the lanes of each feature.
    fn farthest(&self) -> Vec<f64> {
        let of_lanes = |lanes: &[T; LANES]| lanes.iter().fold(0.0, |most: f64, v| most.max(v.to_f64()));
        self.most.as_chunks().0.iter().map(of_lanes).collect()
    }
}

/// Whether steps that go as far as `reach` are not much coarser than those of rows that go as far as `most`, unless these
/// are 0 throughout.
fn is_fine(reach: f64, most: f64) -> bool {
    reach <= COARSER * most || most == 0.0
}

/// A block's rows less the shift, in steps of each feature.
#[derive(Clone, Copy, Debug)]
pub struct ShortRows<'a> {
    /// `(n_tiles, ⌈d/2⌉ + 1, TILE)`: two features in a number, and ½‖x‖² as the bits of a single-precision number. What is behind
    /// the last row is of no account.
    steps: &'a [i32],
    pub(super) of: &'a Steps,
}

impl<'a> ShortRows<'a> {
    /// Rows that are a multiple of this apart begin a tile.
    pub const TILE: usize = TILE;

    /// How many numbers `n_rows` rows of `d` features take.
    pub fn size(n_rows: usize, d: usize) -> usize {
        n_rows.div_ceil(TILE) * TILE * (Self::row_bytes(d) / size_of::<i32>())
    }

    /// Bytes of a row of `d` features.
    pub fn row_bytes(d: usize) -> usize {
        (d.div_ceil(2) + 1) * size_of::<i32>()
    }

    /// The rows that were [cut](Steps::cut).
    ///
    /// # Panics
    /// When the sizes do not match.
    pub fn new(steps: &'a [i32], of: &'a Steps) -> Self {
        assert!(steps.len() == Self::size(of.n_rows, of.scale.n_features()), "steps of {} rows", of.n_rows);
        Self { steps, of }
    }

    /// The tiles that hold `n` rows from row `first` on, which begins one.
    pub(super) fn tiles(&self, first: usize, n: usize) -> &'a [i32] {
        let size = |n: usize| Self::size(n, self.of.scale.n_features());
        &self.steps[size(first)..size(first + n)]
    }
}

/// Turns a tile's rows and writes them in steps from place `at` of the tile `to` on; raises `extent` to theirs.
///
/// # Safety
/// The instruction set of `V` must be there; there are as many features as in the tile, at most its rows, and from `at` on
/// room for as many.
#[inline(always)]
pub(super) unsafe fn cut<V: Vector>(
    rows: &Rows<'_, V::Item>,
    shift: &[V::Item],
    scale: &Scale,
    tile: &mut Tile<V::Item>,
    extent: &mut Extent<V::Item>,
    (to, at): (&mut [i32], usize),
) {
    let (d, n, size) = (shift.len(), rows.len(), V::Item::TILE_ROWS);
    // SAFETY: the caller's promises.
    unsafe {
        turn_rows::<V>(n, |i| rows.x.as_ptr().add(i * d), (d, shift.as_ptr()), tile);
    }
    let ahead = rows.x.as_ptr_range().end;
    let turned = tile.turned_mut(d * size);
    let mut norms = [0.0f32; TILE];
    let features = scale.per_unit.iter().zip(&scale.widths).zip(extent.most.as_chunks_mut().0);
    for ((f, values), ((per_unit, width), most)) in turned.chunks_exact(size).enumerate().zip(features) {
        prefetch(ahead.wrapping_add(f * size), size);
        let to = &mut to[f / 2 * TILE + at..][..size];
        let (per_unit, width) = (V::Item::from_f64(*per_unit), *width as f32);
        let is_first = f % 2 == 0;
        for ((to, value), norm) in to.iter_mut().zip(values).zip(&mut norms) {
            let nearest = (*value * per_unit).to_f64() as f32 + INTEGER;
            let step = nearest.to_bits() as i16;
            *to = if is_first { pair(step, 0) } else { *to | pair(0, step) };
            let long = (nearest - INTEGER) * width;
            *norm += long * long;
        }
        // What a tile held before stands behind a last, shorter one: that may make steps wider, never too narrow.
        let mut farthest: [V::Item; LANES] = *most;
        for values in values.as_chunks::<LANES>().0 {
            for l in 0..LANES {
                let off = if values[l] < V::Item::ZERO { -values[l] } else { values[l] };
                farthest[l] = if off > farthest[l] { off } else { farthest[l] };
            }
        }
        *most = farthest;
    }
    let place = d.div_ceil(2) * TILE + at;
    for (to, norm) in to[place..][..size].iter_mut().zip(&norms) {
        *to = (0.5 * norm).to_bits() as i32;
    }
    extent.norm = norms[..n].iter().fold(extent.norm, |most, norm| most.max(0.5 * norm));
}

#[cfg(test)]
mod tests {
    use super::super::{Centroids, Rows, Scratch, ShortCentroids, assign, assign_short, cases};
    use super::*;
    use crate::kernel::Isa;
    use crate::rng::{Purpose, stream, uniform};

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
    fn rows_are_told_apart_by_their_distance_from_a_centroid_not_from_the_mean() {
        // Two centroids in each of two blobs far away: the steps are as wide as the way there.
        let (n, d) = (1000, 20);
        let mut rng = stream(3, Purpose::Noise, 0);
        let far = |blob: usize| if blob == 0 { -30.0 } else { 30.0 };
        let x: Vec<f64> =
            (0..n * d).map(|i| far(i / d % 2) + 3.0 * (uniform(&mut rng) - uniform(&mut rng))).collect();
        let centers: Vec<f64> = (0..4 * d)
            .map(|i| far(i / d % 2) + if i % d == 0 { (i / d / 2) as f64 * 2.0 - 1.0 } else { 0.0 })
            .collect();
        let (rows, shift) = (Rows { x: &x, weights: &[], n_features: d }, vec![0.0; d]);
        let c = Centroids::new(&centers, &shift);
        let (mut scratch, mut labels) = (Scratch::new(d, Isa::best()), vec![0; n]);
        let mut expected = labels.clone();
        assign(&rows, &c, &mut scratch, &mut expected, None);
        let mut to = vec![0; ShortRows::size(n, d)];
        let steps = Steps::cut(&rows, &shift, None, &mut scratch, &mut to);
        let (short, in_short) = (ShortRows::new(&to, &steps), ShortCentroids::new(&c, steps.scale()));
        let unsure = assign_short(&rows, &c, (short, 0), &in_short, &mut scratch, &mut labels);
        assert_eq!(labels, expected);
        assert!(unsure < n / 8, "{unsure} of {n}");
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
