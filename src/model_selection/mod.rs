//! Splitters, grids and searches under scikit-learn's names and rules.
//!
//! A [`SearchSpec`] is what a job file says; checked, it becomes a [`Search`]: candidates, scorers, a splitter.
//! [`run_search`] does it with any [`Searchable`] on the sweep engine and returns [`CvResults`].

mod calibrate;
mod candidates;
mod cv_results;
mod distribution;
mod driver;
mod folds;
mod group_folds;
mod growth;
mod listed;
mod pilot;
mod ranks;
mod resolved;
mod shuffle_split;
mod spaces;
mod spec;
mod splitter;
mod staged;
mod stratified_groups;
mod told;
mod written;

// The trait is the estimators' own, one layer below; here it is at hand for those who search.
use crate::estimator::searchable as search;

pub use calibrate::seconds_per_cost;
pub use candidates::{Candidate, parameter_grid};
pub use cv_results::{Best, Column, CvResults};
pub use distribution::Distribution;
pub use driver::{SearchResult, run_search};
pub use pilot::{PilotRows, Piloted};
pub use ranks::rank_scores;
pub use search::{Chain, FitId, FitOutcome, Searchable, SharedWork, Sharing, Split};
pub use spaces::TablesSpec;
pub use spec::{
    CvSpec, Drawn, ErrorScoreSpec, Kind, Refit, RefitSpec, ResourceSpec, ScoringSpec, Search, SearchSpec,
    Staged,
};
pub use splitter::{RandomSplits, RepeatedFolds, ShuffledFolds, Size, Splits, Splitter};
pub use staged::{Bracket, MakeCandidates, MinResources, Rows, Rules, Rung, Rungs, Schedule};
