//! Distinct rows at random, each with probability in proportion to its weight.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::frame::Frame;
use super::super::moments::Survey;
use super::{Seed, Step, of_block};
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Result};
use crate::kernel::Real;
use crate::rng::{below, uniform};

/// Draws `n` distinct rows and returns them relative to the shift, in the order of the draw: `(n, d)`.
///
/// # Collective
/// A look into the blocks of the rows drawn; with weights a pass with a reduction of `n` rows.
///
/// # Errors
/// When fewer rows have a weight.
pub(super) fn rows<T: Real>(
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    survey: &Survey,
    n: usize,
    seed: Seed,
) -> Result<Vec<f64>> {
    if survey.positive < n as u64 {
        let found = format!("{} of them", survey.positive);
        let expected = format!("at least {n} rows with a weight above 0");
        return Err(Error::data(engine.origin(), Default::default(), expected, found));
    }
    if survey.weighted.is_some() {
        let seed = seed.of_blocks(Step::Rows, 0);
        let race = engine.run_once(&RacePass { frame, most: n, seed })?;
        return Ok(race.rows.into_iter().flat_map(|racer| racer.x).collect());
    }
    any_rows(engine, frame, n, seed)
}

/// Draws `n` distinct rows of equal weight, of which there must be so many, as [`rows`] does.
///
/// # Collective
/// A look into the blocks of the rows drawn.
///
/// # Errors
/// What the blocks' source returns.
pub(super) fn any_rows<T: Real>(
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    n: usize,
    seed: Seed,
) -> Result<Vec<f64>> {
    let (mut rng, n_samples) = (seed.stream(Step::Rows, 0), engine.shape().n_samples);
    let (mut seen, mut drawn) = (BTreeSet::new(), Vec::with_capacity(n));
    while drawn.len() < n {
        let row = below(&mut rng, n_samples);
        if seen.insert(row) {
            drawn.push(row);
        }
    }
    fetch(engine, frame, &drawn)
}

/// The rows with these global numbers, relative to the shift, in the order of the list.
///
/// # Collective
/// Each of their blocks is visited once, where it is.
///
/// # Errors
/// What the blocks' source returns.
pub(super) fn fetch<T: Real>(
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    rows: &[u64],
) -> Result<Vec<f64>> {
    let block_rows = engine.shape().block_rows as u64;
    let mut sorted = rows.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut blocks: Vec<usize> = sorted.iter().map(|row| (row / block_rows) as usize).collect();
    blocks.dedup();
    let found = engine.at_blocks(&blocks, |block| {
        let wanted = sorted.iter().filter(|&&row| (row / block_rows) as usize == block.index);
        let row = |&row: &u64| frame.centered(block.row((row - block.first_row) as usize));
        Ok(wanted.map(row).collect::<Vec<_>>())
    })?;
    let found: Vec<Vec<f64>> = found.into_iter().flatten().collect();
    let place = |row: &u64| sorted.binary_search(row).map_err(|_| Error::internal("a row got lost"));
    let mut centered = Vec::with_capacity(rows.len() * frame.d());
    for row in rows {
        centered.extend_from_slice(&found[place(row)?]);
    }
    Ok(centered)
}

/// A row with the moment at which its clock rings.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Racer {
    time: f64,
    row: u64,
    x: Vec<f64>,
}

/// The rows that ring first, in that order.
#[derive(Debug, Serialize, Deserialize)]
struct Race {
    most: usize,
    rows: Vec<Racer>,
}

impl Race {
    fn takes(&self, time: f64) -> bool {
        self.rows.len() < self.most || self.rows.last().is_some_and(|last| time < last.time)
    }

    fn insert(&mut self, racer: Racer) {
        let before = |other: &Racer| (other.time, other.row) < (racer.time, racer.row);
        let at = self.rows.partition_point(before);
        self.rows.insert(at, racer);
        self.rows.truncate(self.most);
    }
}

impl Partial for Race {
    fn merge(&mut self, right: Self) {
        right.rows.into_iter().for_each(|racer| self.insert(racer));
    }
}

/// Draws without replacement in one pass: exponential clocks with the weights as rates, the first to ring win.
///
/// # References
/// Efraimidis & Spirakis, "Weighted random sampling with a reservoir", Inf. Process. Lett. 97 (2006).
struct RacePass<'a, T> {
    frame: &'a Frame<T>,
    most: usize,
    seed: u64,
}

impl<T: Real> Pass<T> for RacePass<'_, T> {
    type Partial = Race;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Race> {
        let mut rng = of_block(self.seed, block.index);
        let mut race = Race { most: self.most, rows: Vec::new() };
        for (i, &weight) in block.weights.iter().enumerate() {
            // 1 − u is never 0, so that the logarithm is finite.
            let time = -(1.0 - uniform(&mut rng)).ln() / weight;
            if weight > 0.0 && race.takes(time) {
                race.insert(Racer {
                    time,
                    row: block.first_row + i as u64,
                    x: self.frame.centered(block.row(i)),
                });
            }
        }
        Ok(race)
    }
}
