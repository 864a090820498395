//! Reads a small table of centres from a text file: those of a generator, or those that a clustering starts from.

use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Error, Place, Result};
use crate::kernel::Real;

/// Centres read from a file: `(n_centers, n_features)`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CentersFile {
    /// Numbers of a row.
    pub(crate) n_features: usize,
    /// All numbers.
    pub(crate) values: Vec<f64>,
    /// The line of each centre, from 1.
    lines: Vec<u64>,
}

impl CentersFile {
    /// Checks that all numbers, which were read from `path`, are finite in the precision `T`.
    ///
    /// # Errors
    /// [`Error::Data`] with the place of the first that is too large.
    pub(crate) fn check_range<T: Real>(&self, path: &Path) -> Result<()> {
        match self.values.iter().position(|&value| !T::from_f64(value).is_finite()) {
            None => Ok(()),
            Some(at) => {
                let (row, column, value) = (at / self.n_features, at % self.n_features, self.values[at]);
                let place = Place { column: Some(column.to_string()), ..Place::line(self.lines[row]) };
                Err(bad(path, place, "a finite number", &format!("{value:?}, too large for {}", T::NAME)))
            }
        }
    }
}

/// Reads comma-separated numbers, one centre a line. Empty lines and lines that start with `#` are skipped; the
/// first other line may be a header, which has no number in it.
///
/// # Errors
/// When the file cannot be read, holds no centre, a ragged line, or something that is no finite number.
pub(crate) fn read(path: &Path) -> Result<CentersFile> {
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => {
            Error::InputMissing { path: path.to_path_buf(), message: "no such file of centers".into() }
        }
        ErrorKind::InvalidData => bad(path, Place::default(), "text in UTF-8", "other bytes"),
        _ => Error::io(path, "reading the centers", e),
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<CentersFile> {
    let mut centers = CentersFile { n_features: 0, values: Vec::new(), lines: Vec::new() };
    let mut may_be_header = true;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let is_header = may_be_header && line.split(',').all(|field| field.trim().parse::<f64>().is_err());
        may_be_header = false;
        if !is_header {
            push_row(path, number as u64 + 1, line, &mut centers)?;
        }
    }
    if centers.values.is_empty() {
        return Err(bad(path, Place::default(), "one center a line", "no center"));
    }
    Ok(centers)
}

fn push_row(path: &Path, line_number: u64, line: &str, centers: &mut CentersFile) -> Result<()> {
    let before = centers.values.len();
    for (column, field) in line.split(',').map(str::trim).enumerate() {
        let value = field.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(|| {
            let place = Place { column: Some(column.to_string()), ..Place::line(line_number) };
            bad(path, place, "a finite number", &format!("{field:?}"))
        })?;
        centers.values.push(value);
    }
    centers.lines.push(line_number);
    let found = centers.values.len() - before;
    if before == 0 {
        centers.n_features = found;
    } else if found != centers.n_features {
        let expected = format!("{} numbers, as in the lines before", centers.n_features);
        return Err(bad(path, Place::line(line_number), &expected, &found.to_string()));
    }
    Ok(())
}

fn bad(path: &Path, place: Place, expected: &str, found: &str) -> Error {
    Error::data(path.display(), place, expected, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<CentersFile> {
        parse(Path::new("c.csv"), text)
    }

    #[test]
    fn a_header_comments_and_empty_lines_are_skipped() {
        let expected = |lines| CentersFile { n_features: 2, values: vec![1.0, -2.5, 3e2, 4.0], lines };
        assert_eq!(parsed("1,-2.5\n3e2, 4\n").unwrap(), expected(vec![1, 2]));
        let text = "\u{feff}# made by hand\nx0,x1\r\n\r\n1,-2.5\r\n3e2,4";
        assert_eq!(parsed(text).unwrap(), expected(vec![4, 5]));
    }

    #[test]
    fn faults_name_their_line_and_column() {
        for (text, message) in [
            ("1,2\n3\n", "c.csv, line 2: expected 2 numbers, as in the lines before, found 1"),
            ("a,b\n1,2\n3,x\n", "c.csv, line 3, column 1: expected a finite number, found \"x\""),
            ("1,x\n", "c.csv, line 1, column 1: expected a finite number, found \"x\""),
            ("a,b\nc,d\n", "c.csv, line 2, column 0: expected a finite number, found \"c\""),
            ("1,NaN\n", "c.csv, line 1, column 1: expected a finite number, found \"NaN\""),
            ("1,\n", "c.csv, line 1, column 1: expected a finite number, found \"\""),
            ("a,b\n", "c.csv: expected one center a line, found no center"),
        ] {
            assert_eq!(parsed(text).unwrap_err().to_string(), message, "{text:?}");
        }
    }

    #[test]
    fn a_number_has_to_be_one_in_the_precision_asked_for() {
        let centers = parsed("a,b\n1,2\n\n3,-1e39\n").unwrap();
        centers.check_range::<f64>(Path::new("c.csv")).unwrap();
        let error = centers.check_range::<f32>(Path::new("c.csv")).unwrap_err().to_string();
        assert_eq!(
            error,
            "c.csv, line 4, column 1: expected a finite number, found -1e39, too large for f32"
        );
    }

    #[test]
    fn a_missing_file_is_a_missing_input() {
        let error = read(Path::new("/nonexistent/centers.csv")).unwrap_err();
        assert!(matches!(error, Error::InputMissing { .. }), "{error}");
    }
}
