//! Any searchable estimator behind steps that are fitted on the training rows of each fold.
//!
//! The steps' settings that candidates name form a tree: candidates with the same first steps share them, so that
//! each is fitted once for a fold, and candidates with the same steps throughout are one search of the estimator
//! over the rows that the steps make, with all that it shares.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::fold_search::FoldRows;
use super::searchable::{Chain, FitId, FitOutcome, Searchable, SharedWork, Split};
use super::{Model, Transformer};
use crate::data::Table;
use crate::error::{Error, Result};

/// A transformer with its parameters, which a search fits on rows in memory.
pub trait StepFit: Send + Sync {
    /// Fits on `rows`.
    ///
    /// # Errors
    /// When it cannot be fitted on them: [`Error::Data`] for a parameter that does not fit these rows too, which is a fit that
    /// fails, not a fault of the job.
    fn fit(&self, rows: &FoldRows) -> Result<Transformer<f64>>;
}

/// Makes the search of an estimator over some of the candidates, with the rows of a table.
pub type MakeSearch<'a> =
    Box<dyn Fn(&Arc<Table>, &[usize]) -> Result<Box<dyn Searchable + 'a>> + Send + Sync + 'a>;

/// The candidates of a pipeline with their data.
pub struct PipelineSearch<'a> {
    table: Arc<Table>,
    /// For each step its distinct settings.
    steps: Vec<Vec<Box<dyn StepFit>>>,
    /// Ordered by path, so that neighbours share most.
    groups: Vec<Group<'a>>,
    make: MakeSearch<'a>,
    desk: Mutex<Desk<'a>>,
}

/// What is done with a search behind steps.
type WorkBehind<'w> = dyn FnMut(&dyn Searchable, &Chain, usize, f64) -> Result<()> + 'w;

/// Candidates whose steps are the same.
struct Group<'a> {
    /// The setting of each step.
    path: Vec<usize>,
    candidates: Vec<usize>,
    /// Their search on the rows as they are: what it says of chains holds for the rows after the steps.
    planner: Box<dyn Searchable + 'a>,
}

/// The table on which searches are planned: what an estimator may not take before the steps, missing or too large for it, is 0
/// there. Plans do not depend on features.
fn for_planning(table: &Arc<Table>) -> Arc<Table> {
    let is_taken = |value: &f64| (*value as f32).is_finite();
    if table.x.iter().all(is_taken) {
        return table.clone();
    }
    let x = table.x.mapv(|value| if is_taken(&value) { value } else { 0.0 });
    Arc::new(Table { x, ..(**table).clone() })
}

/// A step on the training rows of the present fold, and what it makes of all rows.
struct Fitted {
    setting: usize,
    table: Arc<Table>,
    model: Model,
}

/// What stays from chain to chain.
#[derive(Default)]
struct Desk<'a> {
    split: Option<Split>,
    /// The steps of the latest path, as far as they were fitted.
    fitted: Vec<Fitted>,
    search: Option<(usize, Box<dyn Searchable + 'a>)>,
    /// What searches that are gone shared.
    past: Vec<SharedWork>,
    /// Their operations.
    past_operations: u64,
    /// The candidates that turned out to be settled in them.
    past_settled: Vec<usize>,
    n_asked: u64,
    n_done: u64,
}

impl<'a> PipelineSearch<'a> {
    /// The search of candidates of which `paths` tells the setting of each of `steps`.
    ///
    /// # Errors
    /// What `make` returns for the rows of `table`.
    pub fn new(
        table: Arc<Table>,
        steps: Vec<Vec<Box<dyn StepFit>>>,
        paths: &[Vec<usize>],
        make: MakeSearch<'a>,
    ) -> Result<Self> {
        let mut distinct: Vec<&Vec<usize>> = paths.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let planned = for_planning(&table);
        let group = |path: &Vec<usize>| {
            let candidates: Vec<usize> = (0..paths.len()).filter(|&c| paths[c] == *path).collect();
            Ok(Group { path: path.clone(), planner: make(&planned, &candidates)?, candidates })
        };
        let groups: Vec<Group<'a>> = distinct.into_iter().map(group).collect::<Result<_>>()?;
        let past = groups.first().map_or_else(Vec::new, |group| group.planner.shared());
        let desk = Mutex::new(Desk { past, ..Desk::default() });
        Ok(Self { table, steps, groups, make, desk })
    }

    /// The desk; one that a panic left is cleared.
    fn desk(&self) -> MutexGuard<'_, Desk<'a>> {
        self.desk.lock().unwrap_or_else(|poisoned| {
            let mut desk = poisoned.into_inner();
            (desk.split, desk.fitted, desk.search) = (None, Vec::new(), None);
            self.desk.clear_poison();
            desk
        })
    }

    fn group_of(&self, candidate: usize) -> Result<usize> {
        let has = |group: &Group<'_>| group.candidates.binary_search(&candidate).is_ok();
        self.groups.iter().position(has).ok_or_else(|| Error::internal("a candidate of no pipeline"))
    }

    /// The search of `group` on what its steps make of the rows.
    fn search<'d>(&self, desk: &'d mut Desk<'a>, group: usize, split: &Split) -> Result<&'d dyn Searchable> {
        if desk.split.as_ref() != Some(split) {
            desk.retire(&self.groups);
            desk.fitted.clear();
            desk.split = Some(split.clone());
        }
        if desk.search.as_ref().is_none_or(|(of, _)| *of != group) {
            desk.retire(&self.groups);
            let Group { path, candidates, .. } = &self.groups[group];
            let kept = desk.fitted.iter().zip(path).take_while(|(step, setting)| step.setting == **setting);
            let n_kept = kept.count();
            desk.fitted.truncate(n_kept);
            for (number, &setting) in path.iter().enumerate().skip(n_kept) {
                let before = desk.fitted.last().map_or(&self.table, |step| &step.table);
                desk.n_done += 1;
                let step = self.fit_step(number, setting, before, Some(split))?;
                desk.fitted.push(step);
            }
            let table = desk.fitted.last().map_or(&self.table, |step| &step.table);
            desk.search = Some((group, (self.make)(table, candidates)?));
        }
        let (_, search) =
            desk.search.as_ref().ok_or_else(|| Error::internal("a pipeline without its end"))?;
        Ok(&**search)
    }

    /// `chain` as the search of its group has it.
    fn own(&self, chain: &Chain, group: usize) -> Result<Chain> {
        let candidates = &self.groups[group].candidates;
        let own = |id: &FitId| {
            Some(FitId { candidate: candidates.binary_search(&id.candidate).ok()?, fold: id.fold })
        };
        let fits: Option<Vec<FitId>> = chain.fits.iter().map(own).collect();
        let fits = fits.ok_or_else(|| Error::internal("a chain of several pipelines"))?;
        Ok(Chain { fits, cost: chain.cost })
    }

    /// Does `work` with the search behind the steps of `chain`'s fold: it is given the search, the chain as that has it,
    /// the group and the seconds that the steps took.
    fn behind(&self, chain: &Chain, splits: &[Split], work: &mut WorkBehind<'_>) -> Result<()> {
        let Some(first) = chain.fits.first() else { return Ok(()) };
        let split = splits.get(first.fold).ok_or_else(|| Error::internal("a chain of an unknown fold"))?;
        let group = self.group_of(first.candidate)?;
        let own = self.own(chain, group)?;
        let mut desk = self.desk();
        desk.n_asked += (self.steps.len() * own.fits.len()) as u64;
        let start = Instant::now();
        let search = self.search(&mut desk, group, split)?;
        work(search, &own, group, start.elapsed().as_secs_f64())
    }

    /// The steps before `candidate`, fitted on all rows, and its search on what they make of them.
    fn steps_on_all_rows(&self, candidate: usize) -> Result<(Vec<Model>, Box<dyn Searchable + 'a>)> {
        let group = self.group_of(candidate)?;
        let (mut table, mut models) = (self.table.clone(), Vec::new());
        for (number, &setting) in self.groups[group].path.iter().enumerate() {
            let step = self.fit_step(number, setting, &table, None)?;
            table = step.table;
            models.push(step.model);
        }
        Ok((models, (self.make)(&table, &[candidate])?))
    }

    /// Fits a step on the training rows of `split`, or on all rows.
    fn fit_step(
        &self,
        number: usize,
        setting: usize,
        before: &Arc<Table>,
        split: Option<&Split>,
    ) -> Result<Fitted> {
        let train = split.map_or_else(|| before.clone(), |split| Arc::new(before.select(&split.train)));
        let fitted = self.steps[number][setting].fit(&FoldRows::new(train))?;
        let table = Arc::new(before.mapped(&*fitted.map)?);
        Ok(Fitted { setting, table, model: fitted.model })
    }
}

impl Group<'_> {
    /// Candidates of the group's search as the whole search counts them.
    fn whole(&self, own: Vec<usize>) -> Vec<usize> {
        own.into_iter().map(|candidate| self.candidates[candidate]).collect()
    }
}

impl Desk<'_> {
    /// Lets the present search go.
    fn retire(&mut self, groups: &[Group<'_>]) {
        if let Some((group, search)) = self.search.take() {
            self.past_settled.extend(groups[group].whole(search.settled()));
            add(&mut self.past, &search.shared());
            self.past_operations += search.n_operations();
        }
    }
}

fn add(total: &mut [SharedWork], more: &[SharedWork]) {
    for (sum, work) in total.iter_mut().zip(more) {
        sum.asked += work.asked;
        sum.done += work.done;
    }
}

impl Searchable for PipelineSearch<'_> {
    fn n_candidates(&self) -> usize {
        self.groups.iter().map(|group| group.candidates.len()).sum()
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        let planned: Vec<Vec<Chain>> = self.groups.iter().map(|group| group.planner.chains(splits)).collect();
        let mut chains = Vec::new();
        for fold in 0..splits.len() {
            for (group, planned) in self.groups.iter().zip(&planned) {
                for chain in planned {
                    // Chains of one fold each, so that the steps of one fold are at hand.
                    let fits: Vec<FitId> = chain
                        .fits
                        .iter()
                        .filter(|id| id.fold == fold)
                        .map(|id| FitId { candidate: group.candidates[id.candidate], fold })
                        .collect();
                    if !fits.is_empty() {
                        let cost = chain.cost * fits.len() as f64 / chain.fits.len() as f64;
                        chains.push(Chain { fits, cost });
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
        self.behind(chain, splits, &mut |search, own, group, mut steps_s| {
            let candidates = &self.groups[group].candidates;
            search.run(own, splits, &mut |outcome| {
                let id = FitId { candidate: candidates[outcome.id.candidate], fold: outcome.id.fold };
                // The first fit bears the time of the steps that it was first to need.
                let fit_seconds = outcome.fit_seconds + std::mem::take(&mut steps_s);
                emit(FitOutcome { id, fit_seconds, ..outcome })
            })
        })
    }

    fn n_chain_parts(&self, chain: &Chain) -> usize {
        let Some(Ok(group)) = chain.fits.first().map(|id| self.group_of(id.candidate)) else { return 1 };
        self.own(chain, group).map_or(1, |own| self.groups[group].planner.n_chain_parts(&own))
    }

    fn chain_part(&self, chain: &Chain, splits: &[Split], part: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.behind(chain, splits, &mut |search, own, _, _| {
            bytes = search.chain_part(own, splits, part)?;
            Ok(())
        })?;
        Ok(bytes)
    }

    fn join_chain(
        &self,
        chain: &Chain,
        splits: &[Split],
        parts: &[Vec<u8>],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        self.behind(chain, splits, &mut |search, own, group, _| {
            let candidates = &self.groups[group].candidates;
            search.join_chain(own, splits, parts, &mut |outcome| {
                let id = FitId { candidate: candidates[outcome.id.candidate], fold: outcome.id.fold };
                emit(FitOutcome { id, ..outcome })
            })
        })
    }

    fn settles(&self, first: usize, then: usize) -> bool {
        let of_both = |group: &Group<'_>| {
            let own = |candidate: usize| group.candidates.binary_search(&candidate).ok();
            own(first).zip(own(then)).is_some_and(|(first, then)| group.planner.settles(first, then))
        };
        self.groups.iter().any(of_both)
    }

    fn settled(&self) -> Vec<usize> {
        let desk = self.desk();
        let now = desk.search.iter().flat_map(|(group, search)| self.groups[*group].whole(search.settled()));
        desk.past_settled.iter().copied().chain(now).collect()
    }

    fn fits_are_independent(&self) -> bool {
        self.groups.iter().all(|group| group.planner.fits_are_independent())
    }

    fn counts_on(&self, cost: f64) -> Option<usize> {
        self.groups.iter().filter_map(|group| group.planner.counts_on(cost)).max()
    }

    fn n_operations(&self) -> u64 {
        let desk = self.desk();
        desk.past_operations + desk.search.as_ref().map_or(0, |(_, search)| search.n_operations())
    }

    fn shared(&self) -> Vec<SharedWork> {
        let desk = self.desk();
        let mut all = desk.past.clone();
        if let Some((_, search)) = &desk.search {
            add(&mut all, &search.shared());
        }
        all.push(SharedWork { what: "pipeline steps".into(), asked: desk.n_asked, done: desk.n_done });
        all
    }

    /// What each step makes of all rows and the training rows that one is fitted on, with the estimator's own.
    fn memory_bytes(&self, splits: &[Split], refits: bool) -> u64 {
        let own =
            self.groups.iter().map(|group| group.planner.memory_bytes(splits, refits)).max().unwrap_or(0);
        own.saturating_add((self.steps.len() as u64 + 1).saturating_mul(self.table.size_bytes()))
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        self.refit_steps(candidate).map(|(_, model)| model)
    }

    fn refit_steps(&self, candidate: usize) -> Result<(Vec<Model>, Model)> {
        let (steps, search) = self.steps_on_all_rows(candidate)?;
        Ok((steps, search.refit(0)?))
    }

    fn n_refit_parts(&self, candidate: usize) -> usize {
        let group = self.groups.iter().find_map(|group| {
            let at = group.candidates.binary_search(&candidate).ok()?;
            Some(group.planner.n_refit_parts(at))
        });
        group.unwrap_or(1)
    }

    fn refit_parts(&self, candidate: usize, parts: Range<usize>) -> Result<Vec<u8>> {
        self.steps_on_all_rows(candidate)?.1.refit_parts(0, parts)
    }

    fn join_refit(&self, candidate: usize, parts: &[Vec<u8>]) -> Result<(Vec<Model>, Model)> {
        let (steps, search) = self.steps_on_all_rows(candidate)?;
        Ok((steps, search.join_refit(0, parts)?.1))
    }
}
