//! Fits that must be the same, and are done once.

use super::SvcSearch;
use crate::estimator::svm::params::SvcParams;
use crate::estimator::svm::settled::SettledFit;

/// A fit done or copied, kept for those that equal it.
#[derive(Clone)]
pub(super) struct Done {
    pub(super) fit: SettledFit,
    pub(super) shrank: bool,
    /// The largest part of its C that any α is in the end.
    pub(super) reach: f64,
}

impl Done {
    /// A fit that was done in another chain.
    pub(super) fn elsewhere(fit: SettledFit) -> Self {
        Self { shrank: true, reach: fit.nearest_bound, fit }
    }
}

impl SvcSearch {
    /// Whether the fit of a candidate must equal one done on the same rows.
    pub(super) fn equals(&self, done: &Done, candidate: usize) -> bool {
        let other = done.fit.outcome.id.candidate;
        let (a, b) = (self.candidates[candidate].params(), self.candidates[other].params());
        // One solution within the tolerance is as good as another.
        let any_path = self.helps(other, candidate);
        let free = done.fit.nearest_bound < 1.0 || (any_path && done.reach < 1.0);
        let same_c = a.c == b.c || (a.c > b.c && free && !self.probable());
        let same_shrinking = a.shrinking == b.shrinking || (b.shrinking && !done.shrank) || any_path;
        same_c && same_shrinking && self.differ_by_c_alone(a, b)
    }

    /// Whether two candidates of one kernel can differ in nothing but C and what shrinking does.
    fn differ_by_c_alone(&self, a: &SvcParams, b: &SvcParams) -> bool {
        // The fits that calibrate have streams and a shrinking of their own.
        let calibrated_alike = || {
            a.random_state == b.random_state && a.probability == b.probability && a.shrinking == b.shrinking
        };
        (!self.probable() || calibrated_alike())
            && a.class_weight == b.class_weight
            && a.tol == b.tol
            && a.max_iter == b.max_iter
            && a.max_seconds_per_fit == b.max_seconds_per_fit
            && a.break_ties == b.break_ties
    }

    /// Whether a fit of `first` that meets no bound is that of `then` on the same rows.
    pub(super) fn settles_larger_c(&self, first: usize, then: usize) -> bool {
        let (a, b) = (self.candidates[first].params(), self.candidates[then].params());
        a.c <= b.c
            && a.shrinking == b.shrinking
            && !self.probable()
            && self.differ_by_c_alone(a, b)
            && self.kernel_key(first) == self.kernel_key(then)
    }
}
