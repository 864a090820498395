//! Sums in NumPy's order, so that means and deviations have NumPy's bits.

/// Terms that are added one after the other before a sum is cut in two.
const BLOCK: usize = 128;

/// The sum of `values` as `numpy.sum` forms it on contiguous doubles: one after the other below 8 terms, eight
/// running sums up to 128, and halves (of a multiple of 8 terms) beyond.
///
/// The order is fixed, whatever the machine's vectors are.
pub fn pairwise_sum(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if n <= BLOCK {
        let mut sums: [f64; 8] = std::array::from_fn(|lane| values[lane]);
        let (whole, rest) = values[8..].split_at((n - 8) / 8 * 8);
        for eight in whole.chunks_exact(8) {
            sums.iter_mut().zip(eight).for_each(|(sum, value)| *sum += value);
        }
        let sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
        return rest.iter().fold(sum, |sum, value| sum + value);
    }
    let half = n / 2 / 8 * 8;
    pairwise_sum(&values[..half]) + pairwise_sum(&values[half..])
}

/// Σ weight·value, or the plain sum where there are no weights.
pub(super) fn weighted_sum(mut values: Vec<f64>, weights: &[f64]) -> f64 {
    values.iter_mut().zip(weights).for_each(|(value, weight)| *value *= weight);
    pairwise_sum(&values)
}

/// Σ weight, or the number of rows where there are no weights.
pub(super) fn total_weight(n_rows: usize, weights: &[f64]) -> f64 {
    if weights.is_empty() { n_rows as f64 } else { pairwise_sum(weights) }
}

/// `numpy.mean`: NaN when there are no values.
pub fn mean(values: &[f64]) -> f64 {
    pairwise_sum(values) / values.len() as f64
}

/// The standard deviation over the population (`numpy.std` with `ddof = 0`) about [`mean`].
pub fn std(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: Vec<f64> = values.iter().map(|value| (value - centre) * (value - centre)).collect();
    mean(&squares).sqrt()
}
