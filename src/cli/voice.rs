//! Who speaks, and where to.

use std::io::{self, Write};

use crate::comm::Communicator;
use crate::error::{Error, Result};

/// Rank 0's voice; the other ranks' is silent.
#[derive(Clone, Copy)]
pub(super) struct Voice {
    is_root: bool,
    quiet: bool,
}

impl Voice {
    /// The voice of this rank; with `quiet` there is no talk, only the answer.
    pub(super) fn new(comm: &dyn Communicator, quiet: bool) -> Self {
        Self { is_root: comm.is_root(), quiet }
    }

    /// Prints an answer to stdout.
    ///
    /// # Errors
    /// [`Error::Io`] when stdout takes no more; a reader who has seen enough is no error.
    pub(super) fn answer(self, text: &str) -> Result<()> {
        if !self.is_root {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        said(out.write_all(text.as_bytes()).and_then(|()| out.flush())).map(|_| ())
    }

    /// Prints a line of talk to stderr.
    pub(super) fn talk(self, line: &str) {
        if self.is_root && !self.quiet {
            // Nobody reads what cannot be written.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    /// Prints a warning to stderr, even when quiet.
    pub(super) fn warn(self, line: &str) {
        if self.is_root {
            let _ = writeln!(io::stderr().lock(), "rankfit: warning: {line}");
        }
    }

    /// Whether talk is heard.
    pub(super) fn talks(self) -> bool {
        self.is_root && !self.quiet
    }
}

/// The outcome of writing to stdout: whether anyone still reads.
pub(super) fn said(outcome: io::Result<()>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::io("stdout", "writing the answer", error)),
    }
}
