//! What a unit of an estimator's cost model takes here.

use std::time::Instant;

use super::search::{Searchable, Split};

/// Rows to fit on and to score on in the calibration.
const ROWS: (usize, usize) = (1000, 250);

/// An estimate of the seconds that a unit of the chains' cost takes on this rank: the cheapest chain of the first
/// fold, on a part of its rows, timed once.
///
/// The work is always the same; its time is not. `None` where nothing can be told, as when that fit fails.
pub fn seconds_per_cost(searchable: &dyn Searchable, splits: &[Split]) -> Option<f64> {
    let first = splits.first()?;
    // Every so-many-th row: the first ones may all be of one class.
    let part = |rows: &[usize], most: usize| -> Vec<usize> {
        rows.iter().copied().step_by(rows.len().div_ceil(most).max(1)).collect()
    };
    let mut parts = splits.to_vec();
    parts[0] = Split { train: part(&first.train, ROWS.0), test: part(&first.test, ROWS.1) };
    let chains = searchable.chains(&parts);
    let of_first = chains.iter().filter(|chain| chain.cost > 0.0 && chain.fits.iter().all(|id| id.fold == 0));
    let cheapest = of_first.min_by(|a, b| a.cost.total_cmp(&b.cost))?;
    // What is made on first use is not a fit's: only the second time counts.
    let mut elapsed_s = 0.0;
    for _ in 0..2 {
        let start = Instant::now();
        searchable.run(cheapest, &parts, &mut |_| Ok(())).ok()?;
        elapsed_s = start.elapsed().as_secs_f64();
    }
    Some(elapsed_s / cheapest.cost)
}
