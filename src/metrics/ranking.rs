//! Scores of an ordering of the rows.

use std::cmp::Ordering;

/// The area under the ROC curve of two classes: the fraction of (positive, negative) pairs in which the positive
/// row has the larger decision value, ties counted half.
///
/// `positive` tells the rows of the second class, `decision` their values; both `(n_samples,)`. `None` when either
/// class has no rows, or a value is NaN: the area is not defined then. O(n log n).
pub fn roc_auc(positive: &[bool], decision: &[f64]) -> Option<f64> {
    debug_assert_eq!(positive.len(), decision.len());
    let n_positive = positive.iter().filter(|&&p| p).count() as u64;
    let n_negative = positive.len() as u64 - n_positive;
    if n_positive == 0 || n_negative == 0 || decision.iter().any(|value| value.is_nan()) {
        return None;
    }
    let compare = |&a: &usize, &b: &usize| decision[a].partial_cmp(&decision[b]).unwrap_or(Ordering::Equal);
    let mut order: Vec<usize> = (0..decision.len()).collect();
    order.sort_unstable_by(compare);
    // Twice the number of pairs in the right order, exact in integers.
    let (mut below, mut twice) = (0u64, 0u128);
    for tied in order.chunk_by(|a, b| compare(a, b).is_eq()) {
        let positives = tied.iter().filter(|&&row| positive[row]).count() as u64;
        let negatives = tied.len() as u64 - positives;
        twice += u128::from(positives) * u128::from(2 * below + negatives);
        below += negatives;
    }
    Some(twice as f64 / (2.0 * n_positive as f64 * n_negative as f64))
}
