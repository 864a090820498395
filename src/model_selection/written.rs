//! A splitter as a table of the job file.

use super::splitter::Splitter;
use super::told;
use crate::error::{Error, Result};

/// Every splitter with the keys beside `kind` that it takes.
const KINDS: [(&str, &[&str]); 14] = [
    ("KFold", &["n_splits", "shuffle", "random_state"]),
    ("StratifiedKFold", &["n_splits", "shuffle", "random_state"]),
    ("RepeatedKFold", &["n_splits", "n_repeats", "random_state"]),
    ("RepeatedStratifiedKFold", &["n_splits", "n_repeats", "random_state"]),
    ("GroupKFold", &["n_splits", "shuffle", "random_state"]),
    ("StratifiedGroupKFold", &["n_splits", "shuffle", "random_state"]),
    ("LeaveOneOut", &[]),
    ("LeaveOneGroupOut", &[]),
    ("LeavePGroupsOut", &["n_groups"]),
    ("ShuffleSplit", &["n_splits", "test_size", "train_size", "random_state"]),
    ("StratifiedShuffleSplit", &["n_splits", "test_size", "train_size", "random_state"]),
    ("GroupShuffleSplit", &["n_splits", "test_size", "train_size", "random_state"]),
    ("TimeSeriesSplit", &["n_splits", "max_train_size", "test_size", "gap"]),
    ("PredefinedSplit", &["test_fold"]),
];

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
                let expected = expected(kind, key);
                return Err(Error::job(format!("search.cv.{key}"), expected, told::found(value)));
            }
        }
        given.try_into().map_err(|error: toml::de::Error| {
            Error::internal(format!("a splitter that cannot be read: {}", error.message()))
        })
    }
}

/// What a key of a splitter may hold.
fn expected(kind: &str, key: &str) -> &'static str {
    match key {
        "shuffle" => "true or false",
        "test_size" | "train_size" if kind == "GroupShuffleSplit" => {
            "a number of groups, or a fraction between 0.0 and 1.0"
        }
        "test_size" | "train_size" => "a number of rows, or a fraction between 0.0 and 1.0",
        "test_fold" => "a list of one whole number a row",
        "gap" | "random_state" => "a non-negative integer",
        _ => "a positive integer",
    }
}
