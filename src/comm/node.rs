//! Numbers that the ranks of a node have in common.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Fills some of the rows, which stand one after the other.
pub type Fill<'a> = dyn FnMut(Range<usize>, &mut [f64]) + 'a;

/// Where numbers are.
pub(super) type Numbers = Arc<dyn AsRef<[f64]> + Send + Sync>;

/// Rows of numbers that the ranks of a node filled together and only read from then on.
#[derive(Clone)]
pub struct NodeRows {
    numbers: Numbers,
    n_sharers: usize,
}

impl NodeRows {
    pub(super) fn new(numbers: Numbers, n_sharers: usize) -> Self {
        Self { numbers, n_sharers }
    }

    /// All numbers, row by row.
    pub fn numbers(&self) -> &[f64] {
        (*self.numbers).as_ref()
    }

    /// How many ranks have this one copy.
    pub fn n_sharers(&self) -> usize {
        self.n_sharers
    }
}

impl fmt::Debug for NodeRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeRows of {} numbers and {} ranks", self.numbers().len(), self.n_sharers)
    }
}

/// The rows that rank `rank` of the `size` of a node fills.
pub(super) fn part(n_rows: usize, rank: usize, size: usize) -> Range<usize> {
    n_rows * rank / size..n_rows * (rank + 1) / size
}

/// Memory for `len` numbers, or none where there is not as much.
pub(super) fn memory(len: usize) -> Option<Vec<f64>> {
    let mut numbers = Vec::new();
    numbers.try_reserve_exact(len).ok()?;
    numbers.resize(len, 0.0);
    Some(numbers)
}

/// Fills all rows for this rank alone.
pub(super) fn alone(n_rows: usize, width: usize, fill: &mut Fill<'_>) -> Option<NodeRows> {
    let mut numbers = memory(n_rows.checked_mul(width)?)?;
    fill(0..n_rows, &mut numbers);
    Some(NodeRows::new(Arc::new(numbers), 1))
}
