//! Distributions that a random search draws parameters from.

use std::fmt;

use rand_core::Rng;
use serde_json::Value;

use super::told;
use crate::error::{Error, Result};
use crate::rng;

/// Where a parameter's values come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// One of these, equally likely: a list in the job file.
    Choice(Vec<Value>),
    /// Between `low` and `high`.
    Uniform {
        /// The smallest value.
        low: f64,
        /// The bound above.
        high: f64,
    },
    /// Between `low` and `high`, its logarithm uniform; given to 12 significant digits, so that machines whose
    /// logarithms differ in the last bit still search the same points.
    LogUniform {
        /// The smallest value, above 0.
        low: f64,
        /// The bound above.
        high: f64,
    },
    /// An integer from `low` up to, but not including, `high`.
    RandInt {
        /// The smallest value.
        low: i64,
        /// One more than the largest.
        high: i64,
    },
}

/// The distributions, as they are called in a job.
const NAMES: [&str; 3] = ["uniform", "loguniform", "randint"];

impl Distribution {
    /// The distribution of a table in the job file: `{ distribution = "loguniform", low = 1e-3, high = 1e3 }`, which
    /// stands at `path`.
    ///
    /// # Errors
    /// [`Error::Job`] at the key that cannot be used, in the user's words.
    pub(super) fn from_table(path: &str, table: &toml::Table) -> Result<Self> {
        let name = told::choice(path, "distribution", table, &NAMES)?;
        told::check_keys(path, table, &["distribution"], &["low", "high"])?;
        if name == "randint" {
            let [low, high] = bounds(path, table, "an integer", toml::Value::as_integer)?;
            // The difference has to be a number, too.
            let ordered = low < high && high.checked_sub(low).is_some();
            return ordered.then_some(Self::RandInt { low, high }).ok_or_else(|| disordered(path, low, high));
        }
        let number =
            |value: &toml::Value| value.as_float().or(value.as_integer().map(|number| number as f64));
        let [low, high] = bounds(path, table, "a number", number)?;
        let above = if name == "loguniform" { 0.0 } else { f64::NEG_INFINITY };
        if !(low.is_finite() && high.is_finite() && low > above && low < high) {
            return Err(disordered(path, low, high));
        }
        Ok(if name == "loguniform" { Self::LogUniform { low, high } } else { Self::Uniform { low, high } })
    }

    /// A value.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> Value {
        match self {
            Self::Choice(values) => values[rng::below(rng, values.len() as u64) as usize].clone(),
            Self::Uniform { low, high } => Value::from(between(*low, *high, rng)),
            Self::LogUniform { low, high } => {
                let drawn = between(low.ln(), high.ln(), rng).exp();
                let rounded: f64 = format!("{drawn:.11e}").parse().unwrap_or(drawn);
                Value::from(rounded.clamp(*low, *high))
            }
            Self::RandInt { low, high } => Value::from(low + rng::below(rng, (high - low) as u64) as i64),
        }
    }
}

/// Both bounds of the distribution at `path`, read by `read`.
fn bounds<N>(
    path: &str,
    table: &toml::Table,
    expected: &str,
    read: impl Fn(&toml::Value) -> Option<N>,
) -> Result<[N; 2]> {
    let bound = |key: &str| {
        let value = table.get(key);
        let found = || value.map_or_else(|| "nothing".to_owned(), told::found);
        value.and_then(&read).ok_or_else(|| Error::job(format!("{path}.{key}"), expected, found()))
    };
    Ok([bound("low")?, bound("high")?])
}

fn disordered(path: &str, low: impl fmt::Debug, high: impl fmt::Debug) -> Error {
    let expected = "low below high, and above 0 for loguniform";
    Error::job(path, expected, format!("low = {low:?} and high = {high:?}"))
}

fn between(low: f64, high: f64, rng: &mut impl Rng) -> f64 {
    let share = rng::uniform(rng);
    // Weights instead of low + share · (high − low): the difference may overflow.
    low.mul_add(1.0 - share, high * share).clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn parse(text: &str) -> Result<Distribution> {
        Distribution::from_table("search.distributions.C", &toml::from_str(text).unwrap())
    }

    #[test]
    fn draws_stay_within_and_have_the_right_median() {
        let median = |text: &str| {
            let distribution = parse(text).unwrap();
            let mut rng = stream(0, Purpose::Candidates, 0);
            let mut drawn: Vec<f64> =
                (0..4001).map(|_| distribution.draw(&mut rng).as_f64().unwrap()).collect();
            drawn.sort_by(f64::total_cmp);
            (drawn[0], drawn[2000], drawn[4000])
        };
        // Four standard deviations of the median of 4001: 4 · 0.5 / √4001 = 3.2 % of probability.
        let (least, middle, most) = median("distribution = \"uniform\"\nlow = -1.0\nhigh = 3");
        assert!(least >= -1.0 && most < 3.0 && (middle - 1.0).abs() < 4.0 * 0.032, "{least} {middle} {most}");
        let (least, middle, most) = median("distribution = \"loguniform\"\nlow = 1e-3\nhigh = 1e3");
        assert!(
            least >= 1e-3 && most <= 1e3 && middle.log10().abs() < 6.0 * 0.032,
            "{least} {middle} {most}"
        );
        let (least, middle, most) = median("distribution = \"randint\"\nlow = 0\nhigh = 101");
        assert!(least == 0.0 && most == 100.0 && (middle - 50.0).abs() <= 4.0, "{least} {middle} {most}");
    }

    #[test]
    fn faults_are_told_where_they_are() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        let known = "expected \"uniform\", \"loguniform\", \"randint\"";
        for (text, said) in [
            (
                "kind = 'uniform'\nlow = 0\nhigh = 1",
                format!(".distribution: {known}, found nothing (did you mean distribution, not kind?)"),
            ),
            (
                "distribution = 'loguniforn'\nlow = 1\nhigh = 2",
                format!(
                    ".distribution: {known}, found the text \"loguniforn\" (did you mean \"loguniform\"?)"
                ),
            ),
            (
                "distribution = 'uniform'\nlow = 0\nhi = 1",
                ".hi: expected a known key, found an unknown one (known keys: low, high)".into(),
            ),
            ("distribution = 'uniform'\nlow = 0", ".high: expected a number, found nothing".into()),
            ("distribution = 'randint'\nlow = 0.5\nhigh = 2", ".low: expected an integer, found 0.5".into()),
            (
                "distribution = 'uniform'\nlow = 2\nhigh = 1",
                ": expected low below high, and above 0 for loguniform, found low = 2.0 and high = 1.0"
                    .into(),
            ),
        ] {
            assert_eq!(message(text), format!("search.distributions.C{said}"));
        }
    }

    #[test]
    fn impossible_ones_are_refused() {
        for text in [
            "distribution = \"normal\"\nlow = 1\nhigh = 2",
            "distribution = \"uniform\"\nlow = 2.0\nhigh = 1.0",
            "distribution = \"uniform\"\nlow = 2.0\nhigh = inf",
            "distribution = \"loguniform\"\nlow = 0.0\nhigh = 1.0",
            "distribution = \"randint\"\nlow = 3\nhigh = 3",
            "distribution = \"randint\"\nlow = 3\nhigh = 4.5",
            "distribution = \"uniform\"\nlow = 1.0\nhigh = 2.0\nscale = 3",
            "low = 1.0\nhigh = 2.0",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
