//! K-means on random batches of rows.
//!
//! A batch is a list of row numbers from a replicated stream keyed by the step, so it does not depend on ranks. The rows of
//! several batches ahead are fetched at a time, each from the rank that owns it, and every rank then makes the same steps.
//!
//! # References
//! Sculley, Web-scale k-means clustering, WWW 2010; the rules of stopping and reassigning are those of scikit-learn.

mod batches;
mod fit;
mod init;
mod params;
mod step;

pub use fit::MiniBatchKMeansModel;
pub use params::{MiniBatchInit, MiniBatchKMeansParams};
