//! Linear support vector machines on plain arrays, with liblinear's objectives and scikit-learn's names.
//!
//! Classes, y = ±1, each class against the rest: minimise ½|w|² + Σ C_i max(0, 1 − y_i w·x_i)^p, p = 2 for
//! `"squared_hinge"` and 1 for `"hinge"`. Numbers: ½|w|² + Σ C_i max(0, |w·x_i − y_i| − ε)^p. The intercept is the
//! weight of a feature that is `intercept_scaling` everywhere, and is penalised as the others are. The squared losses
//! are minimised by Newton's method, the others by coordinate descent in the dual. With `penalty = "l1"` |w|₁ stands
//! for ½|w|², under the squared hinge loss only.
//!
//! # References
//! Fan, Chang, Hsieh, Wang, Lin: LIBLINEAR: a library for large linear classification, JMLR 9 (2008), appendices.

mod dual;
mod fit;
mod l1;
mod l1_quadratic;
mod model;
mod newton;
mod params;
mod rows;

pub use fit::LinearSvm;
pub use model::LinearSvmModel;
pub use params::{Dual, LinearSvcParams, LinearSvrParams};
