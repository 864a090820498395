//! `search.grid` and `search.distributions`, read value by value.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::distribution::Distribution;
use crate::error::{Error, Result};

/// `search.grid` and `search.distributions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a table of parameters, or a list of tables")]
pub enum TablesSpec {
    /// One space.
    One(toml::Table),
    /// Several, one after the other.
    Many(Vec<toml::Table>),
}

/// The parameters of each table, read one by one.
pub(super) fn spaces<T>(
    key: &str,
    tables: Option<&TablesSpec>,
    read: &dyn Fn(String, &toml::Value) -> Result<T>,
) -> Result<Vec<Vec<(String, T)>>> {
    let expected = "at least one parameter with a list of values";
    let tables: Vec<(String, &toml::Table)> = match tables {
        None => return Err(Error::job(key, expected, "none")),
        Some(TablesSpec::One(table)) => vec![(key.to_string(), table)],
        Some(TablesSpec::Many(tables)) => {
            tables.iter().enumerate().map(|(index, table)| (format!("{key}.{index}"), table)).collect()
        }
    };
    if tables.is_empty() {
        return Err(Error::job(key, expected, "an empty list"));
    }
    let space = |(key, table): (String, &toml::Table)| {
        if table.is_empty() {
            return Err(Error::job(key, expected, "an empty table"));
        }
        table.iter().map(|(name, value)| Ok((name.clone(), read(format!("{key}.{name}"), value)?))).collect()
    };
    tables.into_iter().map(space).collect()
}

/// A parameter's values.
pub(super) fn list(key: String, value: &toml::Value) -> Result<Vec<Value>> {
    match value {
        toml::Value::Array(values) if values.is_empty() => {
            Err(Error::job(key, "a list of at least one value", "an empty list"))
        }
        toml::Value::Array(values) => values.iter().map(|value| json(&key, value)).collect(),
        other => Err(Error::job(key, "a list of values", format!("{} {other}", other.type_str()))),
    }
}

/// A parameter's list or distribution.
pub(super) fn distribution(key: String, value: &toml::Value) -> Result<Distribution> {
    match value {
        toml::Value::Table(table) => Distribution::from_table(&key, table),
        other => list(key, other).map(Distribution::Choice),
    }
}

/// A value of the job file as JSON, which has no infinity and no dates.
fn json(key: &str, value: &toml::Value) -> Result<Value> {
    let fault = || Error::job(key, "finite numbers, texts, booleans or tables of them", value.to_string());
    Ok(match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) if number.is_finite() => Value::from(*number),
        toml::Value::Float(_) | toml::Value::Datetime(_) => return Err(fault()),
        toml::Value::Boolean(flag) => Value::from(*flag),
        toml::Value::Array(values) => values.iter().map(|value| json(key, value)).collect::<Result<_>>()?,
        toml::Value::Table(table) => {
            let pairs = table.iter().map(|(name, value)| Ok((name.clone(), json(key, value)?)));
            Value::Object(pairs.collect::<Result<_>>()?)
        }
    })
}
