//! Which of equals is chosen once shrinking has moved variables about.
//!
//! libsvm takes the last of equals in the order in which it keeps the active variables. Passes over the solver's own
//! vectors meet variables in the matrix's order, which is another one after shrinking: they tell when several are
//! equal, and who of them is the last is then looked up.

use super::Solver;
use crate::kernel::svm::{LOW, Pair, TAU, UP};

/// So many iterations with equals are let pass, and one in so many after them.
const FEW: u64 = 64;

/// How often equals were met.
#[derive(Default)]
pub(super) struct Ties {
    n_tied: u64,
    n_asked: u64,
}

impl Ties {
    /// Whether looking up who is the last costs more than vectors in libsvm's order would.
    pub(super) fn are_many(&self) -> bool {
        self.n_tied > FEW && self.n_tied * FEW > self.n_asked
    }
}

impl Solver<'_, '_> {
    /// Whether places of a pass are in another order than libsvm's; counts it, and whether there were equals.
    fn is_disordered(&mut self, found: Pair) -> bool {
        let ordered = if self.awake.whole { !self.shrank } else { self.copies.ordered };
        if ordered {
            return false;
        }
        self.ties.n_asked += 1;
        self.ties.n_tied += u64::from(found.tied);
        found.tied
    }

    /// The place of an active variable in a pass, if it is looked at.
    fn place(&self, v: u32) -> Option<usize> {
        if self.awake.whole { Some(v as usize) } else { self.copies.place(v as usize) }
    }

    /// The first variable of a pair, of equals libsvm's.
    pub(super) fn untied_first(&mut self, found: Pair) -> Pair {
        if !self.is_disordered(found) {
            return found;
        }
        let (f, marks, _) = self.vectors();
        let equal = |&p: &usize| marks[p] & UP != 0 && f[p] == found.extreme;
        let active = self.order[..self.n_active].iter().rev();
        let row = active.filter_map(|&v| self.place(v)).find(equal);
        Pair { row, ..found }
    }

    /// The second variable beside `first`, whose row is in `slot`, of equals libsvm's.
    pub(super) fn untied_second(&mut self, found: Pair, first: usize, slot: usize, largest: f64) -> Pair {
        if !self.is_disordered(found) {
            return found;
        }
        let (f, marks, diagonal) = self.vectors();
        let (row, own) = (self.view(slot), self.diagonal[self.variable(first)]);
        let (mut least, mut chosen) = (f64::INFINITY, None);
        for p in self.order[..self.n_active].iter().filter_map(|&v| self.place(v)) {
            let gap = largest - f[p];
            if marks[p] & LOW == 0 || gap <= 0.0 {
                continue;
            }
            let curvature = own + diagonal.get(p).copied().unwrap_or(own) - 2.0 * f64::from(row[p]);
            let gain = -(gap * gap) / if curvature > 0.0 { curvature } else { TAU };
            if gain <= least {
                (least, chosen) = (gain, Some(p));
            }
        }
        Pair { row: chosen, ..found }
    }
}
