//! Fitting: from parameters and rows to a model, one binary problem a pair of classes.

use std::time::Instant;

use super::calibration::Calibration;
use super::model::SvcModel;
use super::params::{KernelKind, Svc};
use super::products::{Origin, SharedProducts};
use super::row_cache::RowCache;
use super::rows::{KernelRows, table_row};
use super::solver::{Problem, Solution, Start, Stopping, solve};
use super::store::KernelStore;
use super::training::TrainingSet;
use crate::data::Table;
use crate::error::{Error, Place, Result};

/// All pairs' solutions, `(0, 1), (0, 2), …, (1, 2), …`.
pub(super) struct Solved {
    pub(super) pairs: Vec<SolvedPair>,
    pub(super) class_weight: Vec<f64>,
}

/// The solution of a pair of classes.
pub(super) struct SolvedPair {
    /// α of the training set's rows of the first class, then of the second.
    pub(super) alpha: Vec<f64>,
    /// The same with the other columns of the matrix.
    pub(super) solution: Solution,
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
        // Inner fits share the matrix of the whole table, if there is room for it.
        let room = KernelStore::bytes(rows.len()).is_some_and(|bytes| bytes <= budget_bytes / 2);
        let mut store =
            (room && self.params().probability).then(|| KernelStore::new(from, self.kernel(gamma)));
        let mut matrix =
            KernelRows::new(from, &set, self.kernel(gamma), store.as_mut(), &mut cache, budget_bytes);
        let solved = self.solve_all(&set, &mut matrix, &mut compact, None)?;
        self.finish(&set, &mut matrix, gamma, &solved)
    }

    /// The model of a solution, with probabilities if they are wanted.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub(super) fn finish(
        &self,
        set: &TrainingSet,
        matrix: &mut KernelRows<'_>,
        gamma: f64,
        solved: &Solved,
    ) -> Result<SvcModel> {
        let model = SvcModel::assemble(self, matrix.from.table, set, gamma, solved)?;
        if !self.params().probability {
            return Ok(model);
        }
        let calibration = Calibration { svc: self, set, gamma, class_weight: &solved.class_weight };
        Ok(model.with_sigmoids(calibration.sigmoids(matrix)?))
    }

    /// Checks, before any work, that the targets are classes and that the class weights are about them.
    ///
    /// # Errors
    /// [`Error::Data`] as [`fit`](Self::fit), [`Error::Job`] for weights of classes that are not there.
    pub fn check_classes(&self, table: &Table) -> Result<()> {
        let rows: Vec<usize> = (0..table.x.nrows()).collect();
        TrainingSet::new(table, &rows)?.class_weight(self, table).map(drop)
    }

    /// Whether fits of this kernel start from the fit of the next smaller C.
    ///
    /// Where kernel values have no bound, the number of iterations from α = 0 grows with C, to a hundred thousand and
    /// more for a few features; from there it is some thousands. The optimum and the tolerance are the same, the path
    /// to it is not libsvm's. Limited fits, whose result is a point of the path, do not.
    pub(super) fn starts_warm(&self) -> bool {
        let unbounded = matches!(self.kind, KernelKind::Linear | KernelKind::Poly);
        unbounded && self.params().max_iter < 0 && self.params().max_seconds_per_fit.is_none()
    }

    /// Solves the problem of each pair of classes, starting from those of `before` with its C.
    pub(super) fn solve_all(
        &self,
        set: &TrainingSet,
        matrix: &mut KernelRows<'_>,
        compact: &mut RowCache,
        before: Option<(&Solved, f64)>,
    ) -> Result<Solved> {
        let class_weight = set.class_weight(self, matrix.from.table)?;
        self.solve_weighted(set, matrix, compact, class_weight, before)
    }

    /// The same with given factors of C for each class.
    pub(super) fn solve_weighted(
        &self,
        set: &TrainingSet,
        matrix: &mut KernelRows<'_>,
        compact: &mut RowCache,
        class_weight: Vec<f64>,
        before: Option<(&Solved, f64)>,
    ) -> Result<Solved> {
        let table = matrix.from.table;
        let stopping = Stopping {
            tol: self.params().tol,
            shrinking: self.params().shrinking,
            max_iter: self.max_iter(),
            deadline: self.time_limit().map(|limit| Instant::now() + limit),
        };
        let mut pairs = Vec::new();
        matrix.begin_fit();
        for (pair, (a, b)) in class_pairs(set.n_classes()).enumerate() {
            let start = before
                .map(|(solved, c)| Start { of: &solved.pairs[pair].solution, factor: self.params().c / c });
            let problem = self.problem(set, matrix, [a, b], &class_weight);
            let solution = solve(matrix, compact, problem, stopping, start);
            if !solution.rho.is_finite() || solution.alpha.iter().any(|a| !a.is_finite()) {
                let expected = "data and a kernel whose dual coefficients are finite (scaled data?)";
                return Err(Error::data(&table.origin, Place::default(), expected, "an overflow"));
            }
            pairs.push(SolvedPair::new(solution, set, matrix, [a, b]));
        }
        Ok(Solved { pairs, class_weight })
    }

    /// The problem of one class (y = 1) against another (y = −1). Columns out of the training set are bound to 0.
    fn problem(
        &self,
        set: &TrainingSet,
        matrix: &KernelRows<'_>,
        classes: [usize; 2],
        class_weight: &[f64],
    ) -> Problem {
        let parts: Vec<usize> = classes.iter().map(|&class| matrix.part(class)).collect();
        let (mut signs, mut bounds) = (Vec::new(), Vec::new());
        for (class, sign) in classes.into_iter().zip([1.0, -1.0]) {
            let range = matrix.range(matrix.part(class));
            let before = bounds.len();
            signs.extend(range.clone().map(|_| sign));
            bounds.resize(before + range.len(), 0.0);
            let c = set.bounds(class, self.params().c * class_weight[class]);
            for (&column, c) in matrix.columns(set.class_rows(class)).iter().zip(c) {
                bounds[before + column as usize - range.start] = c;
            }
        }
        Problem { parts, linear: vec![-1.0; signs.len()], signs, bounds }
    }
}

impl SolvedPair {
    fn new(solution: Solution, set: &TrainingSet, matrix: &KernelRows<'_>, classes: [usize; 2]) -> Self {
        let mut alpha = Vec::new();
        let mut before = 0;
        for class in classes {
            let range = matrix.range(matrix.part(class));
            let columns = matrix.columns(set.class_rows(class));
            alpha.extend(columns.iter().map(|&c| solution.alpha[before + c as usize - range.start]));
            before += range.len();
        }
        Self { alpha, solution }
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
