//! The error type of the whole program and the exit code that each kind ends with.
//!
//! An error carries what a user needs to mend it: the file, the key or the row and column, what was expected and
//! what was found. Not converging is no error: it is a flag in the fitted model and a warning.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The result of anything that can go wrong.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How the program ends: the numbers follow `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum ExitCode {
    /// Everything asked for was done.
    Ok = 0,
    /// Wrong arguments, or a launch that cannot work.
    Usage = 2,
    /// The data are not what the estimator can take, or the iteration diverged.
    Data = 65,
    /// A file or a dataset named by the user is not there.
    NoInput = 66,
    /// A defect of the program.
    Internal = 70,
    /// The output exists already or cannot be made.
    CannotCreate = 73,
    /// Reading or writing failed.
    Io = 74,
    /// Stopped early on request; a checkpoint lies beside the output.
    Stopped = 75,
    /// The job file says something that cannot be done.
    Config = 78,
}

impl ExitCode {
    /// The number handed to the operating system.
    pub fn code(self) -> i32 {
        self as i32
    }
}

/// Where in a data set a fault lies. Rows and columns count from 0, lines of text files from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The row, counted from 0.
    pub row: Option<u64>,
    /// The line of a text file, counted from 1.
    pub line: Option<u64>,
    /// The column's name, or its number counted from 0.
    pub column: Option<String>,
}

impl Place {
    /// A row and a column, both counted from 0.
    pub fn cell(row: u64, column: impl fmt::Display) -> Self {
        Self { row: Some(row), line: None, column: Some(column.to_string()) }
    }

    /// A row, and the column that it is about where there are several.
    pub fn at(row: u64, column: Option<String>) -> Self {
        Self { row: Some(row), line: None, column }
    }

    /// A whole row.
    pub fn row(row: u64) -> Self {
        Self { row: Some(row), ..Self::default() }
    }

    /// A line of a text file, counted from 1.
    pub fn line(line: u64) -> Self {
        Self { line: Some(line), ..Self::default() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        Ok(())
    }
}

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument or the way the program was launched.
    #[error("{message}")]
    Usage {
        /// What is wrong and what to do instead.
        message: String,
    },
    /// A key of the job whose value cannot be used.
    #[error("{}", JobFault(.file, *.line, .key, .expected, .found, .hint))]
    Job {
        /// The job file, absent for a value that came from the command line.
        file: Option<PathBuf>,
        /// Line in the job file, from 1.
        line: Option<usize>,
        /// Dotted path of the key.
        key: String,
        /// What the key takes.
        expected: String,
        /// What stands there.
        found: String,
        /// A suggestion, such as the nearest known key.
        hint: Option<String>,
    },
    /// The job file is no valid TOML.
    #[error("{}:{line}:{column}: {message}", .file.display())]
    JobSyntax {
        /// The job file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// The parser's words.
        message: String,
    },
    /// Data that the estimator or the reader cannot take.
    #[error("{origin}{place}: expected {expected}, found {found}")]
    Data {
        /// The file, dataset or generator the data come from.
        origin: String,
        /// Where in it.
        place: Place,
        /// What would be right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An iteration whose numbers left the finite range.
    #[error("{what} diverged at iteration {iteration}: {found}")]
    Diverged {
        /// The estimator.
        what: String,
        /// The iteration, from 0.
        iteration: usize,
        /// The value found.
        found: String,
    },
    /// An input that is not there.
    #[error("{}: {message}", .path.display())]
    InputMissing {
        /// The file.
        path: PathBuf,
        /// What is missing, and what there is instead.
        message: String,
    },
    /// The output exists already, or cannot be made.
    #[error("{}: {message}", .path.display())]
    CannotCreate {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        message: String,
    },
    /// Reading or writing failed.
    #[error("{}: {action}: {message}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// The system's words.
        message: String,
    },
    /// Stopped on request, with the work so far kept.
    #[error("stopped by {signal}: the work so far is in {}; continue with --on-existing resume", .checkpoint.display())]
    Stopped {
        /// The signal that asked for it.
        signal: String,
        /// The file that holds the work so far.
        checkpoint: PathBuf,
    },
    /// Work left in the middle after a request to stop. What kept the work before makes it [`Stopped`](Self::Stopped).
    #[error("interrupted by signal {signal}")]
    Interrupted {
        /// The signal that asked for it.
        signal: i32,
    },
    /// A defect of the program.
    #[error("internal error: {message}; please report it")]
    Internal {
        /// What was found.
        message: String,
    },
    /// An error that another rank met; every rank returns it.
    #[error("rank {rank}: {message}")]
    Remote {
        /// The rank that met it.
        rank: usize,
        /// Its exit code.
        code: ExitCode,
        /// Its message.
        message: String,
    },
}

/// Formats [`Error::Job`]: the file and line only where they are known.
struct JobFault<'a>(&'a Option<PathBuf>, Option<usize>, &'a str, &'a str, &'a str, &'a Option<String>);

impl fmt::Display for JobFault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(file, line, key, expected, found, hint) = self;
        if let Some(file) = file {
            write!(f, "{}", file.display())?;
            if let Some(line) = line {
                write!(f, ":{line}")?;
            }
            write!(f, ": ")?;
        }
        write!(f, "{key}: expected {expected}, found {found}")?;
        if let Some(hint) = hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl Error {
    /// The exit code of this error.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage { .. } => ExitCode::Usage,
            Self::Job { .. } | Self::JobSyntax { .. } => ExitCode::Config,
            Self::Data { .. } | Self::Diverged { .. } => ExitCode::Data,
            Self::InputMissing { .. } => ExitCode::NoInput,
            Self::CannotCreate { .. } => ExitCode::CannotCreate,
            Self::Io { .. } => ExitCode::Io,
            Self::Stopped { .. } | Self::Interrupted { .. } => ExitCode::Stopped,
            Self::Internal { .. } => ExitCode::Internal,
            Self::Remote { code, .. } => *code,
        }
    }

    /// A fault of the data at a place.
    pub fn data(
        origin: impl fmt::Display,
        place: Place,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Data { origin: origin.to_string(), place, expected: expected.into(), found: found.into() }
    }

    /// A key of the job with a value that cannot be used; the job layer adds file and line.
    pub fn job(key: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Job {
            file: None,
            line: None,
            key: key.into(),
            expected: expected.into(),
            found: found.into(),
            hint: None,
        }
    }

    /// A failed system call on a file.
    pub fn io(path: impl AsRef<Path>, action: &'static str, source: impl fmt::Display) -> Self {
        Self::Io { path: path.as_ref().to_path_buf(), action, message: source.to_string() }
    }

    /// A broken invariant.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal { message: message.into() }
    }
}
