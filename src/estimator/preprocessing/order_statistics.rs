//! Exact order statistics of every column of data larger than memory, by passes that narrow them down.
//!
//! The first pass finds each column's range. Each further one counts the values in equal bins of the intervals in which
//! wanted values lie, numbers taken as integers in the same order, so that the number of passes is bounded whatever
//! the values are. Once few enough are left in all intervals they are gathered and sorted. Counts are integers: the
//! answer is exact, and the same for any cut of the rows.
//!
//! # References
//! Munro & Paterson, Selection and sorting with limited storage, 1980, §3.

use serde::{Deserialize, Serialize};

use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::Real;
use crate::kernel::ordered_bits::{from_ordered, to_ordered};

/// Bins of all intervals of a column together, and the fewest of one.
const BINS: usize = 1536;
const FEWEST_BINS: usize = 4;

/// Values gathered at the most, of all columns together: 8 bytes each.
const MOST_GATHERED: u64 = 1 << 16;

/// A column's values in order, as far as they were asked for.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::estimator) struct Ordered {
    /// Values of the column that are numbers.
    pub(in crate::estimator) n: u64,
    /// Ranks, ascending, with their values.
    found: Vec<(u64, f64)>,
}

impl Ordered {
    fn at(&self, rank: u64) -> f64 {
        self.found.binary_search_by_key(&rank, |(known, _)| *known).map_or(f64::NAN, |at| self.found[at].1)
    }

    /// The quantile `q` from 0 to 1, between two values by linear interpolation as `numpy.percentile` has it; NaN for a
    /// column without numbers.
    pub(in crate::estimator) fn quantile(&self, q: f64) -> f64 {
        if self.n == 0 {
            return f64::NAN;
        }
        let place = (self.n - 1) as f64 * q;
        let rank = place.floor();
        interpolate(self.at(rank as u64), self.at((rank as u64 + 1).min(self.n - 1)), place - rank)
    }

    /// The middle value, or the mean of the two in the middle; NaN for a column without numbers.
    pub(in crate::estimator) fn median(&self) -> f64 {
        if self.n == 0 {
            return f64::NAN;
        }
        let (low, high) = (self.at((self.n - 1) / 2), self.at(self.n / 2));
        // Halves first where the sum would leave the range.
        let sum = low + high;
        if sum.is_finite() { sum / 2.0 } else { low / 2.0 + high / 2.0 }
    }
}

/// Between `a` and `b` as NumPy interpolates: from the nearer end, so that it is monotone in `t`.
pub(super) fn interpolate(a: f64, b: f64, t: f64) -> f64 {
    let apart = b - a;
    if !apart.is_finite() {
        // Two finite ends whose distance is beyond a double.
        return (1.0 - t) * a + t * b;
    }
    if t >= 0.5 { b - apart * (1.0 - t) } else { a + apart * t }
}

/// The ranks that [`Ordered::quantile`] of `n` values needs.
pub(in crate::estimator) fn ranks_of(n: u64, q: f64) -> [u64; 2] {
    let rank = ((n.max(1) - 1) as f64 * q).floor() as u64;
    [rank, (rank + 1).min(n.max(1) - 1)]
}

/// The ranks that [`Ordered::median`] of `n` values needs.
pub(in crate::estimator) fn middle(n: u64) -> [u64; 2] {
    [(n.max(1) - 1) / 2, n / 2]
}

/// Finds for each column the values of the ranks `wanted(n)`, `n` being how many numbers it holds. NaN does not count, nor does
/// the value `marker`.
///
/// # Collective
/// One pass for the ranges, at most one for each 2 bits (for a few ranks a column: 9 bits) of a double, usually 3 or 4,
/// and one that gathers at most 2¹⁶ values. A partial is at most 1,536 counts a column (more only for more than 384
/// ranks).
///
/// # Errors
/// What the passes meet.
pub(in crate::estimator) fn order_statistics<T: Real>(
    engine: &mut PassEngine<'_, T>,
    marker: Option<f64>,
    wanted: impl Fn(u64) -> Vec<u64>,
) -> Result<Vec<Ordered>> {
    let ranges = engine.run_once(&RangePass { marker })?;
    let mut found: Vec<Ordered> =
        ranges.iter().map(|range| Ordered { n: range.n, found: Vec::new() }).collect();
    let mut intervals = Vec::new();
    for (column, range) in ranges.iter().enumerate().filter(|(_, range)| range.n > 0) {
        let mut ranks: Vec<u64> = wanted(range.n).into_iter().filter(|rank| *rank < range.n).collect();
        ranks.sort_unstable();
        ranks.dedup();
        let whole = Interval { column, low: range.low, high: range.high, below: 0, count: range.n, ranks };
        settle(vec![whole], &mut intervals, &mut found);
    }
    while !intervals.is_empty() {
        let left: u64 = intervals.iter().map(|interval| interval.count).sum();
        if left <= MOST_GATHERED {
            let gathered =
                engine.run_once(&GatherPass { columns: by_column(&intervals, ranges.len()), marker })?;
            for (interval, Keys(mut keys)) in intervals.iter().zip(gathered) {
                keys.sort_unstable();
                let at = |rank: &u64| (*rank, from_ordered(keys[(rank - interval.below) as usize]));
                found[interval.column].found.extend(interval.ranks.iter().map(at));
            }
            break;
        }
        let counts = engine.run_once(&CountPass { columns: by_column(&intervals, ranges.len()), marker })?;
        let mut next = Vec::new();
        let mut counts = counts.as_slice();
        let shared = sharers(&intervals, ranges.len());
        for interval in intervals {
            let (shift, n_bins) = interval.bins(shared[interval.column]);
            let (own, rest) = counts.split_at(n_bins);
            counts = rest;
            settle(interval.narrowed(shift, own), &mut next, &mut found);
        }
        intervals = next;
    }
    found.iter_mut().for_each(|ordered| ordered.found.sort_unstable_by_key(|(rank, _)| *rank));
    Ok(found)
}

/// Sorts intervals into those of one value, which are answers, and others.
fn settle(narrowed: Vec<Interval>, open: &mut Vec<Interval>, found: &mut [Ordered]) {
    for interval in narrowed {
        if interval.low == interval.high {
            let value = from_ordered(interval.low);
            found[interval.column].found.extend(interval.ranks.iter().map(|rank| (*rank, value)));
        } else if !interval.ranks.is_empty() {
            open.push(interval);
        }
    }
}

/// Integers that stand for numbers, in which wanted values lie.
#[derive(Clone, Debug)]
struct Interval {
    column: usize,
    low: u64,
    high: u64,
    /// Values of the column below it.
    below: u64,
    /// Values in it.
    count: u64,
    ranks: Vec<u64>,
}

impl Interval {
    /// How far integers are shifted to give a bin, and how many bins that makes.
    fn bins(&self, n_intervals: usize) -> (u32, usize) {
        let most = (BINS / n_intervals).clamp(FEWEST_BINS, 512) as u64;
        let width = self.high - self.low;
        let mut shift = 0;
        while width >> shift >= most {
            shift += 1;
        }
        (shift, (width >> shift) as usize + 1)
    }

    /// The bins in which the ranks lie, given the counts of all.
    fn narrowed(&self, shift: u32, counts: &[u64]) -> Vec<Self> {
        let mut narrowed: Vec<Self> = Vec::new();
        let (mut below, mut ranks) = (self.below, self.ranks.iter().copied().peekable());
        for (bin, &count) in counts.iter().enumerate() {
            let mut own = Vec::new();
            while let Some(rank) = ranks.next_if(|rank| *rank < below + count) {
                own.push(rank);
            }
            if !own.is_empty() {
                let low = self.low + ((bin as u64) << shift);
                let high = self.high.min(low.saturating_add((1 << shift) - 1));
                narrowed.push(Self { column: self.column, low, high, below, count, ranks: own });
            }
            below += count;
        }
        narrowed
    }
}

/// Where a column's values are looked for, ascending, with the place of each interval among all.
type Places = Vec<Vec<(u64, u64, usize, u32)>>;

/// Open intervals of each column.
fn sharers(intervals: &[Interval], n_columns: usize) -> Vec<usize> {
    let mut shared = vec![0; n_columns];
    intervals.iter().for_each(|interval| shared[interval.column] += 1);
    shared
}

/// The intervals of each column: low, high, first bin and shift.
fn by_column(intervals: &[Interval], n_columns: usize) -> (Places, usize) {
    let (mut columns, mut first) = (vec![Vec::new(); n_columns], 0);
    let shared = sharers(intervals, n_columns);
    for interval in intervals {
        let (shift, n_bins) = interval.bins(shared[interval.column]);
        columns[interval.column].push((interval.low, interval.high, first, shift));
        first += n_bins;
    }
    (columns, first)
}

/// Whether a value is one: neither NaN nor what stands for a missing value instead.
#[inline(always)]
pub(in crate::estimator) fn is_present(value: f64, marker: Option<f64>) -> bool {
    !value.is_nan() && marker != Some(value)
}

/// Calls `visit` on every number of a block that lies in an interval: its column, the interval's place, the number.
fn for_each_inside<T: Real>(
    block: &Block<T>,
    columns: &Places,
    marker: Option<f64>,
    mut visit: impl FnMut(usize, (u64, u64, usize, u32), u64),
) {
    for row in block.x.chunks_exact(block.n_features.max(1)) {
        for ((column, value), intervals) in row.iter().enumerate().zip(columns) {
            let value = value.to_f64();
            if intervals.is_empty() || !is_present(value, marker) {
                continue;
            }
            let key = to_ordered(value);
            let after = match intervals.len() {
                few @ 1..=8 => intervals[..few].iter().take_while(|(low, ..)| *low <= key).count(),
                _ => intervals.partition_point(|(low, ..)| *low <= key),
            };
            if let Some(interval) = after.checked_sub(1).map(|at| intervals[at])
                && key <= interval.1
            {
                visit(column, interval, key);
            }
        }
    }
}

/// How many numbers a column has, and between which they lie.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Range {
    n: u64,
    low: u64,
    high: u64,
}

impl Partial for Range {
    fn merge(&mut self, right: Self) {
        self.n += right.n;
        self.low = self.low.min(right.low);
        self.high = self.high.max(right.high);
    }
}

struct RangePass {
    marker: Option<f64>,
}

impl<T: Real> Pass<T> for RangePass {
    type Partial = Vec<Range>;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Vec<Range>> {
        let mut ranges = vec![Range { n: 0, low: u64::MAX, high: 0 }; block.n_features];
        for row in block.x.chunks_exact(block.n_features.max(1)) {
            for (range, value) in ranges.iter_mut().zip(row) {
                let value = value.to_f64();
                if is_present(value, self.marker) {
                    let key = to_ordered(value);
                    range.merge(Range { n: 1, low: key, high: key });
                }
            }
        }
        Ok(ranges)
    }
}

/// Counts the values in the bins of all intervals.
struct CountPass {
    columns: (Places, usize),
    marker: Option<f64>,
}

impl<T: Real> Pass<T> for CountPass {
    type Partial = Vec<u64>;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Vec<u64>> {
        let (columns, n_bins) = &self.columns;
        let mut counts = vec![0; *n_bins];
        for_each_inside(block, columns, self.marker, |_, (low, _, first, shift), key| {
            counts[first + ((key - low) >> shift) as usize] += 1;
        });
        Ok(counts)
    }
}

/// Some numbers of one interval.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Keys(Vec<u64>);

impl Partial for Keys {
    fn merge(&mut self, right: Self) {
        self.0.extend(right.0);
    }
}

/// Gathers all that is left in the intervals.
struct GatherPass {
    columns: (Places, usize),
    marker: Option<f64>,
}

impl<T: Real> Pass<T> for GatherPass {
    type Partial = Vec<Keys>;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Vec<Keys>> {
        let columns = &self.columns.0;
        let mut firsts: Vec<usize> = columns.iter().flatten().map(|(_, _, first, _)| *first).collect();
        firsts.sort_unstable();
        let mut gathered = vec![Keys::default(); firsts.len()];
        for_each_inside(block, columns, self.marker, |_, (_, _, first, _), key| {
            let place = firsts.partition_point(|known| *known < first);
            gathered[place].0.push(key);
        });
        Ok(gathered)
    }
}
