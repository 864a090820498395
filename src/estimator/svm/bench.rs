//! What fits one after the other on a rank use together: kernel values, the rows of the fold, memory.

use super::fit::{Path, Solved};
use super::params::Svc;
use super::products::{Origin, SharedProducts};
use super::row_cache::RowCache;
use super::rows::KernelRows;
use super::store::KernelStore;
use super::training::TrainingSet;
use super::variance::variance;
use crate::comm::Communicator;
use crate::data::Table;
use crate::error::Result;
use crate::kernel::svm::KernelFunction;

/// Where fits are done. Whatever the fit before left that the next can use, it uses.
#[derive(Default)]
pub(super) struct Bench {
    fold: Option<FoldRows>,
    /// Kernel rows of the fold.
    rows: RowCache,
    compact: RowCache,
    store: Option<KernelStore>,
    /// Kernel values that fits and scoring asked for.
    pub(super) n_asked: u64,
    /// Kernel values computed for them without the store.
    n_direct: u64,
}

/// What is to be expected of the matrix of the whole table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// Not worth it: used only when it holds values of this kernel already.
    Nothing,
    /// Some rows will be asked for.
    Rows,
    /// Most rows will be asked for, if many are.
    All,
}

/// The rows that are fitted on, and what is known of them.
struct FoldRows {
    train: Vec<usize>,
    set: TrainingSet,
    variance: Option<f64>,
    /// The kernel whose rows are kept.
    kernel: Option<KernelFunction>,
}

/// A fold and a kernel, ready for fits with any C.
pub(super) struct Prepared<'a> {
    pub(super) set: &'a TrainingSet,
    pub(super) matrix: KernelRows<'a>,
    compact: &'a mut RowCache,
    pub(super) gamma: f64,
}

impl Bench {
    /// Readies the rows `train` and the kernel of `svc` within `budget_bytes`, the products' memory not counted.
    ///
    /// # Errors
    /// As [`TrainingSet::new`].
    pub(super) fn prepare<'a>(
        &'a mut self,
        table: &'a Table,
        products: Option<&'a SharedProducts>,
        train: &[usize],
        svc: &Svc,
        budget_bytes: usize,
        expected: Expect,
    ) -> Result<Prepared<'a>> {
        let from = Origin { table, products };
        if self.fold.as_ref().is_none_or(|fold| fold.train != train) {
            self.fold = None;
            self.fold = Some(FoldRows::new(table, train)?);
        }
        let Self { fold, rows, compact, store, .. } = self;
        let fold = fold.get_or_insert_with(|| unreachable!("it was made above"));
        let gamma =
            svc.gamma(table.x.ncols(), || *fold.variance.get_or_insert_with(|| variance(table, train)));
        let kernel = svc.kernel(gamma);
        let bytes = KernelStore::bytes(table.x.nrows()).filter(|&bytes| bytes <= budget_bytes / 2);
        let fits = expected != Expect::Nothing && bytes.is_some();
        if fits && store.is_none() {
            *store = Some(KernelStore::new(from, kernel));
        }
        let mut usable = store.as_mut().filter(|store| fits || store.holds(kernel));
        if let Some(store) = &mut usable {
            store.expects_all = expected == Expect::All;
        }
        let budget_bytes = match bytes.filter(|_| usable.is_some()) {
            Some(bytes) => budget_bytes - bytes,
            None => budget_bytes,
        };
        if usable.is_none() && fold.kernel != Some(kernel) {
            KernelRows::reset(rows, &fold.set, budget_bytes);
            fold.kernel = Some(kernel);
        }
        let set = &fold.set;
        let matrix = KernelRows::new(from, set, kernel, usable, rows, budget_bytes);
        Ok(Prepared { set, matrix, compact, gamma })
    }

    /// Puts up the matrix of `kernel` over the whole table, filled by all ranks of the node; returns how many ranks have
    /// this one copy, and its bytes. Other kernels keep theirs.
    ///
    /// # Collective
    /// As [`KernelStore::fill_on_node`].
    pub(super) fn share(
        &mut self,
        comm: &dyn Communicator,
        from: Origin<'_>,
        kernel: KernelFunction,
    ) -> Option<(usize, usize)> {
        let store = self.store.get_or_insert_with(|| KernelStore::new(from, kernel));
        let shared = store.fill_on_node(comm, from, kernel);
        // A matrix of this rank's own may be more than its memory.
        self.store.take_if(|store| !store.is_shared());
        shared
    }

    /// Counts `asked` kernel values more, computed in the store if there was one.
    pub(super) fn count(&mut self, asked: u64, stored: bool) {
        self.n_asked += asked;
        self.n_direct += if stored { 0 } else { asked };
    }

    /// Kernel values that were computed.
    pub(super) fn n_computed(&self) -> u64 {
        self.n_direct + self.store.as_ref().map_or(0, |store| store.n_computed)
    }
}

impl FoldRows {
    fn new(table: &Table, train: &[usize]) -> Result<Self> {
        let set = TrainingSet::new(table, train)?;
        Ok(Self { train: train.to_vec(), set, variance: None, kernel: None })
    }
}

impl Prepared<'_> {
    /// Solves the problems of all pairs of classes.
    ///
    /// # Errors
    /// As [`Svc::solve_all`].
    pub(super) fn solve(&mut self, svc: &Svc, path: Path<'_>) -> Result<Solved> {
        svc.solve_all(self.set, &mut self.matrix, self.compact, path)
    }
}
