//! One iteration: choosing two variables and minimising over them.

use super::Solver;
use super::clip::{clip_difference, clip_sum};
use crate::kernel::svm::{self, Pair};

/// The two variables of an iteration, by their places among those awake.
pub(super) struct Working {
    first: usize,
    second: usize,
}

impl Solver<'_, '_> {
    /// The first variable of a pair among those awake.
    fn first(&mut self) -> Pair {
        let (f, marks, _) = self.vectors();
        self.untied_first(svm::first_of_pair(self.rows.isa(), f, marks))
    }

    /// f, marks and diagonal of the variables awake, an empty one where all entries are the same.
    pub(super) fn vectors(&self) -> (&[f64], &[u8], &[f64]) {
        match self.awake.whole {
            true => (&self.f, &self.marks, if self.even { &[] } else { &self.diagonal }),
            false => (&self.awake.f, &self.awake.marks, &self.awake.diagonal),
        }
    }

    /// The two variables to change, or none when those awake are optimal within the tolerance.
    pub(super) fn select(&mut self, first: Option<Pair>) -> Option<Working> {
        let mut first = first.unwrap_or_else(|| self.first());
        if !self.awake.suffices(first.extreme) || !self.rounding.within(&self.horizon) {
            self.rest();
            self.wake();
            first = self.first();
        }
        let i = first.row?;
        let slot = self.awake_row(i, None);
        let own = self.diagonal[self.variable(i)];
        let (f, marks, diagonal) = self.vectors();
        let row = &self.view(slot)[..f.len()];
        let isa = self.rows.isa();
        let second = svm::second_of_pair(isa, f, row, diagonal, own, marks, first.extreme);
        let second = self.untied_second(second, i, slot, first.extreme);
        let j = second.row?;
        // Written so that a gap that is no number stops as well.
        let violates = first.extreme - second.extreme >= self.stopping.tol;
        violates.then_some(Working { first: i, second: j })
    }

    /// Minimises over the two variables and brings f of those awake up to date; returns the next first variable.
    pub(super) fn update(&mut self, Working { first: i, second: j }: Working) -> Pair {
        let slot_i = self.awake_row(i, None);
        let slot_j = self.awake_row(j, Some(slot_i));
        let (v, w) = (self.variable(i), self.variable(j));
        let (f, _, _) = self.vectors();
        let (f_i, f_j, n_awake) = (f[i], f[j], f.len());
        self.work.step(n_awake, self.awake.whole);
        let curvature = self.diagonal[v] + self.diagonal[w] - 2.0 * f64::from(self.view(slot_i)[j]);
        let (old_v, old_w) = (self.alpha[v], self.alpha[w]);
        let bounded = [v, w].map(|v| self.is_bounded(v));
        (self.alpha[v], self.alpha[w]) = self.minimum(v, w, f_i - f_j, curvature);
        let a = self.problem.signs[v] * (self.alpha[v] - old_v);
        let b = self.problem.signs[w] * (self.alpha[w] - old_w);
        for ((p, v), was) in [(i, v), (j, w)].into_iter().zip(bounded) {
            self.mark(v);
            self.note_bound(v, was);
            self.nearest_bound = self.nearest_bound.max(self.alpha[v] / self.problem.bounds[v]);
            if !self.awake.whole {
                self.awake.marks[p] = self.marks[v];
            }
        }
        let sizes = [v, w].map(|v| self.rows.sizes[self.columns[v] as usize]);
        self.rounding.count(a.abs() * sizes[0] + b.abs() * sizes[1], 2);
        if !self.awake.whole {
            self.late.note([self.columns[v], self.columns[w]], [a, b]);
        }
        self.awake.count([i, j], [a, b], [f_i, f_j], curvature, sizes);
        let (isa, offset) = (self.rows.isa(), self.straight.unwrap_or(0));
        match self.awake.whole {
            true => {
                let n = self.f.len();
                let (row_i, row_j) = (&self.rows.row(slot_i)[offset..], &self.rows.row(slot_j)[offset..]);
                let next = svm::step(isa, &mut self.f, &row_i[..n], a, &row_j[..n], b, &self.marks);
                self.sum_bounds();
                self.untied_first(next)
            }
            false => {
                let n = self.awake.f.len();
                let (row_i, row_j) = (self.copies.row(slot_i), self.copies.row(slot_j));
                let next =
                    svm::step(isa, &mut self.awake.f, &row_i[..n], a, &row_j[..n], b, &self.awake.marks);
                self.untied_first(next)
            }
        }
    }

    /// α of two variables where the objective is least on their line inside the box.
    fn minimum(&self, i: usize, j: usize, difference: f64, curvature: f64) -> (f64, f64) {
        let step = difference / if curvature > 0.0 { curvature } else { svm::TAU };
        let (signs, c) = (&self.problem.signs, &self.problem.bounds);
        let (old_i, old_j) = (self.alpha[i], self.alpha[j]);
        let (new_i, new_j) = (old_i + signs[i] * step, old_j - signs[j] * step);
        if signs[i] == signs[j] {
            clip_sum(new_i, new_j, old_i + old_j, c[i], c[j])
        } else {
            clip_difference(new_i, new_j, old_i - old_j, c[i], c[j])
        }
    }

    /// The variable at a place among those awake.
    pub(super) fn variable(&self, place: usize) -> usize {
        if self.awake.whole { place } else { self.copies.variables[place] as usize }
    }

    /// The slot of the kernel row of the variable at a place, over those awake.
    fn awake_row(&mut self, place: usize, keep: Option<usize>) -> usize {
        if self.awake.whole {
            return self.rows.slot(self.columns[place] as usize, &self.problem.parts, keep);
        }
        let (slot, filled) = self.copies.slot(self.copies.variables[place] as usize, keep);
        let lacking = self.copies.len() - filled;
        if lacking > 0 {
            self.work.copy(lacking);
            let column = self.columns[self.copies.variables[place] as usize] as usize;
            let from = self.rows.slot(column, &self.problem.parts, None);
            self.copies.fill(self.rows.isa(), slot, filled, self.rows.row(from));
        }
        slot
    }

    /// The numbers of a slot that [`awake_row`](Self::awake_row) returned.
    pub(super) fn view(&self, slot: usize) -> &[f32] {
        match self.awake.whole {
            true => &self.rows.row(slot)[self.straight.unwrap_or(0)..],
            false => self.copies.row(slot),
        }
    }
}
