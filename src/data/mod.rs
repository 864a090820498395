//! Where rows come from: generators and file readers, all cut into the same kind of blocks.
//!
//! Blocks belong to the data: how many rows a block has never depends on the number of ranks. A source hands
//! out any block on request; [`Feed`] is one rank's way through its slice of blocks, kept in memory or re-made on
//! each pass.

mod block;
mod csv;
mod feed;
mod table;

pub use self::csv::{ColumnRef, CsvParams, CsvSource, Header};
pub use block::{Block, BlockSource, Shape, default_block_rows};
pub use feed::{Feed, Residency};
pub use table::Table;
