//! `rankfit predict`: applies a fitted model to a file of rows.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::existing::OnExistingAnew;
use super::voice::said;
use crate::comm::{Communicator, agree};
use crate::engine::rows::RowSink;
use crate::error::{Error, Result};
use crate::job::predict::{Prediction, Request};
use crate::job::{Method, Rows, Wanted};
use crate::results::{Output, RowType, refuse_inputs};
use crate::telemetry::{Talk, Telemetry, let_signals_end};

/// Predictions copied at a time from the spool.
const COPIED: usize = 1 << 20;

/// Applies a fitted model to a file of rows.
///
/// A transformer's answer is the transformed row, without --method too.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A results file with a fitted model.
    #[arg(long, value_name = "RESULT.h5")]
    model: PathBuf,
    /// The rows: HDF5 or CSV.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Writes the dataset `predictions` into this file instead of one prediction a line to stdout.
    #[arg(long, short, value_name = "FILE.h5")]
    output: Option<PathBuf>,
    /// The dataset of features, when it is not called as in the model's job.
    #[arg(long, value_name = "NAME")]
    x: Option<String>,
    /// What to make of each row.
    #[arg(long, value_enum, default_value_t)]
    method: Method,
    /// What to do when the output exists.
    #[arg(long, value_enum, default_value_t)]
    on_existing: OnExistingAnew,
}

/// Predicts on every rank; rank 0 writes.
pub(super) fn run(comm: &dyn Communicator, arguments: Arguments) -> Result<()> {
    let output = match &arguments.output {
        Some(path) if comm.is_root() => check(path, &arguments).map(Some),
        _ => Ok(None),
    };
    let output = agree(comm, output)?;
    let data = Rows { path: arguments.data, x: arguments.x, targets: Wanted::No, weights: Wanted::No };
    let request = Request { model: arguments.model, data, method: arguments.method };
    let prediction = Prediction::open(comm, &request)?;
    let telemetry = Telemetry::for_rank(comm.rank(), Talk::Quiet);
    if arguments.output.is_some() {
        agree(comm, let_signals_end())?;
        return prediction.write(comm, &telemetry, output.as_ref());
    }
    let mut lines = Lines::new(prediction.kind());
    prediction.stream(comm, &telemetry, &mut lines)?;
    agree(comm, lines.finish())
}

/// Checks the output's name before any work.
fn check(path: &Path, arguments: &Arguments) -> Result<Output> {
    let inputs = [("--model", &arguments.model), ("--data", &arguments.data)];
    refuse_inputs(path, &inputs.map(|(flag, input)| (format!("the file of {flag}"), input.clone())))?;
    Output::check(path, arguments.on_existing == OnExistingAnew::Replace)
}

/// Prints one prediction a line in the order of the rows.
///
/// Rows that come before their turn, from other ranks, wait in a file without a name.
struct Lines {
    kind: RowType,
    out: BufWriter<io::Stdout>,
    /// Whether anyone still reads.
    heard: bool,
    next_row: u64,
    spool: Option<File>,
    /// End of the rows that have come.
    end_row: u64,
}

impl Lines {
    fn new(kind: RowType) -> Self {
        let out = BufWriter::new(io::stdout());
        Self { kind, out, heard: true, next_row: 0, spool: None, end_row: 0 }
    }

    fn print(&mut self, values: &[u8]) -> Result<()> {
        if self.heard {
            let (kind, out) = (self.kind, &mut self.out);
            self.heard = said(
                values.chunks_exact(kind.bytes() as usize).try_for_each(|value| line(kind, value, out)),
            )?;
        }
        Ok(())
    }

    /// Prints what has waited.
    fn finish(mut self) -> Result<()> {
        let item = self.kind.bytes();
        if let Some(spool) = self.spool.take() {
            let mut values = vec![0; COPIED * item as usize];
            while self.heard && self.next_row < self.end_row {
                let rows = (self.end_row - self.next_row).min(COPIED as u64);
                let values = &mut values[..(rows * item) as usize];
                spool.read_exact_at(values, self.next_row * item).map_err(spool_error("reading"))?;
                self.print(values)?;
                self.next_row += rows;
            }
        }
        said(self.out.flush()).map(drop)
    }
}

impl RowSink for Lines {
    fn put(&mut self, first_row: u64, values: &[u8]) -> Result<()> {
        let item = self.kind.bytes();
        let end = first_row + values.len() as u64 / item;
        self.end_row = self.end_row.max(end);
        if first_row == self.next_row {
            self.next_row = end;
            return self.print(values);
        }
        if self.spool.is_none() {
            self.spool = Some(tempfile::tempfile().map_err(spool_error("making"))?);
        }
        match &self.spool {
            Some(spool) => spool.write_all_at(values, first_row * item).map_err(spool_error("writing")),
            None => Ok(()),
        }
    }
}

fn spool_error(action: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| Error::io(std::env::temp_dir(), action, format!("a file for predictions that wait: {error}"))
}

fn line(kind: RowType, value: &[u8], out: &mut impl Write) -> io::Result<()> {
    let eight = || <[u8; 8]>::try_from(value).unwrap_or_default();
    match kind {
        RowType::I32 => writeln!(out, "{}", i32::from_le_bytes(value.try_into().unwrap_or_default())),
        RowType::I64 => writeln!(out, "{}", i64::from_le_bytes(eight())),
        RowType::F64 => writeln!(out, "{}", f64::from_le_bytes(eight())),
        RowType::F64Row(_) => {
            for (i, number) in value.chunks_exact(8).enumerate() {
                let number = f64::from_le_bytes(number.try_into().unwrap_or_default());
                write!(out, "{}{number}", if i == 0 { "" } else { "," })?;
            }
            out.write_all(b"\n")
        }
        RowType::Text(_) => {
            let end = value.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            out.write_all(&value[..end])?;
            out.write_all(b"\n")
        }
    }
}
