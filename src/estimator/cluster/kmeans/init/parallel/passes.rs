//! The passes of k-means||: rounds that draw candidates, and one that weighs them.

use super::super::super::frame::Frame;
use super::super::super::labels::Labels;
use super::hunt::{Found, Hunt};
use super::sample::{Drawing, Sample};
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::lloyd::Rows;

/// The number of each row's nearest candidate, one entry a start.
type Memory = Vec<Labels>;

/// One round for every start.
pub(super) struct RoundPass<'a, T> {
    pub(super) frame: &'a Frame<T>,
    pub(super) hunts: Vec<Hunt<'a, T>>,
    pub(super) drawing: Drawing,
}

impl<T: Real> Pass<T> for RoundPass<'_, T> {
    type Partial = Vec<Sample>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<Sample>> {
        let mut masses = vec![0.0; block.n_rows];
        let mut samples = Vec::with_capacity(self.hunts.len());
        for start in 0..self.hunts.len() {
            visit(self.frame, &self.hunts, start, block, memory, |first, rows, found| {
                let chunk = masses[first..].iter_mut().zip(&found.distances[..rows.len()]);
                chunk.enumerate().for_each(|(i, (mass, d2))| *mass = rows.weight(i) * d2);
            });
            samples.push(self.drawing.sample(start, block, &masses));
        }
        Ok(samples)
    }
}

/// Sums up, for every start, the weights of the rows nearest to each candidate.
pub(super) struct WeighPass<'a, T> {
    pub(super) frame: &'a Frame<T>,
    pub(super) hunts: Vec<Hunt<'a, T>>,
}

impl<T: Real> Pass<T> for WeighPass<'_, T> {
    type Partial = Vec<Vec<f64>>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<Vec<f64>>> {
        let mut all = Vec::with_capacity(self.hunts.len());
        for (start, hunt) in self.hunts.iter().enumerate() {
            let mut weights = vec![0.0; hunt.n_candidates()];
            visit(self.frame, &self.hunts, start, block, memory, |_, rows, found| {
                let index = found.index[..rows.len()].iter().enumerate();
                index.for_each(|(i, &c)| weights[c as usize] += rows.weight(i));
            });
            all.push(weights);
        }
        Ok(all)
    }
}

/// Brings one start's nearest candidates up to date and hands out what was found, chunk by chunk.
fn visit<T: Real>(
    frame: &Frame<T>,
    hunts: &[Hunt<'_, T>],
    start: usize,
    block: &Block<T>,
    memory: &mut Memory,
    mut visit: impl FnMut(usize, &Rows<'_, T>, &Found),
) {
    memory.resize_with(hunts.len(), Labels::default);
    let (hunt, nearest) = (&hunts[start], &mut memory[start]);
    nearest.make_room(hunt.n_candidates(), block.n_rows);
    let (mut scratch, mut found) = (frame.scratch(), Found::new());
    for (first, rows) in frame.chunks(block) {
        hunt.update(&rows, first, nearest, &mut scratch, &mut found);
        visit(first, &rows, &found);
    }
}
