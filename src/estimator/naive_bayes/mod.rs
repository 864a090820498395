//! Naive Bayes: features that are independent within each class.

mod fit;
mod model;
mod params;
mod search;

pub use model::GaussianNbModel;
pub use params::GaussianNbParams;
