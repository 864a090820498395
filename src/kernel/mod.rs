//! Numbers in, numbers out: the inner loops, each with a plain reference beside it.
//!
//! A kernel knows nothing of ranks, files or estimators. Its fast versions are chosen at run time and give the
//! same bits on every instruction set: independent things (rows, centroids) stand in the SIMD lanes, never the
//! terms of one sum, and every path uses fused multiply-add.

mod affine;
mod bandwidth;
pub mod cholesky;
pub mod columns;
mod dispatch;
pub(crate) mod elementary;
pub mod glm;
mod isa;
pub mod linear_rows;
pub mod lloyd;
pub mod means;
mod memory;
pub mod moments;
pub mod neighbors;
mod normal;
pub mod ordered_bits;
mod power;
pub(crate) mod rank_k;
mod real;
mod row_products;
pub mod simd;
pub mod svm;
pub mod triangle;

pub use affine::AffineMixture;
pub use bandwidth::read_bandwidth;
pub use isa::Isa;
pub use memory::zeroed;
pub use normal::{Mixture, Normal};
pub use real::Real;
pub use row_products::row_products;
