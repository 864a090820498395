//! The last pass: labels that fit the centroids, the exact inertia, and which restarts agree.

use serde::{Deserialize, Serialize};

use super::frame::{CHUNK, Frame};
use super::kept::Memory;
use super::run::{End, Run};
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::lloyd::{Centroids, Rows, Scratch, assign};

/// No label of the other clustering is known yet.
const UNKNOWN: u32 = u32::MAX;
/// Rows with one label have several in the other clustering.
const SEVERAL: u32 = u32::MAX - 1;

/// What the last pass finds of one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Finish {
    /// Σ w‖x − c‖², from differences, in double precision.
    pub(super) inertia: f64,
    /// Whether any row has the label.
    used: Vec<bool>,
    /// For each earlier run, the label there of the rows that have a label here.
    maps: Vec<Vec<u32>>,
}

impl Finish {
    /// Of no rows yet, of a run with `k` clusters and so many runs before it.
    pub(super) fn new(k: usize, n_earlier: usize) -> Self {
        Self { inertia: 0.0, used: vec![false; k], maps: vec![vec![UNKNOWN; k]; n_earlier] }
    }

    /// Adds a chunk of rows with their labels, those of the earlier runs, and the squared distances.
    pub(super) fn add<T: Real>(
        &mut self,
        rows: &Rows<'_, T>,
        labels: &[u32],
        earlier: &[[u32; CHUNK]],
        distances: &[f64],
    ) {
        for (i, &label) in labels.iter().enumerate() {
            self.inertia += rows.weight(i) * distances[i];
            self.used[label as usize] = true;
            for (map, earlier) in self.maps.iter_mut().zip(earlier) {
                map[label as usize] = join(map[label as usize], earlier[i]);
            }
        }
    }

    /// Clusters that have rows.
    pub(super) fn n_distinct(&self) -> usize {
        self.used.iter().filter(|&&used| used).count()
    }

    /// Whether this run's clusters are those of an earlier run under other numbers, by scikit-learn's test.
    pub(super) fn same_clustering(&self, earlier: usize) -> bool {
        !self.maps[earlier].contains(&SEVERAL)
    }
}

/// What two parts of the data say of a label's counterpart.
fn join(left: u32, right: u32) -> u32 {
    match (left, right) {
        (UNKNOWN, known) | (known, UNKNOWN) => known,
        (left, right) if left == right => left,
        _ => SEVERAL,
    }
}

impl Partial for Finish {
    fn merge(&mut self, right: Self) {
        self.inertia += right.inertia;
        self.used.iter_mut().zip(right.used).for_each(|(left, right)| *left |= right);
        for (left, right) in self.maps.iter_mut().zip(right.maps) {
            left.iter_mut().zip(right).for_each(|(left, right)| *left = join(*left, right));
        }
    }
}

/// Finishes all runs in one pass.
pub(super) struct FinishPass<'a, T> {
    pub(super) frame: &'a Frame<T>,
    pub(super) runs: &'a [Run],
    packed: Vec<Centroids<T>>,
}

impl<'a, T: Real> FinishPass<'a, T> {
    pub(super) fn new(frame: &'a Frame<T>, runs: &'a [Run]) -> Self {
        let packed = runs.iter().map(|run| frame.pack(&run.centers)).collect();
        Self { frame, runs, packed }
    }

    /// Labels of a run: kept where no label changed in the last iteration, else anew.
    fn labels(
        &self,
        run: usize,
        first: usize,
        rows: &Rows<'_, T>,
        memory: &mut Memory,
        scratch: &mut Scratch<T>,
        labels: &mut [u32],
    ) {
        if self.runs[run].end == Some(End::Strict) {
            memory.runs[run].labels.copy_to(first, labels);
        } else {
            assign(rows, &self.packed[run], scratch, labels, None);
            memory.runs[run].labels.update(first, labels);
        }
    }
}

impl<T: Real> Pass<T> for FinishPass<'_, T> {
    type Partial = Vec<Finish>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<Finish>> {
        let mut scratch = self.frame.scratch();
        let mut all: Vec<Finish> =
            self.packed.iter().enumerate().map(|(run, c)| Finish::new(c.n_clusters(), run)).collect();
        let mut distances = [0.0; CHUNK];
        let mut labels = vec![[0u32; CHUNK]; self.runs.len()];
        for (first, rows) in self.frame.chunks(block) {
            let n = rows.len();
            for (run, finish) in all.iter_mut().enumerate() {
                let (earlier, rest) = labels.split_at_mut(run);
                let labels = &mut rest[0][..n];
                self.labels(run, first, &rows, memory, &mut scratch, labels);
                self.frame.distances(&rows, &self.runs[run].centers, labels, &mut distances[..n]);
                finish.add(&rows, labels, earlier, &distances[..n]);
            }
        }
        Ok(all)
    }
}
