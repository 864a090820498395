//! Many candidates of SVC on many folds, with what they have in common done once.
//!
//! All fits of a rank share one matrix of kernel values over all rows of the data, which serves every fold, every C
//! and the scoring; its values are computed when they are first asked for. With few features and few candidates the
//! rows of a fold are computed again instead, but for those used last. Where several ranks of a node would each compute
//! most of a matrix, they compute it together before the first fit. Chains stand in the order in which neighbours
//! share most: by kernel, then by C, then by fold, or by fold and then by C. Fits start from α = 0 and take libsvm's
//! steps. Candidates that cannot differ on a fold are fitted once: the same in all that matters there, or with and without
//! shrinking when shrinking left no row aside; other fits without it start where shrinking first was asked. A fit of which
//! no α reached its C is that of every larger C, step for step.
//!
//! Where `warm_start_along_c` gives libsvm's path up, fits of one [track](super::tracks) start from the solution of the next
//! smaller C, the first at its bounds if that is near, those with and without shrinking are one, and so are those of larger C
//! than any α is in the end.

mod chains;
mod equal;
mod memory;
mod sharing;

use std::cell::OnceCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

use super::bench::{Bench, Expect, Prepared};
use super::fit::{Path, Solved};
use super::params::Svc;
use super::products::KeptProducts;
use super::rows::KernelRows;
use super::scoring::Fitted;
use super::settled::{Settled, SettledFit};
use super::solver::of_kernel_values;
use super::store::{KernelStore, MANY};
use crate::data::Table;
use crate::error::{Error, Result};
use crate::estimator::Model;
use crate::estimator::row_scores::{RowScores, Scored};
use crate::estimator::searchable::{Chain, FitId, FitOutcome, Searchable, SharedWork, Sharing, Split};
use crate::metrics::Needs;
use equal::Done;
use sharing::SharedKernel;

/// Up to so many features computing a kernel value costs about as much as fetching it.
const CHEAP_FEATURES: usize = 8;
/// Up to so many candidates do not use the whole matrix often enough.
const FEW_CANDIDATES: usize = 12;
/// From so many fits on with one matrix most of its rows will be asked for.
const MANY_FITS: usize = 12;
/// The part that a kernel value costs where all are computed at once, half of them mirrored.
const OF_ALL: (u64, u64) = (3, 5);
/// Memory for the rows used last where they are computed again: as much as most fits use over and over.
const RECENT_BYTES: usize = 96 << 20;

/// The candidates of a search over SVC with their data.
pub struct SvcSearch {
    table: Arc<Table>,
    candidates: Vec<Svc>,
    scores: RowScores,
    return_train_score: bool,
    /// Whether the targets are of two classes.
    binary: bool,
    budget_bytes: usize,
    products: KeptProducts,
    bench: Mutex<Bench>,
    /// Fits done of which no α reached its C.
    settled: Settled,
    n_fits: AtomicU64,
    n_copied: AtomicU64,
    /// Of those solved, the ones from the solution of another.
    n_near: AtomicU64,
    n_operations: AtomicU64,
    /// Of these, what kernel values cost.
    n_of_values: AtomicU64,
    /// The most rows that fits asked for, in thousandths of those expected.
    asked_most: AtomicU64,
    /// The first candidate with the kernel of each.
    kernels: OnceLock<Vec<usize>>,
    /// The track of each candidate.
    tracks: OnceLock<Vec<usize>>,
    /// The kernels whose matrices are computed before any fit.
    before: OnceLock<Vec<SharedKernel>>,
}

/// The rows of a fold.
struct Fold<'a> {
    split: &'a Split,
    y_test: Vec<f64>,
    y_train: Vec<f64>,
}

impl SvcSearch {
    /// A search; kernel rows and shared products take at most `budget_bytes`.
    pub fn new(
        table: Arc<Table>,
        candidates: Vec<Svc>,
        scores: RowScores,
        return_train_score: bool,
        budget_bytes: usize,
    ) -> Self {
        let mut classes = table.y.clone();
        classes.sort_unstable_by(f64::total_cmp);
        classes.dedup();
        Self {
            binary: classes.len() == 2,
            table,
            candidates,
            scores,
            return_train_score,
            budget_bytes,
            products: KeptProducts::new(budget_bytes),
            bench: Mutex::default(),
            settled: Settled::default(),
            n_fits: AtomicU64::new(0),
            n_copied: AtomicU64::new(0),
            n_near: AtomicU64::new(0),
            n_operations: AtomicU64::new(0),
            n_of_values: AtomicU64::new(0),
            asked_most: AtomicU64::new(0),
            kernels: OnceLock::new(),
            tracks: OnceLock::new(),
            before: OnceLock::new(),
        }
    }

    /// Whether fits compute the kernel rows that a small memory does not hold, instead of keeping the matrix of the whole
    /// table: with few features a value costs less than memory that is written for the first time, unless many fits
    /// use it, and rows are those of the fold only.
    ///
    /// Machines of several pairs ask for the same rows again and again, as do fits that calibrate.
    fn recomputes(&self) -> bool {
        let (n, d) = self.table.x.dim();
        let is_large = KernelStore::bytes(n).is_some_and(|b| b > RECENT_BYTES && b <= self.budget_bytes / 2);
        let is_short = self.candidates.len() <= FEW_CANDIDATES;
        let alone = |svc: &Svc| !svc.params().probability;
        self.binary && d <= CHEAP_FEATURES && is_large && is_short && self.candidates.iter().all(alone)
    }

    /// What the fits of the kernel of `id` will ask of the matrix of the whole table: those of a small C ask for every row.
    fn expected(&self, id: FitId) -> Expect {
        let kernels = self.kernels.get_or_init(|| self.first_of_kernel());
        let n_candidates = kernels.iter().filter(|&&first| first == kernels[id.candidate]).count();
        // Where the kernel is that of a fold, it is for as many fits only.
        let many = if self.kernel_key(id.candidate).1 { MANY_FITS } else { MANY_FITS / 3 };
        match self.recomputes() {
            true => Expect::Nothing,
            false if n_candidates < many => Expect::Rows,
            false => Expect::All,
        }
    }

    /// The bench; one that a panic left is put up anew.
    fn bench(&self) -> MutexGuard<'_, Bench> {
        self.bench.lock().unwrap_or_else(|poisoned| {
            let mut bench = poisoned.into_inner();
            *bench = Bench::default();
            self.bench.clear_poison();
            bench
        })
    }

    /// Fits of one fold and one kernel.
    fn run_part(
        &self,
        fits: &[FitId],
        split: &Split,
        bench: &mut Bench,
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        // What is done before the first fit counts as its time.
        let mut since = Instant::now();
        let fold = Fold::new(&self.table, split);
        let (products, budget) = self.products.of(&self.table)?;
        let svc = &self.candidates[fits[0].candidate];
        let budget = if self.recomputes() { budget.min(RECENT_BYTES) } else { budget };
        let expected = self.expected(fits[0]);
        let mut prepared = bench.prepare(&self.table, products, &split.train, svc, budget, expected)?;
        let mut done: Vec<Done> = Vec::new();
        let mut before: Option<(usize, Arc<Solved>)> = None;
        for &id in fits {
            let settling = |first: usize| self.settles_larger_c(first, id.candidate);
            let equal = done.iter().find(|other| self.equals(other, id.candidate)).cloned();
            let outcome = match equal.or_else(|| self.settled.of(id, settling).map(Done::elsewhere)) {
                Some(mut equal) => {
                    self.n_copied.fetch_add(1, Ordering::Relaxed);
                    let own = FitOutcome { id, fit_seconds: 0.0, score_seconds: 0.0, ..equal.fit.outcome };
                    equal.fit.outcome = own.clone();
                    // Of another path it may be: what other chains copy must not depend on which of them came first.
                    if !self.candidates[id.candidate].starts_warm() {
                        self.settled.note(equal.fit.clone(), settling);
                    }
                    done.push(equal);
                    own
                }
                None => {
                    let svc = &self.candidates[id.candidate];
                    let solved = self.solve(id, &mut prepared, &mut before)?;
                    // A linear kernel has no gamma of its own: any does.
                    let (set, gamma) = (prepared.set, prepared.gamma);
                    // The fits that calibrate are part of the fit, and done where their result is looked at only.
                    let model = match self.probable() {
                        true => svc.finish(set, &mut prepared.matrix, gamma, &solved)?.into(),
                        false => OnceCell::new(),
                    };
                    let fit_seconds = since.elapsed().as_secs_f64();
                    let fitted = Fitted { svc, set, gamma, solved: &solved, model };
                    let outcome = self.score(id, &fitted, &mut prepared.matrix, &fold, fit_seconds)?;
                    let work: u64 = solved.pairs.iter().map(|pair| pair.solution.work).sum();
                    self.n_operations.fetch_add(work, Ordering::Relaxed);
                    let solutions = || solved.pairs.iter().map(|pair| &pair.solution);
                    let shrank = solutions().any(|solution| solution.shrank);
                    let nearest_bound = solutions().map(|s| s.nearest_bound).fold(0.0, f64::max);
                    let reach = solutions().map(|s| s.reach).fold(0.0, f64::max);
                    let fit = SettledFit { outcome: outcome.clone(), nearest_bound };
                    self.settled.note(fit.clone(), settling);
                    done.push(Done { fit, shrank, reach });
                    outcome
                }
            };
            self.n_fits.fetch_add(1, Ordering::Relaxed);
            emit(outcome)?;
            since = Instant::now();
        }
        let (asked, stored) = (prepared.matrix.n_asked, prepared.matrix.store().is_some());
        let of_values = self.of_values(expected, asked, stored);
        self.n_operations.fetch_add(of_values, Ordering::Relaxed);
        self.n_of_values.fetch_add(of_values, Ordering::Relaxed);
        let n_columns = if stored { self.table.x.nrows() } else { prepared.set.rows.len() };
        self.note_asked(asked, fits, prepared.set.rows.len(), n_columns);
        bench.count(asked, stored);
        Ok(())
    }

    /// Operations for the kernel values of fits that `asked` for so many and found none: where they are `stored`, each value of
    /// the matrix is computed once at most, and all at once where that is `expected` and many rows are asked for.
    fn of_values(&self, expected: Expect, asked: u64, stored: bool) -> u64 {
        let (n, d) = self.table.x.dim();
        let all = (n as u64).pow(2);
        match expected {
            _ if !stored => of_kernel_values(asked, d),
            Expect::All if asked >= all / MANY as u64 => of_kernel_values(all, d) * OF_ALL.0 / OF_ALL.1,
            _ => of_kernel_values(asked.min(all), d),
        }
    }

    /// Solves for a candidate, starting from the solution `before` if that helps, which this one then takes the place of.
    fn solve(
        &self,
        id: FitId,
        prepared: &mut Prepared<'_>,
        before: &mut Option<(usize, Arc<Solved>)>,
    ) -> Result<Arc<Solved>> {
        let svc = &self.candidates[id.candidate];
        let start = before.take().filter(|(other, _)| self.helps(*other, id.candidate));
        let path = match &start {
            Some((other, solved)) => {
                self.n_near.fetch_add(1, Ordering::Relaxed);
                Path::From(solved, self.c(*other))
            }
            None if svc.starts_warm() => Path::Any,
            None => Path::OfLibsvm,
        };
        let solved = Arc::new(prepared.solve(svc, path)?);
        *before = Some((id.candidate, solved.clone()));
        Ok(solved)
    }

    /// Whether a score asks for probabilities.
    pub(super) fn probable(&self) -> bool {
        self.scores.ask(Needs::Probability)
    }

    /// Whether a score asks for decision values.
    fn decides(&self) -> bool {
        self.scores.ask(Needs::Decision)
    }

    fn score(
        &self,
        id: FitId,
        fitted: &Fitted<'_>,
        matrix: &mut KernelRows<'_>,
        fold: &Fold<'_>,
        fit_seconds: f64,
    ) -> Result<FitOutcome> {
        let started = Instant::now();
        let test_scores = self.scores(fitted, matrix, &fold.split.test, &fold.y_test)?;
        let score_seconds = started.elapsed().as_secs_f64();
        let train_scores = match self.return_train_score {
            true => self.scores(fitted, matrix, &fold.split.train, &fold.y_train)?,
            false => Vec::new(),
        };
        let converged = fitted.solved.pairs.iter().all(|p| p.solution.converged);
        let outcome = FitOutcome::new(id, [test_scores, train_scores], [fit_seconds, score_seconds]);
        Ok(FitOutcome { converged, ..outcome })
    }

    fn scores(
        &self,
        fitted: &Fitted<'_>,
        matrix: &mut KernelRows<'_>,
        rows: &[usize],
        y_true: &[f64],
    ) -> Result<Vec<f64>> {
        let (y_pred, decision) = match self.decides() {
            true => fitted.decide(matrix, rows)?,
            false => (fitted.predict(matrix, rows)?.0, None),
        };
        let proba = if self.probable() { fitted.probabilities(matrix, rows)? } else { None };
        let weights = self.table.weights_of(rows);
        let (weights, predicted, decision) = (&weights[..], &y_pred[..], decision.as_deref());
        let known = &fitted.set.classes[..];
        let proba = proba.as_deref().map(|proba| (known, proba));
        self.scores.of(&Scored { y_true, known, weights, predicted, decision, proba })
    }
}

impl<'a> Fold<'a> {
    fn new(table: &Table, split: &'a Split) -> Self {
        let targets = |rows: &[usize]| rows.iter().map(|&r| table.y[r]).collect();
        Self { split, y_test: targets(&split.test), y_train: targets(&split.train) }
    }
}

impl Searchable for SvcSearch {
    fn n_candidates(&self) -> usize {
        self.candidates.len()
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        self.all_chains(splits)
    }

    fn run(
        &self,
        chain: &Chain,
        splits: &[Split],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        let mut bench = self.bench();
        for part in self.parts(&chain.fits) {
            let fits = &chain.fits[part];
            let split =
                splits.get(fits[0].fold).ok_or_else(|| Error::internal("a chain of an unknown fold"))?;
            self.run_part(fits, split, &mut bench, emit)?;
        }
        Ok(())
    }

    fn settles(&self, first: usize, then: usize) -> bool {
        self.settles_larger_c(first, then)
    }

    fn settled(&self) -> Vec<usize> {
        let settles = |first: usize, then: usize| self.settles_larger_c(first, then);
        self.settled.expected(self.candidates.len(), settles, |candidate| self.c(candidate))
    }

    fn fits_are_independent(&self) -> bool {
        !self.candidates.iter().any(Svc::starts_warm)
    }

    fn counts_on(&self, cost: f64) -> Option<usize> {
        // Costs grow with the square of the rows: fits on a third of them are cheap, and tell more than those on a quarter.
        (cost > 2e10).then_some(3)
    }

    fn n_operations(&self) -> u64 {
        self.n_operations.load(Ordering::Relaxed)
    }

    fn n_shared_operations(&self) -> u64 {
        self.n_of_values.load(Ordering::Relaxed)
    }

    fn sharing(&self, chain: &Chain) -> Sharing {
        let Some(first) = chain.fits.first() else { return Sharing::Nothing };
        let key = self.sharing_key(*first);
        match self.before().iter().any(|shared| shared.key == key) {
            true => Sharing::Before,
            false if self.recomputes() => Sharing::Nothing,
            false => Sharing::With(key),
        }
    }

    fn shared(&self) -> Vec<SharedWork> {
        let (fits, copied) = (self.n_fits.load(Ordering::Relaxed), self.n_copied.load(Ordering::Relaxed));
        let bench = self.bench();
        let mut shared = vec![
            SharedWork { what: "fits".into(), asked: fits, done: fits - copied },
            SharedWork { what: "kernel values".into(), asked: bench.n_asked, done: bench.n_computed() },
        ];
        if self.candidates.iter().any(Svc::starts_warm) {
            let (asked, near) = (fits - copied, self.n_near.load(Ordering::Relaxed));
            shared.push(SharedWork { what: "starts from nothing".into(), asked, done: asked - near });
        }
        shared.extend(self.products.saved());
        shared
    }

    fn memory_bytes(&self, splits: &[Split], refits: bool) -> u64 {
        self.kernel_bytes(splits, refits)
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        let (table, svc) = (&*self.table, &self.candidates[candidate]);
        let all: Vec<usize> = (0..table.x.nrows()).collect();
        let (products, budget) = self.products.of(&self.table)?;
        let mut bench = self.bench();
        // The fits that calibrate probabilities share the matrix of the whole table.
        let expected = if svc.params().probability { Expect::Rows } else { Expect::Nothing };
        let budget = if self.recomputes() { budget.min(RECENT_BYTES) } else { budget };
        let mut prepared = bench.prepare(table, products, &all, svc, budget, expected)?;
        let solved = prepared.solve(svc, Path::OfLibsvm)?;
        Ok(svc.finish(prepared.set, &mut prepared.matrix, prepared.gamma, &solved)?.export())
    }
}
