//! Forests of randomised trees with scikit-learn's parameters and attributes.
//!
//! [`ForestParams`] are validated into a [`Forest`], which grows trees on [`ForestData`] and puts them together as a
//! [`ForestModel`]. Tree t draws from its own stream: it is the same whoever grows it, however many there are. A
//! [`ForestSearch`] therefore reads every `n_estimators` and `max_depth` of a grid off the same trees, and so it does with
//! `max_leaf_nodes` and with `ccp_alpha`. A single tree, of [`TreeParams`], is a forest of one.

mod data;
mod fit;
mod model;
mod oob;
mod params;
mod search;
mod single;
mod weights;

pub use data::ForestData;
pub use model::ForestModel;
pub use params::{Amount, ClassWeight, Forest, ForestKind, ForestParams, MaxFeatures};
pub use search::ForestSearch;
pub use single::TreeParams;
