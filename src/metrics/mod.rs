//! Scores under scikit-learn's names, as statistics that merge.
//!
//! A statistic is a [`Partial`](crate::comm::Partial): the pass engine forms one for each block and merges them in
//! block order, a search forms one for each fold. [`ClassCounts`] serves every score of predicted classes,
//! [`ErrorSums`] every score of predicted numbers; [`Scorer`] names the score.

mod class_counts;
mod error_sums;
mod pairwise;
mod ranking;
mod scorer;

pub use class_counts::{Average, ClassCounts};
pub use error_sums::ErrorSums;
pub use pairwise::{mean, pairwise_sum, std};
pub use ranking::roc_auc;
pub use scorer::{Needs, Scorer};
