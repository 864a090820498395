//! Many candidates of SVC on many folds, with what they have in common done once.
//!
//! A chain is one fold with one kernel, C ascending: its fits share the training rows, the kernel matrix, whose
//! rows are computed when a fit first asks for them, and the memory. Every fit starts from α = 0, so that each
//! score is scikit-learn's. Candidates that cannot differ on a fold (the same in all that matters there, or with
//! and without shrinking when shrinking left no row aside) are fitted once.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use super::fit::{Workspace, variance};
use super::model::SvcModel;
use super::params::Svc;
use super::rows::{KernelRows, SharedProducts, table_row};
use super::training::TrainingSet;
use crate::data::Table;
use crate::error::{Error, Result};
use crate::estimator::Model;
use crate::estimator::searchable::{Chain, FitId, FitOutcome, Searchable, Split};
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
    shared: OnceLock<Option<SharedProducts>>,
    workspace: Mutex<Workspace>,
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
            shared: OnceLock::new(),
            workspace: Mutex::default(),
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

    /// What a chain costs: kernel rows, and iterations that grow in number with C, each a pass over the rows.
    fn cost(&self, family: &[usize], split: &Split) -> f64 {
        let n = split.train.len() as f64;
        let rows = n * n * (20.0 + self.table.x.ncols() as f64);
        let fits: f64 = family.iter().map(|&c| n * n * (6.0 + 6.0 * self.c(c).clamp(0.1, 1e4).sqrt())).sum();
        rows + fits
    }

    /// Fits of one fold and one kernel.
    fn run_family(
        &self,
        fits: &[FitId],
        split: &Split,
        workspace: &mut Workspace,
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        let started = Instant::now();
        let table = &*self.table;
        let set = TrainingSet::new(table, &split.train)?;
        let shared = self.shared.get_or_init(|| SharedProducts::of(table, self.budget_bytes / 2)).as_ref();
        let svc = &self.candidates[fits[0].candidate];
        let gamma = svc.gamma(table.x.ncols(), || variance(table, &split.train));
        let Workspace { rows, compact } = workspace;
        let budget = self.budget_bytes - if shared.is_some() { self.budget_bytes / 2 } else { 0 };
        let mut matrix = KernelRows::new(table, &set, svc.kernel(gamma), shared, rows, budget);
        let fold = Fold::new(table, split);
        let mut done: Vec<Done> = Vec::new();
        // What was done before the first fit counts as its time.
        let mut since = started;
        for &id in fits {
            let outcome = match self.equal(&done, id.candidate) {
                Some(equal) => {
                    FitOutcome { id, fit_seconds: 0.0, score_seconds: 0.0, ..equal.outcome.clone() }
                }
                None => {
                    let svc = &self.candidates[id.candidate];
                    let solved = svc.solve_all(table, &set, &mut matrix, compact)?;
                    // A linear kernel has no gamma of its own: each candidate's model says its own.
                    let model = SvcModel::assemble(svc, table, &set, gamma, &solved)?;
                    let fit_seconds = since.elapsed().as_secs_f64();
                    let outcome = self.score(id, &model, &fold, fit_seconds)?;
                    let shrank = solved.pairs.iter().any(|p| p.shrank);
                    done.push(Done { candidate: id.candidate, shrank, outcome: outcome.clone() });
                    outcome
                }
            };
            emit(outcome)?;
            since = Instant::now();
        }
        Ok(())
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
                && (a.shrinking == b.shrinking || (b.shrinking && !other.shrank))
        };
        done.iter().find(|other| same(other))
    }

    fn score(&self, id: FitId, model: &SvcModel, fold: &Fold<'_>, fit_seconds: f64) -> Result<FitOutcome> {
        let started = Instant::now();
        let test_scores = self.scores(model, &fold.split.test, &fold.y_test);
        let score_seconds = started.elapsed().as_secs_f64();
        let train_scores = match self.return_train_score {
            true => self.scores(model, &fold.split.train, &fold.y_train),
            false => Vec::new(),
        };
        let converged = model.converged();
        Ok(FitOutcome { id, test_scores, train_scores, fit_seconds, score_seconds, converged })
    }

    fn scores(&self, model: &SvcModel, rows: &[usize], y_true: &[f64]) -> Vec<f64> {
        let mut x = Vec::with_capacity(rows.len() * self.table.x.ncols());
        for &row in rows {
            x.extend_from_slice(table_row(&self.table, row));
        }
        let (y_pred, decision) = model.predict_and_decide(&x);
        let score = |scorer: &Scorer| match scorer {
            Scorer::Prediction(score) => score(y_true, &y_pred),
            Scorer::Decision(score) => decision.as_ref().map_or(f64::NAN, |values| score(y_true, values)),
        };
        self.scorers.iter().map(score).collect()
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
        let families = self.families();
        let mut chains = Vec::with_capacity(splits.len() * families.len());
        for (fold, split) in splits.iter().enumerate() {
            for family in &families {
                let fits = family.iter().map(|&candidate| FitId { candidate, fold }).collect();
                chains.push(Chain { fits, cost: self.cost(family, split) });
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
        // What a panic left behind is reset before it is used.
        let mut workspace = self.workspace.lock().unwrap_or_else(PoisonError::into_inner);
        for part in self.parts(&chain.fits) {
            let fits = &chain.fits[part];
            let split =
                splits.get(fits[0].fold).ok_or_else(|| Error::internal("a chain of an unknown fold"))?;
            self.run_family(fits, split, &mut workspace, emit)?;
        }
        Ok(())
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        Ok(self.candidates[candidate].fit_within(&self.table, self.budget_bytes)?.export())
    }
}
