//! Weights of classes, as the job gives them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::parameter::{NONE, check, check_positive, fault, quoted};
use crate::error::{Error, Result};

/// Factors of each class's weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClassWeight {
    /// `"balanced"`: n_samples / (n_classes · samples of the class). `"none"`, which a list of values needs: 1 for every
    /// class. A forest knows another rule beside them.
    Rule(String),
    /// A factor for each class named; 1 for the others.
    Table(BTreeMap<String, f64>),
}

impl ClassWeight {
    /// Checks that the rule is `"none"` or one of `rules` and that every factor is above 0.
    ///
    /// # Errors
    /// [`Error::Job`] at `estimator.class_weight`.
    pub(crate) fn check(&self, rules: &[&str]) -> Result<()> {
        self.check_each(rules, check_positive)
    }

    /// The same for estimators that can leave a class out, with a factor of 0.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(crate) fn check_from_0(&self, rules: &[&str]) -> Result<()> {
        self.check_each(rules, |key, factor| match factor >= 0.0 && factor.is_finite() {
            true => Ok(()),
            false => fault(key, "a number of 0 or more", factor),
        })
    }

    fn check_each(&self, rules: &[&str], factor: impl Fn(&str, f64) -> Result<()>) -> Result<()> {
        match self {
            Self::Rule(rule) => {
                let known = rules.iter().map(|rule| quoted(rule)).collect::<Vec<_>>().join(", ");
                let expected = format!("{known}, \"none\" or a table of classes");
                check("class_weight", rule == NONE || rules.contains(&rule.as_str()), &expected, quoted(rule))
            }
            Self::Table(table) => {
                table.iter().try_for_each(|(class, w)| factor(&format!("class_weight.{class}"), *w))
            }
        }
    }

    /// Whether every class keeps its weight.
    pub(crate) fn is_none(&self) -> bool {
        match self {
            Self::Rule(rule) => rule == NONE,
            Self::Table(table) => table.is_empty(),
        }
    }

    /// The factor of each of `classes`, of which a fit has `counts` rows (or as much weight); `names` are those of all classes where
    /// targets are text.
    ///
    /// # Errors
    /// [`Error::Job`] when the table names classes that are not there and misses some that are.
    pub(crate) fn factors(
        &self,
        classes: &[f64],
        counts: &[f64],
        names: Option<&[String]>,
    ) -> Result<Vec<f64>> {
        let weights = match self {
            _ if self.is_none() => return Ok(vec![1.0; classes.len()]),
            Self::Rule(_) => {
                let (total, n_classes) = (counts.iter().sum::<f64>(), classes.len() as f64);
                // A class of no weight stays without.
                let factor = |&count: &f64| if count > 0.0 { total / (n_classes * count) } else { 0.0 };
                return Ok(counts.iter().map(factor).collect());
            }
            Self::Table(weights) => weights,
        };
        let names: Vec<String> = classes.iter().map(|&class| class_name(names, class)).collect();
        let known: Vec<Option<f64>> = names.iter().map(|name| weight_of(weights, name)).collect();
        let matched = known.iter().flatten().count();
        if matched < names.len() && matched != weights.len() {
            let expected = format!("the classes {}", names.join(", "));
            let found = weights.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(Error::job("estimator.class_weight", expected, found));
        }
        Ok(known.into_iter().map(|w| w.unwrap_or(1.0)).collect())
    }
}

/// The weight given for a class, by its name or by a number equal to it.
fn weight_of(weights: &BTreeMap<String, f64>, name: &str) -> Option<f64> {
    let equal = |key: &str| matches!((key.parse::<f64>(), name.parse::<f64>()), (Ok(a), Ok(b)) if a == b);
    weights.get(name).or_else(|| weights.iter().find(|(key, _)| equal(key)).map(|(_, w)| w)).copied()
}

/// How a class is called: its name, or its target.
fn class_name(names: Option<&[String]>, class: f64) -> String {
    names.and_then(|names| names.get(class as usize)).cloned().unwrap_or_else(|| class.to_string())
}
