//! The points of a grid, and points drawn from distributions.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::distribution::Distribution;
use super::splitter::fault;
use crate::error::{Error, Result};
use crate::rng::{self, Purpose};

/// One point of a search: parameters by name, in alphabetical order.
pub type Candidate = Map<String, Value>;

/// A sub-grid: parameters in alphabetical order, each with its values.
pub(super) type Axes = Vec<(String, Vec<Value>)>;

/// The most candidates that a search may have, and the most fits; beyond it the grid is certainly a mistake.
const MOST: u128 = 10_000_000;

/// How many points a sub-grid has.
fn n_points(axes: &Axes) -> u128 {
    axes.iter().fold(1, |product, (_, values)| u128::saturating_mul(product, values.len() as u128))
}

/// Point `index` of a sub-grid; the last parameter runs fastest.
fn point(axes: &Axes, mut index: u128) -> Candidate {
    let mut pairs: Vec<(String, Value)> = Vec::with_capacity(axes.len());
    for (name, values) in axes.iter().rev() {
        let n = values.len() as u128;
        pairs.push((name.clone(), values[(index % n) as usize].clone()));
        index /= n;
    }
    pairs.into_iter().rev().collect()
}

/// Point `index` of several sub-grids one after the other.
fn point_of_all(grids: &[Axes], mut index: u128) -> Candidate {
    for axes in grids {
        let n = n_points(axes);
        if index < n {
            return point(axes, index);
        }
        index -= n;
    }
    Candidate::new()
}

/// Checks that the fits can be counted and listed.
///
/// # Errors
/// [`Error::Job`] at `search.cv`.
pub(super) fn check_fits(n_candidates: usize, n_splits: usize) -> Result<()> {
    let n_candidates = n_candidates.max(1);
    match n_candidates as u128 * n_splits as u128 {
        ..=MOST => Ok(()),
        _ => Err(fault(
            format!("at most {MOST} fits"),
            format!("{n_splits} of each of {n_candidates} candidates"),
        )),
    }
}

/// Every point of `grids` in scikit-learn's order: grid by grid, parameters sorted by name, the last one fastest. Names
/// that stand without a prefix are sorted as if they had `prefix`, which scikit-learn's have behind steps.
///
/// # Errors
/// [`Error::Job`] at `search.grid` when there are more than 10,000,000.
pub fn parameter_grid(grids: &[Vec<(String, Vec<Value>)>], prefix: &str) -> Result<Vec<Candidate>> {
    let whole = |name: &String| if name.contains("__") { name.clone() } else { format!("{prefix}{name}") };
    let mut sorted = grids.to_vec();
    sorted.iter_mut().for_each(|axes| axes.sort_by_cached_key(|(name, _)| whole(name)));
    let total = sorted.iter().map(n_points).fold(0, u128::saturating_add);
    if total > MOST {
        return Err(Error::job("search.grid", format!("at most {MOST} candidates"), total.to_string()));
    }
    Ok(sorted.iter().flat_map(|axes| (0..n_points(axes)).map(|index| point(axes, index))).collect())
}

/// `n_iter` points drawn from `spaces`, each parameter in alphabetical order.
///
/// As in scikit-learn, when every parameter is a list the points are drawn without replacement (all of them when
/// there are fewer, with a warning); otherwise each is drawn on its own. Point `i` draws from stream `i` of `seed`.
///
/// # Errors
/// [`Error::Job`] at `search.n_iter` when there are more than 10,000,000.
pub(super) fn sample(
    spaces: &[Vec<(String, Distribution)>],
    n_iter: usize,
    seed: u64,
    warnings: &mut Vec<String>,
) -> Result<Vec<Candidate>> {
    let lists: Option<Vec<Axes>> = spaces.iter().map(|space| as_axes(space)).collect();
    let n_lists = lists.iter().flatten().map(n_points).fold(0, u128::saturating_add);
    let n_drawn = if lists.is_some() { n_lists.min(n_iter as u128) } else { n_iter as u128 };
    if n_drawn > MOST {
        return Err(Error::job("search.n_iter", format!("at most {MOST} candidates"), n_drawn.to_string()));
    }
    if let Some(grids) = lists {
        return Ok(sample_grid(&grids, n_iter, seed, warnings));
    }
    Ok((0..n_iter)
        .map(|index| {
            let mut rng = rng::stream(seed, Purpose::Candidates, index as u64);
            let space = &spaces[rng::below(&mut rng, spaces.len() as u64) as usize];
            space.iter().map(|(name, distribution)| (name.clone(), distribution.draw(&mut rng))).collect()
        })
        .collect())
}

/// The space as a grid, when all its distributions are lists.
fn as_axes(space: &[(String, Distribution)]) -> Option<Axes> {
    space
        .iter()
        .map(|(name, distribution)| match distribution {
            Distribution::Choice(values) => Some((name.clone(), values.clone())),
            _ => None,
        })
        .collect()
}

fn sample_grid(grids: &[Axes], n_iter: usize, seed: u64, warnings: &mut Vec<String>) -> Vec<Candidate> {
    let total = grids.iter().map(n_points).fold(0, u128::saturating_add);
    if total <= n_iter as u128 {
        if total < n_iter as u128 {
            warnings.push(format!(
                "The total space of parameters {total} is smaller than n_iter={n_iter}. Running {total} \
                 iterations. For exhaustive searches, use kind = \"grid\"."
            ));
        }
        return (0..total).map(|index| point_of_all(grids, index)).collect();
    }
    let mut rng = rng::stream(seed, Purpose::Candidates, 0);
    let bound = u64::try_from(total).unwrap_or(u64::MAX);
    // Floyd's sampling without replacement (Bentley & Floyd 1987), then in random order.
    let mut chosen: Vec<u64> = Vec::with_capacity(n_iter);
    let mut seen = BTreeSet::new();
    for last in bound - n_iter as u64..bound {
        let drawn = rng::below(&mut rng, last + 1);
        let index = if seen.insert(drawn) { drawn } else { last };
        seen.insert(index);
        chosen.push(index);
    }
    rng::shuffle(&mut rng, &mut chosen);
    chosen.into_iter().map(|index| point_of_all(grids, index.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_sampled_without_replacement() {
        let axis = |name: &str, n: usize| {
            (name.to_string(), Distribution::Choice((0..n).map(Value::from).collect()))
        };
        let spaces = [vec![axis("a", 4), axis("b", 5)], vec![axis("c", 3)]];
        for n_iter in [1, 7, 22, 23] {
            let mut warnings = Vec::new();
            let points = sample(&spaces, n_iter, 3, &mut warnings).unwrap();
            let distinct: BTreeSet<String> = points.iter().map(|point| json!(point).to_string()).collect();
            assert_eq!((distinct.len(), points.len(), warnings.len()), (n_iter, n_iter, 0));
        }
        let mut warnings = Vec::new();
        assert_eq!(sample(&spaces, 24, 3, &mut warnings).unwrap().len(), 23);
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn a_grid_beyond_reason_is_refused() {
        let axes = (0..40).map(|i| (format!("p{i}"), vec![json!(0), json!(1)])).collect();
        assert!(parameter_grid(&[axes], "").unwrap_err().to_string().contains("at most 10000000"));
    }
}
