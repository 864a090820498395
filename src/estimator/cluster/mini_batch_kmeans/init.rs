//! The first centroids, found on some of the rows.

use rand_xoshiro::rand_core::Rng;

use super::batches::Rows;
use super::params::MiniBatchInit;
use super::step::squared_distance;
use crate::rng::{below, uniform};

/// `n_clusters` rows of `rows` to start from. With [`MiniBatchInit::Random`] as many have to weigh something.
pub(super) fn centers(rows: &Rows, n_clusters: usize, init: MiniBatchInit, rng: &mut impl Rng) -> Vec<f64> {
    match init {
        // Rows without weights, as they have always been drawn.
        MiniBatchInit::Random if rows.weights.iter().all(|weight| *weight == 1.0) => {
            let mut free: Vec<usize> = (0..rows.len()).collect();
            let mut draw = || free.swap_remove(below(rng, free.len() as u64) as usize);
            (0..n_clusters).flat_map(|_| rows.row(draw()).to_vec()).collect()
        }
        MiniBatchInit::Random => {
            first_to_ring(&rows.weights, n_clusters, rng).flat_map(|row| rows.row(row).to_vec()).collect()
        }
        MiniBatchInit::KMeansPlusPlus => plus_plus(rows, n_clusters, rng),
    }
}

/// `n` distinct entries, each drawn in proportion to its mass out of those that are left: exponential clocks with the
/// masses as rates, the first to ring win.
///
/// # References
/// Efraimidis & Spirakis, "Weighted random sampling with a reservoir", Inf. Process. Lett. 97 (2006).
fn first_to_ring(masses: &[f64], n: usize, rng: &mut impl Rng) -> impl Iterator<Item = usize> {
    // 1 − u is never 0, so that the logarithm is finite.
    let times = masses.iter().map(|mass| -(1.0 - uniform(rng)).ln() / mass);
    let mut clocks: Vec<(f64, usize)> =
        times.enumerate().map(|(i, time)| (time, i)).filter(|(_, i)| masses[*i] > 0.0).collect();
    clocks.sort_by(|a, b| a.0.total_cmp(&b.0));
    clocks.into_iter().take(n).map(|(_, i)| i)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    #[test]
    fn random_rows_are_distinct_and_drawn_by_their_weight() {
        // Rows 0 to 3 weigh 1, 1, 2 and 4, the others nothing.
        let weights = vec![1.0, 1.0, 2.0, 4.0, 0.0, 0.0];
        let rows = Rows { x: (0..6).map(f64::from).collect(), weights, n_features: 1 };
        let mut first = [0.0; 4];
        for seed in 0..4000 {
            let mut rng = stream(seed, Purpose::Init, 0);
            let drawn = centers(&rows, 3, MiniBatchInit::Random, &mut rng);
            assert!(drawn.iter().all(|row| *row < 4.0), "{drawn:?}");
            assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2], "{drawn:?}");
            first[drawn[0] as usize] += 1.0 / 4000.0;
        }
        // Five standard errors of the least share.
        for (share, weight) in first.iter().zip(&rows.weights) {
            assert!((share - weight / 8.0).abs() < 0.026, "{first:?}");
        }
    }
}
