//! The file that keeps the work of a job which stops before its end.
//!
//! It lies beside the output as `<output>.checkpoint` and is replaced whole. A SHA-256 over the state guards
//! against damage, a fingerprint of the job and its data against use by another job.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::output;
use crate::engine::keeper::Keeper;
use crate::error::{Error, Place, Result};

/// First bytes of a checkpoint; the number is the version of the layout.
const MAGIC: &[u8; 20] = b"rankfit-checkpoint1\n";
const DIGEST_BYTES: usize = 32;
const HEAD_BYTES: usize = MAGIC.len() + 2 * DIGEST_BYTES + 8;

/// What a checkpoint must belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; DIGEST_BYTES]);

impl Fingerprint {
    /// The fingerprint of a job: of everything that its results depend on, in fixed order.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// As hexadecimal digits.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

/// The SHA-256 of a file's contents as hexadecimal digits. Reads it once, in pieces.
///
/// # Errors
/// [`Error::Io`].
pub fn file_digest(path: &Path) -> Result<String> {
    let failed = |error| Error::io(path, "reading", error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(length) => hash.update(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The checkpoint's name for an output.
pub fn path_for(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".checkpoint");
    name.into()
}

/// Whether the file at `path` begins as a checkpoint does.
pub(super) fn is_one(path: &Path) -> std::io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(start == MAGIC)
}

/// Refuses a checkpoint's name that something else has: it is never overwritten, nor removed at the end.
///
/// # Errors
/// [`Error::CannotCreate`] when there is anything but a checkpoint of this program, [`Error::Io`] when that cannot be
/// told.
pub fn check_place(checkpoint: &Path) -> Result<()> {
    let read = match checkpoint.symlink_metadata() {
        Err(_) => return Ok(()),
        // A FIFO must not be opened: that would wait for a writer.
        Ok(there) if !there.is_file() => Ok(false),
        Ok(_) => is_one(checkpoint),
    };
    if read.map_err(|error| Error::io(checkpoint, "reading the checkpoint", error))? {
        return Ok(());
    }
    Err(Error::CannotCreate {
        path: checkpoint.into(),
        message:
            "is no checkpoint of this program, but has the name of this output's; move it away, or choose \
                  another --output"
                .into(),
    })
}

/// Refuses a checkpoint's name under which no file can be made, such as one that is too long for the folder's file system.
///
/// # Errors
/// [`Error::CannotCreate`].
pub fn check_name(checkpoint: &Path) -> Result<()> {
    output::try_name(checkpoint).map_err(|error| Error::CannotCreate {
        path: checkpoint.into(),
        message: format!(
            "cannot be made ({error}), and unfinished work would be kept there; choose another --output"
        ),
    })
}

/// Whether the checkpoint at `path` is that of the job with this fingerprint, so far as it begins; `None` where there is none.
///
/// # Errors
/// [`Error::Io`] when it cannot be read.
pub fn is_of(path: &Path, fingerprint: &Fingerprint) -> Result<Option<bool>> {
    let mut start = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take((MAGIC.len() + DIGEST_BYTES) as u64).read_to_end(&mut start));
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, "reading the checkpoint", error)),
        Ok(_) => Ok(Some(start.strip_prefix(MAGIC) == Some(&fingerprint.0))),
    }
}

/// That the checkpoint at `path` is that of another job.
pub fn of_another(path: &Path) -> Error {
    Error::CannotCreate {
        path: path.into(),
        message: "is the checkpoint of another job (its parameters, seed or data differ); \
                  give another --output, or start anew with --on-existing replace"
            .into(),
    }
}

/// Removes checkpoints of this name that runs were writing when they were killed.
pub fn remove_partial(checkpoint: &Path) {
    output::remove_partial(checkpoint, MAGIC);
}

/// Keeps a job's state in a file.
pub struct FileKeeper {
    path: PathBuf,
    fingerprint: Fingerprint,
    resume: bool,
    interval: Duration,
    work: Mutex<Work>,
}

/// What has been kept so far. Locked while the file is replaced, so that no older state follows a newer one.
struct Work {
    stored: Instant,
    /// Newer than what is stored, and since when.
    held: Option<Vec<u8>>,
    held_since: Instant,
}

/// How often a state is taken to hand: what a kill after a warning may cost at most, besides the work of the moment.
const HOLD_EVERY: Duration = Duration::from_secs(1);

impl FileKeeper {
    /// A keeper beside `output`; with `resume` an earlier run's state is taken up.
    pub fn new(output: &Path, fingerprint: Fingerprint, resume: bool, interval: Duration) -> Self {
        let now = Instant::now();
        let work = Mutex::new(Work { stored: now, held: None, held_since: now });
        Self { path: path_for(output), fingerprint, resume, interval, work }
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the state at hand, if there is one. For the moment of a signal that may be followed by the end: any
    /// thread may call it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::CannotCreate`] when something else has taken the checkpoint's name.
    pub fn save_held(&self) -> Result<()> {
        let mut work = self.work();
        match work.held.take() {
            Some(state) => self.write(&mut work, &state),
            None => Ok(()),
        }
    }

    fn write(&self, work: &mut Work, state: &[u8]) -> Result<()> {
        let digest = Sha256::digest(state);
        let length = (state.len() as u64).to_le_bytes();
        check_place(&self.path)?;
        output::write_whole(&self.path, &[MAGIC, &self.fingerprint.0, &digest, &length, state])?;
        work.stored = Instant::now();
        work.held = None;
        Ok(())
    }

    /// Removes the file, if there is one, and what [is left of others](remove_partial): the results are whole.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::CannotCreate`] when it is no checkpoint.
    pub fn remove(&self) -> Result<()> {
        let mut work = self.work();
        work.held = None;
        remove_partial(&self.path);
        check_place(&self.path)?;
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io(&self.path, "removing the checkpoint", error))
            }
            _ => Ok(()),
        }
    }

    fn state<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let damaged = |found: &str| {
            Error::data(self.path.display(), Place::default(), "a whole checkpoint of this version", found)
        };
        if bytes.len() < HEAD_BYTES || !bytes.starts_with(MAGIC) {
            return Err(damaged("another kind of file, or a cut one"));
        }
        let (owner, rest) = bytes[MAGIC.len()..].split_at(DIGEST_BYTES);
        let (digest, rest) = rest.split_at(DIGEST_BYTES);
        let (length, state) = rest.split_at(8);
        if length != (state.len() as u64).to_le_bytes() || digest != Sha256::digest(state).as_slice() {
            return Err(damaged("a damaged one; start anew with --on-existing replace"));
        }
        if owner != self.fingerprint.0 {
            return Err(of_another(&self.path));
        }
        Ok(state)
    }
}

impl Keeper for FileKeeper {
    fn load(&self) -> Result<Option<Vec<u8>>> {
        if !self.resume {
            return Ok(None);
        }
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(Some(self.state(&bytes)?.to_vec())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&self.path, "reading the checkpoint", error)),
        }
    }

    fn store(&self, state: &[u8]) -> Result<()> {
        self.write(&mut self.work(), state)
    }

    fn is_due(&self) -> bool {
        self.work().stored.elapsed() >= self.interval
    }

    fn wants_to_hold(&self) -> bool {
        let work = self.work();
        work.held.is_none() || work.held_since.elapsed() >= HOLD_EVERY
    }

    fn hold(&self, state: Vec<u8>) {
        let mut work = self.work();
        (work.held, work.held_since) = (Some(state), Instant::now());
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitCode;

    fn keeper(output: &Path, job: &str, resume: bool) -> FileKeeper {
        FileKeeper::new(output, Fingerprint::of(&[job]), resume, Duration::ZERO)
    }

    #[test]
    fn a_state_comes_back_to_its_own_job_only() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("o.h5");
        let mine = keeper(&output, "a", true);
        assert_eq!(mine.load().unwrap(), None);
        mine.store(b"old").unwrap();
        mine.store(b"state").unwrap();
        assert_eq!(mine.load().unwrap().as_deref(), Some(&b"state"[..]));
        assert_eq!(keeper(&output, "a", false).load().unwrap(), None);
        let other = keeper(&output, "b", true).load().unwrap_err();
        assert_eq!(other.exit_code(), ExitCode::CannotCreate);
        assert!(mine.is_due());
        mine.remove().unwrap();
        mine.remove().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_state_at_hand_is_written_when_asked_for_and_never_over_a_newer_one() {
        let folder = tempfile::tempdir().unwrap();
        let mine = keeper(&folder.path().join("o.h5"), "a", true);
        mine.save_held().unwrap();
        assert_eq!(mine.load().unwrap(), None);
        assert!(mine.wants_to_hold());
        mine.hold(b"first".to_vec());
        assert!(!mine.wants_to_hold(), "one a second is enough");
        mine.save_held().unwrap();
        assert_eq!(mine.load().unwrap().as_deref(), Some(&b"first"[..]));
        mine.hold(b"second".to_vec());
        mine.store(b"third").unwrap();
        mine.save_held().unwrap();
        assert_eq!(mine.load().unwrap().as_deref(), Some(&b"third"[..]));
        mine.hold(b"fourth".to_vec());
        mine.remove().unwrap();
        mine.save_held().unwrap();
        assert_eq!(mine.load().unwrap(), None, "the job is done");
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("o.h5");
        let mine = keeper(&output, "a", true);
        mine.store(b"some state").unwrap();
        let whole = std::fs::read(mine.path()).unwrap();
        for i in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[i] ^= 0x10;
            std::fs::write(mine.path(), &bytes).unwrap();
            assert!(mine.load().is_err(), "byte {i}");
            std::fs::write(mine.path(), &whole[..i]).unwrap();
            assert_eq!(mine.load().unwrap_err().exit_code(), ExitCode::Data, "cut at {i}");
        }
    }

    #[test]
    fn another_file_of_the_checkpoints_name_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mine = keeper(&folder.path().join("o.h5"), "a", true);
        let fifo = std::process::Command::new("mkfifo").arg(mine.path()).status().unwrap();
        assert!(fifo.success());
        assert_eq!(mine.store(b"state").unwrap_err().exit_code(), ExitCode::CannotCreate);
        std::fs::remove_file(mine.path()).unwrap();
        for other in [&b"notes"[..], b"", b"rankfit-checkpoint"] {
            std::fs::write(mine.path(), other).unwrap();
            assert_eq!(check_place(mine.path()).unwrap_err().exit_code(), ExitCode::CannotCreate);
            assert_eq!(mine.store(b"state").unwrap_err().exit_code(), ExitCode::CannotCreate);
            assert_eq!(mine.remove().unwrap_err().exit_code(), ExitCode::CannotCreate);
            assert_eq!(std::fs::read(mine.path()).unwrap(), other);
        }
        std::fs::remove_file(mine.path()).unwrap();
        mine.store(b"state").unwrap();
        check_place(mine.path()).unwrap();
    }

    #[test]
    fn parts_of_a_fingerprint_do_not_run_together() {
        assert_ne!(Fingerprint::of(&["ab", "c"]), Fingerprint::of(&["a", "bc"]));
    }
}
