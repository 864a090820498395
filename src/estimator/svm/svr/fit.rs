//! Fitting: from parameters and rows to a model.

use std::time::Instant;

use super::model::SvrModel;
use super::params::Svr;
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::plain::{PlainEstimator, PlainModel};
use crate::estimator::svm::footprint;
use crate::estimator::svm::products::{Origin, SharedProducts};
use crate::estimator::svm::row_cache::RowCache;
use crate::estimator::svm::rows::KernelRows;
use crate::estimator::svm::solver::{Neighbour, Problem, Solution, Start, Stopping, solve};
use crate::estimator::svm::training::TrainingSet;
use crate::estimator::svm::variance::variance;
use crate::estimator::targets::check_table;
use crate::kernel::svm::KernelFunction;

/// A fold's rows and the kernel values between them: what fits of any C and ε share.
pub(super) struct Desk {
    pub(super) set: TrainingSet,
    pub(super) gamma: f64,
    kernel: KernelFunction,
    cache: RowCache,
    compact: RowCache,
    budget_bytes: usize,
    /// Kernel values that fits asked for, those of each row once a fit.
    pub(super) n_asked: u64,
}

impl Svr {
    /// Checks that `table` can be learnt from.
    ///
    /// # Errors
    /// [`Error::Data`] for targets that are absent or not finite, and for weights that are none.
    pub fn check_table(&self, table: &Table) -> Result<()> {
        check_table(table, false)
    }

    /// Fits on the given rows, ascending.
    ///
    /// Kernel rows are kept within `cache_size` MB. Each weight of the table scales C of its row.
    ///
    /// # Errors
    /// As [`check_table`](Self::check_table); [`Error::Data`] when all weights are 0 or numbers leave the finite range.
    pub fn fit(&self, table: &Table, rows: &[usize]) -> Result<SvrModel> {
        let budget_bytes = (self.params().cache_size * 1048576.0) as usize;
        let shared = SharedProducts::of(table, budget_bytes)?;
        let mut desk = Desk::new(self, table, rows, budget_bytes)?;
        let solution = desk.solve(self, table, shared.as_ref(), None)?;
        SvrModel::assemble(self, table, &desk.set, desk.gamma, &solution)
    }
}

impl PlainEstimator for Svr {
    fn memory_bytes(&self, n: usize, d: usize) -> u64 {
        let budget_bytes = (self.params().cache_size * 1048576.0) as u64;
        footprint::of_numbers(n, d, budget_bytes) + footprint::of_products(n, d, budget_bytes)
    }

    fn fit_rows(&self, table: &Table, rows: &[usize]) -> Result<Box<dyn PlainModel>> {
        Ok(Box::new(self.fit(table, rows)?))
    }

    fn check_table(&self, table: &Table) -> Result<()> {
        Svr::check_table(self, table)
    }
}

impl Desk {
    /// Readies `rows` for fits with the kernel of `svr`.
    pub(super) fn new(svr: &Svr, table: &Table, rows: &[usize], budget_bytes: usize) -> Result<Self> {
        svr.check_table(table)?;
        let set = TrainingSet::of_numbers(table, rows)?;
        let gamma = svr.machine.gamma(table.x.ncols(), || variance(table, rows));
        let mut cache = RowCache::default();
        KernelRows::reset(&mut cache, &set, budget_bytes);
        let (kernel, compact) = (svr.machine.kernel(gamma), RowCache::default());
        Ok(Self { set, gamma, kernel, cache, compact, budget_bytes, n_asked: 0 })
    }

    /// Kernel values that were computed: rows are whole, for there are no classes.
    pub(super) fn n_computed(&self) -> u64 {
        self.cache.n_filled * self.set.rows.len() as u64
    }

    /// Solves the problem of `svr`, whose kernel is this one; from a solution `before` with its C, if there is one.
    pub(super) fn solve(
        &mut self,
        svr: &Svr,
        table: &Table,
        products: Option<&SharedProducts>,
        before: Option<(&Solution, f64)>,
    ) -> Result<Solution> {
        let (from, n) = (Origin { table, products }, self.set.rows.len());
        let mut matrix =
            KernelRows::new(from, &self.set, self.kernel, None, &mut self.cache, self.budget_bytes);
        let epsilon = svr.params().epsilon;
        let y = || self.set.rows.iter().map(|&row| table.y[row as usize]);
        let c = self.set.bounds(0, svr.params().c);
        // One variable a row that raises its prediction, then one a row that lowers it.
        let problem = Problem {
            parts: vec![matrix.part(0); 2],
            linear: y().map(|y| epsilon - y).chain(y().map(|y| epsilon + y)).collect(),
            signs: (0..2 * n).map(|variable| if variable < n { 1.0 } else { -1.0 }).collect(),
            bounds: c.iter().chain(&c).copied().collect(),
        };
        let stopping = Stopping {
            tol: svr.params().tol,
            shrinking: svr.params().shrinking,
            max_iter: svr.machine.max_iter(),
            deadline: svr.machine.time_limit().map(|limit| Instant::now() + limit),
        };
        matrix.begin_fit();
        let start = match before {
            Some((solution, c)) => Start::Near(Neighbour { solution, factor: svr.params().c / c }),
            None => Start::Zero,
        };
        let solution = solve(&mut matrix, &mut self.compact, problem, stopping, start)?;
        self.n_asked += matrix.n_asked;
        if !solution.rho.is_finite() || solution.alpha.iter().any(|a| !a.is_finite()) {
            let expected = "data and a kernel whose dual coefficients are finite (scaled data?)";
            return Err(Error::data(&table.origin, Place::default(), expected, "an overflow"));
        }
        Ok(solution)
    }
}
