//! Gradient descent with a step length that remembers what worked.

use super::{Objective, Solution, Stopping, backtrack, max_norm};
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
pub fn gradient_descent(
    objective: &mut dyn Objective,
    start: Vec<f64>,
    stopping: Stopping,
) -> Result<Solution> {
    let mut params = start;
    let mut at = objective.evaluate(&params, Order::Gradient)?;
    let mut length = 1.0;
    for n_iter in 0..stopping.max_iter {
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
        objective.iteration(n_iter + 1, &params, &at)?;
    }
    let converged = max_norm(&at.gradient) <= stopping.tol;
    Ok(Solution { params, value: at.value, n_iter: stopping.max_iter, converged })
}
