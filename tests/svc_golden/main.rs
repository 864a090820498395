//! SVC against scikit-learn: scores of searches, attributes of fits, optimality recomputed.

mod cases;
mod fits;
#[path = "../golden/mod.rs"]
mod golden;
mod optimality;
mod paths;
mod probabilities;
#[path = "../run_chains/mod.rs"]
mod run_chains;
mod search;
mod sharing;
mod ties;
