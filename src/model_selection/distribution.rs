//! Distributions that a random search draws parameters from.

use rand_core::Rng;
use serde::Deserialize;
use serde_json::Value;

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

/// A distribution as the job file has it: `{ distribution = "loguniform", low = 1e-3, high = 1e3 }`.
#[derive(Deserialize)]
#[serde(tag = "distribution", rename_all = "lowercase", deny_unknown_fields)]
enum Written {
    Uniform { low: f64, high: f64 },
    LogUniform { low: f64, high: f64 },
    RandInt { low: i64, high: i64 },
}

impl Distribution {
    /// The distribution of a table in the job file, or what is wrong with it.
    pub(super) fn from_table(table: &toml::Table) -> Result<Self, String> {
        let written: Written =
            table.clone().try_into().map_err(|e: toml::de::Error| e.message().to_string())?;
        let ordered = |low: f64, high: f64, above: f64| {
            (low.is_finite() && high.is_finite() && low > above && low < high)
                .then_some(())
                .ok_or(format!("low = {low} and high = {high}"))
        };
        Ok(match written {
            Written::Uniform { low, high } => {
                ordered(low, high, f64::NEG_INFINITY)?;
                Self::Uniform { low, high }
            }
            Written::LogUniform { low, high } => {
                ordered(low, high, 0.0)?;
                Self::LogUniform { low, high }
            }
            Written::RandInt { low, high } if low < high && high.checked_sub(low).is_some() => {
                Self::RandInt { low, high }
            }
            Written::RandInt { low, high } => return Err(format!("low = {low} and high = {high}")),
        })
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

fn between(low: f64, high: f64, rng: &mut impl Rng) -> f64 {
    let share = rng::uniform(rng);
    // Weights instead of low + share · (high − low): the difference may overflow.
    low.mul_add(1.0 - share, high * share).clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn parse(text: &str) -> Result<Distribution, String> {
        Distribution::from_table(&toml::from_str(text).unwrap())
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
