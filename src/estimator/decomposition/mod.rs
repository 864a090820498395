//! Directions of greatest variance: sums or factors of all rows in a pass or a few, then a small dense decomposition.

mod axes;
mod covariance;
mod evidence;
mod pca;
mod projection;
mod sketch;
mod solver;
mod truncated_svd;
mod tsqr;

pub use pca::{NComponents, Pca, PcaParams};
pub use solver::{IteratedPower, SvdSolver};
pub use truncated_svd::{TruncatedSvd, TruncatedSvdParams};
