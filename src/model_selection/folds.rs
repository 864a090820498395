//! Folds: each row is scored on once (or never), in scikit-learn's allocation.

use super::search::Split;
use super::splitter::fault;
use crate::error::Result;
use crate::rng::{self, Purpose};

/// The rows of each test fold, ascending, from each row's fold; rows beyond `n_splits` are in none.
fn gather(fold_of: &[usize], n_splits: usize) -> Vec<Vec<usize>> {
    let mut tests = vec![Vec::new(); n_splits];
    for (row, &fold) in fold_of.iter().enumerate() {
        if let Some(test) = tests.get_mut(fold) {
            test.push(row);
        }
    }
    tests
}

/// Consecutive folds, or the same of a random order when a seed is given.
pub(super) fn k_fold(n_samples: usize, n_splits: usize, seed: Option<u64>) -> Result<Vec<Vec<usize>>> {
    if n_splits > n_samples {
        return Err(fault(format!("at most {n_samples} folds for {n_samples} rows"), n_splits.to_string()));
    }
    let mut order: Vec<usize> = (0..n_samples).collect();
    if let Some(seed) = seed {
        rng::shuffle(&mut rng::stream(seed, Purpose::Split, 0), &mut order);
    }
    let (each, rest) = (n_samples / n_splits, n_samples % n_splits);
    let mut rows = order.into_iter();
    Ok((0..n_splits)
        .map(|fold| {
            let mut test: Vec<usize> = rows.by_ref().take(each + usize::from(fold < rest)).collect();
            test.sort_unstable();
            test
        })
        .collect())
}

/// Each target's class, numbered in the order in which the classes first appear, and how many there are.
pub(super) fn classes_by_appearance(y: &[f64]) -> (Vec<usize>, usize) {
    let mut sorted: Vec<f64> = y.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.dedup();
    let mut number = vec![usize::MAX; sorted.len()];
    let mut n_classes = 0;
    let codes = y
        .iter()
        .map(|class| {
            let at = sorted.partition_point(|known| known < class);
            if number[at] == usize::MAX {
                number[at] = n_classes;
                n_classes += 1;
            }
            number[at]
        })
        .collect();
    (codes, n_classes)
}

/// Folds with each class's share of rows.
///
/// The rows of every class are dealt to the folds round robin, going on from class to class in the order in which
/// the classes appear; this gives how many rows of a class each fold gets, and it gets them consecutively (or, with
/// a seed, at random). O(n).
pub(super) fn stratified_k_fold(
    y: &[f64],
    n_splits: usize,
    seed: Option<u64>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Vec<usize>>> {
    let (codes, n_classes) = classes_by_appearance(y);
    let mut counts = vec![0; n_classes];
    codes.iter().for_each(|&code| counts[code] += 1);
    let (least, most) =
        (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
    if n_splits > most {
        let found = format!("{n_splits} folds; the largest class has {most} rows");
        return Err(fault("no more folds than the members of each class", found));
    }
    if n_splits > least {
        warnings.push(format!(
            "The least populated class in y has only {least} members, which is less than n_splits={n_splits}."
        ));
    }
    let mut fold_of_class: Vec<std::vec::IntoIter<usize>> = Vec::with_capacity(n_classes);
    let mut dealt = 0;
    for (class, &count) in counts.iter().enumerate() {
        let mut folds: Vec<usize> = (dealt..dealt + count).map(|position| position % n_splits).collect();
        folds.sort_unstable();
        if let Some(seed) = seed {
            rng::shuffle(&mut rng::stream(seed, Purpose::Split, class as u64), &mut folds);
        }
        fold_of_class.push(folds.into_iter());
        dealt += count;
    }
    let fold_of: Vec<usize> =
        codes.iter().map(|&code| fold_of_class[code].next().unwrap_or(usize::MAX)).collect();
    Ok(gather(&fold_of, n_splits))
}

/// Folds that keep groups together: the largest group goes to the lightest fold, and so on.
pub(super) fn group_k_fold(groups: &[i64], n_splits: usize) -> Result<Vec<Vec<usize>>> {
    let mut unique = groups.to_vec();
    unique.sort_unstable();
    unique.dedup();
    if n_splits > unique.len() {
        let found = format!("{n_splits} folds of {} groups", unique.len());
        return Err(fault("no more folds than groups", found));
    }
    let of_row: Vec<usize> =
        groups.iter().map(|group| unique.partition_point(|known| known < group)).collect();
    let mut rows = vec![0usize; unique.len()];
    of_row.iter().for_each(|&group| rows[group] += 1);
    // Among groups of one size the last comes first, as reversing a stable ascending sort has it.
    let mut order: Vec<usize> = (0..unique.len()).collect();
    order.sort_by(|&a, &b| rows[b].cmp(&rows[a]).then(b.cmp(&a)));
    let mut weight = vec![0usize; n_splits];
    let mut fold_of_group = vec![0; unique.len()];
    for group in order {
        let lightest = (0..n_splits).min_by_key(|&fold| (weight[fold], fold)).unwrap_or(0);
        weight[lightest] += rows[group];
        fold_of_group[group] = lightest;
    }
    Ok(gather(&of_row.iter().map(|&group| fold_of_group[group]).collect::<Vec<_>>(), n_splits))
}

/// Folds given row by row, in ascending order of their numbers; -1 is in none.
pub(super) fn predefined(test_fold: &[i64]) -> Result<Vec<Vec<usize>>> {
    let mut unique: Vec<i64> = test_fold.iter().copied().filter(|&fold| fold != -1).collect();
    unique.sort_unstable();
    unique.dedup();
    if unique.is_empty() {
        return Err(fault("at least one fold other than -1", "none"));
    }
    let fold_of: Vec<usize> = test_fold
        .iter()
        .map(|fold| if *fold == -1 { usize::MAX } else { unique.partition_point(|known| known < fold) })
        .collect();
    Ok(gather(&fold_of, unique.len()))
}

/// Splits whose test rows follow their training rows.
pub(super) fn time_series(
    n_samples: usize,
    n_splits: usize,
    max_train_size: Option<usize>,
    test_size: Option<usize>,
    gap: usize,
) -> Result<Vec<Split>> {
    let size = test_size.unwrap_or(n_samples / (n_splits + 1));
    let needed = size.saturating_mul(n_splits).saturating_add(gap);
    if n_splits >= n_samples || needed >= n_samples {
        let found = format!("{n_splits} splits of {size} rows with gap {gap} for {n_samples} rows");
        return Err(fault("splits that leave rows to fit on", found));
    }
    let split = |index: usize| {
        let start = n_samples - (n_splits - index) * size;
        let end = start - gap;
        let first = max_train_size.map_or(0, |most| end.saturating_sub(most));
        Split { train: (first..end).collect(), test: (start..start + size).collect() }
    };
    Ok((0..n_splits).map(split).collect())
}
