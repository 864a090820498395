//! The problem over a few variables, the others held: sequential minimal optimisation on a small dense matrix.

use crate::estimator::svm::solver::{clip_difference, clip_sum};
use crate::kernel::Isa;
use crate::kernel::svm::{self, LOW, UP};

/// Some variables: one value each.
#[derive(Default)]
pub(super) struct Few {
    pub(super) signs: Vec<f64>,
    pub(super) bounds: Vec<f64>,
    pub(super) alpha: Vec<f64>,
    pub(super) f: Vec<f64>,
    pub(super) diagonal: Vec<f64>,
}

/// Which way α y of a variable may move.
pub(super) fn mark(sign: f64, alpha: f64, bound: f64) -> u8 {
    let (grows, shrinks) = (alpha < bound, alpha > 0.0);
    let (up, low) = if sign > 0.0 { (grows, shrinks) } else { (shrinks, grows) };
    u8::from(up) * UP + u8::from(low) * LOW
}

impl Few {
    /// Changes α until its gap is below `tol` or `max_iter` steps are done; returns how many were.
    ///
    /// `rows` is the kernel matrix of the variables, row by row, each in `stride` numbers.
    pub(super) fn solve(&mut self, rows: &[f32], stride: usize, tol: f64, max_iter: u64) -> u64 {
        let (isa, n) = (Isa::best(), self.f.len());
        let row = |i: usize| &rows[i * stride..i * stride + n];
        let mut marks: Vec<u8> = (0..n).map(|i| mark(self.signs[i], self.alpha[i], self.bounds[i])).collect();
        let mut first = svm::first_of_pair(isa, &self.f, &marks);
        for n_iter in 0..max_iter {
            let Some(i) = first.row else { return n_iter };
            let (own, largest) = (self.diagonal[i], first.extreme);
            let second = svm::second_of_pair(isa, &self.f, row(i), &self.diagonal, own, &marks, largest);
            // Written so that a gap that is no number stops as well.
            let violates = largest - second.extreme >= tol;
            let Some(j) = second.row.filter(|_| violates) else { return n_iter };
            let curvature = own + self.diagonal[j] - 2.0 * f64::from(row(i)[j]);
            let (new_i, new_j) = self.minimum(i, j, curvature);
            let a = self.signs[i] * (new_i - self.alpha[i]);
            let b = self.signs[j] * (new_j - self.alpha[j]);
            (self.alpha[i], self.alpha[j]) = (new_i, new_j);
            for v in [i, j] {
                marks[v] = mark(self.signs[v], self.alpha[v], self.bounds[v]);
            }
            first = svm::step(isa, &mut self.f, row(i), a, row(j), b, &marks);
        }
        max_iter
    }

    /// α of two variables where the objective is least on their line inside the box.
    fn minimum(&self, i: usize, j: usize, curvature: f64) -> (f64, f64) {
        let step = (self.f[i] - self.f[j]) / if curvature > 0.0 { curvature } else { 1e-12 };
        let (old_i, old_j) = (self.alpha[i], self.alpha[j]);
        let (new_i, new_j) = (old_i + self.signs[i] * step, old_j - self.signs[j] * step);
        let (c_i, c_j) = (self.bounds[i], self.bounds[j]);
        if self.signs[i] == self.signs[j] {
            clip_sum(new_i, new_j, old_i + old_j, c_i, c_j)
        } else {
            clip_difference(new_i, new_j, old_i - old_j, c_i, c_j)
        }
    }
}
