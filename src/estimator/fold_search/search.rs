//! Many candidates of one estimator on many folds of rows in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::fit::{FoldFit, FoldModel, Size};
use super::rows::FoldRows;
use crate::data::Table;
use crate::error::{Error, Result};
use crate::estimator::Model;
use crate::estimator::row_scores::{RowScores, Scored};
use crate::estimator::searchable::{Chain, FitId, FitOutcome, Searchable, SharedWork, Split};
use crate::metrics::Needs;

/// How much more than the work that it shares a chain does at least, where there is so much to do: a rank that takes
/// up a fold others have begun does the shared work again, and no more than a fourth is lost by it.
const CUT: f64 = 4.0;

/// The candidates of a search with their data.
///
/// Fits do not depend on each other. A chain is a piece of one fold's candidates, in their order; those that are equal
/// stand beside each other, and one of them is fitted.
pub struct FoldSearch {
    table: Arc<Table>,
    candidates: Vec<Box<dyn FoldFit>>,
    /// The first candidate that equals each.
    equal: Vec<usize>,
    scores: RowScores,
    return_train_score: bool,
    fold: Mutex<Option<(Split, Arc<Fold>)>>,
    n_asked: AtomicU64,
    n_made: AtomicU64,
    n_operations: AtomicU64,
    n_fits: AtomicU64,
    n_copied: AtomicU64,
}

/// The rows of a fold.
struct Fold {
    train: FoldRows,
    test: Table,
}

impl FoldSearch {
    /// A search over `candidates`.
    pub fn new(
        table: Arc<Table>,
        candidates: Vec<Box<dyn FoldFit>>,
        scores: RowScores,
        return_train_score: bool,
    ) -> Self {
        Self {
            table,
            equal: firsts(&candidates),
            candidates,
            scores,
            return_train_score,
            fold: Mutex::default(),
            n_asked: AtomicU64::new(0),
            n_made: AtomicU64::new(0),
            n_fits: AtomicU64::new(0),
            n_copied: AtomicU64::new(0),
            n_operations: AtomicU64::new(0),
        }
    }

    /// Candidates that are equal, beside each other.
    fn families(&self) -> Vec<Vec<usize>> {
        let n = self.candidates.len();
        let mut families = vec![Vec::new(); n];
        (0..n).for_each(|candidate| families[self.equal[candidate]].push(candidate));
        families.retain(|family| !family.is_empty());
        families
    }

    fn is_same(&self, a: FitId, b: FitId) -> bool {
        a.fold == b.fold && self.equal[a.candidate] == self.equal[b.candidate]
    }

    fn size(&self, split: &Split) -> Size {
        Size { n_train: split.train.len(), n_test: split.test.len(), n_features: self.table.x.ncols() }
    }

    /// The rows of `split`: those of the fold before stay until another is asked for.
    fn fold(&self, split: &Split) -> Arc<Fold> {
        let mut kept = self.fold.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, fold)) = &*kept
            && of == split
        {
            return fold.clone();
        }
        let train = FoldRows::new(Arc::new(self.table.select(&split.train)));
        let fold = Arc::new(Fold { train, test: self.table.select(&split.test) });
        *kept = Some((split.clone(), fold.clone()));
        fold
    }

    fn fit(&self, id: FitId, fold: &Fold, since: Instant) -> Result<FitOutcome> {
        let candidate = &self.candidates[id.candidate];
        let model = candidate.fit(&fold.train)?;
        let fitted = Instant::now();
        let (train, test) = (fold.train.table(), &fold.test);
        let size = Size { n_train: train.x.nrows(), n_test: test.x.nrows(), n_features: train.x.ncols() };
        let counted = model.n_iter().and_then(|n_iter| candidate.cost_of_iterations(size, n_iter));
        self.n_operations
            .fetch_add(counted.unwrap_or_else(|| candidate.cost(size)) as u64, Ordering::Relaxed);
        let known = &fold.train.table().y;
        let test_scores = self.scores(&*model, known, &fold.test)?;
        let score_seconds = fitted.elapsed().as_secs_f64();
        let train_scores = match self.return_train_score {
            true => self.scores(&*model, known, fold.train.table())?,
            false => Vec::new(),
        };
        let fit_seconds = fitted.duration_since(since).as_secs_f64();
        let outcome = FitOutcome::new(id, [test_scores, train_scores], [fit_seconds, score_seconds]);
        Ok(FitOutcome { converged: model.converged(), ..outcome })
    }

    fn scores(&self, model: &dyn FoldModel, known: &[f64], rows: &Table) -> Result<Vec<f64>> {
        let x = rows.x.view();
        let predicted = if self.scores.ask(Needs::Prediction) { model.predict(x)? } else { Vec::new() };
        let decision = if self.scores.ask(Needs::Decision) { model.decision(x)? } else { None };
        let ordered = !self.scores.ask(Needs::Decision) || decision.is_some();
        let probable = self.scores.ask(Needs::Probability) || !ordered;
        let proba = if probable { model.probabilities(x)? } else { None };
        self.scores.of(&Scored {
            y_true: &rows.y,
            known,
            weights: &rows.weights,
            predicted: &predicted,
            decision: decision.as_deref(),
            proba: proba.as_ref().map(|(classes, proba)| (&classes[..], &proba[..])),
        })
    }
}

/// For each candidate the first that has the same parameters.
fn firsts(candidates: &[Box<dyn FoldFit>]) -> Vec<usize> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut firsts = Vec::with_capacity(candidates.len());
    for (candidate, fit) in candidates.iter().enumerate() {
        firsts.push(match fit.written() {
            Some(written) => *known.entry(written.to_string()).or_insert(candidate),
            None => candidate,
        });
    }
    firsts
}

impl Searchable for FoldSearch {
    fn n_candidates(&self) -> usize {
        self.candidates.len()
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        let mut chains: Vec<Chain> = Vec::new();
        for (fold, split) in splits.iter().enumerate() {
            let size = self.size(split);
            // What is shared and what is each fit's own, of the chain that is being filled.
            let mut open: Option<(f64, f64)> = None;
            for same in self.families() {
                let fit = &self.candidates[same[0]];
                let (cost, shared) = (fit.cost(size), fit.shared_cost(size));
                let fits = same.iter().map(|&candidate| FitId { candidate, fold });
                match (&mut open, chains.last_mut()) {
                    (Some((most, own)), Some(chain)) if *own < CUT * most.max(shared) => {
                        chain.cost += cost + (shared - *most).max(0.0);
                        chain.fits.extend(fits);
                        (*most, *own) = (most.max(shared), *own + cost);
                    }
                    _ => {
                        chains.push(Chain { fits: fits.collect(), cost: cost + shared });
                        open = Some((shared, cost));
                    }
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
        let mut latest: Option<FitOutcome> = None;
        for &id in &chain.fits {
            let since = Instant::now();
            self.n_fits.fetch_add(1, Ordering::Relaxed);
            if let Some(done) = latest.as_ref().filter(|done| self.is_same(done.id, id)) {
                self.n_copied.fetch_add(1, Ordering::Relaxed);
                emit(FitOutcome { id, fit_seconds: 0.0, score_seconds: 0.0, ..done.clone() })?;
                continue;
            }
            let split = splits.get(id.fold).ok_or_else(|| Error::internal("a chain of an unknown fold"))?;
            let fold = self.fold(split);
            let (asked, made) = fold.train.counts();
            let outcome = self.fit(id, &fold, since);
            let (asked_after, made_after) = fold.train.counts();
            self.n_asked.fetch_add(asked_after - asked, Ordering::Relaxed);
            self.n_made.fetch_add(made_after - made, Ordering::Relaxed);
            let outcome = outcome?;
            latest = Some(outcome.clone());
            emit(outcome)?;
        }
        Ok(())
    }

    fn fits_are_independent(&self) -> bool {
        true
    }

    fn counts_on(&self, cost: f64) -> Option<usize> {
        let size = Size { n_train: 1, n_test: 1, n_features: self.table.x.ncols() };
        let counts =
            cost > 1e9 && self.candidates.iter().any(|fit| fit.cost_of_iterations(size, 1).is_some());
        counts.then_some(4)
    }

    fn n_operations(&self) -> u64 {
        self.n_operations.load(Ordering::Relaxed)
    }

    fn shared(&self) -> Vec<SharedWork> {
        let (fits, copied) = (self.n_fits.load(Ordering::Relaxed), self.n_copied.load(Ordering::Relaxed));
        let mut shared = vec![SharedWork { what: "fits".into(), asked: fits, done: fits - copied }];
        let size = Size { n_train: 1, n_test: 1, n_features: self.table.x.ncols() };
        if self.candidates.iter().any(|fit| fit.shared_cost(size) > 0.0) {
            let (asked, done) = (self.n_asked.load(Ordering::Relaxed), self.n_made.load(Ordering::Relaxed));
            shared.push(SharedWork { what: "passes over the rows of a fold".into(), asked, done });
        }
        shared
    }

    /// The rows of a fold beside all rows, and once more the blocks of a pass over those that are fitted on.
    fn memory_bytes(&self, _splits: &[Split], _refits: bool) -> u64 {
        2 * self.table.size_bytes()
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        Ok(self.candidates[candidate].fit(&FoldRows::new(self.table.clone()))?.export())
    }
}
