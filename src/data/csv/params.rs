//! What a job says about a CSV file.

use std::fmt;
use std::path::PathBuf;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The keys of a CSV source in the job file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvParams {
    /// The file.
    pub path: PathBuf,
    /// Whether the first line names the columns.
    #[serde(default)]
    pub header: Header,
    /// The column of targets; it is never a feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_column: Option<ColumnRef>,
    /// The column of sample weights; it is never a feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_column: Option<ColumnRef>,
    /// The column of the group of each row, or of its fold, for splitters that need one; it is never a feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_column: Option<ColumnRef>,
    /// Columns that are passed over, whatever they hold: identifiers, dates, text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop_columns: Vec<ColumnRef>,
    /// What separates the fields: one ASCII character.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Whether empty features (or `NA`, `nan` and the like) are read as NaN: not a key, but what the job's first step wants.
    #[serde(skip)]
    pub missing: bool,
    /// Whether weights are passed over: not a key, but what those want who do not weigh rows.
    #[serde(skip)]
    pub unweighted: bool,
}

fn comma() -> char {
    ','
}

impl CsvParams {
    /// A file with the default for every other key.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            header: Header::Auto,
            label_column: None,
            weight_column: None,
            group_column: None,
            drop_columns: Vec::new(),
            delimiter: comma(),
            missing: false,
            unweighted: false,
        }
    }
}

/// Whether the first line of the file names the columns: `"auto"`, `true` or `false` in the job file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// It does when the job calls a column by a name in it, when it holds text that is no label (nor group), or a label's
    /// name over a number, and when it counts the columns from 0 and the next row does not.
    #[default]
    Auto,
    /// It does.
    Present,
    /// It is data.
    Absent,
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Present => serializer.serialize_bool(true),
            Self::Absent => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;
        impl Visitor<'_> for HeaderVisitor {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"auto\", true or false")
            }
            fn visit_bool<E: de::Error>(self, present: bool) -> Result<Header, E> {
                Ok(if present { Header::Present } else { Header::Absent })
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<Header, E> {
                if word == "auto" {
                    Ok(Header::Auto)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(word), &self))
                }
            }
        }
        deserializer.deserialize_any(HeaderVisitor)
    }
}

/// A column by its number, counted from 0 (negative: from the end, -1 being the last), or by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ColumnRef {
    /// The number.
    Number(i64),
    /// The name in the header line.
    Name(String),
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}

impl<'de> Deserialize<'de> for ColumnRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ColumnVisitor;
        impl Visitor<'_> for ColumnVisitor {
            type Value = ColumnRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column's name, or its number counted from 0")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<ColumnRef, E> {
                Ok(ColumnRef::Number(number))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<ColumnRef, E> {
                i64::try_from(number)
                    .map(ColumnRef::Number)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<ColumnRef, E> {
                Ok(ColumnRef::Name(name.to_owned()))
            }
        }
        deserializer.deserialize_any(ColumnVisitor)
    }
}
