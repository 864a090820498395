//! Many candidates of one estimator on many folds of rows in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::fit::{FoldFit, FoldModel, Size};
use super::rows::FoldRows;
use crate::data::Table;
use crate::error::{Error, Result};
use crate::estimator::Model;
use crate::estimator::searchable::{Chain, FitId, FitOutcome, Searchable, SharedWork, Split};
use crate::metrics::{Needs, Scorer};

/// How much more than the work that it shares a chain does at least, where there is so much to do: a rank that takes
/// up a fold others have begun does the shared work again, and no more than a fourth is lost by it.
const CUT: f64 = 4.0;

/// The candidates of a search with their data.
///
/// Fits do not depend on each other. A chain is a piece of one fold's candidates, in their order.
pub struct FoldSearch {
    table: Arc<Table>,
    candidates: Vec<Box<dyn FoldFit>>,
    scorers: Vec<Scorer>,
    return_train_score: bool,
    fold: Mutex<Option<(Split, Arc<Fold>)>>,
    n_asked: AtomicU64,
    n_made: AtomicU64,
    n_operations: AtomicU64,
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
        scorers: Vec<Scorer>,
        return_train_score: bool,
    ) -> Self {
        let (fold, n_asked, n_made, n_operations) = Default::default();
        Self { table, candidates, scorers, return_train_score, fold, n_asked, n_made, n_operations }
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
        let test_scores = self.scores(&*model, &fold.test)?;
        let score_seconds = fitted.elapsed().as_secs_f64();
        let train_scores = match self.return_train_score {
            true => self.scores(&*model, fold.train.table())?,
            false => Vec::new(),
        };
        let fit_seconds = fitted.duration_since(since).as_secs_f64();
        Ok(FitOutcome {
            id,
            test_scores,
            train_scores,
            fit_seconds,
            score_seconds,
            converged: model.converged(),
        })
    }

    /// A score that is not defined for these rows, or not for this model, is NaN.
    fn scores(&self, model: &dyn FoldModel, rows: &Table) -> Result<Vec<f64>> {
        let asked = |needs: Needs| self.scorers.iter().any(|scorer| scorer.needs() == needs);
        let predicted = if asked(Needs::Prediction) { model.predict(rows.x.view())? } else { Vec::new() };
        let decision = if asked(Needs::Decision) { model.decision(rows.x.view())? } else { None };
        let probabilities =
            if asked(Needs::Probability) { model.probabilities(rows.x.view())? } else { None };
        let score = |scorer: &Scorer| match scorer.needs() {
            Needs::Prediction => scorer.score(&rows.y, &predicted).unwrap_or(f64::NAN),
            Needs::Decision => {
                decision.as_ref().and_then(|values| scorer.score(&rows.y, values).ok()).unwrap_or(f64::NAN)
            }
            Needs::Probability => {
                let of = |(classes, proba): &(Vec<f64>, Vec<f64>)| {
                    scorer.of_probabilities(&rows.y, classes, proba).ok()
                };
                probabilities.as_ref().and_then(of).unwrap_or(f64::NAN)
            }
        };
        Ok(self.scorers.iter().map(score).collect())
    }
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
            for (candidate, fit) in self.candidates.iter().enumerate() {
                let (cost, shared) = (fit.cost(size), fit.shared_cost(size));
                let id = FitId { candidate, fold };
                match (&mut open, chains.last_mut()) {
                    (Some((most, own)), Some(chain)) if *own < CUT * most.max(shared) => {
                        chain.cost += cost + (shared - *most).max(0.0);
                        chain.fits.push(id);
                        (*most, *own) = (most.max(shared), *own + cost);
                    }
                    _ => {
                        chains.push(Chain { fits: vec![id], cost: cost + shared });
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
        for &id in &chain.fits {
            let since = Instant::now();
            let split = splits.get(id.fold).ok_or_else(|| Error::internal("a chain of an unknown fold"))?;
            let fold = self.fold(split);
            let (asked, made) = fold.train.counts();
            let outcome = self.fit(id, &fold, since);
            let (asked_after, made_after) = fold.train.counts();
            self.n_asked.fetch_add(asked_after - asked, Ordering::Relaxed);
            self.n_made.fetch_add(made_after - made, Ordering::Relaxed);
            emit(outcome?)?;
        }
        Ok(())
    }

    fn fits_are_independent(&self) -> bool {
        true
    }

    fn is_worth_counting(&self, cost: f64) -> bool {
        let size = Size { n_train: 1, n_test: 1, n_features: self.table.x.ncols() };
        cost > 1e9 && self.candidates.iter().any(|fit| fit.cost_of_iterations(size, 1).is_some())
    }

    fn n_operations(&self) -> u64 {
        self.n_operations.load(Ordering::Relaxed)
    }

    fn shared(&self) -> Vec<SharedWork> {
        let size = Size { n_train: 1, n_test: 1, n_features: self.table.x.ncols() };
        if self.candidates.iter().all(|fit| fit.shared_cost(size) == 0.0) {
            return Vec::new();
        }
        let (asked, done) = (self.n_asked.load(Ordering::Relaxed), self.n_made.load(Ordering::Relaxed));
        vec![SharedWork { what: "passes over the rows of a fold".into(), asked, done }]
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        Ok(self.candidates[candidate].fit(&FoldRows::new(self.table.clone()))?.export())
    }
}
