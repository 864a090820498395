//! Opens the source that a job names, in the precision that it asks for.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::data::{ResidencyChoice, SourceParams};
use super::spec::Job;
use crate::comm::{self, Communicator, agree};
use crate::data::{
    Blobs, BlockSource, Classification, CsvParams, CsvSource, Hdf5Source, Regression, Residency, Shape,
};
use crate::error::{Error, Result};
use crate::kernel::Real;
use crate::partition::Slice;
use crate::results::{check_seal, checkpoint, provenance};

/// More blocks than this are certainly a mistake; every rank keeps a little for each of its own.
const MOST_BLOCKS: usize = 1 << 26;

/// The keys of files that are read whole beside the data.
const BESIDE: [&str; 3] = ["data.centers", "estimator.init.file", "estimator.warm_start"];

/// A longer job file is another file, or a device without end.
const LONGEST_JOB: u64 = 16 << 20;

/// Opens the job's source; every rank gets the same.
///
/// # Collective
/// Readers may exchange a few numbers a block.
///
/// # Errors
/// [`Error::Job`] with file and line for parameters out of range, and what the reader returns.
pub(super) fn open<T: Real>(comm: &dyn Communicator, job: &Job) -> Result<Arc<dyn BlockSource<T>>> {
    let (seed, block_rows) = (job.seed, job.data.cut.block_rows);
    let wants_targets = job.estimator.needs_targets();
    let here = Path::new("");
    if let SourceParams::Hdf5(params) = &job.data.source {
        check_whole(comm, &params.path)?;
    }
    let opened: Result<Arc<dyn BlockSource<T>>> = match &job.data.source {
        SourceParams::Blobs(params) => shared(Blobs::new(params, here, seed, block_rows)),
        SourceParams::Classification(params) => shared(Classification::new(params, seed, block_rows)),
        SourceParams::Regression(params) => shared(Regression::new(params, seed, block_rows)),
        SourceParams::Hdf5(params) => shared(Hdf5Source::open(params, wants_targets, block_rows)),
        SourceParams::Csv(params) => {
            let params = CsvParams { missing: job.takes_missing(), ..params.clone() };
            shared(CsvSource::open(comm, &params, wants_targets, block_rows, size_of::<T>()))
        }
    };
    let source = agree(comm, opened).map_err(|error| job.place("data", error))?;
    check_blocks(job, source.shape())?;
    Ok(source)
}

/// Compares data that were written by this program with their seal, for damage can crash the library that reads them.
///
/// # Collective
/// One agreement; rank 0 reads a sealed file once.
///
/// # Errors
/// Those of [`check_seal`].
pub(super) fn check_whole(comm: &dyn Communicator, path: &Path) -> Result<()> {
    // What is no file is told by whoever opens it.
    agree(comm, if comm.is_root() && path.is_file() { check_seal(path) } else { Ok(()) })
}

fn shared<T: Real, S: BlockSource<T> + 'static>(source: Result<S>) -> Result<Arc<dyn BlockSource<T>>> {
    Ok(Arc::new(source?))
}

fn check_blocks(job: &Job, shape: &Shape) -> Result<()> {
    let n_blocks = shape.n_samples.div_ceil(shape.block_rows as u64);
    if n_blocks <= MOST_BLOCKS as u64 {
        return Ok(());
    }
    let expected = format!("blocks so large that there are at most {MOST_BLOCKS}");
    let found = format!("{} rows a block, {n_blocks} blocks", shape.block_rows);
    Err(job.fault("data.block_rows", expected, found))
}

/// Memory that this rank may use for blocks: what the job says, or its part of half of what is free on its node.
pub(super) fn budget_bytes(comm: &dyn Communicator, job: &Job) -> u64 {
    match job.data.cut.memory_per_rank {
        Some(bytes) => bytes.0,
        None => provenance::available_bytes()
            .map_or(1 << 30, |free| free / 2 / comm.ranks_on_node().max(1) as u64),
    }
}

/// The residency of this rank's blocks, once it is clear that they fit.
///
/// # Collective
/// One agreement, for nodes may differ.
///
/// # Errors
/// [`Error::Job`] when all blocks are to stay in memory and there is not enough of it.
pub(super) fn residency<T: Real>(comm: &dyn Communicator, job: &Job, shape: &Shape) -> Result<Residency> {
    let budget_bytes = budget_bytes(comm, job);
    let residency = match job.data.cut.residency {
        ResidencyChoice::Stream => Ok(Residency::Stream),
        ResidencyChoice::Auto => Ok(Residency::Auto { budget_bytes }),
        ResidencyChoice::Memory => fits::<T>(comm, job, shape).map(|()| Residency::Memory),
    };
    agree(comm, residency)
}

/// Checks that a block, and what is kept of every row (`row_bytes`), fit in this rank's memory, however few blocks stay.
///
/// # Collective
/// One agreement, for nodes may differ.
///
/// # Errors
/// [`Error::Job`] when they do not.
pub(super) fn check_room<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    shape: &Shape,
    row_bytes: u64,
) -> Result<()> {
    let free = free_bytes(comm);
    let slice = Slice::of(shape.n_blocks(), comm.rank(), comm.size());
    let rows = shape.n_samples.min((slice.len() as u64).saturating_mul(shape.block_rows as u64));
    let (block, kept) = (shape.block_bytes::<T>(), rows.saturating_mul(row_bytes));
    let checked = if !slice.is_empty() && block > free {
        let expected = format!("blocks of at most {free} bytes, which a rank may use");
        let found = format!("blocks of {} rows and {block} bytes", shape.block_rows.min(rows as usize));
        Err(job.fault("data.block_rows", expected, found))
    } else if kept > free {
        let expected = format!("rows whose labels take at most {free} bytes, which a rank may use");
        let found = format!("{rows} rows a rank, whose labels take {kept} bytes");
        Err(job.fault("data", expected, found))
    } else {
        Ok(())
    };
    agree(comm, checked)
}

/// This rank's part of the memory that is free on its node.
fn free_bytes(comm: &dyn Communicator) -> u64 {
    provenance::available_bytes().unwrap_or(u64::MAX) / comm.ranks_on_node().max(1) as u64
}

/// Memory that this rank may use beside its blocks when all of them stay.
pub(super) fn spare_bytes<T: Real>(comm: &dyn Communicator, job: &Job, shape: &Shape) -> u64 {
    let slice = Slice::of(shape.n_blocks(), comm.rank(), comm.size());
    let blocks = (slice.len() as u64).saturating_mul(shape.block_bytes::<T>());
    usable_bytes(comm, job).saturating_sub(blocks)
}

/// What the job says a rank may use, or its part of what is free on its node.
fn usable_bytes(comm: &dyn Communicator, job: &Job) -> u64 {
    job.data.cut.memory_per_rank.map_or_else(|| free_bytes(comm), |bytes| bytes.0)
}

fn fits<T: Real>(comm: &dyn Communicator, job: &Job, shape: &Shape) -> Result<()> {
    let slice = Slice::of(shape.n_blocks(), comm.rank(), comm.size());
    let needed = slice.len() as u128 * u128::from(shape.block_bytes::<T>());
    let free = usable_bytes(comm, job);
    if needed <= u128::from(free) {
        return Ok(());
    }
    let expected = format!("\"stream\" or \"auto\", for a rank may use {free} bytes");
    let found = format!("\"memory\" for {needed} bytes a rank");
    Err(job.fault("data.residency", expected, found))
}

/// Checks that all rows fit in memory, where every rank needs them.
///
/// # Errors
/// [`Error::Job`] when they do not.
pub(super) fn check_table(comm: &dyn Communicator, job: &Job, shape: &Shape) -> Result<()> {
    let needed = u128::from(shape.n_samples) * (shape.n_features as u128 + 2) * 8;
    let free = match job.data.cut.memory_per_rank {
        Some(bytes) => bytes.0,
        None => free_bytes(comm),
    };
    let name = job.estimator.name();
    let checked = if needed <= u128::from(free) {
        Ok(())
    } else {
        let expected = format!("at most {free} bytes of rows, all of which {name} keeps on every rank");
        let found = format!("{} x {} values", shape.n_samples, shape.n_features);
        Err(job.fault("data", expected, found))
    };
    agree(comm, checked)
}

/// What the data are: for the provenance, and so that a checkpoint is not taken up with other data.
///
/// # Collective
/// One broadcast.
///
/// # Errors
/// An internal error.
pub(super) fn describe<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    source: &dyn BlockSource<T>,
) -> Result<String> {
    let shape = source.shape();
    let version = match &job.data.source {
        SourceParams::Hdf5(params) => file_version(&params.path),
        SourceParams::Csv(params) => file_version(&params.path),
        _ => String::new(),
    };
    let text = format!(
        "{}: {} samples, {} features, {}, blocks of {} rows{version}",
        source.origin(),
        shape.n_samples,
        shape.n_features,
        T::NAME,
        shape.block_rows,
    );
    comm::broadcast(comm, 0, Some(text))
}

/// The contents of the files beside the data on which the results depend: centres and a model to start from. They are
/// small, so that their digests tell them apart where a time could not.
///
/// # Collective
/// One broadcast.
///
/// # Errors
/// An internal error.
pub(super) fn describe_files(comm: &dyn Communicator, job: &Job) -> Result<String> {
    let digest = |(key, path): (&str, PathBuf)| {
        // What is no file can be read but once, and what cannot be read is told by whoever needs it.
        let digest = path.is_file().then(|| checkpoint::file_digest(&path).ok()).flatten();
        format!("{key}: {}\n", digest.unwrap_or_default())
    };
    let beside = || job.inputs().into_iter().filter(|(key, _)| BESIDE.contains(key));
    let text = comm.is_root().then(|| beside().map(digest).collect::<String>());
    comm::broadcast(comm, 0, text)
}

fn file_version(path: &Path) -> String {
    let Ok(metadata) = std::fs::metadata(path) else { return String::new() };
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.unwrap_or_default();
    let (seconds, nanoseconds) = (modified.as_secs(), modified.subsec_nanos());
    format!(", {} bytes, modified {seconds}.{nanoseconds:09} s after 1970", metadata.len())
}

/// Reads the text of the job file on rank 0.
///
/// # Collective
/// One broadcast of the text.
///
/// # Errors
/// [`Error::InputMissing`] when there is no such file, [`Error::Io`] when it cannot be read.
pub(super) fn job_text(comm: &dyn Communicator, file: &Path) -> Result<String> {
    let read = if comm.is_root() { read_text(file) } else { Ok(String::new()) };
    let text = agree(comm, read)?;
    comm::broadcast(comm, 0, Some(text))
}

fn read_text(file: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(LONGEST_JOB + 1).read_to_end(&mut bytes));
    read.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::InputMissing { path: file.into(), message: "there is no such job file".into() }
        }
        _ => Error::io(file, "reading the job file", error),
    })?;
    if bytes.len() as u64 > LONGEST_JOB {
        let message = format!("expected a job file of at most {LONGEST_JOB} bytes, found a longer one");
        return Err(Error::JobSyntax { file: file.into(), line: 1, column: 1, message });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|&&b| b == b'\n').count() + 1;
        let column = valid.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
        Error::JobSyntax { file: file.into(), line, column, message: "a byte that is no UTF-8".into() }
    })
}
