//! Fitting: from parameters and rows to a model, one binary problem a pair of classes.

use std::time::Instant;

use super::model::SvcModel;
use super::params::Svc;
use super::products::{Origin, SharedProducts};
use super::row_cache::RowCache;
use super::rows::{KernelRows, table_row};
use super::solver::{Solution, Stopping, solve};
use super::training::TrainingSet;
use crate::data::Table;
use crate::error::{Error, Place, Result};

/// All pairs' solutions, `(0, 1), (0, 2), …, (1, 2), …`.
pub(super) struct Solved {
    pub(super) pairs: Vec<Solution>,
    pub(super) class_weight: Vec<f64>,
}

impl Svc {
    /// Fits on all rows of `table`.
    ///
    /// Kernel rows are kept within `cache_size` MB. Each weight of the table scales C of its row.
    ///
    /// # Errors
    /// [`Error::Data`] when targets are absent or not classes, fewer than two classes are there, or the numbers
    /// leave the finite range.
    pub fn fit(&self, table: &Table) -> Result<SvcModel> {
        let budget_bytes = (self.params().cache_size * 1048576.0) as usize;
        self.fit_within(table, budget_bytes)
    }

    /// Fits on all rows with `budget_bytes` of memory for kernel rows instead of `cache_size`.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_within(&self, table: &Table, budget_bytes: usize) -> Result<SvcModel> {
        let rows: Vec<usize> = (0..table.x.nrows()).collect();
        let set = TrainingSet::new(table, &rows)?;
        let gamma = self.gamma(table.x.ncols(), || variance(table, &rows));
        let shared = SharedProducts::of(table, budget_bytes);
        let (mut cache, mut compact) = (RowCache::default(), RowCache::default());
        KernelRows::reset(&mut cache, &set, budget_bytes);
        let from = Origin { table, products: shared.as_ref() };
        let mut matrix = KernelRows::new(from, &set, self.kernel(gamma), None, &mut cache, budget_bytes);
        let solved = self.solve_all(&set, &mut matrix, &mut compact)?;
        SvcModel::assemble(self, table, &set, gamma, &solved)
    }

    /// Checks, before any work, that the targets are classes and that the class weights are about them.
    ///
    /// # Errors
    /// [`Error::Data`] as [`fit`](Self::fit), [`Error::Job`] for weights of classes that are not there.
    pub fn check_classes(&self, table: &Table) -> Result<()> {
        let rows: Vec<usize> = (0..table.x.nrows()).collect();
        TrainingSet::new(table, &rows)?.class_weight(self, table).map(drop)
    }

    /// Solves the problem of each pair of classes.
    pub(super) fn solve_all(
        &self,
        set: &TrainingSet,
        matrix: &mut KernelRows<'_>,
        compact: &mut RowCache,
    ) -> Result<Solved> {
        let table = matrix.from.table;
        let class_weight = set.class_weight(self, table)?;
        let stopping = Stopping {
            tol: self.params().tol,
            shrinking: self.params().shrinking,
            max_iter: self.max_iter(),
            deadline: self.time_limit().map(|limit| Instant::now() + limit),
        };
        let mut pairs = Vec::new();
        for (a, b) in class_pairs(set.n_classes()) {
            let mut c = set.bounds(a, self.params().c * class_weight[a]);
            c.extend(set.bounds(b, self.params().c * class_weight[b]));
            let solution = solve(matrix, compact, [a, b], c, stopping, None);
            if !solution.rho.is_finite() || solution.alpha.iter().any(|a| !a.is_finite()) {
                let expected = "data and a kernel whose dual coefficients are finite (scaled data?)";
                return Err(Error::data(&table.origin, Place::default(), expected, "an overflow"));
            }
            pairs.push(solution);
        }
        Ok(Solved { pairs, class_weight })
    }
}

/// Pairs of classes in libsvm's order.
pub(super) fn class_pairs(n_classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n_classes).flat_map(move |a| (a + 1..n_classes).map(move |b| (a, b)))
}

/// The variance of all values of the given rows taken together.
pub(super) fn variance(table: &Table, rows: &[usize]) -> f64 {
    let count = (rows.len() * table.x.ncols()) as f64;
    let sum = |value: &dyn Fn(f64) -> f64| {
        let mut total = Compensated::default();
        for &row in rows {
            table_row(table, row).iter().for_each(|&v| total.add(value(v)));
        }
        total.sum + total.rest
    };
    let mean = sum(&|v| v) / count;
    sum(&|v| (v - mean) * (v - mean)) / count
}

/// A sum that carries along what rounding lost.
///
/// # References
/// Neumaier, ZAMM 54 (1974).
#[derive(Default)]
struct Compensated {
    sum: f64,
    rest: f64,
}

impl Compensated {
    fn add(&mut self, value: f64) {
        let total = self.sum + value;
        let (large, small) =
            if self.sum.abs() >= value.abs() { (self.sum, value) } else { (value, self.sum) };
        self.rest += (large - total) + small;
        self.sum = total;
    }
}
