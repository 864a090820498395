//! Decision trees: one of scikit-learn's shape, grown from columns whose values were ranked once.
//!
//! [`Columns`] replace every value by its rank among the column's distinct values; every fold, tree and candidate
//! of a job shares them. A [`Grower`] grows [`Tree`]s on weighted rows, depth first, or best first where leaves are
//! counted. What a node looks for depends on its rows and on its place in the tree only, never on the nodes grown before
//! it: a tree of less depth is a prefix of a deeper one, and one of fewer leaves of one with more.
//!
//! # References
//! Breiman, Friedman, Olshen, Stone 1984, "Classification and Regression Trees"; Geurts, Ernst, Wehenkel 2006,
//! "Extremely randomized trees", table 1.

mod best_first;
mod buckets;
mod columns;
mod criterion;
mod flat;
mod grow;
mod prune;
mod split;

pub use columns::Columns;
pub use criterion::{Criterion, Entropy, Gini, Poisson, SquaredError};
pub use flat::Tree;
pub use grow::{Grower, Grown, Limits, Row, Splitter};
