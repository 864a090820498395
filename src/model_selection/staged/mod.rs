//! Searches in rungs: many candidates on few rows (or little of another resource), the better ones on more.
//!
//! [`Rules`] say how much each rung gets, as scikit-learn's `HalvingGridSearchCV` and `HalvingRandomSearchCV` count,
//! or as Hyperband does; [`Rungs`] does them, each rung a sweep of its own.

mod keeper;
mod rules;
mod run;
mod sample;

pub use rules::{Bracket, MinResources, Rules, Rung, Schedule};
pub use run::{MakeCandidates, Rows, Rungs};
