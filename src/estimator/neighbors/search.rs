//! Many candidates of nearest neighbours on many folds, with the distances of a fold computed once.
//!
//! A chain is one fold with one metric: the neighbours of its rows are found once, as many as the largest
//! `n_neighbors`, and every smaller number and both weights are read off them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::model::KNeighborsModel;
use super::nearest::nearest;
use super::params::KNeighbors;
use super::vote::first_largest;
use crate::data::Table;
use crate::error::{Error, Result};
use crate::estimator::Model;
use crate::estimator::plain::{PlainModel, gather};
use crate::estimator::row_scores::{RowScores, Scored};
use crate::estimator::searchable::{Chain, FitId, FitOutcome, Searchable, SharedWork, Split};

/// The candidates of a search over nearest neighbours with their data.
pub struct KNeighborsSearch {
    table: Arc<Table>,
    candidates: Vec<KNeighbors>,
    scores: RowScores,
    return_train_score: bool,
    n_asked: AtomicU64,
    n_done: AtomicU64,
}

/// What one candidate predicts of some rows.
struct Predicted {
    y: Vec<f64>,
    /// The probabilities of the classes, `(n_rows, n_classes)`.
    proba: Vec<f64>,
}

impl KNeighborsSearch {
    /// A search over `candidates`, all of one kind.
    ///
    /// # Errors
    /// Those of [`KNeighbors::check_table`].
    pub fn new(
        table: Arc<Table>,
        candidates: Vec<KNeighbors>,
        scores: RowScores,
        return_train_score: bool,
    ) -> Result<Self> {
        candidates.first().map_or(Ok(()), |candidate| candidate.check_table(&table))?;
        let (n_asked, n_done) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { table, candidates, scores, return_train_score, n_asked, n_done })
    }

    /// Candidates with the same metric, those of few neighbours first.
    fn families(&self) -> Vec<Vec<usize>> {
        let mut families: Vec<Vec<usize>> = Vec::new();
        for candidate in 0..self.candidates.len() {
            let metric = self.candidates[candidate].metric;
            match families.iter_mut().find(|family| self.candidates[family[0]].metric == metric) {
                Some(family) => family.push(candidate),
                None => families.push(vec![candidate]),
            }
        }
        families.iter_mut().for_each(|family| family.sort_by_key(|&c| (self.candidates[c].k, c)));
        families
    }

    /// What each of `fits` predicts of `rows`.
    fn predict(&self, model: &KNeighborsModel, fits: &[FitId], rows: &[usize]) -> Result<Vec<Predicted>> {
        let of = |id: &FitId| &self.candidates[id.candidate];
        let Some(most) = fits.iter().map(|id| of(id).k).max() else { return Ok(Vec::new()) };
        let targets = model.classes();
        let k = targets.len();
        let empty = || Predicted { y: vec![0.0; rows.len()], proba: vec![0.0; rows.len() * k] };
        let mut predicted: Vec<Predicted> = fits.iter().map(|_| empty()).collect();
        nearest(&model.packed, &gather(&self.table, rows), most, |row, found| {
            for (id, predicted) in fits.iter().zip(&mut predicted) {
                let vote = of(id).vote();
                if targets.is_empty() {
                    predicted.y[row] = vote.mean(found, &model.y);
                    continue;
                }
                let probabilities = &mut predicted.proba[row * k..(row + 1) * k];
                vote.probabilities(found, &model.y, probabilities);
                predicted.y[row] = targets[first_largest(probabilities)];
            }
        })?;
        let pairs = (rows.len() * model.y.len()) as u64;
        self.n_asked.fetch_add(pairs * fits.len() as u64, Ordering::Relaxed);
        self.n_done.fetch_add(pairs, Ordering::Relaxed);
        Ok(predicted)
    }

    /// The outcome of a fit on fewer rows than neighbours, which is one, as in scikit-learn, but predicts nothing.
    fn unscored(&self, id: FitId, fit_seconds: f64, error: Error) -> Result<FitOutcome> {
        let unscored = Some(error.to_string());
        let test_scores = self.scores.of_nothing(error)?;
        let train_scores = if self.return_train_score { test_scores.clone() } else { Vec::new() };
        Ok(FitOutcome { unscored, ..FitOutcome::new(id, [test_scores, train_scores], [fit_seconds, 0.0]) })
    }

    fn scores(&self, model: &KNeighborsModel, predicted: &Predicted, rows: &[usize]) -> Result<Vec<f64>> {
        let classes = model.classes();
        let y_true: Vec<f64> = rows.iter().map(|&row| self.table.y[row]).collect();
        self.scores.of(&Scored {
            y_true: &y_true,
            known: classes,
            weights: &[],
            predicted: &predicted.y,
            decision: None,
            proba: (!classes.is_empty()).then_some((classes, &predicted.proba[..])),
        })
    }
}

impl Searchable for KNeighborsSearch {
    fn n_candidates(&self) -> usize {
        self.candidates.len()
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        let mut chains = Vec::new();
        for family in self.families() {
            for (fold, split) in splits.iter().enumerate() {
                let fits = family.iter().map(|&candidate| FitId { candidate, fold }).collect();
                let rows = split.test.len() + if self.return_train_score { split.train.len() } else { 0 };
                // A distance takes n_features operations; a vote, a few for each neighbour.
                let votes: usize = family.iter().map(|&c| self.candidates[c].k).sum();
                let of_pair = self.table.x.ncols() * self.candidates[family[0]].metric.operations() + 2;
                let of_row = split.train.len() * of_pair + 4 * votes;
                chains.push(Chain { fits, cost: rows as f64 * of_row as f64 });
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
        let Some(first) = chain.fits.first() else { return Ok(()) };
        let split = splits.get(first.fold).ok_or_else(|| Error::internal("a chain of an unknown fold"))?;
        let metric = self.candidates[first.candidate].metric;
        if chain.fits.iter().any(|id| id.fold != first.fold || self.candidates[id.candidate].metric != metric)
        {
            return Err(Error::internal("a chain of neighbours that have nothing in common"));
        }
        let fitting = |id: &&FitId| self.candidates[id.candidate].k <= split.train.len();
        let able: Vec<FitId> = chain.fits.iter().filter(fitting).copied().collect();
        let start = Instant::now();
        let model = KNeighborsModel::of(self.candidates[first.candidate].clone(), &self.table, &split.train);
        let mut fit_seconds = start.elapsed().as_secs_f64();
        let mut since = Instant::now();
        let tested = self.predict(&model, &able, &split.test)?;
        let mut looking = since.elapsed().as_secs_f64();
        let trained = match self.return_train_score {
            true => self.predict(&model, &able, &split.train)?,
            false => Vec::new(),
        };
        for &id in &chain.fits {
            since = Instant::now();
            if let Err(error) =
                self.candidates[id.candidate].check_rows(&self.table.origin, split.train.len())
            {
                emit(self.unscored(id, fit_seconds, error)?)?;
                fit_seconds = 0.0;
                continue;
            }
            let at = able.iter().position(|&other| other == id);
            let at = at.ok_or_else(|| Error::internal("neighbours that were not looked for"))?;
            let test_scores = self.scores(&model, &tested[at], &split.test)?;
            // What all fits of the chain share counts as the first one's.
            let score_seconds = looking + since.elapsed().as_secs_f64();
            let train_scores = match trained.get(at) {
                Some(predicted) => self.scores(&model, predicted, &split.train)?,
                None => Vec::new(),
            };
            emit(FitOutcome::new(id, [test_scores, train_scores], [fit_seconds, score_seconds]))?;
            (fit_seconds, looking) = (0.0, 0.0);
        }
        Ok(())
    }

    fn fits_are_independent(&self) -> bool {
        true
    }

    fn shared(&self) -> Vec<SharedWork> {
        let (asked, done) = (self.n_asked.load(Ordering::Relaxed), self.n_done.load(Ordering::Relaxed));
        vec![SharedWork { what: "distances".into(), asked, done }]
    }

    /// The training rows, once more packed for the distances, and those that are scored.
    fn memory_bytes(&self, _splits: &[Split], _refits: bool) -> u64 {
        3 * self.table.size_bytes()
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        let (candidate, rows) = (&self.candidates[candidate], (0..self.table.y.len()).collect::<Vec<_>>());
        candidate.check_table(&self.table)?;
        // A search none of whose candidates predicts anything ends with the first of them: `import` says what it lacks.
        Ok(KNeighborsModel::of(candidate.clone(), &self.table, &rows).export())
    }
}
