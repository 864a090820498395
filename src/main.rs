//! The `rankfit` program; everything lives in the library.
fn main() {}
