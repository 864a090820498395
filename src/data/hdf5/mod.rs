//! HDF5 files: features in a 2-D dataset, targets and weights in 1-D datasets beside it.
//!
//! Numbers of any width and byte order are read, in any layout and with any filter that the library knows. A user's
//! file is not trusted: links and storage that lead to other files are refused, and so are datasets that declare
//! more values than the file holds.

mod file;
mod labels;
mod numbers;
mod storage;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::labels::Labels;
use self::numbers::Numbers;
use self::storage::Storage;
use super::input_file::InputFile;
use super::{Block, BlockSource, Shape, default_block_rows};
use crate::error::{Error, Place, Result};
use crate::kernel::Real;

/// HDF5's chunk cache when nothing else is said, and the most that a reader takes instead.
const CACHE_BYTES: u64 = 1 << 20;
const MAX_CACHE_BYTES: u64 = 512 << 20;

/// Blocks are rounded up to whole chunks as long as they stay below this.
const MAX_BLOCK_BYTES: u64 = 64 << 20;

/// The keys of an HDF5 source in the job file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hdf5Params {
    /// The file.
    pub path: PathBuf,
    /// The dataset of features `(n_samples, n_features)`.
    #[serde(default = "default_x")]
    pub x: String,
    /// The dataset of targets `(n_samples,)`; `"y"` when the estimator needs targets and nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// The dataset of sample weights `(n_samples,)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_weight: Option<String>,
    /// The dataset `(n_samples,)` of the group of each row, or of its fold, for splitters that need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
}

fn default_x() -> String {
    "X".into()
}

impl Hdf5Params {
    /// A file with the default for every other key.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), x: default_x(), y: None, sample_weight: None, groups: None }
    }
}

/// Targets as numbers, or as names of classes.
#[derive(Debug)]
enum Targets {
    Numbers(Numbers),
    Labels(Labels),
}

/// The blocks of an HDF5 file. Each is read by whoever asks for it.
#[derive(Debug)]
pub struct Hdf5Source {
    input: InputFile,
    x: Numbers,
    targets: Option<Targets>,
    weights: Option<Numbers>,
    shape: Shape,
}

impl Hdf5Source {
    /// Opens a file and checks its datasets. Every rank does so for itself and gets the same.
    ///
    /// Without `block_rows` a block has [`default_block_rows`], rounded up to whole chunks. Targets are read only if
    /// `wants_targets`; text is read as the names of classes, numbered in sorted order.
    ///
    /// # Errors
    /// [`Error::InputMissing`] without the file or a dataset, [`Error::Io`] when it cannot be read, and
    /// [`Error::Data`] for what is no such table.
    pub fn open(params: &Hdf5Params, wants_targets: bool, block_rows: Option<usize>) -> Result<Self> {
        let source = Self::open_with_cache(params, wants_targets, block_rows, None)?;
        // Blocks that cut through chunks would have them unpacked again and again.
        let bytes = source.x.storage.chunk_row_bytes();
        let cuts = source
            .x
            .storage
            .chunk
            .is_some_and(|(rows, _)| !(source.shape.block_rows as u64).is_multiple_of(rows));
        if !cuts || bytes <= CACHE_BYTES {
            return Ok(source);
        }
        drop(source);
        let cache_bytes = bytes.min(MAX_CACHE_BYTES) as usize;
        Self::open_with_cache(params, wants_targets, block_rows, Some(cache_bytes))
    }

    fn open_with_cache(
        params: &Hdf5Params,
        wants_targets: bool,
        block_rows: Option<usize>,
        cache_bytes: Option<usize>,
    ) -> Result<Self> {
        let path = params.path.as_path();
        let input = InputFile::open(path)?;
        let open = Open { file: file::open(path, cache_bytes)?, path, file_bytes: input.len() };
        let x = open.numbers(&params.x)?;
        if x.storage.n_dims != 2 {
            let found = format!(
                "one dimension, ({},); reshape it with X.reshape(-1, 1) if it is one feature, or X.reshape(1, -1) if it is one row",
                x.storage.n_rows
            );
            return Err(Error::data(x.origin(), Place::default(), "shape (n_samples, n_features)", found));
        }
        let n_samples = x.storage.n_rows;
        let targets = match wants_targets {
            true => Some(open.targets(params.y.as_deref().unwrap_or("y"), n_samples)?),
            false => None,
        };
        let weights = match &params.sample_weight {
            Some(name) => Some(open.vector(name, n_samples)?),
            None => None,
        };
        let shape = Shape {
            n_samples,
            n_features: x.storage.n_columns,
            block_rows: block_rows.unwrap_or_else(|| whole_chunks(&x.storage)).max(1),
            has_targets: targets.is_some(),
            has_weights: weights.is_some(),
        };
        Ok(Self { input, x, targets, weights, shape })
    }
}

/// The default number of rows of a block, in whole chunks unless they are too large.
fn whole_chunks(storage: &Storage) -> usize {
    let rows = default_block_rows(storage.n_rows, storage.n_columns, storage.item_bytes);
    let Some((chunk_rows, _)) = storage.chunk else { return rows };
    let whole = (rows as u64).next_multiple_of(chunk_rows).min(storage.n_rows.max(rows as u64));
    let bytes = whole.saturating_mul((storage.n_columns * storage.item_bytes) as u64);
    if bytes <= MAX_BLOCK_BYTES { whole as usize } else { rows }
}

/// A file while its datasets are looked up.
struct Open<'a> {
    file: hdf5::File,
    path: &'a Path,
    file_bytes: u64,
}

impl Open<'_> {
    fn dataset(&self, name: &str) -> Result<(hdf5::Dataset, Storage)> {
        let dataset = file::dataset(&self.file, self.path, name)?;
        let storage = Storage::check(&dataset, self.path, name, self.file_bytes)?;
        Ok((dataset, storage))
    }

    fn numbers(&self, name: &str) -> Result<Numbers> {
        let (dataset, storage) = self.dataset(name)?;
        Numbers::new(dataset, self.path, name, storage)
    }

    fn vector(&self, name: &str, n_samples: u64) -> Result<Numbers> {
        let (dataset, storage) = self.dataset(name)?;
        self.check_length(name, &storage, n_samples)?;
        Numbers::new(dataset, self.path, name, storage)
    }

    fn targets(&self, name: &str, n_samples: u64) -> Result<Targets> {
        let (dataset, storage) = self.dataset(name)?;
        self.check_length(name, &storage, n_samples)?;
        match Labels::new(&dataset, self.path, name, &storage)? {
            Some(labels) => Ok(Targets::Labels(labels)),
            None => Ok(Targets::Numbers(Numbers::new(dataset, self.path, name, storage)?)),
        }
    }

    fn check_length(&self, name: &str, storage: &Storage, n_samples: u64) -> Result<()> {
        if storage.n_columns == 1 && storage.n_rows == n_samples {
            return Ok(());
        }
        let found = match storage.n_dims {
            1 => format!("({},)", storage.n_rows),
            _ => format!("({}, {})", storage.n_rows, storage.n_columns),
        };
        let expected = format!("shape ({n_samples},), one value for each row of the features");
        Err(Error::data(storage::origin(self.path, name), Place::default(), expected, found))
    }
}

impl<T: Real> BlockSource<T> for Hdf5Source {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn fill(&self, block: &mut Block<T>) -> Result<()> {
        let rows = block.first_row..block.first_row + block.n_rows as u64;
        self.x.read(rows.clone(), &mut block.x)?;
        match &self.targets {
            Some(Targets::Numbers(numbers)) => numbers.read(rows.clone(), &mut block.y)?,
            Some(Targets::Labels(labels)) => labels.read(rows.clone(), &mut block.y)?,
            None => {}
        }
        match &self.weights {
            Some(weights) => weights.read(rows, &mut block.weights),
            None => Ok(()),
        }
    }

    fn unchanged(&self) -> Result<()> {
        self.input.unchanged()
    }

    fn origin(&self) -> String {
        self.x.origin()
    }

    fn target_origin(&self) -> String {
        match &self.targets {
            Some(Targets::Numbers(numbers)) => numbers.origin(),
            Some(Targets::Labels(labels)) => labels.origin(),
            None => self.x.origin(),
        }
    }

    fn weight_origin(&self) -> String {
        self.weights.as_ref().map_or_else(|| self.x.origin(), Numbers::origin)
    }

    /// Targets and weights are datasets of one column, which their origins name.
    fn target_name(&self) -> Option<String> {
        None
    }

    fn weight_name(&self) -> Option<String> {
        None
    }

    fn class_names(&self) -> Option<&[String]> {
        match &self.targets {
            Some(Targets::Labels(labels)) => Some(&labels.classes),
            _ => None,
        }
    }

    fn waits_for_input(&self) -> bool {
        true
    }
}
