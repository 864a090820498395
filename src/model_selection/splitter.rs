//! Splitters by name: what `search.cv` may say.

use serde::{Deserialize, Serialize};

use super::search::Split;
use super::{folds, shuffle_split, told};
use crate::error::{Error, Result};

/// A splitter under scikit-learn's name, with its parameters and defaults.
///
/// Without `shuffle` the splits are scikit-learn's to the row. Shuffled ones draw from this program's own streams
/// (`random_state`, or the job's seed): as random, but not NumPy's numbers. Rows of a split are always ascending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields)]
#[non_exhaustive]
pub enum Splitter {
    /// Consecutive folds; the first `n mod n_splits` hold one row more.
    KFold {
        /// How many folds.
        #[serde(default = "five")]
        n_splits: usize,
        /// Whether rows are drawn to folds at random.
        #[serde(default)]
        shuffle: bool,
        /// The seed of the shuffle.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        random_state: Option<u64>,
    },
    /// Folds with each class's share of rows.
    StratifiedKFold {
        /// How many folds.
        #[serde(default = "five")]
        n_splits: usize,
        /// Whether each class's rows are drawn to folds at random.
        #[serde(default)]
        shuffle: bool,
        /// The seed of the shuffle.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        random_state: Option<u64>,
    },
    /// Folds that keep the rows of a group together, balanced by rows.
    GroupKFold {
        /// How many folds.
        #[serde(default = "five")]
        n_splits: usize,
    },
    /// Random rows to score on, drawn anew for each split.
    ShuffleSplit {
        /// How many splits.
        #[serde(default = "ten")]
        n_splits: usize,
        /// Rows to score on: a number, or a fraction (0.1 unless `train_size` says more).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_size: Option<Size>,
        /// Rows to fit on: a number, or a fraction; what is left by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        train_size: Option<Size>,
        /// The seed of the draws.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        random_state: Option<u64>,
    },
    /// The same with each class's share of rows.
    StratifiedShuffleSplit {
        /// How many splits.
        #[serde(default = "ten")]
        n_splits: usize,
        /// Rows to score on: a number, or a fraction (0.1 unless `train_size` says more).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_size: Option<Size>,
        /// Rows to fit on: a number, or a fraction; what is left by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        train_size: Option<Size>,
        /// The seed of the draws.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        random_state: Option<u64>,
    },
    /// Rows to score on that follow the rows to fit on.
    TimeSeriesSplit {
        /// How many splits.
        #[serde(default = "five")]
        n_splits: usize,
        /// At most so many rows to fit on, the latest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_train_size: Option<usize>,
        /// Rows to score on in each split; `n / (n_splits + 1)` by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_size: Option<usize>,
        /// Rows left out between the two.
        #[serde(default)]
        gap: usize,
    },
    /// Folds given row by row; a row of fold -1 is never scored on.
    PredefinedSplit {
        /// Each row's fold; absent when the folds come as groups from a column of the data.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        test_fold: Vec<i64>,
    },
}

/// A number of rows, or a fraction of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of rows, or a fraction between 0.0 and 1.0")]
pub enum Size {
    /// Rows.
    Rows(usize),
    /// A fraction in (0, 1).
    Fraction(f64),
}

/// Every splitter with the keys beside `kind` that it takes.
const KINDS: [(&str, &[&str]); 7] = [
    ("KFold", &["n_splits", "shuffle", "random_state"]),
    ("StratifiedKFold", &["n_splits", "shuffle", "random_state"]),
    ("GroupKFold", &["n_splits"]),
    ("ShuffleSplit", &["n_splits", "test_size", "train_size", "random_state"]),
    ("StratifiedShuffleSplit", &["n_splits", "test_size", "train_size", "random_state"]),
    ("TimeSeriesSplit", &["n_splits", "max_train_size", "test_size", "gap"]),
    ("PredefinedSplit", &["test_fold"]),
];

fn five() -> usize {
    5
}

fn ten() -> usize {
    10
}

/// The splits of a search, and what the user should know about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Splits {
    /// One for each fold.
    pub splits: Vec<Split>,
    /// Warnings, in scikit-learn's words where it has them.
    pub warnings: Vec<String>,
}

/// A fault of `search.cv`.
pub(super) fn fault(expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::job("search.cv", expected, found)
}

impl Splitter {
    /// Reads a table `{ kind = "KFold", … }`.
    ///
    /// # Errors
    /// [`Error::Job`] at the key under `search.cv` that cannot be used, in the user's words.
    pub(super) fn from_table(table: &toml::Table) -> Result<Self> {
        let names = KINDS.map(|(name, _)| name);
        let kind = told::choice("search.cv", "kind", table, &names)?;
        let keys = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
        told::check_keys("search.cv", table, &["kind"], keys)?;
        // None, as scikit-learn has it, is an absent key here.
        let mut given = table.clone();
        given.retain(|key, value| key == "kind" || value.as_str() != Some("none"));
        for (key, value) in given.iter().filter(|(key, _)| *key != "kind") {
            // A key by itself beside the kind: what is wrong is wrong with it.
            let alone = [("kind".to_owned(), kind.into()), (key.clone(), value.clone())];
            if toml::Table::from_iter(alone).try_into::<Self>().is_err() {
                return Err(Error::job(format!("search.cv.{key}"), expected(key), told::found(value)));
            }
        }
        given.try_into().map_err(|error: toml::de::Error| {
            Error::internal(format!("a splitter that cannot be read: {}", error.message()))
        })
    }

    /// What `cv = n_splits` stands for: [`StratifiedKFold`](Self::StratifiedKFold) for a classifier,
    /// [`KFold`](Self::KFold) otherwise.
    pub fn from_number(n_splits: usize, classifier: bool) -> Self {
        let (shuffle, random_state) = (false, None);
        if classifier {
            Self::StratifiedKFold { n_splits, shuffle, random_state }
        } else {
            Self::KFold { n_splits, shuffle, random_state }
        }
    }

    /// The splits of `n_samples` rows with targets `y` and, where they are asked for, `groups`; `seed` is the job's.
    ///
    /// # Errors
    /// [`Error::Job`] at `search.cv` when the rows or classes are too few for it, when a seed is given without
    /// `shuffle`, or when targets or groups that it needs are absent.
    pub fn split(&self, n_samples: usize, y: &[f64], groups: Option<&[i64]>, seed: u64) -> Result<Splits> {
        self.check()?;
        let of_tests = |tests: Vec<Vec<usize>>| {
            tests.into_iter().map(|test| Split { train: complement(&test, n_samples), test }).collect()
        };
        let mut warnings = Vec::new();
        let splits = match self {
            Self::KFold { n_splits, shuffle, random_state } => {
                let seed = shuffle.then(|| random_state.unwrap_or(seed));
                of_tests(folds::k_fold(n_samples, *n_splits, seed)?)
            }
            Self::StratifiedKFold { n_splits, shuffle, random_state } => {
                let seed = shuffle.then(|| random_state.unwrap_or(seed));
                let y = targets(y, n_samples)?;
                of_tests(folds::stratified_k_fold(y, *n_splits, seed, &mut warnings)?)
            }
            Self::GroupKFold { n_splits } => {
                of_tests(folds::group_k_fold(column(groups, n_samples)?, *n_splits)?)
            }
            Self::PredefinedSplit { test_fold } => {
                let given = if test_fold.is_empty() { groups } else { Some(&test_fold[..]) };
                of_tests(folds::predefined(column(given, n_samples)?)?)
            }
            Self::TimeSeriesSplit { n_splits, max_train_size, test_size, gap } => {
                folds::time_series(n_samples, *n_splits, *max_train_size, *test_size, *gap)?
            }
            Self::ShuffleSplit { n_splits, test_size, train_size, random_state } => {
                let sizes = shuffle_split::sizes(n_samples, *test_size, *train_size)?.times(*n_splits)?;
                shuffle_split::plain(n_samples, sizes, *n_splits, random_state.unwrap_or(seed))
            }
            Self::StratifiedShuffleSplit { n_splits, test_size, train_size, random_state } => {
                let sizes = shuffle_split::sizes(n_samples, *test_size, *train_size)?.times(*n_splits)?;
                let y = targets(y, n_samples)?;
                shuffle_split::stratified(y, sizes, *n_splits, random_state.unwrap_or(seed))?
            }
        };
        Ok(Splits { splits, warnings })
    }

    /// Whether it splits by a column of the data.
    pub fn wants_column(&self) -> bool {
        match self {
            Self::GroupKFold { .. } => true,
            Self::PredefinedSplit { test_fold } => test_fold.is_empty(),
            _ => false,
        }
    }

    /// How many splits it is asked for, where that does not depend on the data.
    pub fn n_splits(&self) -> Option<usize> {
        match self {
            Self::KFold { n_splits, .. }
            | Self::StratifiedKFold { n_splits, .. }
            | Self::GroupKFold { n_splits }
            | Self::TimeSeriesSplit { n_splits, .. }
            | Self::ShuffleSplit { n_splits, .. }
            | Self::StratifiedShuffleSplit { n_splits, .. } => Some(*n_splits),
            Self::PredefinedSplit { .. } => None,
        }
    }

    /// Checks what does not depend on the data.
    ///
    /// # Errors
    /// [`Error::Job`] at `search.cv`.
    pub fn check(&self) -> Result<()> {
        let Some(n_splits) = self.n_splits() else { return Ok(()) };
        let least = match self {
            Self::ShuffleSplit { .. } | Self::StratifiedShuffleSplit { .. } => 1,
            _ => 2,
        };
        if n_splits < least {
            return Err(fault(format!("n_splits of {least} or more"), n_splits.to_string()));
        }
        match self {
            Self::KFold { shuffle: false, random_state: Some(seed), .. }
            | Self::StratifiedKFold { shuffle: false, random_state: Some(seed), .. } => Err(fault(
                "shuffle = true where random_state is given",
                format!("random_state = {seed} alone"),
            )),
            Self::TimeSeriesSplit { test_size: Some(0), .. }
            | Self::TimeSeriesSplit { max_train_size: Some(0), .. } => Err(fault("sizes of 1 or more", "0")),
            _ => Ok(()),
        }
    }
}

/// What a key of a splitter may hold.
fn expected(key: &str) -> &'static str {
    match key {
        "shuffle" => "true or false",
        "test_size" | "train_size" => "a number of rows, or a fraction between 0.0 and 1.0",
        "test_fold" => "a list of one whole number a row",
        "gap" | "random_state" => "a non-negative integer",
        _ => "a positive integer",
    }
}

fn targets(y: &[f64], n_samples: usize) -> Result<&[f64]> {
    if y.len() != n_samples {
        return Err(fault("a target for each row", format!("{} targets for {n_samples} rows", y.len())));
    }
    if let Some(row) = y.iter().position(|value| value.fract() != 0.0) {
        return Err(fault(
            "KFold or another splitter that needs no classes",
            format!("targets that are no classes ({} in row {row})", y[row]),
        ));
    }
    Ok(y)
}

fn column(groups: Option<&[i64]>, n_samples: usize) -> Result<&[i64]> {
    match groups {
        Some(groups) if groups.len() == n_samples => Ok(groups),
        Some(groups) => {
            Err(fault(format!("{n_samples} entries, one for each row"), groups.len().to_string()))
        }
        None => Err(fault("a column of groups or folds in the data", "none")),
    }
}

/// The rows that are not in the ascending list `test`.
fn complement(test: &[usize], n_samples: usize) -> Vec<usize> {
    let mut test = test.iter().peekable();
    (0..n_samples).filter(|row| test.next_if_eq(&row).is_none()).collect()
}
