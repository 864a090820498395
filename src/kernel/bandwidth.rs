//! How fast this core reads memory at this moment, as the other ranks read it too.

use std::hint::black_box;
use std::time::Instant;

/// Bytes read in a round: more than the caches of most machines hold for a core.
const BYTES: usize = 64 << 20;
const ROUNDS: usize = 4;
/// Numbers in a line of the cache.
const LANES: usize = 8;

/// Bytes a second of plain reading, the best of a few rounds over 64 MiB. Takes some 50 ms.
///
/// Ranks that call it at the same time share the machine's bandwidth as they do in a pass.
pub fn read_bandwidth() -> f64 {
    // Written, so that each page has memory of its own.
    let buffer: Vec<u64> = (0..BYTES / size_of::<u64>()).map(|i| i as u64).collect();
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(sum(black_box(&buffer)));
        best = best.min(start.elapsed().as_secs_f64());
    }
    BYTES as f64 / best
}

/// Adds in eight lanes, which compilers turn into vectors.
fn sum(values: &[u64]) -> [u64; LANES] {
    let (lines, _) = values.as_chunks::<LANES>();
    lines.iter().fold([0; LANES], |sums, line| std::array::from_fn(|l| sums[l].wrapping_add(line[l])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_read() {
        let values: Vec<u64> = (0..80).collect();
        assert_eq!(sum(&values).iter().sum::<u64>(), 80 * 79 / 2);
    }

    #[test]
    fn a_speed_is_a_positive_number() {
        let speed = read_bandwidth();
        assert!(speed.is_finite() && speed > 1e6, "{speed} bytes a second");
    }
}
