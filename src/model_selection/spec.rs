//! `[search]` of the job file, and what it becomes when it is right.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::candidates::{Candidate, parameter_grid, sample};
use super::distribution::Distribution;
use super::splitter::{Splits, Splitter, fault};
use crate::error::{Error, Result};
use crate::metrics::Scorer;

/// The kinds of search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Every point of a grid.
    #[default]
    Grid,
    /// Points drawn at random.
    Random,
}

/// `[search]` as it is written, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSpec {
    /// `"grid"` or `"random"`.
    pub kind: Kind,
    /// A number of folds (default 5) or a splitter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cv: Option<CvSpec>,
    /// A score's name or a list of them; `accuracy` for classifiers and `r2` for others by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scoring: Option<ScoringSpec>,
    /// Whether the best candidate is fitted on all rows (default true); with several scores, which one says best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refit: Option<RefitSpec>,
    /// Whether training rows are scored too.
    pub return_train_score: bool,
    /// The score of a fit that fails (default NaN), or `"raise"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_score: Option<ErrorScoreSpec>,
    /// How much is said while the search runs.
    pub verbose: u32,
    /// How many points a random search draws (default 10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_iter: Option<usize>,
    /// The seed of a random search; the job's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_state: Option<u64>,
    /// Parameters with lists of values, or a list of such tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<TablesSpec>,
    /// Parameters with lists or distributions, or a list of such tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distributions: Option<TablesSpec>,
}

/// `search.cv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of folds, or a table such as { kind = \"KFold\", n_splits = 5 }")]
pub enum CvSpec {
    /// Folds, stratified for classifiers.
    Number(usize),
    /// A splitter by name.
    Splitter(toml::Table),
}

/// `search.scoring`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "the name of a score, or a list of names")]
pub enum ScoringSpec {
    /// One score, written as `score`.
    One(String),
    /// Several, written under their names.
    Many(Vec<String>),
}

/// `search.refit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "true, false, or the name of one of the scores")]
pub enum RefitSpec {
    /// Whether to refit.
    Flag(bool),
    /// The score that says which candidate is best.
    Metric(String),
}

/// `search.error_score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number, nan, or \"raise\"")]
pub enum ErrorScoreSpec {
    /// The score of a fit that fails.
    Number(f64),
    /// `"raise"`.
    Word(String),
}

/// `search.grid` and `search.distributions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a table of parameters, or a list of tables")]
pub enum TablesSpec {
    /// One space.
    One(toml::Table),
    /// Several, one after the other.
    Many(Vec<toml::Table>),
}

/// What follows the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refit {
    /// Whether the best candidate is fitted on all rows.
    pub wanted: bool,
    /// Position among the scorers of the one that says which is best; none when several scores are taken and no
    /// refit is wanted.
    pub metric: Option<usize>,
}

/// A checked search.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Its kind.
    pub kind: Kind,
    /// The points, in scikit-learn's order.
    pub candidates: Vec<Candidate>,
    /// How rows are split.
    pub splitter: Splitter,
    /// The scores.
    pub scorers: Vec<Scorer>,
    /// Whether columns are named after the scores instead of `score`.
    pub multimetric: bool,
    /// What follows.
    pub refit: Refit,
    /// Whether training rows are scored too.
    pub return_train_score: bool,
    /// The score of a fit that fails; `None` ends the search instead.
    pub error_score: Option<f64>,
    /// How much is said.
    pub verbose: u32,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// The job's seed, for shuffled splits.
    seed: u64,
}

impl SearchSpec {
    /// Checks the search of a classifier or another estimator in a job with `seed`.
    ///
    /// # Errors
    /// [`Error::Job`] with the key under `search`.
    pub fn check(&self, classifier: bool, seed: u64) -> Result<Search> {
        let mut warnings = Vec::new();
        let (scorers, multimetric) = self.scorers(classifier)?;
        Ok(Search {
            kind: self.kind,
            candidates: self.candidates(seed, &mut warnings)?,
            splitter: self.splitter(classifier)?,
            refit: self.refit(&scorers, multimetric)?,
            scorers,
            multimetric,
            return_train_score: self.return_train_score,
            error_score: self.error_score()?,
            verbose: self.verbose,
            warnings,
            seed,
        })
    }

    fn candidates(&self, seed: u64, warnings: &mut Vec<String>) -> Result<Vec<Candidate>> {
        let stray = |key: &str, kind: &str| {
            Err(Error::job(
                format!("search.{key}"),
                format!("it only where search.kind is \"{kind}\""),
                "it here",
            ))
        };
        match self.kind {
            Kind::Grid if self.distributions.is_some() => stray("distributions", "random"),
            Kind::Grid if self.n_iter.is_some() => stray("n_iter", "random"),
            Kind::Grid if self.random_state.is_some() => stray("random_state", "random"),
            Kind::Grid => parameter_grid(&spaces("search.grid", self.grid.as_ref(), &list)?),
            Kind::Random if self.grid.is_some() => stray("grid", "grid"),
            Kind::Random => {
                let n_iter = self.n_iter.unwrap_or(10);
                if n_iter == 0 {
                    return Err(Error::job("search.n_iter", "1 or more", "0"));
                }
                let mut spaces = spaces("search.distributions", self.distributions.as_ref(), &distribution)?;
                spaces.iter_mut().for_each(|space| space.sort_by(|a, b| a.0.cmp(&b.0)));
                Ok(sample(&spaces, n_iter, self.random_state.unwrap_or(seed), warnings))
            }
        }
    }

    fn splitter(&self, classifier: bool) -> Result<Splitter> {
        let splitter = match &self.cv {
            None => Splitter::from_number(5, classifier),
            Some(CvSpec::Number(n_splits)) => Splitter::from_number(*n_splits, classifier),
            Some(CvSpec::Splitter(table)) => table.clone().try_into().map_err(|e: toml::de::Error| {
                fault("a splitter by its kind with its parameters", e.message())
            })?,
        };
        splitter.check()?;
        Ok(splitter)
    }

    fn scorers(&self, classifier: bool) -> Result<(Vec<Scorer>, bool)> {
        let (names, multimetric): (Vec<&str>, bool) = match &self.scoring {
            None => (vec![if classifier { "accuracy" } else { "r2" }], false),
            Some(ScoringSpec::One(name)) => (vec![name], false),
            Some(ScoringSpec::Many(names)) => (names.iter().map(String::as_str).collect(), true),
        };
        if names.is_empty() {
            return Err(Error::job("search.scoring", "at least one score", "an empty list"));
        }
        let mut scorers = Vec::with_capacity(names.len());
        for name in names {
            let scorer = Scorer::parse(name)?;
            if scorers.contains(&scorer) {
                return Err(Error::job("search.scoring", "each score once", format!("{name:?} again")));
            }
            if scorer.is_for_classes() && !classifier {
                return Err(Error::job(
                    "search.scoring",
                    "a score of numbers, such as r2",
                    format!("{name:?}"),
                ));
            }
            scorers.push(scorer);
        }
        Ok((scorers, multimetric))
    }

    fn refit(&self, scorers: &[Scorer], multimetric: bool) -> Result<Refit> {
        let names: Vec<&str> = scorers.iter().map(|scorer| scorer.name()).collect();
        let fault = |found: String| {
            let expected = format!("false, or the score that says which is best ({})", names.join(", "));
            Err(Error::job("search.refit", expected, found))
        };
        match (&self.refit, multimetric) {
            (Some(RefitSpec::Flag(false)), true) => Ok(Refit { wanted: false, metric: None }),
            (Some(RefitSpec::Flag(false)), false) => Ok(Refit { wanted: false, metric: Some(0) }),
            (None | Some(RefitSpec::Flag(true)), false) => Ok(Refit { wanted: true, metric: Some(0) }),
            (None | Some(RefitSpec::Flag(true)), true) => fault("true with several scores".into()),
            (Some(RefitSpec::Metric(name)), _) => match names.iter().position(|known| known == name) {
                Some(metric) => Ok(Refit { wanted: true, metric: Some(metric) }),
                None => fault(format!("{name:?}")),
            },
        }
    }

    fn error_score(&self) -> Result<Option<f64>> {
        match &self.error_score {
            None => Ok(Some(f64::NAN)),
            Some(ErrorScoreSpec::Number(score)) => Ok(Some(*score)),
            Some(ErrorScoreSpec::Word(word)) if word == "raise" => Ok(None),
            Some(ErrorScoreSpec::Word(word)) => {
                Err(Error::job("search.error_score", "a number, nan, or \"raise\"", format!("{word:?}")))
            }
        }
    }
}

impl Search {
    /// The splits of `n_samples` rows with targets `y` and, where the splitter asks for them, `groups`.
    ///
    /// # Errors
    /// [`Error::Job`] at `search.cv` when these rows cannot be split so.
    pub fn splits(&self, n_samples: usize, y: &[f64], groups: Option<&[i64]>) -> Result<Splits> {
        self.splitter.split(n_samples, y, groups, self.seed)
    }

    /// The scores' names in column names: `score`, or each score's own when several were asked for.
    pub fn score_names(&self) -> Vec<&'static str> {
        if !self.multimetric {
            return vec!["score"];
        }
        self.scorers.iter().map(|scorer| scorer.name()).collect()
    }

    /// scikit-learn's first verbose line.
    pub fn announcement(&self, n_splits: usize) -> String {
        let n = self.candidates.len();
        format!("Fitting {n_splits} folds for each of {n} candidates, totalling {} fits", n * n_splits)
    }
}

/// The parameters of each table, read one by one.
fn spaces<T>(
    key: &str,
    tables: Option<&TablesSpec>,
    read: &dyn Fn(String, &toml::Value) -> Result<T>,
) -> Result<Vec<Vec<(String, T)>>> {
    let expected = "at least one parameter with a list of values";
    let tables: Vec<(String, &toml::Table)> = match tables {
        None => return Err(Error::job(key, expected, "none")),
        Some(TablesSpec::One(table)) => vec![(key.to_string(), table)],
        Some(TablesSpec::Many(tables)) => {
            tables.iter().enumerate().map(|(index, table)| (format!("{key}[{index}]"), table)).collect()
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
fn list(key: String, value: &toml::Value) -> Result<Vec<Value>> {
    match value {
        toml::Value::Array(values) if values.is_empty() => {
            Err(Error::job(key, "a list of at least one value", "an empty list"))
        }
        toml::Value::Array(values) => values.iter().map(|value| json(&key, value)).collect(),
        other => Err(Error::job(key, "a list of values", format!("{} {other}", other.type_str()))),
    }
}

/// A parameter's list or distribution.
fn distribution(key: String, value: &toml::Value) -> Result<Distribution> {
    match value {
        toml::Value::Table(table) => Distribution::from_table(table).map_err(|found| {
            let expected =
                "a distribution: uniform, loguniform (low above 0) or randint, with low below high";
            Error::job(key, expected, found)
        }),
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
