//! What the ranks of a node compute together before the first fit.

use super::SvcSearch;
use crate::comm::Communicator;
use crate::error::Result;
use crate::estimator::searchable::{FitId, Split};
use crate::estimator::svm::products::{Origin, SharedProducts};
use crate::estimator::svm::store::KernelStore;
use crate::estimator::svm::variance::variance;
use crate::kernel::svm::KernelFunction;

/// Kernel values, and what they cost in nanoseconds: one computed by itself for a fit, and one of a whole matrix with the
/// memory that several ranks share, which the system hands out in small pages (1 to 5 ns, by whether it has to find them
/// first). Both grow with the features, unless the products are known.
const OF_ONE: (f64, f64) = (0.9, 0.12);
const OF_MANY: (f64, f64) = (3.0, 0.06);
/// Features whose products take as long as fetching one.
const FETCHED: f64 = 16.0;
/// The part of a matrix that the fits of a rank ask for, about: the rows of support vectors. Where they ask for most, a rank
/// computes [all](crate::estimator::svm::symmetric) in half of the time.
const ASKED: f64 = 0.5;

/// A kernel of many fits.
pub(super) struct SharedKernel {
    /// As [`SvcSearch::sharing_key`].
    pub(super) key: (usize, usize),
    kernel: KernelFunction,
    n_fits: usize,
    /// How many ranks compute it together, at least.
    pub(super) n_ranks: usize,
}

/// Whether `n_ranks` that all need a matrix should compute it together.
fn pays(n_features: f64, n_ranks: usize) -> bool {
    let cost = |(value, feature): (f64, f64)| value + feature * n_features;
    cost(OF_MANY) < cost(OF_ONE) * ASKED * n_ranks as f64
}

impl SvcSearch {
    /// Computes the rows' products, if they are worth it, once for all ranks of a node; returns how many ranks have this
    /// one copy, and its bytes. Without this every rank computes its own when it needs them.
    ///
    /// # Collective
    /// As [`Communicator::fill_on_node`], and an agreement.
    ///
    /// # Errors
    /// That of an [interruption](crate::telemetry::check_interrupt) of any rank, on all.
    pub fn share_products(&self, comm: &dyn Communicator) -> Result<Option<(usize, usize)>> {
        self.products.share(comm, &self.table)
    }

    /// Chooses the kernels whose matrices the ranks of a node compute together: those that enough of them need to make up
    /// for values that nobody asks for, as many as half of the memory of `n_ranks` holds. Returns how many there are.
    ///
    /// `n_ranks` is the least number of ranks that any node has, and nothing depends on what memory a node really had: chains
    /// have to cost the same for all ranks. Kernels that depend on the fold are those of `splits`.
    pub fn choose_kernels(&self, splits: &[Split], n_ranks: usize) -> usize {
        let choose = || {
            let Some(bytes) = KernelStore::bytes(self.table.x.nrows()) else { return Vec::new() };
            let half = self.budget_bytes / 2;
            let fetches = SharedProducts::pay(&self.table, half, n_ranks);
            // Half of what the products leave, which take a half themselves.
            let budget_bytes = if fetches { half / 2 } else { half };
            let room = budget_bytes.saturating_mul(n_ranks) / bytes.max(1);
            let n_features = if fetches { FETCHED } else { self.table.x.ncols() as f64 };
            let mut kernels = self.all_kernels(splits, n_ranks);
            kernels.retain(|kernel| n_ranks > 1 && pays(n_features, kernel.n_fits.min(n_ranks)));
            kernels.sort_by_key(|kernel| std::cmp::Reverse(kernel.n_fits));
            kernels.truncate(room);
            kernels
        };
        self.before.get_or_init(choose).len()
    }

    /// Computes the matrices of the kernels [chosen](Self::choose_kernels) from the products, if
    /// [`share_products`](Self::share_products) made them; returns how many ranks have one copy of each,
    /// and the bytes of all. Where memory for one is not to be had, every rank computes the rows that it needs.
    ///
    /// # Collective
    /// As [`Communicator::fill_on_node`], once for each.
    pub fn fill_kernels(&self, comm: &dyn Communicator) -> Option<(usize, usize)> {
        let from = Origin { table: &self.table, products: self.products.made() };
        let mut bench = self.bench();
        let filled = self.before().iter().filter_map(|shared| bench.share(comm, from, shared.kernel));
        filled.reduce(|all, one| (one.0, all.1 + one.1))
    }

    /// The kernels that were chosen.
    pub(super) fn before(&self) -> &[SharedKernel] {
        self.before.get().map_or(&[], Vec::as_slice)
    }

    /// What fits with the same kernel values have in common: the first candidate of their kernel, and 1 more than the fold
    /// where the kernel depends on it.
    pub(super) fn sharing_key(&self, id: FitId) -> (usize, usize) {
        let kernels = self.kernels.get_or_init(|| self.first_of_kernel());
        let fold = if self.kernel_key(id.candidate).1 { id.fold + 1 } else { 0 };
        (kernels[id.candidate], fold)
    }

    /// The kernels of all fits, those that depend on the fold for each of `splits`.
    fn all_kernels(&self, splits: &[Split], n_ranks: usize) -> Vec<SharedKernel> {
        let mut kernels: Vec<SharedKernel> = Vec::new();
        let ids = (0..self.candidates.len())
            .flat_map(|candidate| (0..splits.len()).map(move |fold| FitId { candidate, fold }));
        for id in ids {
            let key = self.sharing_key(id);
            match kernels.iter_mut().find(|kernel| kernel.key == key) {
                Some(kernel) => kernel.n_fits += 1,
                None => {
                    let kernel = self.kernel_of(id, splits);
                    kernels.push(SharedKernel { key, kernel, n_fits: 1, n_ranks });
                }
            }
        }
        kernels
    }

    fn kernel_of(&self, id: FitId, splits: &[Split]) -> KernelFunction {
        let svc = &self.candidates[id.candidate];
        let variance = || variance(&self.table, &splits[id.fold].train);
        svc.kernel(svc.gamma(self.table.x.ncols(), variance))
    }
}
