//! `rankfit report`: results files as one HTML page.

use std::path::PathBuf;

use super::voice::Voice;
use crate::comm::{self, Communicator};
use crate::error::Result;
use crate::report;
use crate::results::{Output, ResultsFile};

/// Makes one HTML page of results files, charts included.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The results files; several are compared first.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The page to make; an existing file is refused.
    #[arg(long, value_name = "FILE.html")]
    output: PathBuf,
}

/// Rank 0 reads and writes.
pub(super) fn run(comm: &dyn Communicator, arguments: &Arguments) -> Result<()> {
    let made = if comm.is_root() { make(arguments) } else { Ok(()) };
    comm::agree(comm, made)?;
    let answer = format!("report  {}\n", arguments.output.display());
    comm::agree(comm, Voice::new(comm).answer(&answer))
}

fn make(arguments: &Arguments) -> Result<()> {
    let output = Output::check(&arguments.output, false)?;
    let files = arguments.files.iter().map(|path| ResultsFile::open(path)).collect::<Result<Vec<_>>>()?;
    output.write(report::render(&files)?.as_bytes())
}
