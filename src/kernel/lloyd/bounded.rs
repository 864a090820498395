//! The nearest centroids of rows whose bounds are kept: most rows are not read.

use super::Rows;
use super::bounds::{BoundsMut, Drift, Limits, screen, stored};
use super::neighbours::Neighbours;
use super::packed::Centroids;
use super::reassign::{Buckets, MOST_ROWS, larger, look_cost, sort};
use super::tile::{Ahead, Tile, score_tile, square_rows, turn_rows, write_labels};
use super::vector::{Lanes, Vector};
use crate::kernel::Real;

/// Finds the nearest of all centroids, in the order of the rows, and bounds from the scores.
///
/// # Safety
/// The instruction set of `V` must be there; there is a label and a pair of bounds for each row; tile, neighbours and
/// drift are made for `c`.
#[inline(always)]
pub(super) unsafe fn assign_all<V: Vector, const R: usize, const G: usize>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    neighbours: &Neighbours,
    drift: &Drift,
    tile: &mut Tile<V::Item>,
    labels: &mut [u32],
    bounds: &mut BoundsMut<'_>,
) {
    for (t, labels) in labels.chunks_mut(V::Item::TILE_ROWS).enumerate() {
        let (first, n) = (t * V::Item::TILE_ROWS, labels.len());
        let rows = rows.part(first, n);
        // SAFETY: there are `n` rows, as many as labels, and at most those of a tile.
        unsafe {
            turn_rows::<V>(n, |i| rows.x.as_ptr().add(i * c.d), c.frame(), tile);
            let next = Some(Ahead { at: rows.x.as_ptr_range().end, row: c.d });
            score_tile::<V, R, G, true>(n, next, c, &c.all, tile.turned(), tile);
            square_rows::<V>(n, c, tile.turned(), tile);
            write_labels::<V>(tile, labels);
        }
        let (upper, lower) = (&mut bounds.upper[first..first + n], &mut bounds.lower[first..first + n]);
        // SAFETY: labels are below k.
        unsafe { measure(neighbours.limits(), tile, drift, labels, f32::INFINITY, upper, lower) };
    }
}

/// Bounds of the tile's first rows, as they are stored; centroids that were not scored are at least `rest` away.
///
/// # Safety
/// Labels are below the number of `drift`'s centroids.
#[inline(always)]
pub(super) unsafe fn measure<T: Real>(
    limits: &Limits,
    tile: &Tile<T>,
    drift: &Drift,
    labels: &[u32],
    rest: f32,
    upper: &mut [f32],
    lower: &mut [f32],
) {
    let (best, second, norms) = tile.scores();
    let n = labels.len();
    let (best, second, norms) = (&best[..n], &second[..n], &norms[..n]);
    let (upper, lower) = (&mut upper[..n], &mut lower[..n]);
    // The ways first: what then follows vectorises.
    for i in 0..n {
        // SAFETY: by the caller's promise.
        [upper[i], lower[i]] = unsafe { *drift.table.get_unchecked(labels[i] as usize) };
    }
    for i in 0..n {
        let (most, least) = limits.of_scores(best[i], second[i], norms[i]);
        let least = if least < rest { least } else { rest };
        (upper[i], lower[i]) = stored(most, least, [upper[i], lower[i]]);
    }
}

/// Lists the rows that their bounds do not hold, and returns how many there are.
///
/// # Safety
/// As for [`assign_all`]; labels are below `c.k`.
#[inline(always)]
pub(super) unsafe fn look_at_bounds<V: Vector>(
    _: &Centroids<V::Item>,
    neighbours: &Neighbours,
    drift: &Drift,
    buckets: &mut Buckets,
    labels: &[u32],
    bounds: &BoundsMut<'_>,
) -> usize {
    // SAFETY: as the caller says.
    unsafe { screen(labels, bounds, &drift.table, neighbours.limits(), &mut buckets.open) };
    buckets.open.len()
}

/// Brings the labels of the listed rows up to date, adds those that changed with their former labels to `moved`, and
/// returns what it cost in scores.
///
/// # Safety
/// As for [`assign_all`]; labels are below `c.k`, and the listed rows those of a screening just now.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn settle<V: Vector, const R: usize, const G: usize>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    neighbours: &Neighbours,
    drift: &Drift,
    tile: &mut Tile<V::Item>,
    buckets: &mut Buckets,
    labels: &mut [u32],
    bounds: &mut BoundsMut<'_>,
    moved: &mut Vec<(u32, u32)>,
) -> usize {
    let mut cost = look_cost::<V::Item>() * buckets.open.len();
    // SAFETY: labels are below k, rows have d numbers.
    unsafe { tighten::<V>(rows, c, neighbours, drift, buckets, labels, bounds) };
    cost += look_cost::<V::Item>() * buckets.open.len();
    let first_moved = moved.len();
    sort(buckets, labels, neighbours.places());
    let (sorted, mut candidates) =
        (std::mem::take(&mut buckets.sorted), std::mem::take(&mut buckets.candidates));
    let (mut shared, mut next) = (std::mem::take(&mut buckets.shared), std::mem::take(&mut buckets.next));
    let mut start = 0;
    for (place, &a) in neighbours.chain().iter().enumerate() {
        let of_label = start..buckets.ends[place];
        start = of_label.end;
        if of_label.is_empty() {
            continue;
        }
        let squares = sorted[of_label.clone()].iter().map(|&i| buckets.squares[i as usize]);
        next.set(neighbours, a, squares.fold(0.0, larger), of_label);
        if !shared.join(&next, V::LANES) {
            std::mem::swap(&mut shared, &mut next);
            let (group, of_all) = (&sorted[next.rows.clone()], next.candidates(&mut candidates));
            // SAFETY: groups are of listed rows; candidates are below k.
            cost += unsafe {
                settle_rows::<V, R, G>(rows, c, neighbours, drift, tile, group, of_all, labels, bounds, moved)
            };
        }
    }
    let (group, of_all) = (&sorted[shared.rows.clone()], shared.candidates(&mut candidates));
    // SAFETY: as above.
    cost += unsafe {
        settle_rows::<V, R, G>(rows, c, neighbours, drift, tile, group, of_all, labels, bounds, moved)
    };
    shared.rows = 0..0;
    (buckets.sorted, buckets.candidates, buckets.shared, buckets.next) = (sorted, candidates, shared, next);
    // In the order of the rows, which is that of the memory.
    moved[first_moved..].sort_unstable();
    cost
}

/// Scores rows against the candidates, tile by tile, and returns what it cost in scores; whatever else there is, is at
/// least so far from each.
///
/// # Safety
/// As for [`settle`]; candidates are below `c.k`.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn settle_rows<V: Vector, const R: usize, const G: usize>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    neighbours: &Neighbours,
    drift: &Drift,
    tile: &mut Tile<V::Item>,
    sorted: &[u32],
    candidates: (&[u32], f32),
    labels: &mut [u32],
    bounds: &mut BoundsMut<'_>,
    moved: &mut Vec<(u32, u32)>,
) -> usize {
    for group in sorted.chunks(V::Item::TILE_ROWS) {
        // SAFETY: as the caller says.
        unsafe {
            settle_group::<V, R, G>(
                rows, c, neighbours, drift, tile, group, candidates, labels, bounds, moved,
            );
        }
    }
    sorted.len().next_multiple_of(V::LANES) * candidates.0.len()
}

/// Scores a group of rows against the candidates.
///
/// # Safety
/// As for [`settle`]; the group has at most the rows of a tile, candidates are below `c.k`.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn settle_group<V: Vector, const R: usize, const G: usize>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    neighbours: &Neighbours,
    drift: &Drift,
    tile: &mut Tile<V::Item>,
    group: &[u32],
    (candidates, rest): (&[u32], f32),
    labels: &mut [u32],
    bounds: &mut BoundsMut<'_>,
    moved: &mut Vec<(u32, u32)>,
) {
    let n = group.len();
    let mut found = [0; MOST_ROWS];
    let (mut upper, mut lower) = ([0.0; MOST_ROWS], [0.0; MOST_ROWS]);
    // SAFETY: as the caller says.
    unsafe {
        turn_rows::<V>(n, |i| rows.x.as_ptr().add(group[i] as usize * c.d), c.frame(), tile);
        score_tile::<V, R, G, true>(n, None, c, candidates, tile.turned(), tile);
        square_rows::<V>(n, c, tile.turned(), tile);
        write_labels::<V>(tile, &mut found[..n]);
    }
    for (&row, &label) in group.iter().zip(&found) {
        let row = row as usize;
        if labels[row] != label {
            moved.push((row as u32, labels[row]));
            labels[row] = label;
        }
    }
    // SAFETY: what was found are candidates, which are below k.
    unsafe { measure(neighbours.limits(), tile, drift, &found[..n], rest, &mut upper, &mut lower) };
    for (i, &row) in group.iter().enumerate() {
        (bounds.upper[row as usize], bounds.lower[row as usize]) = (upper[i], lower[i]);
    }
}

/// Measures how far the listed rows are from their centroids, and strikes those from the list that keep their labels.
///
/// # Safety
/// As for [`settle`].
#[inline(always)]
unsafe fn tighten<V: Vector>(
    rows: &Rows<'_, V::Item>,
    c: &Centroids<V::Item>,
    neighbours: &Neighbours,
    drift: &Drift,
    buckets: &mut Buckets,
    labels: &[u32],
    bounds: &mut BoundsMut<'_>,
) {
    buckets.squares.resize(labels.len().max(buckets.squares.len()), 0.0);
    let (limits, mut n) = (neighbours.limits(), 0);
    for at in 0..buckets.open.len() {
        let row = buckets.open[at] as usize;
        // SAFETY: the row and its centroid have d numbers, as the shift has.
        let square = unsafe {
            if let Some(&ahead) = buckets.open.get(at + AHEAD) {
                let x = rows.x.as_ptr().add(ahead as usize * c.d);
                for f in (0..c.d).step_by(super::tile::LINE_BYTES / size_of::<V::Item>()) {
                    V::prefetch(x.wrapping_add(f));
                }
            }
            let negated = c.negated.as_ptr().add(labels[row] as usize * c.d);
            V::square(rows.x.as_ptr().add(row * c.d), c.shift.as_ptr(), negated, c.d)
        };
        let ways = drift.table[labels[row] as usize];
        let radius = neighbours.radius(square);
        // Other centroids are no nearer than they are to its own, less its distance.
        let to_others = (neighbours.to_nearest(labels[row]) - radius) as f32 * (1.0 - f32::EPSILON);
        let upper = radius as f32 * (1.0 + f32::EPSILON);
        let lower = (bounds.lower[row] - ways[1]).max(to_others.min(1e15));
        buckets.squares[row] = square;
        if limits.keep(upper, lower) {
            (bounds.upper[row], bounds.lower[row]) = stored(upper, lower, ways);
        } else {
            buckets.open[n] = row as u32;
            n += 1;
        }
    }
    buckets.open.truncate(n);
}

/// Rows that are asked for ahead of the one that is measured.
const AHEAD: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::{
        Bounds, Centroids, Drift, Neighbours, Rows, Scratch, assign, assign_bounded, screen, settle,
    };
    use crate::kernel::{Isa, Real};
    use crate::rng::{Purpose, stream, uniform};

    /// Rows around `k` centroids `spread` apart, which then wander towards the rows' means: labels by bounds must be
    /// those of all scores at every step. Returns the share of rows that were not looked at.
    fn check<T: Real>(scale: f64, spread: f64, lattice: bool, n: usize, k: usize, d: usize) -> f64 {
        let mut rng = stream(n as u64, Purpose::Noise, (k * 1000 + d) as u64);
        let mut draw = || uniform(&mut rng) - 0.5;
        let mut centers: Vec<f64> = (0..k * d).map(|_| spread * draw()).collect();
        let mut x: Vec<f64> = (0..n).flat_map(|i| centers[i % k * d..(i % k + 1) * d].to_vec()).collect();
        x.iter_mut().for_each(|x| *x += 2.0 * draw());
        centers.iter_mut().for_each(|c| *c += draw());
        if lattice {
            x.iter_mut().chain(&mut centers).for_each(|x| *x = x.round());
        }
        let x: Vec<T> = x.into_iter().map(|x| T::from_f64(x * scale)).collect();
        centers.iter_mut().for_each(|c| *c *= scale);
        let (rows, shift) = (Rows { x: &x, weights: &[], n_features: d }, vec![T::ZERO; d]);
        let (mut held, mut all) = (0, 0);
        for isa in Isa::available() {
            let (mut scratch, mut drift, mut bounds) =
                (Scratch::new(d, isa), Drift::new(k), Bounds::default());
            let (mut centers, mut labels, mut expected) = (centers.clone(), vec![0; n], vec![0; n]);
            bounds.make_room(n);
            let mut before: Option<Centroids<T>> = None;
            for step in 0..10 {
                let c = Centroids::new(&centers, &shift);
                if let Some(before) = &before {
                    drift.advance(before, &c);
                }
                let neighbours = Neighbours::new(&c);
                let (known, mut bounds) = ((&neighbours, &drift), bounds.part(0, n));
                let (old, mut moved) = (labels.clone(), Vec::new());
                if step % 6 == 0 {
                    assign_bounded(&rows, &c, known, &mut scratch, &mut labels, &mut bounds);
                } else {
                    held += n - screen(&c, known, &mut scratch, &labels, &bounds);
                    settle(&rows, &c, known, &mut scratch, &mut labels, &mut bounds, &mut moved);
                    let changed = (0..n).filter(|&i| old[i] != labels[i]).map(|i| (i as u32, old[i]));
                    assert_eq!(moved, changed.collect::<Vec<_>>());
                    all += n;
                }
                assign(&rows, &c, &mut scratch, &mut expected, None);
                assert_eq!(labels, expected, "{scale} {spread} {n} × {d}, k = {k}, {} {isa:?}", T::NAME);
                for (j, center) in centers.chunks_exact_mut(d).enumerate() {
                    let own = || (0..n).filter(|&i| labels[i] as usize == j);
                    let share = 0.5 / own().count().max(1) as f64;
                    for (f, c) in center.iter_mut().enumerate() {
                        *c = 0.5 * *c + own().map(|i| share * x[i * d + f].to_f64()).sum::<f64>();
                    }
                }
                before = Some(c);
            }
        }
        held as f64 / all as f64
    }

    #[test]
    fn labels_by_bounds_are_those_of_all_scores() {
        for (scale, spread, lattice) in [
            (1.0, 20.0, false),
            (1.0, 2.0, false),
            (1.0, 4.0, true),
            (1e-22, 4.0, false),
            (1e18, 8.0, false),
            (1e-160, 4.0, false),
            (1e150, 4.0, false),
        ] {
            for (n, k, d) in [(1, 2, 1), (300, 2, 1), (500, 12, 20), (900, 40, 3)] {
                check::<f64>(scale, spread, lattice, n, k, d);
                if (1e-30..1e30).contains(&scale) {
                    check::<f32>(scale, spread, lattice, n, k, d);
                }
            }
        }
    }

    #[test]
    fn rows_of_clusters_apart_are_not_looked_at() {
        assert!(check::<f64>(1.0, 20.0, false, 600, 12, 20) > 0.6);
        assert!(check::<f32>(1.0, 20.0, false, 600, 12, 20) > 0.6);
    }
}
