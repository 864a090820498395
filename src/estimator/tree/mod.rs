//! Decision trees: one of scikit-learn's shape, grown from columns whose values were ranked once.
//!
//! [`Columns`] replace every value by its rank among the column's distinct values; every fold, tree and candidate
//! of a job shares them. A [`Grower`] grows [`Tree`]s, depth first, on weighted rows. What a node looks for
//! depends on its rows and on its place in the tree only, never on the nodes grown before it: a tree of less depth
//! is a prefix of a deeper one.
//!
//! # References
//! Breiman, Friedman, Olshen, Stone 1984, "Classification and Regression Trees"; Geurts, Ernst, Wehenkel 2006,
//! "Extremely randomized trees", table 1.

mod buckets;
mod columns;
mod criterion;
mod flat;
mod grow;
mod split;

pub use columns::Columns;
pub use criterion::{Criterion, Entropy, Gini, SquaredError};
pub use flat::Tree;
pub use grow::{Grower, Limits, Row, Splitter};
