//! Blocks of rows, and what can make them.

use std::ops::Range;

use crate::error::Result;
use crate::kernel::Real;

/// The size of a data set and how its rows are cut into blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows in the whole data set.
    pub n_samples: u64,
    /// Features of a row.
    pub n_features: usize,
    /// Rows of every block but the last, which may be shorter.
    pub block_rows: usize,
    /// Whether rows have a target.
    pub has_targets: bool,
    /// Whether rows have a weight.
    pub has_weights: bool,
}

impl Shape {
    /// Blocks in the whole data set.
    pub fn n_blocks(&self) -> usize {
        self.n_samples.div_ceil(self.block_rows as u64) as usize
    }

    /// Global indices of the rows of `block`.
    pub fn rows(&self, block: usize) -> Range<u64> {
        let start = block as u64 * self.block_rows as u64;
        start..(start + self.block_rows as u64).min(self.n_samples)
    }

    /// Bytes that the largest block takes in memory, features in `T`.
    pub fn block_bytes<T: Real>(&self) -> u64 {
        let others = 8 * u64::from(self.has_targets) + 8 * u64::from(self.has_weights);
        let row = (self.n_features as u64).saturating_mul(size_of::<T>() as u64).saturating_add(others);
        // Sizes come from users and files: a product too large is as good as too large a product.
        row.saturating_mul(self.n_samples.min(self.block_rows as u64))
    }
}

/// Rows a block has when the job does not say: a function of the data alone.
///
/// About a thousand blocks, so that many ranks share a data set, but no block above 8 MiB, and none below 512 KiB or
/// 2,048 rows while there are 64 of them: what a block contributes, such as its sums, must stay small beside its rows.
/// No block has fewer than 256 rows, and of wide data (within 8 MiB) none fewer than four rows a feature: a block's sums of
/// products have a number a pair of features, which would cost more to merge than the rows to multiply.
pub fn default_block_rows(n_samples: u64, n_features: usize, item_bytes: usize) -> usize {
    let row_bytes = n_features.max(1) * item_bytes;
    let most = ((8 << 20) / row_bytes).max(256) as u64;
    let of_contribution = ((512 << 10) / row_bytes as u64).min(2048).min(n_samples.div_ceil(64));
    let least = (4 * n_features as u64).max(of_contribution).clamp(256, most);
    n_samples.div_ceil(1024).clamp(least, most) as usize
}

/// A fixed range of global rows: features, and optionally targets and weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block<T> {
    /// Which block of the data set this is.
    pub index: usize,
    /// Global index of its first row.
    pub first_row: u64,
    /// Rows held.
    pub n_rows: usize,
    /// Features of a row.
    pub n_features: usize,
    /// Features, row by row: `(n_rows, n_features)`.
    pub x: Vec<T>,
    /// Targets `(n_rows,)`, or empty. Classes given as text are numbered by [`BlockSource::class_names`].
    pub y: Vec<f64>,
    /// Weights `(n_rows,)`, or empty when all rows count once.
    pub weights: Vec<f64>,
}

impl<T: Real> Block<T> {
    /// Makes this the (still unfilled) block `index` of a data set, keeping the buffers.
    pub fn reshape(&mut self, shape: &Shape, index: usize) {
        let rows = shape.rows(index);
        self.index = index;
        self.first_row = rows.start;
        self.n_rows = (rows.end - rows.start) as usize;
        self.n_features = shape.n_features;
        make_room(&mut self.x, self.n_rows * shape.n_features, T::ZERO);
        make_room(&mut self.y, if shape.has_targets { self.n_rows } else { 0 }, 0.0);
        make_room(&mut self.weights, if shape.has_weights { self.n_rows } else { 0 }, 0.0);
    }

    /// Bytes of all its numbers.
    pub fn size_bytes(&self) -> u64 {
        (size_of_val(self.x.as_slice())
            + size_of_val(self.y.as_slice())
            + size_of_val(self.weights.as_slice())) as u64
    }

    /// The features of row `i` of the block.
    pub fn row(&self, i: usize) -> &[T] {
        &self.x[i * self.n_features..(i + 1) * self.n_features]
    }
}

/// Gives `values` the length `n`, whatever they hold then. New memory comes as zeros from the system, where growing the
/// old would write them once more.
fn make_room<T: Copy>(values: &mut Vec<T>, n: usize, zero: T) {
    if values.capacity() < n {
        *values = vec![zero; n];
    } else {
        values.resize(n, zero);
    }
}

/// Something that can make any block of a data set, again and again with the same bits.
pub trait BlockSource<T: Real>: Send + Sync {
    /// Size and cut.
    fn shape(&self) -> &Shape;

    /// Rows that are made and worked on at a time: those of a block, or of equal [parts](super::Parts) of it. A divisor
    /// of [`Shape::block_rows`], and a function of the shape alone.
    fn part_rows(&self) -> usize {
        self.shape().block_rows
    }

    /// Fills `block`, which has been [reshaped](Block::reshape) for its index: a block, or a part of one, which then
    /// has the rows that it has in the block. Values need not be finite: the feed checks that.
    ///
    /// # Errors
    /// When the input cannot be read or holds something that is no number.
    fn fill(&self, block: &mut Block<T>) -> Result<()>;

    /// Looks whether the input is still what was opened: asked at the end of each way through the blocks, and where one of
    /// them cannot be used.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when a file has changed meanwhile.
    fn unchanged(&self) -> Result<()> {
        Ok(())
    }

    /// Whether features may be NaN, for those who know how to fill them in.
    fn may_miss_features(&self) -> bool {
        false
    }

    /// What the data are, for messages: a path and dataset, or a generator's name.
    fn origin(&self) -> String;

    /// What the targets are, for messages, where they lie elsewhere than the features.
    fn target_origin(&self) -> String {
        self.origin()
    }

    /// What the weights are, for messages, where they lie elsewhere than the features.
    fn weight_origin(&self) -> String {
        self.origin()
    }

    /// The name of the targets' column for messages; `None` where they are all that [their
    /// origin](Self::target_origin) holds.
    fn target_name(&self) -> Option<String> {
        Some("y".into())
    }

    /// The name of the weights' column for messages; `None` where they are all that [their
    /// origin](Self::weight_origin) holds.
    fn weight_name(&self) -> Option<String> {
        Some("sample_weight".into())
    }

    /// The name of feature `column` for messages, if the input has names.
    fn column_name(&self, column: usize) -> String {
        column.to_string()
    }

    /// What the user should hear of how the input was understood, where it may be meant otherwise.
    fn doubt(&self) -> Option<&str> {
        None
    }

    /// The names of all features, if the input has a line of them; what comes of a map has none.
    fn feature_names(&self) -> Option<Vec<String>> {
        None
    }

    /// Names of the classes when targets are given as text: target `i` stands for name `i`, in sorted order.
    fn class_names(&self) -> Option<&[String]> {
        None
    }

    /// Whether making a block waits for a file, so that reading ahead in a thread pays.
    fn waits_for_input(&self) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_many_but_not_smaller_than_their_sums_are_worth() {
        for (n, d, item, rows) in [
            (100, 20, 8, 256),
            (10_000, 20, 8, 256),
            // 64 blocks at least, then 2,048 rows, then a thousand blocks.
            (100_000, 20, 8, 1563),
            (500_000, 20, 8, 2048),
            (4_000_000, 20, 8, 3907),
            // 512 KiB, four rows a feature, 8 MiB.
            (500_000, 100, 8, 655),
            (500_000, 100, 4, 1310),
            (500_000, 400, 8, 1600),
            (1_000_000_000, 400, 8, 2621),
            (1_000_000_000, 1_000_000, 8, 256),
        ] {
            assert_eq!(default_block_rows(n, d, item), rows, "{n} rows of {d} features");
        }
    }
}
