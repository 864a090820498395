//! Lines of a search, worded as scikit-learn and Joblib word theirs.

use std::time::Duration;

use super::thinning::Thinning;

/// Lines for the whole of a search, besides those of its thinning.
const LINES: usize = 10;

/// A search under way.
pub(super) struct Fits {
    total: usize,
    /// Fits that an earlier run of the same search had done.
    taken_over: usize,
    shown: usize,
    start: Duration,
    thinning: Thinning,
}

impl Fits {
    /// A search of `total` fits that begins `now`, `taken_over` of them done before.
    pub(super) fn new(total: usize, taken_over: usize, now: Duration) -> Self {
        Self { total, taken_over, shown: taken_over, start: now, thinning: Thinning::new(now) }
    }

    /// How many fits the search has.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// The line for `done` fits, if it is to be shown; `all` shows every one.
    pub(super) fn put(&mut self, done: usize, now: Duration, all: bool) -> Option<String> {
        if done <= self.shown {
            return None;
        }
        let step = self.total.div_ceil(LINES);
        let crossed = done / step > self.shown / step;
        // Not `||`: the thinning counts every line that is shown.
        let due = self.thinning.is_due(now) | crossed | (done >= self.total) | all;
        due.then(|| {
            self.shown = done;
            self.line(done, now.saturating_sub(self.start).as_secs_f64())
        })
    }

    fn line(&self, done: usize, elapsed: f64) -> String {
        let (total, took) = (self.total, short_time(elapsed));
        if done >= total {
            return format!("[rankfit]: Done {done:3} out of {total:3} | elapsed: {took} finished");
        }
        let per_fit = elapsed / (done - self.taken_over) as f64;
        let remaining = short_time(per_fit * (total - done) as f64);
        format!("[rankfit]: Done {done:3} out of {total:3} | elapsed: {took} remaining: {remaining}")
    }
}

/// `Fitting 5 folds for each of 6 candidates, totalling 30 fits`.
pub(super) fn announcement(n_folds: usize, n_candidates: usize, taken_over: usize) -> String {
    let total = n_folds * n_candidates;
    let line =
        format!("Fitting {n_folds} folds for each of {n_candidates} candidates, totalling {total} fits");
    if taken_over == 0 { line } else { format!("{line}, {taken_over} of them done before") }
}

/// Seconds as Joblib writes them: `  54.1s` up to a minute, ` 1.1min` beyond.
pub(super) fn short_time(seconds: f64) -> String {
    if seconds > 60.0 { format!("{:4.1}min", seconds / 60.0) } else { format!(" {seconds:5.1}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_joblib_writes_them() {
        // joblib 1.5, joblib.parallel.short_format_time
        let expected = [(0.0, "   0.0s"), (54.1, "  54.1s"), (60.0, "  60.0s"), (66.0, " 1.1min")];
        for (seconds, text) in expected.into_iter().chain([(7200.0, "120.0min")]) {
            assert_eq!(short_time(seconds), text);
        }
    }

    #[test]
    fn a_search_of_thirty_fits_reads_as_in_the_tutorial() {
        assert_eq!(announcement(5, 6, 0), "Fitting 5 folds for each of 6 candidates, totalling 30 fits");
        let mut fits = Fits::new(30, 0, Duration::from_secs(10));
        let mut lines = Vec::new();
        for done in 1..=30 {
            // 0.5 s a fit.
            lines.extend(fits.put(done, Duration::from_secs_f64(10.0 + 0.5 * done as f64), false));
        }
        assert_eq!(lines[0], "[rankfit]: Done   1 out of  30 | elapsed:    0.5s remaining:   14.5s");
        assert!(
            lines.contains(&"[rankfit]: Done   6 out of  30 | elapsed:    3.0s remaining:   12.0s".into())
        );
        assert_eq!(lines.last().unwrap(), "[rankfit]: Done  30 out of  30 | elapsed:   15.0s finished");
        assert!((10..20).contains(&lines.len()), "{lines:?}");
    }

    #[test]
    fn what_an_earlier_run_did_does_not_speed_up_the_estimate() {
        let mut fits = Fits::new(100, 50, Duration::ZERO);
        let line = fits.put(60, Duration::from_secs(100), false).unwrap();
        assert_eq!(line, "[rankfit]: Done  60 out of 100 | elapsed:  1.7min remaining:  6.7min");
        assert_eq!(fits.put(60, Duration::from_secs(101), true), None, "no progress, no line");
    }

    #[test]
    fn many_fits_leave_few_lines() {
        let mut fits = Fits::new(100_000, 0, Duration::ZERO);
        let count = (1..=100_000).filter_map(|n| fits.put(n, Duration::from_millis(n as u64), false)).count();
        assert!(count < 60, "{count}");
    }
}
