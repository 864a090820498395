//! How blocks are cut into parts, and whose parts are whose.

use super::{BlockSource, Shape};
use crate::kernel::Real;
use crate::partition::Slice;

/// The parts of a data set: what is made, handed to a pass and reduced at a time.
///
/// A block that is made for one visit should still be in the second-level cache when it is visited; blocks of a few
/// hundred thousand rows are not. So a source may cut its blocks into equal parts. Ranks own whole blocks; below that,
/// a part is a block like any other, and the reduction is ordered by part. How a block is cut is a function of the
/// data's size alone, never of ranks or residency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    shape: Shape,
    n_blocks: usize,
    per_block: usize,
}

impl Parts {
    /// The parts of the blocks of `source`.
    pub fn of<T: Real>(source: &dyn BlockSource<T>) -> Self {
        let (whole, part_rows) = (source.shape(), source.part_rows());
        debug_assert!(whole.block_rows.is_multiple_of(part_rows), "parts of {part_rows} rows");
        let shape = Shape { block_rows: part_rows, ..whole.clone() };
        Self { shape, n_blocks: whole.n_blocks(), per_block: whole.block_rows / part_rows }
    }

    /// The data set as if its parts were its blocks.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The parts of the blocks that `rank` of `size` owns.
    pub fn slice(&self, rank: usize, size: usize) -> Slice {
        let (blocks, n_parts) = (Slice::of(self.n_blocks, rank, size).blocks, self.shape.n_blocks());
        let first_of = |block: usize| (block * self.per_block).min(n_parts);
        Slice { blocks: first_of(blocks.start)..first_of(blocks.end), n_blocks: n_parts }
    }

    /// The most parts that one of `size` ranks owns.
    pub fn most(&self, size: usize) -> usize {
        // The first rank has as many blocks as any; only where each has one can the last, shorter block be its own.
        self.slice(0, size).len()
    }
}

/// The greatest divisor of `block_rows` that makes parts of at most 512 KiB in double precision, or of 2,048 rows where
/// rows are long: a part's contribution, such as a Gram matrix, must stay small beside its rows. A block whose rows have
/// no divisor near that stays whole.
pub(super) fn rows_for_cache(block_rows: usize, n_features: usize) -> usize {
    let most = most_rows(n_features);
    let divisor = (1..=most.min(block_rows)).rev().find(|&rows| block_rows.is_multiple_of(rows));
    divisor.filter(|&rows| 4 * rows >= most).unwrap_or(block_rows)
}

/// `block_rows`, or a little more, so that it can be cut well.
pub(super) fn rounded(block_rows: usize, n_features: usize) -> usize {
    let most = most_rows(n_features);
    if block_rows > most { block_rows.next_multiple_of(most) } else { block_rows }
}

fn most_rows(n_features: usize) -> usize {
    ((512 << 10) / (size_of::<f64>() * n_features.max(1))).max(2048)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(n_samples: u64, block_rows: usize, part_rows: usize) -> Parts {
        let shape =
            Shape { n_samples, n_features: 1, block_rows: part_rows, has_targets: false, has_weights: false };
        let n_blocks = n_samples.div_ceil(block_rows as u64) as usize;
        Parts { shape, n_blocks, per_block: block_rows / part_rows }
    }

    #[test]
    fn slices_cover_all_parts_and_hold_whole_blocks() {
        for (n_samples, block_rows, part_rows) in [(1, 6, 2), (6, 6, 2), (61, 6, 3), (60, 6, 6), (65, 6, 1)] {
            let parts = parts(n_samples, block_rows, part_rows);
            for size in [1, 2, 3, 7, 12, 40] {
                let mut next = 0;
                for rank in 0..size {
                    let slice = parts.slice(rank, size);
                    assert_eq!((slice.blocks.start, slice.n_blocks), (next, parts.shape.n_blocks()));
                    assert!(slice.len() <= parts.most(size));
                    next = slice.blocks.end;
                    let end = parts.shape.block_rows * next;
                    assert!(end.is_multiple_of(block_rows) || end as u64 >= n_samples, "{end}");
                }
                assert_eq!(next, parts.shape.n_blocks());
            }
        }
    }

    #[test]
    fn parts_divide_blocks_and_fit_in_the_cache() {
        assert_eq!(rows_for_cache(200_000, 20), 3125);
        assert_eq!(rows_for_cache(100, 20), 100);
        assert_eq!(rows_for_cache(4096, 1000), 2048);
        // A prime.
        assert_eq!(rows_for_cache(199_999, 20), 199_999);
        for block_rows in [1, 3276, 3277, 97_657, 1_000_003] {
            let rows = rounded(block_rows, 20);
            assert!(rows >= block_rows && rows_for_cache(rows, 20) <= 3276, "{block_rows}");
        }
    }
}
