//! The first centroids, found on some of the rows.

use rand_xoshiro::rand_core::Rng;

use super::batches::Rows;
use super::params::MiniBatchInit;
use super::step::squared_distance;
use crate::rng::{below, uniform};

/// `n_clusters` rows of `rows` to start from.
pub(super) fn centers(rows: &Rows, n_clusters: usize, init: MiniBatchInit, rng: &mut impl Rng) -> Vec<f64> {
    match init {
        MiniBatchInit::Random => {
            let mut free: Vec<usize> = (0..rows.len()).collect();
            let mut draw = || free.swap_remove(below(rng, free.len() as u64) as usize);
            (0..n_clusters).flat_map(|_| rows.row(draw()).to_vec()).collect()
        }
        MiniBatchInit::KMeansPlusPlus => plus_plus(rows, n_clusters, rng),
    }
}

/// Greedy k-means++: of 2 + ⌊ln k⌋ rows drawn by w·d², the one that lowers the sum of these most.
///
/// # References
/// Arthur & Vassilvitskii, SODA 2007; the trials are those of scikit-learn's `kmeans_plusplus`.
fn plus_plus(rows: &Rows, n_clusters: usize, rng: &mut impl Rng) -> Vec<f64> {
    let first = pick(&rows.weights, rng);
    let mut centers = rows.row(first).to_vec();
    let lowered = |nearest: &[f64], center: &[f64]| -> Vec<f64> {
        let mass = |i: usize| rows.weights[i] * squared_distance(rows.row(i), center);
        (0..rows.len()).map(|i| nearest[i].min(mass(i))).collect()
    };
    let mut nearest = lowered(&vec![f64::INFINITY; rows.len()], rows.row(first));
    let n_trials = 2 + (n_clusters as f64).ln() as usize;
    for _ in 1..n_clusters {
        let mut best: Option<(usize, f64, Vec<f64>)> = None;
        for _ in 0..n_trials {
            let row = pick(&nearest, rng);
            let masses = lowered(&nearest, rows.row(row));
            let total: f64 = masses.iter().sum();
            if best.as_ref().is_none_or(|(_, least, _)| total < *least) {
                best = Some((row, total, masses));
            }
        }
        if let Some((row, _, masses)) = best {
            centers.extend_from_slice(rows.row(row));
            nearest = masses;
        }
    }
    centers
}

/// An entry drawn in proportion to the masses; any where none has a mass.
fn pick(masses: &[f64], rng: &mut impl Rng) -> usize {
    let total: f64 = masses.iter().sum();
    if total <= 0.0 {
        return below(rng, masses.len() as u64) as usize;
    }
    let mut rest = uniform(rng) * total;
    for (i, &mass) in masses.iter().enumerate() {
        if rest < mass {
            return i;
        }
        rest -= mass;
    }
    masses.iter().rposition(|mass| *mass > 0.0).unwrap_or(0)
}
