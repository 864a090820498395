//! Linear models under scikit-learn's names: a loss, an objective over the data, a solver, a model.

mod any;
mod block_terms;
mod coordinate_descent;
pub(super) mod dense;
mod glm;
mod layout;
mod least_squares;
mod least_squares_triangle;
mod model;
mod nonnegative;
mod objective;
mod params;
mod search;
mod separation;
pub mod solver;
mod targets;
mod warm_start;

pub use any::LinearParams;
pub use model::{LinearModel, Record, Response};
pub use params::{
    ElasticNetParams, LassoParams, LinearRegressionParams, LogisticRegressionParams, Penalty,
    PoissonRegressorParams, RidgeParams, RidgeSolver, Selection, Solver,
};
pub use warm_start::WarmStart;
