//! What a search takes here, in seconds.

use std::time::Instant;

use super::search::{Chain, Searchable, Split};

/// Rows to fit on and to score on in the trials of the calibration.
const TRIALS: [(usize, usize); 5] =
    [(1000, 250), (4000, 1000), (16_000, 4000), (64_000, 16_000), (256_000, 64_000)];

/// Rows of the folds that are not timed.
const PLACE: (usize, usize) = (8, 2);

/// Seconds after which the next trial, on four times as many rows, is left out: what all fits do whatever their rows takes
/// a few thousandths.
const ENOUGH: f64 = 0.05;

/// How seconds may grow with the cost: as its 0.2nd to its 1.2th power.
const GROWTH: (f64, f64) = (0.2, 1.2);

/// An estimate of the seconds that a unit of the chains' cost takes on this rank.
///
/// The middle chain of a fold by cost is timed on parts of the first fold's rows, two or more until there is something to
/// time. Costs are worst cases in the number of rows; how seconds really grow with them is taken from the last two trials and
/// carried on to all rows. `None` where nothing can be told, as when that fit fails.
pub fn seconds_per_cost(searchable: &dyn Searchable, splits: &[Split]) -> Option<f64> {
    let full = middle(searchable.chains(splits), 0)?.cost;
    let trials = Trials::of(splits)?;
    let (mut few, mut next) = (trials.time(searchable, 0)?, 1);
    loop {
        if few.cost >= full {
            return Some(few.seconds / few.cost);
        }
        let many = trials.time(searchable, next)?;
        next += 1;
        if many.seconds >= ENOUGH || next == TRIALS.len() {
            return Some(carried_on(&few, &many, full) / full);
        }
        few = many;
    }
}

/// Seconds for the cost `full`.
fn carried_on(few: &Trial, many: &Trial, full: f64) -> f64 {
    let growth = (many.seconds / few.seconds).ln() / (many.cost / few.cost).ln();
    let growth = if growth.is_finite() { growth.clamp(GROWTH.0, GROWTH.1) } else { 1.0 };
    many.seconds * (full / many.cost).powf(growth)
}

struct Trial {
    cost: f64,
    seconds: f64,
}

/// As many folds as the search has, and behind them two of the same rows for each trial.
///
/// A search may take a fit from another one of its fold that it must equal: a chain that is timed has a fold of its own.
struct Trials {
    folds: Vec<Split>,
    n_folds: usize,
}

impl Trials {
    fn of(splits: &[Split]) -> Option<Self> {
        let first = splits.first()?;
        // Every so-many-th row: the first ones may all be of one class.
        let part = |rows: &[usize], most: usize| -> Vec<usize> {
            rows.iter().copied().step_by(rows.len().div_ceil(most).max(1)).collect()
        };
        // Those before the trials' hold places only: all rows of many folds are too many to be listed twice.
        let place = Split { train: part(&first.train, PLACE.0), test: part(&first.test, PLACE.1) };
        let mut folds = vec![place; splits.len()];
        for (train, test) in TRIALS {
            let fold = Split { train: part(&first.train, train), test: part(&first.test, test) };
            folds.extend([fold.clone(), fold]);
        }
        Some(Self { folds, n_folds: splits.len() })
    }

    /// The middle chain of a fold, on the rows of a trial.
    fn time(&self, searchable: &dyn Searchable, trial: usize) -> Option<Trial> {
        let (mut cost, mut seconds) = (0.0, 0.0);
        // What is made on first use is not a fit's: only the second time counts.
        for fold in [0, 1].map(|time| self.n_folds + 2 * trial + time) {
            let chain = middle(searchable.chains(&self.folds), fold)?;
            let start = Instant::now();
            searchable.run(&chain, &self.folds, &mut |_| Ok(())).ok()?;
            (cost, seconds) = (chain.cost, start.elapsed().as_secs_f64());
        }
        Some(Trial { cost, seconds })
    }
}

/// The chain of a fold than which as many cost more as less: the cheapest may do next to nothing but what all do.
fn middle(chains: Vec<Chain>, fold: usize) -> Option<Chain> {
    let of_fold = |chain: &Chain| chain.cost > 0.0 && chain.fits.iter().all(|id| id.fold == fold);
    let mut chains: Vec<Chain> = chains.into_iter().filter(of_fold).collect();
    chains.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let middle = chains.len() / 2;
    (middle < chains.len()).then(|| chains.swap_remove(middle))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::engine::sweep::{FitId, FitOutcome};
    use crate::error::{Error, Result};
    use crate::estimator::Model;

    /// Three chains a fold, of 1, 2 and 4 units a training row; the folds of the chains done, and by which candidate.
    #[derive(Default)]
    struct Noting {
        done: Mutex<Vec<(usize, usize, usize)>>,
        /// From so many rows on fits take long.
        long_from: Option<usize>,
    }

    impl Searchable for Noting {
        fn n_candidates(&self) -> usize {
            3
        }

        fn chains(&self, splits: &[Split]) -> Vec<Chain> {
            let of = |(fold, split): (usize, &Split)| {
                let rows = split.train.len() as f64;
                [4.0, 1.0, 2.0].into_iter().enumerate().map(move |(candidate, unit)| Chain {
                    fits: vec![FitId { candidate, fold }],
                    cost: unit * rows,
                })
            };
            splits.iter().enumerate().flat_map(of).collect()
        }

        fn run(
            &self,
            chain: &Chain,
            splits: &[Split],
            _emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
        ) -> Result<()> {
            let id = chain.fits[0];
            let n_rows = splits[id.fold].train.len();
            self.done.lock().unwrap().push((id.fold, id.candidate, n_rows));
            if self.long_from.is_some_and(|long| n_rows >= long) {
                std::thread::sleep(Duration::from_secs_f64(1.1 * ENOUGH));
            }
            Ok(())
        }

        fn refit(&self, _candidate: usize) -> Result<Model> {
            Err(Error::internal("no refit"))
        }
    }

    #[test]
    fn every_trial_is_a_fold_of_its_own_and_the_middle_chain() {
        let rows = |n: usize| Split { train: (0..n).collect(), test: vec![n] };
        let done = |n: usize, long_from: Option<usize>| {
            let noting = Noting { long_from, ..Noting::default() };
            assert!(seconds_per_cost(&noting, &[rows(n), rows(n)]).is_some_and(|unit| unit >= 0.0));
            noting.done.into_inner().unwrap()
        };
        let few = [(2, 2, 1000), (3, 2, 1000), (4, 2, 4000), (5, 2, 4000)];
        assert_eq!(done(8000, Some(4000)), few);
        assert_eq!(done(8000, Some(1000)), few, "one trial tells of no growth");
        // Fits too short to be timed, until all rows are those of a trial.
        assert_eq!(done(8000, None), [&few[..], &[(6, 2, 8000), (7, 2, 8000)]].concat());
        assert_eq!(done(600, None), [(2, 2, 600), (3, 2, 600)]);
        assert!(seconds_per_cost(&Noting::default(), &[]).is_none());
    }
}
