//! Gradient descent with a step length that remembers what worked.

use super::{Objective, Solution, State, Stopping, backtrack, first_length, max_norm};
use crate::error::Result;
use crate::kernel::glm::Order;

/// Minimises `objective` from `start` until the largest gradient component is at most `tol`.
///
/// The plainest of the solvers: linear convergence, many passes. Each iteration starts from twice the step length
/// that the last one accepted.
///
/// # Errors
/// What evaluating returns.
///
/// # References
/// Nocedal & Wright, Numerical Optimization, 2006, §3.1.
pub fn gradient_descent(objective: &mut dyn Objective, start: State, stopping: Stopping) -> Result<Solution> {
    let State { n_iter: done, mut params, scalars, .. } = start;
    let mut at = objective.evaluate(&params, Order::Gradient)?;
    objective.check(&at)?;
    let mut length = scalars.first().copied().unwrap_or_else(|| first_length(&at.gradient));
    for n_iter in done..stopping.max_iter {
        if max_norm(&at.gradient) <= stopping.tol {
            return Ok(Solution { params, value: at.value, n_iter, converged: true });
        }
        let direction: Vec<f64> = at.gradient.iter().map(|g| -g).collect();
        let Some(step) = backtrack(objective, &params, &at, &direction, length, Order::Gradient)? else {
            // Not even the gradient leads down: the minimum to within rounding.
            return Ok(Solution { params, value: at.value, n_iter, converged: true });
        };
        length = 2.0 * step.length;
        (params, at) = (step.params, step.evaluation);
        objective.check(&at)?;
        let state =
            State { n_iter: n_iter + 1, params: params.clone(), vectors: Vec::new(), scalars: vec![length] };
        objective.iteration(&state, at.value, max_norm(&at.gradient))?;
    }
    let converged = max_norm(&at.gradient) <= stopping.tol;
    Ok(Solution { params, value: at.value, n_iter: stopping.max_iter, converged })
}
