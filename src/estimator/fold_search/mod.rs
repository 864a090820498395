//! Any estimator in a search: what fits and predicts on rows in memory is searched over by [`FoldSearch`].
//!
//! An estimator takes part by implementing [`FoldFit`] for its checked parameters and [`FoldModel`] for its model.
//! What the fits of one fold have in common (sums, sorted columns, trees of neighbours) they keep in
//! [`FoldRows::shared`], where it is made once for all of them.

mod fit;
mod rows;
mod search;

pub use fit::{FoldFit, FoldModel, Size};
pub use rows::FoldRows;
pub use search::FoldSearch;
