//! What is kept with each block from iteration to iteration.

use super::labels::Labels;
use super::shorts::Cut;
use crate::kernel::lloyd::{Bounds, FixedTally};

/// What is kept of a block's rows.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// One entry a run.
    pub(super) runs: Vec<Kept>,
    /// The rows in sixteen bits, where they are kept.
    pub(super) short: Option<Cut>,
}

/// What is kept of a block's rows for one run.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) labels: Labels,
    /// Bounds of every row, or of none.
    pub(super) bounds: Bounds,
    /// The sums of the rows by the labels they have, where they are kept.
    pub(super) sums: Option<FixedTally>,
    /// Some row has no place on the grid: the block is summed in the order of its rows.
    pub(super) off_grid: bool,
}

impl Kept {
    /// Room for `n` rows of `k` clusters, where there is none yet. What bounds there were is forgotten where none are kept: they are
    /// worth nothing once centroids have moved.
    pub(super) fn make_room(&mut self, k: usize, n: usize, bounded: bool) {
        if matches!(self.labels, Labels::None) {
            self.labels = Labels::with_capacity(k, n);
        }
        if bounded {
            self.bounds.make_room(n);
        } else {
            self.bounds = Bounds::default();
        }
    }
}
