//! Which of many lines a log gets: the first few, then fewer and fewer, but never silence for long.

use std::time::Duration;

/// Lines at the start that are all shown.
const FIRST: usize = 5;
/// A line is due when the time so far has grown by this factor since the last one …
const GROWTH: f64 = 1.25;
/// … or when the log has been silent for so long: a day leaves about 150 lines.
const LONGEST_SILENCE: Duration = Duration::from_secs(600);

/// Decides line by line. A log of T seconds gets about `FIRST + 10·log₁₀ T` lines, then one in ten minutes.
pub(super) struct Thinning {
    start: Duration,
    last: Duration,
    shown: usize,
}

impl Thinning {
    /// Work that begins `now`, by a clock that starts anywhere.
    pub(super) fn new(now: Duration) -> Self {
        Self { start: now, last: now, shown: 0 }
    }

    /// Whether the line that came up `now` is to be shown.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let since = |then: Duration| now.saturating_sub(then);
        let grown = since(self.start).as_secs_f64() >= GROWTH * (self.last - self.start).as_secs_f64();
        let due = self.shown < FIRST || (grown && now > self.last) || since(self.last) >= LONGEST_SILENCE;
        if due {
            self.last = now;
            self.shown += 1;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the lines shown when one comes every `step` seconds.
    fn shown(step: f64, count: usize) -> Vec<usize> {
        let mut thinning = Thinning::new(Duration::from_secs(100));
        let at = |n: usize| Duration::from_secs_f64(100.0 + step * n as f64);
        (1..=count).filter(|&n| thinning.is_due(at(n))).collect()
    }

    #[test]
    fn the_first_lines_are_shown_and_the_gaps_grow() {
        assert_eq!(shown(0.5, 40), [1, 2, 3, 4, 5, 7, 9, 12, 15, 19, 24, 30, 38]);
    }

    #[test]
    fn slow_work_is_never_silent_for_long() {
        // A line every five minutes for two days: at most ten minutes between two that are shown.
        let lines = shown(300.0, 576);
        assert!(lines.windows(2).all(|pair| pair[1] - pair[0] <= 2), "{lines:?}");
        // Half a second each for two days.
        assert!(shown(0.5, 345_600).len() < 350);
    }

    #[test]
    fn a_clock_that_stands_still_shows_the_first_lines_only() {
        assert_eq!(shown(0.0, 1000), [1, 2, 3, 4, 5]);
    }
}
