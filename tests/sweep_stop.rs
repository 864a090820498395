//! Stopping a sweep and taking it up again. Alone in its program, since a request to stop reaches all its threads.

mod sweep_fake;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use rankfit::comm::run_threads;
use rankfit::engine::keeper::Keeper;
use rankfit::error::{Error, ExitCode, Result};
use rankfit::model_selection::{FitId, SearchResult, run_search};
use rankfit::telemetry::{Telemetry, check_interrupt, request_stop};
use sweep_fake::{Fake, N_SPLITS, search, splits};

/// Keeps the state in memory.
#[derive(Default)]
struct Memory(Mutex<Option<Vec<u8>>>);

impl Keeper for Memory {
    fn load(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().clone())
    }
    fn store(&self, state: &[u8]) -> Result<()> {
        *self.0.lock().unwrap() = Some(state.to_vec());
        Ok(())
    }
    fn is_due(&self) -> bool {
        false
    }
    fn path(&self) -> &Path {
        Path::new("out.h5.checkpoint")
    }
}

/// Cannot write.
struct Broken;

impl Keeper for Broken {
    fn load(&self) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
    fn store(&self, _state: &[u8]) -> Result<()> {
        Err(Error::io("out.h5.checkpoint", "writing", "no space left"))
    }
    fn is_due(&self) -> bool {
        true
    }
    fn path(&self) -> &Path {
        Path::new("out.h5.checkpoint")
    }
}

/// The fits that were done, since the fake's hooks are plain functions.
static DONE: Mutex<Vec<FitId>> = Mutex::new(Vec::new());

fn note(id: FitId) {
    DONE.lock().unwrap().push(id);
}

fn note_and_stop(id: FitId) {
    note(id);
    if id == (FitId { candidate: 1, fold: 2 }) {
        request_stop(libc::SIGTERM);
    }
}

fn note_and_ask(id: FitId) {
    note(id);
    request_stop(libc::SIGTERM);
}

/// A fit during which a stop is requested, and which then looks whether it is still wanted.
fn stop_and_look(id: FitId) -> Option<Error> {
    if id == (FitId { candidate: 2, fold: 1 }) {
        request_stop(libc::SIGINT);
    }
    check_interrupt().err()
}

/// What rank 0 was told when sweeps began: the fits that were done before, and all.
static TOLD: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

fn sweep(size: usize, fake: &Fake, keeper: &dyn Keeper) -> (Vec<Result<SearchResult>>, Vec<FitId>) {
    DONE.lock().unwrap().clear();
    let results = run_threads(size, |comm| {
        let mut told = Vec::new();
        let mut watch = |done: usize, total: usize| told.push((done, total));
        let result =
            run_search(comm, &Telemetry::new(), fake, &splits(), &search(), Some(keeper), &mut watch);
        // Each that is done is told once.
        assert!(told.windows(2).all(|two| two[0].0 + 1 == two[1].0), "{told:?}");
        TOLD.lock().unwrap().extend(told.first());
        assert!(comm.poll().is_none(), "a note was left behind");
        result
    });
    (results, std::mem::take(&mut DONE.lock().unwrap()))
}

fn unchanging(result: &SearchResult) -> Vec<rankfit::model_selection::Column> {
    result.cv_results.columns.iter().filter(|column| !column.is_time).cloned().collect()
}

fn stops_and_resumes(size: usize, resumed_size: usize, independent: bool) {
    let fake = Fake { after: note, independent, ..Fake::new() };
    let (whole, _) = sweep(size, &fake, &Memory::default());
    let whole = whole.into_iter().next().unwrap().unwrap();

    let keeper = Memory::default();
    let (stopped, first) = sweep(size, &Fake { after: note_and_stop, independent, ..Fake::new() }, &keeper);
    request_stop(0);
    for error in stopped.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.exit_code(), ExitCode::Stopped);
        assert!(error.to_string().contains("stopped by SIGTERM"), "{error}");
        assert!(error.to_string().contains("out.h5.checkpoint"), "{error}");
    }

    TOLD.lock().unwrap().clear();
    let (resumed, second) = sweep(resumed_size, &fake, &keeper);
    // Fits that are done again were not done before.
    assert_eq!(*TOLD.lock().unwrap(), [(12 - second.len(), 12)]);
    for result in resumed {
        let result = result.unwrap();
        assert_eq!(unchanging(&result), unchanging(&whole));
        assert_eq!(result.report.n_resumed + second.len(), 12);
    }
    let (first, second): (BTreeSet<FitId>, BTreeSet<FitId>) =
        (first.into_iter().collect(), second.into_iter().collect());
    assert!(first.len() < 12 && first.union(&second).count() == 12);
    if independent {
        assert!(first.is_disjoint(&second), "a fit was done twice");
    } else {
        // The chain that was cut is done again from its start, and no chain in part.
        assert!(first.intersection(&second).count() > 0);
        for fold in 0..N_SPLITS {
            assert!([0, 4].contains(&second.iter().filter(|id| id.fold == fold).count()));
        }
    }
}

fn assert_stopped(stopped: Vec<Result<SearchResult>>) {
    for error in stopped.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.exit_code(), ExitCode::Stopped);
        assert!(error.to_string().contains("stopped by SIGINT: the work so far is in"), "{error}");
    }
}

/// The fit during which a stop was requested is not told, nor is any after it.
fn is_left_in_the_middle(size: usize, resumed_size: usize, parts: usize, independent: bool) {
    let fake = Fake { after: note, parts, independent, ..Fake::new() };
    let (whole, _) = sweep(size, &fake, &Memory::default());
    let keeper = Memory::default();
    let leaving = Fake { fails: stop_and_look, after: note, parts, independent, ..Fake::new() };
    let (stopped, first) = sweep(size, &leaving, &keeper);
    request_stop(0);
    assert_stopped(stopped);
    assert!(!first.contains(&FitId { candidate: 2, fold: 1 }));
    assert!(keeper.load().unwrap().is_some());

    let (resumed, second) = sweep(resumed_size, &fake, &keeper);
    let whole = unchanging(whole[0].as_ref().unwrap());
    assert!(resumed.into_iter().all(|result| unchanging(&result.unwrap()) == whole));
    let (first, second): (BTreeSet<FitId>, BTreeSet<FitId>) =
        (first.into_iter().collect(), second.into_iter().collect());
    assert_eq!(first.union(&second).count(), 12);
    assert!(!independent || first.is_disjoint(&second));
}

/// A search that was stopped during its last fit has all others when it goes on.
fn the_last_fit_is_left(size: usize, resumed_size: usize) {
    let stop = || {
        request_stop(libc::SIGINT);
        check_interrupt().err()
    };
    let keeper = Memory::default();
    let (stopped, first) = sweep(size, &Fake { refit_fails: stop, after: note, ..Fake::new() }, &keeper);
    request_stop(0);
    assert_eq!(first.len(), 12);
    assert_eq!(stopped[0].as_ref().unwrap_err().exit_code(), ExitCode::Stopped);
    assert!(
        stopped.iter().all(|result| result.as_ref().unwrap_err().to_string().contains("out.h5.checkpoint"))
    );
    let (resumed, second) = sweep(resumed_size, &Fake { after: note, ..Fake::new() }, &keeper);
    assert!(second.is_empty());
    assert!(resumed.into_iter().next().unwrap().unwrap().model.is_some());
}

#[test]
fn a_stopped_sweep_goes_on_where_it_ended() {
    for independent in [true, false] {
        for (size, resumed_size) in [(1, 1), (1, 3), (2, 2), (2, 7), (3, 1), (16, 2)] {
            stops_and_resumes(size, resumed_size, independent);
        }
    }

    for (size, resumed_size) in [(1, 1), (1, 3), (2, 1), (3, 2), (16, 4)] {
        for (parts, independent) in [(1, true), (1, false), (5, true)] {
            is_left_in_the_middle(size, resumed_size, parts, independent);
        }
        the_last_fit_is_left(size, resumed_size);
    }

    // Of chains that are joined after a request none is begun.
    let keeper = Memory::default();
    let (stopped, first) = sweep(1, &Fake { after: note_and_ask, parts: 5, ..Fake::new() }, &keeper);
    request_stop(0);
    assert_eq!(stopped[0].as_ref().unwrap_err().exit_code(), ExitCode::Stopped);
    assert_eq!(first.len(), 1);

    // A journal that cannot be written ends the job on every rank.
    for size in [1, 3] {
        let (results, _) = sweep(size, &Fake::new(), &Broken);
        for error in results.into_iter().map(Result::unwrap_err) {
            assert_eq!(error.exit_code(), ExitCode::Io);
            assert!(error.to_string().contains("no space left"), "{error}");
        }
    }

    // A state that belongs to another search is refused.
    let keeper = Memory::default();
    let (_, _) = sweep(1, &Fake { after: note_and_stop, ..Fake::new() }, &keeper);
    request_stop(0);
    let other = run_threads(2, |comm| {
        let chains = &Fake::new().all_chains()[..2];
        let telemetry = Telemetry::new();
        let sweep = rankfit::engine::sweep::Sweep::new(comm, &telemetry).with_keeper(Some(&keeper));
        sweep.run(chains, &Fake::new(), &mut ()).map(|swept| swept.outcomes.len())
    });
    assert!(other.iter().all(Result::is_err), "{other:?}");
}
