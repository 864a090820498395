//! k-means||: many candidates in a few passes, weighed by the rows nearest to them and clustered themselves.
//!
//! A round draws each row with probability min(1, ℓ·w·d²/φ), d the distance to the nearest candidate of earlier
//! rounds, φ = Σ w·d². Drawing needs φ, which only the whole pass knows; but φ only grows while partials merge. So a row with random
//! number u is carried along as long as u·φ < ℓ·w·d² holds with the φ seen so far, and those that hold to the end are
//! drawn: one pass a round, and about ℓ rows in a message.
//!
//! # References
//! Bahmani, Moseley, Vattani, Kumar, Vassilvitskii, "Scalable k-means++", VLDB 2012, algorithm 2.

use serde::{Deserialize, Serialize};

use super::super::frame::{CHUNK, Frame};
use super::super::moments::Survey;
use super::{Seed, Step, draw, of_block, recluster};
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::lloyd::{Centroids, Rows, Scratch, assign};
use crate::rng::uniform;

/// Rounds in which too few candidates are waited for, beyond those asked for.
const MOST_EXTRA_ROUNDS: usize = 50;

/// Candidates of one start, round by round, relative to the shift.
#[derive(Default)]
struct Candidates {
    rounds: Vec<Vec<f64>>,
    /// φ is 0: every row is a candidate, or equal to one.
    exhausted: bool,
}

impl Candidates {
    fn all(&self) -> Vec<f64> {
        self.rounds.concat()
    }
}

/// The first centroids of each seed's run.
pub(super) fn centers<T: Real>(
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    survey: &Survey,
    k: usize,
    seeds: &[Seed],
    (oversampling, rounds): (f64, usize),
) -> Result<Vec<Vec<f64>>> {
    let mut starts: Vec<Candidates> = Vec::new();
    for &seed in seeds {
        let first = draw::rows(engine, frame, survey, 1, seed)?;
        starts.push(Candidates { rounds: vec![first], exhausted: false });
    }
    let mut nearest = engine.memory();
    let keep = engine.all_resident();
    for round in 0..rounds + MOST_EXTRA_ROUNDS {
        let enough = |c: &Candidates| c.exhausted || (round >= rounds && c.all().len() >= k * frame.d());
        if starts.iter().all(enough) {
            break;
        }
        let of_round = |seed: &Seed| seed.of_blocks(Step::Round, round);
        let draws = Some(Draws { oversampling, seeds: seeds.iter().map(of_round).collect() });
        let samples = engine.run(&RoundPass::new(frame, &starts, draws, keep), &mut nearest)?;
        for (candidates, sample) in starts.iter_mut().zip(samples) {
            candidates.exhausted = sample.phi == 0.0;
            candidates.rounds.push(sample.drawn.into_iter().flat_map(|drawn| drawn.x).collect());
        }
    }
    let weighed = engine.run(&RoundPass::new(frame, &starts, None, keep), &mut nearest)?;
    let mut all = Vec::new();
    for ((candidates, sample), &seed) in starts.iter().zip(weighed).zip(seeds) {
        let mut points = candidates.all();
        let mut weights = sample.weights;
        let missing = k.saturating_sub(weights.len());
        if missing > 0 {
            // Fewer distinct rows than clusters, as far as was seen: fill up with any rows.
            points.extend(draw::rows(engine, frame, survey, missing.min(survey.positive as usize), seed)?);
            weights.resize(points.len() / frame.d(), 0.0);
        }
        all.push(recluster::centers(&points, &weights, k, frame, &mut seed.stream(Step::Recluster, 0)));
    }
    Ok(all)
}

/// What the rounds draw with.
struct Draws {
    oversampling: f64,
    /// One entry a start.
    seeds: Vec<u64>,
}

/// A row on its way to become a candidate.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Drawn {
    u: f64,
    /// ℓ·w·d².
    mass: f64,
    x: Vec<f64>,
}

/// What blocks add to one start's round.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sample {
    /// Σ w·d².
    phi: f64,
    /// Rows that are drawn if φ is what has been seen of it.
    drawn: Vec<Drawn>,
    /// Weight of the rows nearest to each candidate; empty in a round that draws.
    weights: Vec<f64>,
}

impl Sample {
    fn prune(&mut self) {
        let phi = self.phi;
        self.drawn.retain(|drawn| drawn.u * phi < drawn.mass);
    }
}

impl Partial for Sample {
    fn merge(&mut self, right: Self) {
        self.phi += right.phi;
        self.drawn.extend(right.drawn);
        self.prune();
        self.weights.merge(right.weights);
    }
}

/// The nearest candidate of a block's rows among those of the first `rounds` rounds.
#[derive(Default)]
pub(super) struct Nearest {
    rounds: usize,
    distance: Vec<f64>,
    index: Vec<u32>,
}

/// The candidates of one round, relative to the shift, as they are and packed.
type Round<'a, T> = (&'a [f64], Centroids<T>);

/// One round for every start: brings the nearest candidates up to date, then draws or weighs.
struct RoundPass<'a, T> {
    frame: &'a Frame<T>,
    /// For each start and round the candidates; nothing where a round drew none.
    starts: Vec<Vec<Option<Round<'a, T>>>>,
    n_candidates: Vec<usize>,
    draws: Option<Draws>,
    /// Whether the nearest are kept from pass to pass: 12 bytes a row and start. Same bits either way.
    keep: bool,
}

impl<'a, T: Real> RoundPass<'a, T> {
    fn new(frame: &'a Frame<T>, starts: &'a [Candidates], draws: Option<Draws>, keep: bool) -> Self {
        let pack = |c: &'a Vec<f64>| (!c.is_empty()).then(|| (c.as_slice(), frame.pack(c)));
        Self {
            frame,
            starts: starts.iter().map(|c| c.rounds.iter().map(pack).collect()).collect(),
            n_candidates: starts.iter().map(|c| c.all().len() / frame.d()).collect(),
            draws,
            keep,
        }
    }

    /// Takes the candidates of rounds that `nearest` has not seen into account, for a chunk of rows.
    fn lower(
        &self,
        start: usize,
        seen: usize,
        rows: &Rows<'_, T>,
        scratch: &mut Scratch<T>,
        to: (&mut [f64], &mut [u32]),
    ) {
        let mut before = 0;
        let (mut labels, mut distances) = ([0; CHUNK], [0.0; CHUNK]);
        let (labels, distances) = (&mut labels[..rows.len()], &mut distances[..rows.len()]);
        for (round, candidates) in self.starts[start].iter().enumerate() {
            let Some((centered, packed)) = candidates else { continue };
            if round >= seen {
                assign(rows, packed, scratch, labels, None);
                self.frame.distances(rows, centered, labels, distances);
                for (i, &distance) in distances.iter().enumerate() {
                    if distance < to.0[i] {
                        (to.0[i], to.1[i]) = (distance, before + labels[i]);
                    }
                }
            }
            before += packed.n_clusters() as u32;
        }
    }

    fn sample(
        &self,
        block: &Block<T>,
        start: usize,
        nearest: &mut Nearest,
        scratch: &mut Scratch<T>,
    ) -> Sample {
        nearest.distance.resize(block.n_rows, f64::INFINITY);
        nearest.index.resize(block.n_rows, 0);
        let weights = if self.draws.is_some() { 0 } else { self.n_candidates[start] };
        let mut sample = Sample { phi: 0.0, drawn: Vec::new(), weights: vec![0.0; weights] };
        let mut draws = self.draws.as_ref().map(|d| (d.oversampling, of_block(d.seeds[start], block.index)));
        for (first, rows) in self.frame.chunks(block) {
            let distance = &mut nearest.distance[first..first + rows.len()];
            let index = &mut nearest.index[first..first + rows.len()];
            self.lower(start, nearest.rounds, &rows, scratch, (&mut *distance, &mut *index));
            let Some((oversampling, rng)) = &mut draws else {
                index.iter().enumerate().for_each(|(i, &c)| sample.weights[c as usize] += rows.weight(i));
                continue;
            };
            for (i, &d2) in distance.iter().enumerate() {
                let mass = rows.weight(i) * d2;
                sample.phi += mass;
                let (u, mass) = (uniform(rng), *oversampling * mass);
                if u * sample.phi < mass {
                    sample.drawn.push(Drawn { u, mass, x: self.frame.centered(block.row(first + i)) });
                }
            }
            sample.prune();
        }
        nearest.rounds = self.starts[start].len();
        sample
    }
}

impl<T: Real> Pass<T> for RoundPass<'_, T> {
    type Partial = Vec<Sample>;
    type Memory = Vec<Nearest>;

    fn block(&self, block: &Block<T>, memory: &mut Vec<Nearest>) -> Result<Vec<Sample>> {
        memory.resize_with(self.starts.len(), Nearest::default);
        let mut scratch = self.frame.scratch();
        let samples = (memory.iter_mut().enumerate())
            .map(|(start, nearest)| self.sample(block, start, nearest, &mut scratch))
            .collect();
        if !self.keep {
            *memory = Vec::new();
        }
        Ok(samples)
    }
}
