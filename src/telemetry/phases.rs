//! Seconds and bytes per phase of a rank's work, and the way to the user.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::signals::end_if_requested;
use super::{Talk, Talker, Unkept};
use crate::comm::Communicator;

/// What a rank spends its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Making or reading blocks.
    Load,
    /// Kernels and fits.
    Compute,
    /// Messages, and waiting for other ranks.
    Communicate,
    /// Waiting for a block that is being read.
    Wait,
    /// Writing results.
    Write,
}

impl Phase {
    /// Every phase, in the order of the results file.
    pub const ALL: [Self; 5] = [Self::Load, Self::Compute, Self::Communicate, Self::Wait, Self::Write];

    /// The phase's name in the results file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Compute => "compute",
            Self::Communicate => "communicate",
            Self::Wait => "wait",
            Self::Write => "write",
        }
    }
}

/// One rank's timers, and on rank 0 its voice. Cheap enough to be read around every block; threads may share it.
///
/// Every rank calls the same methods; those that speak are silent but on rank 0.
#[derive(Default)]
pub struct Telemetry {
    nanoseconds: [AtomicU64; 5],
    bytes: [AtomicU64; 5],
    /// Bytes of blocks in memory that passes went over.
    memory_bytes: AtomicU64,
    flops: AtomicU64,
    talker: Option<Mutex<Talker>>,
    /// The iterations of the fit under way.
    history: Mutex<History>,
}

/// What iterations came to: the last one's number, and one column a quantity.
#[derive(Default)]
struct History {
    number: usize,
    columns: Vec<(String, Vec<f64>)>,
}

impl Telemetry {
    /// Timers at zero, without a voice.
    pub fn new() -> Self {
        Self::default()
    }

    /// Timers at zero; talks to stderr on rank 0.
    pub fn for_rank(rank: usize, talk: Talk) -> Self {
        if rank == 0 { Self::with_talker(Talker::stderr(talk)) } else { Self::new() }
    }

    /// Timers at zero, with a voice.
    pub fn with_talker(talker: Talker) -> Self {
        Self { talker: Some(Mutex::new(talker)), ..Self::default() }
    }

    /// Warns the user, whatever they want to hear.
    pub fn warn(&self, message: &str) {
        self.talk(|talker| talker.warn(message));
    }

    /// Tells the user `message`, unless they want quiet.
    pub fn note(&self, message: &str) {
        self.talk(|talker| talker.say(Talk::Normal, message));
    }

    /// Tells the user `message` if they want to hear everything.
    pub fn detail(&self, message: &str) {
        self.talk(|talker| talker.say(Talk::Verbose, message));
    }

    /// Tells of iteration `number` (from 1) of a fit, which took `seconds`; `quantities` are names and values.
    ///
    /// A number that does not grow begins another fit.
    pub fn iteration(&self, number: usize, quantities: &[(&str, f64)], seconds: f64) {
        self.talk(|talker| talker.iteration(number, quantities, seconds));
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if number <= history.number {
            history.columns.clear();
        }
        history.number = number;
        for (name, value) in quantities.iter().chain(&[("seconds", seconds)]) {
            match history.columns.iter_mut().find(|(known, _)| known == name) {
                Some((_, column)) => column.push(*value),
                None => history.columns.push(((*name).to_owned(), vec![*value])),
            }
        }
    }

    /// The iterations of the last fit, those that an earlier, stopped run did left out: one column a quantity.
    pub fn history(&self) -> Vec<(String, Vec<f64>)> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).columns.clone()
    }

    /// Tells that a search begins; `taken_over` of its fits were done by an earlier, stopped run.
    pub fn begin_fits(&self, n_folds: usize, n_candidates: usize, taken_over: usize) {
        self.talk(|talker| talker.begin_fits(n_folds, n_candidates, taken_over));
    }

    /// Tells that `done` fits of the search, over all ranks and with those taken over, are done.
    pub fn fits(&self, done: usize) {
        self.talk(|talker| talker.fits(done));
    }

    /// Work begins that can neither be stopped between two steps nor keep what it has: as long as what is returned lives,
    /// SIGTERM and SIGINT end the process at once, as they do a program without handlers.
    #[must_use]
    pub fn unkept(&self) -> Unkept {
        let unkept = self.before_kept();
        self.detail("until this is done, SIGTERM or SIGINT ends the program at once: nothing of it is kept");
        unkept
    }

    /// The same for what comes before there is anything to keep, such as reading: nothing is said of it.
    #[must_use]
    pub fn before_kept(&self) -> Unkept {
        let unkept = Unkept::begin(self.talker.is_some());
        end_if_requested();
        unkept
    }

    /// Tells that the fit or search that was under way has ended; the last iteration is shown now.
    pub fn end(&self) {
        self.talk(Talker::end);
    }

    fn talk(&self, say: impl FnOnce(&mut Talker)) {
        if let Some(talker) = &self.talker {
            say(&mut talker.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Runs `work` and adds its time to `phase`.
    pub fn time<R>(&self, phase: Phase, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.nanoseconds[phase as usize].fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }

    /// Runs `work`, which other ranks take part in, and adds its time and what `comm` moved in it to
    /// [`Communicate`](Phase::Communicate).
    pub fn communicate<R>(&self, comm: &dyn Communicator, work: impl FnOnce() -> R) -> R {
        let before = comm.moved_bytes();
        let result = self.time(Phase::Communicate, work);
        self.count_bytes(Phase::Communicate, comm.moved_bytes() - before);
        result
    }

    /// Adds bytes moved in `phase`.
    pub fn count_bytes(&self, phase: Phase, bytes: u64) {
        self.bytes[phase as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds bytes of blocks that a pass read from memory: [`Compute`](Phase::Compute) moves them, and no cache has held them since
    /// the pass before.
    pub fn count_memory(&self, bytes: u64) {
        self.memory_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes back bytes of a block that stayed in memory and that its pass did not read after all.
    pub fn leave_out(&self, bytes: u64) {
        self.memory_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.bytes[Phase::Compute as usize].fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes read from memory by passes so far.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// Adds floating-point operations of kernels.
    pub fn count_flops(&self, flops: u64) {
        self.flops.fetch_add(flops, Ordering::Relaxed);
    }

    /// Floating-point operations so far, of those kernels that count theirs.
    pub fn flops(&self) -> u64 {
        self.flops.load(Ordering::Relaxed)
    }

    /// Seconds spent in `phase` so far.
    pub fn seconds(&self, phase: Phase) -> f64 {
        self.nanoseconds[phase as usize].load(Ordering::Relaxed) as f64 * 1e-9
    }

    /// Bytes moved in `phase` so far.
    pub fn bytes(&self, phase: Phase) -> u64 {
        self.bytes[phase as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Arc;
    use std::time::Duration;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is written when `work` is done by a clock that gains a second a call.
    fn heard(talk: Talk, work: impl FnOnce(&Telemetry)) -> Vec<String> {
        let buffer = Buffer::default();
        let seconds = AtomicU64::new(0);
        let clock = move || Duration::from_secs(seconds.fetch_add(1, Ordering::Relaxed));
        let telemetry = Telemetry::with_talker(Talker::new(talk, buffer.clone(), clock));
        work(&telemetry);
        drop(telemetry);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(String::from).collect()
    }

    fn two_fits(telemetry: &Telemetry) {
        for n in (1..=2).chain(1..=6) {
            telemetry.iteration(n, &[("inertia", 10.0 / n as f64)], 1.0);
        }
        telemetry.warn("no convergence");
    }

    #[test]
    fn the_last_iteration_of_each_fit_is_shown() {
        let lines = heard(Talk::Normal, two_fits);
        let numbers: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(numbers, ["1", "2", "1", "2", "3", "4", "5", "6", "warning:"]);
        assert_eq!(lines[1], "iteration 2  inertia 5.000e0  1.00 s");
    }

    #[test]
    fn quiet_leaves_the_warnings() {
        assert_eq!(heard(Talk::Quiet, two_fits), ["rankfit: warning: no convergence"]);
        assert!(heard(Talk::Quiet, |telemetry| telemetry.note("reading")).is_empty());
    }

    #[test]
    fn verbose_shows_every_fit() {
        let search = |telemetry: &Telemetry| {
            telemetry.begin_fits(5, 40, 0);
            (1..=200).for_each(|done| telemetry.fits(done));
        };
        assert_eq!(heard(Talk::Verbose, search).len(), 201);
        let normal = heard(Talk::Normal, search);
        assert!(normal.len() < 40, "{normal:?}");
        assert_eq!(normal[0], "Fitting 5 folds for each of 40 candidates, totalling 200 fits");
        assert_eq!(normal.last().unwrap(), "[rankfit]: Done 200 out of 200 | elapsed:  3.3min finished");
    }

    #[test]
    fn other_ranks_are_silent() {
        let telemetry = Telemetry::for_rank(1, Talk::Verbose);
        assert!(telemetry.talker.is_none());
        two_fits(&telemetry);
    }
}
