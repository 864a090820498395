//! What all generated data sets share: their size, their streams, the order of their rows.

use std::ops::Range;

use super::{Block, Shape, default_block_rows, parts};
use crate::error::{Error, Result};
use crate::kernel::Normal;
use crate::rng::{self, Purpose};

/// Every rank holds a few numbers for each feature: 1 GiB of them at most.
const MOST_FEATURES: usize = 1 << 27;

/// The shape of a generated data set, which always has targets.
///
/// # Errors
/// When there are no rows, no features or too many, when `block_rows` is 0, or when a block has more bytes than memory has
/// addresses.
pub(super) fn shape(n_samples: u64, n_features: usize, block_rows: Option<usize>) -> Result<Shape> {
    at_least("data.n_samples", 1, n_samples)?;
    at_least("data.n_features", 1, n_features as u64)?;
    if n_features > MOST_FEATURES {
        let expected = format!("an integer of at most {MOST_FEATURES}");
        return Err(Error::job("data.n_features", expected, n_features.to_string()));
    }
    let block_rows = block_rows.unwrap_or_else(|| {
        parts::rounded(default_block_rows(n_samples, n_features, size_of::<f64>()), n_features)
    });
    at_least("data.block_rows", 1, block_rows as u64)?;
    let rows = n_samples.min(block_rows as u64) as usize;
    if rows.checked_mul(n_features).is_none_or(|count| count > isize::MAX as usize / size_of::<f64>()) {
        return Err(Error::job(
            "data.block_rows",
            "blocks that fit in memory",
            format!("{rows} rows of {n_features} features"),
        ));
    }
    Ok(Shape { n_samples, n_features, block_rows, has_targets: true, has_weights: false })
}

/// Rows of a part of a generated block. Streams are keyed by part: how many rows a part has is part of what the data are.
pub(super) fn part_rows(shape: &Shape) -> usize {
    parts::rows_for_cache(shape.block_rows, shape.n_features)
}

/// A part of a block that is being filled.
pub(super) struct Part<'a, T> {
    /// Which part of the data set this is.
    pub(super) index: usize,
    /// Global indices of its rows.
    pub(super) rows: Range<u64>,
    /// Features `(n_rows, n_features)`.
    pub(super) x: &'a mut [T],
    /// Targets `(n_rows,)`.
    pub(super) y: &'a mut [f64],
}

/// The parts that `block`, a block of `shape` or a part of one, consists of.
pub(super) fn parts_of<'a, T>(shape: &Shape, block: &'a mut Block<T>) -> impl Iterator<Item = Part<'a, T>> {
    let part_rows = part_rows(shape);
    let first = (block.first_row / part_rows as u64) as usize;
    let (mut start, end) = (block.first_row, block.first_row + block.n_rows as u64);
    let features = block.x.chunks_mut(part_rows * shape.n_features);
    features.zip(block.y.chunks_mut(part_rows)).enumerate().map(move |(i, (x, y))| {
        let rows = start..(start + part_rows as u64).min(end);
        start = rows.end;
        Part { index: first + i, rows, x, y }
    })
}

/// Checks an integer's lower bound.
///
/// # Errors
/// When `found` is below `least`.
pub(super) fn at_least(key: &str, least: u64, found: u64) -> Result<()> {
    if found < least {
        return Err(Error::job(key, format!("an integer of at least {least}"), found.to_string()));
    }
    Ok(())
}

/// Checks that a number is finite and lies in `low..=high`.
///
/// # Errors
/// When it does not.
pub(super) fn within(key: &str, low: f64, high: f64, found: f64) -> Result<()> {
    if found.is_finite() && (low..=high).contains(&found) {
        return Ok(());
    }
    let expected = match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("a number from {low} to {high}"),
        (true, false) => format!("a finite number of at least {low}"),
        _ => "a finite number".to_owned(),
    };
    Err(Error::job(key, expected, found.to_string()))
}

/// The noise of one part.
pub(super) fn noise(seed: u64, part: usize) -> Normal {
    Normal::new(rng::state(seed, Purpose::Noise, part as u64))
}

/// Puts the assignments of one part's rows in random order.
pub(super) fn shuffle_rows(seed: u64, part: usize, assignment: &mut [u32]) {
    rng::shuffle(&mut rng::stream(seed, Purpose::Assignment, part as u64), assignment);
}

#[cfg(test)]
pub(super) mod test {
    use crate::data::{Block, BlockSource, Parts};
    use crate::kernel::Real;
    use crate::partition::Slice;

    fn block<T: Real>(source: &dyn BlockSource<T>, index: usize) -> Block<T> {
        let mut block = Block::default();
        block.reshape(source.shape(), index);
        source.fill(&mut block).unwrap();
        block
    }

    /// Features and targets of all rows.
    pub(crate) fn all_blocks<T: Real>(source: &dyn BlockSource<T>) -> (Vec<f64>, Vec<f64>) {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for index in 0..source.shape().n_blocks() {
            let block = block(source, index);
            x.extend(block.x.iter().map(|v| v.to_f64()));
            y.extend(block.y);
        }
        (x, y)
    }

    /// Makes the blocks as any number of ranks would, in a used buffer and last to first too.
    pub(crate) fn same_bits_for_any_slices<T: Real>(source: &dyn BlockSource<T>) {
        let n_blocks = source.shape().n_blocks();
        let expected: Vec<Block<T>> = (0..n_blocks).map(|index| block(source, index)).collect();
        assert!(expected.iter().flat_map(|block| &block.x).all(|v| v.is_finite()));
        for n_ranks in [1, 2, 3, 7, n_blocks + 2] {
            let slices = (0..n_ranks).map(|rank| Slice::of(n_blocks, rank, n_ranks).blocks);
            let found: Vec<Block<T>> = slices.flatten().map(|index| block(source, index)).collect();
            assert!(found == expected, "{n_ranks} ranks");
        }
        let mut used = block(source, 0);
        for index in (0..n_blocks).rev() {
            used.reshape(source.shape(), index);
            source.fill(&mut used).unwrap();
            assert!(used == expected[index], "block {index} in a used buffer");
        }
        parts_are_those_of_the_blocks(source, &expected);
    }

    fn parts_are_those_of_the_blocks<T: Real>(source: &dyn BlockSource<T>, blocks: &[Block<T>]) {
        let parts = Parts::of(source);
        let (mut x, mut y, mut part) = (Vec::new(), Vec::new(), Block::default());
        for index in 0..parts.shape().n_blocks() {
            part.reshape(parts.shape(), index);
            source.fill(&mut part).unwrap();
            x.extend_from_slice(&part.x);
            y.extend_from_slice(&part.y);
        }
        assert!(blocks.iter().flat_map(|block| &block.x).eq(&x));
        assert!(blocks.iter().flat_map(|block| &block.y).eq(&y));
    }

    /// The first feature and target of block 1, as bits: what a seed gives is part of what results mean.
    pub(crate) fn first_of_block_one(source: &dyn BlockSource<f64>) -> [u64; 2] {
        let block = block(source, 1);
        [block.x[0].to_bits(), block.y[0].to_bits()]
    }
}
