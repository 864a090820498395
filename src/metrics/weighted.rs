//! The area under the curve of rows that weigh differently.

use std::cmp::Ordering;

use super::ranking::roc_auc;

/// The area under the ROC curve of rows with `weights`, or none; `None` where one side weighs nothing or a value is NaN.
pub(super) fn area_under(positive: &[bool], decision: &[f64], weights: &[f64]) -> Option<f64> {
    if weights.is_empty() {
        return roc_auc(positive, decision);
    }
    if decision.iter().any(|value| value.is_nan()) {
        return None;
    }
    let compare = |&a: &usize, &b: &usize| decision[a].partial_cmp(&decision[b]).unwrap_or(Ordering::Equal);
    let mut order: Vec<usize> = (0..decision.len()).collect();
    order.sort_by(compare);
    let (mut below, mut above, mut area) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|a, b| compare(a, b).is_eq()) {
        let weigh = |side: bool| -> f64 {
            tied.iter().filter(|&&row| positive[row] == side).map(|&row| weights[row]).sum()
        };
        let (positives, negatives) = (weigh(true), weigh(false));
        area += positives * (below + negatives / 2.0);
        (below, above) = (below + negatives, above + positives);
    }
    (below > 0.0 && above > 0.0).then(|| area / (below * above))
}
