//! The median of values that never come together: a histogram that merges.

use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::pairwise::pairwise_sum;
use crate::comm::Partial;
use crate::kernel::ordered_bits::{from_ordered, to_ordered};

/// Weights at each value, or, where there are more than `most` distinct ones, in each of a set of bins. With at most
/// `most` distinct values all is exact, beyond with a bound of the error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueBins {
    /// Weight, and weight · value.
    bins: Bins<u64, [f64; 2]>,
}

/// The middle of the values.
struct Middle {
    value: f64,
    /// The bins that it is in or between.
    bins: std::ops::Range<usize>,
}

impl ValueBins {
    /// Of `values` and `weights` (none where each row counts once), `(n_samples,)`. At most `most` bins.
    pub fn new(values: impl Iterator<Item = f64>, weights: &[f64], most: usize) -> Self {
        let mut rows = Vec::new();
        let mut undefined = false;
        for (row, value) in values.enumerate() {
            let weight = weights.get(row).copied().unwrap_or(1.0);
            undefined |= !value.is_finite();
            if weight != 0.0 {
                rows.push((to_ordered(value), [weight, weight * value]));
            }
        }
        Self { bins: Bins::new(rows, undefined, most) }
    }

    /// The median and how far it may be off. Half of the weight lies up to it; where a value ends at just the half, it
    /// is the mean of that and the next one, as in [`numpy.median`] without weights and in scikit-learn with them.
    /// `None` where nothing weighs anything or a value is not finite.
    ///
    /// [`numpy.median`]: https://numpy.org/doc/stable/reference/generated/numpy.median.html
    pub fn median(&self) -> Option<(f64, f64)> {
        let middle = self.middle()?;
        let half_width = |bin| (self.high(bin) - self.low(bin)) / 2.0;
        Some((middle.value, middle.bins.map(half_width).fold(0.0, f64::max)))
    }

    /// Σ weight · |value − median| and how far it may be off; `None` as [`median`](Self::median).
    pub fn absolute_deviation(&self) -> Option<(f64, f64)> {
        let middle = self.middle()?;
        let bins = self.bins.bins();
        let deviation = |(bin, &(_, [weight, sum])): (usize, &(u64, [f64; 2]))| {
            let value = if self.bins.is_exact() { self.low(bin) } else { sum / weight };
            weight * (value - middle.value).abs()
        };
        let deviations: Vec<f64> = bins.iter().enumerate().map(deviation).collect();
        // Once for where the median is, once for where the values of its bins are.
        let error = |bin: usize| 2.0 * bins[bin].1[0] * (self.high(bin) - self.low(bin));
        Some((pairwise_sum(&deviations), middle.bins.map(error).sum()))
    }

    fn middle(&self) -> Option<Middle> {
        let bins = self.bins.bins();
        if self.bins.is_undefined() || bins.is_empty() {
            return None;
        }
        let half = 0.5 * bins.iter().fold(0.0, |sum, bin| sum + bin.1[0]);
        let mut sum = 0.0;
        let at = bins.iter().position(|bin| {
            sum += bin.1[0];
            sum >= half
        })?;
        let value = |bin| self.low(bin) + (self.high(bin) - self.low(bin)) / 2.0;
        Some(if at + 1 < bins.len() && sum - half <= f64::EPSILON {
            Middle { value: (value(at) + value(at + 1)) / 2.0, bins: at..at + 2 }
        } else {
            Middle { value: value(at), bins: at..at + 1 }
        })
    }

    /// The least value that bin number `bin` may hold.
    fn low(&self, bin: usize) -> f64 {
        from_ordered(self.bins.bins()[bin].0 << self.bins.dropped())
    }

    /// The largest.
    fn high(&self, bin: usize) -> f64 {
        let bits = self.bins.dropped();
        from_ordered(self.bins.bins()[bin].0 << bits | ((1 << bits) - 1))
    }
}

impl Partial for ValueBins {
    fn merge(&mut self, right: Self) {
        self.bins.merge(right.bins);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::median::median;

    fn values(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 2_654_435_761) % 10_007) as f64 / 1000.0 - 3.0).collect()
    }

    fn bins(values: &[f64], weights: &[f64], most: usize) -> ValueBins {
        ValueBins::new(values.iter().copied(), weights, most)
    }

    #[test]
    fn the_median_is_exact_or_within_its_bound() {
        for n in [1, 2, 3, 10, 999, 1000, 5000] {
            let values = values(n);
            for weighted in [false, true] {
                let weights: Vec<f64> = match weighted {
                    true => (0..n).map(|i| ((i * 7 + 1) % 5) as f64 / 2.0).collect(),
                    false => Vec::new(),
                };
                let centre = median(&values, &weights);
                let weight = |row: usize| weights.get(row).copied().unwrap_or(1.0);
                let spread: f64 = (0..n).map(|row| weight(row) * (values[row] - centre).abs()).sum();
                for most in [16, 200, 20_000] {
                    let bins = bins(&values, &weights, most);
                    let ((median, bound), (deviation, error)) =
                        (bins.median().unwrap(), bins.absolute_deviation().unwrap());
                    assert!((median - centre).abs() <= bound, "{n} {most}: {median} {centre} {bound}");
                    let rounding = 1e-12 * spread;
                    assert!((deviation - spread).abs() <= error + rounding, "{deviation} {spread} {error}");
                    assert!(most < 20_000 || (bound, error) == (0.0, 0.0));
                    assert!(most < 200 || bound < 0.5, "{bound}");
                }
            }
        }
        assert_eq!(bins(&[], &[], 4).median(), None);
        assert_eq!(bins(&[1.0, f64::NAN], &[], 4).median(), None);
        assert_eq!(bins(&[1.0], &[0.0], 4).absolute_deviation(), None);
    }

    #[test]
    fn merging_is_associative() {
        let values: Vec<f64> = values(900).iter().map(|value| value.round() / 4.0).collect();
        for most in [2, 5, 2000] {
            let whole = bins(&values, &[], most);
            for cut in [0, 1, 450, 899] {
                let mut left = bins(&values[..cut], &[], most);
                left.merge(bins(&values[cut..], &[], most));
                assert_eq!(left, whole);
            }
        }
    }
}
