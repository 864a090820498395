//! Rows drawn in one pass although the sum that their probability refers to is known only at its end.

use serde::{Deserialize, Serialize};

use super::super::{Seed, Step, block_key};
use crate::comm::Partial;
use crate::data::Block;
use crate::kernel::Real;
use crate::rng::uniform_at;

/// What a round draws with.
pub(super) struct Drawing {
    oversampling: f64,
    /// One entry a start.
    seeds: Vec<u64>,
}

impl Drawing {
    pub(super) fn of_round(oversampling: f64, seeds: &[Seed], round: usize) -> Self {
        let seeds = seeds.iter().map(|seed| seed.of_blocks(Step::Round, round)).collect();
        Self { oversampling, seeds }
    }

    /// What a block adds to a start's round: `masses` are w·d² of its rows.
    pub(super) fn sample<T: Real>(&self, start: usize, block: &Block<T>, masses: &[f64]) -> Sample {
        let (phi, key) = (sum(masses), block_key(self.seeds[start], block.index));
        let mut drawn = Vec::new();
        for (i, mass) in masses.iter().enumerate() {
            let (u, mass) = (uniform_at(key, i as u64), self.oversampling * mass);
            if u * phi < mass {
                drawn.push(Drawn { u, mass, x: block.row(i).iter().map(|x| x.to_f64()).collect() });
            }
        }
        Sample { phi, drawn }
    }
}

/// Eight sums side by side, folded in halves.
fn sum(masses: &[f64]) -> f64 {
    let (eights, rest) = masses.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for masses in eights {
        sums.iter_mut().zip(masses).for_each(|(sum, mass)| *sum += mass);
    }
    sums.iter_mut().zip(rest).for_each(|(sum, mass)| *sum += mass);
    let quarters: [f64; 4] = std::array::from_fn(|l| sums[l] + sums[l + 4]);
    (quarters[0] + quarters[2]) + (quarters[1] + quarters[3])
}

/// A row on its way to become a candidate.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Drawn {
    u: f64,
    /// ℓ·w·d².
    mass: f64,
    /// As it is in the data.
    x: Vec<f64>,
}

/// What blocks add to one start's round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct Sample {
    /// Σ w·d².
    pub(super) phi: f64,
    /// Rows that are drawn if φ is what has been seen of it.
    drawn: Vec<Drawn>,
}

impl Sample {
    /// The rows relative to the shift.
    pub(super) fn rows_about<T: Real>(self, shift: &[T]) -> Vec<f64> {
        let centered = |row: Drawn| row.x.into_iter().zip(shift).map(|(x, m)| x - m.to_f64());
        self.drawn.into_iter().flat_map(centered).collect()
    }
}

impl Partial for Sample {
    fn merge(&mut self, right: Self) {
        self.phi += right.phi;
        self.drawn.extend(right.drawn);
        let phi = self.phi;
        self.drawn.retain(|drawn| drawn.u * phi < drawn.mass);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(index: usize, n_rows: usize) -> Block<f64> {
        let x = (0..n_rows).map(|i| (index * n_rows + i) as f64).collect();
        Block { index, n_rows, n_features: 1, x, ..Block::default() }
    }

    #[test]
    fn rows_are_drawn_as_often_as_their_share_of_the_whole_says() {
        // Two blocks of which the second is three times as heavy; one row in each is certain to be drawn.
        let masses = [vec![1.0; 100], vec![3.0; 100]].map(|mut m| {
            m[7] = 1000.0;
            m
        });
        let (mut counts, n) = (vec![0u32; 200], 4000);
        for seed in 0..n {
            let drawing = Drawing { oversampling: 8.0, seeds: vec![seed] };
            let mut both = drawing.sample(0, &block(0, 100), &masses[0]);
            both.merge(drawing.sample(0, &block(1, 100), &masses[1]));
            both.rows_about(&[0.0]).iter().for_each(|&x| counts[x as usize] += 1);
        }
        let phi = 2000.0 + 99.0 + 297.0;
        assert_eq!((counts[7], counts[107]), (n as u32, n as u32));
        for (rows, mass) in [(8..100, 1.0), (108..200, 3.0)] {
            let expected = 8.0 * mass / phi * n as f64 * rows.len() as f64;
            let found = f64::from(rows.map(|i| counts[i]).sum::<u32>());
            // Five standard deviations of a sum of rare events.
            assert!((found - expected).abs() < 5.0 * expected.sqrt(), "{found} of {expected}");
        }
    }
}
