//! Kernel functions, kernel rows and the inner loops of sequential minimal optimisation.
//!
//! Every loop is written once over fixed arrays of lanes and compiled for AVX-512, AVX2 with FMA and any machine;
//! lanes are rows of the data, so that all three give the same bits.

mod block;
pub(super) mod exp;
mod expansion;
mod function;
mod gram;
pub(super) mod panels;
mod picks;
mod screen;
mod single_exp;
mod smo;
mod smo_avx512;
mod updates;

pub use block::{kernel_block, subtract_block};
pub use screen::{Screen, screened_sums};

pub use expansion::weighted_sums;
pub use function::KernelFunction;
pub use gram::dot_products;
pub use panels::{PANEL, Panels, gathered_row, kernel_row, kernel_rows};
pub use picks::{Picks, pick};
pub use smo::{LOW, Pair, TAU, UP, first_of_pair, second_of_pair, step};
pub use updates::{LATE_LANES, LateStep, add_row_and_size, late_steps, subtract_in_order, subtract_rows};
