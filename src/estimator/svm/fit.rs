//! Fitting: from parameters and rows to a model, one binary problem a pair of classes.

use std::time::Instant;

use super::calibration::Calibration;
use super::model::SvcModel;
use super::params::{KernelKind, Svc};
use super::products::{Origin, SharedProducts};
use super::row_cache::RowCache;
use super::rows::KernelRows;
use super::solver::{Neighbour, Problem, Solution, Start, Stopping, solve};
use super::store::KernelStore;
use super::training::TrainingSet;
use super::variance::variance;
use crate::data::Table;
use crate::error::{Error, Place, Result};

/// All pairs' solutions, `(0, 1), (0, 2), …, (1, 2), …`.
pub(super) struct Solved {
    pub(super) pairs: Vec<SolvedPair>,
    pub(super) class_weight: Vec<f64>,
}

/// How a fit gets to its solution.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    /// As libsvm does, step for step.
    OfLibsvm,
    /// From wherever the solution is thought to be near.
    Any,
    /// From the solution with another C.
    From(&'a Solved, f64),
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
        let shared = SharedProducts::of(table, budget_bytes)?;
        let (mut cache, mut compact) = (RowCache::default(), RowCache::default());
        KernelRows::reset(&mut cache, &set, budget_bytes);
        let from = Origin { table, products: shared.as_ref() };
        // Inner fits share the matrix of the whole table, if there is room for it.
        let room = KernelStore::bytes(rows.len()).is_some_and(|bytes| bytes <= budget_bytes / 2);
        let mut store =
            (room && self.params().probability).then(|| KernelStore::new(from, self.kernel(gamma)));
        let mut matrix =
            KernelRows::new(from, &set, self.kernel(gamma), store.as_mut(), &mut cache, budget_bytes);
        let solved = self.solve_all(&set, &mut matrix, &mut compact, Path::OfLibsvm)?;
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

    /// The kernel coefficient of a fit on `rows`.
    pub(super) fn gamma_on(&self, table: &Table, rows: &[usize]) -> f64 {
        self.gamma(table.x.ncols(), || variance(table, rows))
    }

    /// Whether a search may start this fit from that of the next smaller C.
    ///
    /// The optimum is the same within the tolerance, the path to it is not libsvm's, and about one score in fifty is
    /// of one row more or less. Limited fits, whose result is a point of the path, start from 0, and
    /// so do those of kernels with several optima.
    pub(super) fn starts_warm(&self) -> bool {
        let params = self.params();
        let has_one_optimum = self.kernel(1.0).is_positive();
        let is_limited = params.max_iter >= 0 || params.max_seconds_per_fit.is_some();
        self.may_start_warm() && has_one_optimum && !is_limited
    }

    /// Whether the number of iterations from α = 0 grows with C without end.
    ///
    /// It does for polynomials, the linear one above all: a hundred thousand and more, where some thousands lead there
    /// from the next smaller C.
    pub(super) fn is_long_for_large_c(&self) -> bool {
        matches!(self.kind, KernelKind::Linear | KernelKind::Poly)
    }

    /// Solves the problem of each pair of classes.
    ///
    /// Where another path than libsvm's leaves no α between its bounds, the threshold is open, and many a prediction with it:
    /// libsvm's own then follows from where its path ends, which is gone.
    pub(super) fn solve_all(
        &self,
        set: &TrainingSet,
        matrix: &mut KernelRows<'_>,
        compact: &mut RowCache,
        path: Path<'_>,
    ) -> Result<Solved> {
        let class_weight = set.class_weight(self, matrix.from.table)?;
        self.solve_weighted(set, matrix, compact, class_weight, path)
    }

    /// The same with given factors of C for each class.
    pub(super) fn solve_weighted(
        &self,
        set: &TrainingSet,
        matrix: &mut KernelRows<'_>,
        compact: &mut RowCache,
        class_weight: Vec<f64>,
        path: Path<'_>,
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
            let start = match path {
                Path::OfLibsvm => Start::Zero,
                Path::Any => Start::Anywhere,
                Path::From(solved, c) => {
                    let solution = &solved.pairs[pair].solution;
                    Start::Near(Neighbour { solution, factor: self.params().c / c })
                }
            };
            let problem = self.problem(set, matrix, [a, b], &class_weight);
            let again = (!matches!(start, Start::Zero)).then(|| problem.clone());
            let mut solution = solve(matrix, compact, problem, stopping, start)?;
            if let Some(problem) = again.filter(|_| solution.room > stopping.tol) {
                let work = solution.work;
                solution = solve(matrix, compact, problem, stopping, Start::Zero)?;
                solution.work += work;
            }
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

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::estimator::svm::SvcParams;
    use crate::estimator::svm::rows::table_row;
    use crate::rng::{Purpose, stream, uniform};

    /// Two overlapping classes that no line and no cubic parts.
    fn overlapping(n: usize, d: usize) -> Table {
        let mut rng = stream(7, Purpose::Noise, n as u64);
        let x = Array2::from_shape_fn((n, d), |(i, f)| {
            let noise = (0..4).map(|_| uniform(&mut rng)).sum::<f64>() - 2.0;
            noise * 1.5 + if i % 2 == 0 && f == 0 { 0.7 } else { 0.0 }
        });
        let y = (0..n).map(|i| (i % 2) as f64).collect();
        Table { x, y, weights: Vec::new(), class_names: None, origin: "test".into() }
    }

    fn svc(kernel: &str, c: f64, shrinking: bool) -> Svc {
        let params = SvcParams { kernel: kernel.into(), c, shrinking, ..SvcParams::default() };
        params.validate().expect("parameters")
    }

    /// m(α) − M(α), recomputed from features with a plain kernel in double precision.
    fn gap(
        table: &Table,
        set: &TrainingSet,
        k: &dyn Fn(&[f64], &[f64]) -> f64,
        alpha: &[f64],
        c: f64,
    ) -> f64 {
        let sign = |i: usize| if i < set.starts[1] { 1.0 } else { -1.0 };
        let row = |i: usize| table_row(table, set.rows[i] as usize);
        let (mut most, mut least) = (f64::NEG_INFINITY, f64::INFINITY);
        for i in 0..alpha.len() {
            let sum: f64 = (0..alpha.len()).map(|j| alpha[j] * sign(j) * k(row(i), row(j))).sum();
            let f = sign(i) - sum;
            let (above, below) = (alpha[i] > 0.0, alpha[i] < c);
            if if sign(i) > 0.0 { below } else { above } {
                most = most.max(f);
            }
            if if sign(i) > 0.0 { above } else { below } {
                least = least.min(f);
            }
        }
        most - least
    }

    #[test]
    fn warm_starts_end_at_the_optimum_sooner() {
        let table = overlapping(900, 3);
        let rows: Vec<usize> = (0..900).collect();
        let set = TrainingSet::new(&table, &rows).expect("classes");
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let gamma = svc("poly", 1.0, true).gamma(3, || variance(&table, &rows));
        for kernel in ["linear", "poly"] {
            let k = |a: &[f64], b: &[f64]| {
                if kernel == "linear" { dot(a, b) } else { (gamma * dot(a, b)).powi(3) }
            };
            for shrinking in [true, false] {
                let (mut cache, mut compact) = (RowCache::default(), RowCache::default());
                KernelRows::reset(&mut cache, &set, 1 << 24);
                let from = Origin { table: &table, products: None };
                let function = svc(kernel, 1.0, shrinking).kernel(gamma);
                let mut matrix = KernelRows::new(from, &set, function, None, &mut cache, 1 << 24);
                let mut before: Option<(Solved, f64)> = None;
                let (mut warm, mut cold) = (0, 0);
                for c in [0.01, 0.1, 1.0, 10.0, 30.0] {
                    let svc = svc(kernel, c, shrinking);
                    let near = before.as_ref().map_or(Path::Any, |(solved, c)| Path::From(solved, *c));
                    let mut solve = |path| svc.solve_all(&set, &mut matrix, &mut compact, path);
                    let solved = solve(near).expect("a solution");
                    let other = solve(Path::OfLibsvm).expect("a solution");
                    let alpha = &solved.pairs[0].alpha;
                    let tol = 1e-3;
                    let size: f64 =
                        alpha.iter().sum::<f64>() * matrix.diagonal.iter().fold(0.0, |a, &b| b.max(a));
                    let found = gap(&table, &set, &k, alpha, c);
                    assert!(found <= tol + size * 2f64.powi(-24), "{kernel} C = {c}: {found}");
                    assert!(alpha.iter().all(|&a| (0.0..=c).contains(&a)));
                    let sum: f64 = alpha[..set.starts[1]].iter().sum::<f64>()
                        - alpha[set.starts[1]..].iter().sum::<f64>();
                    assert!(sum.abs() < 1e-9 * c * 900.0, "{sum}");
                    (warm, cold) =
                        (warm + solved.pairs[0].solution.n_iter, cold + other.pairs[0].solution.n_iter);
                    before = Some((solved, c));
                }
                assert!(warm * 2 < cold, "{kernel}: {warm} and {cold} iterations");
            }
        }
    }

    /// With a small C nearly all variables end at their bounds, and a fit that may starts there: in as few iterations as are
    /// left to be changed, from rows that are stored or not, with classes of one size or of two.
    #[test]
    fn starts_at_the_bounds_end_at_the_optimum_sooner() {
        for (per_class, starts_there) in [([450, 450], true), ([500, 400], true), ([720, 180], false)] {
            let mut table = overlapping(900, 3);
            table.y = (0..900).map(|i| f64::from(u8::from(i * 7 % 900 >= per_class[0]))).collect();
            for (i, y) in table.y.clone().into_iter().enumerate() {
                table.x[[i, 0]] += y;
            }
            let rows: Vec<usize> = (0..900).collect();
            let set = TrainingSet::new(&table, &rows).expect("classes");
            assert_eq!(set.starts[1], per_class[0]);
            let from = Origin { table: &table, products: None };
            let gamma = svc("rbf", 1.0, true).gamma(3, || variance(&table, &rows));
            let k = |a: &[f64], b: &[f64]| {
                (-gamma * a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>()).exp()
            };
            for (stored, shrinking) in [(true, true), (false, true), (false, false)] {
                let function = svc("rbf", 1.0, shrinking).kernel(gamma);
                let (mut cache, mut compact) = (RowCache::default(), RowCache::default());
                KernelRows::reset(&mut cache, &set, 1 << 24);
                let mut store = stored.then(|| KernelStore::new(from, function));
                let mut matrix = KernelRows::new(from, &set, function, store.as_mut(), &mut cache, 1 << 24);
                let mut before: Option<(Solved, f64)> = None;
                for c in [0.02, 0.1, 1.0] {
                    let svc = svc("rbf", c, shrinking);
                    let near = before.as_ref().map_or(Path::Any, |(solved, c)| Path::From(solved, *c));
                    let mut solve =
                        |path| svc.solve_all(&set, &mut matrix, &mut compact, path).expect("a solution");
                    let (solved, cold) = (solve(near), solve(Path::OfLibsvm));
                    let alpha = &solved.pairs[0].alpha;
                    let found = gap(&table, &set, &k, alpha, c);
                    let size: f64 = alpha.iter().sum();
                    assert!(found <= 1e-3 + size * 2f64.powi(-24), "{per_class:?} C = {c}: {found}");
                    assert!(alpha.iter().all(|&a| (0.0..=c).contains(&a)));
                    let (first, second) = alpha.split_at(set.starts[1]);
                    let sum = first.iter().sum::<f64>() - second.iter().sum::<f64>();
                    assert!(sum.abs() < 1e-9 * c * 900.0, "{sum}");
                    if before.is_none() {
                        let n_iter = [&solved, &cold].map(|s| s.pairs[0].solution.n_iter);
                        assert_eq!(n_iter[0] * 4 < n_iter[1], starts_there, "{per_class:?}: {n_iter:?}");
                    }
                    before = Some((solved, c));
                }
            }
        }
    }

    /// With all α at their bounds the threshold is open, and libsvm's follows from the rounding of its path: weighted classes
    /// leave one variable a last digit off its bound.
    #[test]
    fn open_thresholds_are_those_of_libsvms_path() {
        let mut table = overlapping(900, 3);
        table.y = (0..900).map(|i| f64::from(u8::from(i % 5 == 0))).collect();
        let rows: Vec<usize> = (0..900).collect();
        let set = TrainingSet::new(&table, &rows).expect("classes");
        let mut n_alike = 0;
        for c in [1e-4, 3e-3, 1.0] {
            let weighted = |c: f64| {
                let class_weight = Some(crate::estimator::class_weight::ClassWeight::Rule("balanced".into()));
                SvcParams { c, class_weight, ..SvcParams::default() }.validate().expect("parameters")
            };
            let from = Origin { table: &table, products: None };
            let (mut cache, mut compact) = (RowCache::default(), RowCache::default());
            KernelRows::reset(&mut cache, &set, 1 << 24);
            let function = weighted(c).kernel(0.05);
            let mut matrix = KernelRows::new(from, &set, function, None, &mut cache, 1 << 24);
            let mut solve = |c: f64, path| {
                weighted(c).solve_all(&set, &mut matrix, &mut compact, path).expect("a solution")
            };
            let libsvms = solve(c, Path::OfLibsvm);
            let before = solve(c / 3.0, Path::Any);
            for path in [Path::Any, Path::From(&before, c / 3.0)] {
                let found = solve(c, path);
                let alike = found.pairs[0].alpha == libsvms.pairs[0].alpha
                    && found.pairs[0].solution.rho.to_bits() == libsvms.pairs[0].solution.rho.to_bits();
                assert!(alike || c == 1.0, "C = {c}");
                n_alike += usize::from(alike);
            }
        }
        assert_eq!(n_alike, 4, "with many free variables another path ends elsewhere");
    }

    #[test]
    fn fits_without_shrinking_go_on_where_one_with_it_first_asked() {
        let table = overlapping(900, 3);
        let rows: Vec<usize> = (0..900).collect();
        let set = TrainingSet::new(&table, &rows).expect("classes");
        for (kernel, gamma) in [("rbf", 0.4), ("poly", 0.3), ("linear", 1.0)] {
            let solve = |cs: &[(f64, bool)]| {
                let (mut cache, mut compact) = (RowCache::default(), RowCache::default());
                KernelRows::reset(&mut cache, &set, 1 << 24);
                let from = Origin { table: &table, products: None };
                let function = svc(kernel, 1.0, true).kernel(gamma);
                let mut matrix = KernelRows::new(from, &set, function, None, &mut cache, 1 << 24);
                let mut begun = Vec::new();
                let mut last = None;
                for &(c, shrinking) in cs {
                    let svc = svc(kernel, c, shrinking);
                    let solved = svc.solve_all(&set, &mut matrix, &mut compact, Path::OfLibsvm);
                    last = solved.ok().map(|mut solved| solved.pairs.remove(0));
                    begun.push(matrix.begun.len());
                }
                (last.expect("a solution"), begun)
            };
            // Kept by the first, not of the second's C, taken up by the third.
            let (shared, begun) = solve(&[(30.0, true), (20.0, false), (30.0, false)]);
            assert_eq!(begun, [1, 1, 0], "{kernel}");
            let (alone, _) = solve(&[(30.0, false)]);
            assert!(shared.solution.n_iter > 900 && shared.solution.n_iter == alone.solution.n_iter);
            assert_eq!(shared.alpha, alone.alpha, "{kernel}");
            assert_eq!(shared.solution.rho.to_bits(), alone.solution.rho.to_bits(), "{kernel}");
        }
    }
}
