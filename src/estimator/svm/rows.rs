//! The kernel matrix that a fit works on, row by row on demand.

use std::ops::Range;

use super::products::Origin;
use super::row_cache::RowCache;
use super::solver::Begun;
use super::store::KernelStore;
use super::training::TrainingSet;
use crate::data::Table;
use crate::kernel::Isa;
use crate::kernel::svm::{self, KernelFunction, PANEL, Panels};

/// Rows of a kernel matrix, its columns in parts of one class each.
///
/// The columns are the rows of a training set, or those of the whole table where its matrix is stored.
pub(super) struct KernelRows<'a> {
    isa: Isa,
    kernel: KernelFunction,
    pub(super) from: Origin<'a>,
    source: Source<'a>,
    /// The column of each row of the training set.
    columns: Vec<u32>,
    /// The part of each class of the training set.
    parts: Vec<usize>,
    /// Where each part starts among the columns, and where the last ends.
    starts: Vec<usize>,
    /// k(x, x) of each column.
    pub(super) diagonal: Vec<f64>,
    /// c(x) of each column, with |k(x, z)| ≤ c(x) c(z).
    pub(super) sizes: Vec<f64>,
    /// Memory the rows may take.
    pub(super) budget_bytes: usize,
    /// Columns whose rows the present fit asked for.
    seen: Vec<bool>,
    /// Runs of the fits before, for those that begin alike: one for all columns of the same parts.
    pub(super) begun: Vec<Begun>,
    /// Values that fits asked for, those of each row once a fit.
    pub(super) n_asked: u64,
}

enum Source<'a> {
    /// Computed for the training set `rows`: from products or, without them, from each class's rows.
    Own { cache: &'a mut RowCache, rows: &'a [u32], classes: Vec<Panels> },
    /// The matrix of the whole table.
    Stored(&'a mut KernelStore),
}

impl<'a> KernelRows<'a> {
    /// The matrix of `kernel` for fits on `set`.
    ///
    /// Rows are those of `store`, which is then turned to the kernel; without it they are computed and kept in
    /// `cache`, which was [reset](Self::reset) for this set and kernel.
    pub(super) fn new(
        from: Origin<'a>,
        set: &'a TrainingSet,
        kernel: KernelFunction,
        store: Option<&'a mut KernelStore>,
        cache: &'a mut RowCache,
        budget_bytes: usize,
    ) -> Self {
        if let Some(store) = store {
            store.turn_to(kernel);
            let columns = set.rows.iter().map(|&row| store.column(row as usize)).collect();
            let parts = set.classes.iter().map(|&class| store.class(class)).collect();
            let (starts, norms) = (store.starts().to_vec(), store.column_norms());
            return Self::over(
                from,
                kernel,
                Source::Stored(store),
                (columns, parts, starts),
                &norms,
                budget_bytes,
            );
        }
        let rows = &set.rows;
        let (classes, norms): (Vec<Panels>, Vec<f64>) = match from.products {
            Some(products) => (Vec::new(), rows.iter().map(|&r| products.norms[r as usize]).collect()),
            None => {
                let classes: Vec<Panels> = (0..set.n_classes()).map(|c| pack(from.table, set, c)).collect();
                let norms = classes.iter().flat_map(|p| p.norms().to_vec()).collect();
                (classes, norms)
            }
        };
        let source = Source::Own { cache, rows, classes };
        let layout = ((0..rows.len() as u32).collect(), (0..set.n_classes()).collect(), set.starts.clone());
        Self::over(from, kernel, source, layout, &norms, budget_bytes)
    }

    fn over(
        from: Origin<'a>,
        kernel: KernelFunction,
        source: Source<'a>,
        (columns, parts, starts): (Vec<u32>, Vec<usize>, Vec<usize>),
        norms: &[f64],
        budget_bytes: usize,
    ) -> Self {
        let diagonal = norms.iter().map(|&norm| kernel.diagonal(norm)).collect();
        let sizes = norms.iter().map(|&norm| kernel.size(norm)).collect();
        let (isa, seen) = (Isa::best(), vec![false; norms.len()]);
        Self {
            isa,
            kernel,
            from,
            source,
            columns,
            parts,
            starts,
            diagonal,
            sizes,
            budget_bytes,
            seen,
            begun: Vec::new(),
            n_asked: 0,
        }
    }

    /// Prepares `cache` for the rows of another set or kernel.
    pub(super) fn reset(cache: &mut RowCache, set: &TrainingSet, budget_bytes: usize) {
        let n = set.rows.len();
        cache.reset(n, n, set.n_classes(), budget_bytes);
    }

    /// The instruction set in use.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// The kernel.
    pub(super) fn kernel(&self) -> KernelFunction {
        self.kernel
    }

    /// The columns of a part.
    pub(super) fn range(&self, part: usize) -> Range<usize> {
        self.starts[part]..self.starts[part + 1]
    }

    /// The part of a class of the training set.
    pub(super) fn part(&self, class: usize) -> usize {
        self.parts[class]
    }

    /// The columns of places of the training set.
    pub(super) fn columns(&self, places: Range<usize>) -> &[u32] {
        &self.columns[places]
    }

    /// Another fit begins: what it asks for counts anew.
    pub(super) fn begin_fit(&mut self) {
        self.seen.fill(false);
    }

    /// The matrix of the whole table, where there is one, and what it is computed from.
    pub(super) fn store(&mut self) -> Option<(&mut KernelStore, Origin<'a>)> {
        match &mut self.source {
            Source::Stored(store) => Some((&mut **store, self.from)),
            _ => None,
        }
    }

    /// The slot of a column's row with `parts` filled; never the slot `keep`, unless it is that row's.
    pub(super) fn slot(&mut self, column: usize, parts: &[usize], keep: Option<usize>) -> usize {
        if !std::mem::replace(&mut self.seen[column], true) {
            self.n_asked += parts.iter().map(|&part| self.range(part).len() as u64).sum::<u64>();
        }
        let Self { source, from, isa, kernel, starts, .. } = self;
        let (cache, rows, classes) = match source {
            Source::Stored(store) => return store.slot(*from, column, parts),
            Source::Own { cache, rows, classes } => (cache, *rows, classes),
        };
        let slot = cache.slot(column, keep);
        for &part in parts {
            if cache.claim(slot, part) {
                let (range, row) = (starts[part]..starts[part + 1], rows[column] as usize);
                let out = &mut cache.row_mut(slot)[range.clone()];
                match from.products {
                    Some(products) => {
                        let (norms, own) = (&products.norms, products.norms[row]);
                        svm::gathered_row(*isa, *kernel, products.row(row), norms, own, &rows[range], out);
                    }
                    None => svm::kernel_row(*isa, *kernel, &classes[part], table_row(from.table, row), out),
                }
            }
        }
        slot
    }

    /// Whether rows stay in their slots, whichever others are asked for.
    pub(super) fn stay(&self) -> bool {
        matches!(self.source, Source::Stored(_))
    }

    /// The row in a slot; only the parts asked for hold numbers.
    pub(super) fn row(&self, slot: usize) -> &[f32] {
        match &self.source {
            Source::Stored(store) => store.slot_row(slot),
            Source::Own { cache, .. } => cache.row(slot),
        }
    }
}

fn pack(table: &Table, set: &TrainingSet, class: usize) -> Panels {
    let rows = &set.rows[set.class_rows(class)];
    Panels::new(rows.iter().map(|&r| table_row(table, r as usize)), table.x.ncols())
}

/// A row of the table; tables are made in row-major order.
pub(super) fn table_row(table: &Table, row: usize) -> &[f64] {
    let d = table.x.ncols();
    table.x.as_slice().map_or(&[], |x| &x[row * d..(row + 1) * d])
}

/// Weights in the panels' order: `(n_panels, n_sums, PANEL)` from `(n_sums, n_rows)`.
pub(super) fn pack_weights(weights: &[&[f64]], n_rows: usize) -> Vec<f64> {
    let n_sums = weights.len();
    let mut packed = vec![0.0; n_rows.div_ceil(PANEL) * n_sums * PANEL];
    for (s, weights) in weights.iter().enumerate() {
        for (i, &w) in weights.iter().enumerate() {
            packed[((i / PANEL) * n_sums + s) * PANEL + i % PANEL] = w;
        }
    }
    packed
}
