//! A results file, or several side by side, as one HTML page with its charts inside.
//!
//! The page needs no network, no script and no other file: it can be mailed or put beside the results.

mod chart;
mod page;
mod search;
mod ticks;

pub use page::render;
pub use search::{SearchTable, Shown};
