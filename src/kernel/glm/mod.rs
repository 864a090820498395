//! The data term of generalised linear models over a block of rows: loss, gradient and Hessian in one sweep.
//!
//! Rows are taken in tiles that stay in the cache: margins (one dot product a row and output), the pointwise loss
//! eight rows at a time, the gradient (one update a row and output), and for second order the packed tile's
//! rank-k updates. Cost per row of d features and K outputs: 4·K·d flops, with the Hessian K·(K+1)/2·d² more; the
//! row is read from memory once.

mod hessian;
mod pointwise;
mod sums;
mod tile;

pub(crate) use tile::Tile;

pub use pointwise::Loss;
pub use sums::{Order, Rows, Sums, accumulate};
