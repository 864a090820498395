//! The results file: its schema, once, in code; the writer, the reader, the checkpoint and the provenance.
//!
//! One HDF5 file a run, readable by h5py without a helper: scalars are scalar datasets or attributes, texts are
//! variable-length UTF-8, structured values are JSON text. The file is written beside its name and renamed when
//! whole.

pub mod checkpoint;
mod named;
mod output;
pub mod provenance;
mod reader;
pub mod schema;
mod seal;
mod writer;

pub use checkpoint::FileKeeper;
pub use named::Named;
pub use output::{OnExisting, Output, refuse_inputs};
pub use reader::{Group, Item, ResultsFile, check_seal};
pub use writer::{Contents, CvResults, ResultsWriter, RowType, Rows};
