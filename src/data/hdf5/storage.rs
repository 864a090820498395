//! What a dataset declares, checked against what the file holds, before anything is read.

use std::path::Path;

use hdf5::Dataset;
use hdf5::dataset::Layout;

use super::file::foreign;
use crate::error::{Error, Place, Result};

/// Rows and columns of a dataset, and where its values lie.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    /// Rows.
    pub(super) n_rows: u64,
    /// Columns; 1 for a vector.
    pub(super) n_columns: usize,
    /// Dimensions.
    pub(super) n_dims: usize,
    /// Bytes of a value in the file.
    pub(super) item_bytes: usize,
    /// The file offset of the values, if they lie there as they are, row by row.
    pub(super) offset: Option<u64>,
    /// Rows and columns of a chunk.
    pub(super) chunk: Option<(u64, u64)>,
}

/// A dataset's place in messages.
pub(super) fn origin(path: &Path, name: &str) -> String {
    format!("{}: dataset {name:?}", path.display())
}

impl Storage {
    /// Checks that the file holds all values that a dataset declares.
    ///
    /// # Errors
    /// [`Error::Data`] for values in other files, values that were never written or were cut off, more values than
    /// the file can hold, and filters that this HDF5 library does not know.
    pub(super) fn check(dataset: &Dataset, path: &Path, name: &str, file_bytes: u64) -> Result<Self> {
        let fault = |expected: &str, found: String| {
            Error::data(origin(path, name), Place::default(), expected, found)
        };
        let unread = |error: hdf5::Error| fault("a dataset that can be read", error.to_string());
        let space = dataset.space().map_err(unread)?;
        let dims: Vec<u64> = space.shape().iter().map(|&n| n as u64).collect();
        let (n_rows, n_columns) = match dims.as_slice() {
            &[rows] => (rows, 1),
            &[rows, columns] => (rows, columns),
            [] => return Err(fault("an array of rows", "a single value".into())),
            _ => return Err(fault("1 or 2 dimensions", format!("shape {dims:?}"))),
        };
        if n_rows == 0 || n_columns == 0 {
            return Err(fault("at least one value", format!("shape {dims:?}")));
        }
        let item_bytes = dataset.dtype().map_err(unread)?.size();
        let declared = n_rows.checked_mul(n_columns).and_then(|count| count.checked_mul(item_bytes as u64));
        let too_large =
            || fault("no more values than the file holds", format!("shape {dims:?} in {file_bytes} bytes"));
        let declared = declared.filter(|&bytes| bytes <= i64::MAX as u64).ok_or_else(too_large)?;

        let list = dataset.create_plist().map_err(unread)?;
        if !list.get_external().map_err(unread)?.is_empty() {
            return Err(foreign(path, name, "external storage: its values lie in other files"));
        }
        for filter in list.get_filters().map_err(unread)? {
            if !filter.is_available() {
                let found = format!("{}; rewrite it with gzip, lzf or none", filter_name(filter.id()));
                return Err(fault("a filter that this HDF5 library knows", found));
            }
        }
        let mut storage = Self {
            n_rows,
            n_columns: n_columns as usize,
            n_dims: dims.len(),
            item_bytes,
            offset: None,
            chunk: None,
        };
        let unwritten = |found: String| fault("values that were written", found);
        match list.get_layout().map_err(unread)? {
            Layout::Virtual => {
                return Err(foreign(path, name, "a virtual dataset: its values lie in other files"));
            }
            Layout::Compact if dataset.storage_size() < declared => return Err(too_large()),
            Layout::Compact => {}
            Layout::Contiguous => {
                let offset = dataset.offset().filter(|_| dataset.storage_size() > 0);
                let offset = offset.ok_or_else(|| unwritten(format!("none for shape {dims:?}")))?;
                if dataset.storage_size() < declared
                    || offset.checked_add(declared).is_none_or(|end| end > file_bytes)
                {
                    return Err(too_large());
                }
                storage.offset = Some(offset);
            }
            Layout::Chunked => {
                let chunk = list.get_chunk().map_err(unread)?.unwrap_or_default();
                let (rows, columns) = (chunk[0].max(1) as u64, chunk.get(1).map_or(1, |&n| n.max(1) as u64));
                let expected = n_rows.div_ceil(rows).saturating_mul(n_columns.div_ceil(columns));
                if expected > file_bytes {
                    return Err(too_large());
                }
                // An absent chunk reads as fill values, which no one has measured.
                let written = dataset.num_chunks().unwrap_or(0) as u64;
                if written < expected {
                    return Err(unwritten(format!("{written} of {expected} chunks for shape {dims:?}")));
                }
                storage.chunk = Some((rows, columns));
            }
        }
        Ok(storage)
    }

    /// Bytes of the chunks that share a row.
    pub(super) fn chunk_row_bytes(&self) -> u64 {
        self.chunk.map_or(0, |(rows, columns)| {
            rows * (self.n_columns as u64).next_multiple_of(columns) * self.item_bytes as u64
        })
    }
}

/// The name of a registered filter.
fn filter_name(id: i32) -> String {
    let name = match id {
        4 => "szip",
        307 => "bzip2",
        32_001 => "blosc",
        32_004 => "lz4",
        32_008 => "bitshuffle",
        32_013 => "zfp",
        32_015 => "zstd",
        32_026 => "blosc2",
        _ => return format!("filter {id}"),
    };
    format!("{name} (filter {id})")
}
