//! Numbers in, numbers out: the inner loops, each with a plain reference beside it.
//!
//! A kernel knows nothing of ranks, files or estimators. Its fast versions are chosen at run time and give the
//! same bits on every instruction set: independent things (rows, centroids) stand in the SIMD lanes, never the
//! terms of one sum, and every path uses fused multiply-add.

mod affine;
pub mod lloyd;
mod normal;
mod real;
pub mod svm;

pub use affine::AffineMixture;
pub use normal::{Isa, Mixture, Normal};
pub use real::Real;
