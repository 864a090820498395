//! libsvm's shrinking: which variables are left aside, and when.

use super::Solver;
use crate::kernel::svm::{LOW, UP};

impl Solver<'_, '_> {
    /// Leaves variables aside that are at a bound and likely to stay there. Every estimate of f must be up to date.
    pub(super) fn shrink(&mut self) {
        let (largest, smallest) = self.known_extremes();
        self.settle(largest, smallest);
        if !self.unshrunk && largest - smallest <= self.stopping.tol * 10.0 {
            self.unshrunk = true;
            self.activate_all();
        }
        let before = self.n_active;
        let mut p = 0;
        while p < self.n_active {
            if self.may_leave(p, largest, smallest) {
                self.n_active -= 1;
                while self.n_active > p {
                    if !self.may_leave(self.n_active, largest, smallest) {
                        self.order.swap(p, self.n_active);
                        break;
                    }
                    self.n_active -= 1;
                }
            }
            p += 1;
        }
        for &v in &self.order[self.n_active..before] {
            self.marks[v as usize] = 0;
            self.shrank = true;
        }
    }

    /// The largest f among active variables that may go up and the smallest among those that may go down.
    pub(super) fn extremes(&self) -> (f64, f64) {
        let mut extremes = (f64::NEG_INFINITY, f64::INFINITY);
        for &v in &self.order[..self.n_active] {
            let (f, mark) = (self.f[v as usize], self.marks[v as usize]);
            if mark & UP != 0 && f > extremes.0 {
                extremes.0 = f;
            }
            if mark & LOW != 0 && f < extremes.1 {
                extremes.1 = f;
            }
        }
        extremes
    }

    fn may_leave(&self, p: usize, largest: f64, smallest: f64) -> bool {
        let v = self.order[p] as usize;
        match self.marks[v] {
            LOW => self.f[v] > largest,
            UP => self.f[v] < smallest,
            _ => false,
        }
    }
}
