//! The output's name: whether it may be made, and how it comes to hold a whole file or none.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// What is made or replaced: the name itself, or the file to which a link of that name leads.
    target: PathBuf,
    replace: bool,
}

impl Output {
    /// Checks that a file can be made at `path`; `replace` allows a regular file, or a link to one, to be there.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] when it exists, is a folder, a device or the like, or its folder is missing or closed
    /// to this user.
    pub fn check(path: &Path, replace: bool) -> Result<Self> {
        let cannot = |message: String| Err(Error::CannotCreate { path: path.into(), message });
        if path.is_dir() {
            return cannot("is a folder, not a file".into());
        }
        if !replace && path.symlink_metadata().is_ok() {
            return cannot(
                "exists already; choose another --output (run and predict also take --on-existing replace)"
                    .into(),
            );
        }
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return cannot("is a folder's name, for it ends with a slash".into());
        }
        let target = replaceable(path)?;
        let folder = folder(&target);
        if !folder.is_dir() {
            return cannot(format!("cannot be made: there is no folder {}", folder.display()));
        }
        try_name(&target).map_err(|error| cannot_be_made(path, &error))?;
        Ok(Self { path: path.into(), target, replace })
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
        temporary(&self.target).map_err(|error| cannot_be_made(&self.path, &error))
    }

    /// Gives the whole file its name.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be brought to the disk, [`Error::CannotCreate`] when another file has taken
    /// the name meanwhile, or something that is no file.
    pub(super) fn keep(&self, file: NamedTempFile) -> Result<()> {
        file.as_file().sync_all().map_err(|e| Error::io(&self.path, "writing", e))?;
        if !self.replace && self.path.symlink_metadata().is_ok() {
            return Err(Error::CannotCreate {
                path: self.path.clone(),
                message: "was made by another program while this one ran".into(),
            });
        }
        no_special(&self.path, &self.target)?;
        file.persist(&self.target)
            .map_err(|e| Error::io(&self.path, "renaming the finished file", e.error))?;
        sync_folder(&self.target)
    }
}

/// Refuses an output, before any work, that is one of the `inputs`: what it is called, and where it lies.
///
/// Files are told apart by device and inode, so that links and other ways of writing a name are seen through.
///
/// # Errors
/// [`Error::CannotCreate`].
pub fn refuse_inputs(path: &Path, inputs: &[(String, PathBuf)]) -> Result<()> {
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    let Some(existing) = identity(path) else { return Ok(()) };
    match inputs.iter().find(|(_, input)| identity(input) == Some(existing)) {
        Some((what, _)) => Err(Error::CannotCreate {
            path: path.into(),
            message: format!("is {what}, which is read and not replaced; choose another --output"),
        }),
        None => Ok(()),
    }
}

/// The file that takes the name `path`: where a link of that name leads, as with `cp`.
fn replaceable(path: &Path) -> Result<PathBuf> {
    let is_link = path.symlink_metadata().is_ok_and(|there| there.is_symlink());
    let target = match is_link.then(|| path.canonicalize()) {
        None => path.to_path_buf(),
        Some(Ok(target)) => target,
        Some(Err(error)) => {
            let message = format!("is a link that leads to no file ({error}); it is not replaced");
            return Err(Error::CannotCreate { path: path.into(), message });
        }
    };
    no_special(path, &target)?;
    Ok(target)
}

/// Refuses to put a file in the place of what is none: a rename would destroy a device, and whoever reads from a
/// FIFO would wait for ever.
fn no_special(path: &Path, target: &Path) -> Result<()> {
    let Ok(there) = target.symlink_metadata() else { return Ok(()) };
    if there.is_file() {
        return Ok(());
    }
    let kind = there.file_type();
    let what = match () {
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () if kind.is_symlink() => "a link",
        () => "a folder",
    };
    let leads = if path == target { "is" } else { "leads to" };
    let message = format!("{leads} {what}, not a regular file, and is not replaced");
    Err(Error::CannotCreate { path: path.into(), message })
}

/// Makes a file beside `path` and removes it at once: the only sure test of whether one can be made.
pub(super) fn try_name(path: &Path) -> io::Result<()> {
    temporary(path).map(drop)
}

fn cannot_be_made(path: &Path, error: &io::Error) -> Error {
    Error::CannotCreate { path: path.into(), message: format!("cannot be made: {error}") }
}

/// Replaces the file at `path` by `parts`, one after the other: whole or not at all.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn write_whole(path: &Path, parts: &[&[u8]]) -> Result<()> {
    let failed = |error| Error::io(path, "writing", error);
    let mut file = temporary(path).map_err(failed)?;
    // Tells `remove_partial` that it is being written; where the file system has no locks its age has to do.
    let _ = file.as_file().try_lock();
    for part in parts {
        io::Write::write_all(&mut file, part).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    sync_folder(path)
}

/// A file in the making that has not been written to for so long, and that nobody locks, is nobody's.
const ABANDONED: Duration = Duration::from_secs(2);

/// Removes what [`write_whole`] left beside `path` in runs that were killed meanwhile: regular files of just the names that it
/// gives, whose first bytes are the first of `start`, that are not being written.
pub(super) fn remove_partial(path: &Path, start: &[u8]) {
    let Some(name) = path.file_name() else { return };
    // What cannot be told or removed stays: it is in nobody's way.
    let Ok(entries) = fs::read_dir(folder(path)) else { return };
    let partial = entries.flatten().filter(|entry| is_temporary(&entry.file_name(), name));
    for file in partial.map(|entry| entry.path()).filter(|file| is_abandoned(file, start).is_ok_and(|is| is))
    {
        let _ = fs::remove_file(file);
    }
}

/// Whether `name` is one that [`temporary`] gives a file beside one of the name `of`.
fn is_temporary(name: &OsStr, of: &OsStr) -> bool {
    let middle = |name: &[u8]| {
        let name = name.strip_prefix(b".")?.strip_prefix(of.as_bytes())?.strip_prefix(b".")?;
        name.strip_suffix(PARTIAL.as_bytes())
            .map(|middle| middle.len() == RANDOM_CHARACTERS && middle.iter().all(u8::is_ascii_alphanumeric))
    };
    middle(name.as_bytes()).unwrap_or(false)
}

fn is_abandoned(file: &Path, start: &[u8]) -> io::Result<bool> {
    // A FIFO must not be opened: that would wait for a writer.
    let there = file.symlink_metadata()?;
    let old = there.modified()?.elapsed().is_ok_and(|age| age >= ABANDONED);
    if !there.is_file() || !old {
        return Ok(false);
    }
    // Some network file systems lock for writing only files that are open for writing.
    let file = File::options().read(true).write(true).open(file)?;
    let mut first = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(&file, start.len() as u64), &mut first)?;
    Ok(start.starts_with(&first) && file.try_lock().is_ok())
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

/// How the name of a file in the making ends, behind so many characters drawn at random.
const PARTIAL: &str = ".partial";
const RANDOM_CHARACTERS: usize = 6;

fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(PARTIAL)
        .rand_bytes(RANDOM_CHARACTERS)
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
    fn only_regular_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str, piece: &str| {
            let error = Output::check(&folder.path().join(name), true).unwrap_err();
            assert_eq!(error.exit_code(), ExitCode::CannotCreate);
            assert!(error.to_string().contains(piece), "{error}");
        };
        let fifo = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(folder.path().join(to), folder.path().join(name)).unwrap();
        };
        link("fifo", "to_fifo");
        link("nowhere", "dangling");
        refused("fifo", "is a FIFO, not a regular file");
        refused("socket", "is a socket");
        refused("to_fifo", "leads to a FIFO");
        refused("dangling", "is a link that leads to no file");
        assert!(fifo.symlink_metadata().unwrap().file_type().is_fifo());
        // One that comes while the work is done.
        let output = Output::check(&folder.path().join("late"), true).unwrap();
        std::fs::rename(&fifo, folder.path().join("late")).unwrap();
        assert!(output.write(b"x").unwrap_err().to_string().contains("is a FIFO"));
    }

    #[test]
    fn a_link_stays_and_the_file_behind_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        let (file, link) = (folder.path().join("elsewhere/out.h5"), folder.path().join("out.h5"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("elsewhere/out.h5", &link).unwrap();
        assert!(Output::check(&link, false).is_err());
        Output::check(&link, true).unwrap().write(b"new").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path().join("elsewhere")).unwrap().count(), 1);
    }

    #[test]
    fn an_input_is_no_output_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("in.h5"), "x").unwrap();
        fs::hard_link(path("in.h5"), path("hard")).unwrap();
        std::os::unix::fs::symlink("in.h5", path("soft")).unwrap();
        let inputs = [("absent".to_owned(), path("none")), ("the file of --data".to_owned(), path("in.h5"))];
        for name in ["in.h5", "hard", "soft", "./in.h5"] {
            let error = refuse_inputs(&path(name), &inputs).unwrap_err();
            assert_eq!(error.exit_code(), ExitCode::CannotCreate);
            assert!(error.to_string().contains("is the file of --data"), "{error}");
        }
        refuse_inputs(&path("out.h5"), &inputs).unwrap();
        fs::write(path("out.h5"), "y").unwrap();
        refuse_inputs(&path("out.h5"), &inputs).unwrap();
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

    #[test]
    fn what_a_killed_run_was_writing_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o");
        let made = |name: &str, bytes: &[u8], age: Duration| {
            let file = folder.path().join(name);
            fs::write(&file, bytes).unwrap();
            let file = File::options().write(true).open(file).unwrap();
            file.set_modified(std::time::SystemTime::now() - age).unwrap();
            file
        };
        let (old, young) = (2 * ABANDONED, Duration::ZERO);
        for (name, bytes) in [
            (".o.abc123.partial", &b"magic, state"[..]),
            (".o.ABCDEF.partial", b"mag"),
            (".o.000000.partial", b""),
        ] {
            made(name, bytes, old);
        }
        let stay = [
            (".o.young1.partial", &b"magic"[..], young),
            (".o.locked.partial", b"magic", old),
            (".o.others.partial", b"notes", old),
            (".o.abc12.partial", b"magic", old),
            (".o.abc1234.partial", b"magic", old),
            (".o.abc-12.partial", b"magic", old),
            (".o.x.abc123.partial", b"magic", old),
            (".oo.abc123.partial", b"magic", old),
            ("o.abc123.partial", b"magic", old),
            (".o.abc123.parti", b"magic", old),
        ];
        let files = stay.map(|(name, bytes, age)| made(name, bytes, age));
        files[1].try_lock().unwrap();
        std::os::unix::fs::symlink("elsewhere", folder.path().join(".o.linked.partial")).unwrap();
        remove_partial(&path, b"magic");
        let mut left: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = stay.map(|(name, ..)| name.to_owned()).to_vec();
        expected.push(".o.linked.partial".into());
        expected.sort();
        assert_eq!(left, expected);
        // The name that is really given is one of those.
        let temporary = temporary(&path).unwrap();
        assert!(is_temporary(temporary.path().file_name().unwrap(), OsStr::new("o")));
    }
}
