//! The median of rows that may weigh differently.

/// The median of `values`: of an even number of them the mean of the middle two. With `weights` of the rows the value
/// up to which half of the weight lies; where a value ends at just the half, the mean of it and the next one. NaN
/// without values, or where one is NaN or nothing weighs anything.
///
/// As `numpy.median` without weights, and with them as scikit-learn's `_weighted_percentile(…, average=True)`: the
/// quantile "averaged_inverted_cdf". O(n log n).
///
/// # References
/// Hyndman & Fan (1996), "Sample quantiles in statistical packages", definition 2.
pub(super) fn median(values: &[f64], weights: &[f64]) -> f64 {
    if values.is_empty() || values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    if weights.is_empty() {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        return if sorted.len() % 2 == 1 { above } else { (below + above) / 2.0 };
    }
    // Rows without weight move no part of the sum, so that the next value that counts is the next one here.
    let mut rows: Vec<(f64, f64)> = values.iter().copied().zip(weights.iter().copied()).collect();
    rows.retain(|(_, weight)| *weight != 0.0);
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    let sums = rows.iter().map(|(_, weight)| {
        sum += weight;
        sum
    });
    let sums: Vec<f64> = sums.collect();
    let half = 0.5 * sum;
    let at = sums.partition_point(|sum| *sum < half);
    let Some(&(value, _)) = rows.get(at) else { return f64::NAN };
    match rows.get(at + 1) {
        Some((next, _)) if sums[at] - half <= f64::EPSILON => (value + next) / 2.0,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9.1: `sklearn.utils.stats._weighted_percentile([3, 1, 2, 5, 4], weights, average=True)`.
    const GOLDEN: [([f64; 5], f64); 10] = [
        ([1.0, 1.0, 1.0, 1.0, 1.0], 3.0),
        ([1.0, 1.0, 1.0, 1.0, 0.0], 2.5),
        ([0.0, 1.0, 1.0, 1.0, 1.0], 3.0),
        ([2.0, 1.0, 1.0, 0.0, 0.0], 2.5),
        ([0.5, 2.0, 0.0, 1.0, 0.5], 2.0),
        ([0.0, 3.0, 0.0, 0.0, 3.0], 2.5),
        ([0.1, 0.1, 0.1, 0.1, 0.2], 3.5),
        ([5.0, 1.0, 1.0, 1.0, 1.0], 3.0),
        ([0.0, 0.0, 0.0, 2.0, 0.0], 5.0),
        ([0.1, 0.2, 0.3, 0.4, 0.0], 2.5),
    ];

    #[test]
    fn half_of_the_weight_is_where_scikit_learn_finds_it() {
        let values = [3.0, 1.0, 2.0, 5.0, 4.0];
        assert_eq!(median(&values, &[]), 3.0);
        assert_eq!(median(&values[..4], &[]), 2.5);
        for (weights, expected) in GOLDEN {
            assert_eq!(median(&values, &weights), expected, "{weights:?}");
        }
        assert!(median(&[], &[]).is_nan() && median(&[1.0, f64::NAN], &[]).is_nan());
        assert!(median(&values, &[0.0; 5]).is_nan());
    }
}
