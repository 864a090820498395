//! Random splits, drawn anew each time.

use rand_core::Rng;

use super::folds::classes_by_appearance;
use super::search::Split;
use super::splitter::{Size, check_listed, fault};
use crate::error::Result;
use crate::rng::{self, Purpose};

/// Rows to fit on and to score on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    train: usize,
    test: usize,
}

/// What random splits are asked for.
pub(super) struct Draws {
    pub(super) n_splits: usize,
    pub(super) test_size: Option<Size>,
    pub(super) train_size: Option<Size>,
    pub(super) seed: u64,
}

/// What is drawn, and the fraction of it that is scored on by default.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    pub(super) what: &'static str,
    pub(super) test: f64,
}

const ROWS: Drawn = Drawn { what: "rows", test: 0.1 };

impl Draws {
    /// How many rows are fitted and scored on, where all splits of them can be listed.
    fn rows(&self, n_samples: usize) -> Result<Sizes> {
        let sizes = self.sizes(n_samples, ROWS)?;
        check_listed(self.n_splits, sizes.train + sizes.test)?;
        Ok(sizes)
    }

    /// How many of `n_samples` rows a split lists; none where they cannot be split so.
    pub(super) fn n_listed(&self, n_samples: usize) -> usize {
        self.sizes(n_samples, ROWS).map_or(0, |sizes| sizes.train + sizes.test)
    }

    /// How many of `n_samples` rows (or groups) are fitted and scored on: fractions are rounded up for the test, down
    /// for the training rows.
    pub(super) fn sizes(&self, n_samples: usize, drawn: Drawn) -> Result<Sizes> {
        let Drawn { what, test: default } = drawn;
        let n = n_samples as f64;
        let rows = |size: Size, round: fn(f64) -> f64| match size {
            Size::Rows(rows) if rows > 0 && rows < n_samples => Ok(rows),
            Size::Fraction(fraction) if fraction > 0.0 && fraction < 1.0 => Ok(round(fraction * n) as usize),
            Size::Rows(found) => {
                Err(fault(format!("sizes from 1 to {}", n_samples.saturating_sub(1)), found.to_string()))
            }
            Size::Fraction(found) => Err(fault("fractions between 0 and 1", found.to_string())),
        };
        let test = self.test_size.map(|size| rows(size, f64::ceil)).transpose()?;
        let train = self.train_size.map(|size| rows(size, f64::floor)).transpose()?;
        let (train, test) = match (train, test) {
            (Some(train), Some(test)) => (train, test),
            (Some(train), None) => (train, n_samples.saturating_sub(train)),
            (None, test) => {
                let test = test.unwrap_or((default * n).ceil() as usize);
                (n_samples.saturating_sub(test), test)
            }
        };
        if train == 0 || test == 0 || train + test > n_samples {
            let found = format!("{train} {what} to fit on and {test} to score on of {n_samples}");
            return Err(fault(format!("sizes that leave {what} for both"), found));
        }
        Ok(Sizes { train, test })
    }
}

/// A split from rows in random order: the first ones are scored on, the next ones fitted on.
fn cut(order: &[usize], sizes: Sizes) -> Split {
    let (test, rest) = order.split_at(sizes.test);
    sorted(rest[..sizes.train].to_vec(), test.to_vec())
}

fn sorted(mut train: Vec<usize>, mut test: Vec<usize>) -> Split {
    train.sort_unstable();
    test.sort_unstable();
    Split { train, test }
}

/// Splits of all rows; split `i` draws from stream `i` of `seed`.
pub(super) fn plain(n_samples: usize, draws: &Draws) -> Result<Vec<Split>> {
    let sizes = draws.rows(n_samples)?;
    Ok((0..draws.n_splits).map(|index| draw(n_samples, sizes, draws.seed, index)).collect())
}

/// Split `index` of so many rows, or groups.
pub(super) fn draw(n: usize, sizes: Sizes, seed: u64, index: usize) -> Split {
    let mut order: Vec<usize> = (0..n).collect();
    rng::shuffle(&mut rng::stream(seed, Purpose::Split, index as u64), &mut order);
    cut(&order, sizes)
}

/// Splits with each class's share of rows.
pub(super) fn stratified(y: &[f64], draws: &Draws) -> Result<Vec<Split>> {
    let sizes = draws.rows(y.len())?;
    let (codes, n_classes) = classes_by_appearance(y);
    let mut rows = vec![Vec::new(); n_classes];
    codes.iter().enumerate().for_each(|(row, &code)| rows[code].push(row));
    if let Some(alone) = rows.iter().find(|rows| rows.len() < 2) {
        let found = format!("a class with one row ({})", alone[0]);
        return Err(fault("at least 2 rows of each class", found));
    }
    if sizes.train.min(sizes.test) < n_classes {
        let found = format!("{} rows to fit on and {} to score on", sizes.train, sizes.test);
        return Err(fault(format!("at least {n_classes} rows of each, one for each class"), found));
    }
    let split = |index: usize| {
        let mut rng = rng::stream(draws.seed, Purpose::Split, index as u64);
        let counts: Vec<usize> = rows.iter().map(Vec::len).collect();
        let train_of = shares(&counts, sizes.train, &mut rng);
        let left: Vec<usize> = counts.iter().zip(&train_of).map(|(count, train)| count - train).collect();
        let test_of = shares(&left, sizes.test, &mut rng);
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for ((rows, &n_train), &n_test) in rows.iter().zip(&train_of).zip(&test_of) {
            let mut order = rows.clone();
            rng::shuffle(&mut rng, &mut order);
            train.extend(order.drain(..n_train));
            test.extend(order.drain(..n_test));
        }
        sorted(train, test)
    };
    Ok((0..draws.n_splits).map(split).collect())
}

/// `n_draws` shared out in proportion to `counts`: the whole parts, and one more to the largest remainders, ties
/// broken at random (an approximate mode of the multivariate hypergeometric distribution, as in scikit-learn).
fn shares(counts: &[usize], n_draws: usize, rng: &mut impl Rng) -> Vec<usize> {
    let total: usize = counts.iter().sum();
    // In integers: count · n_draws = whole · total + remainder.
    let products: Vec<u128> = counts.iter().map(|&count| count as u128 * n_draws as u128).collect();
    let mut shares: Vec<usize> = products.iter().map(|product| (product / total as u128) as usize).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    rng::shuffle(rng, &mut order);
    order.sort_by_key(|&class| std::cmp::Reverse(products[class] % total as u128));
    let missing = n_draws - shares.iter().sum::<usize>();
    order[..missing].iter().for_each(|&class| shares[class] += 1);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_proportions() {
        let mut rng = rng::stream(0, Purpose::Split, 0);
        assert_eq!(shares(&[4, 2], 3, &mut rng), [2, 1]);
        assert_eq!(shares(&[5, 2], 4, &mut rng), [3, 1]);
        let tied = shares(&[2, 2, 2, 1], 2, &mut rng);
        assert_eq!((tied.iter().sum::<usize>(), tied[3]), (2, 0));
    }
}
