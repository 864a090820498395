//! Estimators under scikit-learn's names: parameters are checked once and then fit; a fitted model is a list of
//! named arrays.
//!
//! An estimator knows neither MPI nor files. A memory-bound one runs passes on the pass engine; a CPU-bound one
//! fits on plain arrays and is driven by the sweep engine.

pub mod class_weight;
pub mod cluster;
pub mod decomposition;
pub mod ensemble;
pub mod fold_search;
pub mod impute;
pub mod linear_model;
pub mod model;
pub mod moments;
pub mod naive_bayes;
pub mod neighbors;
pub(crate) mod parameter;
pub mod pipeline_search;
pub mod plain;
pub mod preprocessing;
pub(crate) mod range;
pub mod row_scores;
pub mod searchable;
pub mod svm;
pub mod targets;
pub mod transformer;
pub mod tree;

pub use model::{Array, FEATURE_NAMES, Model, Values};
pub use transformer::Transformer;
