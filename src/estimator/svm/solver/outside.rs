//! f of the variables that may not move.
//!
//! Rows that are predicted stand in the matrix beside those of the fit, as variables of C = 0. Nothing asks for their f
//! before the end: steps that all active variables were awake to see are made up for then, all at once.

use super::Solver;

/// What has been put off.
#[derive(Default)]
pub(super) struct Outside {
    /// Change of α y of each variable; empty when there is none.
    moved: Vec<f64>,
}

impl Outside {
    /// Takes notice of changes, of `n` variables in all, that none but the active ones saw.
    pub(super) fn put_off(&mut self, moved: &[(u32, f64)], n: usize) {
        self.moved.resize(n, 0.0);
        for &(v, by) in moved {
            self.moved[v as usize] += by;
        }
    }
}

impl Solver<'_, '_> {
    /// Brings f of the variables that may not move up to date.
    pub(super) fn reach_outside(&mut self) {
        if self.order.len() == self.f.len() || self.outside.moved.is_empty() {
            return;
        }
        let all = std::mem::take(&mut self.outside.moved);
        let moved: Vec<(u32, f64)> = (0u32..).zip(all).filter(|&(_, by)| by != 0.0).collect();
        let mut sum = vec![0.0; self.f.len()];
        self.subtract(&moved, &mut sum);
        self.work.rest(moved.len(), sum.len());
        for (v, sum) in sum.into_iter().enumerate().filter(|&(v, _)| self.problem.bounds[v] <= 0.0) {
            self.f[v] += sum;
        }
    }
}
