//! Folds: each row is scored on once (or never; once in each repeat), in scikit-learn's allocation.

use rand_core::Rng;

use super::search::Split;
use super::splitter::{check_listed, fault};
use crate::error::Result;
use crate::rng::{self, Purpose};

/// The rows of each test fold, ascending, from each row's fold; rows beyond `n_splits` are in none.
pub(super) fn gather(fold_of: &[usize], n_splits: usize) -> Vec<Vec<usize>> {
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

/// Checks that some class has a row for each fold, and warns where another has not.
pub(super) fn check_classes(counts: &[usize], n_splits: usize, warnings: &mut Vec<String>) -> Result<()> {
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
    Ok(())
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
    check_classes(&counts, n_splits, warnings)?;
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

/// The folds of `n_repeats` shuffles, one after the other; `of_seed` makes those of one.
///
/// The first repeat takes `seed` itself, so that it is what the splitter without repeats gives with `shuffle`, as in
/// scikit-learn; each other one has a seed of its own.
pub(super) fn repeated(
    n_repeats: usize,
    seed: u64,
    mut of_seed: impl FnMut(u64) -> Result<Vec<Vec<usize>>>,
) -> Result<Vec<Vec<usize>>> {
    let mut tests = of_seed(seed)?;
    for repeat in 1..n_repeats {
        tests.extend(of_seed(rng::stream(seed, Purpose::Repeat, repeat as u64).next_u64())?);
    }
    Ok(tests)
}

/// Each row by itself.
pub(super) fn leave_one_out(n_samples: usize) -> Result<Vec<Vec<usize>>> {
    if n_samples < 2 {
        return Err(fault("at least 2 rows", n_samples.to_string()));
    }
    check_listed(n_samples, n_samples)?;
    Ok((0..n_samples).map(|row| vec![row]).collect())
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
