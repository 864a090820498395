//! A number of bytes, given as a number or as text with a unit.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// A number of bytes: `8589934592`, `"8GiB"` or `"500 MB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

impl Bytes {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let number: f64 = number.parse().ok()?;
        let (_, size) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
        let bytes = number * *size as f64;
        (1.0..9e18).contains(&bytes).then_some(Self(bytes as u64))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of bytes, or a text such as \"8GiB\"")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Bytes, E> {
                let bytes = u64::try_from(value).ok().filter(|&bytes| bytes > 0);
                bytes.map(Bytes).ok_or_else(|| E::invalid_value(de::Unexpected::Signed(value), &self))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Bytes, E> {
                if value > 0 {
                    Ok(Bytes(value))
                } else {
                    Err(E::invalid_value(de::Unexpected::Unsigned(0), &self))
                }
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
                Bytes::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood() {
        for (text, bytes) in [
            ("8GiB", Some(8 << 30)),
            ("1.5 KiB", Some(1536)),
            ("500MB", Some(500_000_000)),
            ("12", Some(12)),
            ("0", None),
            ("-1GiB", None),
            ("8 gigs", None),
            ("", None),
        ] {
            assert_eq!(Bytes::parse(text).map(|b| b.0), bytes, "{text}");
        }
    }
}
