//! Nearest neighbours with scikit-learn's parameters and attributes, found by looking at every row.
//!
//! [`KNeighborsParams`] are validated into [`KNeighbors`], which fits a [`KNeighborsModel`]: the training rows, packed.
//! [`KNeighborsSearch`] finds the neighbours of a fold's rows once for every `n_neighbors` and `weights`. Of equally
//! near rows the earlier one is the nearer, so that the answer is the same wherever it is computed; scikit-learn leaves
//! open which of them it takes.

mod model;
mod nearest;
mod packed;
mod params;
mod search;
mod vote;

pub use model::KNeighborsModel;
pub use params::{KNeighbors, KNeighborsParams, NeighborsKind};
pub use search::KNeighborsSearch;
