//! Doing a sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::desk::{Desk, Note, post};
use super::plan::SweepPlan;
use super::report::SweepReport;
use super::task::{Chain, FitFailure, FitId, FitOutcome, Fits, OnFailure, Record, Watch};
use crate::comm::{self, Communicator, Fuse, agree};
use crate::engine::keeper::{Keeper, stopped};
use crate::error::{Error, Result};
use crate::telemetry::{Phase, Telemetry, interruptible, stop_requested};

/// The longest reason of a failure that is kept, in bytes.
const REASON_BYTES: usize = 400;

/// A sweep over this rank and its peers.
pub struct Sweep<'a> {
    comm: &'a dyn Communicator,
    telemetry: &'a Telemetry,
    keeper: Option<&'a dyn Keeper>,
    on_failure: OnFailure,
}

/// What a sweep came to, equal on all ranks.
#[derive(Clone, Debug)]
pub struct Swept {
    /// Every fit's outcome, by candidate and then by fold.
    pub outcomes: Vec<FitOutcome>,
    /// The fits that came to nothing, in the same order.
    pub failures: Vec<FitFailure>,
    /// Who did what.
    pub report: SweepReport,
}

/// Parts of chains by their position in the plan; none for one that failed.
type Parts = BTreeMap<usize, Option<Vec<u8>>>;

/// What one rank brings to the gathering.
#[derive(Default, Serialize, Deserialize)]
struct Share {
    records: Vec<Record>,
    /// Position in the plan and seconds of each task that was done to its end.
    times: Vec<(usize, f64)>,
    /// The chains that this rank joined, and the seconds that it took.
    joined: Vec<(usize, f64)>,
    stopped: Option<i32>,
    elapsed_s: f64,
}

impl Swept {
    /// All fits as a keeper has them: a sweep that takes them up has nothing left to do.
    ///
    /// # Errors
    /// An internal error.
    pub fn journal(&self) -> Result<Vec<u8>> {
        let reason = |id: FitId| {
            let at = self.failures.binary_search_by_key(&id, |failure| failure.id);
            at.ok().map(|at| self.failures[at].message.clone())
        };
        let record = |outcome: &FitOutcome| Record { outcome: outcome.clone(), failure: reason(outcome.id) };
        comm::encode(&self.outcomes.iter().map(record).collect::<Vec<_>>())
    }
}

impl<'a> Sweep<'a> {
    /// A sweep that ends at the first fit that fails and keeps no journal.
    pub fn new(comm: &'a dyn Communicator, telemetry: &'a Telemetry) -> Self {
        Self { comm, telemetry, keeper: None, on_failure: OnFailure::Raise }
    }

    /// Keeps finished fits with `keeper`, and takes up those of an earlier run. Without a keeper requests to stop
    /// are not honoured, since the work would be lost.
    pub fn with_keeper(mut self, keeper: Option<&'a dyn Keeper>) -> Self {
        self.keeper = keeper;
        self
    }

    /// What to do with fits that fail.
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// Does every fit of `chains` and returns all outcomes on every rank.
    ///
    /// A request to stop is honoured by the ranks that received it; the others do their share. A fit under way is left
    /// where it [looks for that](crate::telemetry::check_interrupt), and comes to nothing: no bit of what is kept depends on when the request
    /// came.
    ///
    /// # Collective
    /// One broadcast of what an earlier run left, a note below 1 KiB to rank 0 for each fit, one agreement, and
    /// one allgather of all outcomes.
    ///
    /// # Errors
    /// The error of any rank's fits, on every rank: rank 0 ends its work after the fit at hand, and the whole program
    /// ends (see [`Communicator::light_fuse`]) where other ranks are still busy a few seconds later; [`Error::Stopped`] after a request
    /// to stop; an I/O error when the journal cannot be read or written.
    pub fn run(&self, chains: &[Chain], fits: &dyn Fits, watch: &mut dyn Watch) -> Result<Swept> {
        let start = Instant::now();
        let all: BTreeSet<FitId> = chains.iter().flat_map(|chain| chain.fits.iter().copied()).collect();
        if all.len() != chains.iter().map(|chain| chain.fits.len()).sum::<usize>() {
            return Err(Error::internal("a fit stands in two chains"));
        }
        let known = self.resume(&all)?;
        let ids = known.iter().map(|record| record.outcome.id).collect();
        let n_parts = |chain: &Chain| fits.n_parts(chain);
        let plan = SweepPlan::resumed(chains, &ids, fits.are_independent(), &n_parts, self.comm.size());
        let planned: BTreeSet<FitId> =
            plan.chains.iter().flat_map(|chain| chain.fits.iter().copied()).collect();
        let mut desk =
            self.comm.is_root().then(|| Desk::new(&known, &planned, all.len(), self.keeper, watch));

        let (mut share, mut parts) = (Share::default(), Parts::new());
        let worked = self.work(&plan, fits, &mut share, &mut parts, &mut desk);
        // The others may have fits of hours before them.
        let fuse = match &worked {
            Err(error) => self.comm.light_fuse(error.exit_code(), &self.last_words(error)),
            Ok(()) => Fuse::none(),
        };
        let joined = self.join(&plan, fits, (worked.is_ok(), parts), &mut share, &mut desk)?;
        let worked = worked.and(joined);
        let through = Note::Through { stopped: share.stopped.is_some(), failed: worked.is_err() };
        let told = post(self.comm, &through);
        let closed = desk.as_mut().map_or(Ok(()), |desk| desk.close(self.comm));
        share.elapsed_s = start.elapsed().as_secs_f64();
        agree(self.comm, worked.and(told).and(closed))?;
        drop(fuse);
        let shares = self.telemetry.communicate(self.comm, || comm::allgather(self.comm, &share))?;
        self.gather(&all, known, &plan, shares)
    }

    /// The fits of an earlier run that belong to this sweep, equal on all ranks.
    fn resume(&self, all: &BTreeSet<FitId>) -> Result<Vec<Record>> {
        let loaded = match self.keeper {
            Some(keeper) if self.comm.is_root() => keeper.load(),
            _ => Ok(None),
        };
        let bytes = comm::broadcast(self.comm, 0, Some(agree(self.comm, loaded)?))?;
        let known: Vec<Record> = bytes.map_or(Ok(Vec::new()), |bytes: Vec<u8>| comm::decode(&bytes))?;
        if known.iter().any(|record| !all.contains(&record.outcome.id)) {
            return Err(Error::internal("the kept state is that of another search"));
        }
        Ok(known)
    }

    /// Does this rank's chains in order.
    fn work(
        &self,
        plan: &SweepPlan,
        fits: &dyn Fits,
        share: &mut Share,
        parts: &mut Parts,
        desk: &mut Option<Desk<'_>>,
    ) -> Result<()> {
        for &position in &plan.assignment.tasks[self.comm.rank()] {
            share.stopped = self.stop();
            if share.stopped.is_some() || is_doomed(desk) {
                break;
            }
            let start = Instant::now();
            let task = plan.tasks[position];
            let chain = &plan.chains[task.chain];
            if task.n_parts > 1 {
                let part = || interruptible(self.keeper.is_some(), || fits.part(chain, task.part));
                match self.telemetry.time(Phase::Compute, part) {
                    Err(Error::Interrupted { signal }) => share.stopped = Some(signal),
                    // One that comes to nothing is told by who joins them, as a chain that is not cut is.
                    part => drop(parts.insert(position, part.ok())),
                }
                if let Some(desk) = desk {
                    desk.clear(self.comm)?;
                }
            } else {
                self.telemetry.time(Phase::Compute, || self.chain(chain, None, fits, share, desk))?;
            }
            if share.stopped.is_some() || is_doomed(desk) {
                break;
            }
            share.times.push((position, start.elapsed().as_secs_f64()));
        }
        Ok(())
    }

    /// Joins the chains that were cut, each on the rank of its first part, unless some rank has not come through.
    ///
    /// # Collective
    /// One allgather of a flag and one of all parts for each chain that is cut; none where none is.
    fn join(
        &self,
        plan: &SweepPlan,
        fits: &dyn Fits,
        (worked, parts): (bool, Parts),
        share: &mut Share,
        desk: &mut Option<Desk<'_>>,
    ) -> Result<Result<()>> {
        if plan.cut_chains().next().is_none() {
            return Ok(Ok(()));
        }
        let mine = worked && share.stopped.is_none() && !is_doomed(desk);
        if !comm::allgather(self.comm, &mine)?.into_iter().all(|through| through) {
            return Ok(Ok(()));
        }
        let mut joined = Ok(());
        for at in plan.cut_chains() {
            let of_chain = |position: &usize| plan.tasks[*position].chain == at;
            let own: Vec<(&usize, &Option<Vec<u8>>)> = parts.iter().filter(|(p, _)| of_chain(p)).collect();
            let own = comm::encode(&own)?;
            let all = self.telemetry.communicate(self.comm, || self.comm.allgather(&own));
            if plan.joiner(at) != self.comm.rank() || joined.is_err() || share.stopped.is_some() {
                continue;
            }
            let start = Instant::now();
            let mut whole = Parts::new();
            for bytes in all {
                whole.extend(comm::decode::<Vec<(usize, Option<Vec<u8>>)>>(&bytes)?);
            }
            let whole: Option<Vec<Vec<u8>>> = whole.into_values().collect();
            let chain = &plan.chains[at];
            joined = self
                .telemetry
                .time(Phase::Compute, || self.chain(chain, whole.as_deref(), fits, share, desk));
            share.joined.push((at, start.elapsed().as_secs_f64()));
        }
        Ok(joined)
    }

    /// Does one chain, from its parts where there are some; a fit that fails gets its score and the chain goes on after
    /// it, if that is wanted.
    fn chain(
        &self,
        chain: &Chain,
        parts: Option<&[Vec<u8>]>,
        fits: &dyn Fits,
        share: &mut Share,
        desk: &mut Option<Desk<'_>>,
    ) -> Result<()> {
        let (mut rest, mut parts) = (chain.clone(), parts);
        while !rest.fits.is_empty() {
            let mut latest = Instant::now();
            let mut missing = rest.fits.clone();
            let (mut stopped, mut doomed) = (None, false);
            let mut emit = |outcome: FitOutcome| {
                let Some(at) = missing.iter().position(|&id| id == outcome.id) else {
                    return Err(Error::internal(format!("an unexpected outcome of {:?}", outcome.id)));
                };
                missing.remove(at);
                self.record(Record { outcome, failure: None }, share, desk)?;
                latest = Instant::now();
                stopped = self.stop().filter(|_| !missing.is_empty());
                doomed = is_doomed(desk);
                // The estimator hands this back, and it goes no further than the match below.
                match stopped {
                    Some(signal) => Err(Error::Interrupted { signal }),
                    None if doomed => Err(Error::internal("another rank has failed")),
                    None => Ok(()),
                }
            };
            let ended = interruptible(self.keeper.is_some(), || match parts.take() {
                Some(parts) => fits.join(&rest, parts, &mut emit),
                None => fits.run(&rest, &mut emit),
            });
            if let Err(Error::Interrupted { signal }) = ended {
                stopped = Some(signal);
            }
            share.stopped = stopped;
            rest.fits = match (ended, missing.first(), self.on_failure) {
                (Ok(()), None, _) => return Ok(()),
                (Ok(()), Some(id), _) => {
                    return Err(Error::internal(format!("{id:?} was not done")));
                }
                (Err(_), _, _) if stopped.is_some() || doomed => return Ok(()),
                (Err(error), Some(&id), OnFailure::Score { score, n_test, n_train })
                    // The job's values were checked beforehand: one that is wrong here is wrong for these rows only.
                    if matches!(error, Error::Data { .. } | Error::Diverged { .. } | Error::Job { .. }) =>
                {
                    let scores = [vec![score; n_test], vec![score; n_train]];
                    let outcome = FitOutcome::new(id, scores, [latest.elapsed().as_secs_f64(), 0.0]);
                    let outcome = FitOutcome { converged: false, ..outcome };
                    self.record(Record { outcome, failure: Some(reason(&error)) }, share, desk)?;
                    missing.split_off(1)
                }
                (Err(error), _, _) => return Err(error),
            };
        }
        Ok(())
    }

    /// Hands a finished fit on.
    fn record(&self, record: Record, share: &mut Share, desk: &mut Option<Desk<'_>>) -> Result<()> {
        share.records.push(record.clone());
        match desk {
            Some(desk) => {
                desk.take(record);
                desk.clear(self.comm)
            }
            None => post(self.comm, &Note::Fit(record)),
        }
    }

    fn stop(&self) -> Option<i32> {
        self.keeper.and_then(|_| stop_requested())
    }

    /// An error as the job's last words.
    fn last_words(&self, error: &Error) -> String {
        match self.comm.rank() {
            0 => error.to_string(),
            rank => format!("rank {rank}: {error}"),
        }
    }

    /// Puts all ranks' shares together and checks that nothing is missing.
    fn gather(
        &self,
        all: &BTreeSet<FitId>,
        known: Vec<Record>,
        plan: &SweepPlan,
        shares: Vec<Share>,
    ) -> Result<Swept> {
        let n_resumed = all.len() - plan.n_fits();
        let request = shares.iter().find_map(|share| share.stopped);
        let elapsed_s = shares.first().map_or(0.0, |share| share.elapsed_s);
        let (mut records, times): (Vec<Vec<Record>>, Vec<_>) =
            shares.into_iter().map(|share| (share.records, (share.times, share.joined))).unzip();
        let done: BTreeSet<FitId> = plan.chains.iter().flat_map(|chain| chain.fits.iter().copied()).collect();
        records.push(known.into_iter().filter(|record| !done.contains(&record.outcome.id)).collect());
        let mut records: Vec<Record> = records.into_iter().flatten().collect();
        records.sort_by_key(|record| record.outcome.id);
        if !records.iter().map(|record| &record.outcome.id).eq(all) {
            return Err(match request {
                Some(signal) => stopped(signal, self.keeper),
                None => Error::internal("outcomes are missing from a sweep"),
            });
        }
        let failures = records
            .iter()
            .filter_map(|r| Some(FitFailure { id: r.outcome.id, message: r.failure.clone()? }))
            .collect();
        Ok(Swept {
            outcomes: records.into_iter().map(|record| record.outcome).collect(),
            failures,
            report: SweepReport::new(plan, &times, n_resumed, elapsed_s),
        })
    }
}

/// Whether rank 0 knows that another rank has failed: what it does itself will not be asked for.
fn is_doomed(desk: &Option<Desk<'_>>) -> bool {
    desk.as_ref().is_some_and(Desk::has_failed)
}

/// An error's message, cut so that it fits in a note.
fn reason(error: &Error) -> String {
    let mut message = error.to_string();
    let end = (0..=REASON_BYTES.min(message.len())).rev().find(|&end| message.is_char_boundary(end));
    message.truncate(end.unwrap_or(0));
    message
}
