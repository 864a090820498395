//! The area under the curve of precision over recall.

use std::cmp::Ordering;

use super::pairwise::pairwise_sum;

/// The sum over thresholds of the precision there times the recall that it adds: rows are taken by descending value,
/// those of one value together.
///
/// `positive` tells the rows of the class, `values` are larger for them, `weights` are those of the rows, or none; all
/// `(n_samples,)`. Rows that weigh nothing are left out. 0 without rows of the class, as in scikit-learn; `None` when no
/// row is left or a value is not finite. O(n log n), in scikit-learn's order of sums.
pub(super) fn average_precision(positive: &[bool], values: &[f64], weights: &[f64]) -> Option<f64> {
    if values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let weight = |row: usize| weights.get(row).copied().unwrap_or(1.0);
    let compare = |&a: &usize, &b: &usize| values[b].partial_cmp(&values[a]).unwrap_or(Ordering::Equal);
    let mut order: Vec<usize> = (0..values.len()).filter(|&row| weight(row) != 0.0).collect();
    order.sort_by(compare);
    // Rows of the class and others from the largest value down to each threshold.
    let (mut hits, mut others) = (0.0, 0.0);
    let mut thresholds = Vec::new();
    for tied in order.chunk_by(|a, b| compare(a, b).is_eq()) {
        for &row in tied {
            if positive[row] { hits += weight(row) } else { others += weight(row) }
        }
        thresholds.push((hits, others));
    }
    if thresholds.is_empty() {
        return None;
    }
    let recall = |at: usize| if hits == 0.0 { 1.0 } else { thresholds[at].0 / hits };
    let gained = |at: usize| recall(at) - if at == 0 { 0.0 } else { recall(at - 1) };
    let precision = |at: usize| {
        let (hits, others) = thresholds[at];
        if hits + others == 0.0 { 0.0 } else { hits / (hits + others) }
    };
    let terms: Vec<f64> = (0..thresholds.len()).rev().map(|at| gained(at) * precision(at)).collect();
    Some(pairwise_sum(&terms).max(0.0))
}
