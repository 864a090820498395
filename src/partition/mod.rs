//! Who owns what: arithmetic on integers, equal on every rank and without communication.

mod contiguous;
mod longest_first;
mod multifit;

pub use contiguous::{Slice, owner};
pub use longest_first::{Assignment, longest_first};
pub use multifit::multifit;
