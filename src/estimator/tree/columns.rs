//! Features as ranks: what a tree compares, sorted once for all trees.

use ndarray::Array2;

use crate::error::{Error, Place, Result};
use crate::telemetry::check_interrupt;

/// Every column of a data set, each value as its rank among the column's distinct values.
#[derive(Clone, Debug)]
pub struct Columns {
    n_rows: usize,
    columns: Vec<Column>,
}

/// The most buckets that a column's ranks are put into.
pub(super) const N_BUCKETS: usize = 256;

/// One feature.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// The rank of each row's value.
    pub(super) codes: Codes,
    /// The distinct values, ascending, in single precision as scikit-learn's trees have them.
    pub(super) values: Vec<f32>,
    /// The bucket of each row's rank: a coarse rank, of about equally many rows each.
    pub(super) buckets: Vec<u8>,
    /// The first rank of each of [`N_BUCKETS`] buckets, and the number of ranks. The last ones may be empty.
    pub(super) starts: Vec<u32>,
    /// The smallest value of each bucket that is not empty: few enough to stay in the cache.
    firsts: Vec<f32>,
    /// The value of each row, where trees draw thresholds between them; else empty.
    pub(super) by_row: Vec<f32>,
}

/// Ranks in as few bytes as they need.
#[derive(Clone, Debug)]
pub(super) enum Codes {
    /// At most 65,536 distinct values.
    Narrow(Vec<u16>),
    /// More of them.
    Wide(Vec<u32>),
}

/// A rank as it is stored.
pub(super) trait Code: Copy + Ord {
    /// The rank.
    fn rank(self) -> usize;
}

impl Code for u16 {
    #[inline(always)]
    fn rank(self) -> usize {
        usize::from(self)
    }
}

impl Code for u32 {
    #[inline(always)]
    fn rank(self) -> usize {
        self as usize
    }
}

impl Columns {
    /// Ranks the columns of `x`, `(n_samples, n_features)`, rounded to single precision as scikit-learn does.
    ///
    /// Costs a sort of each column.
    ///
    /// # Errors
    /// [`Error::Data`] for a value beyond single precision's range, or more rows than 2³².
    pub fn new(x: &Array2<f64>, origin: &str) -> Result<Self> {
        if u32::try_from(x.nrows()).is_err() {
            return Err(Error::data(origin, Place::default(), "fewer than 2^32 rows", x.nrows().to_string()));
        }
        let columns = x.columns().into_iter().enumerate().map(|(feature, column)| {
            check_interrupt()?;
            if let Some(row) = column.iter().position(|&v| !(v as f32).is_finite()) {
                let found = format!("{:?}", column[row]);
                let place = Place::cell(row as u64, feature);
                return Err(Error::data(origin, place, "a number in single precision's range", found));
            }
            Ok(Column::new(column.iter().map(|&v| v as f32)))
        });
        Ok(Self { n_rows: x.nrows(), columns: columns.collect::<Result<_>>()? })
    }

    /// The same with each row's values at hand: trees that draw their thresholds ask for nothing else.
    pub fn with_values(mut self) -> Self {
        for column in &mut self.columns {
            let value = |rank: usize| column.values[rank];
            column.by_row = match &column.codes {
                Codes::Narrow(codes) => codes.iter().map(|code| value(code.rank())).collect(),
                Codes::Wide(codes) => codes.iter().map(|code| value(code.rank())).collect(),
            };
        }
        self
    }

    /// Bytes of all columns.
    pub fn size_bytes(&self) -> u64 {
        let of = |column: &Column| {
            let codes = match &column.codes {
                Codes::Narrow(codes) => size_of_val(&codes[..]),
                Codes::Wide(codes) => size_of_val(&codes[..]),
            };
            let values =
                column.values.len() + column.by_row.len() + column.starts.len() + column.firsts.len();
            (codes + column.buckets.len() + 4 * values) as u64
        };
        self.columns.iter().map(of).sum()
    }

    /// About how many bytes the columns of `n` rows of `d` features take, whose values are all distinct; with each
    /// row's values at hand if they are drawn between.
    pub fn expected_bytes(n: usize, d: usize, with_values: bool) -> u64 {
        let code = if n <= 1 << 16 { 2 } else { 4 };
        (n as u64).saturating_mul(d as u64) * (code + 1 + 4 + if with_values { 4 } else { 0 })
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// How many features there are.
    pub fn n_features(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn column(&self, feature: usize) -> &Column {
        &self.columns[feature]
    }
}

impl Column {
    fn new(values: impl Iterator<Item = f32>) -> Self {
        let mut keys: Vec<u64> =
            values.enumerate().map(|(row, value)| u64::from(ordered(value)) << 32 | row as u64).collect();
        keys.sort_unstable();
        let mut distinct: Vec<f32> = Vec::new();
        let mut codes = vec![0u32; keys.len()];
        let mut last = None;
        for key in keys {
            let value = (key >> 32) as u32;
            if last != Some(value) {
                distinct.push(unordered(value));
                last = Some(value);
            }
            codes[(key & 0xffff_ffff) as usize] = distinct.len() as u32 - 1;
        }
        let (buckets, starts) = buckets(&codes, distinct.len());
        let codes = if distinct.len() <= 1 << 16 {
            Codes::Narrow(codes.into_iter().map(|code| code as u16).collect())
        } else {
            Codes::Wide(codes)
        };
        let opened = starts.iter().filter(|&&start| (start as usize) < distinct.len());
        let firsts = opened.map(|&start| distinct[start as usize]).collect();
        Self { codes, values: distinct, buckets, starts, firsts, by_row: Vec::new() }
    }

    /// The largest rank whose value is at most `threshold`, which is no less than the smallest value.
    ///
    /// By the bucket's values from where the rank would be if they were evenly spread: a binary search in all values
    /// would wait for memory at every step.
    pub(super) fn last_at_most(&self, threshold: f64) -> usize {
        let bucket = self.firsts.partition_point(|&first| f64::from(first) <= threshold).max(1) - 1;
        let (start, end) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        let from = f64::from(self.firsts[bucket]);
        let part = match self.firsts.get(bucket + 1) {
            Some(&to) => (threshold - from) / (f64::from(to) - from),
            None => 0.5,
        };
        let is_in = |rank: usize| f64::from(self.values[rank]) <= threshold;
        let mut rank = (start + ((end - start) as f64 * part) as usize).clamp(start, end - 1);
        let mut step = 1;
        if is_in(rank) {
            // Up in growing steps, and then by halves.
            while rank + step < end && is_in(rank + step) {
                rank += step;
                step *= 2;
            }
            rank + self.values[rank..end.min(rank + step)]
                .partition_point(|&value| f64::from(value) <= threshold)
                - 1
        } else {
            let mut above = rank;
            while rank > start && !is_in(rank) {
                above = rank;
                rank = rank.saturating_sub(step).max(start);
                step *= 2;
            }
            rank + self.values[rank..above].partition_point(|&value| f64::from(value) <= threshold).max(1) - 1
        }
    }
}

/// Cuts `n_ranks` ranks into buckets of neighbours: each rank its own where they are few.
fn buckets(codes: &[u32], n_ranks: usize) -> (Vec<u8>, Vec<u32>) {
    let mut rows = vec![0usize; n_ranks];
    codes.iter().for_each(|&code| rows[code as usize] += 1);
    let mut of_rank = Vec::with_capacity(n_ranks);
    let mut starts: Vec<u32> = Vec::with_capacity(N_BUCKETS + 1);
    let mut before = 0;
    for (rank, rows) in rows.into_iter().enumerate() {
        let share = before * N_BUCKETS / codes.len();
        let opens = if n_ranks <= N_BUCKETS { true } else { share >= starts.len() };
        if opens {
            starts.push(rank as u32);
        }
        of_rank.push((starts.len() - 1) as u8);
        before += rows;
    }
    starts.resize(N_BUCKETS + 1, n_ranks as u32);
    (codes.iter().map(|&code| of_rank[code as usize]).collect(), starts)
}

/// A finite number's bits as an integer of the same order; the two zeros are one.
fn ordered(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn unordered(bits: u32) -> f32 {
    f32::from_bits(if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_values() {
        let column = Column::new([3.5, -1.0, 0.0, -0.0, 3.5, -2.5e30].into_iter());
        assert_eq!(column.values, [-2.5e30, -1.0, 0.0, 3.5]);
        assert!(matches!(column.codes, Codes::Narrow(codes) if codes == [3, 1, 2, 2, 3, 0]));
    }

    #[test]
    fn many_values_take_wider_ranks() {
        let n = 70_000;
        let column = Column::new((0..n).map(|i| ((i * 7919) % n) as f32));
        let Codes::Wide(codes) = &column.codes else { panic!("narrow ranks") };
        assert!((0..n).all(|i| codes[i] == ((i * 7919) % n) as u32));
        let edge = Column::new((0..1 << 16).map(|i| i as f32));
        assert!(matches!(edge.codes, Codes::Narrow(codes) if codes[65_535] == 65_535));
    }

    #[test]
    fn buckets_hold_neighbouring_ranks_and_about_equally_many_rows() {
        for n_ranks in [1u32, 7, 256, 257, 1000, 30_000] {
            let column = Column::new((0..40_000u32).map(|i| ((i * 7919) % n_ranks) as f32));
            let starts = &column.starts;
            assert_eq!(starts.len(), N_BUCKETS + 1);
            assert!(starts.is_sorted() && starts[0] == 0 && starts[N_BUCKETS] == n_ranks);
            let mut rows = [0; N_BUCKETS];
            for row in 0..40_000 {
                let (bucket, rank) = (
                    usize::from(column.buckets[row]),
                    column.values[0..].partition_point(|&v| v < ((row as u32 * 7919) % n_ranks) as f32)
                        as u32,
                );
                assert!(starts[bucket] <= rank && rank < starts[bucket + 1]);
                rows[bucket] += 1;
            }
            let most = if n_ranks <= 256 { 40_000 / n_ranks as usize + 1 } else { 2 * 40_000 / 256 };
            assert!(rows.iter().all(|&n| n <= most), "{n_ranks}: {rows:?}");
        }
    }

    #[test]
    fn ranks_of_thresholds_are_those_of_a_binary_search() {
        for (n, n_values) in [(1, 1), (5, 3), (300, 256), (300, 300), (20_000, 9_000), (70_000, 70_000)] {
            // Values that are spread unevenly, on both sides of 0.
            let value = |i: usize| ((i * 7919 % n_values) as f32 / n_values as f32 - 0.3).powi(5) * 1e3;
            let column = Column::new((0..n).map(value));
            let values = &column.values;
            let (least, most) = (f64::from(values[0]), f64::from(values[values.len() - 1]));
            let middles = (0..4000).map(|i| least + (most - least) * (f64::from(i) / 3999.0).powi(3));
            let own = values.iter().step_by(7).map(|&value| f64::from(value));
            for threshold in middles.chain(own).chain([least, most, most + 1.0]) {
                let expected = values.partition_point(|&value| f64::from(value) <= threshold) - 1;
                assert_eq!(column.last_at_most(threshold), expected, "{n_values} values, {threshold}");
            }
        }
    }

    #[test]
    fn values_beyond_single_precision_are_refused() {
        let x = Array2::from_shape_vec((2, 1), vec![0.0, 1e39]).unwrap();
        let error = Columns::new(&x, "x").unwrap_err().to_string();
        assert!(error.contains("row 1, column 0") && error.ends_with("found 1e39"), "{error}");
    }
}
