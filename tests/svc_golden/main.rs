//! SVC against scikit-learn: scores of searches, attributes of fits, optimality recomputed.

mod fits;
mod golden;
mod optimality;
mod paths;
mod probabilities;
mod search;
mod sharing;
mod ties;
