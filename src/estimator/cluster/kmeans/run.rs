//! The replicated state of a fit: one run for each restart.

use serde::{Deserialize, Serialize};

/// What one iteration came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Σ w‖x − c‖² over the labels of this iteration and the centroids that gave them, from Σ w‖x − μ‖² and the
    /// scores: exact up to rounding relative to the scatter of the data.
    pub inertia: f64,
    /// Squared distance that all centroids moved together, which `tol` is compared with.
    pub center_shift: f64,
    /// Rows whose label changed.
    pub n_changed: u64,
    /// Wall-clock seconds on rank 0; shared by the restarts that share the pass.
    pub seconds: f64,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    /// No label changed: the labels and the centroids fit each other.
    Strict,
    /// The centroids moved no more than `tol` allows.
    Tolerance,
    /// `max_iter`.
    Iterations,
}

/// One restart. Centroids are relative to the shift, `(k, d)`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    /// The centroids that gave the last labels; absent before the first iteration.
    pub(super) labelled_by: Option<Vec<f64>>,
    pub(super) centers: Vec<f64>,
    pub(super) end: Option<End>,
    pub(super) history: Vec<Record>,
}

impl Run {
    pub(super) fn new(centers: Vec<f64>) -> Self {
        Self { labelled_by: None, centers, end: None, history: Vec::new() }
    }

    /// Whether the next iteration is likely enough to change no label that the exact inertia should be found on its
    /// way: that costs the iteration about a tenth where each block has to be made or read, else a third, and saves
    /// the last pass. Decides about work, never about results.
    pub(super) fn may_end(&self, resident: bool) -> bool {
        match self.history.as_slice() {
            [] => false,
            // Well separated clusters are found at once.
            [_] => !resident,
            // Changes die down geometrically.
            [.., before, last] => {
                let few = if resident { 1.0 } else { 8.0 };
                (last.n_changed as f64).powi(2) <= few * before.n_changed as f64
            }
        }
    }

    /// Whether the last iteration changed no label and, as a consequence unless it moved empty clusters, no centroid.
    pub(super) fn stands_still(&self) -> bool {
        self.end == Some(End::Strict) && self.labelled_by.as_ref() == Some(&self.centers)
    }
}

/// All that a fit needs to go on with the same bits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The shift, exact in the data's type.
    pub(super) shift: Vec<f64>,
    /// The standard deviation of each feature, every row counting once.
    pub(super) deviations: Vec<f64>,
    /// `tol` times the mean variance.
    pub(super) tolerance: f64,
    /// Σ w‖x − shift‖².
    pub(super) scatter: f64,
    pub(super) runs: Vec<Run>,
}
