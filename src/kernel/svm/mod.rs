//! Kernel functions, kernel rows and the inner loops of sequential minimal optimisation.
//!
//! Every loop is written once over fixed arrays of lanes and compiled for AVX-512, AVX2 with FMA and any machine;
//! lanes are rows of the data, so that all three give the same bits.

pub(super) mod dispatch;
mod exp;
mod expansion;
mod function;
mod gram;
mod memory;
pub(super) mod panels;
mod smo;
mod smo_avx512;

pub use expansion::weighted_sums;
pub use function::KernelFunction;
pub use gram::dot_products;
pub use memory::zeroed;
pub use panels::{PANEL, Panels, gathered_row, kernel_row};
pub use smo::{
    LATE_LANES, LOW, LateStep, Pair, UP, add_row_and_size, first_of_pair, late_steps, second_of_pair, step,
    subtract_in_order, subtract_rows,
};
