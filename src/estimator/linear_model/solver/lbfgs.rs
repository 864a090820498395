//! Limited-memory BFGS.

use std::collections::VecDeque;

use super::super::dense::{cholesky, cholesky_solve};
use super::{Evaluation, Objective, Solution, State, Step, Stopping, backtrack, dot, max_norm};
use crate::error::Result;
use crate::kernel::glm::Order;

/// Pairs of steps and gradient changes remembered, as in SciPy.
const MEMORY: usize = 10;

/// Parameters up to which the Hessian at the start is worth its price, that of a few gradients.
const FEW: usize = 64;

/// Minimises `objective` from `start` until the largest gradient component is at most `tol`.
///
/// One gradient evaluation an iteration in the regular case. With few parameters the curvature remembered rests on
/// the Hessian at the start in place of a multiple of the identity: correlated features cost iterations otherwise,
/// and an iteration is a pass over all data.
///
/// # Errors
/// What evaluating returns.
///
/// # References
/// Nocedal & Wright, Numerical Optimization, 2006, algorithm 7.4 (two-loop recursion) and §3.1.
pub fn lbfgs(objective: &mut dyn Objective, start: State, stopping: Stopping) -> Result<Solution> {
    let State { mut n_iter, mut params, vectors, .. } = start;
    let few = vectors.is_empty() && params.len() <= FEW;
    let mut at = objective.evaluate(&params, if few { Order::Hessian } else { Order::Gradient })?;
    let mut pairs = if few { Pairs::over(&at.hessian, params.len()) } else { Pairs::of(vectors) };
    // A curvature that cannot be used is not asked for.
    at.hessian.clear();
    objective.check(&at)?;
    loop {
        let converged = max_norm(&at.gradient) <= stopping.tol;
        if converged || n_iter >= stopping.max_iter {
            return Ok(Solution { params, value: at.value, n_iter, converged });
        }
        let direction = pairs.descent(&at.gradient);
        // Before there is curvature to go by, a first step of unit length.
        let first = (1.0 / dot(&at.gradient, &at.gradient).sqrt()).min(1.0);
        let length = if pairs.is_empty() && pairs.factor.is_empty() { first } else { 1.0 };
        let Some(step) = backtrack(objective, &params, &at, &direction, length, Order::Gradient)? else {
            if pairs.is_empty() && pairs.factor.is_empty() {
                // Not even the gradient leads down: the minimum to within rounding.
                return Ok(Solution { params, value: at.value, n_iter, converged: true });
            }
            pairs = Pairs::default();
            continue;
        };
        pairs.remember(&params, &at, &step);
        (params, at) = (step.params, step.evaluation);
        objective.check(&at)?;
        n_iter += 1;
        let state = State { n_iter, params: params.clone(), vectors: pairs.vectors(), scalars: Vec::new() };
        objective.iteration(&state, at.value, max_norm(&at.gradient))?;
    }
}

/// What is known of the curvature.
#[derive(Default)]
struct Pairs {
    /// The last steps s and gradient changes y, with 1 / (s·y).
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    /// The Cholesky factor of the matrix they rest on; empty for the identity.
    factor: Vec<f64>,
}

impl Pairs {
    /// None yet, over a Hessian, with its diagonal a little raised for one that is singular (or the identity,
    /// when that does not help).
    fn over(hessian: &[f64], n: usize) -> Self {
        let mut raised = hessian.to_vec();
        (0..n).for_each(|i| raised[i * n + i] *= 1.0 + 1e-8);
        let factor = cholesky(raised, n, 0.0).unwrap_or_default();
        Self { pairs: VecDeque::new(), factor }
    }

    /// From what [`vectors`](Self::vectors) gave.
    fn of(mut vectors: Vec<Vec<f64>>) -> Self {
        let factor = vectors.pop().unwrap_or_default();
        let pair = |pair: &[Vec<f64>]| (pair[0].clone(), pair[1].clone(), 1.0 / dot(&pair[0], &pair[1]));
        Self { pairs: vectors.chunks_exact(2).map(pair).collect(), factor }
    }

    /// Steps and gradient changes in turn, then the factor.
    fn vectors(&self) -> Vec<Vec<f64>> {
        let pairs = self.pairs.iter().flat_map(|(s, y, _)| [s.clone(), y.clone()]);
        pairs.chain([self.factor.clone()]).collect()
    }

    fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The inverse of the matrix that pairs rest on, times `v`.
    fn base(&self, v: &[f64]) -> Vec<f64> {
        if self.factor.is_empty() { v.to_vec() } else { cholesky_solve(&self.factor, v) }
    }

    fn remember(&mut self, params: &[f64], at: &Evaluation, step: &Step) {
        let s: Vec<f64> = step.params.iter().zip(params).map(|(new, old)| new - old).collect();
        let y: Vec<f64> = step.evaluation.gradient.iter().zip(&at.gradient).map(|(n, o)| n - o).collect();
        let curvature = dot(&s, &y);
        // A pair without positive curvature would make the model indefinite.
        if curvature > f64::EPSILON * dot(&y, &y) {
            if self.pairs.len() == MEMORY {
                self.pairs.pop_front();
            }
            self.pairs.push_back((s, y, 1.0 / curvature));
        }
    }

    /// −H·gradient by the two-loop recursion.
    fn descent(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for (s, y, rho) in self.pairs.iter().rev() {
            let alpha = rho * dot(s, &q);
            q.iter_mut().zip(y).for_each(|(q, y)| *q = (-alpha).mul_add(*y, *q));
            alphas.push(alpha);
        }
        q = self.base(&q);
        if let Some((_, y, rho)) = self.pairs.back() {
            let scale = 1.0 / (rho * dot(y, &self.base(y)));
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for ((s, y, rho), alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = rho * dot(y, &q);
            q.iter_mut().zip(s).for_each(|(q, s)| *q = (alpha - beta).mul_add(*s, *q));
        }
        q
    }
}
