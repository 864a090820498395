//! The answer on stdout; the talk on stderr is the telemetry's.

use std::io::{self, Write};

use crate::comm::Communicator;
use crate::error::{Error, Result};

/// Rank 0's voice on stdout; the other ranks' is silent.
#[derive(Clone, Copy)]
pub(super) struct Voice {
    is_root: bool,
}

impl Voice {
    /// The voice of this rank.
    pub(super) fn new(comm: &dyn Communicator) -> Self {
        Self { is_root: comm.is_root() }
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
}

/// The outcome of writing to stdout: whether anyone still reads.
pub(super) fn said(outcome: io::Result<()>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::io("stdout", "writing the answer", error)),
    }
}
