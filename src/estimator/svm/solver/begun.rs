//! The first iterations of a run, which are the same with and without shrinking.
//!
//! Shrinking is first asked after as many iterations as there are variables, or 1000. Until then a run without it takes
//! the same steps to the bit: where the same problem was solved with shrinking before, one without starts from there.

use super::problem::Rounding;
use super::{Problem, Solver, Stopping};

/// A run where shrinking is first asked, and the problem that it solves.
pub(in crate::estimator::svm) struct Begun {
    problem: Problem,
    tol: f64,
    alpha: Vec<f64>,
    f: Vec<f64>,
    marks: Vec<u8>,
    nearest_bound: f64,
    rounding: Rounding,
    n_iter: u64,
}

impl Begun {
    fn is_of(&self, problem: &Problem, tol: f64) -> bool {
        let Problem { parts, linear, signs, bounds } = &self.problem;
        *parts == problem.parts
            && *bounds == problem.bounds
            && *linear == problem.linear
            && *signs == problem.signs
            && self.tol == tol
    }
}

impl Solver<'_, '_> {
    /// Keeps the run for one without shrinking, in the place of another one over the same columns. Every estimate of f
    /// must be up to date; nothing is kept where some are not known to the last digit.
    pub(super) fn keep_beginning(&mut self, n_iter: u64) {
        if self.late.is_some() || self.stopping.deadline.is_some() {
            return;
        }
        let begun = Begun {
            problem: self.problem.clone(),
            tol: self.stopping.tol,
            alpha: self.alpha.clone(),
            f: self.f.clone(),
            marks: self.marks.clone(),
            nearest_bound: self.nearest_bound,
            rounding: self.rounding,
            n_iter,
        };
        self.rows.begun.retain(|other| other.problem.parts != begun.problem.parts);
        self.rows.begun.push(begun);
    }

    /// Starts where a run with shrinking that solved the same problem was; returns how many iterations that took.
    pub(super) fn take_up(&mut self) -> u64 {
        let Stopping { tol, max_iter, deadline, .. } = self.stopping;
        let same =
            |begun: &Begun| begun.is_of(&self.problem, tol) && begun.n_iter <= max_iter && deadline.is_none();
        let Some(at) = self.rows.begun.iter().position(same) else { return 0 };
        let begun = self.rows.begun.swap_remove(at);
        (self.alpha, self.f, self.marks) = (begun.alpha, begun.f, begun.marks);
        (self.nearest_bound, self.rounding) = (begun.nearest_bound, begun.rounding);
        begun.n_iter
    }
}
