//! Which component each row of a generated data set belongs to, by arithmetic on its global index.

use std::ops::Range;

/// Fixed numbers of rows for each component, in order or spread evenly over the data set.
///
/// Spread, row `i` takes place `i · stride mod n` among the rows sorted by component, for a stride near the golden
/// section of `n` and coprime to it: every place is taken once, and any run of rows has its share of each
/// component to within a few rows.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    /// First place after each component's.
    ends: Vec<u64>,
    stride: u64,
}

impl Shares {
    /// `counts[c]` rows of component `c`.
    pub(super) fn new(counts: &[u64], spread: bool) -> Self {
        let mut ends = counts.to_vec();
        for c in 1..ends.len() {
            ends[c] += ends[c - 1];
        }
        let stride = if spread { golden_stride(*ends.last().unwrap_or(&0)) } else { 1 };
        Self { ends, stride }
    }

    /// The components of consecutive rows.
    pub(super) fn of_rows(&self, rows: Range<u64>) -> Vec<u32> {
        let n = *self.ends.last().unwrap_or(&0);
        let start = u128::from(rows.start) * u128::from(self.stride) % u128::from(n.max(1));
        let mut place = start as u64;
        rows.map(|_| {
            let component = self.ends.partition_point(|&end| end <= place) as u32;
            // `n − stride` first: the sum could pass 2⁶⁴.
            place = if place >= n - self.stride { place - (n - self.stride) } else { place + self.stride };
            component
        })
        .collect()
    }
}

/// As many rows of each of `n_components` as of any other, the first ones taking those left over.
pub(super) fn even_counts(n_samples: u64, n_components: u64) -> Vec<u64> {
    (0..n_components).map(|c| n_samples / n_components + u64::from(c < n_samples % n_components)).collect()
}

/// The greatest number coprime to `n` that is not above `n / φ`; at least 1.
fn golden_stride(n: u64) -> u64 {
    // 2⁶⁴ / φ.
    let golden = ((u128::from(n) * 0x9e37_79b9_7f4a_7c15) >> 64) as u64;
    (1..=golden).rev().find(|&stride| greatest_common_divisor(n, stride) == 1).unwrap_or(1)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(components: &[u32], n: usize) -> Vec<u64> {
        let mut counts = vec![0; n];
        components.iter().for_each(|&c| counts[c as usize] += 1);
        counts
    }

    #[test]
    fn every_component_gets_its_rows() {
        for counts in
            [vec![1], vec![0, 1], vec![3, 0, 4], vec![700, 200, 100], vec![1; 997], vec![5, 1, 1, 0]]
        {
            let n = counts.iter().sum();
            for spread in [false, true] {
                assert_eq!(tally(&Shares::new(&counts, spread).of_rows(0..n), counts.len()), counts);
            }
        }
    }

    #[test]
    fn rows_are_the_same_wherever_a_run_starts() {
        for spread in [false, true] {
            let shares = Shares::new(&[100, 250, 13], spread);
            let all = shares.of_rows(0..363);
            for start in [1, 2, 99, 100, 362] {
                assert_eq!(shares.of_rows(start..363), all[start as usize..]);
            }
        }
    }

    #[test]
    fn runs_of_rows_have_the_mix_of_the_whole() {
        let counts = [70_000, 20_000, 9_000, 1_000];
        let shares = Shares::new(&counts, true);
        for start in (0..100_000).step_by(1000) {
            let found = tally(&shares.of_rows(start..start + 1000), 4);
            for (found, count) in found.iter().zip(counts) {
                assert!(found.abs_diff(count / 100) <= 5, "from row {start}: {found} of {count}");
            }
        }
    }

    #[test]
    fn no_size_overflows() {
        let shares = Shares::new(&[u64::MAX / 2, u64::MAX / 2], true);
        assert_eq!(shares.of_rows(u64::MAX - 11..u64::MAX - 1).len(), 10);
    }

    #[test]
    fn even_counts_differ_by_at_most_one() {
        assert_eq!(even_counts(11, 4), [3, 3, 3, 2]);
        assert_eq!(even_counts(2, 3), [1, 1, 0]);
    }
}
