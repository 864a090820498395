//! Clustering.

pub mod kmeans;
pub mod mini_batch_kmeans;

pub use kmeans::{KMeans, KMeansModel, KMeansParams};
pub use mini_batch_kmeans::{MiniBatchKMeansModel, MiniBatchKMeansParams};
