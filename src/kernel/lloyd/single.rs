//! Scores of rows in double precision, formed in single: half the arithmetic, and the very same labels.
//!
//! Scores in single precision are off by less than [`SingleCentroids`] knows. Where the least is smaller than every other
//! by more than that may do to two, it is the least in double precision, too; the few other rows are scored again.
//!
//! # References
//! Higham, "Accuracy and stability of numerical algorithms", 2002, section 3.1, for the error of a dot product.

use super::Rows;
use super::bounded::measure;
use super::bounds::{BoundsMut, Drift};
use super::neighbours::Neighbours;
use super::packed::Centroids;
use super::reassign::MOST_ROWS;
use super::tile::{Ahead, Tile, score_tile, square_rows, turn_rows, write_labels};
use super::vector::{Lanes, Vector};
use crate::kernel::Real;

/// Centroids in single precision, and what that may do to a score.
#[derive(Clone, Debug)]
pub struct SingleCentroids<S> {
    pub(super) c: Centroids<S>,
    /// A score must be smaller than the others by `level + slope · ‖x−μ‖²` to be the least in the rows' own precision.
    level: S,
    slope: S,
}

impl<S: Real> SingleCentroids<S> {
    /// Those that rows of type `T`, less the shift, are compared with.
    ///
    /// A score is ½‖c‖² and d products; the rounding of two factors each and of d sums puts it off by at most
    /// (d + 4)·u·(½‖c‖² + ‖x‖·‖c‖), u being half an ulp of 1, and one in double precision by a small part of that. Two
    /// scores differ by twice as much, and ‖x‖·‖c‖ is at most ½‖x‖² + ½‖c‖². This is twice all that, and what may be
    /// lost below the smallest normal number.
    pub(super) fn of<T: Real>(c: &Centroids<T>) -> Self {
        let square = |c: &[T]| c.iter().map(|v| v.to_f64() * v.to_f64()).sum::<f64>();
        let longest = c.negated.chunks_exact(c.d).map(square).fold(0.0, f64::max) * (1.0 + 1e-9);
        let error = 4.0 * (c.d as f64 + 8.0) * 0.5 * S::EPSILON;
        let lost = 16.0 * (c.d as f64 + 8.0) * f64::from(f32::MIN_POSITIVE);
        let rounded = |values: &[T]| values.iter().map(|v| S::from_f64(v.to_f64())).collect();
        let single = Centroids {
            k: c.k,
            d: c.d,
            shift: vec![S::ZERO; c.shift.len()],
            negated: rounded(&c.negated),
            offsets: rounded(&c.offsets),
            all: c.all.clone(),
        };
        let level = error * longest + lost * (1.0 + longest);
        Self { c: single, level: S::from_f64(1.01 * level), slope: S::from_f64(1.01 * (0.5 * error + lost)) }
    }
}

/// Writes rows less the shift in single precision.
///
/// # Safety
/// The instruction set of `V` must be there; rows have `d` features, and `to` has room for them.
#[inline(always)]
pub(super) unsafe fn narrow<V: Vector>(rows: &Rows<'_, V::Item>, c: &Centroids<V::Item>, to: &mut [f32]) {
    for (x, to) in rows.x.chunks_exact(c.d).zip(to.chunks_exact_mut(c.d)) {
        // SAFETY: the row and its place have `d` numbers, the shift as many and zeros up to a whole vector.
        unsafe { V::narrow(x.as_ptr(), c.shift.as_ptr(), c.d, to.as_mut_ptr()) };
    }
}

/// Finds the nearest centroids of a tile's narrow rows and adds those whose label is not sure to be that of their own
/// precision to `unsure`, counted from `at` on. Bounds of the others are measured where they are asked for; those of
/// the unsure ones say nothing. Meanwhile what is `ahead` comes into the cache.
///
/// # Safety
/// The instruction set of `V` must be there; there is a row for each label, at most a tile of them; tile, neighbours
/// and drift are made for the centroids, and there is a pair of bounds for each row.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn assign<V: Vector, const R: usize, const G: usize>(
    x: &[V::Item],
    at: usize,
    ahead: Ahead<V::Item>,
    centroids: &SingleCentroids<V::Item>,
    bounded: Option<(&Neighbours, &Drift, BoundsMut<'_>)>,
    tile: &mut Tile<V::Item>,
    labels: &mut [u32],
    unsure: &mut Vec<u32>,
) {
    let (c, n, before) = (&centroids.c, labels.len(), unsure.len());
    // SAFETY: the caller's promises.
    unsafe {
        turn_rows::<V>(n, |i| x.as_ptr().add(i * c.d), c.frame(), tile);
        score_tile::<V, R, G, true>(n, Some(ahead), c, &c.all, tile.turned(), tile);
        square_rows::<V>(n, c, tile.turned(), tile);
        write_labels::<V>(tile, labels);
    }
    let mut margins = [V::Item::ZERO; MOST_ROWS];
    for (margin, norm) in margins[..n].iter_mut().zip(tile.scores().2) {
        *margin = norm.mul_add(centroids.slope, centroids.level);
    }
    list_unsure(&margins[..n], tile, at, unsure);
    if let Some((neighbours, drift, bounds)) = bounded {
        let BoundsMut { upper, lower } = bounds;
        // SAFETY: labels are below k.
        unsafe { measure(neighbours.single_limits(), tile, drift, labels, f32::INFINITY, upper, lower) };
        for &row in &unsure[before..] {
            (upper[row as usize - at], lower[row as usize - at]) = (f32::INFINITY, 0.0);
        }
    }
}

/// Lists the tile's first rows, counted from `at` on, whose least score is not smaller than every other by more than their
/// margin.
#[inline(always)]
fn list_unsure<S: Real>(margins: &[S], tile: &Tile<S>, at: usize, unsure: &mut Vec<u32>) {
    let n = margins.len();
    let (best, second, _) = tile.scores();
    let (best, second) = (&best[..n], &second[..n]);
    let mut sure = [false; MOST_ROWS];
    let mut all_sure = true;
    for i in 0..n {
        // What is no number is not sure.
        sure[i] = second[i] - best[i] > margins[i];
        all_sure &= sure[i];
    }
    if !all_sure {
        list_others(&sure[..n], at, unsure);
    }
}

/// Lists the rows, counted from `at` on, that are not sure.
#[inline(always)]
pub(super) fn list_others(sure: &[bool], at: usize, unsure: &mut Vec<u32>) {
    let others = sure.iter().enumerate().filter(|(_, sure)| !**sure);
    unsure.extend(others.map(|(i, _)| (at + i) as u32));
}

/// Finds the nearest of all centroids for the listed rows, in the rows' own precision.
///
/// # Safety
/// The instruction set of `V` must be there; listed rows are rows and have a label; the tile is made for `c`.
#[inline(always)]
pub(super) unsafe fn assign_listed<V: Vector, const R: usize, const G: usize>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    tile: &mut Tile<V::Item>,
    listed: &[u32],
    labels: &mut [u32],
) {
    let mut found = [0; MOST_ROWS];
    for group in listed.chunks(V::Item::TILE_ROWS) {
        let n = group.len();
        // SAFETY: the group's rows are rows, at most a tile of them.
        unsafe {
            turn_rows::<V>(n, |i| rows.x.as_ptr().add(group[i] as usize * c.d), c.frame(), tile);
            score_tile::<V, R, G, false>(n, None, c, &c.all, tile.turned(), tile);
            write_labels::<V>(tile, &mut found[..n]);
        }
        for (&row, &label) in group.iter().zip(&found) {
            labels[row as usize] = label;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Bounds, Centroids, Drift, Neighbours, Rows, Scratch, assign, assign_single, cases, screen, settle,
    };
    use crate::kernel::{Isa, Real};

    /// Labels must be those of all scores, as those after a step of the centroids by the bounds must be. Returns how many
    /// rows were scored again.
    fn check<T: Real>(scale: f64, lattice: bool, [n, k, d]: [usize; 3]) -> usize {
        let (x, mut centers, shift) = cases::draw::<T>(scale, lattice, [n, k, d]);
        let rows = Rows { x: &x, weights: &[], n_features: d };
        let first = Centroids::<T>::new(&centers, &shift);
        centers.iter_mut().for_each(|c| *c *= 0.97);
        let second = Centroids::<T>::new(&centers, &shift);
        let mut again = 0;
        for isa in Isa::available() {
            let mut scratch = Scratch::new(d, isa);
            let (mut labels, mut expected, mut bounds) = (vec![9; n], vec![0; n], Bounds::default());
            bounds.make_room(n);
            let (mut drift, neighbours) = (Drift::new(k), Neighbours::new(&first));
            assign(&rows, &first, &mut scratch, &mut expected, None);
            let single = first.in_single();
            again += assign_single(&rows, &first, &single, None, &mut scratch, &mut labels);
            assert_eq!(labels, expected, "{scale} {n} × {d}, k = {k}, {} {isa:?}", T::NAME);
            labels.fill(9);
            let known = Some((&neighbours, &drift, &mut bounds.part(0, n)));
            assign_single(&rows, &first, &single, known, &mut scratch, &mut labels);
            assert_eq!(labels, expected, "{scale} {n} × {d}, k = {k}, {} {isa:?}", T::NAME);
            drift.advance(&first, &second);
            let (neighbours, mut bounds) = (Neighbours::new(&second), bounds.part(0, n));
            screen(&second, (&neighbours, &drift), &mut scratch, &labels, &bounds);
            settle(
                &rows,
                &second,
                (&neighbours, &drift),
                &mut scratch,
                &mut labels,
                &mut bounds,
                &mut Vec::new(),
            );
            assign(&rows, &second, &mut scratch, &mut expected, None);
            assert_eq!(labels, expected, "by bounds: {scale} {n} × {d}, k = {k}, {} {isa:?}", T::NAME);
        }
        again
    }

    #[test]
    fn labels_in_single_precision_are_those_of_the_rows_own() {
        cases::each(check::<f64>, check::<f32>);
    }

    #[test]
    fn few_rows_are_scored_again_unless_they_must_be() {
        assert!(check::<f64>(1.0, false, [500, 4, 20]) <= 3 * Isa::available().len());
        // Centroids 1 and 5 are equal: rows nearest to them are never sure.
        assert!(check::<f64>(1.0, false, [500, 12, 20]) > 20 * Isa::available().len());
    }
}
