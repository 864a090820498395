//! Weighted k-means of candidates in memory: greedy k-means++, then Lloyd.
//!
//! Every rank does it for itself, with the same bits.

use rand_xoshiro::rand_core::Rng;

use super::super::frame::Frame;
use super::plus_plus::n_trials;
use crate::kernel::Real;
use crate::kernel::lloyd::{Centroids, Rows, Scratch, Tally, assign, squared_distances};
use crate::rng::uniform;

/// Starts that are tried; candidates are few.
const TRIES: usize = 4;
/// Most iterations of one of them.
const MOST_ITERATIONS: usize = 100;

/// `k` centroids of weighted `points` `(m, d)`; at least `k` points are expected, fewer are repeated.
///
/// Costs `m·k·d` multiply-adds a start and iteration.
pub(super) fn centers<T: Real>(
    points: &[f64],
    weights: &[f64],
    k: usize,
    frame: &Frame<T>,
    rng: &mut impl Rng,
) -> Vec<f64> {
    let rows = Rows { x: points, weights, n_features: frame.d() };
    let mut best: Option<(f64, Vec<f64>)> = None;
    for _ in 0..TRIES {
        let start = plus_plus(&rows, k, frame, rng);
        let (inertia, centers) = lloyd(&rows, start, frame);
        if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
            best = Some((inertia, centers));
        }
    }
    best.map(|(_, centers)| centers).unwrap_or_default()
}

/// Σ of the entries, in order, and the entry in which it passes `share` of the total.
fn draw(masses: &[f64], share: f64) -> usize {
    let target = share * masses.iter().sum::<f64>();
    let mut sum = 0.0;
    for (i, mass) in masses.iter().enumerate() {
        sum += mass;
        if target < sum {
            return i;
        }
    }
    masses.iter().rposition(|&mass| mass > 0.0).unwrap_or(0)
}

fn plus_plus<T: Real>(rows: &Rows<'_, f64>, k: usize, frame: &Frame<T>, rng: &mut impl Rng) -> Vec<f64> {
    let (d, m) = (rows.n_features, rows.len());
    let row = |i: usize| &rows.x[i * d..][..d];
    let lowered = |nearest: &[f64], i: usize| {
        let mut distances = vec![0.0; m];
        squared_distances(frame.isa, rows, &vec![0.0; d], row(i), &vec![0; m], &mut distances);
        distances.iter_mut().zip(nearest).for_each(|(d, &n)| *d = if n < *d { n } else { *d });
        distances
    };
    let mass =
        |nearest: &[f64]| -> Vec<f64> { nearest.iter().zip(rows.weights).map(|(d, w)| d * w).collect() };
    let first = draw(rows.weights, uniform(rng));
    let mut centers = row(first).to_vec();
    let mut nearest = lowered(&vec![f64::INFINITY; m], first);
    let mut taken = vec![false; m];
    taken[first] = true;
    for _ in 1..k {
        let masses = mass(&nearest);
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        if masses.iter().any(|&v| v > 0.0) {
            for _ in 0..n_trials(k) {
                let i = draw(&masses, uniform(rng));
                let distances = lowered(&nearest, i);
                let total: f64 = mass(&distances).iter().sum();
                if best.as_ref().is_none_or(|(least, _, _)| total < *least) {
                    best = Some((total, i, distances));
                }
            }
        }
        // Without any mass left: a point that was not taken, whatever it is.
        let (i, distances) = match best {
            Some((_, i, distances)) => (i, distances),
            None => (taken.iter().position(|t| !t).unwrap_or(0), nearest.clone()),
        };
        taken[i] = true;
        nearest = distances;
        centers.extend_from_slice(row(i));
    }
    centers
}

/// Lloyd's until no label changes; a cluster that runs empty stays where it is. Returns the inertia and the centroids.
fn lloyd<T: Real>(rows: &Rows<'_, f64>, mut centers: Vec<f64>, frame: &Frame<T>) -> (f64, Vec<f64>) {
    let (d, m) = (rows.n_features, rows.len());
    let origin = vec![0.0; d];
    let mut scratch = Scratch::new(d, frame.isa);
    let (mut labels, mut before) = (vec![0; m], vec![u32::MAX; m]);
    for _ in 0..MOST_ITERATIONS {
        let mut tally = Tally::new(centers.len() / d, d);
        assign(rows, &Centroids::new(&centers, &origin), &mut scratch, &mut labels, Some(&mut tally));
        if labels == before {
            break;
        }
        before.copy_from_slice(&labels);
        let (sums, weights) = tally.into_parts();
        for ((center, sum), weight) in centers.chunks_exact_mut(d).zip(sums.chunks_exact(d)).zip(weights) {
            if weight > 0.0 {
                center.iter_mut().zip(sum).for_each(|(c, s)| *c = s / weight);
            }
        }
    }
    let mut distances = vec![0.0; m];
    squared_distances(frame.isa, rows, &origin, &centers, &labels, &mut distances);
    (distances.iter().zip(rows.weights).map(|(d, w)| d * w).sum(), centers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;
    use crate::rng::{Purpose, stream};

    #[test]
    fn weights_decide_where_centroids_lie() {
        // Two heavy pairs and one light point between them.
        let points = [0.0, 1.0, 5.0, 10.0, 11.0];
        let weights = [100.0, 100.0, 1.0, 100.0, 300.0];
        let frame = Frame { shift: vec![0.0f64], isa: Isa::best() };
        let mut found = centers(&points, &weights, 2, &frame, &mut stream(1, Purpose::Init, 0));
        found.sort_by(f64::total_cmp);
        assert!((found[0] - 105.0 / 201.0).abs() < 1e-12, "{found:?}");
        assert!((found[1] - 10.75).abs() < 1e-12, "{found:?}");
    }
}
