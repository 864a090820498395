//! Scores under scikit-learn's names, as statistics that merge.
//!
//! A statistic is a [`Partial`](crate::comm::Partial): the pass engine forms one for each block and merges them in
//! block order, a search forms one for each fold, or sums of its rows' weights. [`ClassCounts`] serves every score of predicted classes,
//! [`ErrorSums`] every score of predicted numbers; [`Contingency`], [`LogLoss`], [`RocCurve`], [`PoissonDeviance`] and
//! [`RowSample`] serve the scoring of a model on data of any size; [`Scorer`] names the score.

mod average_precision;
mod brier;
mod class_counts;
mod contingency;
mod error_sums;
mod gamma_deviance;
mod log_loss;
mod median;
mod pairwise;
mod poisson_deviance;
mod ranking;
mod roc_curve;
mod scorer;
mod silhouette;
mod weighted;

pub use class_counts::{Average, ClassCounts};
pub use contingency::Contingency;
pub use error_sums::ErrorSums;
pub use log_loss::LogLoss;
pub use pairwise::{mean, pairwise_sum, std};
pub use poisson_deviance::PoissonDeviance;
pub use ranking::roc_auc;
pub use roc_curve::RocCurve;
pub use scorer::{Needs, Scorer};
pub use silhouette::RowSample;
