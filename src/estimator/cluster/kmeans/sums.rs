//! The sums of a block's rows, in the way that suits the block.

use super::frame::Frame;
use super::kept::Kept;
use crate::kernel::lloyd::{Centroids, FixedTally, Grid, Rows, Scratch, Tally, add};
use crate::kernel::{Isa, Real};

/// The sums of a block on their way.
pub(super) enum Sums<'a> {
    /// Nobody wants them.
    None,
    /// In the order of the rows: rows are weighted, or some have no place on the grid.
    Plain(Tally),
    /// All rows, on the grid.
    Whole(FixedTally, &'a Grid),
    /// Sums of all rows by the labels they had, which rows leave and enter.
    Moving(FixedTally, &'a Grid),
}

impl<'a> Sums<'a> {
    /// Sums of `k` clusters and `d` features: those that are kept, or of no rows yet. Which of the ways it is may not
    /// depend on anything but the block's rows.
    pub(super) fn start(kept: &mut Kept, grid: Option<&'a Grid>, k: usize, d: usize) -> Self {
        match (grid.filter(|_| !kept.off_grid), kept.sums.take()) {
            (None, _) => Self::Plain(Tally::new(k, d)),
            (Some(grid), None) => Self::Whole(FixedTally::new(k, grid), grid),
            (Some(grid), Some(sums)) => Self::Moving(sums, grid),
        }
    }

    /// Whether every row is added, whatever label it had.
    pub(super) fn takes_all(&self) -> bool {
        matches!(self, Self::Plain(_) | Self::Whole(..))
    }

    /// Whether these are the sums of the rows they were given.
    pub(super) fn holds(&self) -> bool {
        !matches!(self, Self::Whole(sums, _) if !sums.holds())
    }

    /// Adds rows to the sums of their labels, or takes those that moved, given with their former labels, over to them.
    pub(super) fn keep_up<T: Real>(
        &mut self,
        frame: &Frame<T>,
        centroids: &Centroids<T>,
        rows: &Rows<'_, T>,
        scratch: &mut Scratch<T>,
        labels: &[u32],
        moved: &[(u32, u32)],
    ) {
        match self {
            Self::None => {}
            Self::Plain(tally) => add(rows, centroids, scratch, labels, tally),
            Self::Whole(sums, grid) => sums.add(frame.isa, rows, grid, labels),
            Self::Moving(sums, grid) => sums.move_rows(frame.isa, rows, grid, moved, labels),
        }
    }

    /// The sums `(k, d)` and the weights `(k,)`. What can be moved on from stays with the block if it is to.
    pub(super) fn finish(self, isa: Isa, kept: &mut Kept, keep: bool) -> (Vec<f64>, Vec<f64>) {
        match self {
            Self::None => Default::default(),
            Self::Plain(tally) => tally.into_parts(),
            Self::Whole(sums, grid) | Self::Moving(sums, grid) => {
                let parts = sums.parts(isa, grid);
                kept.sums = keep.then_some(sums);
                parts
            }
        }
    }
}
