//! Rows drawn at random, wherever they lie.

use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::kernel::Real;
use crate::rng::{Purpose, below, stream};

/// Bytes of rows fetched at a time, and the most batches that makes.
const AHEAD_BYTES: usize = 16 << 20;
const MOST_AHEAD: usize = 64;

/// Some rows with their weights.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// `(n_rows, n_features)`
    pub(super) x: Vec<f64>,
    /// `(n_rows,)`
    pub(super) weights: Vec<f64>,
    pub(super) n_features: usize,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.x[i * self.n_features..(i + 1) * self.n_features]
    }
}

/// The numbers of `n` of `n_samples` rows, drawn with replacement for the `index`-th draw.
pub(super) fn draw(seed: u64, index: u64, n: usize, n_samples: u64) -> Vec<u64> {
    let mut rng = stream(seed, Purpose::Batch, index);
    (0..n).map(|_| below(&mut rng, n_samples)).collect()
}

/// How many batches of `size` rows are fetched at a time.
pub(super) fn ahead(size: usize, n_features: usize) -> usize {
    (AHEAD_BYTES / (8 * size.saturating_mul(n_features + 1)).max(1)).clamp(1, MOST_AHEAD)
}

/// The rows of each list, on every rank.
///
/// # Collective
/// Each block that holds one of them is visited once, where it is; one allgather of the rows.
///
/// # Errors
/// What the blocks' source returns.
pub(super) fn fetch<T: Real>(engine: &mut PassEngine<'_, T>, lists: &[Vec<u64>]) -> Result<Vec<Rows>> {
    let (block_rows, d) = (engine.shape().block_rows as u64, engine.shape().n_features);
    let mut sorted: Vec<u64> = lists.iter().flatten().copied().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut blocks: Vec<usize> = sorted.iter().map(|row| (row / block_rows) as usize).collect();
    blocks.dedup();
    let found = engine.at_blocks(&blocks, |block| {
        let from = sorted.partition_point(|row| *row < block.first_row);
        let to = sorted.partition_point(|row| *row < block.first_row + block.n_rows as u64);
        let local = sorted[from..to].iter().map(|row| (row - block.first_row) as usize);
        let weight = |row: usize| block.weights.get(row).copied().unwrap_or(1.0);
        let row = |row: usize| (block.row(row).iter().map(|v| v.to_f64()).collect::<Vec<f64>>(), weight(row));
        Ok(local.map(row).collect::<Vec<(Vec<f64>, f64)>>())
    })?;
    let found: Vec<(Vec<f64>, f64)> = found.into_iter().flatten().collect();
    let gather = |list: &Vec<u64>| {
        let mut rows = Rows { n_features: d, ..Rows::default() };
        for row in list {
            let place = sorted.binary_search(row).map_err(|_| Error::internal("a row got lost"))?;
            rows.x.extend_from_slice(&found[place].0);
            rows.weights.push(found[place].1);
        }
        Ok(rows)
    };
    lists.iter().map(gather).collect()
}
