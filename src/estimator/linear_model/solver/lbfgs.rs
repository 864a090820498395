//! Limited-memory BFGS.

use std::collections::VecDeque;

use super::{Evaluation, Objective, Solution, State, Step, Stopping, backtrack, dot, max_norm};
use crate::error::Result;
use crate::kernel::glm::Order;

/// Pairs of steps and gradient changes remembered, as in SciPy.
const MEMORY: usize = 10;

/// Minimises `objective` from `start` until the largest gradient component is at most `tol`.
///
/// One gradient evaluation an iteration in the regular case.
///
/// # Errors
/// What evaluating returns.
///
/// # References
/// Nocedal & Wright, Numerical Optimization, 2006, algorithm 7.4 (two-loop recursion) and §3.1.
pub fn lbfgs(objective: &mut dyn Objective, start: State, stopping: Stopping) -> Result<Solution> {
    let State { mut n_iter, mut params, vectors, .. } = start;
    let mut at = objective.evaluate(&params, Order::Gradient)?;
    let mut pairs = Pairs::of(&vectors);
    loop {
        let converged = max_norm(&at.gradient) <= stopping.tol;
        if converged || n_iter >= stopping.max_iter {
            return Ok(Solution { params, value: at.value, n_iter, converged });
        }
        let direction = pairs.descent(&at.gradient);
        // Before there is curvature to go by, a first step of unit length.
        let first = (1.0 / dot(&at.gradient, &at.gradient).sqrt()).min(1.0);
        let length = if pairs.is_empty() { first } else { 1.0 };
        let Some(step) = backtrack(objective, &params, &at, &direction, length, Order::Gradient)? else {
            if pairs.is_empty() {
                // Not even the gradient leads down: the minimum to within rounding.
                return Ok(Solution { params, value: at.value, n_iter, converged: true });
            }
            pairs = Pairs::default();
            continue;
        };
        pairs.remember(&params, &at, &step);
        (params, at) = (step.params, step.evaluation);
        n_iter += 1;
        let state = State { n_iter, params: params.clone(), vectors: pairs.vectors(), scalars: Vec::new() };
        objective.iteration(&state, at.value, max_norm(&at.gradient))?;
    }
}

/// The last steps s and gradient changes y, with 1 / (s·y).
#[derive(Default)]
struct Pairs(VecDeque<(Vec<f64>, Vec<f64>, f64)>);

impl Pairs {
    /// From steps and gradient changes in turn.
    fn of(vectors: &[Vec<f64>]) -> Self {
        let pair = |pair: &[Vec<f64>]| (pair[0].clone(), pair[1].clone(), 1.0 / dot(&pair[0], &pair[1]));
        Self(vectors.chunks_exact(2).map(pair).collect())
    }

    /// What [`of`](Self::of) takes.
    fn vectors(&self) -> Vec<Vec<f64>> {
        self.0.iter().flat_map(|(s, y, _)| [s.clone(), y.clone()]).collect()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn remember(&mut self, params: &[f64], at: &Evaluation, step: &Step) {
        let s: Vec<f64> = step.params.iter().zip(params).map(|(new, old)| new - old).collect();
        let y: Vec<f64> = step.evaluation.gradient.iter().zip(&at.gradient).map(|(n, o)| n - o).collect();
        let curvature = dot(&s, &y);
        // A pair without positive curvature would make the model indefinite.
        if curvature > f64::EPSILON * dot(&y, &y) {
            if self.0.len() == MEMORY {
                self.0.pop_front();
            }
            self.0.push_back((s, y, 1.0 / curvature));
        }
    }

    /// −H·gradient by the two-loop recursion.
    fn descent(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.0.len());
        for (s, y, rho) in self.0.iter().rev() {
            let alpha = rho * dot(s, &q);
            q.iter_mut().zip(y).for_each(|(q, y)| *q = (-alpha).mul_add(*y, *q));
            alphas.push(alpha);
        }
        if let Some((_, y, rho)) = self.0.back() {
            let scale = 1.0 / (rho * dot(y, y));
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for ((s, y, rho), alpha) in self.0.iter().zip(alphas.into_iter().rev()) {
            let beta = rho * dot(y, &q);
            q.iter_mut().zip(s).for_each(|(q, s)| *q = (alpha - beta).mul_add(*s, *q));
        }
        q
    }
}
