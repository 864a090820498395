//! A search from its plan to its table, with whatever estimator.

use std::time::Instant;

use super::cv_results::CvResults;
use super::search::{Chain, FitId, FitOutcome, Searchable, Split};
use super::spec::{Kind, Search};
use crate::comm::{self, Communicator};
use crate::engine::keeper::{Keeper, agree_or_keep};
use crate::engine::sweep::{FitFailure, Fits, OnFailure, SharedWork, Sweep, SweepReport, Swept, Watch};
use crate::error::{Error, Place, Result};
use crate::estimator::Model;
use crate::partition::Slice;
use crate::telemetry::{Phase, Telemetry, interruptible};

/// What a search came to, equal on all ranks but for the model.
#[derive(Clone, Debug)]
pub struct SearchResult {
    /// The table and the best candidate.
    pub cv_results: CvResults,
    /// Fits that came to nothing and have the score of failures.
    pub failures: Vec<FitFailure>,
    /// Who did what.
    pub report: SweepReport,
    /// The best candidate fitted on all rows: on rank 0, when a refit was asked for.
    pub model: Option<Model>,
    /// The steps before it, fitted on all rows; with the model.
    pub steps: Vec<Model>,
    /// Seconds of the refit (scikit-learn's `refit_time_`), if there was one.
    pub refit_s: Option<f64>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Does every fit of `search` on `splits` of the data that `searchable` holds, and the refit on rank 0.
///
/// `searchable` has `search.candidates` in their order, and emits `search.scorers` in their order. Stops, resumes
/// and tells `watch` as [`Sweep::run`] says. The fits of the search are kept until it is over: a refit that is left after a
/// request to stop begins anew in the run that takes them up.
///
/// # Collective
/// Those of [`Sweep::run`], one allgather of a few numbers, one agreement and one broadcast of a number.
///
/// # Errors
/// Those of [`Sweep::run`]; [`Error::Data`] with the first reason when every fit failed; the error of the refit.
pub fn run_search(
    comm: &dyn Communicator,
    telemetry: &Telemetry,
    searchable: &dyn Searchable,
    splits: &[Split],
    search: &Search,
    keeper: Option<&dyn Keeper>,
    watch: &mut dyn Watch,
) -> Result<SearchResult> {
    let work = Work { searchable, splits, search };
    let chains = searchable.chains(splits);
    check_chains(searchable, &chains, search.candidates.len(), splits.len())?;
    let sweep = Sweep::new(comm, telemetry).with_keeper(keeper).on_failure(work.on_failure());
    let mut swept = sweep.run(&chains, &work, watch)?;
    swept.report.shared = shared_work(comm, searchable)?;
    tell_shared(telemetry, &swept.report.shared);
    let mut warnings = search.warnings.clone();
    warnings.extend(of_failures(&swept.failures, swept.outcomes.len(), search.error_score)?);
    warnings.extend(of_unscored(&swept.outcomes, search.error_score));
    let cv_results = match search.kind {
        Kind::CrossValidate => CvResults::of_folds(search, &swept.outcomes)?,
        _ => CvResults::new(search, splits.len(), &swept.outcomes)?,
    };
    warnings.extend(cv_results.warnings.iter().cloned());
    warnings.extend(of_stopped(&swept.outcomes, &swept.failures));
    let best = match search.kind {
        Kind::CrossValidate => Some(0),
        _ => cv_results.best.as_ref().map(|best| best.index),
    };
    let best = best.filter(|_| search.refit.wanted);
    let (fitted, refit_s) = match best {
        Some(best) => refit(comm, telemetry, searchable, best, (keeper, &|| swept.journal()))?,
        None => (None, None),
    };
    let (steps, model) = fitted.map_or((Vec::new(), None), |(steps, model)| (steps, Some(model)));
    let Swept { failures, report, .. } = swept;
    Ok(SearchResult { cv_results, failures, report, model, steps, refit_s, warnings })
}

/// Checks before hours of work that the chains are the whole search.
pub(super) fn check_chains(
    searchable: &dyn Searchable,
    chains: &[Chain],
    n_candidates: usize,
    n_splits: usize,
) -> Result<()> {
    if searchable.n_candidates() != n_candidates {
        return Err(Error::internal("the estimator was prepared for other candidates"));
    }
    let mut ids: Vec<FitId> = chains.iter().flat_map(|chain| chain.fits.iter().copied()).collect();
    ids.sort_unstable();
    let all =
        (0..n_candidates).flat_map(|candidate| (0..n_splits).map(move |fold| FitId { candidate, fold }));
    if ids.into_iter().ne(all) {
        return Err(Error::internal("the chains are not every candidate on every fold once"));
    }
    Ok(())
}

/// What the fits of all ranks shared.
pub(super) fn shared_work(comm: &dyn Communicator, searchable: &dyn Searchable) -> Result<Vec<SharedWork>> {
    let mut total = searchable.shared();
    let mine: Vec<(u64, u64)> = total.iter().map(|work| (work.asked, work.done)).collect();
    let all = comm::allgather(comm, &mine)?;
    for (i, work) in total.iter_mut().enumerate() {
        work.asked = all.iter().filter_map(|rank| rank.get(i)).map(|counts| counts.0).sum();
        work.done = all.iter().filter_map(|rank| rank.get(i)).map(|counts| counts.1).sum();
    }
    Ok(total)
}

pub(super) fn tell_shared(telemetry: &Telemetry, shared: &[SharedWork]) {
    let saved = shared.iter().filter(|work| work.done < work.asked);
    let parts: Vec<String> =
        saved.map(|work| format!("{} of {} {}", work.done, work.asked, work.what)).collect();
    if !parts.is_empty() {
        telemetry.note(&format!("computed {}; the others were shared", parts.join(" and ")));
    }
}

/// The steps and the model.
type Refitted = (Vec<Model>, Model);

/// What keeps the fits of a search, and the state that has them all.
pub(super) type Kept<'a> = (Option<&'a dyn Keeper>, &'a dyn Fn() -> Result<Vec<u8>>);

/// Fits the best candidate: on rank 0 while the others wait, or each its parts where there are some. Rank 0 leaves it after
/// a request to stop, and so does every rank its parts, if the fits before are kept.
pub(super) fn refit(
    comm: &dyn Communicator,
    telemetry: &Telemetry,
    searchable: &dyn Searchable,
    best: usize,
    (keeper, journal): Kept<'_>,
) -> Result<(Option<Refitted>, Option<f64>)> {
    let start = Instant::now();
    let _unkept = keeper.is_none().then(|| telemetry.unkept());
    let n_parts = searchable.n_refit_parts(best);
    let parts = if n_parts > 1 && comm.size() > 1 {
        let mine = Slice::of(n_parts, comm.rank(), comm.size()).blocks;
        let fit = || interruptible(keeper.is_some(), || searchable.refit_parts(best, mine));
        let mine = agree_or_keep(comm, keeper, telemetry.time(Phase::Compute, fit), journal)?;
        Some(telemetry.communicate(comm, || comm::to_root(comm, mine)))
    } else {
        None
    };
    let fit = || match &parts {
        Some(parts) => searchable.join_refit(best, parts),
        None => searchable.refit_steps(best),
    };
    let fit = || interruptible(keeper.is_some(), fit);
    let fitted = if comm.is_root() { telemetry.time(Phase::Compute, fit).map(Some) } else { Ok(None) };
    let elapsed_s = start.elapsed().as_secs_f64();
    let fitted = agree_or_keep(comm, keeper, fitted, journal)?;
    Ok((fitted, Some(comm::broadcast(comm, 0, Some(elapsed_s))?)))
}

/// scikit-learn's warning about fits that failed, or its error when all did.
pub(super) fn of_failures(
    failures: &[FitFailure],
    n_fits: usize,
    score: Option<f64>,
) -> Result<Option<String>> {
    let Some(first) = failures.first() else { return Ok(None) };
    let (n, reason) = (failures.len(), &first.message);
    if n == n_fits {
        return Err(Error::data(
            "search",
            Place::default(),
            "a fit that succeeds",
            format!("all {n} fits failed, the first with: {reason}"),
        ));
    }
    let score = score.unwrap_or(f64::NAN);
    Ok(Some(format!(
        "{n} fits failed out of a total of {n_fits}. The score on these train-test partitions for these \
         parameters will be set to {score}. The first failed with: {reason}"
    )))
}

/// scikit-learn's warning about fits that could predict nothing.
pub(super) fn of_unscored(outcomes: &[FitOutcome], score: Option<f64>) -> Option<String> {
    let (score, n_fits) = (score.unwrap_or(f64::NAN), outcomes.len());
    let mut reasons = outcomes.iter().filter_map(|fit| fit.unscored.as_ref());
    let (first, n) = (reasons.next()?, 1 + reasons.count());
    Some(format!(
        "Scoring failed for {n} of {n_fits} fits. The score on these train-test partitions for these parameters \
         will be set to {score}. The first failed with: {first}"
    ))
}

/// A warning about fits that were stopped by a limit of theirs; those that failed have theirs.
pub(super) fn of_stopped(outcomes: &[FitOutcome], failures: &[FitFailure]) -> Option<String> {
    let (open, total) = (outcomes.iter().filter(|fit| !fit.converged).count(), outcomes.len());
    let n = open.saturating_sub(failures.len());
    (n > 0).then(|| format!("{n} of {total} fits did not converge: see the column converged of cv_results"))
}

/// A searchable estimator as the sweep engine sees it.
pub(super) struct Work<'a> {
    pub(super) searchable: &'a dyn Searchable,
    pub(super) splits: &'a [Split],
    pub(super) search: &'a Search,
}

impl Work<'_> {
    pub(super) fn on_failure(&self) -> OnFailure {
        let n_test = self.search.scorers.len();
        let n_train = if self.search.return_train_score { n_test } else { 0 };
        self.search.error_score.map_or(OnFailure::Raise, |score| OnFailure::Score { score, n_test, n_train })
    }

    /// Whether there is nothing to fit on.
    fn is_empty(&self, id: FitId) -> bool {
        self.splits.get(id.fold).is_some_and(|split| split.train.is_empty())
    }
}

/// What estimators would say in words about targets.
fn no_rows(fold: usize) -> Error {
    Error::data("search.cv", Place::default(), format!("training rows in fold {fold}"), "none")
}

impl Fits for Work<'_> {
    fn run(&self, chain: &Chain, emit: &mut dyn FnMut(FitOutcome) -> Result<()>) -> Result<()> {
        let Some(empty) = chain.fits.iter().position(|&id| self.is_empty(id)) else {
            return self.searchable.run(chain, self.splits, emit);
        };
        if empty > 0 {
            let before = Chain { fits: chain.fits[..empty].to_vec(), cost: chain.cost };
            self.searchable.run(&before, self.splits, emit)?;
        }
        Err(no_rows(chain.fits[empty].fold))
    }

    fn n_parts(&self, chain: &Chain) -> usize {
        self.searchable.n_chain_parts(chain)
    }

    fn part(&self, chain: &Chain, part: usize) -> Result<Vec<u8>> {
        match chain.fits.iter().find(|&&id| self.is_empty(id)) {
            Some(id) => Err(no_rows(id.fold)),
            None => self.searchable.chain_part(chain, self.splits, part),
        }
    }

    fn join(
        &self,
        chain: &Chain,
        parts: &[Vec<u8>],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        self.searchable.join_chain(chain, self.splits, parts, emit)
    }

    fn are_independent(&self) -> bool {
        self.searchable.fits_are_independent()
    }
}
