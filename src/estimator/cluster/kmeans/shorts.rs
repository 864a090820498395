//! The rows of a rank in sixteen bits: a quarter of the memory to read in each iteration.

use std::ops::Range;

use crate::data::Block;
use crate::kernel::lloyd::{Rows, Scratch, ShortRows, Steps};
use crate::kernel::{Real, zeroed};

/// Of so many clusters the scores of whole rows take longer than cutting them.
const MANY_CLUSTERS: usize = 8;
/// After so many iterations it is clear that clusters do not stand at once.
const ENOUGH_ITERATIONS: usize = 2;
/// Fewer iterations to come do not pay.
const FEWEST_ITERATIONS: usize = 3;

/// Rows whose scores cost more than a centroid does to fit.
const ROWS_OF_FIT: usize = 2;

/// Memory for the rows of all blocks, in one piece: the system hands it out in large pages.
#[derive(Debug, Default)]
pub(super) struct ShortMemory {
    /// How many numbers there may be; 0 where rows are not kept.
    room: usize,
    numbers: Vec<i32>,
    taken: usize,
    /// How the last block was cut.
    last: Option<Steps>,
}

/// Where the rows of a block lie, and how they were cut.
#[derive(Debug)]
pub(super) struct Cut {
    at: Range<usize>,
    steps: Steps,
}

impl ShortMemory {
    /// For so many blocks of `block_rows` rows.
    pub(super) fn new(n_blocks: usize, block_rows: usize, d: usize) -> Self {
        Self { room: n_blocks.saturating_mul(ShortRows::size(block_rows, d)), ..Self::default() }
    }

    /// Bytes that it may come to.
    pub(super) fn bytes(&self) -> u64 {
        (self.room as u64).saturating_mul(size_of::<i32>() as u64)
    }

    /// Whether rows pay that are gone over by `k` clusters after `done` of at most `max_iter` iterations.
    pub(super) fn pays(k: usize, done: usize, max_iter: usize) -> bool {
        (k >= MANY_CLUSTERS || done >= ENOUGH_ITERATIONS)
            && max_iter.saturating_sub(done) >= FEWEST_ITERATIONS
    }

    /// Whether a block of `n` rows is worth fitting `k` centroids to its steps.
    pub(super) fn suits(n: usize, k: usize) -> bool {
        k > 1 && n >= ROWS_OF_FIT * k
    }

    /// Cuts a block's rows, taken relative to `shift`; none where there is no room.
    pub(super) fn cut<T: Real>(
        &mut self,
        block: &Block<T>,
        shift: &[T],
        scratch: &mut Scratch<T>,
    ) -> Option<Cut> {
        let at = self.taken..self.taken + ShortRows::size(block.n_rows, block.n_features);
        if at.end > self.room {
            return None;
        }
        if self.numbers.is_empty() {
            // Without memory for it the rows do as they are.
            self.numbers = zeroed(self.room).unwrap_or_else(|| {
                self.room = 0;
                Vec::new()
            });
        }
        let to = self.numbers.get_mut(at.clone())?;
        let rows = Rows { x: &block.x, weights: &[], n_features: block.n_features };
        let steps = Steps::cut(&rows, shift, self.last.as_ref(), scratch, to);
        (self.taken, self.last) = (at.end, Some(steps.clone()));
        Some(Cut { at, steps })
    }

    /// The rows that were cut.
    pub(super) fn rows<'a>(&'a self, cut: &'a Cut) -> ShortRows<'a> {
        ShortRows::new(&self.numbers[cut.at.clone()], &cut.steps)
    }
}

impl Cut {
    /// How the rows were cut.
    pub(super) fn steps(&self) -> &Steps {
        &self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    #[test]
    fn rows_are_cut_where_enough_iterations_may_come() {
        for (k, done, max_iter, pays) in [
            (7, 0, 300, false),
            (7, 1, 300, false),
            (7, 2, 300, true),
            (7, 2, 5, true),
            (7, 2, 4, false),
            (8, 0, 3, true),
            (8, 0, 2, false),
            (8, 300, 300, false),
        ] {
            assert_eq!(ShortMemory::pays(k, done, max_iter), pays, "{k} clusters, {done} of {max_iter}");
        }
    }

    #[test]
    fn blocks_are_cut_as_long_as_there_is_room() {
        let block =
            |n: usize| Block::<f64> { n_rows: n, n_features: 3, x: vec![0.5; n * 3], ..Block::default() };
        let mut scratch = Scratch::new(3, Isa::best());
        let mut memory = ShortMemory::new(2, 100, 3);
        assert_eq!(memory.bytes(), 2 * 192 * 3 * 4);
        for n in [100, 7] {
            assert_eq!(memory.cut(&block(n), &[0.0; 3], &mut scratch).expect("room").steps().n_rows(), n);
        }
        assert!(memory.cut(&block(1), &[0.0; 3], &mut scratch).is_some(), "the second was short");
        assert!(memory.cut(&block(1), &[0.0; 3], &mut scratch).is_none());
        assert!(ShortMemory::default().cut(&block(1), &[0.0; 3], &mut scratch).is_none());
    }
}
