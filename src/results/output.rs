//! The output's name: whether it may be made, and how it comes to hold a whole file or none.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// What to do when the output exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExisting {
    /// Refuse to start.
    #[default]
    Fail,
    /// Go on from the checkpoint of a stopped run; keep a finished output of the same job.
    Resume,
    /// Start anew and replace it at the end.
    Replace,
}

/// A file to be made, checked before the work starts.
#[derive(Clone, Debug)]
pub struct Output {
    path: PathBuf,
    replace: bool,
}

impl Output {
    /// Checks that a file can be made at `path`; `replace` allows one to be there.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] when it exists, is a folder, or its folder is missing or closed to this user.
    pub fn check(path: &Path, replace: bool) -> Result<Self> {
        let cannot = |message: String| Err(Error::CannotCreate { path: path.into(), message });
        if path.is_dir() {
            return cannot("is a folder, not a file".into());
        }
        if !replace && path.symlink_metadata().is_ok() {
            return cannot(
                "exists already; choose another --output (run also takes --on-existing replace)".into(),
            );
        }
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return cannot("is a folder's name, for it ends with a slash".into());
        }
        let folder = folder(path);
        if !folder.is_dir() {
            return cannot(format!("cannot be made: there is no folder {}", folder.display()));
        }
        // The only sure test is to make a file there.
        match temporary(path) {
            Ok(_removed_at_once) => Ok(Self { path: path.into(), replace }),
            Err(error) => cannot(format!("cannot be made: {error}")),
        }
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the whole file at once.
    ///
    /// # Errors
    /// [`Error::CannotCreate`], [`Error::Io`].
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let mut file = self.begin()?;
        io::Write::write_all(&mut file, bytes).map_err(|e| Error::io(&self.path, "writing", e))?;
        self.keep(file)
    }

    /// A file beside the name, removed unless it is [kept](Self::keep).
    ///
    /// # Errors
    /// [`Error::CannotCreate`].
    pub(super) fn begin(&self) -> Result<NamedTempFile> {
        temporary(&self.path).map_err(|error| Error::CannotCreate {
            path: self.path.clone(),
            message: format!("cannot be made: {error}"),
        })
    }

    /// Gives the whole file its name.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be brought to the disk, [`Error::CannotCreate`] when another file has taken
    /// the name meanwhile.
    pub(super) fn keep(&self, file: NamedTempFile) -> Result<()> {
        file.as_file().sync_all().map_err(|e| Error::io(&self.path, "writing", e))?;
        if !self.replace && self.path.symlink_metadata().is_ok() {
            return Err(Error::CannotCreate {
                path: self.path.clone(),
                message: "was made by another program while this one ran".into(),
            });
        }
        file.persist(&self.path).map_err(|e| Error::io(&self.path, "renaming the finished file", e.error))?;
        sync_folder(&self.path)
    }
}

/// Replaces the file at `path` by `parts`, one after the other: whole or not at all.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn write_whole(path: &Path, parts: &[&[u8]]) -> Result<()> {
    let failed = |error| Error::io(path, "writing", error);
    let mut file = temporary(path).map_err(failed)?;
    for part in parts {
        io::Write::write_all(&mut file, part).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    sync_folder(path)
}

/// Makes a rename or removal in the folder of `path` last.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    let synced = File::open(folder(path)).and_then(|folder| folder.sync_all());
    match synced {
        // Some network file systems have no fsync for folders; the rename itself has succeeded.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other.map_err(|e| Error::io(path, "making the new name last", e)),
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(".partial")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitCode;

    #[test]
    fn an_output_is_refused_before_any_work() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.h5");
        let code = |path: &Path, replace| Output::check(path, replace).map_err(|e| e.exit_code()).err();
        assert_eq!(code(&file, false), None);
        assert_eq!(code(folder.path(), true), Some(ExitCode::CannotCreate));
        assert_eq!(code(&folder.path().join("no/out.h5"), false), Some(ExitCode::CannotCreate));
        assert_eq!(code(&folder.path().join("out/"), false), Some(ExitCode::CannotCreate));
        fs::write(&file, "x").unwrap();
        assert_eq!(code(&file, false), Some(ExitCode::CannotCreate));
        assert_eq!(code(&file, true), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_file_gets_its_name_only_when_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.h5");
        let output = Output::check(&path, false).unwrap();
        let mut file = output.begin().unwrap();
        io::Write::write_all(&mut file, b"whole").unwrap();
        assert!(!path.exists());
        output.keep(file).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert!(output.keep(output.begin().unwrap()).is_err(), "the name is taken now");
        write_whole(&path, &[b"a", b"b"]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ab");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
