//! Datasets of text, read as the names of classes.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5::Dataset;
use hdf5::types::{FixedAscii, FixedUnicode, TypeDescriptor, VarLenAscii, VarLenUnicode};

use super::numbers::read_rows;
use super::storage::{Storage, origin};
use crate::error::{Error, Place, Result};

/// More different labels than this are no classes.
const MAX_CLASSES: usize = 100_000;

/// Labels read at once when the classes are collected.
const ROWS_AT_ONCE: u64 = 1 << 16;

/// How the text lies in the file. The library converts lengths, but not character sets.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Ascii,
    Unicode,
    FixedAscii(usize),
    FixedUnicode(usize),
}

/// A dataset of text, one label a row.
#[derive(Debug)]
pub(super) struct Labels {
    dataset: Dataset,
    path: PathBuf,
    name: String,
    kind: Kind,
    storage: Storage,
    /// The different labels, sorted.
    pub(super) classes: Vec<String>,
}

impl Labels {
    /// The labels of `dataset`, all of which are read to number the classes; `None` when it holds no text.
    ///
    /// # Errors
    /// [`Error::Data`] for a label that is empty, was never written or is not UTF-8, and for too many different
    /// ones.
    pub(super) fn new(dataset: &Dataset, path: &Path, name: &str, storage: &Storage) -> Result<Option<Self>> {
        let kind = match dataset.dtype().and_then(|dtype| dtype.to_descriptor()) {
            Ok(TypeDescriptor::VarLenAscii) => Kind::Ascii,
            Ok(TypeDescriptor::VarLenUnicode) => Kind::Unicode,
            Ok(TypeDescriptor::FixedAscii(bytes)) => Kind::FixedAscii(bytes),
            Ok(TypeDescriptor::FixedUnicode(bytes)) => Kind::FixedUnicode(bytes),
            _ => return Ok(None),
        };
        let (dataset, storage) = (dataset.clone(), storage.clone());
        let mut labels =
            Self { dataset, path: path.into(), name: name.into(), kind, storage, classes: Vec::new() };
        let mut classes = BTreeSet::new();
        for start in (0..labels.storage.n_rows).step_by(ROWS_AT_ONCE as usize) {
            let rows = start..(start + ROWS_AT_ONCE).min(labels.storage.n_rows);
            for label in labels.text(rows)? {
                classes.insert(label);
            }
            if classes.len() > MAX_CLASSES {
                let found = format!("text with more than {MAX_CLASSES} different values");
                return Err(labels.fault(Place::default(), "names of classes, or numbers", found));
            }
        }
        labels.classes = classes.into_iter().collect();
        Ok(Some(labels))
    }

    /// The numbers of the classes of some rows.
    pub(super) fn read(&self, rows: Range<u64>, into: &mut [f64]) -> Result<()> {
        let first = rows.start;
        for (i, (into, label)) in into.iter_mut().zip(self.text(rows)?).enumerate() {
            let class = self.classes.binary_search(&label).map_err(|_| {
                self.fault(
                    Place::row(first + i as u64),
                    "a label that was there before",
                    format!("{label:?}"),
                )
            })?;
            *into = class as f64;
        }
        Ok(())
    }

    fn text(&self, rows: Range<u64>) -> Result<Vec<String>> {
        let first = rows.start;
        let labels = self.bytes(rows)?;
        let text = |(i, label): (usize, Option<Vec<u8>>)| {
            let place = Place::row(first + i as u64);
            let Some(label) = label.filter(|label| !label.trim_ascii().is_empty()) else {
                return Err(self.fault(place, "a label", "an empty one"));
            };
            String::from_utf8(label).map_err(|error| {
                let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
                self.fault(place, "a label in UTF-8", format!("{shown:?}"))
            })
        };
        labels.into_iter().enumerate().map(text).collect()
    }

    /// The bytes of each label; `None` for one that was never written.
    fn bytes(&self, rows: Range<u64>) -> Result<Vec<Option<Vec<u8>>>> {
        let read = match self.kind {
            // A variable-length label that was never written is a null pointer, which must not be followed.
            Kind::Ascii => read_rows::<VarLenAscii>(&self.dataset, &self.storage, rows).map(|labels| {
                labels.iter().map(|s| (!s.as_ptr().is_null()).then(|| s.as_bytes().to_vec())).collect()
            }),
            Kind::Unicode => read_rows::<VarLenUnicode>(&self.dataset, &self.storage, rows).map(|labels| {
                labels.iter().map(|s| (!s.as_ptr().is_null()).then(|| s.as_bytes().to_vec())).collect()
            }),
            Kind::FixedAscii(length) | Kind::FixedUnicode(length) => match length {
                0..=16 => self.fixed::<16>(rows),
                17..=64 => self.fixed::<64>(rows),
                65..=256 => self.fixed::<256>(rows),
                257..=1024 => self.fixed::<1024>(rows),
                _ => {
                    let found = format!("text of {length} bytes");
                    return Err(self.fault(Place::default(), "labels of at most 1024 bytes", found));
                }
            },
        };
        read.map_err(|error| Error::io(&self.path, "reading", format!("dataset {:?}: {error}", self.name)))
    }

    fn fixed<const N: usize>(&self, rows: Range<u64>) -> hdf5::Result<Vec<Option<Vec<u8>>>> {
        if matches!(self.kind, Kind::FixedAscii(_)) {
            let labels = read_rows::<FixedAscii<N>>(&self.dataset, &self.storage, rows)?;
            Ok(labels.iter().map(|label| Some(label.as_bytes().to_vec())).collect())
        } else {
            let labels = read_rows::<FixedUnicode<N>>(&self.dataset, &self.storage, rows)?;
            Ok(labels.iter().map(|label| Some(label.as_bytes().to_vec())).collect())
        }
    }

    /// The dataset's place in messages.
    pub(super) fn origin(&self) -> String {
        origin(&self.path, &self.name)
    }

    fn fault(&self, place: Place, expected: &str, found: impl Into<String>) -> Error {
        Error::data(self.origin(), place, expected, found)
    }
}
