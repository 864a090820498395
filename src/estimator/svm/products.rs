//! Dot products of all rows of a table, shared by every fold, kernel and C.

use std::sync::OnceLock;

use crate::comm::{Communicator, NodeRows, Single, agree};
use crate::data::Table;
use crate::error::Result;
use crate::estimator::searchable::SharedWork;
use crate::kernel::svm::Panels;
use crate::kernel::{Isa, row_products};
use crate::telemetry::check_interrupt;

/// Rows whose products are computed at once.
const AT_ONCE: usize = 128;

/// All dot products, `(n, n)`, one copy a node, and squared norms.
pub(super) struct SharedProducts {
    n: usize,
    dots: NodeRows,
    pub(super) norms: Vec<f64>,
    /// Products that this rank computed.
    n_computed: u64,
}

impl SharedProducts {
    /// From this many features on, fetching a product beats computing it.
    pub(super) const WORTHWHILE_FEATURES: usize = 48;

    /// Whether the products are worth their memory, 8 n² bytes, and `n_ranks` of a node have it, each with `budget_bytes`.
    pub(super) fn pay(table: &Table, budget_bytes: usize, n_ranks: usize) -> bool {
        let (n, d) = table.x.dim();
        let bytes = n.checked_mul(n).and_then(|values| values.checked_mul(size_of::<f64>()));
        let fits = bytes.is_some_and(|bytes| bytes <= budget_bytes.saturating_mul(n_ranks));
        d >= Self::WORTHWHILE_FEATURES && fits
    }

    /// The products, when they are worth their memory.
    ///
    /// # Errors
    /// As [`on`](Self::on).
    pub(super) fn of(table: &Table, budget_bytes: usize) -> Result<Option<Self>> {
        Self::on(&Single::new(), table, budget_bytes)
    }

    /// The same for all ranks of a node together, each with `budget_bytes`; every rank computes its part of the rows.
    ///
    /// # Collective
    /// As [`Communicator::fill_on_node`]. An error is this rank's own: the others have products of which some are missing, and
    /// the ranks have to agree before they use any.
    ///
    /// # Errors
    /// That of an [interruption](check_interrupt).
    fn on(comm: &dyn Communicator, table: &Table, budget_bytes: usize) -> Result<Option<Self>> {
        if !Self::pay(table, budget_bytes, comm.ranks_on_node()) {
            return Ok(None);
        }
        let (n, d) = table.x.dim();
        let Some(x) = table.x.as_slice() else { return Ok(None) };
        let panels = Panels::new(x.chunks_exact(d), d);
        let (mut n_computed, mut wanted) = (0, Ok(()));
        let dots = comm.fill_on_node(n, n, &mut |rows, out| {
            n_computed += out.len() as u64;
            let x = x[rows.start * d..rows.end * d].chunks(AT_ONCE * d);
            wanted = x.zip(out.chunks_mut(AT_ONCE * n.max(1))).try_for_each(|(x, out)| {
                row_products(Isa::best(), x, &panels, out);
                check_interrupt()
            });
        });
        wanted?;
        Ok(dots.map(|dots| Self { n, dots, norms: panels.norms().to_vec(), n_computed }))
    }

    /// How many ranks of the node have this one copy, and the bytes of it.
    fn shared(&self) -> (usize, usize) {
        (self.dots.n_sharers(), size_of_val(self.dots.numbers()))
    }

    /// Products of one row with all.
    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.dots.numbers()[row * self.n..(row + 1) * self.n]
    }
}

/// The products of a search's rows, made when they are first asked for, in half of its memory.
pub(super) struct KeptProducts {
    products: OnceLock<Option<SharedProducts>>,
    budget_bytes: usize,
}

impl KeptProducts {
    /// Those of a search that has `budget_bytes`.
    pub(super) fn new(budget_bytes: usize) -> Self {
        Self { products: OnceLock::new(), budget_bytes }
    }

    /// Makes them, if they are worth it, once for all ranks of a node; returns how many ranks have this one copy, and its
    /// bytes. Without this every rank makes its own when it needs them.
    ///
    /// # Collective
    /// As [`Communicator::fill_on_node`], and an agreement.
    ///
    /// # Errors
    /// That of an [interruption](check_interrupt) of any rank, on all.
    pub(super) fn share(&self, comm: &dyn Communicator, table: &Table) -> Result<Option<(usize, usize)>> {
        let products = agree(comm, SharedProducts::on(comm, table, self.budget_bytes / 2))?;
        Ok(self.products.get_or_init(|| products).as_ref().map(SharedProducts::shared))
    }

    /// The products, if they are worth it, and the memory that they leave.
    ///
    /// # Errors
    /// Those of [`SharedProducts::of`].
    pub(super) fn of(&self, table: &Table) -> Result<(Option<&SharedProducts>, usize)> {
        let half = self.budget_bytes / 2;
        if self.products.get().is_none() {
            let made = SharedProducts::of(table, half)?;
            self.products.get_or_init(|| made);
        }
        let products = self.made();
        Ok((products, if products.is_some() { self.budget_bytes - half } else { self.budget_bytes }))
    }

    /// The products, if they were made.
    pub(super) fn made(&self) -> Option<&SharedProducts> {
        self.products.get().and_then(Option::as_ref)
    }

    /// What was saved by making them together: every rank needs all of them.
    pub(super) fn saved(&self) -> Option<SharedWork> {
        let products = self.made().filter(|products| products.shared().0 > 1)?;
        let asked = (products.n * products.n) as u64;
        Some(SharedWork { what: "dot products".into(), asked, done: products.n_computed })
    }

    /// Bytes of this rank's part of them, made or yet to be made by it alone.
    pub(super) fn own_bytes(&self, table: &Table) -> u64 {
        match (self.made(), self.products.get()) {
            (Some(products), _) => {
                let (n_sharers, bytes) = products.shared();
                (bytes / n_sharers.max(1)) as u64
            }
            (None, None) if SharedProducts::pay(table, self.budget_bytes / 2, 1) => {
                8 * (table.x.nrows() as u64).pow(2)
            }
            _ => 0,
        }
    }
}

/// What kernel values are computed from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) table: &'a Table,
    /// The rows' products, when they are known.
    pub(super) products: Option<&'a SharedProducts>,
}
