//! The columns of a file, from its first lines and what the job says about them.

use super::header::{Finding, numeric};
use super::input::{Input, Window};
use super::number::quote;
use super::params::{ColumnRef, CsvParams, Header};
use super::record::{Blank, Field, blank};
use super::scan::Mark;
use crate::data::nearest::nearest;
use crate::error::{Error, Place, Result};

/// What a column's fields become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The next feature of the row.
    Feature,
    /// The target, a number.
    Target,
    /// The target, the name of a class.
    Class,
    /// The sample weight.
    Weight,
    /// Nothing.
    Unused,
}

/// The columns of a file.
#[derive(Debug)]
pub(super) struct Columns {
    /// What each of them is.
    pub(super) roles: Vec<Role>,
    /// What separates them.
    pub(super) delimiter: u8,
    /// The column of each feature.
    pub(super) features: Vec<usize>,
    /// The first line, whose number of fields all others must have.
    pub(super) first_line: u64,
    /// Whether features may be missing.
    pub(super) missing: bool,
    /// Why the first line, taken for names or for data by itself, may be the other.
    pub(super) doubt: Option<String>,
    names: Option<Vec<String>>,
}

impl Columns {
    /// Reads the first lines of a file, and says where the data begin.
    ///
    /// # Errors
    /// A file without data, a header that is no text, a column that is not there.
    pub(super) fn read(input: &Input, params: &CsvParams, wants_targets: bool) -> Result<(Self, Mark)> {
        let delimiter = delimiter(params)?;
        let mut head =
            Head { window: Window::new(input, input.text_start..input.len), input, delimiter, line: 1 };
        let Some(first) = head.row()? else {
            let found = if input.len == input.text_start { "an empty file" } else { "blank lines only" };
            return Err(input.fault(Place::default(), "rows of data", found));
        };
        if first.end.offset >= input.len && first.fields.iter().any(|field| has_lone_return(field)) {
            let found = "lines that end in CR alone; convert them, for example by tr '\\r' '\\n'";
            return Err(input.fault(Place::line(first.line), "lines that end in LF or CRLF", found));
        }
        check_delimiter(&first, delimiter)?;
        let next = if params.header == Header::Absent { None } else { head.row()? };
        let Finding { is_header, doubt } =
            Finding::of(&first.fields, next.as_ref().map(|next| next.fields.as_slice()), params);
        let Some(data) = (if is_header { next.as_ref() } else { Some(&first) }) else {
            return Err(input.fault(Place::line(first.line), "rows of data", "a header line only"));
        };
        let names = if is_header { Some(first.names(input)?) } else { None };
        let start = Mark { offset: input.text_start, line: 1 };
        let start = if is_header { first.end } else { start };
        let mut columns = Self {
            roles: vec![Role::Feature; first.fields.len()],
            delimiter,
            features: Vec::new(),
            first_line: first.line,
            missing: params.missing,
            names,
            doubt: doubt.map(|doubt| format!("{}, line {}: {doubt}", params.path.display(), first.line)),
        };
        columns.assign(params, wants_targets, data)?;
        Ok((columns, start))
    }

    /// A column for messages: its name, or its number from 0.
    pub(super) fn name(&self, column: usize) -> String {
        match &self.names {
            Some(names) if !names[column].is_empty() => names[column].clone(),
            _ => column.to_string(),
        }
    }

    /// The names of all columns, where the file has a header line.
    pub(super) fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The name of the first column that has one of `roles`.
    pub(super) fn name_of(&self, roles: &[Role]) -> Option<String> {
        self.roles.iter().position(|role| roles.contains(role)).map(|column| self.name(column))
    }

    fn assign(&mut self, params: &CsvParams, wants_targets: bool, data: &Row) -> Result<()> {
        let weight = self.find("data.weight_column", params.weight_column.as_ref())?;
        let label = self.find("data.label_column", params.label_column.as_ref())?;
        if let Some(column) = weight {
            self.roles[column] = if params.unweighted { Role::Unused } else { Role::Weight };
            if label == weight {
                let message = "another column than data.label_column";
                return Err(Error::job("data.weight_column", message, self.name(column)));
            }
        }
        let group = self.find("data.group_column", params.group_column.as_ref())?;
        if let Some(column) = group
            && self.roles[column] == Role::Feature
        {
            self.roles[column] = Role::Unused;
        }
        for dropped in &params.drop_columns {
            let column = self.find("data.drop_columns", Some(dropped))?;
            if [label, weight, group].contains(&column) {
                let expected = "columns that the job does not use otherwise";
                return Err(Error::job("data.drop_columns", expected, dropped.to_string()));
            }
            column.into_iter().for_each(|column| self.roles[column] = Role::Unused);
        }
        match label {
            Some(column) if wants_targets => {
                // The first label decides: behind a text all labels are names, behind a number all are numbers.
                let text = data.fields.get(column).is_some_and(|label| !numeric(label));
                self.roles[column] = if text { Role::Class } else { Role::Target };
            }
            Some(column) => self.roles[column] = Role::Unused,
            None if wants_targets => {
                let expected = "the column of targets, by name or number, as the estimator needs them";
                return Err(Error::job("data.label_column", expected, "no such key"));
            }
            None => {}
        }
        self.features = (0..self.roles.len()).filter(|&column| self.roles[column] == Role::Feature).collect();
        if self.features.is_empty() {
            let expected = "at least one column of features";
            let found = format!("{} column(s), none of them a feature", self.roles.len());
            return Err(Error::data(params.path.display(), Place::line(self.first_line), expected, found));
        }
        Ok(())
    }

    fn find(&self, key: &str, wanted: Option<&ColumnRef>) -> Result<Option<usize>> {
        let count = self.roles.len() as i64;
        match wanted {
            None => Ok(None),
            Some(ColumnRef::Number(number)) if (-count..count).contains(number) => {
                Ok(Some(number.rem_euclid(count) as usize))
            }
            Some(ColumnRef::Number(number)) => {
                let expected =
                    format!("a column's number from 0 to {}, or from -{count} to -1 (the last)", count - 1);
                Err(Error::job(key, expected, number.to_string()))
            }
            Some(ColumnRef::Name(name)) => self.find_name(key, name).map(Some),
        }
    }

    fn find_name(&self, key: &str, wanted: &str) -> Result<usize> {
        let Some(names) = &self.names else {
            let expected = "a column's number, as the file has no header line";
            return Err(Error::job(key, expected, format!("{wanted:?}")));
        };
        let mut same = (0..names.len()).filter(|&column| names[column] == wanted);
        match (same.next(), same.next()) {
            (Some(column), None) => Ok(column),
            (Some(first), Some(second)) => {
                let expected = "a column's number, as several have this name";
                Err(Error::job(key, expected, format!("{wanted:?} (columns {first} and {second})")))
            }
            (None, _) => Err(unknown_name(key, wanted, names)),
        }
    }
}

/// The error for a name that no column has, with the nearest one that there is.
fn unknown_name(key: &str, wanted: &str, names: &[String]) -> Error {
    const LISTED: usize = 20;
    let mut listed = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        listed.push_str(", …");
    }
    Error::Job {
        file: None,
        line: None,
        key: key.into(),
        expected: format!("the name of a column ({listed})"),
        found: format!("{wanted:?}"),
        hint: nearest(wanted, names).map(|name| format!("did you mean {name:?}?")),
    }
}

/// The delimiter as a byte.
fn delimiter(params: &CsvParams) -> Result<u8> {
    let usable = |c: &char| {
        matches!(c, '\t' | ' ')
            || (c.is_ascii_punctuation() && !matches!(c, '"' | '.' | '+' | '-' | '_' | '\''))
    };
    match Some(params.delimiter).filter(usable) {
        Some(delimiter) => Ok(delimiter as u8),
        None => {
            let expected = "one character that numbers and quotes do not use, such as ',' ';' or a tab";
            Err(Error::job("data.delimiter", expected, format!("{:?}", params.delimiter)))
        }
    }
}

/// A single column that holds other delimiters is hardly meant.
fn check_delimiter(first: &Row, delimiter: u8) -> Result<()> {
    let [only] = first.fields.as_slice() else { return Ok(()) };
    match b";\t|,".iter().find(|other| only.contains(other)) {
        Some(&other) => {
            let found =
                format!("{:?}, while line {} holds {:?}", delimiter as char, first.line, other as char);
            Err(Error::job("data.delimiter", "the character that separates the fields", found))
        }
        None => Ok(()),
    }
}

/// Whether a CR stands in a field without an LF behind it.
fn has_lone_return(field: &[u8]) -> bool {
    memchr::memchr_iter(b'\r', field).any(|at| field.get(at + 1) != Some(&b'\n'))
}

/// One of the first rows, in pieces.
struct Row {
    fields: Vec<Vec<u8>>,
    line: u64,
    end: Mark,
}

impl Row {
    fn names(&self, input: &Input) -> Result<Vec<String>> {
        let name = |(column, field): (usize, &Vec<u8>)| {
            // A results file cannot hold a NUL, and names must compare equal to those that were stored.
            let named = String::from_utf8(field.trim_ascii().to_vec());
            named.map(|name| name.replace('\0', "\u{fffd}")).map_err(|_| {
                let place = Place { line: Some(self.line), row: None, column: Some(column.to_string()) };
                input.fault(place, "a column's name in UTF-8", quote(field))
            })
        };
        self.fields.iter().enumerate().map(name).collect()
    }
}

/// The first rows of a file, one after the other.
struct Head<'a> {
    window: Window<'a>,
    input: &'a Input,
    delimiter: u8,
    line: u64,
}

impl Head<'_> {
    /// The next row that is not blank.
    fn row(&mut self) -> Result<Option<Row>> {
        loop {
            match blank(self.window.unread(), self.delimiter) {
                Blank::No => break,
                Blank::Line(length) => {
                    self.window.advance(length);
                    self.line += 1;
                }
                Blank::Unsure if !self.window.more(self.line)? => return Ok(None),
                Blank::Unsure => {}
            }
        }
        let mut fields = Vec::new();
        let length =
            super::rows::whole_row(self.input, &mut self.window, self.delimiter, self.line, &mut fields)?;
        let bytes = &self.window.unread()[..length];
        let line = self.line;
        self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        let contents = |field: &Field| field.contents(bytes).into_owned();
        let fields = fields.iter().map(contents).collect();
        self.window.advance(length);
        let end = Mark { offset: self.window.offset(), line: self.line };
        Ok(Some(Row { fields, line, end }))
    }
}
