//! One batch: its labels, the centroids' way, and those that start anew.

use rand_xoshiro::rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::batches::Rows;
use crate::rng::below;

/// Centroids and the weight of the rows that have pulled them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Centroids {
    /// `(n_clusters, n_features)`
    pub(super) centers: Vec<f64>,
    /// `(n_clusters,)`
    pub(super) weights: Vec<f64>,
}

impl Centroids {
    /// Centroids that nothing has pulled yet.
    pub(super) fn new(centers: Vec<f64>, n_clusters: usize) -> Self {
        Self { centers, weights: vec![0.0; n_clusters] }
    }

    /// The nearest centroid of each row, ties to the lowest, and Σ w·d².
    pub(super) fn assign(&self, rows: &Rows) -> (Vec<usize>, f64) {
        let mut labels = Vec::with_capacity(rows.len());
        let mut inertia = 0.0;
        for i in 0..rows.len() {
            let mut nearest = (0, f64::INFINITY);
            for (c, center) in self.centers.chunks_exact(rows.n_features).enumerate() {
                let distance = squared_distance(rows.row(i), center);
                if distance < nearest.1 {
                    nearest = (c, distance);
                }
            }
            labels.push(nearest.0);
            inertia += rows.weights[i] * nearest.1;
        }
        (labels, inertia)
    }

    /// Moves each centroid to the mean of all rows that were ever its own in a batch; the batch's inertia before.
    pub(super) fn step(&mut self, rows: &Rows) -> f64 {
        let (labels, inertia) = self.assign(rows);
        let d = rows.n_features;
        for (c, center) in self.centers.chunks_exact_mut(d).enumerate() {
            let own = || (0..rows.len()).filter(|&i| labels[i] == c);
            let weight: f64 = own().map(|i| rows.weights[i]).sum();
            if weight <= 0.0 {
                continue;
            }
            center.iter_mut().for_each(|v| *v *= self.weights[c]);
            for i in own() {
                center.iter_mut().zip(rows.row(i)).for_each(|(v, x)| *v = rows.weights[i].mul_add(*x, *v));
            }
            self.weights[c] += weight;
            center.iter_mut().for_each(|v| *v /= self.weights[c]);
        }
        inertia
    }

    /// Puts centroids with less than `ratio` of the largest weight onto random rows, at most half as many as rows.
    pub(super) fn reassign(&mut self, rows: &Rows, ratio: f64, rng: &mut impl Rng) {
        let largest = self.weights.iter().copied().fold(0.0, f64::max);
        let mut lightest: Vec<usize> = (0..self.weights.len()).collect();
        lightest.sort_by(|&a, &b| self.weights[a].total_cmp(&self.weights[b]));
        let poor = self.weights.iter().filter(|weight| **weight < ratio * largest).count();
        let moved = &lightest[..poor.min(rows.len() / 2)];
        let least = lightest[moved.len()..].iter().map(|&c| self.weights[c]).fold(f64::INFINITY, f64::min);
        let mut free: Vec<usize> = (0..rows.len()).collect();
        for &c in moved {
            let row = free.swap_remove(below(rng, free.len() as u64) as usize);
            self.centers[c * rows.n_features..][..rows.n_features].copy_from_slice(rows.row(row));
        }
        moved.iter().for_each(|&c| self.weights[c] = least);
    }
}

pub(super) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| (a - b).mul_add(a - b, sum))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::rng::{Purpose, stream};

    #[derive(Deserialize)]
    struct Golden {
        n_features: usize,
        batches: Vec<Vec<f64>>,
        weights: Vec<Vec<f64>>,
        start: Vec<f64>,
        centers: Vec<Vec<f64>>,
        weight_sums: Vec<Vec<f64>>,
        inertia: Vec<f64>,
    }

    #[test]
    fn steps_are_scikit_learns() {
        let text = include_str!("../../../../tests/data/mini_batch_kmeans.json");
        let golden: Golden = serde_json::from_str(text).unwrap();
        let k = golden.start.len() / golden.n_features;
        let mut centroids = Centroids::new(golden.start, k);
        let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} {b}");
        for step in 0..golden.batches.len() {
            let weights = golden.weights[step].clone();
            let rows = Rows { x: golden.batches[step].clone(), weights, n_features: golden.n_features };
            close(centroids.step(&rows), golden.inertia[step]);
            centroids.centers.iter().zip(&golden.centers[step]).for_each(|(a, b)| close(*a, *b));
            centroids.weights.iter().zip(&golden.weight_sums[step]).for_each(|(a, b)| close(*a, *b));
        }
    }

    #[test]
    fn centroids_with_few_rows_start_anew_on_rows() {
        let rows = Rows { x: (0..10).map(f64::from).collect(), weights: vec![1.0; 10], n_features: 1 };
        let mut centroids = Centroids { centers: vec![-50.0, 3.0, 60.0], weights: vec![0.0, 1000.0, 500.0] };
        centroids.reassign(&rows, 0.01, &mut stream(1, Purpose::Batch, 0));
        assert!(rows.x.contains(&centroids.centers[0]));
        assert_eq!((centroids.centers[1], centroids.centers[2]), (3.0, 60.0));
        assert_eq!(centroids.weights, [500.0, 1000.0, 500.0]);
        // No more than half the rows can be given away.
        let mut many = Centroids { centers: vec![-50.0; 9], weights: vec![0.0; 9] };
        many.weights[8] = 10.0;
        many.reassign(&rows, 0.01, &mut stream(1, Purpose::Batch, 0));
        assert_eq!(many.centers.iter().filter(|v| **v >= 0.0).count(), 5);
    }
}
