//! Doing the rungs of a search one after the other.

use std::borrow::Cow;

use serde_json::Value;

use super::super::candidates::{Candidate, sample};
use super::super::cv_results::{Best, Column, CvResults};
use super::super::driver::{
    SearchResult, Work, check_chains, of_failures, of_stopped, of_unscored, refit, shared_work, tell_shared,
};
use super::super::ranks::means_and_stds;
use super::super::search::{FitId, FitOutcome, Searchable, Split};
use super::super::spec::{Drawn, Search, Staged};
use super::keeper::{RungKeeper, journals};
use super::rules::{Rules, Rung, Schedule};
use super::sample::subsample;
use crate::comm::{self, Communicator};
use crate::engine::keeper::{Keeper, agree_or_keep};
use crate::engine::sweep::{FitFailure, Sweep, SweepReport, Swept, Watch};
use crate::error::{Error, Result};
use crate::estimator::{Array, Values};
use crate::telemetry::{Telemetry, interruptible};

/// Makes the search of an estimator over some candidates.
pub type MakeCandidates<'a> = dyn Fn(&[Candidate]) -> Result<Box<dyn Searchable + 'a>> + 'a;

/// What the rules need to know of the data.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// Rows there are.
    pub n_samples: usize,
    /// Classes, or 1 where targets are numbers.
    pub n_classes: usize,
}

/// A search whose kind has rungs.
pub struct Rungs<'a, 'm> {
    /// Gives each rung its estimator.
    pub make: &'a MakeCandidates<'m>,
    /// The folds of all rows.
    pub splits: &'a [Split],
    /// The data.
    pub rows: Rows,
    /// What is asked.
    pub search: &'a Search,
}

/// A search in rungs on this rank and its peers.
struct Climb<'a, 'm> {
    comm: &'a dyn Communicator,
    telemetry: &'a Telemetry,
    rungs: &'a Rungs<'a, 'm>,
    staged: &'a Staged,
    keeper: Option<&'a dyn Keeper>,
    done: Done,
}

/// What the rungs came to so far, row by row of the table.
#[derive(Default)]
struct Done {
    candidates: Vec<Candidate>,
    outcomes: Vec<FitOutcome>,
    failures: Vec<FitFailure>,
    iter: Vec<i64>,
    bracket: Vec<i64>,
    n_resources: Vec<i64>,
    journals: Vec<Vec<u8>>,
    report: Option<SweepReport>,
}

impl<'m> Rungs<'_, 'm> {
    /// The rungs that a run would do, and the search of the widest one's candidates. Nothing is fitted.
    ///
    /// # Errors
    /// [`Error::Job`] for resources that the data do not have, and what making the search returns.
    pub fn plan(&self) -> Result<(Schedule, Box<dyn Searchable + 'm>)> {
        let staged = self.staged()?;
        let (schedule, entrants) = self.schedule(staged, &mut Vec::new())?;
        let first = schedule.brackets.iter().zip(&entrants).next();
        let (bracket, entrants) = first.ok_or_else(|| Error::internal("a search of no rungs"))?;
        let n_resources = bracket.rungs.first().map_or(0, |rung| rung.n_resources);
        let given: Vec<Candidate> =
            entrants.iter().map(|candidate| given(&staged.rules, candidate, n_resources)).collect();
        Ok((schedule, (self.make)(&given)?))
    }

    fn staged(&self) -> Result<&Staged> {
        self.search.staged.as_ref().ok_or_else(|| Error::internal("a search without rungs"))
    }

    /// The least number of rows that makes sense, by scikit-learn's rule: two of each class in each fold.
    fn smallest(&self) -> usize {
        2 * self.splits.len() * self.rows.n_classes
    }

    /// The rungs, and who enters each bracket.
    fn schedule(
        &self,
        staged: &Staged,
        warnings: &mut Vec<String>,
    ) -> Result<(Schedule, Vec<Vec<Candidate>>)> {
        let (rules, n, smallest) = (&staged.rules, self.rows.n_samples, self.smallest());
        let draw = |spaces, n, seed, warnings: &mut Vec<String>| sample(spaces, n, seed, warnings);
        match &staged.drawn {
            Drawn::Not => {
                let candidates = self.search.candidates.clone();
                Ok((rules.halving(candidates.len(), n, smallest)?, vec![candidates]))
            }
            Drawn::Halving { spaces, n_candidates, seed } => {
                let (least, most) = rules.range(n, smallest)?;
                let candidates = draw(spaces, n_candidates.unwrap_or(most / least), *seed, warnings)?;
                Ok((rules.halving(candidates.len(), n, smallest)?, vec![candidates]))
            }
            Drawn::Hyperband { spaces, seed } => {
                let mut schedule = rules.hyperband(n, smallest)?;
                let mut entrants = Vec::new();
                for (number, bracket) in schedule.brackets.iter_mut().enumerate() {
                    // Each bracket draws its own; a small space may have fewer than it would take.
                    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64));
                    let candidates = draw(spaces, bracket.rungs[0].n_candidates, seed, &mut Vec::new())?;
                    for rung in &mut bracket.rungs {
                        rung.n_candidates = rung.n_candidates.min(candidates.len());
                    }
                    entrants.push(candidates);
                }
                Ok((schedule, entrants))
            }
        }
    }

    /// Does the search.
    ///
    /// The last rung says which candidate is best; with several brackets the last rungs of all, which get the same.
    ///
    /// # Collective
    /// Those of a sweep for each rung, and of the refit.
    ///
    /// # Errors
    /// Those of [`run_search`](super::super::run_search), and [`Error::Job`] for resources that the data do not have.
    pub fn run(
        &self,
        comm: &dyn Communicator,
        telemetry: &Telemetry,
        keeper: Option<&dyn Keeper>,
        watch: &mut dyn Watch,
    ) -> Result<SearchResult> {
        let staged = self.staged()?;
        Climb { comm, telemetry, rungs: self, staged, keeper, done: Done::default() }.run(watch)
    }
}

impl Climb<'_, '_> {
    fn run(mut self, watch: &mut dyn Watch) -> Result<SearchResult> {
        let mut warnings = self.rungs.search.warnings.clone();
        let (schedule, entrants) = self.rungs.schedule(self.staged, &mut warnings)?;
        for (number, (bracket, mut candidates)) in schedule.brackets.iter().zip(entrants).enumerate() {
            for (iteration, rung) in bracket.rungs.iter().enumerate() {
                let means = self.rung(&candidates, (number, iteration), *rung, watch)?;
                let n_next = bracket.rungs.get(iteration + 1).map_or(0, |next| next.n_candidates);
                candidates = top(&candidates, &means, n_next);
            }
        }
        self.finish(&schedule, warnings)
    }

    /// Does one rung; returns the candidates' mean scores.
    fn rung(
        &mut self,
        candidates: &[Candidate],
        (bracket, iteration): (usize, usize),
        rung: Rung,
        watch: &mut dyn Watch,
    ) -> Result<Vec<f64>> {
        let rules = &self.staged.rules;
        self.telemetry.note(&format!(
            "bracket {bracket}, iter {iteration}: {} candidates on {} = {}",
            candidates.len(),
            rules.resource,
            rung.n_resources
        ));
        let (splits, candidates) = if rules.counts_rows() {
            let fraction = rung.n_resources as f64 / self.rungs.rows.n_samples as f64;
            let splits = subsample(self.rungs.splits, fraction, self.staged.seed);
            (Cow::Owned(splits), candidates.to_vec())
        } else {
            let given = |candidate: &Candidate| given(rules, candidate, rung.n_resources);
            (Cow::Borrowed(self.rungs.splits), candidates.iter().map(given).collect())
        };
        let swept = self.sweep(&candidates, &splits, watch)?;
        let first = self.done.candidates.len();
        let metric = self.rungs.search.refit.metric.unwrap_or(0);
        let scores: Vec<f64> = swept.outcomes.iter().map(|fit| fit.test_scores[metric]).collect();
        let at = |id: FitId| FitId { candidate: first + id.candidate, ..id };
        let Swept { outcomes, failures, report } = swept;
        self.done.outcomes.extend(outcomes.into_iter().map(|fit| FitOutcome { id: at(fit.id), ..fit }));
        self.done.failures.extend(failures.into_iter().map(|fit| FitFailure { id: at(fit.id), ..fit }));
        let n = candidates.len();
        self.done.iter.extend(std::iter::repeat_n(iteration as i64, n));
        self.done.bracket.extend(std::iter::repeat_n(bracket as i64, n));
        self.done.n_resources.extend(std::iter::repeat_n(rung.n_resources as i64, n));
        self.done.candidates.extend(candidates);
        match &mut self.done.report {
            Some(total) => total.append(report),
            None => self.done.report = Some(report),
        }
        Ok(means_and_stds(&scores, self.rungs.splits.len()).0)
    }

    fn sweep(&mut self, candidates: &[Candidate], splits: &[Split], watch: &mut dyn Watch) -> Result<Swept> {
        // What all ranks compute together for a rung may take long, too.
        let made = interruptible(self.keeper.is_some(), || (self.rungs.make)(candidates));
        let searchable = agree_or_keep(self.comm, self.keeper, made, || self.kept())?;
        let chains = searchable.chains(splits);
        check_chains(&*searchable, &chains, candidates.len(), splits.len())?;
        let work = Work { searchable: &*searchable, splits, search: self.rungs.search };
        let journals = std::mem::take(&mut self.done.journals);
        let keeper = self.keeper.map(|keeper| RungKeeper::new(keeper, &journals));
        let keeper = keeper.as_ref().map(|keeper| keeper as &dyn Keeper);
        let sweep = Sweep::new(self.comm, self.telemetry).with_keeper(keeper).on_failure(work.on_failure());
        let mut swept = sweep.run(&chains, &work, watch)?;
        swept.report.shared = shared_work(self.comm, &*searchable)?;
        self.done.journals = journals;
        self.done.journals.push(swept.journal()?);
        Ok(swept)
    }

    /// The journals of the rungs that are done, and of those that an earlier run had begun beyond.
    fn kept(&self) -> Result<Vec<u8>> {
        let mut all = self.done.journals.clone();
        let earlier = self.keeper.map_or(Ok(None), journals)?;
        all.extend(earlier.into_iter().flatten().skip(all.len()));
        comm::encode(&all)
    }

    fn finish(&mut self, schedule: &Schedule, mut warnings: Vec<String>) -> Result<SearchResult> {
        let done = std::mem::take(&mut self.done);
        let report = done.report.ok_or_else(|| Error::internal("a search of no rungs"))?;
        tell_shared(self.telemetry, &report.shared);
        warnings.extend(of_failures(&done.failures, done.outcomes.len(), self.rungs.search.error_score)?);
        warnings.extend(of_unscored(&done.outcomes, self.rungs.search.error_score));
        let search = Search { candidates: done.candidates, ..self.rungs.search.clone() };
        let mut cv_results = CvResults::new(&search, self.rungs.splits.len(), &done.outcomes)?;
        warnings.extend(cv_results.warnings.iter().cloned());
        warnings.extend(of_stopped(&done.outcomes, &done.failures));
        let is_last = last_rungs(schedule, &done.bracket, &done.iter);
        cv_results.best = self.best(&search, &cv_results, &is_last);
        let column = |name: &str, values: &[i64]| Column {
            name: name.into(),
            array: Array::vector(Values::I64(values.to_vec())),
            is_time: false,
        };
        let mut columns = vec![column("iter", &done.iter), column("n_resources", &done.n_resources)];
        if schedule.brackets.len() > 1 {
            columns.push(column("bracket", &done.bracket));
        }
        cv_results.columns.splice(0..0, columns);
        cv_results.attributes = attributes(schedule);
        let best = cv_results.best.as_ref().filter(|_| search.refit.wanted).map(|best| best.index);
        let (fitted, refit_s) = match best {
            Some(best) => {
                let kept = || comm::encode(&done.journals);
                let make = || (self.rungs.make)(&search.candidates[best..=best]);
                let made = interruptible(self.keeper.is_some(), make);
                let searchable = agree_or_keep(self.comm, self.keeper, made, kept)?;
                refit(self.comm, self.telemetry, &*searchable, 0, (self.keeper, &kept))?
            }
            None => (None, None),
        };
        let (steps, model) = fitted.map_or((Vec::new(), None), |(steps, model)| (steps, Some(model)));
        Ok(SearchResult { cv_results, failures: done.failures, report, model, steps, refit_s, warnings })
    }

    /// The first of the best in the last rungs; the first of them all where none has a score.
    fn best(&self, search: &Search, table: &CvResults, is_last: &[bool]) -> Option<Best> {
        let name = search.score_names()[search.refit.metric?];
        let means = table.column(&format!("mean_test_{name}"))?.to_f64()?;
        let last = (0..means.len()).filter(|&row| is_last[row]);
        let best = last
            .clone()
            .filter(|&row| !means[row].is_nan())
            .reduce(|best, row| if means[row] > means[best] { row } else { best });
        let index = best.or_else(|| last.clone().next())?;
        Some(Best { index, score: means[index], params: search.candidates[index].clone() })
    }
}

/// A candidate with what its rung gives it, where that is a parameter.
fn given(rules: &Rules, candidate: &Candidate, n_resources: usize) -> Candidate {
    let mut candidate = candidate.clone();
    if !rules.counts_rows() {
        candidate.insert(rules.resource.clone(), Value::from(n_resources));
    }
    candidate
}

/// Which rows of the table belong to the last rung of their bracket.
fn last_rungs(schedule: &Schedule, bracket: &[i64], iter: &[i64]) -> Vec<bool> {
    let last =
        |(&bracket, &iter): (&i64, &i64)| schedule.brackets[bracket as usize].rungs.len() as i64 == iter + 1;
    bracket.iter().zip(iter).map(last).collect()
}

/// The `k` best, worst first; NaN is worse than every number, and of equals the later ones are kept.
fn top(candidates: &[Candidate], means: &[f64], k: usize) -> Vec<Candidate> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| means[b].is_nan().cmp(&means[a].is_nan()).then(means[a].total_cmp(&means[b])));
    order[order.len().saturating_sub(k)..].iter().map(|&at| candidates[at].clone()).collect()
}

/// scikit-learn's attributes; for several brackets the counts of all rungs one after the other.
fn attributes(schedule: &Schedule) -> Vec<(String, Array)> {
    let rungs = || schedule.brackets.iter().flat_map(|bracket| &bracket.rungs);
    let list = |values: Vec<i64>| Array::vector(Values::I64(values));
    let mut all = vec![
        ("n_candidates_".into(), list(rungs().map(|rung| rung.n_candidates as i64).collect())),
        ("n_resources_".into(), list(rungs().map(|rung| rung.n_resources as i64).collect())),
        ("min_resources_".into(), Array::integer(schedule.min_resources as i64)),
        ("max_resources_".into(), Array::integer(schedule.max_resources as i64)),
    ];
    if let [bracket] = &schedule.brackets[..]
        && schedule.n_required > 0
    {
        let counts = [
            ("n_iterations_", bracket.rungs.len()),
            ("n_required_iterations_", schedule.n_required),
            ("n_possible_iterations_", schedule.n_possible),
            ("n_remaining_candidates_", bracket.n_remaining),
        ];
        all.extend(counts.map(|(name, count)| (name.into(), Array::integer(count as i64))));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_best_go_on_in_scikit_learns_order() {
        let candidates: Vec<Candidate> =
            (0..5).map(|i| [("a".to_string(), json!(i))].into_iter().collect()).collect();
        let names = |k: usize| -> Vec<i64> {
            let means = [0.5, f64::NAN, 0.9, 0.5, 0.1];
            top(&candidates, &means, k).iter().map(|c| c["a"].as_i64().unwrap()).collect()
        };
        // numpy.roll(numpy.argsort(means, kind="stable"), 1)[-k:]
        assert_eq!(names(2), [3, 2]);
        assert_eq!(names(5), [1, 4, 0, 3, 2]);
    }
}
