//! A file of data, as it was when it was opened.

use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};

/// A regular file that is open for reading, and what tells whether it is still the one that was opened.
#[derive(Debug)]
pub(super) struct InputFile {
    file: File,
    path: PathBuf,
    version: Version,
}

/// Bytes, and the time of the last change where the file system has one.
type Version = (u64, Option<SystemTime>);

impl InputFile {
    /// Opens a file; tells what it is when it is no file at all.
    ///
    /// # Errors
    /// [`Error::InputMissing`], [`Error::Io`].
    pub(super) fn open(path: &Path) -> Result<Self> {
        let missing = |message: &str| Error::InputMissing { path: path.into(), message: message.into() };
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => missing("no such file"),
            _ => Error::io(path, "opening", error),
        };
        // What is no file is not opened: a FIFO would wait for a writer.
        let found = std::fs::metadata(path).map_err(failed)?;
        match (found.is_dir(), found.is_file()) {
            (true, _) => return Err(missing("a folder, not a file")),
            (_, false) => return Err(missing("no regular file; it is read at several places")),
            _ => {}
        }
        let file = File::open(path).map_err(failed)?;
        let version = version(&file.metadata().map_err(failed)?);
        Ok(Self { file, path: path.into(), version })
    }

    /// The open file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The file's name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its length when it was opened.
    pub(super) fn len(&self) -> u64 {
        self.version.0
    }

    /// Whether it has been written to since it was opened. A file that has taken its name does not count: the one that was
    /// opened is read on.
    ///
    /// # Errors
    /// [`Error::Io`] when it has.
    pub(super) fn unchanged(&self) -> Result<()> {
        let now = self.file.metadata().map_err(|error| Error::io(&self.path, "reading", error))?;
        if version(&now) == self.version { Ok(()) } else { Err(self.changed()) }
    }

    /// The error for a file that was rewritten while it was read.
    pub(super) fn changed(&self) -> Error {
        Error::io(&self.path, "reading", "the file has changed since it was opened")
    }
}

fn version(metadata: &Metadata) -> Version {
    (metadata.len(), metadata.modified().ok())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;
    use crate::error::ExitCode;

    #[test]
    fn what_is_no_file_is_told_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        for (path, what) in [
            (fifo, "no regular file"),
            (folder.path().to_path_buf(), "a folder"),
            (folder.path().join("absent"), "no such file"),
        ] {
            let error = InputFile::open(&path).unwrap_err();
            assert_eq!(error.exit_code(), ExitCode::NoInput);
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn a_change_of_the_open_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let then = SystemTime::now() - Duration::from_secs(100);
        let opened = || {
            std::fs::write(&path, "123").unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
            InputFile::open(&path).unwrap()
        };
        let kept = opened();
        assert_eq!(kept.len(), 3);
        kept.unchanged().unwrap();
        std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        std::fs::write(&path, "another").unwrap();
        kept.unchanged().unwrap();
        let same_length = opened();
        File::options().write(true).open(&path).unwrap().write_all(b"124").unwrap();
        assert_eq!(same_length.unchanged().unwrap_err().exit_code(), ExitCode::Io);
        let cut = opened();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(2).unwrap();
        file.set_modified(then).unwrap();
        assert!(cut.unchanged().unwrap_err().to_string().contains("changed since it was opened"));
    }
}
