//! A start with the variables at their bounds, for fits that need not take libsvm's path.
//!
//! With a small C most variables end at their bounds, and from α = 0 each of them takes half an iteration to get there, a
//! row of the matrix and two passes. To start from α = C takes one multiplication by the matrix, several rows to a pass.

use super::Solver;
use super::reconstruct::Bounded;

/// Variables whose gradients are looked at before those of all are.
const SAMPLE: usize = 64;
/// What the bounds of one class may be in all beside those of the other: with fewer, too many variables of the other class
/// would have to be taken back to 0.
const EVEN: f64 = 0.5;

impl Solver<'_, '_> {
    /// Starts with all variables at their bounds but for those of one class that yᵀα = 0 takes back to 0: where no larger
    /// multiple of their bounds would be better, it tells that it did not.
    pub(super) fn start_at_bounds(&mut self) -> bool {
        let is_classification = self.problem.linear.iter().all(|&p| p == -1.0);
        if !is_classification || self.order.is_empty() || !self.bounds_hold_back() {
            return false;
        }
        let bounded: Vec<(u32, f64)> =
            self.order.iter().map(|&v| (v, self.problem.bounds[v as usize])).collect();
        let before = self.f.clone();
        self.change(&bounded);
        self.bounded = Bounded::known(self.f.iter().zip(&before).map(|(f, before)| f - before).collect());
        let surplus = self.surplus();
        self.change(&surplus);
        surplus.iter().for_each(|&(v, _)| self.note_bound(v as usize, true));
        (0..self.f.len()).for_each(|v| self.mark(v));
        true
    }

    /// The part of each class of the bounds: of variables with y = 1, and with y = −1.
    fn bounds_of_classes(&self) -> (f64, f64) {
        let of = |sign: f64| {
            let own = self.order.iter().map(|&v| v as usize).filter(|&v| self.problem.signs[v] == sign);
            own.map(|v| self.problem.bounds[v]).sum()
        };
        (of(1.0), of(-1.0))
    }

    /// Whether the objective still falls at α = C along the line from 0, by the gradients of some variables.
    ///
    /// On that line it is least at t C with t = Σ C / CᵀQC, the mean of (QC)_i weighted by C.
    fn bounds_hold_back(&mut self) -> bool {
        let (positive, negative) = self.bounds_of_classes();
        if positive.min(negative) < EVEN * positive.max(negative) {
            return false;
        }
        let step = self.order.len().div_ceil(SAMPLE);
        let sample: Vec<usize> = self.order.iter().step_by(step).map(|&v| v as usize).collect();
        let (mut sum, mut weight) = (0.0, 0.0);
        for v in sample {
            let (sign, bound) = (self.problem.signs[v], self.problem.bounds[v]);
            sum += bound * sign * self.weighed_row(v);
            weight += bound;
        }
        // Written so that no number is not.
        sum <= weight
    }

    /// Σ y C k of a variable over all.
    fn weighed_row(&mut self, v: usize) -> f64 {
        let slot = self.rows.slot(self.columns[v] as usize, &self.problem.parts, None);
        let row = self.rows.row(slot);
        let Self { columns, problem, .. } = self;
        let weights = problem.signs.iter().zip(&problem.bounds);
        columns.iter().zip(weights).map(|(&column, (y, c))| f64::from(row[column as usize]) * y * c).sum()
    }

    /// Adds to α of some variables, with f of all.
    fn change(&mut self, by: &[(u32, f64)]) {
        let mut list = Vec::with_capacity(by.len());
        let mut path = 0.0;
        for &(v, by) in by {
            let v = v as usize;
            self.alpha[v] += by;
            path += by.abs() * self.rows.sizes[self.columns[v] as usize];
            list.push((self.columns[v], self.problem.signs[v] * by));
        }
        self.rounding.count(path, list.len());
        self.work.fetch(list.len(), self.f.len());
        let mut f = std::mem::take(&mut self.f);
        self.subtract_in_order(&list, &mut f);
        self.f = f;
    }

    /// What the class with more of it has too much, to be taken back where the objective gains most.
    ///
    /// What may be rounding of the sums is nothing: a variable that it takes off its bound would be the only free one, and tell
    /// a threshold that is open.
    fn surplus(&self) -> Vec<(u32, f64)> {
        let (positive, negative) = self.bounds_of_classes();
        let rounding = (positive + negative) * self.order.len() as f64 * f64::EPSILON;
        let mut left = (positive - negative).abs();
        let sign = if positive > negative { 1.0 } else { -1.0 };
        let mut own: Vec<u32> =
            self.order.iter().copied().filter(|&v| self.problem.signs[v as usize] == sign).collect();
        // ∇ = −y f: the largest first.
        own.sort_by(|&a, &b| (sign * self.f[a as usize]).total_cmp(&(sign * self.f[b as usize])));
        let mut surplus = Vec::new();
        for v in own {
            if left <= rounding {
                break;
            }
            let bound = self.problem.bounds[v as usize];
            let back = if left >= bound - rounding { bound } else { left };
            left -= back;
            surplus.push((v, -back));
        }
        surplus
    }
}
