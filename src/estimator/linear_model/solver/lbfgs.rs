//! Limited-memory BFGS.

use std::collections::VecDeque;

use super::super::dense::{cholesky, cholesky_solve};
use super::{Evaluation, Objective, Solution, State, Step, Stopping, backtrack, dot, max_norm, settled};
use crate::error::Result;
use crate::kernel::glm::Order;

/// Pairs of steps and gradient changes remembered, as in SciPy.
const MEMORY: usize = 10;

/// Parameters up to which the curvature of a sample of the rows is worth its price, a fifth of a gradient's.
const FEW: usize = 64;

/// A full step that leaves less than this part of the gradient was a good one: the curvature where it ends is then a
/// better guide than the steps so far.
const GOOD: f64 = 0.5;

/// Minimises `objective` from `start` until the largest gradient component is at most `tol`.
///
/// One gradient evaluation an iteration in the regular case. With few parameters the curvature remembered rests on
/// the Hessian of a sample of the rows, taken where the last good step ended, in place of a multiple of the identity
/// (the method allows another such matrix in each iteration): correlated features cost iterations otherwise, and an
/// iteration is a pass over all data. A sample that once misled, after the first step, is asked no more.
///
/// # Errors
/// What evaluating returns.
///
/// # References
/// Nocedal & Wright, Numerical Optimization, 2006, algorithm 7.4 (two-loop recursion), §7.2 and §3.1. Byrd, Chin,
/// Neveitt & Nocedal, On the use of stochastic Hessian information in optimization methods for machine learning, SIAM
/// J. Optimization 21, 2011 (Hessians of samples).
pub fn lbfgs(objective: &mut dyn Objective, start: State, stopping: Stopping) -> Result<Solution> {
    let State { mut n_iter, mut params, vectors, scalars } = start;
    // Remembered as a number: 0 once the sample has misled.
    let mut trust = scalars.first().copied().unwrap_or(1.0);
    let few = params.len() <= FEW;
    let first = if few && vectors.is_empty() { Order::Sampled } else { Order::Gradient };
    let mut at = objective.evaluate(&params, first)?;
    let mut pairs = Pairs::of(vectors);
    if first == Order::Sampled {
        pairs.rest_on(std::mem::take(&mut at.hessian), params.len());
    }
    objective.check(&at)?;
    loop {
        let converged = max_norm(&at.gradient) <= stopping.tol;
        if converged || n_iter >= stopping.max_iter {
            return Ok(Solution { params, value: at.value, n_iter, converged });
        }
        let direction = pairs.descent(&at.gradient);
        // Before there is curvature to go by, a first step of unit length.
        let unit = (1.0 / dot(&at.gradient, &at.gradient).sqrt()).min(1.0);
        let length = if pairs.know_nothing() { unit } else { 1.0 };
        let order = if few && trust > 0.0 { Order::Sampled } else { Order::Gradient };
        let Some(mut step) = backtrack(objective, &params, &at, &direction, length, order)? else {
            if pairs.know_nothing() {
                // Not even the gradient leads down.
                let converged = settled(objective, &params, &at, stopping.tol)?;
                return Ok(Solution { params, value: at.value, n_iter, converged });
            }
            pairs = Pairs::default();
            continue;
        };
        let hessian = std::mem::take(&mut step.evaluation.hessian);
        let left = max_norm(&step.evaluation.gradient) / max_norm(&at.gradient);
        let (good, alone) = (step.length == 1.0 && left <= GOOD, pairs.pairs.is_empty());
        if alone && !good && n_iter > 0 {
            trust = 0.0;
        }
        pairs.remember(&params, &at, &step);
        if good && trust > 0.0 {
            pairs.rest_on(hessian, params.len());
        }
        (params, at) = (step.params, step.evaluation);
        objective.check(&at)?;
        n_iter += 1;
        let state = State { n_iter, params: params.clone(), vectors: pairs.vectors(), scalars: vec![trust] };
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
    /// Forgets the steps so far for a Hessian, its diagonal a little raised for one that is singular. Without one, or
    /// where that does not help, all stays as it was.
    fn rest_on(&mut self, mut hessian: Vec<f64>, n: usize) {
        if hessian.is_empty() {
            return;
        }
        (0..n).for_each(|i| hessian[i * n + i] *= 1.0 + 1e-8);
        if let Some(factor) = cholesky(hessian, n, 0.0) {
            *self = Self { pairs: VecDeque::new(), factor };
        }
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

    /// Whether there is no curvature to go by.
    fn know_nothing(&self) -> bool {
        self.pairs.is_empty() && self.factor.is_empty()
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
