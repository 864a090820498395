//! Greedy k-means++ over blocks.
//!
//! Each centroid is the best of 2 + ⌊ln k⌋ rows that are drawn with probability in proportion to w·d², d the
//! distance to the nearest centroid chosen before; best is the row that lowers Σ w·d² most. A draw takes the block
//! by the blocks' sums, which all ranks know, then looks into that one block. One pass a centroid: k passes.
//!
//! # References
//! Arthur & Vassilvitskii, SODA 2007; the greedy trials are those of scikit-learn's `kmeans_plusplus`.

use rand_xoshiro::rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::super::frame::{CHUNK, Frame};
use super::super::moments::Survey;
use super::{Seed, Step, draw};
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::lloyd::Rows;
use crate::rng::uniform;

/// How many rows are tried for each centroid.
pub(super) fn n_trials(k: usize) -> usize {
    2 + (k as f64).ln() as usize
}

/// One start in the making.
struct Chain {
    /// Centroids chosen so far, `(c, d)`.
    chosen: Vec<f64>,
    /// Σ w·d² of every block, given those.
    masses: Vec<f64>,
}

/// The first centroids of each seed's run.
pub(super) fn centers<T: Real>(
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    survey: &Survey,
    k: usize,
    seeds: &[Seed],
) -> Result<Vec<Vec<f64>>> {
    let mut nearest = engine.memory();
    let keep = engine.all_resident();
    let mut chains: Vec<Chain> =
        seeds.iter().map(|_| Chain { chosen: Vec::new(), masses: Vec::new() }).collect();
    for c in 0..k {
        let mut trials = Vec::new();
        for (chain, &seed) in chains.iter().zip(seeds) {
            trials.push(match c {
                0 => draw::rows(engine, frame, survey, 1, seed)?,
                _ => try_rows(engine, frame, chain, n_trials(k), &mut seed.stream(Step::Round, c))?,
            });
        }
        if c + 1 == k {
            // The last one needs no sums but those that tell the trials apart.
            if trials.iter().all(|t| t.len() == frame.d()) {
                chains.iter_mut().zip(trials).for_each(|(chain, t)| chain.chosen.extend(t));
                break;
            }
        }
        let chosen = chains.iter().map(|chain| chain.chosen.as_slice()).collect();
        let pass = MassPass { frame, chosen, trials: &trials, keep };
        let masses = engine.run(&pass, &mut nearest)?;
        for ((chain, trials), masses) in chains.iter_mut().zip(&trials).zip(masses) {
            chain.choose(trials, masses, frame.d());
        }
    }
    Ok(chains.into_iter().map(|chain| chain.chosen).collect())
}

impl Chain {
    /// Takes the trial that leaves the least mass, the first of equals.
    fn choose(&mut self, trials: &[f64], masses: Masses, d: usize) {
        let total = |masses: &Vec<f64>| masses.iter().sum::<f64>();
        let mut best = 0;
        for (t, masses_t) in masses.0.iter().enumerate() {
            if total(masses_t) < total(&masses.0[best]) {
                best = t;
            }
        }
        self.chosen.extend_from_slice(&trials[best * d..][..d]);
        self.masses = masses.0.into_iter().nth(best).unwrap_or_default();
    }
}

/// Draws rows with probability in proportion to their w·d².
fn try_rows<T: Real>(
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    chain: &Chain,
    n: usize,
    rng: &mut impl Rng,
) -> Result<Vec<f64>> {
    let total: f64 = chain.masses.iter().sum();
    let picks: Vec<(usize, f64)> = (0..n).map(|_| pick(&chain.masses, uniform(rng) * total)).collect();
    let mut blocks: Vec<usize> = picks.iter().map(|&(block, _)| block).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let found = engine.at_blocks(&blocks, |block| {
        let masses = row_masses(frame, block, &chain.chosen);
        let here = picks.iter().enumerate().filter(|(_, (b, _))| *b == block.index);
        let row =
            |(t, &(_, rest)): (usize, &(usize, f64))| (t, frame.centered(block.row(pick(&masses, rest).0)));
        Ok(here.map(row).collect::<Vec<_>>())
    })?;
    let mut found: Vec<(usize, Vec<f64>)> = found.into_iter().flatten().collect();
    found.sort_by_key(|(t, _)| *t);
    Ok(found.into_iter().flat_map(|(_, x)| x).collect())
}

/// The entry in which a running sum of `masses` passes `target`, and what is left of the target before it. Where
/// rounding leads past the end, the last entry with a mass; the first where none has one.
fn pick(masses: &[f64], target: f64) -> (usize, f64) {
    let mut rest = target;
    for (i, &mass) in masses.iter().enumerate() {
        if rest < mass {
            return (i, rest);
        }
        rest -= mass;
    }
    let last = masses.iter().rposition(|&mass| mass > 0.0).unwrap_or(0);
    (last, masses.get(last).copied().unwrap_or(0.0))
}

/// w·d² of each row of a block.
fn row_masses<T: Real>(frame: &Frame<T>, block: &Block<T>, chosen: &[f64]) -> Vec<f64> {
    let mut masses = vec![f64::INFINITY; block.n_rows];
    let mut buffer = [0.0; CHUNK];
    for (first, rows) in frame.chunks(block) {
        let part = &mut masses[first..first + rows.len()];
        lower(frame, &rows, chosen, part, &mut buffer);
        part.iter_mut().enumerate().for_each(|(i, mass)| *mass *= rows.weight(i));
    }
    masses
}

/// Lowers squared distances to those of the nearest of `centered`.
fn lower<T: Real>(
    frame: &Frame<T>,
    rows: &Rows<'_, T>,
    centered: &[f64],
    nearest: &mut [f64],
    buffer: &mut [f64],
) {
    let buffer = &mut buffer[..rows.len()];
    for c in centered.chunks_exact(frame.d()) {
        frame.distances(rows, c, &[0; CHUNK][..rows.len()], buffer);
        nearest.iter_mut().zip(&*buffer).for_each(|(n, &d)| *n = if d < *n { d } else { *n });
    }
}

/// For each trial the sums Σ w·d² of consecutive blocks.
#[derive(Debug, Serialize, Deserialize)]
struct Masses(Vec<Vec<f64>>);

impl Partial for Masses {
    fn merge(&mut self, right: Self) {
        self.0.iter_mut().zip(right.0).for_each(|(left, right)| left.extend(right));
    }
}

/// Squared distances to the nearest chosen centroid, and to how many of them that is; one entry a start. A minimum is
/// exact, so keeping them or not gives the same bits.
type Nearest = Vec<(usize, Vec<f64>)>;

/// Sums w·d² of each block for each trial, should it be chosen next.
struct MassPass<'a, T> {
    frame: &'a Frame<T>,
    /// One entry a start.
    chosen: Vec<&'a [f64]>,
    trials: &'a [Vec<f64>],
    /// Whether distances are kept from pass to pass: 8 bytes a row and start.
    keep: bool,
}

impl<T: Real> MassPass<'_, T> {
    /// The block's sums for the trials of one start.
    fn masses(&self, block: &Block<T>, start: usize, known: &mut (usize, Vec<f64>)) -> Vec<Vec<f64>> {
        let (d, chosen) = (self.frame.d(), self.chosen[start]);
        let (n_known, nearest) = known;
        nearest.resize(block.n_rows, f64::INFINITY);
        let mut sums = vec![0.0; self.trials[start].len() / d];
        let (mut buffer, mut tried) = ([0.0; CHUNK], [0.0; CHUNK]);
        for (first, rows) in self.frame.chunks(block) {
            let nearest = &mut nearest[first..first + rows.len()];
            lower(self.frame, &rows, &chosen[*n_known * d..], nearest, &mut buffer);
            for (trial, sum) in self.trials[start].chunks_exact(d).zip(&mut sums) {
                let tried = &mut tried[..rows.len()];
                tried.copy_from_slice(nearest);
                lower(self.frame, &rows, trial, tried, &mut buffer);
                tried.iter().enumerate().for_each(|(i, &d2)| *sum += rows.weight(i) * d2);
            }
        }
        *n_known = chosen.len() / d;
        sums.into_iter().map(|sum| vec![sum]).collect()
    }
}

impl<T: Real> Pass<T> for MassPass<'_, T> {
    type Partial = Vec<Masses>;
    type Memory = Nearest;

    fn block(&self, block: &Block<T>, memory: &mut Nearest) -> Result<Vec<Masses>> {
        memory.resize_with(self.trials.len(), Default::default);
        let masses = memory
            .iter_mut()
            .enumerate()
            .map(|(start, known)| Masses(self.masses(block, start, known)))
            .collect();
        if !self.keep {
            *memory = Vec::new();
        }
        Ok(masses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pick_lands_where_the_running_sum_passes() {
        let masses = [0.0, 2.0, 0.0, 3.0, 0.0];
        assert_eq!(pick(&masses, 0.0), (1, 0.0));
        assert_eq!(pick(&masses, 1.5), (1, 1.5));
        assert_eq!(pick(&masses, 2.0), (3, 0.0));
        assert_eq!(pick(&masses, 5.0).0, 3, "rounding past the end");
        assert_eq!(pick(&[0.0, 0.0], 0.0).0, 0, "no mass at all");
    }
}
