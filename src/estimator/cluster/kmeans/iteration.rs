//! One iteration of Lloyd's for every run that goes on.

use serde::{Deserialize, Serialize};

use super::frame::{CHUNK, Frame};
use super::labels::Labels;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::lloyd::{Centroids, Tally, assign};

/// The labels of a block's rows, one entry a run.
pub(super) type Memory = Vec<Labels>;

/// What a block adds to one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    /// Sums of the shifted rows of each centroid `(k, d)`.
    pub(super) sums: Vec<f64>,
    /// Sums of their weights `(k,)`.
    pub(super) weights: Vec<f64>,
    /// Weighted sum of the least scores.
    pub(super) score: f64,
    /// Rows whose label changed.
    pub(super) changed: u64,
}

impl Partial for Step {
    fn merge(&mut self, right: Self) {
        self.sums.merge(right.sums);
        self.weights.merge(right.weights);
        self.score += right.score;
        self.changed += right.changed;
    }
}

/// Labels the rows of each listed run and, when asked to, sums them up.
pub(super) struct StepPass<'a, T> {
    pub(super) frame: &'a Frame<T>,
    /// Number of runs of the fit.
    pub(super) n_runs: usize,
    /// The runs to step, with their centroids.
    pub(super) runs: Vec<(usize, Centroids<T>)>,
    /// Whether sums are wanted, or labels only.
    pub(super) sums: bool,
}

impl<T: Real> Pass<T> for StepPass<'_, T> {
    type Partial = Vec<Step>;
    type Memory = Memory;

    fn block(&self, block: &Block<T>, memory: &mut Memory) -> Result<Vec<Step>> {
        memory.resize_with(self.n_runs, Labels::default);
        for (run, centroids) in &self.runs {
            if matches!(memory[*run], Labels::None) {
                memory[*run] = Labels::with_capacity(centroids.n_clusters(), block.n_rows);
            }
        }
        let mut scratch = self.frame.scratch();
        let tally =
            |c: &Centroids<T>| Tally::new::<T>(if self.sums { c.n_clusters() } else { 0 }, self.frame.d());
        let mut steps: Vec<_> = self.runs.iter().map(|(_, c)| (tally(c), 0.0, 0)).collect();
        let mut labels = [0; CHUNK];
        for (first, rows) in self.frame.chunks(block) {
            let labels = &mut labels[..rows.len()];
            for ((run, centroids), (tally, score, changed)) in self.runs.iter().zip(&mut steps) {
                *score += assign(&rows, centroids, &mut scratch, labels, self.sums.then_some(tally));
                *changed += memory[*run].update(first, labels);
            }
        }
        Ok(steps
            .into_iter()
            .map(|(tally, score, changed)| {
                let (sums, weights) = tally.into_parts();
                Step { sums, weights, score, changed }
            })
            .collect())
    }

    /// A product and an addition for each centroid and feature, and the addition to the sums.
    fn flops_per_row(&self, n_features: usize) -> f64 {
        let of_run = |c: &Centroids<T>| 2 * c.n_clusters() * n_features + usize::from(self.sums) * n_features;
        self.runs.iter().map(|(_, centroids)| of_run(centroids)).sum::<usize>() as f64
    }
}
