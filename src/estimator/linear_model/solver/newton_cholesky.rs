//! Newton's method with a Cholesky factorisation of the Hessian.

use super::super::dense::{cholesky, cholesky_solve};
use super::{Evaluation, Objective, Solution, State, Step, Stopping};
use super::{backtrack, dot, max_norm, moved, settled};
use crate::error::Result;
use crate::kernel::glm::Order;

/// Minimises `objective` from `start` until the largest gradient component is at most `tol`.
///
/// One Hessian evaluation an iteration, five to ten iterations in the regular case: the fewest passes of all
/// solvers while the features are few (d ≲ 200). Columns of any scale serve alike. A Hessian that is singular, as with
/// collinear columns and no penalty, is lifted by the smallest multiple of its diagonal that makes it positive definite.
///
/// # Errors
/// What evaluating returns.
///
/// # References
/// Nocedal & Wright, Numerical Optimization, 2006, algorithm 3.3 (added multiple of the identity) and §3.1.
pub fn newton_cholesky(objective: &mut dyn Objective, start: State, stopping: Stopping) -> Result<Solution> {
    minimise(objective, start, stopping, false)
}

/// The same, content with less where the tolerance cannot be reached: it stops once a step would gain less than the
/// value's rounding, for minima that are a means to an end.
///
/// # Errors
/// What evaluating returns.
pub fn newton_by_value(objective: &mut dyn Objective, start: State, stopping: Stopping) -> Result<Solution> {
    minimise(objective, start, stopping, true)
}

fn minimise(
    objective: &mut dyn Objective,
    start: State,
    stopping: Stopping,
    by_value: bool,
) -> Result<Solution> {
    let State { n_iter: done, mut params, .. } = start;
    let mut at = objective.evaluate(&params, Order::Hessian)?;
    objective.check(&at)?;
    for n_iter in done..stopping.max_iter {
        if max_norm(&at.gradient) <= stopping.tol {
            return Ok(Solution { params, value: at.value, n_iter, converged: true });
        }
        let direction = descent(&at.hessian, &at.gradient);
        // Half the squared Newton decrement is what the step can still gain.
        let last = -dot(&at.gradient, &direction) * 0.5 <= f64::EPSILON * at.value.abs() * 1e-2;
        let step = match (last, by_value) {
            (true, true) => None,
            (true, false) => halved_gradient(objective, &params, &at, &direction)?,
            (false, _) => backtrack(objective, &params, &at, &direction, 1.0, Order::Hessian)?,
        };
        let Some(step) = step else {
            let converged = last || settled(objective, &params, &at, stopping.tol)?;
            return Ok(Solution { params, value: at.value, n_iter, converged });
        };
        (params, at) = (step.params, step.evaluation);
        objective.check(&at)?;
        let state = State { n_iter: n_iter + 1, ..State::start(params.clone()) };
        objective.iteration(&state, at.value, max_norm(&at.gradient))?;
    }
    let converged = max_norm(&at.gradient) <= stopping.tol;
    Ok(Solution { params, value: at.value, n_iter: stopping.max_iter, converged })
}

/// The full step, where it leaves half of the gradient at the most: where values differ by their rounding only, the
/// gradient still tells. A step that does not is at the end of what rounding allows.
fn halved_gradient(
    objective: &mut dyn Objective,
    params: &[f64],
    at: &Evaluation,
    direction: &[f64],
) -> Result<Option<Step>> {
    let params = moved(params, direction, 1.0);
    let evaluation = objective.evaluate(&params, Order::Hessian)?;
    let better = max_norm(&evaluation.gradient) <= 0.5 * max_norm(&at.gradient);
    Ok(better.then_some(Step { params, evaluation, length: 1.0 }))
}

/// −H⁻¹·gradient, with H lifted until it can be factorised.
///
/// Columns of very different scale, or far from 0, are no collinearity: H is factorised, and lifted, in units of each
/// parameter's own curvature.
fn descent(hessian: &[f64], gradient: &[f64]) -> Vec<f64> {
    let n = gradient.len();
    let curvature = |i: usize| hessian[i * n + i];
    let largest = (0..n).map(curvature).fold(0.0, f64::max);
    // A parameter without curvature takes the unit of the one with the most.
    let flat = if largest > 0.0 { largest } else { 1.0 };
    let unit: Vec<f64> = (0..n)
        .map(|i| if curvature(i) > 0.0 { curvature(i) } else { flat })
        .map(|curvature| 1.0 / curvature.sqrt())
        .collect();
    let scaled: Vec<f64> = (0..n * n)
        .map(|p| (p / n, p % n))
        .map(|(i, j)| if i == j { 1.0 } else { hessian[i * n + j] * unit[i] * unit[j] })
        .collect();
    let slope: Vec<f64> = gradient.iter().zip(&unit).map(|(g, u)| g * u).collect();
    let mut lift = 0.0;
    loop {
        let mut lifted = scaled.clone();
        (0..n).for_each(|i| lifted[i * n + i] += lift);
        if let Some(factor) = cholesky(lifted, n, 4.0 * n as f64 * f64::EPSILON) {
            return cholesky_solve(&factor, &slope).iter().zip(&unit).map(|(x, u)| -x * u).collect();
        }
        lift = if lift == 0.0 { 1e-12 } else { 10.0 * lift };
        if lift > 1e6 {
            // No curvature to go by (or none that is finite): the gradient is a descent direction still.
            return gradient.iter().map(|g| -g).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_singular_hessian_still_gives_a_descent_direction() {
        let hessian = [1.0, 1.0, 1.0, 1.0];
        let direction = descent(&hessian, &[2.0, 2.0]);
        assert!(direction.iter().all(|d| (d + 1.0).abs() < 1e-6), "{direction:?}");
        assert_eq!(descent(&[0.0; 4], &[1.0, -1.0]).len(), 2);
        assert_eq!(descent(&[f64::INFINITY; 4], &[1.0, -1.0]), [-1.0, 1.0]);
        // No curvature along the second: it goes by that of the first.
        assert_eq!(descent(&[4.0, 0.0, 0.0, 0.0], &[2.0, 1.0]), [-0.5, -0.25]);
    }

    #[test]
    fn the_scale_of_a_parameter_does_not_matter() {
        let (hessian, gradient) = ([4.0, 1.0, 1.0, 3.0], [1.0, -2.0]);
        let plain = descent(&hessian, &gradient);
        let units = [2f64.powi(40), 2f64.powi(-30)];
        let scaled: Vec<f64> = (0..4).map(|p| hessian[p] * units[p / 2] * units[p % 2]).collect();
        let direction = descent(&scaled, &[units[0] * gradient[0], units[1] * gradient[1]]);
        assert_eq!([direction[0] * units[0], direction[1] * units[1]], plain[..]);
    }
}
