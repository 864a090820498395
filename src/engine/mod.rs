//! The two engines: [`pass`] for data larger than memory, [`sweep`] for too many fits.

pub mod keeper;
pub mod pass;
pub mod rows;
pub mod sweep;
