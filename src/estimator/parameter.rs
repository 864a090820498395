//! Checks of single parameters, whose faults name the key of the job.

use crate::error::{Error, Result};

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
