//! One row of text cut into fields, to the letter of RFC 4180.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr3};

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its bytes, without the quotes around them.
    pub(super) bytes: Range<usize>,
    /// Whether it holds doubled quotes.
    pub(super) escaped: bool,
}

impl Field {
    /// The field's contents in the row's `bytes`.
    pub(super) fn contents<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let raw = &bytes[self.bytes.clone()];
        if !self.escaped {
            return Cow::Borrowed(raw);
        }
        let mut plain = Vec::with_capacity(raw.len());
        let mut pairs = raw.iter().peekable();
        while let Some(&byte) = pairs.next() {
            plain.push(byte);
            if byte == b'"' {
                pairs.next_if(|&&next| next == b'"');
            }
        }
        Cow::Owned(plain)
    }
}

/// What came of cutting a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// The row takes this many bytes, its newline among them.
    Row(usize),
    /// The bytes end before the row does.
    Incomplete,
    /// Quotes that RFC 4180 does not allow, at this byte.
    Fault(usize, &'static str),
}

/// Cuts the row that `bytes` begin with into `fields`.
///
/// A quoted field may hold delimiters, newlines and doubled quotes. A quote elsewhere is a fault: two readers
/// that resolve it differently disagree on every row behind it.
///
/// # References
/// Shafranovich 2005, "Common Format and MIME Type for CSV Files", RFC 4180, section 2.
pub(super) fn split(bytes: &[u8], delimiter: u8, fields: &mut Vec<Field>) -> Split {
    fields.clear();
    let mut at = 0;
    loop {
        let ended = match bytes.get(at) {
            None => return Split::Incomplete,
            Some(b'"') => quoted(bytes, at, delimiter, fields),
            Some(_) => plain(bytes, at, delimiter, fields),
        };
        match ended {
            Ended::Field(next) => at = next,
            Ended::Row(split) => return split,
        }
    }
}

/// Where a field ends: before the next one, or with the row or a fault.
enum Ended {
    Field(usize),
    Row(Split),
}

fn plain(bytes: &[u8], start: usize, delimiter: u8, fields: &mut Vec<Field>) -> Ended {
    let Some(length) = memchr3(delimiter, b'\n', b'"', &bytes[start..]) else {
        return Ended::Row(Split::Incomplete);
    };
    let end = start + length;
    let push = |fields: &mut Vec<Field>, end| fields.push(Field { bytes: start..end, escaped: false });
    match bytes[end] {
        b'\n' => {
            let carriage_return = end > start && bytes[end - 1] == b'\r';
            push(fields, end - usize::from(carriage_return));
            Ended::Row(Split::Row(end + 1))
        }
        b'"' => Ended::Row(Split::Fault(end, "a quote inside a field that does not begin with one")),
        _ => {
            push(fields, end);
            Ended::Field(end + 1)
        }
    }
}

fn quoted(bytes: &[u8], open: usize, delimiter: u8, fields: &mut Vec<Field>) -> Ended {
    let mut escaped = false;
    let mut from = open + 1;
    let close = loop {
        let Some(length) = memchr(b'"', &bytes[from..]) else { return Ended::Row(Split::Incomplete) };
        let quote = from + length;
        if bytes.get(quote + 1) != Some(&b'"') {
            break quote;
        }
        escaped = true;
        from = quote + 2;
    };
    fields.push(Field { bytes: open + 1..close, escaped });
    match (bytes.get(close + 1), bytes.get(close + 2)) {
        (None, _) | (Some(b'\r'), None) => Ended::Row(Split::Incomplete),
        (Some(b'\n'), _) => Ended::Row(Split::Row(close + 2)),
        (Some(b'\r'), Some(b'\n')) => Ended::Row(Split::Row(close + 3)),
        (Some(&next), _) if next == delimiter => Ended::Field(close + 2),
        _ => Ended::Row(Split::Fault(close + 1, "text behind a closing quote")),
    }
}

/// Whether a line is blank, as far as its bytes are at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blank {
    /// It has contents.
    No,
    /// It is, and takes this many bytes with its newline.
    Line(usize),
    /// Spaces only, so far.
    Unsure,
}

/// Whether the line that `bytes` begin with is empty or holds spaces only. Such lines are no rows.
pub(super) fn blank(bytes: &[u8], delimiter: u8) -> Blank {
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => return Blank::Line(at + 1),
            b' ' | b'\t' | b'\r' if byte != delimiter => {}
            _ => return Blank::No,
        }
    }
    Blank::Unsure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(row: &str) -> (Split, Vec<String>) {
        let mut fields = Vec::new();
        let split = split(row.as_bytes(), b',', &mut fields);
        let text = |field: &Field| String::from_utf8(field.contents(row.as_bytes()).into_owned()).unwrap();
        (split, fields.iter().map(text).collect())
    }

    #[test]
    fn rows_are_cut_as_the_rfc_says() {
        let cases: [(&str, usize, &[&str]); 8] = [
            ("a,b\n", 4, &["a", "b"]),
            ("a,b\r\nc", 5, &["a", "b"]),
            (",\n", 2, &["", ""]),
            ("\"a,\n\"\"b\",c\n", 11, &["a,\n\"b", "c"]),
            ("\"\",\"x\"\r\n", 8, &["", "x"]),
            ("\"\"\"\"\n", 5, &["\""]),
            ("\"a\"\"\"\"b\"\n", 9, &["a\"\"b"]),
            ("a\rb\n", 4, &["a\rb"]),
        ];
        for (row, length, expected) in cases {
            assert_eq!(fields(row), (Split::Row(length), expected.iter().map(|s| s.to_string()).collect()));
        }
    }

    #[test]
    fn misplaced_quotes_are_faults() {
        for (row, at) in [("1,5\" pipe\n", 3), ("\"a\"b,c\n", 3), ("x, \"a\"\n", 3), ("\"a\"\rb\n", 3)] {
            assert!(matches!(fields(row).0, Split::Fault(found, _) if found == at), "{row:?}");
        }
    }

    #[test]
    fn every_prefix_of_a_row_is_incomplete() {
        let row = "1,\"a\"\"b\",\"\n\"\r\n";
        for end in 0..row.len() {
            assert_eq!(fields(&row[..end]).0, Split::Incomplete, "{:?}", &row[..end]);
        }
        assert_eq!(fields(row).0, Split::Row(row.len()));
    }
}
