//! Rows of text to the numbers of a block.

use super::columns::{Columns, Role};
use super::input::{Input, Window};
use super::number::{is_missing, leading, quote, whole};
use super::record::{Blank, Field, Split, blank, split};
use super::scan::Mark;
use crate::data::Block;
use crate::error::{Error, Place, Result};
use crate::kernel::Real;

/// Makes sure that the window holds the whole row it begins with, and cuts it into `fields`; the row's length.
pub(super) fn whole_row(
    input: &Input,
    window: &mut Window<'_>,
    delimiter: u8,
    line: u64,
    fields: &mut Vec<Field>,
) -> Result<usize> {
    loop {
        match split(window.unread(), delimiter, fields) {
            Split::Row(length) => return Ok(length),
            Split::Incomplete if window.more(line)? => {}
            Split::Incomplete => {
                return Err(input.fault(Place::line(line), "a closing quote", "the end of the file"));
            }
            Split::Fault(at, found) => {
                let line = line + memchr::memchr_iter(b'\n', &window.unread()[..at]).count() as u64;
                let expected = "quotes around whole fields, and doubled inside them (RFC 4180)";
                return Err(input.fault(Place::line(line), expected, found));
            }
        }
    }
}

/// The rows of a range of the file, one after the other.
pub(super) struct Rows<'a> {
    pub(super) input: &'a Input,
    pub(super) columns: &'a Columns,
    pub(super) classes: &'a [String],
    window: Window<'a>,
    fields: Vec<Field>,
    line: u64,
    row: u64,
}

impl<'a> Rows<'a> {
    /// The rows from `start`, which is row number `row`, to the byte `end`.
    pub(super) fn new(
        input: &'a Input,
        columns: &'a Columns,
        classes: &'a [String],
        start: Mark,
        end: u64,
        row: u64,
    ) -> Self {
        let window = Window::new(input, start.offset..end);
        Self { input, columns, classes, window, fields: Vec::new(), line: start.line, row }
    }

    /// Fills a block with as many rows as it has.
    pub(super) fn fill<T: Real>(&mut self, block: &mut Block<T>) -> Result<()> {
        let n_features = block.n_features;
        for i in 0..block.n_rows {
            self.skip_blank()?;
            let mut into = Target {
                x: &mut block.x[i * n_features..(i + 1) * n_features],
                y: block.y.get_mut(i),
                weight: block.weights.get_mut(i),
            };
            match self.plain_row(&mut into) {
                Some(length) => {
                    self.window.advance(length);
                    self.line += 1;
                }
                None => self.any_row(&mut into)?,
            }
            self.row += 1;
        }
        Ok(())
    }

    /// Hands the label of each of the next `n_rows` rows to `visit`.
    pub(super) fn labels(&mut self, n_rows: usize, mut visit: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let Some(column) = self.columns.roles.iter().position(|&role| role == Role::Class) else {
            return Err(Error::internal("labels of a file without classes"));
        };
        for _ in 0..n_rows {
            self.skip_blank()?;
            let length = self.cut_row()?;
            let bytes = &self.window.unread()[..length];
            let contents = self.fields[column].contents(bytes);
            visit(self.label(column, &contents)?)?;
            self.pass(length);
            self.row += 1;
        }
        Ok(())
    }

    /// The first row that cannot be cut into fields, when the scan has found that there is one.
    pub(super) fn first_fault(mut self) -> Error {
        loop {
            let length = match self.skip_blank().and_then(|()| self.cut_row()) {
                Ok(length) => length,
                Err(fault) => return fault,
            };
            self.pass(length);
            self.row += 1;
        }
    }

    fn skip_blank(&mut self) -> Result<()> {
        loop {
            match blank(self.window.unread(), self.columns.delimiter) {
                Blank::No => return Ok(()),
                Blank::Line(length) => {
                    self.window.advance(length);
                    self.line += 1;
                }
                Blank::Unsure if self.window.more(self.line)? => {}
                Blank::Unsure => return Err(self.input.changed()),
            }
        }
    }

    /// Reads a row without quotes and faults that is at hand as a whole: the common case. `None` for any other.
    fn plain_row<T: Real>(&self, into: &mut Target<'_, T>) -> Option<usize> {
        let bytes = self.window.unread();
        let delimiter = self.columns.delimiter;
        let last = self.columns.roles.len() - 1;
        let mut features = into.x.iter_mut();
        let mut at = 0;
        for (column, role) in self.columns.roles.iter().enumerate() {
            let field = &bytes[at..];
            at += match role {
                Role::Feature => finite(field, features.next()?)?,
                Role::Target => finite(field, into.y.as_deref_mut()?)?,
                Role::Weight => finite(field, into.weight.as_deref_mut()?)?,
                Role::Unused => plain_length(field, delimiter)?,
                Role::Class => {
                    let length = plain_length(field, delimiter)?;
                    *into.y.as_deref_mut()? = self.class_of(&field[..length])? as f64;
                    length
                }
            };
            let expected = if column == last { b'\n' } else { delimiter };
            match *bytes.get(at)? {
                next if next == expected => at += 1,
                b'\r' if column == last && bytes.get(at + 1) == Some(&b'\n') => at += 2,
                _ => return None,
            }
        }
        Some(at)
    }

    /// Reads a row of any kind, or says what is wrong with it.
    fn any_row<T: Real>(&mut self, into: &mut Target<'_, T>) -> Result<()> {
        let length = self.cut_row()?;
        let bytes = &self.window.unread()[..length];
        let mut feature = 0;
        for (column, (role, field)) in self.columns.roles.iter().zip(&self.fields).enumerate() {
            let contents = field.contents(bytes);
            match role {
                Role::Feature => {
                    let missing = self.columns.missing && is_missing(contents.trim_ascii());
                    into.x[feature] =
                        if missing { T::from_f64(f64::NAN) } else { self.number(column, &contents)? };
                    feature += 1;
                }
                Role::Target => into.set_y(self.number(column, &contents)?),
                Role::Weight => into.set_weight(self.number(column, &contents)?),
                Role::Class => {
                    let label = self.label(column, &contents)?;
                    let class = self.class_of(label.as_bytes()).ok_or_else(|| self.input.changed())?;
                    into.set_y(class as f64);
                }
                Role::Unused => {}
            }
        }
        self.pass(length);
        Ok(())
    }

    /// Cuts the next row into fields and checks their number.
    fn cut_row(&mut self) -> Result<usize> {
        let delimiter = self.columns.delimiter;
        let length = whole_row(self.input, &mut self.window, delimiter, self.line, &mut self.fields)?;
        let (expected, found) = (self.columns.roles.len(), self.fields.len());
        if expected != found {
            let expected = format!("{expected} fields, as in line {}", self.columns.first_line);
            let place = Place { line: Some(self.line), row: Some(self.row), column: None };
            return Err(self.input.fault(place, expected, found.to_string()));
        }
        Ok(length)
    }

    fn pass(&mut self, length: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.window.unread()[..length]).count() as u64;
        self.window.advance(length);
    }

    fn place(&self, column: usize) -> Place {
        Place { line: Some(self.line), row: Some(self.row), column: Some(self.columns.name(column)) }
    }

    fn number<T: Real>(&self, column: usize, field: &[u8]) -> Result<T> {
        whole(field).map_err(|fault| self.input.fault(self.place(column), fault.expected, fault.found))
    }

    fn label<'b>(&self, column: usize, field: &'b [u8]) -> Result<&'b str> {
        let label = field.trim_ascii();
        let fault = |expected, found| Err(self.input.fault(self.place(column), expected, found));
        if is_missing(label) {
            let found = if label.is_empty() { "an empty field".into() } else { quote(field) };
            return fault("a label", format!("{found}, a missing value"));
        }
        match str::from_utf8(label) {
            Ok(label) => Ok(label),
            Err(_) => fault("a label in UTF-8", quote(field)),
        }
    }

    fn class_of(&self, label: &[u8]) -> Option<usize> {
        self.classes.binary_search_by(|class| class.as_bytes().cmp(label.trim_ascii())).ok()
    }
}

/// Where a row goes.
struct Target<'a, T> {
    x: &'a mut [T],
    y: Option<&'a mut f64>,
    weight: Option<&'a mut f64>,
}

impl<T> Target<'_, T> {
    fn set_y(&mut self, value: f64) {
        if let Some(y) = self.y.as_deref_mut() {
            *y = value;
        }
    }

    fn set_weight(&mut self, value: f64) {
        if let Some(weight) = self.weight.as_deref_mut() {
            *weight = value;
        }
    }
}

/// Reads a finite number into `into`; its length.
#[inline(always)]
fn finite<T: Real>(field: &[u8], into: &mut T) -> Option<usize> {
    let (value, length) = leading::<T>(field)?;
    *into = value;
    value.is_finite().then_some(length)
}

/// The length of a field without quotes.
fn plain_length(field: &[u8], delimiter: u8) -> Option<usize> {
    let end = field.iter().position(|&byte| byte == delimiter || byte == b'\n' || byte == b'"')?;
    if field[end] == b'"' {
        return None;
    }
    Some(if field[end] == b'\n' && end > 0 && field[end - 1] == b'\r' { end - 1 } else { end })
}
