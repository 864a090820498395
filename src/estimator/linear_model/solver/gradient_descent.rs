//! Gradient descent with a step length from the curvature along the last step.

use super::{Objective, Solution, State, Stopping, backtrack, dot, first_length, max_norm, settled};
use crate::error::Result;
use crate::kernel::glm::Order;

/// Minimises `objective` from `start` until the largest gradient component is at most `tol`.
///
/// The plainest of the solvers: linear convergence, many passes. Each iteration tries the inverse of the curvature
/// met along the last step first, where there was one, or else twice the length that the last one accepted.
///
/// # Errors
/// What evaluating returns.
///
/// # References
/// Barzilai & Borwein, Two-point step size gradient methods, IMA J. Numerical Analysis 8, 1988, eq. 5; Nocedal &
/// Wright, Numerical Optimization, 2006, §3.1.
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
            // Not even the gradient leads down.
            let converged = settled(objective, &params, &at, stopping.tol)?;
            return Ok(Solution { params, value: at.value, n_iter, converged });
        };
        let change: Vec<f64> =
            step.evaluation.gradient.iter().zip(&at.gradient).map(|(n, o)| n - o).collect();
        // The step is −length · gradient.
        let curvature = -dot(&change, &at.gradient);
        let inverse = step.length * dot(&at.gradient, &at.gradient) / curvature;
        length = if curvature > 0.0 && inverse.is_finite() { inverse } else { 2.0 * step.length };
        (params, at) = (step.params, step.evaluation);
        objective.check(&at)?;
        let state =
            State { n_iter: n_iter + 1, params: params.clone(), vectors: Vec::new(), scalars: vec![length] };
        objective.iteration(&state, at.value, max_norm(&at.gradient))?;
    }
    let converged = max_norm(&at.gradient) <= stopping.tol;
    Ok(Solution { params, value: at.value, n_iter: stopping.max_iter, converged })
}
