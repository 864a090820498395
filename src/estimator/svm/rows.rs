//! The kernel matrix of one training set, row by row on demand.

use super::products::Origin;
use super::row_cache::RowCache;
use super::store::{Columns, KernelStore};
use super::training::TrainingSet;
use crate::data::Table;
use crate::kernel::Isa;
use crate::kernel::svm::{self, KernelFunction, PANEL, Panels};

/// Rows of the kernel matrix over a training set, each class a part of its own.
pub(super) struct KernelRows<'a> {
    isa: Isa,
    kernel: KernelFunction,
    pub(super) from: Origin<'a>,
    source: Source<'a>,
    rows: &'a [u32],
    pub(super) starts: &'a [usize],
    /// k(x, x) of each row.
    pub(super) diagonal: Vec<f64>,
    cache: &'a mut RowCache,
    /// Memory the rows may take.
    pub(super) budget_bytes: usize,
    /// Values that were asked for.
    pub(super) n_asked: u64,
}

enum Source<'a> {
    /// Computed from products.
    Products,
    /// Computed from each class's rows.
    Computed(Vec<Panels>),
    /// Copied from the matrix of the whole table.
    Stored { store: &'a mut KernelStore, classes: Vec<StoredClass> },
}

/// A class of the training set in the matrix of the whole table.
struct StoredClass {
    class: usize,
    columns: Columns,
}

impl<'a> KernelRows<'a> {
    /// The matrix of `kernel` over `set`.
    ///
    /// Rows are kept in `cache`, which was [reset](Self::reset) for this set and kernel. They come from `store`,
    /// which is then turned to the kernel, or are computed.
    pub(super) fn new(
        from: Origin<'a>,
        set: &'a TrainingSet,
        kernel: KernelFunction,
        store: Option<&'a mut KernelStore>,
        cache: &'a mut RowCache,
        budget_bytes: usize,
    ) -> Self {
        let pick = |norms: &[f64]| set.rows.iter().map(|&r| norms[r as usize]).collect::<Vec<f64>>();
        let (source, norms) = match (store, from.products) {
            (Some(store), _) => {
                store.turn_to(kernel);
                let norms = pick(store.norms());
                let classes = (0..set.n_classes()).map(|c| StoredClass::new(store, set, c)).collect();
                (Source::Stored { store, classes }, norms)
            }
            (None, Some(products)) => (Source::Products, pick(&products.norms)),
            (None, None) => {
                let classes: Vec<Panels> = (0..set.n_classes()).map(|c| pack(from.table, set, c)).collect();
                let norms = classes.iter().flat_map(|p| p.norms().to_vec()).collect();
                (Source::Computed(classes), norms)
            }
        };
        let diagonal = norms.iter().map(|&norm| kernel.diagonal(norm)).collect();
        let (isa, rows, starts) = (Isa::best(), &set.rows, &set.starts);
        Self { isa, kernel, from, source, rows, starts, diagonal, cache, budget_bytes, n_asked: 0 }
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

    /// The matrix of the whole table, where there is one, and what it is computed from.
    pub(super) fn store(&mut self) -> Option<(&mut KernelStore, Origin<'a>)> {
        match &mut self.source {
            Source::Stored { store, .. } => Some((&mut **store, self.from)),
            _ => None,
        }
    }

    /// The slot of row `i` with the parts of `classes` filled; never the slot `keep`, unless it is that row's.
    pub(super) fn slot(&mut self, i: usize, classes: [usize; 2], keep: Option<usize>) -> usize {
        let slot = self.cache.slot(i, keep);
        for class in classes {
            if self.cache.claim(slot, class) {
                self.fill(i, slot, class);
            }
        }
        slot
    }

    fn fill(&mut self, i: usize, slot: usize, class: usize) {
        let part = self.starts[class]..self.starts[class + 1];
        self.n_asked += part.len() as u64;
        let row = self.rows[i] as usize;
        let out = &mut self.cache.row_mut(slot)[part.clone()];
        match (&mut self.source, self.from.products) {
            (Source::Stored { store, classes }, _) => {
                let stored = &classes[class];
                let values = store.row(self.from, row, stored.class..stored.class + 1);
                stored.columns.copy(values, out);
            }
            (Source::Computed(classes), _) => {
                let x = table_row(self.from.table, row);
                svm::kernel_row(self.isa, self.kernel, &classes[class], x, out);
            }
            (Source::Products, products) => {
                let Some(products) = products else { return };
                let (norms, own) = (&products.norms, products.norms[row]);
                let dots = products.row(row);
                svm::gathered_row(self.isa, self.kernel, dots, norms, own, &self.rows[part], out);
            }
        }
    }

    /// The row in a slot; only the parts asked for hold numbers.
    pub(super) fn row(&self, slot: usize) -> &[f32] {
        self.cache.row(slot)
    }
}

impl StoredClass {
    fn new(store: &KernelStore, set: &TrainingSet, class: usize) -> Self {
        let rows = set.rows[set.class_rows(class)].iter().map(|&r| r as usize);
        Self { class: store.class(set.classes[class]), columns: store.columns(rows) }
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
