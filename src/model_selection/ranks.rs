//! Ranks of mean scores.

use crate::metrics::{mean, std};

/// scikit-learn's `rank_test_score`: 1 for the best mean, equal means share the smallest rank, a NaN is tied with
/// the worst (below every number); when all are NaN every rank is 1.
pub fn rank_scores(means: &[f64]) -> Vec<i32> {
    let lowest = means.iter().copied().fold(f64::NAN, f64::min);
    if lowest.is_nan() {
        return vec![1; means.len()];
    }
    let filled: Vec<f64> = means
        .iter()
        // Infinities become the largest numbers, so that a NaN stays below minus infinity too.
        .map(|&mean| if mean.is_nan() { lowest - 1.0 } else { mean.clamp(-f64::MAX, f64::MAX) })
        .collect();
    let mut ascending = filled.clone();
    ascending.sort_unstable_by(f64::total_cmp);
    filled
        .iter()
        .map(|score| 1 + (filled.len() - ascending.partition_point(|other| other <= score)) as i32)
        .collect()
}

/// The means and the deviations of every candidate's `n_splits` values, given candidate by candidate.
pub(super) fn means_and_stds(values: &[f64], n_splits: usize) -> (Vec<f64>, Vec<f64>) {
    values.chunks_exact(n_splits).map(|values| (mean(values), std(values))).unzip()
}
