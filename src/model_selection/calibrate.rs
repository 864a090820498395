//! What a search takes here, in seconds.

use std::time::Instant;

use super::search::{Chain, Searchable, Split};

/// Rows to fit on and to score on in the two trials of the calibration.
const TRIALS: [(usize, usize); 2] = [(1000, 250), (4000, 1000)];

/// How seconds may grow with the cost: as its 0.2nd to its 1.2th power.
const GROWTH: (f64, f64) = (0.2, 1.2);

/// An estimate of the seconds that a unit of the chains' cost takes on this rank.
///
/// The cheapest chain of the first fold is timed on two parts of its rows. Costs are worst cases in the number of rows; how
/// seconds really grow with them is taken from the two trials and carried on to all rows. The work is always the
/// same; its time is not. `None` where nothing can be told, as when that fit fails.
pub fn seconds_per_cost(searchable: &dyn Searchable, splits: &[Split]) -> Option<f64> {
    let full = cheapest(searchable.chains(splits))?.cost;
    let few = trial(searchable, splits, TRIALS[0])?;
    if few.cost >= full {
        return Some(few.seconds / few.cost);
    }
    let many = trial(searchable, splits, TRIALS[1])?;
    let growth = (many.seconds / few.seconds).ln() / (many.cost / few.cost).ln();
    let growth = if growth.is_finite() { growth.clamp(GROWTH.0, GROWTH.1) } else { 1.0 };
    Some(many.seconds * (full / many.cost).powf(growth) / full)
}

struct Trial {
    cost: f64,
    seconds: f64,
}

/// The cheapest chain of the first fold on a part of its rows.
fn trial(searchable: &dyn Searchable, splits: &[Split], (train, test): (usize, usize)) -> Option<Trial> {
    let first = splits.first()?;
    // Every so-many-th row: the first ones may all be of one class.
    let part = |rows: &[usize], most: usize| -> Vec<usize> {
        rows.iter().copied().step_by(rows.len().div_ceil(most).max(1)).collect()
    };
    let mut parts = splits.to_vec();
    parts[0] = Split { train: part(&first.train, train), test: part(&first.test, test) };
    let chain = cheapest(searchable.chains(&parts))?;
    // What is made on first use is not a fit's: only the second time counts.
    let mut seconds = 0.0;
    for _ in 0..2 {
        let start = Instant::now();
        searchable.run(&chain, &parts, &mut |_| Ok(())).ok()?;
        seconds = start.elapsed().as_secs_f64();
    }
    Some(Trial { cost: chain.cost, seconds })
}

/// The cheapest chain of the first fold.
fn cheapest(chains: Vec<Chain>) -> Option<Chain> {
    let of_first = |chain: &Chain| chain.cost > 0.0 && chain.fits.iter().all(|id| id.fold == 0);
    chains.into_iter().filter(of_first).min_by(|a, b| a.cost.total_cmp(&b.cost))
}
