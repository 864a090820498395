//! Writes a results file.
//!
//! On a full disk HDF5 can report success and leave wrong data. So HDF5 writes into a file in memory, and this
//! program copies that to the disk with checked system calls. Arrays of one value a row, which may be larger
//! than memory, get their place in that file without taking any, and go to the disk directly.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use hdf5::plist::dataset_create::{AllocTime, FillTime};
use hdf5::plist::group_create::LinkCreationOrder;
use hdf5::types::TypeDescriptor;
use tempfile::NamedTempFile;

use super::named::{self, Named};
use super::output::Output;
use super::schema;
use super::seal;
use crate::engine::rows::RowSink;
use crate::error::{Error, Result};
use crate::estimator::{Array, Model};
use crate::telemetry::at_end;

/// The table of a search, and what it found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CvResults {
    /// One array a column of `cv_results_`.
    pub columns: Vec<Named>,
    /// `best_index_`, `best_score_`, `best_params_` and others: scalars.
    pub attributes: Vec<Named>,
}

/// What a results file holds besides arrays of one value a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The fitted model, absent for a search without refit.
    pub model: Option<Model>,
    /// The fitted steps before the model, in order.
    pub pipeline: Vec<Model>,
    /// One array a quantity, one entry an iteration.
    pub history: Vec<Named>,
    /// The table of a search.
    pub cv_results: Option<CvResults>,
    /// Seconds and bytes per rank.
    pub timing: Vec<Named>,
    /// Where the results come from.
    pub provenance: Vec<Named>,
}

/// The type of an array of one value a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowType {
    /// 32-bit integers, as `labels_` are.
    I32,
    /// 64-bit integers.
    I64,
    /// Double precision.
    F64,
    /// This many doubles a row.
    F64Row(usize),
    /// UTF-8 text of at most this many bytes, filled up with zeros.
    Text(usize),
}

impl RowType {
    /// Bytes of one value.
    pub fn bytes(self) -> u64 {
        match self {
            Self::I32 => 4,
            Self::I64 | Self::F64 => 8,
            Self::F64Row(columns) => 8 * columns as u64,
            Self::Text(bytes) => bytes as u64,
        }
    }
}

/// Where an array of one value a row lies in the file.
#[derive(Clone, Copy)]
struct Gap {
    start: u64,
    end: u64,
}

/// A results file in the making; on rank 0 only.
pub struct ResultsWriter {
    output: Output,
    disk: NamedTempFile,
    memory: NamedTempFile,
    file: hdf5::File,
    gaps: Vec<Gap>,
    /// Removes both files when a signal ends the process.
    _will: Arc<dyn Fn() + Send + Sync>,
}

impl ResultsWriter {
    /// Begins a file.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] when no file can be made beside the output.
    pub fn new(output: &Output, format: &str) -> Result<Self> {
        Self::with_status(output, format, schema::COMPLETE)
    }

    /// Begins the file of a run that ended with `status`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_status(output: &Output, format: &str, status: &str) -> Result<Self> {
        let disk = output.begin()?;
        let path = output.path();
        let memory = in_memory().map_err(|e| Error::io(path, "making a file in memory", e))?;
        let file =
            hdf5::File::create(memory.path()).map_err(named::h5_error(path, "making the file's image"))?;
        let _will = at_end({
            let files = [disk.path().to_path_buf(), memory.path().to_path_buf()];
            move || files.iter().for_each(|file| drop(std::fs::remove_file(file)))
        });
        let writer = Self { output: output.clone(), disk, memory, file, gaps: Vec::new(), _will };
        writer.head(format, status).map_err(named::h5_error(path, "writing the file's attributes"))?;
        Ok(writer)
    }

    fn head(&self, format: &str, status: &str) -> hdf5::Result<()> {
        named::put_text_attribute(&self.file, "format", format)?;
        named::put_attribute(&self.file, "format_version", &Array::integer(schema::FORMAT_VERSION))?;
        named::put_text_attribute(&self.file, "software", schema::SOFTWARE)?;
        named::put_text_attribute(&self.file, "software_version", schema::SOFTWARE_VERSION)?;
        named::put_text_attribute(&self.file, "status", status)
    }

    /// Makes room for an array of `n_rows` values at `path` (such as `model/labels_`); its rows go to the returned
    /// sink as little-endian bytes.
    ///
    /// # Errors
    /// [`Error::Io`] when the room cannot be made.
    pub fn rows(&mut self, path: &str, n_rows: u64, kind: RowType) -> Result<Rows<'_>> {
        let start = self.reserve(path, n_rows, kind).map_err(self.h5("making room for an array of rows"))?;
        let gap = Gap { start, end: start + n_rows * kind.bytes() };
        self.gaps.push(gap);
        Ok(Rows { disk: self.disk.as_file(), path: self.output.path(), gap, item_bytes: kind.bytes() })
    }

    fn reserve(&self, path: &str, n_rows: u64, kind: RowType) -> hdf5::Result<u64> {
        let (group, name) = path.rsplit_once('/').unwrap_or(("/", path));
        let group = self.group(group)?;
        let builder = match kind {
            RowType::I32 => group.new_dataset::<i32>(),
            RowType::I64 => group.new_dataset::<i64>(),
            RowType::F64 | RowType::F64Row(_) => group.new_dataset::<f64>(),
            RowType::Text(bytes) => group.new_dataset_builder().empty_as(TypeDescriptor::FixedUnicode(bytes)),
        };
        let builder = builder.alloc_time(Some(AllocTime::Early)).fill_time(FillTime::Never);
        let dataset = match kind {
            RowType::F64Row(columns) => builder.shape([n_rows as usize, columns]).create(name)?,
            _ => builder.shape(n_rows as usize).create(name)?,
        };
        match dataset.offset() {
            Some(offset) => Ok(offset),
            None if n_rows == 0 => Ok(0),
            None => Err(hdf5::Error::from("the array has no place in the file")),
        }
    }

    fn group(&self, name: &str) -> hdf5::Result<hdf5::Group> {
        if name == "/" || self.file.link_exists(name) {
            return self.file.group(name);
        }
        // Columns keep the order in which they were written.
        let order = LinkCreationOrder::Indexed;
        self.file.create_group_builder().with_gcpl(|gcpl| gcpl.link_creation_order(order)).create(name)
    }

    /// Writes the rest, brings the file to the disk, seals it and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`] when anything cannot be written; nothing is left behind then.
    pub fn finish(self, contents: &Contents) -> Result<()> {
        self.put(contents).map_err(self.h5("writing the file's image"))?;
        self.file.flush().map_err(self.h5("writing the file's image"))?;
        let path = self.output.path().to_path_buf();
        let Self { output, mut disk, mut memory, file, gaps, _will } = self;
        file.close().map_err(named::h5_error(&path, "closing the file's image"))?;
        // Memory, too, can be full.
        verify(memory.path(), contents).map_err(named::h5_error(&path, "checking the file's image"))?;
        copy(memory.as_file_mut(), disk.as_file_mut(), &gaps).map_err(|e| Error::io(&path, "writing", e))?;
        seal::put(disk.as_file_mut()).map_err(|e| Error::io(&path, "sealing", e))?;
        output.keep(disk)
    }

    fn put(&self, contents: &Contents) -> hdf5::Result<()> {
        if let Some(model) = &contents.model {
            put_model(&self.group(schema::MODEL)?, model)?;
        }
        if !contents.pipeline.is_empty() {
            let pipeline = format!("{}/{}", schema::MODEL, schema::PIPELINE);
            self.group(schema::MODEL)?;
            self.group(&pipeline)?;
            for (number, step) in contents.pipeline.iter().enumerate() {
                put_model(&self.group(&format!("{pipeline}/{}", schema::step(number, step)))?, step)?;
            }
        }
        if !contents.history.is_empty() {
            put_all(&self.group(schema::HISTORY)?, &contents.history)?;
        }
        if let Some(table) = &contents.cv_results {
            let group = self.group(schema::CV_RESULTS)?;
            put_all(&group, &table.columns)?;
            for (name, value) in &table.attributes {
                named::put_attribute(&group, name, value)?;
            }
        }
        for (name, arrays) in [(schema::TIMING, &contents.timing), (schema::PROVENANCE, &contents.provenance)]
        {
            if !arrays.is_empty() {
                put_all(&self.group(name)?, arrays)?;
            }
        }
        Ok(())
    }

    fn h5(&self, action: &'static str) -> impl Fn(hdf5::Error) -> Error + use<> {
        let path = self.output.path().to_path_buf();
        move |error| named::h5_error(&path, action)(error)
    }
}

/// A file in memory that HDF5 can open by its name, or in the folder for temporary files where there is none.
fn in_memory() -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("rankfit-").suffix(".h5");
    builder.tempfile_in("/dev/shm").or_else(|_| builder.tempfile())
}

/// Reads the arrays back.
fn verify(image: &Path, contents: &Contents) -> hdf5::Result<()> {
    let file = hdf5::File::open(image)?;
    let model = contents.model.as_ref().map_or(&[][..], |model| &model.attributes);
    let columns = contents.cv_results.as_ref().map_or(&[][..], |table| &table.columns);
    let steps: Vec<(String, &[Named])> = contents
        .pipeline
        .iter()
        .enumerate()
        .map(|(number, step)| {
            let group = format!("{}/{}/{}", schema::MODEL, schema::PIPELINE, schema::step(number, step));
            (group, step.attributes.as_slice())
        })
        .collect();
    let groups = [
        (schema::MODEL, model),
        (schema::HISTORY, &contents.history),
        (schema::CV_RESULTS, columns),
        (schema::TIMING, &contents.timing),
        (schema::PROVENANCE, &contents.provenance),
    ];
    let steps = steps.iter().map(|(group, arrays)| (group.as_str(), *arrays));
    for (group, arrays) in groups.into_iter().chain(steps) {
        for (name, array) in arrays {
            let path = format!("{group}/{name}");
            if !named::same(&named::get(&file.dataset(&path)?)?, array) {
                return Err(hdf5::Error::from(format!("{path} does not read back as it was written")));
            }
        }
    }
    Ok(())
}

fn put_model(group: &hdf5::Group, model: &Model) -> hdf5::Result<()> {
    named::put_text_attribute(group, schema::ESTIMATOR, &model.estimator)?;
    named::put_text_attribute(group, schema::PARAMS, &model.params.to_string())?;
    put_all(group, &model.attributes)
}

fn put_all(group: &hdf5::Group, arrays: &[Named]) -> hdf5::Result<()> {
    arrays.iter().try_for_each(|(name, array)| named::put(group, name, array))
}

/// Copies `from` to `to` but for the gaps, which `to` holds already.
fn copy(from: &mut File, to: &mut File, gaps: &[Gap]) -> std::io::Result<()> {
    let length = from.metadata()?.len();
    let mut gaps: Vec<Gap> = gaps.iter().copied().filter(|gap| gap.start < gap.end).collect();
    gaps.sort_by_key(|gap| gap.start);
    let mut position = 0;
    for gap in gaps.iter().copied().chain([Gap { start: length, end: length }]) {
        from.seek(SeekFrom::Start(position))?;
        to.seek(SeekFrom::Start(position))?;
        std::io::copy(&mut Read::by_ref(from).take(gap.start - position), to)?;
        position = gap.end;
    }
    to.flush()?;
    // An array of rows at the very end counts even where its last rows were never sent.
    if to.metadata()?.len() < length {
        to.set_len(length)?;
    }
    Ok(())
}

/// Takes the values of an array of one value a row.
pub struct Rows<'a> {
    disk: &'a File,
    path: &'a Path,
    gap: Gap,
    item_bytes: u64,
}

impl RowSink for Rows<'_> {
    fn put(&mut self, first_row: u64, values: &[u8]) -> Result<()> {
        let start = self.gap.start + first_row * self.item_bytes;
        if start + values.len() as u64 > self.gap.end {
            return Err(Error::internal(format!("rows from {first_row} lie outside their array")));
        }
        self.disk.write_all_at(values, start).map_err(|e| Error::io(self.path, "writing", e))
    }
}
