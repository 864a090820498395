//! k-means||: many candidates in a few passes, weighed by the rows nearest to them and clustered themselves.
//!
//! A round draws each row with probability min(1, ℓ·w·d²/φ), d the distance to the nearest candidate of earlier
//! rounds, φ = Σ w·d². Drawing needs φ, which only the whole pass knows; but φ only grows while partials merge. So a
//! row with random number u is carried along as long as u·φ < ℓ·w·d² holds with the φ seen so far, and those that hold
//! to the end are drawn: one pass a round, and about ℓ rows in a message. The first round needs no more than one row
//! and goes along with the survey.
//!
//! # References
//! Bahmani, Moseley, Vattani, Kumar, Vassilvitskii, "Scalable k-means++", VLDB 2012, algorithm 2.

mod hunt;
mod opening;
mod passes;
mod sample;

use super::super::frame::Frame;
use super::super::moments::Survey;
use super::super::params::Rounds;
use super::{Seed, Step, draw, recluster};
use crate::engine::pass::PassEngine;
use crate::error::Result;
use crate::kernel::Real;
use hunt::Hunt;
pub(in super::super) use opening::Opening;
pub(super) use opening::open;
use passes::{RoundPass, WeighPass};
use sample::{Drawing, Sample};

/// Rounds in which too few candidates are waited for, beyond those asked for.
const MOST_EXTRA_ROUNDS: usize = 50;

/// Candidates of one start, round by round, relative to the shift.
pub(super) struct Candidates {
    /// The first row, then what each round drew.
    rounds: Vec<Vec<f64>>,
    /// φ is 0: every row is a candidate, or equal to one.
    exhausted: bool,
}

impl Candidates {
    fn new(first: Vec<f64>) -> Self {
        Self { rounds: vec![first], exhausted: false }
    }

    fn all(&self) -> Vec<f64> {
        self.rounds.concat()
    }

    /// Takes the rows that a round drew.
    fn add<T: Real>(&mut self, sample: Sample, frame: &Frame<T>) {
        self.exhausted = sample.phi == 0.0;
        self.rounds.push(sample.rows_about(&frame.shift));
    }
}

/// The first centroids of each seed's run of each of the `sizes`, size by size.
pub(super) fn centers<T: Real>(
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    survey: &Survey,
    opening: Option<Opening>,
    sizes: &[usize],
    seeds: &[Seed],
    rounds: Rounds,
) -> Result<Vec<Vec<f64>>> {
    let k = sizes.iter().copied().max().unwrap_or(1);
    let mut starts = match opening {
        Some(opening) => opening.candidates(frame),
        None => first_rows(engine, frame, survey, seeds)?,
    };
    let mut nearest = engine.memory();
    // A start has its first row and what the rounds so far have drawn.
    for round in starts.first().map_or(0, |start| start.rounds.len() - 1)..rounds.number + MOST_EXTRA_ROUNDS {
        let enough =
            |c: &Candidates| c.exhausted || (round >= rounds.number && c.all().len() >= k * frame.d());
        if starts.iter().all(enough) {
            break;
        }
        let hunts = hunts(frame, &starts);
        let samples = engine.run(
            &RoundPass { frame, hunts, drawing: Drawing::of_round(rounds.oversampling, seeds, round) },
            &mut nearest,
        )?;
        starts.iter_mut().zip(samples).for_each(|(start, sample)| start.add(sample, frame));
    }
    let weighed = engine.run(&WeighPass { frame, hunts: hunts(frame, &starts) }, &mut nearest)?;
    drop(nearest);
    let mut weighted = Vec::new();
    for ((start, mut weights), &seed) in starts.iter().zip(weighed).zip(seeds) {
        let mut points = start.all();
        let missing = k.saturating_sub(weights.len());
        if missing > 0 {
            // Fewer distinct rows than clusters, as far as was seen: fill up with any rows.
            points.extend(draw::rows(engine, frame, survey, missing.min(survey.positive as usize), seed)?);
            weights.resize(points.len() / frame.d(), 0.0);
        }
        weighted.push((points, weights, seed));
    }
    let cluster = |k: usize, (points, weights, seed): &(Vec<f64>, Vec<f64>, Seed)| {
        recluster::centers(points, weights, k, frame, &mut seed.stream(Step::Recluster, 0))
    };
    let cluster = &cluster;
    Ok(sizes.iter().flat_map(|&k| weighted.iter().map(move |start| cluster(k, start))).collect())
}

/// One row for each seed, in proportion to the weights.
fn first_rows<T: Real>(
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    survey: &Survey,
    seeds: &[Seed],
) -> Result<Vec<Candidates>> {
    seeds.iter().map(|&seed| Ok(Candidates::new(draw::rows(engine, frame, survey, 1, seed)?))).collect()
}

fn hunts<'a, T: Real>(frame: &'a Frame<T>, starts: &[Candidates]) -> Vec<Hunt<'a, T>> {
    starts.iter().map(|start| Hunt::new(frame, start)).collect()
}
