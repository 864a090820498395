//! The kernel matrix of one training set, row by row on demand.

use super::row_cache::RowCache;
use super::training::TrainingSet;
use crate::data::Table;
use crate::kernel::Isa;
use crate::kernel::svm::{self, KernelFunction, PANEL, Panels};

/// Dot products of all rows of a table, shared by every fold, kernel and C.
pub(super) struct SharedProducts {
    n: usize,
    dots: Vec<f64>,
    norms: Vec<f64>,
}

impl SharedProducts {
    /// From this many features on, fetching a product beats computing it.
    const WORTHWHILE_FEATURES: usize = 48;

    /// The products, when they are worth their memory: 8 n² bytes.
    pub(super) fn of(table: &Table, budget_bytes: usize) -> Option<Self> {
        let (n, d) = table.x.dim();
        let bytes = n.checked_mul(n)?.checked_mul(size_of::<f64>())?;
        if d < Self::WORTHWHILE_FEATURES || bytes > budget_bytes {
            return None;
        }
        let x = table.x.as_slice()?;
        let panels = Panels::new(x.chunks_exact(d), d);
        let mut dots = Vec::new();
        dots.try_reserve_exact(n * n).ok()?;
        dots.resize(n * n, 0.0);
        svm::dot_products(Isa::best(), x, &panels, &mut dots);
        Some(Self { n, dots, norms: panels.norms().to_vec() })
    }
}

/// Rows of the kernel matrix over a training set, each class a part of its own.
pub(super) struct KernelRows<'a> {
    isa: Isa,
    kernel: KernelFunction,
    source: Source<'a>,
    rows: &'a [u32],
    pub(super) starts: &'a [usize],
    /// k(x, x) of each row.
    pub(super) diagonal: Vec<f64>,
    cache: &'a mut RowCache,
    /// Memory the rows may take.
    pub(super) budget_bytes: usize,
}

enum Source<'a> {
    Shared(&'a SharedProducts),
    Computed { table: &'a Table, classes: Vec<Panels> },
}

impl<'a> KernelRows<'a> {
    /// The matrix of `kernel` over `set`; rows are kept in `cache`.
    pub(super) fn new(
        table: &'a Table,
        set: &'a TrainingSet,
        kernel: KernelFunction,
        shared: Option<&'a SharedProducts>,
        cache: &'a mut RowCache,
        budget_bytes: usize,
    ) -> Self {
        let n = set.rows.len();
        cache.reset(n, n, set.n_classes(), budget_bytes);
        let (source, norms) = match shared {
            Some(shared) => {
                let norms: Vec<f64> = set.rows.iter().map(|&r| shared.norms[r as usize]).collect();
                (Source::Shared(shared), norms)
            }
            None => {
                let classes: Vec<Panels> = (0..set.n_classes()).map(|c| pack(table, set, c)).collect();
                let norms = classes.iter().flat_map(|p| p.norms().to_vec()).collect();
                (Source::Computed { table, classes }, norms)
            }
        };
        let diagonal = norms.iter().map(|&norm| kernel.diagonal(norm)).collect();
        let isa = Isa::best();
        Self { isa, kernel, source, rows: &set.rows, starts: &set.starts, diagonal, cache, budget_bytes }
    }

    /// The instruction set in use.
    pub(super) fn isa(&self) -> Isa {
        self.isa
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
        let row = self.rows[i] as usize;
        let out = &mut self.cache.row_mut(slot)[part.clone()];
        match &self.source {
            Source::Shared(shared) => {
                let dots = &shared.dots[row * shared.n..(row + 1) * shared.n];
                let (norms, own) = (&shared.norms, shared.norms[row]);
                svm::gathered_row(self.isa, self.kernel, dots, norms, own, &self.rows[part], out);
            }
            Source::Computed { table, classes } => {
                svm::kernel_row(self.isa, self.kernel, &classes[class], table_row(table, row), out);
            }
        }
    }

    /// The row in a slot; only the parts asked for hold numbers.
    pub(super) fn row(&self, slot: usize) -> &[f32] {
        self.cache.row(slot)
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
