//! The kernel matrix of a whole table, filled on demand: one for every fold, every C and the scoring.

use std::ops::Range;

use super::products::Origin;
use super::row_cache::RowCache;
use super::rows::table_row;
use super::symmetric;
use crate::comm::{Communicator, NodeRows};
use crate::data::Table;
use crate::kernel::Isa;
use crate::kernel::svm::{self, KernelFunction, Panels};

/// Rows of the matrix that are filled together.
const AT_ONCE: usize = 128;

/// The part of the rows that, once computed one by one, lets expect that most will be asked for: all of them together take
/// half of the time.
pub(super) const MANY: usize = 8;

/// Kernel values of all rows of a table, class by class and ascending in each, in single precision.
///
/// A class's part of a row is computed when it is first asked for and kept until the kernel changes.
pub(super) struct KernelStore {
    kernel: KernelFunction,
    /// Targets of the classes, ascending.
    classes: Vec<f64>,
    /// Where each class starts among the columns, and where the last ends.
    starts: Vec<usize>,
    /// The table's row of each column.
    rows: Vec<u32>,
    /// The column of each of the table's rows.
    columns: Vec<u32>,
    /// Squared norm of each of the table's rows.
    norms: Vec<f64>,
    /// Each class packed, unless the products are known.
    panels: Vec<Panels>,
    values: RowCache,
    /// The kernel whose values these are.
    of: KernelFunction,
    /// All values of some kernels, one copy a node, where its ranks filled them together.
    wholes: Vec<(KernelFunction, NodeRows)>,
    /// The one of these that is of the present kernel.
    whole: Option<usize>,
    /// Whether to compute all values of a kernel once many rows were asked for.
    pub(super) expects_all: bool,
    /// Whether filling it was left in the middle: rows that count as filled may not be.
    torn: bool,
    /// Values that were computed.
    pub(super) n_computed: u64,
}

impl KernelStore {
    /// Bytes that the matrix of `n` rows takes.
    pub(super) fn bytes(n: usize) -> Option<usize> {
        n.checked_mul(n)?.checked_mul(size_of::<f32>())
    }

    /// An empty matrix over all rows of a table whose targets are classes.
    pub(super) fn new(from: Origin<'_>, kernel: KernelFunction) -> Self {
        let y = &from.table.y;
        let mut rows: Vec<u32> = (0..y.len() as u32).collect();
        rows.sort_by(|&a, &b| y[a as usize].total_cmp(&y[b as usize]));
        let (mut classes, mut starts): (Vec<f64>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut columns = vec![0; rows.len()];
        for (column, &row) in rows.iter().enumerate() {
            columns[row as usize] = column as u32;
            if classes.last() != Some(&y[row as usize]) {
                classes.push(y[row as usize]);
                starts.push(column);
            }
        }
        starts.push(rows.len());
        let mut store = Self {
            kernel,
            classes,
            starts,
            columns,
            norms: Vec::new(),
            panels: Vec::new(),
            values: RowCache::default(),
            of: kernel,
            wholes: Vec::new(),
            whole: None,
            expects_all: false,
            torn: false,
            n_computed: 0,
            rows,
        };
        store.pack(from);
        store.forget();
        store
    }

    fn pack(&mut self, from: Origin<'_>) {
        if let Some(products) = from.products {
            self.norms = products.norms.clone();
            return;
        }
        self.norms = vec![0.0; self.rows.len()];
        for class in self.starts.windows(2) {
            let rows = &self.rows[class[0]..class[1]];
            let values = rows.iter().map(|&r| table_row(from.table, r as usize));
            let panels = Panels::new(values, from.table.x.ncols());
            for (&row, &norm) in rows.iter().zip(panels.norms()) {
                self.norms[row as usize] = norm;
            }
            self.panels.push(panels);
        }
    }

    fn forget(&mut self) {
        let n = self.rows.len();
        self.values.reset(n, n, self.classes.len(), usize::MAX);
        (self.of, self.torn) = (self.kernel, false);
    }

    /// Computes all values of `kernel` once for the ranks of a node, each its part of the rows, and keeps them whichever
    /// kernels follow; returns how many ranks have this one copy, and its bytes. Without memory for it all stays as it was.
    ///
    /// # Collective
    /// As [`Communicator::fill_on_node`].
    pub(super) fn fill_on_node(
        &mut self,
        comm: &dyn Communicator,
        from: Origin<'_>,
        kernel: KernelFunction,
    ) -> Option<(usize, usize)> {
        let (n, width) = (self.rows.len(), self.node_width());
        let mut n_computed = 0;
        let whole = comm.fill_on_node(n, width, &mut |columns, out| {
            n_computed += (columns.len() * n) as u64;
            let rows = self.rows[columns].chunks(AT_ONCE);
            for (rows, out) in rows.zip(out.chunks_mut(AT_ONCE * width)) {
                self.compute_all(from, kernel, rows, out.chunks_exact_mut(width));
            }
        })?;
        self.n_computed += n_computed;
        let shared = (whole.n_sharers(), size_of_val(whole.numbers()));
        self.wholes.push((kernel, whole));
        self.whole = self.position(self.kernel);
        Some(shared)
    }

    /// All values of some rows of the table, each into doubles that hold them.
    fn compute_all<'n>(
        &self,
        from: Origin<'_>,
        kernel: KernelFunction,
        rows: &[u32],
        out: impl Iterator<Item = &'n mut [f64]>,
    ) {
        let mut rest: Vec<&mut [f32]> = out.map(bytemuck::cast_slice_mut).collect();
        let x: Vec<&[f64]> = rows.iter().map(|&row| table_row(from.table, row as usize)).collect();
        let x = if from.products.is_none() { x.concat() } else { Vec::new() };
        for (class, of_class) in self.starts.windows(2).enumerate() {
            let mut part: Vec<&mut [f32]> = Vec::with_capacity(rest.len());
            for row in &mut rest {
                part.extend(row.split_off_mut(..of_class[1] - of_class[0]));
            }
            if from.products.is_none() {
                svm::kernel_rows(Isa::best(), kernel, &self.panels[class], 0, &x, &mut part);
                continue;
            }
            for (&row, out) in rows.iter().zip(part) {
                self.compute(from, kernel, row as usize, class, out);
            }
        }
    }

    /// Doubles that hold a row of single-precision values.
    fn node_width(&self) -> usize {
        self.rows.len().div_ceil(2)
    }

    /// From now on holds the values of `kernel`.
    pub(super) fn turn_to(&mut self, kernel: KernelFunction) {
        self.kernel = kernel;
        self.whole = self.position(kernel);
        if self.whole.is_none() && (self.of != kernel || self.torn) {
            self.forget();
        }
    }

    /// Whether values of `kernel` are held, all or some.
    pub(super) fn holds(&self, kernel: KernelFunction) -> bool {
        self.of == kernel || self.position(kernel).is_some()
    }

    /// Whether the ranks of the node have any kernel's values together.
    pub(super) fn is_shared(&self) -> bool {
        !self.wholes.is_empty()
    }

    fn position(&self, kernel: KernelFunction) -> Option<usize> {
        self.wholes.iter().position(|(of, _)| *of == kernel)
    }

    /// The number of the class with this target.
    pub(super) fn class(&self, target: f64) -> usize {
        self.classes.partition_point(|&c| c < target)
    }

    /// Squared norms of the columns.
    pub(super) fn column_norms(&self) -> Vec<f64> {
        self.rows.iter().map(|&row| self.norms[row as usize]).collect()
    }

    /// Where each class starts among the columns, and where the last ends.
    pub(super) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Where a row of the table stands in a row of the matrix.
    pub(super) fn column(&self, row: usize) -> u32 {
        self.columns[row]
    }

    /// Where the given rows of the table stand in a row of the matrix.
    pub(super) fn columns(&self, rows: impl Iterator<Item = usize>) -> Columns {
        Columns::new(rows.map(|row| self.columns[row]).collect())
    }

    /// The values of a row of the table with all rows.
    pub(super) fn row(&mut self, from: Origin<'_>, row: usize) -> &[f32] {
        let column = self.columns[row] as usize;
        let slot = self.filled(from, column, 0..self.classes.len());
        self.slot_row(slot)
    }

    /// The slot of a column's row with its values of `classes`.
    pub(super) fn slot(&mut self, from: Origin<'_>, column: usize, classes: &[usize]) -> usize {
        self.filled(from, column, classes.iter().copied())
    }

    fn filled(&mut self, from: Origin<'_>, column: usize, classes: impl Iterator<Item = usize>) -> usize {
        if self.whole.is_some() {
            return column;
        }
        let slot = self.values.slot(column, None);
        if self.expects_all && from.products.is_none() && self.values.n_rows() == self.rows.len() / MANY {
            self.fill_all(from);
        }
        for class in classes {
            self.claim(from, column, slot, class);
        }
        slot
    }

    /// The row in a slot; only the classes asked for hold numbers.
    pub(super) fn slot_row(&self, slot: usize) -> &[f32] {
        let Some((_, whole)) = self.whole.map(|whole| &self.wholes[whole]) else {
            return self.values.row(slot);
        };
        let (n, width) = (self.rows.len(), self.node_width());
        &bytemuck::cast_slice(&whole.numbers()[slot * width..(slot + 1) * width])[..n]
    }

    /// Computes all values of the present kernel, if there is room for them.
    fn fill_all(&mut self, from: Origin<'_>) {
        let width = self.rows.len();
        let Some((memory, slot_of)) = self.values.claim_all() else { return };
        let features = |columns: Range<usize>| {
            let rows = self.rows[columns].iter();
            rows.flat_map(|&row| table_row(from.table, row as usize)).copied().collect()
        };
        let mut rows = symmetric::Rows { memory, width, slot_of };
        match symmetric::fill(self.kernel, &self.panels, features, &mut rows) {
            Ok(n_computed) => self.n_computed += n_computed,
            // Who asked for a row finds the interruption by itself.
            Err(_) => self.torn = true,
        }
    }

    fn claim(&mut self, from: Origin<'_>, column: usize, slot: usize, class: usize) {
        if self.values.claim(slot, class) {
            self.fill(from, self.rows[column] as usize, slot, class);
        }
    }

    fn fill(&mut self, from: Origin<'_>, row: usize, slot: usize, class: usize) {
        let part = self.starts[class]..self.starts[class + 1];
        self.n_computed += part.len() as u64;
        // Taken out, so that the rest can be read meanwhile.
        let mut values = std::mem::take(&mut self.values);
        self.compute(from, self.kernel, row, class, &mut values.row_mut(slot)[part]);
        self.values = values;
    }

    /// The values of a row of the table with the rows of a class.
    fn compute(&self, from: Origin<'_>, kernel: KernelFunction, row: usize, class: usize, out: &mut [f32]) {
        match from.products {
            Some(products) => {
                let (norms, own) = (&products.norms, products.norms[row]);
                let dots = products.row(row);
                let rows = &self.rows[self.starts[class]..self.starts[class + 1]];
                svm::gathered_row(Isa::best(), kernel, dots, norms, own, rows, out);
            }
            None => {
                let x = table_row(from.table, row);
                svm::kernel_row(Isa::best(), kernel, &self.panels[class], x, out);
            }
        }
    }

    /// A bound on the relative error of a value against one in double precision, of which rows differ first and are
    /// squared then.
    pub(super) fn relative_error(&self, table: &Table) -> f64 {
        // Rounding to single precision makes half of this; the rest is for the sums' own rounding.
        let single = f64::from(f32::EPSILON);
        let KernelFunction::Rbf { gamma } = self.kernel else { return single };
        let largest = self.norms.iter().copied().fold(0.0, f64::max);
        // |x|² + |z|² − 2 x·z: each of the sums is at most 4 max |x|², and each of their terms is rounded.
        single + gamma * 8.0 * largest * (table.x.ncols() as f64 + 8.0) * f64::EPSILON
    }
}

/// Columns of the matrix: as they are, or as runs of neighbours where these are long.
pub(super) enum Columns {
    Listed(Vec<u32>),
    Runs(Vec<Range<usize>>),
}

impl Columns {
    /// From this mean length on, copying runs beats gathering.
    const WORTHWHILE_RUN: usize = 16;

    fn new(columns: Vec<u32>) -> Self {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for column in columns.iter().map(|&c| c as usize) {
            match runs.last_mut() {
                Some(run) if run.end == column => run.end += 1,
                _ => runs.push(column..column + 1),
            }
        }
        match runs.len() * Self::WORTHWHILE_RUN <= columns.len() {
            true => Self::Runs(runs),
            false => Self::Listed(columns),
        }
    }

    /// Takes these columns of a row of the matrix.
    pub(super) fn copy(&self, from: &[f32], to: &mut [f32]) {
        match self {
            Self::Listed(columns) => {
                for (to, &column) in to.iter_mut().zip(columns) {
                    *to = from[column as usize];
                }
            }
            Self::Runs(runs) => {
                let mut rest = to;
                for run in runs {
                    let (to, after) = rest.split_at_mut(run.len());
                    to.copy_from_slice(&from[run.clone()]);
                    rest = after;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_taken_in_their_order() {
        let row: Vec<f32> = (0..100).map(|v| v as f32).collect();
        let lists: [Vec<u32>; 4] =
            [vec![], vec![7, 3, 4, 99], (0..60).chain(80..100).collect(), (50..90).chain(0..40).collect()];
        for list in lists {
            let mut taken = vec![-1.0; list.len()];
            Columns::new(list.clone()).copy(&row, &mut taken);
            assert_eq!(taken, list.iter().map(|&c| c as f32).collect::<Vec<_>>());
        }
    }
}
