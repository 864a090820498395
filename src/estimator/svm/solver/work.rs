//! What a run does, counted: the same on every machine, whichever other fits were done before.

/// What a run has cost so far.
///
/// The unit is a tenth of what both passes of an iteration take for one variable whose kernel values are in a cache. The
/// weights are those that best tell the times of 440 fits of a grid of 10 C and 10 gamma on 8,000 rows of 20 features, two
/// at a time: within 8 %.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Work(u64);

/// An iteration besides its vectors, a variable of one, and one of a row that moved.
const STEP: u64 = 900;
const AWAKE: u64 = 10;
const MOVED: u64 = 12;
/// A kernel value that comes from memory to be used once.
const FETCHED: u64 = 4;

/// What an iteration costs besides its vectors, and a variable of a row that moved, in variables of an iteration.
pub(super) const OF_STEP: f64 = STEP as f64 / AWAKE as f64;
pub(super) const OF_MOVED: f64 = MOVED as f64 / AWAKE as f64;

/// What `n` kernel values of rows of `n_features` cost: an exponential each, and a multiplication a feature.
pub(in crate::estimator::svm) fn of_kernel_values(n: u64, n_features: usize) -> u64 {
    n * (11 + 3 * n_features as u64 / 2)
}

impl Work {
    /// An iteration over `n` variables: all in the order of the matrix, whose rows come from memory, or copies.
    pub(super) fn step(&mut self, n: usize, whole: bool) {
        self.0 += STEP + if whole { 15 } else { AWAKE } * n as u64;
    }

    /// `n` values of a kernel row copied.
    pub(super) fn copy(&mut self, n: usize) {
        self.0 += 7 * n as u64;
    }

    /// `n_rows` rows of the matrix that moved, added to f of `n` variables.
    pub(super) fn rest(&mut self, n_rows: usize, n: usize) {
        self.0 += MOVED * (n_rows * n) as u64;
    }

    /// The same in order, several rows at a time.
    pub(super) fn sum(&mut self, n_rows: usize, n: usize) {
        self.0 += (n_rows * n) as u64;
    }

    /// Rows that no cache holds, to be added so: `n_rows` of `n` values.
    pub(super) fn fetch(&mut self, n_rows: usize, n: usize) {
        self.0 += FETCHED * (n_rows * n) as u64;
    }

    /// `n` values of the matrix gathered one by one.
    pub(super) fn gather(&mut self, n: usize) {
        self.0 += 44 * n as u64;
    }

    /// The sum.
    pub(super) fn total(self) -> u64 {
        self.0
    }
}
