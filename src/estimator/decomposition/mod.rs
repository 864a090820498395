//! Directions of greatest variance: one pass for the products of all features, then a small dense decomposition.

mod axes;
mod covariance;
mod pca;
mod projection;
mod truncated_svd;

pub use pca::{NComponents, Pca, PcaParams, SvdSolver};
pub use truncated_svd::{TruncatedSvd, TruncatedSvdParams};
