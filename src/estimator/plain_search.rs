//! A search over an estimator whose fits have nothing in common.

use std::sync::Arc;
use std::time::Instant;

use ndarray::Array2;

use crate::data::Table;
use crate::error::{Error, Result};
use crate::estimator::Model;
use crate::estimator::plain::{PlainEstimator, PlainModel, gather, matrix};
use crate::estimator::searchable::{Chain, FitId, FitOutcome, Searchable, Split};
use crate::estimator::svm::Scorer;

/// The candidates of a search with their data; each fit is a chain of its own.
pub struct PlainSearch {
    table: Arc<Table>,
    candidates: Vec<Box<dyn PlainEstimator>>,
    scorers: Vec<Scorer>,
    return_train_score: bool,
}

impl PlainSearch {
    /// A search over `candidates`.
    ///
    /// # Errors
    /// Those of [`PlainEstimator::check_table`].
    pub fn new(
        table: Arc<Table>,
        candidates: Vec<Box<dyn PlainEstimator>>,
        scorers: Vec<Scorer>,
        return_train_score: bool,
    ) -> Result<Self> {
        candidates.iter().try_for_each(|candidate| candidate.check_table(&table))?;
        Ok(Self { table, candidates, scorers, return_train_score })
    }

    fn scores(&self, model: &dyn PlainModel, rows: &[usize]) -> Result<Vec<f64>> {
        let x: Array2<f64> = matrix(rows.len(), self.table.x.ncols(), gather(&self.table, rows))?;
        let y_true: Vec<f64> = rows.iter().map(|&row| self.table.y[row]).collect();
        let wants = |of: fn(&Scorer) -> bool| self.scorers.iter().any(of);
        let y_pred = match wants(|scorer| matches!(scorer, Scorer::Prediction(_))) {
            true => model.predict(x.view())?,
            false => Vec::new(),
        };
        let decision = match wants(|scorer| matches!(scorer, Scorer::Decision(_))) {
            true => model.binary_decision(x.view())?,
            false => None,
        };
        let score = |scorer: &Scorer| match scorer {
            Scorer::Prediction(score) => score(&y_true, &y_pred),
            Scorer::Decision(score) => decision.as_ref().map_or(f64::NAN, |values| score(&y_true, values)),
        };
        Ok(self.scorers.iter().map(score).collect())
    }

    fn fit(&self, id: FitId, split: &Split) -> Result<FitOutcome> {
        let start = Instant::now();
        let model = self.candidates[id.candidate].fit_rows(&self.table, &split.train)?;
        let fit_seconds = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let test_scores = self.scores(&*model, &split.test)?;
        let score_seconds = start.elapsed().as_secs_f64();
        let train_scores =
            if self.return_train_score { self.scores(&*model, &split.train)? } else { Vec::new() };
        let converged = model.converged();
        Ok(FitOutcome { id, test_scores, train_scores, fit_seconds, score_seconds, converged })
    }
}

impl Searchable for PlainSearch {
    fn n_candidates(&self) -> usize {
        self.candidates.len()
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        let mut chains = Vec::with_capacity(self.candidates.len() * splits.len());
        for (candidate, estimator) in self.candidates.iter().enumerate() {
            for (fold, split) in splits.iter().enumerate() {
                let cost = estimator.cost(split.train.len(), self.table.x.ncols());
                chains.push(Chain { fits: vec![FitId { candidate, fold }], cost });
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
        chain.fits.iter().try_for_each(|&id| {
            let split = splits.get(id.fold).ok_or_else(|| Error::internal("a chain of an unknown fold"))?;
            emit(self.fit(id, split)?)
        })
    }

    fn fits_are_independent(&self) -> bool {
        true
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        let rows: Vec<usize> = (0..self.table.y.len()).collect();
        Ok(self.candidates[candidate].fit_rows(&self.table, &rows)?.export())
    }
}
