//! What a sweep is made of, and what it asks of those who do the fits.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

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
    /// Why the fit, which succeeded, could predict nothing: the score of failures stands for all its scores.
    pub unscored: Option<String>,
}

impl FitOutcome {
    /// That of a fit that converged and predicts: its scores on test and training rows, and the seconds that fitting and scoring
    /// took.
    pub fn new(id: FitId, [test_scores, train_scores]: [Vec<f64>; 2], [fit_s, score_s]: [f64; 2]) -> Self {
        let (fit_seconds, score_seconds) = (fit_s, score_s);
        Self { id, test_scores, train_scores, fit_seconds, score_seconds, converged: true, unscored: None }
    }
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

/// A fit that came to nothing and was given the score of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FitFailure {
    /// Which fit.
    pub id: FitId,
    /// Why.
    pub message: String,
}

/// Who does the fits of a chain.
pub trait Fits: Sync {
    /// Does the fits of `chain` in order and hands each outcome to `emit` as it comes.
    ///
    /// # Errors
    /// What the fits or `emit` return.
    fn run(&self, chain: &Chain, emit: &mut dyn FnMut(FitOutcome) -> Result<()>) -> Result<()>;

    /// Into how many parts `chain` can be cut, each to be done by any rank. A property of the chain, as are the places
    /// where it is cut.
    fn n_parts(&self, chain: &Chain) -> usize {
        let _ = chain;
        1
    }

    /// One part of `chain`, as bytes for [`join`](Self::join).
    ///
    /// # Errors
    /// What the work returns.
    fn part(&self, chain: &Chain, part: usize) -> Result<Vec<u8>> {
        let _ = (chain, part);
        Err(Error::internal("a part of a chain that has none"))
    }

    /// What [`run`](Self::run) hands to `emit`, to the bit, from all parts in their order.
    ///
    /// # Errors
    /// What the work or `emit` return.
    fn join(
        &self,
        chain: &Chain,
        parts: &[Vec<u8>],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        let _ = (chain, parts, emit);
        Err(Error::internal("parts of a chain that has none"))
    }

    /// Whether a fit's outcome is the same whichever fits of its chain came before it.
    ///
    /// If it is, a resumed sweep does only the missing fits of a chain; otherwise the whole chain again.
    fn are_independent(&self) -> bool {
        false
    }
}

/// What to do with a fit that the data or its parameters make impossible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnFailure {
    /// The sweep ends with the error.
    Raise,
    /// The fit gets `score` for each of `n_test` test scores and `n_train` training scores, and the sweep goes on.
    Score {
        /// The score, mostly NaN.
        score: f64,
        /// How many scores an outcome has on test rows.
        n_test: usize,
        /// How many scores an outcome has on training rows.
        n_train: usize,
    },
}

/// Who is told how a sweep goes. Called on rank 0 only.
pub trait Watch {
    /// `done` of `total` fits are known from an earlier run; the sweep begins.
    fn on_start(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }

    /// A fit is finished; `done` of `total` are.
    fn on_fit(&mut self, outcome: &FitOutcome, done: usize, total: usize);
}

/// Watches nothing.
impl Watch for () {
    fn on_fit(&mut self, _outcome: &FitOutcome, _done: usize, _total: usize) {}
}

/// Calls a closure with `(done, total)`.
impl<F: FnMut(usize, usize)> Watch for F {
    fn on_start(&mut self, done: usize, total: usize) {
        self(done, total);
    }

    fn on_fit(&mut self, _outcome: &FitOutcome, done: usize, total: usize) {
        self(done, total);
    }
}

/// An outcome with the reason when it stands for a failure: what travels and what is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) outcome: FitOutcome,
    pub(super) failure: Option<String>,
}
