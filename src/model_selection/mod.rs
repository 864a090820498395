//! Splitters, grids and searches under scikit-learn's names and rules.

pub mod search;

pub use search::{Chain, FitId, FitOutcome, Searchable, Split};
