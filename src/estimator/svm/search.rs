//! Many candidates of SVC on many folds, with what they have in common done once.
//!
//! All fits of a rank share one matrix of kernel values over all rows of the data, which serves every fold, every C
//! and the scoring; its values are computed when they are first asked for. Chains stand in the order in which
//! neighbours share most: by kernel, then by fold, then by C. Fits of the rbf and sigmoid kernels start from α = 0
//! and take libsvm's steps; those of the linear and polynomial kernels start from the solution of the next smaller C,
//! and a fold's are one chain. Candidates that cannot differ on a fold are fitted once: the same in all that matters
//! there, or with and without shrinking when shrinking left no row aside or the path to the optimum is not libsvm's
//! anyway.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

use super::bench::Bench;
use super::fit::Solved;
use super::params::Svc;
use super::products::SharedProducts;
use super::rows::KernelRows;
use super::scoring::Fitted;
use crate::data::Table;
use crate::error::{Error, Result};
use crate::estimator::Model;
use crate::estimator::searchable::{Chain, FitId, FitOutcome, Searchable, SharedWork, Split};
use crate::kernel::svm::KernelFunction;

/// A score: the targets and what is compared with them to a number, larger is better.
pub type ScoreFn = Box<dyn Fn(&[f64], &[f64]) -> f64 + Send + Sync>;

/// A score by what it compares with the targets.
pub enum Scorer {
    /// Predicted classes.
    Prediction(ScoreFn),
    /// Decision values of two classes, larger for the second. NaN where a model has more classes.
    Decision(ScoreFn),
}

/// The share of predictions that are right.
pub fn accuracy(y_true: &[f64], y_pred: &[f64]) -> f64 {
    let right = y_true.iter().zip(y_pred).filter(|(t, p)| t == p).count();
    right as f64 / y_true.len() as f64
}

/// The candidates of a search over SVC with their data.
pub struct SvcSearch {
    table: Arc<Table>,
    candidates: Vec<Svc>,
    scorers: Vec<Scorer>,
    return_train_score: bool,
    budget_bytes: usize,
    products: OnceLock<Option<SharedProducts>>,
    bench: Mutex<Bench>,
    n_fits: AtomicU64,
    n_copied: AtomicU64,
}

/// A fit done, kept for those that equal it.
struct Done {
    candidate: usize,
    shrank: bool,
    outcome: FitOutcome,
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
        scorers: Vec<Scorer>,
        return_train_score: bool,
        budget_bytes: usize,
    ) -> Self {
        Self {
            table,
            candidates,
            scorers,
            return_train_score,
            budget_bytes,
            products: OnceLock::new(),
            bench: Mutex::default(),
            n_fits: AtomicU64::new(0),
            n_copied: AtomicU64::new(0),
        }
    }

    /// The kernel of a candidate where it does not depend on the fold, and whether it does.
    fn kernel_key(&self, candidate: usize) -> (KernelFunction, bool) {
        let svc = &self.candidates[candidate];
        let scales = svc.scales();
        let gamma = if scales { 0.0 } else { svc.gamma(self.table.x.ncols(), || 0.0) };
        (svc.kernel(gamma), scales)
    }

    /// Candidates with the same kernel, in the order in which a chain does them.
    fn families(&self) -> Vec<Vec<usize>> {
        let mut families: Vec<Vec<usize>> = Vec::new();
        for candidate in 0..self.candidates.len() {
            let key = self.kernel_key(candidate);
            match families.iter_mut().find(|family| self.kernel_key(family[0]) == key) {
                Some(family) => family.push(candidate),
                None => families.push(vec![candidate]),
            }
        }
        for family in &mut families {
            family.sort_by(|&a, &b| self.c(a).total_cmp(&self.c(b)));
        }
        families
    }

    fn c(&self, candidate: usize) -> f64 {
        self.candidates[candidate].params().c
    }

    /// What fits of one C cost: iterations, each a pass over the rows, grow in number with the rows and with C, for
    /// kernels without a bound the most; with a small C every row becomes a support vector, whose kernel values have
    /// to be fetched.
    fn cost(&self, fits: &[FitId], split: &Split) -> f64 {
        let n = split.train.len() as f64;
        let of = |id: &FitId| {
            let growth = match self.kernel_key(id.candidate).0 {
                KernelFunction::Rbf { .. } | KernelFunction::Sigmoid { .. } => 0.3,
                KernelFunction::Poly { .. } => 6.0,
                KernelFunction::Linear => 12.0,
            };
            let c = self.c(id.candidate);
            4.0 + growth * c.clamp(0.01, 1e4).sqrt() + 8.0 / (1.0 + 100.0 * c)
        };
        n * n * fits.iter().map(of).sum::<f64>()
    }

    /// The rows' products, within half of the memory; and the memory that they leave.
    fn products(&self) -> (Option<&SharedProducts>, usize) {
        let half = self.budget_bytes / 2;
        let products = self.products.get_or_init(|| SharedProducts::of(&self.table, half)).as_ref();
        (products, if products.is_some() { self.budget_bytes - half } else { self.budget_bytes })
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
        let (products, budget) = self.products();
        let svc = &self.candidates[fits[0].candidate];
        let mut prepared = bench.prepare(&self.table, products, &split.train, svc, budget, true)?;
        let mut done: Vec<Done> = Vec::new();
        let mut before: Option<(usize, Solved)> = None;
        for &id in fits {
            let outcome = match self.equal(&done, id.candidate) {
                Some(equal) => {
                    self.n_copied.fetch_add(1, Ordering::Relaxed);
                    FitOutcome { id, fit_seconds: 0.0, score_seconds: 0.0, ..equal.outcome.clone() }
                }
                None => {
                    let svc = &self.candidates[id.candidate];
                    let start = before.as_ref().filter(|(other, _)| self.helps(*other, id.candidate));
                    let start = start.map(|(other, solved)| (solved, self.c(*other)));
                    let solved = prepared.solve(svc, start)?;
                    let fit_seconds = since.elapsed().as_secs_f64();
                    // A linear kernel has no gamma of its own: any does.
                    let (set, gamma) = (prepared.set, prepared.gamma);
                    let fitted = Fitted { svc, set, gamma, solved: &solved, model: OnceCell::new() };
                    let outcome = self.score(id, &fitted, &mut prepared.matrix, &fold, fit_seconds)?;
                    let shrank = solved.pairs.iter().any(|p| p.solution.shrank) && !svc.starts_warm();
                    done.push(Done { candidate: id.candidate, shrank, outcome: outcome.clone() });
                    before = Some((id.candidate, solved));
                    outcome
                }
            };
            self.n_fits.fetch_add(1, Ordering::Relaxed);
            emit(outcome)?;
            since = Instant::now();
        }
        let (asked, stored) = (prepared.matrix.n_asked, prepared.matrix.store().is_some());
        bench.count(asked, stored);
        Ok(())
    }

    /// Whether the solution of `other`, with a smaller C, is where the fit of `candidate` starts.
    fn helps(&self, other: usize, candidate: usize) -> bool {
        let [a, b] = [other, candidate].map(|c| &self.candidates[c]);
        a.starts_warm() && b.starts_warm() && a.params().class_weight == b.params().class_weight
    }

    /// A fit done that this candidate's must equal.
    fn equal<'d>(&self, done: &'d [Done], candidate: usize) -> Option<&'d Done> {
        let same = |other: &Done| {
            let (a, b) = (self.candidates[candidate].params(), self.candidates[other.candidate].params());
            a.c == b.c
                && a.class_weight == b.class_weight
                && a.tol == b.tol
                && a.max_iter == b.max_iter
                && a.max_seconds_per_fit == b.max_seconds_per_fit
                && a.break_ties == b.break_ties
                && (a.shrinking == b.shrinking
                    || (b.shrinking && !other.shrank)
                    || self.candidates[candidate].starts_warm())
        };
        done.iter().find(|other| same(other))
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
        Ok(FitOutcome { id, test_scores, train_scores, fit_seconds, score_seconds, converged })
    }

    fn scores(
        &self,
        fitted: &Fitted<'_>,
        matrix: &mut KernelRows<'_>,
        rows: &[usize],
        y_true: &[f64],
    ) -> Result<Vec<f64>> {
        let decides = self.scorers.iter().any(|scorer| matches!(scorer, Scorer::Decision(_)));
        let (y_pred, decision) = match decides {
            true => fitted.decide(matrix, rows)?,
            false => (fitted.predict(matrix, rows)?.0, None),
        };
        let score = |scorer: &Scorer| match scorer {
            Scorer::Prediction(score) => score(y_true, &y_pred),
            Scorer::Decision(score) => decision.as_ref().map_or(f64::NAN, |values| score(y_true, values)),
        };
        Ok(self.scorers.iter().map(score).collect())
    }

    /// The parts of a chain with one fold and one kernel each: the whole chain, unless it was put together otherwise.
    fn parts(&self, fits: &[FitId]) -> Vec<Range<usize>> {
        let key = |id: &FitId| (id.fold, self.kernel_key(id.candidate));
        let mut parts: Vec<Range<usize>> = Vec::new();
        for (i, id) in fits.iter().enumerate() {
            match parts.last_mut() {
                Some(part) if key(&fits[part.start]) == key(id) => part.end = i + 1,
                _ => parts.push(i..i + 1),
            }
        }
        parts
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
        let mut chains = Vec::new();
        for family in self.families() {
            for (fold, split) in splits.iter().enumerate() {
                for equal in family.chunk_by(|&a, &b| self.c(a) == self.c(b) || self.helps(a, b)) {
                    let fits: Vec<FitId> = equal.iter().map(|&candidate| FitId { candidate, fold }).collect();
                    chains.push(Chain { cost: self.cost(&fits, split), fits });
                }
            }
        }
        chains
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

    fn fits_are_independent(&self) -> bool {
        !self.candidates.iter().any(Svc::starts_warm)
    }

    fn shared(&self) -> Vec<SharedWork> {
        let (fits, copied) = (self.n_fits.load(Ordering::Relaxed), self.n_copied.load(Ordering::Relaxed));
        let bench = self.bench();
        vec![
            SharedWork { what: "fits".into(), asked: fits, done: fits - copied },
            SharedWork { what: "kernel values".into(), asked: bench.n_asked, done: bench.n_computed() },
        ]
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        let (table, svc) = (&*self.table, &self.candidates[candidate]);
        let all: Vec<usize> = (0..table.x.nrows()).collect();
        let (products, budget) = self.products();
        let mut bench = self.bench();
        // The fits that calibrate probabilities share the matrix of the whole table.
        let shared = svc.params().probability;
        let mut prepared = bench.prepare(table, products, &all, svc, budget, shared)?;
        let solved = prepared.solve(svc, None)?;
        Ok(svc.finish(prepared.set, &mut prepared.matrix, prepared.gamma, &solved)?.export())
    }
}
