//! Lines of an iterative fit.

use std::fmt::Write;
use std::time::Duration;

use super::thinning::Thinning;

/// The iterations of one fit, thinned; the last one is always shown.
pub(super) struct Iterations {
    last_number: usize,
    thinning: Thinning,
    /// The newest line, if it has not been shown.
    held: Option<String>,
}

impl Iterations {
    /// A fit that begins `now`.
    pub(super) fn new(now: Duration) -> Self {
        Self { last_number: 0, thinning: Thinning::new(now), held: None }
    }

    /// Whether iteration `number` follows those seen so far; otherwise another fit has begun.
    pub(super) fn go_on_with(&self, number: usize) -> bool {
        number > self.last_number
    }

    /// Takes the line of iteration `number` and returns it if it is to be shown; `all` shows every one.
    pub(super) fn put(&mut self, number: usize, line: &str, now: Duration, all: bool) -> Option<String> {
        self.last_number = number;
        let due = self.thinning.is_due(now) || all;
        self.held = (!due).then(|| line.to_string());
        due.then(|| line.to_string())
    }

    /// The last line, if it has not been shown.
    pub(super) fn end(&mut self) -> Option<String> {
        self.held.take()
    }
}

/// `iteration 3  inertia 1.234e6  shift 2.300e-3  0.52 s`.
pub(super) fn line(number: usize, quantities: &[(&str, f64)], seconds: f64) -> String {
    let mut line = format!("iteration {number}");
    for (name, value) in quantities {
        // Writing to a string cannot fail.
        let _ = match value {
            0.0 => write!(line, "  {name} 0"),
            value => write!(line, "  {name} {value:.3e}"),
        };
    }
    let _ = write!(line, "  {seconds:.2} s");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_quantities() {
        let quantities = [("inertia", 1_234_000.0), ("shift", 0.0023), ("moved", 0.0)];
        assert_eq!(
            line(3, &quantities, 0.5199),
            "iteration 3  inertia 1.234e6  shift 2.300e-3  moved 0  0.52 s"
        );
    }

    #[test]
    fn the_last_iteration_is_shown_once() {
        let mut iterations = Iterations::new(Duration::ZERO);
        let mut put = |n: usize| iterations.put(n, &n.to_string(), Duration::from_secs(n as u64), false);
        assert_eq!((1..=6).filter_map(&mut put).collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
        assert_eq!(iterations.end().as_deref(), Some("6"));
        assert_eq!(iterations.end(), None);
        assert_eq!(iterations.put(7, "7", Duration::from_secs(7), false).as_deref(), Some("7"));
        assert_eq!(iterations.end(), None, "it was shown already");
    }
}
