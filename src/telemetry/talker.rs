//! What rank 0 tells the user while a job runs.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::fits::{Fits, announcement};
use super::iterations::{self, Iterations};

/// How much the user wants to hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// Warnings only.
    Quiet,
    /// Progress, thinned.
    #[default]
    Normal,
    /// Every iteration and every fit.
    Verbose,
}

/// Says what happens: one bar on a terminal, lines that become fewer in a log.
pub struct Talker {
    talk: Talk,
    /// Time since any fixed moment.
    clock: Box<dyn Fn() -> Duration + Send>,
    out: Box<dyn Write + Send>,
    is_terminal: bool,
    bar: Option<ProgressBar>,
    work: Work,
}

/// What is under way.
enum Work {
    Nothing,
    Iterations(Iterations),
    Fits(Fits),
}

impl Talker {
    /// Talks to stderr, with a bar if that is a terminal.
    pub fn stderr(talk: Talk) -> Self {
        let start = Instant::now();
        let mut talker = Self::new(talk, std::io::stderr(), move || start.elapsed());
        talker.is_terminal = std::io::stderr().is_terminal();
        talker
    }

    /// Writes lines to `out`, by any clock that does not run backwards.
    pub fn new(
        talk: Talk,
        out: impl Write + Send + 'static,
        clock: impl Fn() -> Duration + Send + 'static,
    ) -> Self {
        let (clock, out) = (Box::new(clock), Box::new(out));
        Self { talk, clock, out, is_terminal: false, bar: None, work: Work::Nothing }
    }

    /// Says `line` to everyone who wants to hear as much as `talk`.
    pub(super) fn say(&mut self, talk: Talk, line: &str) {
        if self.talk < talk {
            return;
        }
        let out = &mut self.out;
        // One write for the line and its end, so that lines of several programs do not mix. What cannot be written
        // is no reason to stop a job.
        let mut write = || drop(out.write_all(format!("{line}\n").as_bytes()));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Warns of `message`, after what happened before it.
    pub(super) fn warn(&mut self, message: &str) {
        self.show_held();
        self.say(Talk::Quiet, &format!("rankfit: warning: {message}"));
    }

    /// Tells of iteration `number`.
    pub(super) fn iteration(&mut self, number: usize, quantities: &[(&str, f64)], seconds: f64) {
        let now = (self.clock)();
        match &self.work {
            Work::Iterations(iterations) if iterations.go_on_with(number) => {}
            _ => {
                self.end();
                self.work = Work::Iterations(Iterations::new(now));
                self.show_bar("{spinner} {msg}", None);
            }
        }
        let line = iterations::line(number, quantities, seconds);
        let all = self.talk == Talk::Verbose;
        let Work::Iterations(iterations) = &mut self.work else { return };
        let due = iterations.put(number, &line, now, all);
        if let Some(bar) = &self.bar {
            bar.set_message(line);
        }
        if let Some(line) = due {
            self.say(Talk::Normal, &line);
        }
    }

    /// Tells that a search begins.
    pub(super) fn begin_fits(&mut self, n_folds: usize, n_candidates: usize, taken_over: usize) {
        self.end();
        self.say(Talk::Normal, &announcement(n_folds, n_candidates, taken_over));
        let total = n_folds * n_candidates;
        self.work = Work::Fits(Fits::new(total, taken_over, (self.clock)()));
        self.show_bar("{wide_bar} {pos}/{len} fits [{elapsed} < {eta}]", Some(total as u64));
        if let Some(bar) = &self.bar {
            bar.set_position(taken_over as u64);
            bar.reset_eta();
        }
    }

    /// Tells that `done` fits of the search are done.
    pub(super) fn fits(&mut self, done: usize) {
        let now = (self.clock)();
        // A bar says it all until the end.
        let silent = self.bar.is_some() && self.talk < Talk::Verbose;
        let Work::Fits(fits) = &mut self.work else { return };
        let last = done >= fits.total();
        let line = fits.put(done, now, self.talk == Talk::Verbose).filter(|_| last || !silent);
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
        }
        if let Some(line) = line {
            self.say(Talk::Normal, &line);
        }
        if last {
            self.end();
        }
    }

    /// Ends what is under way: shows the last iteration and takes the bar away.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.show_held();
        self.work = Work::Nothing;
    }

    /// Shows the newest iteration if it has not been.
    fn show_held(&mut self) {
        if let Work::Iterations(iterations) = &mut self.work
            && let Some(line) = iterations.end()
        {
            self.say(Talk::Normal, &line);
        }
    }

    fn show_bar(&mut self, template: &str, len: Option<u64>) {
        if !self.is_terminal || self.talk == Talk::Quiet {
            return;
        }
        let bar = len.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        bar.set_style(ProgressStyle::with_template(template).expect("the templates are constants"));
        bar.enable_steady_tick(Duration::from_millis(200));
        self.bar = Some(bar);
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.end();
    }
}
