//! Splitters by name: what `search.cv` may say.

use serde::{Deserialize, Serialize};

use super::search::Split;
use super::shuffle_split::Draws;
use super::{folds, group_folds, shuffle_split, stratified_groups};
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
    KFold(ShuffledFolds),
    /// Folds with each class's share of rows.
    StratifiedKFold(ShuffledFolds),
    /// Shuffled folds, drawn anew for each repeat.
    RepeatedKFold(RepeatedFolds),
    /// Shuffled folds with each class's share of rows, drawn anew for each repeat.
    RepeatedStratifiedKFold(RepeatedFolds),
    /// Folds that keep the rows of a group together, balanced by rows; shuffled, by groups.
    GroupKFold(ShuffledFolds),
    /// Folds that keep the rows of a group together, with about each class's share of rows; shuffled, groups with equally
    /// uneven classes come in random order.
    StratifiedGroupKFold(ShuffledFolds),
    /// Each row is scored on by itself.
    LeaveOneOut,
    /// Each group is scored on by itself, in ascending order.
    LeaveOneGroupOut,
    /// Every choice of so many groups is scored on, in lexicographic order.
    LeavePGroupsOut {
        /// How many groups are scored on; there is no default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        n_groups: Option<usize>,
    },
    /// Random rows to score on, drawn anew for each split.
    ShuffleSplit(RandomSplits),
    /// Random rows to score on with each class's share of rows.
    StratifiedShuffleSplit(RandomSplits),
    /// Random groups to score on, drawn anew for each split.
    GroupShuffleSplit {
        /// How many splits.
        #[serde(default = "five")]
        n_splits: usize,
        /// Groups to score on: a number, or a fraction (0.2 unless `train_size` says more).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test_size: Option<Size>,
        /// Groups to fit on: a number, or a fraction; what is left by default.
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

/// Folds that may be shuffled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShuffledFolds {
    /// How many folds.
    #[serde(default = "five")]
    pub n_splits: usize,
    /// Whether rows, of a class where classes count, are drawn to folds at random.
    #[serde(default)]
    pub shuffle: bool,
    /// The seed of the shuffle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_state: Option<u64>,
}

impl ShuffledFolds {
    /// The seed of the shuffle, if there is one; `seed` where none is given.
    fn seed(&self, seed: u64) -> Option<u64> {
        self.shuffle.then(|| self.random_state.unwrap_or(seed))
    }

    fn check(&self) -> Result<()> {
        match self.random_state {
            Some(seed) if !self.shuffle => Err(fault(
                "shuffle = true where random_state is given",
                format!("random_state = {seed} alone"),
            )),
            _ => Ok(()),
        }
    }
}

/// Folds that are shuffled several times.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatedFolds {
    /// How many folds of each repeat.
    #[serde(default = "five")]
    pub n_splits: usize,
    /// How often all rows are drawn to folds.
    #[serde(default = "ten")]
    pub n_repeats: usize,
    /// The seed of the shuffles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_state: Option<u64>,
}

impl RepeatedFolds {
    fn n_all(&self) -> usize {
        self.n_splits.saturating_mul(self.n_repeats)
    }

    /// The folds of all repeats of `n_samples` rows, from those of one, which `of_seed` makes.
    fn folds(
        &self,
        n_samples: usize,
        seed: u64,
        of_seed: impl FnMut(u64) -> Result<Vec<Vec<usize>>>,
    ) -> Result<Vec<Vec<usize>>> {
        check_listed(self.n_all(), n_samples)?;
        folds::repeated(self.n_repeats, self.random_state.unwrap_or(seed), of_seed)
    }
}

/// Splits that are drawn at random.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomSplits {
    /// How many splits.
    #[serde(default = "ten")]
    pub n_splits: usize,
    /// Rows to score on (0.1 unless `train_size` says more).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_size: Option<Size>,
    /// Rows to fit on; what is left by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_size: Option<Size>,
    /// The seed of the draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_state: Option<u64>,
}

/// A number of rows (or of groups, where those are drawn), or a fraction of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of rows, or a fraction between 0.0 and 1.0")]
pub enum Size {
    /// Rows, or groups.
    Rows(usize),
    /// A fraction in (0, 1).
    Fraction(f64),
}

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

/// The most rows that all splits together list: 32 GiB of them on every rank.
pub(super) const MOST_ROWS: u128 = 1 << 32;

/// Checks that so many splits of so many rows each can be listed.
///
/// # Errors
/// [`Error::Job`] at `search.cv`.
pub(super) fn check_listed(n_splits: usize, of_each: usize) -> Result<()> {
    match of_each as u128 * n_splits as u128 {
        ..=MOST_ROWS => Ok(()),
        _ => {
            let found = format!("{n_splits} splits of {of_each} rows");
            Err(fault(format!("splits of at most {MOST_ROWS} rows in all"), found))
        }
    }
}

impl Splitter {
    /// What `cv = n_splits` stands for: [`StratifiedKFold`](Self::StratifiedKFold) for a classifier,
    /// [`KFold`](Self::KFold) otherwise.
    pub fn from_number(n_splits: usize, classifier: bool) -> Self {
        let folds = ShuffledFolds { n_splits, shuffle: false, random_state: None };
        if classifier { Self::StratifiedKFold(folds) } else { Self::KFold(folds) }
    }

    /// The splits of `n_samples` rows with targets `y` and, where they are asked for, `groups`; `seed` is the job's.
    ///
    /// # Errors
    /// [`Error::Job`] at `search.cv` when the rows or classes are too few for it, when a seed is given without
    /// `shuffle`, or when targets or groups that it needs are absent.
    pub fn split(&self, n_samples: usize, y: &[f64], groups: Option<&[i64]>, seed: u64) -> Result<Splits> {
        self.check()?;
        let rows = Rows { n: n_samples, y, groups };
        let mut warnings = Vec::new();
        let splits = match self.tests(&rows, seed, &mut warnings)? {
            Some(tests) => rows.others(tests),
            None => self.pairs(&rows, seed)?,
        };
        // Each repeat finds the same classes too small.
        warnings.dedup();
        Ok(Splits { splits, warnings })
    }

    /// The rows to score on of each split, where all others are fitted on.
    fn tests(
        &self,
        rows: &Rows<'_>,
        seed: u64,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Vec<Vec<usize>>>> {
        let tests = match self {
            Self::KFold(own) => folds::k_fold(rows.n, own.n_splits, own.seed(seed)),
            Self::StratifiedKFold(own) => {
                folds::stratified_k_fold(rows.targets()?, own.n_splits, own.seed(seed), warnings)
            }
            Self::RepeatedKFold(own) => {
                own.folds(rows.n, seed, |seed| folds::k_fold(rows.n, own.n_splits, Some(seed)))
            }
            Self::RepeatedStratifiedKFold(own) => {
                let y = rows.targets()?;
                let of_seed = |seed| folds::stratified_k_fold(y, own.n_splits, Some(seed), warnings);
                own.folds(rows.n, seed, of_seed)
            }
            Self::GroupKFold(own) => group_folds::group_k_fold(rows.groups()?, own.n_splits, own.seed(seed)),
            Self::StratifiedGroupKFold(own) => {
                let (y, groups) = (rows.targets()?, rows.groups()?);
                stratified_groups::stratified_group_k_fold(y, groups, own.n_splits, own.seed(seed), warnings)
            }
            Self::LeaveOneOut => folds::leave_one_out(rows.n),
            Self::LeaveOneGroupOut => group_folds::leave_groups_out(rows.groups()?, 1),
            Self::LeavePGroupsOut { n_groups } => {
                group_folds::leave_groups_out(rows.groups()?, n_groups.unwrap_or(0))
            }
            Self::PredefinedSplit { test_fold } if test_fold.is_empty() => folds::predefined(rows.groups()?),
            Self::PredefinedSplit { test_fold } => folds::predefined(column(Some(test_fold), rows.n)?),
            Self::TimeSeriesSplit { .. }
            | Self::ShuffleSplit(_)
            | Self::StratifiedShuffleSplit(_)
            | Self::GroupShuffleSplit { .. } => return Ok(None),
        };
        tests.map(Some)
    }

    /// The splits of those that leave rows out of both.
    fn pairs(&self, rows: &Rows<'_>, seed: u64) -> Result<Vec<Split>> {
        let asked = match self {
            Self::TimeSeriesSplit { n_splits, max_train_size, test_size, gap } => {
                return folds::time_series(rows.n, *n_splits, *max_train_size, *test_size, *gap);
            }
            Self::ShuffleSplit(own) | Self::StratifiedShuffleSplit(own) => *own,
            Self::GroupShuffleSplit { n_splits, test_size, train_size, random_state } => RandomSplits {
                n_splits: *n_splits,
                test_size: *test_size,
                train_size: *train_size,
                random_state: *random_state,
            },
            _ => return Err(Error::internal("a splitter that neither says its test rows nor its splits")),
        };
        let RandomSplits { n_splits, test_size, train_size, random_state } = asked;
        let drawn = Draws { n_splits, test_size, train_size, seed: random_state.unwrap_or(seed) };
        match self {
            Self::StratifiedShuffleSplit(_) => shuffle_split::stratified(rows.targets()?, &drawn),
            Self::GroupShuffleSplit { .. } => group_folds::group_shuffle_split(rows.groups()?, &drawn),
            _ => shuffle_split::plain(rows.n, &drawn),
        }
    }

    /// Whether it splits by a column of the data.
    pub fn wants_column(&self) -> bool {
        match self {
            Self::GroupKFold(_)
            | Self::StratifiedGroupKFold(_)
            | Self::LeaveOneGroupOut
            | Self::LeavePGroupsOut { .. }
            | Self::GroupShuffleSplit { .. } => true,
            Self::PredefinedSplit { test_fold } => test_fold.is_empty(),
            _ => false,
        }
    }

    /// How many splits it is asked for, where that does not depend on the data.
    pub fn n_splits(&self) -> Option<usize> {
        match self {
            Self::RepeatedKFold(own) | Self::RepeatedStratifiedKFold(own) => Some(own.n_all()),
            _ => self.written_splits(),
        }
    }

    /// `n_splits` as it is written.
    fn written_splits(&self) -> Option<usize> {
        match self {
            Self::KFold(ShuffledFolds { n_splits, .. })
            | Self::StratifiedKFold(ShuffledFolds { n_splits, .. })
            | Self::StratifiedGroupKFold(ShuffledFolds { n_splits, .. })
            | Self::RepeatedKFold(RepeatedFolds { n_splits, .. })
            | Self::RepeatedStratifiedKFold(RepeatedFolds { n_splits, .. })
            | Self::ShuffleSplit(RandomSplits { n_splits, .. })
            | Self::StratifiedShuffleSplit(RandomSplits { n_splits, .. })
            | Self::GroupKFold(ShuffledFolds { n_splits, .. })
            | Self::TimeSeriesSplit { n_splits, .. }
            | Self::GroupShuffleSplit { n_splits, .. } => Some(*n_splits),
            Self::LeaveOneOut
            | Self::LeaveOneGroupOut
            | Self::LeavePGroupsOut { .. }
            | Self::PredefinedSplit { .. } => None,
        }
    }

    /// Checks what does not depend on the data.
    ///
    /// # Errors
    /// [`Error::Job`] at `search.cv`.
    pub fn check(&self) -> Result<()> {
        let least = match self {
            Self::ShuffleSplit(_) | Self::StratifiedShuffleSplit(_) | Self::GroupShuffleSplit { .. } => 1,
            _ => 2,
        };
        if let Some(n_splits) = self.written_splits().filter(|n_splits| *n_splits < least) {
            return Err(fault(format!("n_splits of {least} or more"), n_splits.to_string()));
        }
        match self {
            Self::KFold(own)
            | Self::StratifiedKFold(own)
            | Self::GroupKFold(own)
            | Self::StratifiedGroupKFold(own) => own.check(),
            Self::RepeatedKFold(own) | Self::RepeatedStratifiedKFold(own) if own.n_repeats == 0 => {
                Err(fault("n_repeats of 1 or more", "0"))
            }
            Self::LeavePGroupsOut { n_groups: None } => {
                Err(fault("n_groups, the number of groups to score on", "nothing"))
            }
            Self::LeavePGroupsOut { n_groups: Some(0) } => Err(fault("n_groups of 1 or more", "0")),
            Self::TimeSeriesSplit { test_size: Some(0), .. }
            | Self::TimeSeriesSplit { max_train_size: Some(0), .. } => Err(fault("sizes of 1 or more", "0")),
            _ => Ok(()),
        }
    }
}

/// The rows that are split.
struct Rows<'a> {
    n: usize,
    y: &'a [f64],
    groups: Option<&'a [i64]>,
}

impl Rows<'_> {
    /// Splits that fit on all rows that they do not score on.
    fn others(&self, tests: Vec<Vec<usize>>) -> Vec<Split> {
        tests.into_iter().map(|test| Split { train: complement(&test, self.n), test }).collect()
    }

    fn targets(&self) -> Result<&[f64]> {
        targets(self.y, self.n)
    }

    fn groups(&self) -> Result<&[i64]> {
        column(self.groups, self.n)
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
    // As many as there are: a list that grows may take twice the memory.
    let mut others = Vec::with_capacity(n_samples.saturating_sub(test.len()));
    let mut test = test.iter().peekable();
    others.extend((0..n_samples).filter(|row| test.next_if_eq(&row).is_none()));
    others
}
