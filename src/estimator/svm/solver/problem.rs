//! What the solver is given and what it returns.

use std::time::Instant;

use super::reconstruct::Bounded;

/// Minimise ½ αᵀQα + pᵀα subject to yᵀα = 0 and 0 ≤ α_i ≤ C_i with Q_ij = y_i y_j k_ij.
///
/// A variable stands for a column of the kernel matrix; several may stand for the same one.
#[derive(Clone)]
pub(in crate::estimator::svm) struct Problem {
    /// Parts of the matrix's columns that the variables stand for, one part after the other.
    pub(in crate::estimator::svm) parts: Vec<usize>,
    /// p of each variable.
    pub(in crate::estimator::svm) linear: Vec<f64>,
    /// y of each variable, 1 or −1.
    pub(in crate::estimator::svm) signs: Vec<f64>,
    /// C of each variable. One of C = 0 stays at 0: only its f is kept up to date.
    pub(in crate::estimator::svm) bounds: Vec<f64>,
}

/// When to stop, and how.
#[derive(Clone, Copy)]
pub(in crate::estimator::svm) struct Stopping {
    pub(in crate::estimator::svm) tol: f64,
    pub(in crate::estimator::svm) shrinking: bool,
    pub(in crate::estimator::svm) max_iter: u64,
    pub(in crate::estimator::svm) deadline: Option<Instant>,
}

/// Where to start from.
pub(in crate::estimator::svm) enum Start<'a> {
    /// From α = 0, on libsvm's path.
    Zero,
    /// From wherever the solution is thought to be near.
    Anywhere,
    /// As [`Anywhere`](Self::Anywhere), knowing a neighbour.
    Near(Neighbour<'a>),
}

/// The solution of the same problem with other bounds.
pub(in crate::estimator::svm) struct Neighbour<'a> {
    pub(in crate::estimator::svm) solution: &'a Solution,
    /// What those bounds are to be multiplied by, at least 1.
    pub(in crate::estimator::svm) factor: f64,
}

/// A solved problem.
#[derive(Clone, Debug)]
pub(in crate::estimator::svm) struct Solution {
    /// α of each variable.
    pub(in crate::estimator::svm) alpha: Vec<f64>,
    /// The bound of each variable.
    pub(super) bounds: Vec<f64>,
    /// −y∇ of each variable, −y p less the sum of α y k, but for rounding.
    pub(in crate::estimator::svm) f: Vec<f64>,
    /// The part of f that those at their bounds make, if shrinking was to ask for it.
    pub(super) bounded: Option<Bounded>,
    /// What the sum of weighted kernel values is compared with.
    pub(in crate::estimator::svm) rho: f64,
    /// How far from there the bounds allow it to be: 0 where a free variable tells it.
    pub(in crate::estimator::svm) room: f64,
    pub(in crate::estimator::svm) n_iter: u64,
    /// Whether the tolerance was reached.
    pub(in crate::estimator::svm) converged: bool,
    /// Whether shrinking ever left a variable aside; if not, the solution is the same without shrinking.
    pub(in crate::estimator::svm) shrank: bool,
    /// The largest part of its upper bound that any α was, at any time. Below 1 the solution is that of any larger bounds,
    /// too.
    pub(in crate::estimator::svm) nearest_bound: f64,
    /// The largest part of its upper bound that any α is in the end. Below 1 the solution is one for any larger bounds,
    /// too, if by another path.
    pub(in crate::estimator::svm) reach: f64,
    pub(in crate::estimator::svm) rounding: Rounding,
    /// What it cost, in the units of [`Work`](super::work::Work).
    pub(in crate::estimator::svm) work: u64,
}

/// What the rounding of f has grown with.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::estimator::svm) struct Rounding {
    /// Σ |Δα| c(x) over all changes of α, with |k(x, z)| ≤ c(x) c(z).
    path: f64,
    /// How often f was changed, at most.
    n_sums: f64,
}

impl Rounding {
    /// Takes notice of `n_sums` changes of f along `path`.
    pub(super) fn count(&mut self, path: f64, n_sums: usize) {
        self.path += path;
        self.n_sums += n_sums as f64;
    }

    /// After α was multiplied by a factor.
    pub(super) fn scaled(self, factor: f64) -> Self {
        Self { path: self.path * factor, n_sums: self.n_sums + 2.0 }
    }

    /// Twice of what there is.
    pub(super) fn doubled(self) -> Self {
        Self { path: 2.0 * self.path, n_sums: 2.0 * self.n_sums + 4.0 }
    }

    /// Whether it is no more than `other` in all.
    pub(super) fn within(&self, other: &Self) -> bool {
        self.path <= other.path && self.n_sums <= other.n_sums
    }

    /// A bound on what rounding in double precision added to f of a variable with c(x) = `size` and f = 1 at first.
    pub(in crate::estimator::svm) fn bound(&self, size: f64) -> f64 {
        (self.n_sums + 4.0) * f64::EPSILON * (1.0 + self.path * size)
    }
}

impl Solution {
    /// Whether a variable is at its upper bound.
    pub(super) fn is_bounded(&self, v: usize) -> bool {
        self.alpha[v] >= self.bounds[v]
    }

    /// Of another solver, which leaves neither f nor anything to start from.
    pub(in crate::estimator::svm) fn finished(
        alpha: Vec<f64>,
        rho: f64,
        n_iter: u64,
        converged: bool,
    ) -> Self {
        let rounding = Rounding::default();
        Self {
            alpha,
            bounds: Vec::new(),
            bounded: None,
            f: Vec::new(),
            rho,
            room: 0.0,
            n_iter,
            converged,
            shrank: false,
            nearest_bound: 1.0,
            reach: 1.0,
            rounding,
            work: 0,
        }
    }
}
