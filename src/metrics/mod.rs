//! Scores under scikit-learn's names, as statistics that merge.
//!
//! A statistic is a [`Partial`](crate::comm::Partial): the pass engine forms one for each block and merges them in
//! block order, a search forms one for each fold, or sums of its rows' weights. [`ClassCounts`] serves every score of predicted classes,
//! [`ErrorSums`] every score of predicted numbers. [`Contingency`], [`LogLoss`], [`Brier`], [`RocCurve`], [`ClassCurve`],
//! [`ValueBins`], [`PoissonDeviance`], [`GammaDeviance`], [`LogError`], [`ClusterMeans`], [`ClusterSpread`] and [`RowSample`] serve the scoring of a model on
//! data of any size; [`Agreement`] compares two groupings; [`Scorer`] names the score.

mod agreement;
mod average_precision;
mod bins;
mod brier;
mod class_counts;
mod class_curve;
mod cluster_spread;
mod contingency;
mod error_sums;
mod gamma_deviance;
mod log_error;
mod log_loss;
mod median;
mod pairwise;
mod poisson_deviance;
mod ranking;
mod roc_curve;
mod scorer;
mod silhouette;
mod top_k;
mod two_sum;
mod value_bins;
mod weighted;

pub use agreement::Agreement;
pub use brier::Brier;
pub use class_counts::{Average, ClassCounts};
pub use class_curve::ClassCurve;
pub use cluster_spread::{ClusterMeans, ClusterSpread};
pub use contingency::Contingency;
pub use error_sums::ErrorSums;
pub use gamma_deviance::GammaDeviance;
pub use log_error::LogError;
pub use log_loss::LogLoss;
pub use pairwise::{mean, pairwise_sum, std};
pub use poisson_deviance::PoissonDeviance;
pub use ranking::roc_auc;
pub use roc_curve::RocCurve;
pub use scorer::{Grouping, Needs, Scorer};
pub use silhouette::RowSample;
pub use top_k::TopK;
pub use value_bins::ValueBins;
