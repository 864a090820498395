//! What a search asks of an estimator.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::estimator::Model;

/// One fold: the rows to fit on and the rows to score on, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows to fit on.
    pub train: Vec<usize>,
    /// Rows to score on.
    pub test: Vec<usize>,
}

/// One fit of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FitId {
    /// Which point of the grid.
    pub candidate: usize,
    /// Which fold.
    pub fold: usize,
}

/// What one fit came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitOutcome {
    /// Which fit.
    pub id: FitId,
    /// One score for each scorer, on the fold's test rows.
    pub test_scores: Vec<f64>,
    /// The same on its training rows; empty when not asked for.
    pub train_scores: Vec<f64>,
    /// Seconds the fit took; 0 for a fit whose result was taken from an equal one.
    pub fit_seconds: f64,
    /// Seconds the scoring took.
    pub score_seconds: f64,
    /// Whether the fit reached its tolerance.
    pub converged: bool,
}

/// Fits done in order by one rank because each helps the next.
///
/// Chains are a property of the grid, never of the rank count, so scores do not move with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The fits, in the order in which they are done.
    pub fits: Vec<FitId>,
    /// What they cost together, by the estimator's model; comparable between chains of one search.
    pub cost: f64,
}

/// An estimator with its data and the candidates of a search.
///
/// Built once on every rank from the same job. Knows neither ranks nor files.
pub trait Searchable: Sync {
    /// How many candidates there are.
    fn n_candidates(&self) -> usize;

    /// Every fit of the search, grouped into chains. Equal on all ranks.
    fn chains(&self, splits: &[Split]) -> Vec<Chain>;

    /// Does the fits of `chain` in order and hands each outcome to `emit` as it comes.
    ///
    /// # Errors
    /// What the fits or `emit` return.
    fn run(
        &self,
        chain: &Chain,
        splits: &[Split],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()>;

    /// Fits `candidate` on all rows.
    ///
    /// # Errors
    /// What the fit returns.
    fn refit(&self, candidate: usize) -> Result<Model>;
}
