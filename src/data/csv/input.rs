//! The file, read at given offsets, and a window that slides over a range of it.

use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::data::input_file::InputFile;
use crate::data::signature;
use crate::error::{Error, Place, Result};

/// Bytes that a window reads at once: small enough to stay in a core's cache until they are parsed. Tests use
/// tiny windows, so that their ends fall everywhere.
const WINDOW_BYTES: usize = if cfg!(test) { 5 } else { 256 << 10 };

/// No row may be longer. A quote that is never closed would otherwise draw the rest of the file into memory.
const MAX_ROW_BYTES: usize = 256 << 20;

/// A CSV file that is open.
#[derive(Debug)]
pub(super) struct Input {
    file: InputFile,
    /// Its length when it was opened.
    pub(super) len: u64,
    /// Where the text begins: behind a byte order mark.
    pub(super) text_start: u64,
}

impl Input {
    /// Opens a file and looks at how it begins.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = InputFile::open(path)?;
        let mut input = Self { len: file.len(), file, text_start: 0 };
        let mut first = [0; 8];
        let found = input.read_at(&mut first, 0)?;
        let first = &first[..found];
        if let Some(what) = signature::named(first) {
            return Err(input.fault(Place::default(), "a CSV file", what));
        }
        input.text_start = if first.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Ok(input)
    }

    /// The file's name.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// An error in the file's contents.
    pub(super) fn fault(&self, place: Place, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::data(self.path().display(), place, expected, found)
    }

    /// The error for a file that was rewritten while it was read.
    pub(super) fn changed(&self) -> Error {
        self.file.changed()
    }

    /// That it was not.
    ///
    /// # Errors
    /// As [`changed`](Self::changed).
    pub(super) fn unchanged(&self) -> Result<()> {
        self.file.unchanged()
    }

    /// Reads as many bytes as there are from `offset` on, at most all of `bytes`.
    pub(super) fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.file.file().read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(self.path(), "reading", error)),
            }
        }
        Ok(filled)
    }
}

/// A stretch of unread bytes that slides over a range of the file. The range's last line always ends with a
/// newline: where the file lacks it, the window adds it.
pub(super) struct Window<'a> {
    input: &'a Input,
    buffer: Vec<u8>,
    /// The unread bytes in the buffer.
    unread: Range<usize>,
    next_offset: u64,
    end: u64,
    /// Whether all bytes of the range have been brought.
    ended: bool,
}

impl<'a> Window<'a> {
    /// A window on the bytes `range`, still empty.
    pub(super) fn new(input: &'a Input, range: Range<u64>) -> Self {
        let (next_offset, end) = (range.start, range.end);
        Self { input, buffer: Vec::new(), unread: 0..0, next_offset, end, ended: false }
    }

    /// The unread bytes at hand.
    pub(super) fn unread(&self) -> &[u8] {
        &self.buffer[self.unread.clone()]
    }

    /// Where the unread bytes begin in the file.
    pub(super) fn offset(&self) -> u64 {
        // An added newline lies behind the end of the file.
        self.next_offset.saturating_sub(self.unread.len() as u64)
    }

    /// Marks `count` bytes as read.
    pub(super) fn advance(&mut self, count: usize) {
        self.unread.start += count;
    }

    /// Brings more bytes behind the unread ones; `false` at the end of the range.
    ///
    /// # Errors
    /// A failed read, or a row, which begins at `line`, that is too long.
    pub(super) fn more(&mut self, line: u64) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let kept = self.unread.len();
        if kept > MAX_ROW_BYTES {
            let found = format!("a row of more than {} MiB; is a quote not closed?", MAX_ROW_BYTES >> 20);
            return Err(self.input.fault(Place::line(line), "a row of text", found));
        }
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..kept;
        // A long row doubles the window, so that it is not searched again and again.
        let wanted = (WINDOW_BYTES.max(kept) as u64).min(self.end - self.next_offset) as usize;
        if self.buffer.len() < kept + wanted + 1 {
            self.buffer.resize(kept + wanted + 1, 0);
        }
        if self.input.read_at(&mut self.buffer[kept..kept + wanted], self.next_offset)? < wanted {
            return Err(self.input.changed());
        }
        self.unread.end += wanted;
        self.next_offset += wanted as u64;
        if self.next_offset == self.end {
            self.ended = true;
            return Ok(self.end_last_line() || wanted > 0);
        }
        Ok(true)
    }

    /// Adds the newline that the last line may lack.
    fn end_last_line(&mut self) -> bool {
        let lacking = self.unread().last().is_some_and(|&last| last != b'\n');
        if lacking {
            self.buffer[self.unread.end] = b'\n';
            self.unread.end += 1;
        }
        lacking
    }
}
