//! Where each block begins: the ranks scan byte ranges of the file in parallel.
//!
//! Whether a newline ends a row depends on every quote before it. A rank cannot know them, but only their parity
//! matters: it counts the rows under both hypotheses in one scan, and the prefix of all ranks' parities tells
//! afterwards which of the two counts is the true one.

use serde::{Deserialize, Serialize};
use std::ops::Range;

use super::input::Input;
use super::record::{Blank, blank};
use crate::comm::{Communicator, agree, allgather};
use crate::error::Result;
use crate::partition::Slice;

/// Bytes scanned at once. Tests use tiny pieces, so that their ends fall everywhere.
const PIECE_BYTES: usize = if cfg!(test) { 3 } else { 1 << 20 };

/// Where a block's first row begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Its first byte.
    pub(super) offset: u64,
    /// Its line, from 1.
    pub(super) line: u64,
}

/// What lies before a place in a byte range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    /// Rows that begin there, if the range begins outside quotes (0) or inside (1).
    rows: [u64; 2],
    newlines: u64,
    /// Whether the number of quotes is odd.
    odd: bool,
}

impl Tally {
    fn add(&mut self, next: &Tally) {
        // The rows of a range that begins inside quotes are those of its other hypothesis.
        let swap = usize::from(self.odd);
        self.rows[0] += next.rows[swap];
        self.rows[1] += next.rows[1 - swap];
        self.newlines += next.newlines;
        self.odd ^= next.odd;
    }
}

/// A piece of a byte range: its bytes and what lies before it.
struct Piece {
    bytes: Range<u64>,
    before: Tally,
}

/// The data rows of a file: all that begins at or behind a byte.
pub(super) struct Scan<'a> {
    pub(super) input: &'a Input,
    pub(super) delimiter: u8,
    /// The first byte behind the header, and its line.
    pub(super) start: Mark,
}

/// A rank's view of the scanned file.
pub(super) struct Counted {
    /// Rows in the file.
    pub(super) n_rows: u64,
    /// Whether a quote is left open at the end.
    pub(super) open_quote: bool,
    pieces: Vec<Piece>,
    /// What lies before this rank's range.
    before: Tally,
    /// What lies before the next rank's range.
    upto: Tally,
}

impl Scan<'_> {
    /// Counts the rows.
    ///
    /// # Collective
    /// One allgather of a few numbers.
    ///
    /// # Errors
    /// A failed read on any rank, or ranks that see files of different lengths.
    pub(super) fn count(&self, comm: &dyn Communicator) -> Result<Counted> {
        let range = self.range_of(comm.rank(), comm.size());
        let (pieces, total) = agree(comm, self.tally(range))?;
        let all = allgather(comm, &(total, self.input.len))?;
        agree(
            comm,
            if all.iter().all(|(_, len)| *len == all[0].1) { Ok(()) } else { Err(self.input.changed()) },
        )?;
        let mut counted = Counted {
            n_rows: 0,
            open_quote: false,
            pieces,
            before: Tally::default(),
            upto: Tally::default(),
        };
        let mut sum = Tally::default();
        for (rank, (tally, _)) in all.iter().enumerate() {
            if rank == comm.rank() {
                counted.before = sum;
            }
            sum.add(tally);
            if rank == comm.rank() {
                counted.upto = sum;
            }
        }
        counted.n_rows = sum.rows[0];
        counted.open_quote = sum.odd;
        Ok(counted)
    }

    /// Where every block of `block_rows` rows begins.
    ///
    /// # Collective
    /// One allgather of 16 bytes a block.
    ///
    /// # Errors
    /// A failed read on any rank.
    pub(super) fn marks(
        &self,
        comm: &dyn Communicator,
        counted: &Counted,
        block_rows: usize,
    ) -> Result<Vec<Mark>> {
        let mine = agree(comm, self.own_marks(counted, block_rows as u64))?;
        Ok(allgather(comm, &mine)?.concat())
    }

    fn range_of(&self, rank: usize, size: usize) -> Range<u64> {
        let slice = Slice::of((self.input.len - self.start.offset) as usize, rank, size).blocks;
        self.start.offset + slice.start as u64..self.start.offset + slice.end as u64
    }

    fn tally(&self, range: Range<u64>) -> Result<(Vec<Piece>, Tally)> {
        let mut pieces = Vec::new();
        let mut total = Tally::default();
        let mut buffer = Vec::new();
        let mut start = range.start;
        while start < range.end {
            let bytes = start..(start + PIECE_BYTES as u64).min(range.end);
            start = bytes.end;
            pieces.push(Piece { bytes: bytes.clone(), before: total });
            self.scan(bytes, &mut buffer, &mut total, |_, _| {})?;
        }
        Ok((pieces, total))
    }

    fn own_marks(&self, counted: &Counted, block_rows: u64) -> Result<Vec<Mark>> {
        let mut marks = Vec::new();
        let mut buffer = Vec::new();
        for (i, piece) in counted.pieces.iter().enumerate() {
            let mut sum = counted.before;
            sum.add(&piece.before);
            let upto = counted.pieces.get(i + 1).map_or(counted.upto.rows[0], |next| {
                let mut sum = counted.before;
                sum.add(&next.before);
                sum.rows[0]
            });
            // Most pieces hold no block's first row and need no second look.
            if sum.rows[0].next_multiple_of(block_rows) >= upto {
                continue;
            }
            self.scan(piece.bytes.clone(), &mut buffer, &mut sum, |offset, sum| {
                if !sum.odd && sum.rows[0].is_multiple_of(block_rows) {
                    marks.push(Mark { offset, line: self.start.line + sum.newlines });
                }
            })?;
        }
        Ok(marks)
    }

    /// Adds a piece to `tally`, and calls `row` with the first byte of each row under either hypothesis and with
    /// what lies before it.
    fn scan(
        &self,
        piece: Range<u64>,
        buffer: &mut Vec<u8>,
        tally: &mut Tally,
        mut row: impl FnMut(u64, &Tally),
    ) -> Result<()> {
        buffer.resize((piece.end - piece.start) as usize, 0);
        if self.input.read_at(buffer, piece.start)? < buffer.len() {
            return Err(self.input.changed());
        }
        let bytes = buffer.as_slice();
        let mut begin = |tally: &mut Tally, at: usize| {
            if self.is_row(&bytes[at..], piece.end)? {
                row(piece.start + at as u64, tally);
                tally.rows[usize::from(tally.odd)] += 1;
            }
            Ok(())
        };
        if self.begins_line(piece.start)? {
            begin(tally, 0)?;
        }
        for at in memchr::memchr2_iter(b'\n', b'"', bytes) {
            if bytes[at] == b'"' {
                tally.odd = !tally.odd;
                continue;
            }
            tally.newlines += 1;
            if at + 1 < bytes.len() {
                begin(tally, at + 1)?;
            }
        }
        Ok(())
    }

    fn begins_line(&self, offset: u64) -> Result<bool> {
        if offset == self.start.offset {
            return Ok(true);
        }
        let mut before = [0];
        self.input.read_at(&mut before, offset - 1)?;
        Ok(before[0] == b'\n')
    }

    /// Whether the line that `bytes` begin with is a row; `end` is where they end in the file.
    fn is_row(&self, bytes: &[u8], mut end: u64) -> Result<bool> {
        let mut found = blank(bytes, self.delimiter);
        while found == Blank::Unsure {
            let mut more = [0; 256];
            let length = self.input.read_at(&mut more, end)?;
            if length == 0 {
                return Ok(false);
            }
            found = blank(&more[..length], self.delimiter);
            end += length as u64;
        }
        Ok(found == Blank::No)
    }
}
