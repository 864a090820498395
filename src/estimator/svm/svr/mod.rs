//! Epsilon support vector regression with libsvm's optimum and scikit-learn's parameters and attributes.
//!
//! Minimises ½|w|² + Σ C_i max(0, |w·φ(x_i) + b − y_i| − ε) in the dual, by the solver of the classifier: each row has
//! two variables, one that raises its prediction and one that lowers it.
//!
//! # References
//! Chang, Lin: LIBSVM: a library for support vector machines, ACM TIST 2 (2011), section 2.4.

mod fit;
mod model;
mod params;
mod search;

pub use model::SvrModel;
pub use params::{Svr, SvrParams};
pub use search::SvrSearch;
