//! CSV files: rows of text, read in parallel by byte ranges.
//!
//! The dialect is RFC 4180's: quoted fields may hold delimiters, newlines and doubled quotes, lines end in LF or
//! CRLF, the last may lack its end. A byte order mark is skipped, and so are blank lines. Every other field must
//! be a finite number; text may stand in the label column only. Lines in messages count from 1 and from the
//! header, rows from 0 and from the first row of data.

mod columns;
mod header;
mod input;
mod number;
mod outline;
mod params;
mod record;
mod rows;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::columns::{Columns, Role};
use self::input::Input;
pub use self::outline::CsvOutline;
pub use self::params::{ColumnRef, CsvParams, Header};
use self::rows::Rows;
use self::scan::{Mark, Scan};
use super::{Block, BlockSource, Shape, default_block_rows};
use crate::comm::{Communicator, agree, allgather};
use crate::error::{Error, Place, Result};
use crate::kernel::Real;
use crate::partition::Slice;

/// More different labels than this are no classes.
const MAX_CLASSES: usize = 100_000;

/// The blocks of a CSV file. Each is read by whoever asks for it, from its place in the file.
#[derive(Debug)]
pub struct CsvSource {
    input: Input,
    columns: Columns,
    shape: Shape,
    /// Where each block begins.
    marks: Vec<Mark>,
    classes: Vec<String>,
}

impl CsvSource {
    /// Opens a file, counts its rows and finds where each block begins. Every rank gets the same source.
    ///
    /// Without `block_rows` a block has [`default_block_rows`] for features of `item_bytes` bytes. Labels are
    /// numbers when the first one is, and else names of classes, numbered in sorted order; they are read only if
    /// `wants_targets`, but their column is never a feature.
    ///
    /// # Collective
    /// A few numbers and 16 bytes a block from each rank to all; with text labels their distinct values.
    ///
    /// # Errors
    /// [`Error::InputMissing`] without the file, [`Error::Io`] when it cannot be read, [`Error::Job`] for a column
    /// that is not there, and [`Error::Data`] for contents that are no such table.
    pub fn open(
        comm: &dyn Communicator,
        params: &CsvParams,
        wants_targets: bool,
        block_rows: Option<usize>,
        item_bytes: usize,
    ) -> Result<Self> {
        let opened = Input::open(&params.path).and_then(|input| {
            let (columns, start) = Columns::read(&input, params, wants_targets)?;
            Ok((input, columns, start))
        });
        let (input, columns, start) = agree(comm, opened)?;
        let scan = Scan { input: &input, delimiter: columns.delimiter, start };
        let counted = scan.count(comm)?;
        if counted.open_quote {
            // Every rank looks for itself and finds the same.
            return Err(Rows::new(&input, &columns, &[], start, input.len, 0).first_fault());
        }
        let n_features = columns.features.len();
        let block_rows =
            block_rows.unwrap_or_else(|| default_block_rows(counted.n_rows, n_features, item_bytes)).max(1);
        let marks = scan.marks(comm, &counted, block_rows)?;
        let shape = Shape {
            n_samples: counted.n_rows,
            n_features,
            block_rows,
            has_targets: columns.roles.iter().any(|role| matches!(role, Role::Target | Role::Class)),
            has_weights: columns.roles.contains(&Role::Weight),
        };
        let mut source = Self { input, columns, shape, marks, classes: Vec::new() };
        if source.columns.roles.contains(&Role::Class) {
            source.classes = source.gather_classes(comm)?;
        }
        Ok(source)
    }

    /// The union of all ranks' labels, sorted.
    fn gather_classes(&self, comm: &dyn Communicator) -> Result<Vec<String>> {
        let mine = agree(comm, self.own_classes(Slice::of(self.marks.len(), comm.rank(), comm.size())))?;
        let union: BTreeSet<String> = allgather(comm, &mine)?.into_iter().flatten().collect();
        if union.len() > MAX_CLASSES { Err(self.too_many_classes()) } else { Ok(union.into_iter().collect()) }
    }

    fn own_classes(&self, slice: Slice) -> Result<BTreeSet<String>> {
        let mut classes = BTreeSet::new();
        for block in slice.blocks {
            let rows = self.shape.rows(block);
            self.rows(block).labels((rows.end - rows.start) as usize, |label| {
                if !classes.contains(label) {
                    classes.insert(label.to_owned());
                }
                if classes.len() > MAX_CLASSES { Err(self.too_many_classes()) } else { Ok(()) }
            })?;
        }
        Ok(classes)
    }

    fn too_many_classes(&self) -> Error {
        let found = format!("text with more than {MAX_CLASSES} different values as labels");
        self.input.fault(Place::default(), "names of classes, or numbers", found)
    }

    fn rows(&self, block: usize) -> Rows<'_> {
        let end = self.marks.get(block + 1).map_or(self.input.len, |next| next.offset);
        let first_row = self.shape.rows(block).start;
        Rows::new(&self.input, &self.columns, &self.classes, self.marks[block], end, first_row)
    }
}

impl<T: Real> BlockSource<T> for CsvSource {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn fill(&self, block: &mut Block<T>) -> Result<()> {
        self.rows(block.index).fill(block)
    }

    fn unchanged(&self) -> Result<()> {
        self.input.unchanged()
    }

    fn origin(&self) -> String {
        self.input.path().display().to_string()
    }

    fn target_name(&self) -> Option<String> {
        self.columns.name_of(&[Role::Target, Role::Class]).or_else(|| Some("y".into()))
    }

    fn weight_name(&self) -> Option<String> {
        self.columns.name_of(&[Role::Weight]).or_else(|| Some("sample_weight".into()))
    }

    fn column_name(&self, column: usize) -> String {
        self.columns.name(self.columns.features[column])
    }

    fn doubt(&self) -> Option<&str> {
        self.columns.doubt.as_deref()
    }

    fn feature_names(&self) -> Option<Vec<String>> {
        let names = self.columns.names()?;
        Some(self.columns.features.iter().map(|&column| names[column].clone()).collect())
    }

    fn class_names(&self) -> Option<&[String]> {
        self.columns.roles.contains(&Role::Class).then_some(self.classes.as_slice())
    }

    fn waits_for_input(&self) -> bool {
        true
    }
}
