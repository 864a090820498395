//! The nearest centroid of rows that have had one before: most centroids are too far from it to be looked at.

use super::Rows;
use super::neighbours::Neighbours;
use super::packed::Centroids;
use super::shared::Shared;
use super::tile::{LINE_BYTES, Tile, score_tile, turn_rows, write_labels};
use super::vector::{Lanes, Vector};

/// Rows that are asked for ahead of the one that is looked at. Behind the last there is nothing, which does no harm.
const AHEAD: usize = 32;

/// The most rows of a tile.
pub(super) const MOST_ROWS: usize = 96;

/// What looking at a row costs beside scores, in scores, and again what moving it to a tile with others costs: measured
/// on Zen 4, where a score takes half the time in single precision and looking does not.
pub(super) const fn look_cost<T>() -> usize {
    if size_of::<T>() == size_of::<f64>() { 6 } else { 10 }
}

/// Buffers of [`reassign`].
#[derive(Default)]
pub(super) struct Buckets {
    /// Squared distances of the rows to their centroids, nearly.
    pub(super) squares: Vec<f64>,
    /// Rows that may change, and those sorted by label.
    pub(super) open: Vec<u32>,
    pub(super) sorted: Vec<u32>,
    /// Where each label's rows end among the sorted.
    pub(super) ends: Vec<usize>,
    pub(super) candidates: Vec<u32>,
    /// Rows of neighbouring clusters, and those of the next one.
    pub(super) shared: Shared,
    pub(super) next: Shared,
}

/// Brings `labels`, which may be any, up to date, and returns what it cost in scores.
///
/// # Safety
/// The instruction set of `V` must be there; labels are below `c.k`, one a row; tile and neighbours are made for `c`.
#[inline(always)]
pub(super) unsafe fn reassign<V: Vector, const R: usize, const G: usize>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    neighbours: &Neighbours,
    tile: &mut Tile<V::Item>,
    buckets: &mut Buckets,
    labels: &mut [u32],
) -> usize {
    // SAFETY: labels are below k, rows have d numbers.
    unsafe { look::<V>(rows, c, neighbours, buckets, labels) };
    sort(buckets, labels, neighbours.places());
    let mut cost = look_cost::<V::Item>() * (labels.len() + buckets.sorted.len());
    let mut start = 0;
    for (place, &a) in neighbours.chain().iter().enumerate() {
        let end = buckets.ends[place];
        for group in buckets.sorted[start..end].chunks(V::Item::TILE_ROWS) {
            let square = group.iter().map(|&i| buckets.squares[i as usize]).fold(0.0, larger);
            let candidates = neighbours.candidates(a, square, &mut buckets.candidates);
            cost += group.len().next_multiple_of(V::LANES) * candidates.len();
            // SAFETY: the group's rows are rows, at most a tile of them; candidates are below k.
            unsafe {
                let of_row = |i: usize| rows.x.as_ptr().add(group[i] as usize * c.d);
                turn_rows::<V>(group.len(), of_row, c.frame(), tile);
                score_tile::<V, R, G, false>(group.len(), None, c, candidates, tile.turned(), tile);
                let mut found = [0; MOST_ROWS];
                write_labels::<V>(tile, &mut found[..group.len()]);
                for (&i, &label) in group.iter().zip(&found) {
                    labels[i as usize] = label;
                }
            }
        }
        start = end;
    }
    cost
}

/// The larger, or what is no number.
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b <= a { a } else { b }
}

/// Measures every row's distance to its centroid and lists the rows that another centroid may win.
///
/// # Safety
/// As for [`reassign`].
#[inline(always)]
unsafe fn look<V: Vector>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    neighbours: &Neighbours,
    buckets: &mut Buckets,
    labels: &[u32],
) {
    buckets.squares.resize(labels.len(), 0.0);
    buckets.open.resize(labels.len(), 0);
    let mut n = 0;
    for (i, (&label, square)) in labels.iter().zip(&mut buckets.squares).enumerate() {
        // SAFETY: row i and centroid `label` have d numbers, as the shift has.
        *square = unsafe {
            let (x, negated) = (rows.x.as_ptr().add(i * c.d), c.negated.as_ptr().add(label as usize * c.d));
            for f in (0..c.d).step_by(LINE_BYTES / size_of::<V::Item>()) {
                V::prefetch(x.wrapping_add(AHEAD * c.d + f));
            }
            V::square(x, c.shift.as_ptr(), negated, c.d)
        };
        buckets.open[n] = i as u32;
        n += usize::from(!neighbours.is_alone(label, *square));
    }
    buckets.open.truncate(n);
}

/// Sorts the open rows by the place of their label, in the order of the rows where labels are equal.
pub(super) fn sort(buckets: &mut Buckets, labels: &[u32], places: &[u32]) {
    let place_of = |row: u32| places[labels[row as usize] as usize] as usize;
    buckets.ends.clear();
    buckets.ends.resize(places.len() + 1, 0);
    for &i in &buckets.open {
        buckets.ends[place_of(i) + 1] += 1;
    }
    for j in 0..places.len() {
        buckets.ends[j + 1] += buckets.ends[j];
    }
    // Each entry is where its label's rows begin, and in the end where they end.
    buckets.sorted.resize(buckets.open.len(), 0);
    for &i in &buckets.open {
        let at = &mut buckets.ends[place_of(i)];
        buckets.sorted[*at] = i;
        *at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Centroids, Neighbours, Rows, Scratch, Tally, add, assign, reassign};
    use crate::kernel::{Isa, Real};
    use crate::rng::{Purpose, stream, uniform};

    /// What the rows and centroids of a case look like.
    #[derive(Clone, Copy, Debug)]
    enum Kind {
        /// Rows close to well separated centroids.
        Apart,
        /// Rows everywhere.
        Uniform,
        /// Rows and centroids on a lattice: equal distances abound.
        Lattice,
        /// Centroids that are equal in pairs.
        Equal,
        /// So small that squares lose their digits.
        Small,
        /// So large that scores overflow in single precision.
        Large,
    }

    fn check<T: Real>(kind: Kind, n: usize, k: usize, d: usize) {
        let mut rng = stream(n as u64, Purpose::Noise, (k * 1000 + d) as u64);
        let mut draw = || uniform(&mut rng) - 0.5;
        let (spread, noise) = match kind {
            Kind::Apart | Kind::Equal => (20.0, 2.0),
            Kind::Uniform | Kind::Lattice => (4.0, 4.0),
            Kind::Small => (1e-22, 1e-23),
            Kind::Large => (2e19, 1e18),
        };
        let mut centered: Vec<f64> = (0..k * d).map(|_| spread * draw()).collect();
        if matches!(kind, Kind::Equal) {
            (0..k / 2).for_each(|j| centered.copy_within(2 * j * d..(2 * j + 1) * d, (2 * j + 1) * d));
        }
        let of = |i: usize| i % k * d..(i % k + 1) * d;
        let mut x: Vec<f64> = (0..n).flat_map(|i| centered[of(i)].to_vec()).collect();
        x.iter_mut().for_each(|x| *x += noise * draw());
        if matches!(kind, Kind::Lattice) {
            x.iter_mut().chain(&mut centered).for_each(|x| *x = x.round());
        }
        let x: Vec<T> = x.into_iter().map(T::from_f64).collect();
        let shift = vec![T::ZERO; d];
        let rows = Rows { x: &x, weights: &[], n_features: d };
        let centroids = Centroids::new(&centered, &shift);
        let neighbours = Neighbours::new(&centroids);
        for isa in Isa::available() {
            let mut scratch = Scratch::new(d, isa);
            let (mut expected, mut expected_tally) = (vec![0; n], Tally::new(k, d));
            assign(&rows, &centroids, &mut scratch, &mut expected, Some(&mut expected_tally));
            // Any labels will do: right ones, those of a neighbour, wrong ones.
            for wrong in [0, 1, 7] {
                let mut labels: Vec<u32> = expected.clone();
                for (i, label) in labels.iter_mut().enumerate().filter(|(i, _)| i % 3 < wrong) {
                    *label = (*label + (i * wrong) as u32) % k as u32;
                }
                reassign(&rows, &centroids, &neighbours, &mut scratch, &mut labels);
                assert_eq!(labels, expected, "{kind:?} {n} × {d}, {k} centroids, {} {isa:?}", T::NAME);
                let mut tally = Tally::new(k, d);
                add(&rows, &centroids, &scratch, &labels, &mut tally);
                assert_eq!(tally, expected_tally, "{kind:?} {isa:?}");
            }
        }
    }

    #[test]
    fn labels_are_those_of_all_scores() {
        for kind in [Kind::Apart, Kind::Uniform, Kind::Lattice, Kind::Equal, Kind::Small, Kind::Large] {
            for (n, k, d) in [(1, 1, 1), (700, 2, 1), (999, 12, 20), (1500, 100, 3), (400, 37, 13)] {
                check::<f64>(kind, n, k, d);
                check::<f32>(kind, n, k, d);
            }
        }
    }

    #[test]
    fn rows_close_to_their_centroids_cost_little() {
        let centered: Vec<f64> = (0..100).flat_map(|j| [f64::from(j % 10), f64::from(j / 10)]).collect();
        let x: Vec<f64> =
            (0..1000).flat_map(|i| [f64::from(i % 10) + 0.1, f64::from(i / 10 % 10) - 0.1]).collect();
        let centroids = Centroids::new(&centered, &[0.0; 2]);
        let rows = Rows { x: &x, weights: &[], n_features: 2 };
        let (mut scratch, mut labels) = (Scratch::new(2, Isa::best()), vec![0; 1000]);
        assign(&rows, &centroids, &mut scratch, &mut labels, None);
        let neighbours = Neighbours::new(&centroids);
        assert_eq!(reassign(&rows, &centroids, &neighbours, &mut scratch, &mut labels), 6 * 1000);
    }
}
