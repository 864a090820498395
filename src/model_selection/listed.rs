//! How many rows splits list, before they do.

use super::group_folds::{Groups, choices};
use super::shuffle_split::Draws;
use super::splitter::{RandomSplits, Splitter};

/// Bytes of a row in a list.
const ROW: u128 = size_of::<usize>() as u128;

impl Splitter {
    /// The bytes of the lists of rows, to fit on and to score on, of all splits of `n_samples` rows with `groups`, which
    /// every rank keeps; 0 where these rows cannot be split so.
    pub fn listed_bytes(&self, n_samples: usize, groups: Option<&[i64]>) -> u128 {
        ROW.saturating_mul(self.n_listed(n_samples, groups.unwrap_or_default()))
    }

    fn n_listed(&self, n_samples: usize, groups: &[i64]) -> u128 {
        let n = n_samples as u128;
        let of_all = |n_splits: u128| n.saturating_mul(n_splits);
        match self {
            Self::LeaveOneOut => of_all(n),
            Self::LeaveOneGroupOut => of_all(Groups::new(groups).n as u128),
            Self::LeavePGroupsOut { n_groups } => {
                let n_groups = n_groups.unwrap_or(0);
                of_all(choices(Groups::new(groups).n, n_groups).unwrap_or(u128::MAX))
            }
            Self::PredefinedSplit { test_fold } => {
                let folds = if test_fold.is_empty() { groups } else { test_fold };
                let scored: Vec<i64> = folds.iter().copied().filter(|fold| *fold != -1).collect();
                of_all(Groups::new(&scored).n as u128)
            }
            Self::TimeSeriesSplit { n_splits, max_train_size, test_size, gap } => {
                series(n_samples, *n_splits, max_train_size.unwrap_or(n_samples), *test_size, *gap)
            }
            Self::ShuffleSplit(own) | Self::StratifiedShuffleSplit(own) => drawn(n_samples, own),
            _ => of_all(self.n_splits().unwrap_or(0) as u128),
        }
    }
}

fn series(n: usize, n_splits: usize, max_train: usize, test_size: Option<usize>, gap: usize) -> u128 {
    if n_splits >= n {
        return 0;
    }
    let size = test_size.unwrap_or(n / (n_splits + 1));
    let before =
        |index: usize| n.saturating_sub(((n_splits - index).saturating_mul(size)).saturating_add(gap));
    (0..n_splits).map(|index| (before(index).min(max_train) as u128).saturating_add(size as u128)).sum()
}

fn drawn(n_samples: usize, own: &RandomSplits) -> u128 {
    let RandomSplits { n_splits, test_size, train_size, .. } = *own;
    let of_each = Draws { n_splits, test_size, train_size, seed: 0 }.n_listed(n_samples);
    (of_each as u128).saturating_mul(n_splits as u128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_before_they_are_listed() {
        let y: Vec<f64> = (0..60).map(|row| f64::from(row % 3)).collect();
        let groups: Vec<i64> = (0..60).map(|row| row % 7).collect();
        for text in [
            "kind = 'KFold'",
            "kind = 'StratifiedKFold'\nn_splits = 4",
            "kind = 'RepeatedKFold'\nn_repeats = 3",
            "kind = 'RepeatedStratifiedKFold'\nn_splits = 3",
            "kind = 'GroupKFold'",
            "kind = 'StratifiedGroupKFold'\nn_splits = 3",
            "kind = 'LeaveOneOut'",
            "kind = 'LeaveOneGroupOut'",
            "kind = 'LeavePGroupsOut'\nn_groups = 3",
            "kind = 'ShuffleSplit'\ntrain_size = 7",
            "kind = 'StratifiedShuffleSplit'\nn_splits = 2\ntest_size = 0.3",
            "kind = 'TimeSeriesSplit'\nmax_train_size = 20\ngap = 2",
            "kind = 'TimeSeriesSplit'\nn_splits = 9\ntest_size = 3",
            "kind = 'PredefinedSplit'",
        ] {
            let splitter: Splitter = toml::from_str(text).unwrap();
            let splits = splitter.split(60, &y, Some(&groups), 1).unwrap().splits;
            let rows: usize = splits.iter().map(|split| split.train.len() + split.test.len()).sum();
            assert_eq!(splitter.listed_bytes(60, Some(&groups)), 8 * rows as u128, "{text}");
        }
        let many: Splitter = toml::from_str("kind = 'LeavePGroupsOut'\nn_groups = 50").unwrap();
        let groups: Vec<i64> = (0..1000).collect();
        assert!(many.listed_bytes(1000, Some(&groups)) > 1 << 100);
    }
}
