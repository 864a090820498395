//! f of variables that shrinking left aside, summed in libsvm's order.
//!
//! libsvm does not carry f of such variables along. When they are taken back it is put together from the part of the
//! variables at their upper bound, kept in a sum of its own that is changed whenever one meets or leaves that bound,
//! and from the free ones in the order of the active variables. Another order of the same sums moves the last digits
//! of f, of which a long path makes another path: so it is done in that order. The sum is brought up to date only
//! when it is needed, from a list of what happened.

use super::Solver;
use crate::kernel::svm::{self, LOW, UP};

/// From this many variables on the matrix outgrows the caches, and rows are best added while they are there.
const LARGE: usize = 4096;
/// Rows added in one pass over the sum: those used last are in the second-level cache.
const AT_ONCE: usize = 8;

/// The part of f that variables at their upper bound make.
#[derive(Clone, Debug, Default)]
pub(in crate::estimator::svm) struct Bounded {
    /// −Σ y C k over those at their bound, of each variable, but for what is still to be done.
    sum: Vec<f64>,
    /// Columns of those that met their bound or left it since, in order, with what is to be subtracted.
    events: Vec<(u32, f64)>,
}

impl Bounded {
    /// Of variables that are at their bounds with this sum, none having met or left one since.
    pub(super) fn known(sum: Vec<f64>) -> Self {
        Self { sum, events: Vec::new() }
    }

    /// After all bounds were multiplied by a factor, and the variables at them with these.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        let sum = self.sum.iter().map(|sum| sum * factor).collect();
        Self { sum, events: self.events.iter().map(|&(column, a)| (column, a * factor)).collect() }
    }
}

impl Solver<'_, '_> {
    /// Whether a variable is at its upper bound.
    pub(super) fn is_bounded(&self, v: usize) -> bool {
        self.alpha[v] >= self.problem.bounds[v]
    }

    /// Takes notice when a variable met its upper bound or left it.
    pub(super) fn note_bound(&mut self, v: usize, was: bool) {
        let is = self.is_bounded(v);
        if self.stopping.shrinking && is != was {
            let a = self.problem.signs[v] * self.problem.bounds[v];
            self.bounded.events.push((self.columns[v], if is { a } else { -a }));
        }
    }

    /// Brings the sum up to date after an iteration over all variables, when it lacks so many that one pass serves them
    /// and so few that their rows are still at hand.
    pub(super) fn sum_bounds(&mut self) {
        let n_events = self.bounded.events.len();
        if !(AT_ONCE..2 * AT_ONCE).contains(&n_events) || self.f.len() < LARGE {
            return;
        }
        let mut sum = std::mem::take(&mut self.bounded.sum);
        self.sum_events(&mut sum);
        self.bounded.sum = sum;
    }

    fn sum_events(&mut self, sum: &mut Vec<f64>) {
        sum.resize(self.f.len(), 0.0);
        let mut events = std::mem::take(&mut self.bounded.events);
        self.subtract_in_order(&events, sum);
        events.clear();
        self.bounded.events = events;
    }

    /// Takes all variables back, with f as libsvm computes it then. f of the active ones must be up to date.
    pub(super) fn activate_all(&mut self) {
        if self.n_active == self.order.len() {
            return;
        }
        let mut sum = std::mem::take(&mut self.bounded.sum);
        self.sum_events(&mut sum);
        let mut f: Vec<f64> = sum
            .iter()
            .zip(self.problem.signs.iter().zip(&self.problem.linear))
            .map(|(sum, (y, p))| sum - y * p)
            .collect();
        self.bounded.sum = sum;
        let free: Vec<(u32, f64)> = self.order[..self.n_active]
            .iter()
            .map(|&v| v as usize)
            .filter(|&v| self.marks[v] == UP | LOW)
            .map(|v| (self.columns[v], self.problem.signs[v] * self.alpha[v]))
            .collect();
        self.subtract_in_order(&free, &mut f);
        for p in self.n_active..self.order.len() {
            let v = self.order[p] as usize;
            self.f[v] = f[v];
            self.late.know(v, f[v]);
            self.mark(v);
        }
        self.n_active = self.order.len();
    }

    /// Subtracts the kernel row of each column times its factor from `sum`, one after the other.
    pub(super) fn subtract_in_order(&mut self, list: &[(u32, f64)], sum: &mut [f64]) {
        self.work.sum(list.len(), sum.len());
        // A row that has to be computed may push another one out, but not the one asked for before.
        for some in list.chunks(if self.rows.stay() { AT_ONCE } else { 2 }) {
            if self.gives_up() {
                return;
            }
            let (mut slots, mut keep) = (Vec::with_capacity(some.len()), None);
            for &(column, _) in some {
                keep = Some(self.rows.slot(column as usize, &self.problem.parts, keep));
                slots.extend(keep);
            }
            let factors: Vec<f64> = some.iter().map(|&(_, a)| a).collect();
            let mut rest = &mut sum[..];
            for &part in &self.problem.parts {
                let range = self.rows.range(part);
                let rows: Vec<&[f32]> =
                    slots.iter().map(|&slot| &self.rows.row(slot)[range.clone()]).collect();
                let (sum, after) = rest.split_at_mut(range.len());
                svm::subtract_in_order(self.rows.isa(), sum, &rows, &factors);
                rest = after;
            }
        }
    }
}
