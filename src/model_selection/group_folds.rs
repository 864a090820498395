//! Splits that keep the rows of a group together.

use super::folds::{gather, k_fold};
use super::search::Split;
use super::shuffle_split::{Drawn, Draws, draw};
use super::splitter::{MOST_ROWS, check_listed, fault};
use crate::error::Result;

/// Each row's group, numbered in ascending order.
pub(super) struct Groups {
    pub(super) of_row: Vec<usize>,
    /// How many groups there are.
    pub(super) n: usize,
}

impl Groups {
    pub(super) fn new(groups: &[i64]) -> Self {
        let mut unique = groups.to_vec();
        unique.sort_unstable();
        unique.dedup();
        let number = |group: &i64| unique.partition_point(|known| known < group);
        Self { of_row: groups.iter().map(number).collect(), n: unique.len() }
    }

    /// Checks that each fold can have a group.
    ///
    /// # Errors
    /// [`Error::Job`](crate::Error::Job) at `search.cv`.
    pub(super) fn check(&self, n_splits: usize) -> Result<()> {
        if n_splits <= self.n {
            return Ok(());
        }
        Err(fault("no more folds than groups", format!("{n_splits} folds of {} groups", self.n)))
    }

    /// The rows of each group, ascending.
    pub(super) fn rows(&self) -> Vec<Vec<usize>> {
        gather(&self.of_row, self.n)
    }

    /// The rows of each fold, from each group's fold.
    pub(super) fn folds(&self, fold_of_group: &[usize], n_splits: usize) -> Vec<Vec<usize>> {
        gather(&self.of_row.iter().map(|&group| fold_of_group[group]).collect::<Vec<_>>(), n_splits)
    }
}

/// Folds that keep groups together: the largest group goes to the lightest fold, and so on; when a seed is given as many
/// groups in each, or nearly, in a random order.
pub(super) fn group_k_fold(groups: &[i64], n_splits: usize, seed: Option<u64>) -> Result<Vec<Vec<usize>>> {
    let groups = Groups::new(groups);
    groups.check(n_splits)?;
    if seed.is_some() {
        let (rows, chosen) = (groups.rows(), k_fold(groups.n, n_splits, seed)?);
        return Ok(chosen.iter().map(|chosen| joined(&rows, chosen)).collect());
    }
    let mut rows = vec![0usize; groups.n];
    groups.of_row.iter().for_each(|&group| rows[group] += 1);
    // Among groups of one size the last comes first, as reversing a stable ascending sort has it.
    let mut order: Vec<usize> = (0..groups.n).collect();
    order.sort_by(|&a, &b| rows[b].cmp(&rows[a]).then(b.cmp(&a)));
    let mut weight = vec![0usize; n_splits];
    let mut fold_of_group = vec![0; groups.n];
    for group in order {
        let lightest = (0..n_splits).min_by_key(|&fold| (weight[fold], fold)).unwrap_or(0);
        weight[lightest] += rows[group];
        fold_of_group[group] = lightest;
    }
    Ok(groups.folds(&fold_of_group, n_splits))
}

/// The rows of every choice of `n_out` groups, in the lexicographic order of the groups' numbers.
pub(super) fn leave_groups_out(groups: &[i64], n_out: usize) -> Result<Vec<Vec<usize>>> {
    let (n_samples, groups) = (groups.len(), Groups::new(groups));
    if n_out >= groups.n {
        return Err(fault(format!("at least {} groups", n_out.saturating_add(1)), groups.n.to_string()));
    }
    if choices(groups.n, n_out).is_none_or(|n_splits| n_splits.saturating_mul(n_samples as u128) > MOST_ROWS)
    {
        let found = format!("every choice of {n_out} among {} groups of {n_samples} rows", groups.n);
        return Err(fault(format!("splits of at most {MOST_ROWS} rows in all"), found));
    }
    let rows = groups.rows();
    let mut chosen: Vec<usize> = (0..n_out).collect();
    let mut tests = Vec::new();
    loop {
        tests.push(joined(&rows, &chosen));
        if !advance(&mut chosen, groups.n) {
            return Ok(tests);
        }
    }
}

/// The rows of the chosen groups, ascending.
fn joined(rows: &[Vec<usize>], chosen: &[usize]) -> Vec<usize> {
    let mut all = Vec::with_capacity(chosen.iter().map(|&group| rows[group].len()).sum());
    chosen.iter().for_each(|&group| all.extend_from_slice(&rows[group]));
    all.sort_unstable();
    all
}

/// How many choices of `k` among `n` there are; none where a `u128` does not hold them.
pub(super) fn choices(n: usize, k: usize) -> Option<u128> {
    let k = k.min(n.saturating_sub(k));
    (0..k).try_fold(1u128, |product, i| Some(product.checked_mul((n - i) as u128)? / (i + 1) as u128))
}

/// Makes of ascending numbers below `n` the next such choice in lexicographic order, if there is one.
fn advance(chosen: &mut [usize], n: usize) -> bool {
    let most = n - chosen.len();
    let Some(at) = (0..chosen.len()).rev().find(|&at| chosen[at] < most + at) else { return false };
    chosen[at] += 1;
    for next in at + 1..chosen.len() {
        chosen[next] = chosen[next - 1] + 1;
    }
    true
}

const GROUPS: Drawn = Drawn { what: "groups", test: 0.2 };

/// Random groups to score on; sizes are numbers or fractions of groups.
pub(super) fn group_shuffle_split(groups: &[i64], draws: &Draws) -> Result<Vec<Split>> {
    let (n_samples, groups) = (groups.len(), Groups::new(groups));
    let sizes = draws.sizes(groups.n, GROUPS)?;
    check_listed(draws.n_splits, n_samples)?;
    let rows = groups.rows();
    let split = |index: usize| {
        let drawn = draw(groups.n, sizes, draws.seed, index);
        Split { train: joined(&rows, &drawn.train), test: joined(&rows, &drawn.test) }
    };
    Ok((0..draws.n_splits).map(split).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_those_of_itertools() {
        let (mut chosen, mut all) = (vec![0, 1, 2], vec![vec![0, 1, 2]]);
        while advance(&mut chosen, 5) {
            all.push(chosen.clone());
        }
        // list(itertools.combinations(range(5), 3)) of Python.
        let digits = ["012", "013", "014", "023", "024", "034", "123", "124", "134", "234"];
        let expected: Vec<Vec<usize>> =
            digits.iter().map(|text| text.bytes().map(|digit| usize::from(digit - b'0')).collect()).collect();
        assert_eq!(all, expected);
        for (n, k, count) in [(5, 3, 10), (5, 2, 10), (7, 1, 7), (6, 0, 1), (6, 6, 1), (52, 5, 2_598_960)] {
            assert_eq!(choices(n, k), Some(count));
        }
        assert_eq!(choices(100_000, 5_000), None);
    }
}
