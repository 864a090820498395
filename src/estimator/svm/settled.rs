//! Fits of a search in which no α came to its C: with a larger C they take the same steps.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::estimator::searchable::{FitId, FitOutcome};

/// The part of its C that α may be in a fit for one on more rows to be expected not to reach it.
const ROOM: f64 = 0.5;

/// What a rank's fits of this kind did.
#[derive(Default)]
pub(super) struct Settled {
    fits: Mutex<Vec<SettledFit>>,
}

/// A fit of this kind.
#[derive(Clone)]
pub(super) struct SettledFit {
    pub(super) outcome: FitOutcome,
    /// The largest part of its C that any α was: below 1 none reached it.
    pub(super) nearest_bound: f64,
}

impl Settled {
    /// The fit that must be the fit `id`, too, `settles` telling of which candidates that can be so.
    pub(super) fn of(&self, id: FitId, settles: impl Fn(usize) -> bool) -> Option<SettledFit> {
        let is_it = |fit: &&SettledFit| fit.outcome.id.fold == id.fold && settles(fit.outcome.id.candidate);
        self.fits().iter().find(is_it).cloned()
    }

    /// Keeps a fit, if it is of this kind and none is kept that settles what it does.
    pub(super) fn note(&self, fit: SettledFit, settles: impl Fn(usize) -> bool) {
        if fit.nearest_bound < 1.0 && self.of(fit.outcome.id, settles).is_none() {
            self.fits().push(fit);
        }
    }

    /// Those of `n_candidates` whose fits on more rows are expected to be of this kind; `settles` tells for two which
    /// differ in nothing but C, `c` the C of each.
    pub(super) fn expected(
        &self,
        n_candidates: usize,
        settles: impl Fn(usize, usize) -> bool,
        c: impl Fn(usize) -> f64,
    ) -> Vec<usize> {
        let fits = self.fits();
        let is_expected = |&then: &usize| {
            fits.iter().any(|fit| {
                let first = fit.outcome.id.candidate;
                fit.nearest_bound * c(first) <= ROOM * c(then) && settles(first, then)
            })
        };
        (0..n_candidates).filter(is_expected).collect()
    }

    fn fits(&self) -> MutexGuard<'_, Vec<SettledFit>> {
        // Fits are pushed whole: what a panic leaves is in order.
        self.fits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
