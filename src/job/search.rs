//! Searches in a job: the pipeline at every candidate, on the sweep engine.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::estimator::EstimatorJob;
use super::fit::{Fitted, Told, searched, sweep, table};
use super::groups;
use super::searchable;
use super::source;
use super::spec::Job;
use super::steps;
use crate::comm::{self, Communicator, agree};
use crate::data::{BlockSource, Table, WithMissing};
use crate::engine::sweep::SweepPlan;
use crate::error::{Error, Result};
use crate::estimator::ensemble::{Forest, ForestData, ForestKind, ForestParams, ForestSearch, TreeParams};
use crate::estimator::fold_search::{FoldFit, FoldSearch};
use crate::estimator::linear_model::LinearParams;
use crate::estimator::naive_bayes::GaussianNbParams;
use crate::estimator::searchable::{Chain, Searchable, Split};
use crate::estimator::svm::{Svc, SvcParams, SvcSearch};
use crate::kernel::Real;
use crate::metrics::Needs;
use crate::model_selection::{Bracket, Candidate, PilotRows, Piloted, Rows, Rungs, Search, seconds_per_cost};
use crate::results::FileKeeper;
use crate::telemetry::{Phase, Telemetry};

/// Searches over the parameters of the job's estimator.
///
/// # Collective
/// Those of reading the data and of the sweep, and one allgather of a number.
///
/// # Errors
/// What the data and the parameters make impossible.
pub(super) fn fit<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    search: &Search,
    source: Arc<dyn BlockSource<T>>,
    keeper: &FileKeeper,
    telemetry: &Telemetry,
) -> Result<Fitted> {
    // An imputer that comes first fills in what is missing, in each fold by its training rows.
    let source = if job.takes_missing() { Arc::new(WithMissing::new(source)) } else { source };
    let unkept = telemetry.before_kept();
    let table = Arc::new(table(comm, job, &*source, telemetry)?);
    let splits = groups::splits::<T>(comm, job, search, &table)?;
    splits.warnings.iter().for_each(|warning| telemetry.warn(warning));
    let undefined = searchable::check_scorers(job, search, &table, &splits.splits)?;
    undefined.iter().for_each(|warning| telemetry.warn(warning));
    let maker = Maker::new(comm, job, search, telemetry, (splits.splits.len(), table.y.len()))?;
    if search.staged.is_some() {
        let rows = Rows { n_samples: table.y.len(), n_classes: n_classes(job, &table.y) };
        // Most rungs fit on few of the rows: nothing is computed for all of them.
        let make = |candidates: &[Candidate]| maker.search(&table, candidates, &[]);
        drop(unkept);
        let mut watch = Told { telemetry, search, n_folds: splits.splits.len() };
        let rungs = Rungs { make: &make, splits: &splits.splits, rows, search };
        let result = rungs.run(comm, telemetry, Some(keeper), &mut watch);
        let result = result.map_err(|error| job.place("search", error))?;
        return Ok(searched(result, search, splits.splits.len(), telemetry));
    }
    let made = telemetry.time(Phase::Compute, || maker.search(&table, &search.candidates, &splits.splits));
    let searchable = maker.piloted(&table, &splits.splits, agree(comm, made)?)?;
    drop(unkept);
    sweep(comm, &*searchable, &splits.splits, search, keeper, telemetry)
}

/// Candidates that are asked what their refit costs, at most.
const MOST_ASKED: usize = 16;

/// What a rank would do.
#[derive(Clone, Debug)]
pub struct Share {
    /// Chains of fits, and parts of chains that are cut.
    pub n_chains: usize,
    /// Fits.
    pub n_fits: usize,
    /// Its part of the whole work by the estimator's cost model, from 0 to 1.
    pub part: f64,
    /// About how long it takes.
    pub estimated_s: Option<f64>,
}

/// What a search would do.
pub(super) struct Outlook {
    /// Candidates; those of the first rungs, where it has rungs.
    pub(super) n_candidates: usize,
    pub(super) n_folds: usize,
    /// Its rungs, if it has some.
    pub(super) brackets: Vec<Bracket>,
    pub(super) shares: Vec<Share>,
    /// About how long the refit takes.
    pub(super) refit_s: Option<f64>,
    /// What this rank keeps beside the table.
    pub(super) memory_bytes: u64,
}

/// Who would do what, by a cost model whose unit is timed on a small fit on rank 0; of a search in rungs how many
/// candidates get how much, for its rungs are planned when those before are done.
///
/// # Collective
/// That of reading the data, two agreements, one allgather and one broadcast of a number.
///
/// # Errors
/// As [`fit`].
pub(super) fn forecast<T: Real>(
    comm: &dyn Communicator,
    job: &Job,
    search: &Search,
    source: &Arc<dyn BlockSource<T>>,
) -> Result<Outlook> {
    let source =
        if job.takes_missing() { Arc::new(WithMissing::new(source.clone())) } else { source.clone() };
    let telemetry = &Telemetry::new();
    let table = Arc::new(table(comm, job, &*source, telemetry)?);
    let splits = groups::splits::<T>(comm, job, search, &table)?.splits;
    searchable::check_scorers(job, search, &table, &splits)?;
    let made = Maker::new(comm, job, search, telemetry, (splits.len(), table.y.len()))?;
    let maker = Maker { rehearses: true, ..made };
    let listed = groups::listed_bytes(search, &splits);
    let refits_here = search.refit.wanted && comm.is_root();
    if search.staged.is_some() {
        let rows = Rows { n_samples: table.y.len(), n_classes: n_classes(job, &table.y) };
        let make = |candidates: &[Candidate]| maker.search(&table, candidates, &[]);
        let planned = Rungs { make: &make, splits: &splits, rows, search }.plan();
        let (schedule, searchable) = agree(comm, planned).map_err(|error| job.place("search", error))?;
        let first = schedule.brackets.iter().filter_map(|bracket| bracket.rungs.first());
        return Ok(Outlook {
            n_candidates: first.map(|rung| rung.n_candidates).sum(),
            n_folds: splits.len(),
            brackets: schedule.brackets,
            shares: Vec::new(),
            refit_s: None,
            memory_bytes: searchable.memory_bytes(&splits, refits_here).saturating_add(listed),
        });
    }
    let searchable = agree(comm, maker.search(&table, &search.candidates, &splits))?;
    let searchable = maker.piloted(&table, &splits, searchable)?;
    let n_parts = |chain: &Chain| searchable.n_chain_parts(chain);
    let plan = SweepPlan::cut(&searchable.chains(&splits), &n_parts, comm.size());
    let unit = if comm.is_root() { seconds_per_cost(&*searchable, &splits) } else { None };
    let refit = match unit {
        Some(unit) if search.refit.wanted => maker.refit_cost(&table).map(|cost| cost * unit),
        _ => None,
    };
    // What is timed is done on rank 0, and tells how much of the matrices fits ask for.
    let bytes = [false, search.refit.wanted].map(|refits| searchable.memory_bytes(&splits, refits));
    let told: (Option<f64>, Option<f64>, [u64; 2]) = comm::broadcast(comm, 0, Some((unit, refit, bytes)))?;
    let (unit, refit_s, bytes) = told;
    let total: f64 = plan.assignment.load.iter().sum();
    let share = |(tasks, &load): (&Vec<usize>, &f64)| Share {
        n_chains: tasks.len(),
        n_fits: tasks.iter().map(|&position| plan.n_fits_of(plan.tasks[position])).sum(),
        part: if total > 0.0 { load / total } else { 0.0 },
        estimated_s: unit.map(|unit| unit * load),
    };
    Ok(Outlook {
        n_candidates: search.candidates.len(),
        n_folds: splits.len(),
        brackets: Vec::new(),
        shares: plan.assignment.tasks.iter().zip(&plan.assignment.load).map(share).collect(),
        refit_s,
        memory_bytes: bytes[usize::from(comm.is_root())].saturating_add(listed),
    })
}

/// Classes among the targets of a classifier, 1 for others.
fn n_classes(job: &Job, y: &[f64]) -> usize {
    if !job.estimator.is_classifier() {
        return 1;
    }
    let mut classes = y.to_vec();
    classes.sort_unstable_by(f64::total_cmp);
    classes.dedup();
    classes.len()
}

/// Makes the job's estimator at some candidates: the one place that knows how each is searched over.
struct Maker<'a> {
    comm: &'a dyn Communicator,
    telemetry: &'a Telemetry,
    job: &'a Job,
    search: &'a Search,
    /// Fits of the search and rows of the data: those of a rung, or of the small fits that only count, may be fewer.
    size: (usize, usize),
    /// The least memory of any rank, and the fewest ranks of any node: ranks that share a matrix must all find that it
    /// fits, or that it does not, and what is free changes while they ask.
    budget_bytes: usize,
    ranks_on_node: usize,
    /// Nothing is fitted: what is computed before is not wanted either.
    rehearses: bool,
    /// The table that was ranked last, for forests.
    ranked: Mutex<Option<(Arc<Table>, Arc<ForestData>)>>,
}

impl<'m> Maker<'m> {
    /// # Collective
    /// One allgather of two numbers.
    fn new(
        comm: &'m dyn Communicator,
        job: &'m Job,
        search: &'m Search,
        telemetry: &'m Telemetry,
        (n_folds, n_rows): (usize, usize),
    ) -> Result<Self> {
        let of_ranks = comm::allgather(comm, &(source::budget_bytes(comm, job), comm.ranks_on_node()))?;
        let budget_bytes = of_ranks.iter().map(|of| of.0).min().unwrap_or(u64::MAX);
        Ok(Self {
            comm,
            telemetry,
            job,
            search,
            size: (search.candidates.len() * n_folds, n_rows),
            budget_bytes: usize::try_from(budget_bytes).unwrap_or(usize::MAX),
            ranks_on_node: of_ranks.iter().map(|of| of.1).min().unwrap_or(1),
            rehearses: false,
            ranked: Mutex::default(),
        })
    }

    /// The job's pipeline at every candidate, made by all ranks, with what depends on the rows of `splits`.
    fn search<'a>(
        &'a self,
        table: &Arc<Table>,
        candidates: &[Candidate],
        splits: &[Split],
    ) -> Result<Box<dyn Searchable + 'a>> {
        self.search_of(table, candidates, Some(splits))
    }

    /// The same, made `together` by all ranks or by each for itself.
    fn search_of<'a>(
        &'a self,
        table: &Arc<Table>,
        candidates: &[Candidate],
        together: Option<&[Split]>,
    ) -> Result<Box<dyn Searchable + 'a>> {
        let own = candidates.iter().map(|c| Ok(steps::parts(self.job, c)?.estimator));
        let own: Vec<Candidate> = own.collect::<Result<_>>()?;
        if self.job.pipeline.is_empty() {
            return self.make(table, &own, together);
        }
        let make = move |table: &Arc<Table>, some: &[usize]| -> Result<Box<dyn Searchable + 'a>> {
            self.make(table, &some.iter().map(|&c| own[c].clone()).collect::<Vec<_>>(), None)
        };
        Ok(Box::new(steps::behind(self.job, table.clone(), candidates, Box::new(make))?))
    }

    /// What the refit of a candidate costs, the mean of some of them: that of a fit on all rows, or its part of one rank.
    /// None where nothing can be told.
    fn refit_cost(&self, table: &Arc<Table>) -> Option<f64> {
        let all = [Split { train: (0..table.y.len()).collect(), test: Vec::new() }];
        let candidates = &self.search.candidates;
        let some = candidates.iter().step_by(candidates.len().div_ceil(MOST_ASKED).max(1));
        let cost = |candidate: &Candidate| {
            let one = self.search_of(table, std::slice::from_ref(candidate), None).ok()?;
            let n_ranks = one.n_refit_parts(0).clamp(1, self.comm.size()) as f64;
            Some(one.chains(&all).iter().map(|chain| chain.cost).sum::<f64>() / n_ranks)
        };
        let costs: Vec<f64> = some.filter_map(cost).collect();
        (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / costs.len() as f64)
    }

    /// `searchable` over `table` with the costs that small fits tell, where these are worth it.
    ///
    /// # Collective
    /// That of [`Piloted::new`].
    fn piloted<'a>(
        &'a self,
        table: &Table,
        splits: &[Split],
        searchable: Box<dyn Searchable + 'a>,
    ) -> Result<Box<dyn Searchable + 'a>> {
        let pilots = PilotRows::of(&*searchable, splits);
        let small = pilots.iter().map_while(|pilot| {
            let rows = Arc::new(table.select(&pilot.rows));
            // On rows of which a class or more than that is missing no estimator need be able to be made.
            Some((self.search_of(&rows, &self.search.candidates, None).ok()?, pilot))
        });
        let small: Vec<(Box<dyn Searchable>, &PilotRows)> = small.collect();
        if small.is_empty() {
            return Ok(searchable);
        }
        let piloted = || Piloted::new(self.comm, searchable, &small, splits);
        Ok(Box::new(self.telemetry.time(Phase::Compute, piloted)?))
    }

    /// The estimator at `candidates` with the rows of `table`; made `together` by all ranks, or by one when it needs it.
    ///
    /// An estimator that implements [`FoldFit`] takes one line: its parameters, and how they are checked.
    fn make(
        &self,
        table: &Arc<Table>,
        candidates: &[Candidate],
        together: Option<&[Split]>,
    ) -> Result<Box<dyn Searchable>> {
        use LinearParams as L;
        let at = At { maker: self, table, candidates, together };
        let seed = self.job.seed;
        match &self.job.estimator {
            EstimatorJob::Svc(params) => at.svc(params),
            EstimatorJob::Forest(params) => {
                let kind = params.kind;
                let all = at.all(params, |one: ForestParams| ForestParams { kind, ..one }.validate(seed))?;
                at.forests(kind, all)
            }
            EstimatorJob::Tree(params) => {
                let kind = params.kind;
                let all = at.all(params, |one: TreeParams| TreeParams { kind, ..one }.validate(seed))?;
                at.forests(kind, all)
            }
            EstimatorJob::Plain(plain) => {
                let together = together.map(|_| (self.comm, self.telemetry));
                plain.searchable(self.job, self.search, candidates, table, self.budget_bytes, together)
            }
            EstimatorJob::Linear(L::LinearRegression(params)) => {
                at.each(params, |p| linear(L::LinearRegression(p)))
            }
            EstimatorJob::Linear(L::Ridge(params)) => at.each(params, |p| linear(L::Ridge(p))),
            EstimatorJob::Linear(L::Lasso(params)) => at.each(params, |p| linear(L::Lasso(p))),
            EstimatorJob::Linear(L::ElasticNet(params)) => at.each(params, |p| linear(L::ElasticNet(p))),
            EstimatorJob::Linear(L::LogisticRegression(params)) => {
                let all = at.all(params, Ok)?;
                searchable::check_each(self.job, &all, candidates, |params| params.check_classes(table))?;
                at.each(params, |p| linear(L::LogisticRegression(p)))
            }
            EstimatorJob::Linear(L::PoissonRegressor(params)) => {
                at.each(params, |p| linear(L::PoissonRegressor(p)))
            }
            EstimatorJob::GaussianNb(params) => at.each(params, gaussian_nb),
            EstimatorJob::KMeans(_) | EstimatorJob::MiniBatchKMeans(_) | EstimatorJob::Transformer(_) => {
                Err(Error::internal("a search over an estimator that has none"))
            }
        }
    }
}

fn gaussian_nb(params: GaussianNbParams) -> Result<GaussianNbParams> {
    params.validate().map(|()| params)
}

fn linear(params: LinearParams) -> Result<LinearParams> {
    params.validate().map(|()| params)
}

/// Rows and candidates.
struct At<'a> {
    maker: &'a Maker<'a>,
    table: &'a Arc<Table>,
    candidates: &'a [Candidate],
    together: Option<&'a [Split]>,
}

impl At<'_> {
    /// Every candidate as it comes out of `check`.
    fn all<P, E>(&self, params: &P, check: impl Fn(P) -> Result<E>) -> Result<Vec<E>>
    where
        P: Serialize + DeserializeOwned,
    {
        searchable::candidates(self.maker.job, params, self.candidates, check)
    }

    /// An estimator that fits each candidate by itself on the rows of a fold.
    fn each<P, E>(&self, params: &P, check: impl Fn(P) -> Result<E>) -> Result<Box<dyn Searchable>>
    where
        P: Serialize + DeserializeOwned,
        E: FoldFit + 'static,
    {
        let search = self.maker.search;
        let fits = self.all(params, |p| Ok(Box::new(check(p)?) as Box<dyn FoldFit>))?;
        let scores = searchable::row_scores(self.maker.job, search, self.table);
        Ok(Box::new(FoldSearch::new(self.table.clone(), fits, scores, search.return_train_score)))
    }

    fn svc(&self, params: &SvcParams) -> Result<Box<dyn Searchable>> {
        let Maker { comm, telemetry, job, search, budget_bytes, ranks_on_node, rehearses, .. } = *self.maker;
        let svcs = self.all(params, SvcParams::validate)?;
        searchable::check_classes(job, &svcs, self.candidates, self.table)?;
        searchable::require_probabilities(job, search, &svcs)?;
        let (table, scores) = (self.table.clone(), searchable::row_scores(job, search, self.table));
        let by_predictions = !scores.ask(Needs::Probability) && !scores.ask(Needs::Decision);
        let (n_fits, n_rows) = self.maker.size;
        let of_search = |svc: Svc| svc.of_search(n_fits, n_rows, by_predictions);
        let svcs = svcs.into_iter().map(of_search).collect();
        let made = SvcSearch::new(table, svcs, scores, search.return_train_score, budget_bytes);
        if let Some(splits) = self.together {
            searchable::tell_shared(telemetry, "dot products", made.share_products(comm)?);
            made.choose_kernels(splits, ranks_on_node);
            if !rehearses {
                searchable::tell_shared(telemetry, "kernel matrices", made.fill_kernels(comm));
            }
        }
        Ok(Box::new(made))
    }

    fn forests(&self, kind: ForestKind, forests: Vec<Forest>) -> Result<Box<dyn Searchable>> {
        let Maker { job, search, .. } = *self.maker;
        let check = |forest: &Forest| forest.check_targets(self.table);
        searchable::check_each(job, &forests, self.candidates, check)?;
        let data = self.maker.ranked(self.table, kind)?;
        let scores = searchable::row_scores(job, search, self.table);
        Ok(Box::new(ForestSearch::new(data, forests, scores, search.return_train_score)))
    }
}

impl Maker<'_> {
    /// The columns of `table` in order, which many searches over the same rows share.
    fn ranked(&self, table: &Arc<Table>, kind: ForestKind) -> Result<Arc<ForestData>> {
        let mut kept = self.ranked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, data)) = &*kept
            && Arc::ptr_eq(of, table)
        {
            return Ok(data.clone());
        }
        let data = Arc::new(ForestData::new(table.clone(), kind)?);
        *kept = Some((table.clone(), data.clone()));
        Ok(data)
    }
}
