//! What lets an iteration leave rows alone: the ways of the centroids, and a grid for the sums.

use super::frame::Frame;
use super::run::{Run, State};
use crate::engine::pass::PassEngine;
use crate::kernel::Real;
use crate::kernel::lloyd::{Drift, Grid};

/// Sums of more rows than that would lose too many bits on the grid.
const MOST_ROWS: usize = 1 << 22;

/// The ways of every run's centroids, where bounds are kept.
pub(super) struct Pruning {
    drifts: Option<Vec<Drift>>,
}

impl Pruning {
    /// For so many runs of `k` clusters. Bounds are kept where all rows stay in memory: then they are small beside them.
    pub(super) fn new<T: Real>(k: usize, n_runs: usize, engine: &PassEngine<'_, T>) -> Self {
        Self { drifts: (k > 1 && engine.all_resident()).then(|| vec![Drift::new(k); n_runs]) }
    }

    /// The ways of every run's centroids.
    pub(super) fn drifts(&self) -> Option<&[Drift]> {
        self.drifts.as_deref()
    }

    /// Adds the way from the centroids that gave run `i` its labels to those it has now.
    pub(super) fn advance<T: Real>(&mut self, i: usize, frame: &Frame<T>, run: &Run) {
        if let (Some(drifts), Some(before)) = (&mut self.drifts, &run.labelled_by) {
            drifts[i].advance(&frame.pack(before), &frame.pack(&run.centers));
        }
    }

    /// The grid of the sums: of the data alone, not of what is kept.
    pub(super) fn grid<T: Real>(
        &self,
        state: &State,
        frame: &Frame<T>,
        engine: &PassEngine<'_, T>,
    ) -> Option<Grid> {
        let rows = engine.shape().block_rows;
        (rows <= MOST_ROWS).then(|| Grid::new(&frame.shift, &state.deviations, rows))
    }
}
