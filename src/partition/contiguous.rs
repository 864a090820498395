//! Contiguous ranges of blocks, balanced to within one block.

use std::ops::Range;

/// The blocks of one rank: the contiguous range that rank `rank` of `size` owns of `n_blocks`.
///
/// The first `n_blocks mod size` ranks own one block more than the others. A rank may own none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Global indices of the owned blocks.
    pub blocks: Range<usize>,
    /// Blocks in the whole data set.
    pub n_blocks: usize,
}

impl Slice {
    /// The slice of `rank` among `size` ranks.
    pub fn of(n_blocks: usize, rank: usize, size: usize) -> Self {
        Self { blocks: start(n_blocks, rank, size)..start(n_blocks, rank + 1, size), n_blocks }
    }

    /// How many blocks the slice holds.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether the slice holds no block.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

fn start(n_blocks: usize, rank: usize, size: usize) -> usize {
    let (each, rest) = (n_blocks / size, n_blocks % size);
    rank * each + rank.min(rest)
}

/// The rank among `size` that owns `block` of `n_blocks`.
pub fn owner(n_blocks: usize, block: usize, size: usize) -> usize {
    debug_assert!(block < n_blocks);
    let (each, rest) = (n_blocks / size, n_blocks % size);
    let in_longer = rest * (each + 1);
    if block < in_longer { block / (each + 1) } else { rest + (block - in_longer) / each }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_every_block_once_and_differ_by_at_most_one() {
        for n_blocks in 0..40 {
            for size in 1..=17 {
                let mut next = 0;
                let mut lengths = Vec::new();
                for rank in 0..size {
                    let slice = Slice::of(n_blocks, rank, size);
                    assert_eq!(slice.blocks.start, next);
                    next = slice.blocks.end;
                    lengths.push(slice.len());
                    for block in slice.blocks {
                        assert_eq!(owner(n_blocks, block, size), rank);
                    }
                }
                assert_eq!(next, n_blocks);
                assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() <= 1);
            }
        }
    }
}
