//! Checks of single parameters, whose faults name the key of the job; and parameters that may be none.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, Result};

/// What stands for scikit-learn's `None` in a job, whose format has no word for it.
pub(crate) const NONE: &str = "none";

/// Reads a parameter that may be none: `"none"`, or JSON's `null`. What else is wrong is told as of the value alone.
///
/// # Errors
/// Those of reading a `T`.
pub(crate) fn or_none<'de, T, D>(from: D) -> std::result::Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    from.deserialize_any(OrNone(PhantomData))
}

/// The same of a seed for which none and 0 are the same.
///
/// # Errors
/// Those of reading a number.
pub(crate) fn seed_or_none<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<u64, D::Error> {
    or_none(from).map(Option::unwrap_or_default)
}

struct OrNone<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OrNone<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or \"none\"")
    }

    fn visit_none<E: serde::de::Error>(self) -> std::result::Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> std::result::Result<Option<T>, D::Error> {
        or_none(from)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> std::result::Result<Option<T>, E> {
        T::deserialize(value.into_deserializer()).map(Some)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<Option<T>, E> {
        T::deserialize(value.into_deserializer()).map(Some)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Option<T>, E> {
        T::deserialize(value.into_deserializer()).map(Some)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Option<T>, E> {
        T::deserialize(value.into_deserializer()).map(Some)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Option<T>, E> {
        if text == NONE { Ok(None) } else { T::deserialize(text.into_deserializer()).map(Some) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> std::result::Result<Option<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(items)).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, pairs: A) -> std::result::Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(pairs)).map(Some)
    }
}

/// A fault at the key `estimator.…`, unless the parameter holds what it may.
pub(crate) fn check(key: &str, holds: bool, expected: &str, found: impl ToString) -> Result<()> {
    if holds { Ok(()) } else { fault(key, expected, found) }
}

/// A fault at the key `estimator.…`.
pub(crate) fn fault<T>(key: &str, expected: &str, found: impl ToString) -> Result<T> {
    Err(Error::job(format!("estimator.{key}"), expected, found.to_string()))
}

/// A text as it is written in a job.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// Checks a number that has to be above 0 and finite.
pub(crate) fn check_positive(key: &str, value: f64) -> Result<()> {
    check(key, value > 0.0 && value.is_finite(), "a number above 0", value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Sample {
        #[serde(deserialize_with = "super::or_none")]
        number: Option<u64>,
        #[serde(deserialize_with = "super::or_none")]
        list: Option<Vec<f64>>,
        #[serde(deserialize_with = "super::or_none")]
        table: Option<BTreeMap<String, f64>>,
        #[serde(deserialize_with = "super::seed_or_none")]
        seed: u64,
    }

    impl Default for Sample {
        fn default() -> Self {
            Self { number: Some(1), list: Some(Vec::new()), table: None, seed: 7 }
        }
    }

    #[test]
    fn none_is_a_word_or_null_and_all_else_a_value() {
        let none = Sample { number: None, list: None, table: None, seed: 0 };
        let words = "number = 'none'\nlist = 'none'\ntable = 'none'\nseed = 'none'";
        assert_eq!(toml::from_str::<Sample>(words).unwrap(), none);
        let nulls = r#"{"number": null, "list": null, "table": null, "seed": null}"#;
        assert_eq!(serde_json::from_str::<Sample>(nulls).unwrap(), none);
        let given = Sample {
            number: Some(3),
            list: Some(vec![0.5, 2.0]),
            table: Some(BTreeMap::from([("a".into(), 1.5)])),
            seed: 9,
        };
        let text = "number = 3\nlist = [0.5, 2.0]\nseed = 9\n[table]\na = 1.5";
        assert_eq!(toml::from_str::<Sample>(text).unwrap(), given);
        assert_eq!(toml::from_str::<Sample>("").unwrap(), Sample::default());
        let message = toml::from_str::<Sample>("number = 'many'").unwrap_err().message().to_owned();
        assert_eq!(message, "invalid type: string \"many\", expected u64");
    }
}
