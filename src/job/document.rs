//! The job as a tree of values, each of which knows where it was written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::wording;
use crate::error::{Error, Result};

/// Where a value of the job was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// In the job file, on this line, counted from 1.
    Line(usize),
    /// On the command line, with `--set`.
    Flag,
}

/// A job file with the command line's changes, before anything is checked.
#[derive(Clone, Debug)]
pub struct Document {
    file: PathBuf,
    table: Table,
    /// By dotted path; entries of lists by their number.
    origins: BTreeMap<String, Origin>,
}

impl Document {
    /// Parses the text of a job file.
    ///
    /// # Errors
    /// [`Error::JobSyntax`] with line and column when it is no TOML.
    pub fn parse(file: &Path, text: &str) -> Result<Self> {
        let syntax = |error: toml::de::Error| {
            let span = error.span().unwrap_or(0..0);
            let (line, column) = line_and_column(text, span.start);
            let message = wording::syntax(error.message(), text.get(span).unwrap_or_default());
            Error::JobSyntax { file: file.into(), line, column, message }
        };
        let spanned = DeTable::parse(text).map_err(syntax)?;
        let table = toml::from_str(text).map_err(syntax)?;
        let mut origins = BTreeMap::new();
        note_lines(text, "", spanned.get_ref(), &mut origins);
        Ok(Self { file: file.into(), table, origins })
    }

    /// Applies one `--set key.path=value`; the value is TOML or, failing that, text. Entries of lists are called by their
    /// numbers, from 0.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no key or no `=`, [`Error::Job`] when the path leads through a plain value or to an
    /// entry that a list does not have.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let usage = || Error::Usage {
            message: format!(
                "--set {assignment}: expected key.path=value, such as --set data.block_rows=1000"
            ),
        };
        let (path, text) = assignment.split_once('=').ok_or_else(usage)?;
        let keys: Vec<&str> = path.trim().split('.').map(str::trim).collect();
        if keys.iter().any(|key| key.is_empty()) {
            return Err(usage());
        }
        let mut whole = Value::Table(std::mem::take(&mut self.table));
        let placed = place(&mut whole, &keys, 0, parse_value(text.trim()));
        if let Value::Table(table) = whole {
            self.table = table;
        }
        placed?;
        for depth in 1..keys.len() {
            // A section that the job file does not have is the flag's.
            self.origins.entry(keys[..depth].join(".")).or_insert(Origin::Flag);
        }
        let path = keys.join(".");
        self.origins.retain(|known, _| !known.starts_with(&format!("{path}.")));
        self.origins.insert(path, Origin::Flag);
        Ok(())
    }

    /// The whole tree.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The job file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The value at a dotted path.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut keys = path.split('.');
        let mut value = self.table.get(keys.next()?)?;
        for key in keys {
            value = match value {
                Value::Table(table) => table.get(key)?,
                Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// Replaces the value at a dotted path, if there is one, keeping where it was written.
    pub fn replace(&mut self, path: &str, new: Value) {
        let mut keys = path.split('.');
        let Some(mut value) = keys.next().and_then(|key| self.table.get_mut(key)) else { return };
        for key in keys {
            let Some(next) = value.as_table_mut().and_then(|table| table.get_mut(key)) else { return };
            value = next;
        }
        *value = new;
    }

    /// The section called `name`.
    ///
    /// # Errors
    /// [`Error::Job`] when it is missing or no section.
    pub fn section(&self, name: &str) -> Result<&Table> {
        match self.table.get(name) {
            Some(Value::Table(table)) => Ok(table),
            Some(other) => Err(self.fault(name, "a section", wording::describe(other), None)),
            None => Err(self.fault(name, format!("a section [{name}]"), "none", None)),
        }
    }

    /// Reads `table`, which stands at the dotted path `prefix`, as a `P`.
    ///
    /// `also_known` are keys of the same section that were taken out of `table` before.
    ///
    /// # Errors
    /// [`Error::Job`] in the user's words: unknown and missing keys, wrong types.
    pub fn read<P: DeserializeOwned>(&self, prefix: &str, table: Table, also_known: &[&str]) -> Result<P> {
        serde_path_to_error::deserialize(Value::Table(table.clone())).map_err(|error| {
            let inner = wording::dotted(&error.path().to_string());
            let fault = wording::translate(error.inner().message(), &inner, &table, also_known);
            self.fault(&join(prefix, &fault.key), fault.expected, fault.found, fault.hint)
        })
    }

    /// An error at the dotted path `path`, with the file and line or the flag where it was written.
    pub fn fault(
        &self,
        path: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
        hint: Option<String>,
    ) -> Error {
        let (expected, found) = (expected.into(), found.into());
        let job = |file, line, key| Error::Job { file, line, key, expected, found, hint };
        match self.origin(path) {
            Some(Origin::Flag) => job(None, None, format!("--set {path}")),
            Some(Origin::Line(line)) => job(Some(self.file.clone()), Some(line), path.to_owned()),
            None => job(Some(self.file.clone()), None, path.to_owned()),
        }
    }

    /// Gives an unplaced [`Error::Job`] about a key of section `prefix` its file and line; others pass through.
    pub fn place(&self, prefix: &str, error: Error) -> Error {
        match error {
            Error::Job { file: None, line: None, key, expected, found, hint } => {
                let inside = key == prefix || key.starts_with(&format!("{prefix}."));
                let path = if inside { key } else { join(prefix, &key) };
                self.fault(&path, expected, found, hint)
            }
            other => other,
        }
    }

    /// The origin of a path, or of the nearest section around it.
    fn origin(&self, path: &str) -> Option<Origin> {
        let mut path = path;
        loop {
            if let Some(&origin) = self.origins.get(path) {
                return Some(origin);
            }
            path = path.rsplit_once('.')?.0;
        }
    }
}

/// Puts `new` where the `keys` from `depth` on lead within `value`; sections that are not there are made.
fn place(value: &mut Value, keys: &[&str], depth: usize, new: Value) -> Result<()> {
    let fault = |expected: String, found: String| {
        Err(Error::job(format!("--set {}", keys.join(".")), expected, found))
    };
    let Some(key) = keys.get(depth) else {
        *value = new;
        return Ok(());
    };
    let before = keys[..depth].join(".");
    match value {
        Value::Table(table) => {
            let inner = table.entry((*key).to_owned()).or_insert_with(|| Value::Table(Table::new()));
            place(inner, keys, depth + 1, new)
        }
        Value::Array(items) => {
            let n = items.len();
            match key.parse::<usize>().ok().and_then(|number| items.get_mut(number)) {
                Some(item) => place(item, keys, depth + 1, new),
                None if n == 0 => fault(format!("a list with entries at {before}"), "an empty one".into()),
                None => {
                    fault(format!("the number of an entry of {before}, from 0 to {}", n - 1), (*key).into())
                }
            }
        }
        plain => fault(format!("a section at {before}"), wording::describe(plain)),
    }
}

/// Joins two dotted paths, either of which may be empty.
pub(super) fn join(prefix: &str, key: &str) -> String {
    match (prefix.is_empty(), key.is_empty()) {
        (true, _) => key.to_owned(),
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}.{key}"),
    }
}

fn parse_value(text: &str) -> Value {
    let parsed = toml::from_str::<Table>(&format!("value = {text}\n"));
    match parsed.map(|mut table| (table.len(), table.remove("value"))) {
        // A date is no value of any key, but `2024-01-01` may be a file's name.
        Ok((1, Some(value))) if !value.is_datetime() => value,
        _ => Value::String(text.to_owned()),
    }
}

fn note_lines(text: &str, prefix: &str, table: &DeTable<'_>, origins: &mut BTreeMap<String, Origin>) {
    for (key, value) in table {
        let path = join(prefix, key.get_ref());
        origins.insert(path.clone(), Origin::Line(line_and_column(text, key.span().start).0));
        note_value(text, &path, value.get_ref(), origins);
    }
}

fn note_value(text: &str, path: &str, value: &DeValue<'_>, origins: &mut BTreeMap<String, Origin>) {
    match value {
        DeValue::Table(table) => note_lines(text, path, table, origins),
        DeValue::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                let path = format!("{path}.{number}");
                origins.insert(path.clone(), Origin::Line(line_and_column(text, item.span().start).0));
                note_value(text, &path, item.get_ref(), origins);
            }
        }
        _ => {}
    }
}

/// Line and column (in characters) of a byte, both from 1.
fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..byte.min(text.len())];
    let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "seed = 0\n[data]\nsource = \"blobs\"\nlist = [1,\n  2]\n";

    fn document() -> Document {
        Document::parse(Path::new("job.toml"), TEXT).unwrap()
    }

    #[test]
    fn faults_name_the_line_or_the_flag() {
        let mut document = document();
        let text = |d: &Document, path| d.fault(path, "x", "y", None).to_string();
        assert_eq!(text(&document, "data.source"), "job.toml:3: data.source: expected x, found y");
        assert_eq!(text(&document, "data.list.1"), "job.toml:5: data.list.1: expected x, found y");
        assert_eq!(text(&document, "data.absent"), "job.toml:2: data.absent: expected x, found y");
        assert_eq!(text(&document, "search"), "job.toml: search: expected x, found y");
        document.set("data.source=csv").unwrap();
        assert_eq!(text(&document, "data.source"), "--set data.source: expected x, found y");
    }

    #[test]
    fn set_takes_toml_or_text_and_makes_sections() {
        let mut document = document();
        for assignment in
            ["a.b.c=[1, 2]", "a.t = k-means++", "a.n=5", "a.d=2024-01-01", "a.q=\"5\"", "seed=7"]
        {
            document.set(assignment).unwrap();
        }
        assert_eq!(document.get("a.b.c.1"), Some(&Value::Integer(2)));
        assert_eq!(document.get("a.t"), Some(&Value::String("k-means++".into())));
        assert_eq!(document.get("a.n"), Some(&Value::Integer(5)));
        assert_eq!(document.get("a.d"), Some(&Value::String("2024-01-01".into())));
        assert_eq!(document.get("a.q"), Some(&Value::String("5".into())));
        assert_eq!(document.get("seed"), Some(&Value::Integer(7)));
        assert!(document.set("noequals").is_err());
        assert!(document.set(".x=1").is_err());
        let message = document.set("seed.x=1").unwrap_err().to_string();
        assert_eq!(message, "--set seed.x: expected a section at seed, found 7");
    }

    #[test]
    fn set_calls_entries_of_lists_by_their_numbers() {
        let text =
            "[[pipeline]]\nname = 'PCA'\n[[pipeline]]\nname = 'PCA'\nn_components = 2\n[search]\ngrid = []\n";
        let mut document = Document::parse(Path::new("job.toml"), text).unwrap();
        document.set("pipeline.1.n_components=3").unwrap();
        document.set("pipeline.0.whiten=true").unwrap();
        assert_eq!(document.get("pipeline.1.n_components"), Some(&Value::Integer(3)));
        assert_eq!(document.get("pipeline.0.whiten"), Some(&Value::Boolean(true)));
        let fault = |d: &Document, key| d.fault(key, "x", "y", None).to_string();
        assert_eq!(
            fault(&document, "pipeline.1.n_components"),
            "--set pipeline.1.n_components: expected x, found y"
        );
        assert_eq!(fault(&document, "pipeline.1.name"), "job.toml:4: pipeline.1.name: expected x, found y");
        document.set("pipeline.1=7").unwrap();
        for (assignment, message) in [
            (
                "pipeline.2.whiten=true",
                "--set pipeline.2.whiten: expected the number of an entry of pipeline, from 0 to 1, found 2",
            ),
            (
                "pipeline.pca=1",
                "--set pipeline.pca: expected the number of an entry of pipeline, from 0 to 1, found pca",
            ),
            ("pipeline.1.x=1", "--set pipeline.1.x: expected a section at pipeline.1, found 7"),
            (
                "search.grid.0.C=[1]",
                "--set search.grid.0.C: expected a list with entries at search.grid, found an empty one",
            ),
        ] {
            assert_eq!(document.set(assignment).unwrap_err().to_string(), message);
        }
        assert_eq!(
            document.get("pipeline.0.name"),
            Some(&Value::String("PCA".into())),
            "what was there stays"
        );
    }

    #[test]
    fn syntax_errors_have_line_and_column() {
        let error = Document::parse(Path::new("j.toml"), "a = 1\nb = = 2\n").unwrap_err();
        assert!(matches!(error, Error::JobSyntax { line: 2, column: 5, .. }), "{error:?}");
    }
}
