//! Support vector machines with libsvm's optimum and scikit-learn's parameters and attributes.
//!
//! [`SvcParams`] are validated into [`Svc`], which fits a [`SvcModel`]; [`SvcSearch`] fits many candidates on many
//! folds and shares between them what they have in common. Two classes make one problem of sequential minimal
//! optimisation; more make one for each pair.

mod bench;
mod calibration;
mod fit;
mod footprint;
mod large;
pub mod linear;
mod model;
mod one_vs_one;
mod params;
mod pieces;
mod platt;
mod products;
mod row_cache;
mod rows;
mod scoring;
mod search;
mod settled;
mod solver;
mod store;
pub mod svr;
mod symmetric;
mod tracks;
mod training;
mod variance;

pub use large::{LargeFit, Peers};
pub use model::SvcModel;
pub use params::{ClassWeight, DecisionShape, Gamma, KernelKind, Svc, SvcParams, WARM_WORK, WarmStartAlongC};
pub use search::SvcSearch;
