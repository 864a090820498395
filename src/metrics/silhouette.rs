//! How well rows fit their own cluster, on a sample of the rows.

use rand_xoshiro::rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::comm::Partial;
use crate::rng::{Purpose, stream};

/// A row of the sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sampled {
    key: u64,
    row: u64,
    label: i32,
    x: Vec<f64>,
}

/// At most so many rows, drawn without replacement: those of the least random keys, a row's key being a function of the
/// seed and of its place in the data set. So it is the same sample for any cut of the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowSample {
    most: usize,
    rows: Vec<Sampled>,
}

impl RowSample {
    /// The sample of the rows from global row `first_row` on, with labels `(n_rows,)`; `x` gives a row's features.
    pub fn new(
        seed: u64,
        most: usize,
        first_row: u64,
        labels: &[i32],
        x: impl Fn(usize) -> Vec<f64>,
    ) -> Self {
        let key = |i: usize| (stream(seed, Purpose::ScoreSample, first_row + i as u64).next_u64(), i);
        let mut keys: Vec<(u64, usize)> = (0..labels.len()).map(key).collect();
        keys.sort_unstable();
        keys.truncate(most);
        let sampled =
            |(key, i): (u64, usize)| Sampled { key, row: first_row + i as u64, label: labels[i], x: x(i) };
        Self { most, rows: keys.into_iter().map(sampled).collect() }
    }

    /// Rows in the sample.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The features of the rows, in the order of the data set.
    pub fn into_features(mut self) -> Vec<Vec<f64>> {
        self.rows.sort_unstable_by_key(|sampled| sampled.row);
        self.rows.into_iter().map(|sampled| sampled.x).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The mean over the sample of (b − a) / max(a, b), a being a row's mean distance to the others of its cluster and b
    /// that to the nearest other cluster; 0 for a row alone in its cluster. `None` unless there are at least 2 clusters
    /// and fewer than rows. n² · n_features · 3 flops.
    ///
    /// # References
    /// Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, 1987.
    pub fn silhouette(mut self) -> Option<f64> {
        self.rows.sort_unstable_by_key(|sampled| sampled.row);
        let mut labels: Vec<i32> = self.rows.iter().map(|sampled| sampled.label).collect();
        labels.sort_unstable();
        labels.dedup();
        let n = self.rows.len();
        if labels.len() < 2 || labels.len() >= n {
            return None;
        }
        let place = |sampled: &Sampled| labels.partition_point(|label| *label < sampled.label);
        let places: Vec<usize> = self.rows.iter().map(place).collect();
        let mut sizes = vec![0u64; labels.len()];
        places.iter().for_each(|&place| sizes[place] += 1);
        let mut total = 0.0;
        for (row, &own) in self.rows.iter().zip(&places) {
            let mut sums = vec![0.0; labels.len()];
            for (other, &place) in self.rows.iter().zip(&places) {
                sums[place] += distance(&row.x, &other.x);
            }
            if sizes[own] == 1 {
                continue;
            }
            let within = sums[own] / (sizes[own] - 1) as f64;
            let means = sums.iter().zip(&sizes).map(|(sum, &size)| sum / size as f64);
            let others = means.enumerate().filter(|(place, _)| *place != own).map(|(_, mean)| mean);
            let nearest = others.fold(f64::INFINITY, f64::min);
            let greatest = within.max(nearest);
            total += if greatest > 0.0 { (nearest - within) / greatest } else { 0.0 };
        }
        Some(total / n as f64)
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum: f64, (a, b)| (a - b).mul_add(a - b, sum)).sqrt()
}

impl Partial for RowSample {
    fn merge(&mut self, right: Self) {
        self.rows.extend(right.rows);
        self.rows.sort_unstable_by_key(|sampled| (sampled.key, sampled.row));
        self.rows.truncate(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: std::ops::Range<u64>, most: usize) -> RowSample {
        let labels: Vec<i32> = rows.clone().map(|row| (row % 3) as i32).collect();
        let x = |i: usize| vec![(rows.start + i as u64) as f64];
        RowSample::new(5, most, rows.start, &labels, x)
    }

    #[test]
    fn the_sample_is_the_same_for_any_cut() {
        for most in [0, 1, 7, 40, 100] {
            let whole = sample(0..40, most);
            assert_eq!(whole.len(), most.min(40));
            for cut in [0, 1, 20, 40] {
                let mut left = sample(0..cut, most);
                left.merge(sample(cut..40, most));
                assert_eq!(left, whole);
            }
        }
    }

    #[test]
    fn clusters_of_one_row_and_one_cluster_are_no_silhouette() {
        assert_eq!(sample(0..3, 10).silhouette(), None);
        assert_eq!(RowSample::new(0, 10, 0, &[1, 1], |_| vec![0.0]).silhouette(), None);
        // Two rows at 0 and 1, one alone at 11: a = 1, b = 11 and 10; the last counts 0.
        let three = RowSample::new(0, 10, 0, &[0, 0, 1], |i| vec![[0.0, 1.0, 11.0][i]]);
        assert_eq!(three.silhouette(), Some((10.0 / 11.0 + 0.9) / 3.0));
    }
}
