//! Dot products of all rows of a table, shared by every fold, kernel and C.

use crate::data::Table;
use crate::kernel::Isa;
use crate::kernel::svm::{self, Panels};

/// All dot products, `(n, n)`, and squared norms.
pub(super) struct SharedProducts {
    pub(super) n: usize,
    pub(super) dots: Vec<f64>,
    pub(super) norms: Vec<f64>,
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

    /// Products of one row with all.
    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.dots[row * self.n..(row + 1) * self.n]
    }
}

/// What kernel values are computed from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) table: &'a Table,
    /// The rows' products, when they are known.
    pub(super) products: Option<&'a SharedProducts>,
}
