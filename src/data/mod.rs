//! Where rows come from: generators and file readers, all cut into the same kind of blocks.
//!
//! Blocks belong to the data: how many rows a block has never depends on the number of ranks. A source hands
//! out any block on request; [`Feed`] is one rank's way through its slice of blocks, kept in memory or re-made on
//! each pass, part by part where blocks are larger than the cache ([`Parts`]).

pub mod blobs;
mod block;
pub(crate) mod centers;
pub mod classification;
mod csv;
mod feed;
mod generated;
mod hdf5;
mod input_file;
mod mapped;
mod missing;
mod nearest;
mod parts;
pub mod regression;
mod shares;
mod signature;
mod table;

pub use self::csv::{ColumnRef, CsvOutline, CsvParams, CsvSource, Header};
pub use self::hdf5::{Hdf5Params, Hdf5Source};
pub use blobs::{Blobs, BlobsParams};
pub use block::{Block, BlockSource, Shape, default_block_rows};
pub use classification::{Classification, ClassificationParams};
pub use feed::{Feed, Residency};
pub use mapped::{Mapped, RowMap};
pub use missing::WithMissing;
pub use parts::Parts;
pub use regression::{Regression, RegressionParams};
pub use table::{Table, TableSource};
