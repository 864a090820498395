//! How far clusters lie apart and how wide they are: indices of a clustering by itself.
//!
//! Two rounds over the rows: [`ClusterMeans`], then [`ClusterSpread`] about them. Every row counts once, as in
//! scikit-learn's functions of the same names.

use serde::{Deserialize, Serialize};

use crate::comm::Partial;

/// Rows of each cluster and their sums; their means in the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterMeans {
    d: usize,
    sums: Vec<f64>,
    counts: Vec<u64>,
}

impl ClusterMeans {
    /// Of `k` clusters of `d` features, without rows.
    pub fn new(k: usize, d: usize) -> Self {
        Self { d, sums: vec![0.0; k * d], counts: vec![0; k] }
    }

    /// Adds a row of cluster `label`.
    pub fn add(&mut self, label: usize, row: impl Iterator<Item = f64>) {
        self.sums[label * self.d..][..self.d].iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        self.counts[label] += 1;
    }

    /// Turns sums into means.
    pub fn average(&mut self) {
        for (sums, &count) in self.sums.chunks_exact_mut(self.d.max(1)).zip(&self.counts) {
            sums.iter_mut().for_each(|sum| *sum /= count.max(1) as f64);
        }
    }

    /// Turns means that are relative to `origins` `(k, d)` into those that are not.
    pub fn move_by(&mut self, origins: &[f64]) {
        self.sums.iter_mut().zip(origins).for_each(|(mean, origin)| *mean += origin);
    }

    /// The means `(k, d)`; 0 of a cluster without rows.
    pub fn means(&self) -> &[f64] {
        &self.sums
    }

    /// The mean of cluster `j`.
    pub fn mean(&self, j: usize) -> &[f64] {
        &self.sums[j * self.d..(j + 1) * self.d]
    }

    /// Number of clusters.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    fn n_samples(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The clusters that have rows, where the indices are defined: 2 at the least, and fewer than rows.
    pub fn compared(&self) -> Option<Vec<usize>> {
        let used: Vec<usize> = (0..self.counts.len()).filter(|&j| self.counts[j] > 0).collect();
        (used.len() >= 2 && (used.len() as u64) < self.n_samples()).then_some(used)
    }
}

impl Partial for ClusterMeans {
    fn merge(&mut self, right: Self) {
        self.sums.merge(right.sums);
        self.counts.iter_mut().zip(right.counts).for_each(|(left, right)| *left += right);
    }
}

/// How far rows lie from the means of their clusters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterSpread {
    /// Σ of the distances of each cluster.
    distances: Vec<f64>,
    /// Σ of the squared distances of all.
    within: f64,
}

impl ClusterSpread {
    /// Of `k` clusters without rows.
    pub fn new(k: usize) -> Self {
        Self { distances: vec![0.0; k], within: 0.0 }
    }

    /// Adds a row of cluster `label` at the squared distance `square` from its mean.
    pub fn add(&mut self, label: usize, square: f64) {
        self.distances[label] += square.sqrt();
        self.within += square;
    }

    /// Scatter between over scatter within, each over its degrees of freedom: 1 where there is none within, NaN for one
    /// cluster or as many as rows.
    ///
    /// # References
    /// Caliński & Harabasz, "A dendrite method for cluster analysis", 1974.
    pub fn calinski_harabasz(&self, clusters: &ClusterMeans) -> f64 {
        let Some(used) = clusters.compared() else { return f64::NAN };
        let (n, k) = (clusters.n_samples() as f64, used.len() as f64);
        let mut mean = vec![0.0; clusters.d];
        for &j in &used {
            let share = clusters.counts[j] as f64 / n;
            mean.iter_mut().zip(clusters.mean(j)).for_each(|(mean, m)| *mean += share * m);
        }
        let between: f64 =
            used.iter().map(|&j| clusters.counts[j] as f64 * square(clusters.mean(j), &mean)).sum();
        let within = self.within;
        if within == 0.0 { 1.0 } else { between * (n - k) / (within * (k - 1.0)) }
    }

    /// The mean over the clusters of the greatest similarity to another: NaN for one cluster or as many as rows; two
    /// clusters with one mean count 0, as in scikit-learn.
    ///
    /// # References
    /// Davies & Bouldin, "A cluster separation measure", 1979.
    pub fn davies_bouldin(&self, clusters: &ClusterMeans) -> f64 {
        let Some(used) = clusters.compared() else { return f64::NAN };
        let radius = |j: usize| self.distances[j] / clusters.counts[j] as f64;
        let similarity = |a: usize, b: usize| {
            let apart = square(clusters.mean(a), clusters.mean(b)).sqrt();
            if apart == 0.0 { 0.0 } else { (radius(a) + radius(b)) / apart }
        };
        let worst =
            |&a: &usize| used.iter().filter(|&&b| b != a).map(|&b| similarity(a, b)).fold(0.0, f64::max);
        used.iter().map(worst).sum::<f64>() / used.len() as f64
    }
}

impl Partial for ClusterSpread {
    fn merge(&mut self, right: Self) {
        self.distances.merge(right.distances);
        self.within += right.within;
    }
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
