//! What lets an iteration leave rows alone: the ways of the centroids, and a grid for the sums.

use super::frame::Frame;
use super::run::{Run, State};
use crate::engine::pass::PassEngine;
use crate::kernel::Real;
use crate::kernel::lloyd::{Bounds, Drift, Grid};

/// Sums of more rows than that would lose too many bits on the grid.
const MOST_ROWS: usize = 1 << 22;

/// Fewer rows are summed in their order, as scikit-learn does: whether rows lie on their mean is decided alike.
const FEWEST_ROWS: u64 = 10_000;

/// Bounds begin where fewer rows than one in so many changed: before that few of them would hold to the next iteration.
const FEW_CHANGED: u64 = 5;

/// The ways of every run's centroids, where bounds are kept.
pub(super) struct Pruning {
    /// Whether bounds may be kept.
    allowed: bool,
    /// From the iteration on in which a run's bounds begin.
    drifts: Vec<Option<Drift>>,
}

impl Pruning {
    /// For so many runs. Bounds are kept where all rows stay in memory, bounds of all runs take at most half as much,
    /// and there is room for these and for the sums of the blocks, which take at most a quarter.
    pub(super) fn new<T: Real>(n_runs: usize, engine: &PassEngine<'_, T>) -> Self {
        let row_bytes = (engine.shape().n_features * size_of::<T>()) as u64;
        let bounds = n_runs as u64 * Bounds::ROW_BYTES;
        let room = engine.most_rows().saturating_mul(bounds + row_bytes / 4) <= engine.spare_bytes();
        Self { allowed: 2 * bounds <= row_bytes && room && engine.all_resident(), drifts: vec![None; n_runs] }
    }

    /// Bounds of one run of `k` clusters from the start.
    #[cfg(test)]
    pub(super) fn always(k: usize) -> Self {
        Self { allowed: true, drifts: vec![Some(Drift::new(k))] }
    }

    /// Whether blocks' sums may be kept, as bounds may.
    pub(super) fn keeps_sums(&self) -> bool {
        self.allowed
    }

    /// The ways of a run's centroids, where it keeps bounds.
    pub(super) fn drift(&self, run: usize) -> Option<&Drift> {
        self.drifts[run].as_ref()
    }

    /// Adds the way from the centroids that gave run `i` its labels to those it has now; or decides whether it is time for
    /// bounds. That is about work, never about results.
    pub(super) fn advance<T: Real>(&mut self, i: usize, frame: &Frame<T>, run: &Run, n_samples: u64) {
        let k = run.centers.len() / frame.d();
        match (&mut self.drifts[i], &run.labelled_by, run.history.last()) {
            (Some(drift), Some(before), _) => drift.advance(&frame.pack(before), &frame.pack(&run.centers)),
            (drift @ None, Some(_), Some(last)) if self.allowed && k > 1 => {
                *drift = (FEW_CHANGED * last.n_changed < n_samples).then(|| Drift::new(k));
            }
            _ => {}
        }
    }

    /// The grid of the sums: of the data alone, not of what is kept. Few rows gain nothing by it and are summed in order.
    pub(super) fn grid<T: Real>(
        &self,
        state: &State,
        frame: &Frame<T>,
        engine: &PassEngine<'_, T>,
    ) -> Option<Grid> {
        let rows = engine.shape().block_rows;
        let many = engine.shape().n_samples >= FEWEST_ROWS;
        (many && rows <= MOST_ROWS).then(|| Grid::new(&frame.shift, &state.deviations, rows))
    }
}
