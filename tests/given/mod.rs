//! Given rows as a source of blocks.

use std::sync::Arc;

use rankfit::data::{Block, BlockSource, Shape};
use rankfit::error::Result;
use rankfit::kernel::Real;

struct Given<T> {
    shape: Shape,
    x: Vec<T>,
    y: Vec<f64>,
    weights: Vec<f64>,
}

impl<T: Real> BlockSource<T> for Given<T> {
    fn shape(&self) -> &Shape {
        &self.shape
    }
    fn fill(&self, block: &mut Block<T>) -> Result<()> {
        let (first, d) = (block.first_row as usize, self.shape.n_features);
        let rows = first..first + block.n_rows;
        block.x.copy_from_slice(&self.x[rows.start * d..rows.end * d]);
        if self.shape.has_targets {
            block.y.copy_from_slice(&self.y[rows.clone()]);
        }
        if self.shape.has_weights {
            block.weights.copy_from_slice(&self.weights[rows]);
        }
        Ok(())
    }
    fn origin(&self) -> String {
        "given".into()
    }
    fn waits_for_input(&self) -> bool {
        false
    }
}

/// Rows of `d` features in `x`, which weigh the same where `weights` is empty.
#[allow(dead_code, reason = "a test program has targets or has none")]
pub(crate) fn given<T: Real>(
    x: &[f64],
    weights: &[f64],
    d: usize,
    block_rows: usize,
) -> Arc<dyn BlockSource<T>> {
    labelled(x, &[], weights, d, block_rows)
}

/// The same with targets, or none.
pub(crate) fn labelled<T: Real>(
    x: &[f64],
    y: &[f64],
    weights: &[f64],
    d: usize,
    block_rows: usize,
) -> Arc<dyn BlockSource<T>> {
    let shape = Shape {
        n_samples: (x.len() / d) as u64,
        n_features: d,
        block_rows,
        has_targets: !y.is_empty(),
        has_weights: !weights.is_empty(),
    };
    let x = x.iter().map(|&v| T::from_f64(v)).collect();
    Arc::new(Given { shape, x, y: y.to_vec(), weights: weights.to_vec() })
}
