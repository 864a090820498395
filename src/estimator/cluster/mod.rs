//! Clustering.

pub mod kmeans;

pub use kmeans::{KMeans, KMeansModel, KMeansParams};
