//! Accelerated proximal gradient for objectives with an l1 term.

use super::{Objective, Solution, State, Stopping, dot, first_length};
use crate::error::Result;
use crate::kernel::glm::Order;

/// Minimises `objective(x) + Σ l1_i·|x_i|` from `start`.
///
/// Stops when every subgradient is at most `tol`. Two gradient evaluations an iteration; the step
/// length halves when the quadratic model fails and grows a little after each success.
///
/// # Errors
/// What evaluating returns.
///
/// # References
/// Beck & Teboulle, A fast iterative shrinkage-thresholding algorithm, SIAM J. Imaging Sciences 2, 2009, §4;
/// O'Donoghue & Candès, Adaptive restart for accelerated gradient schemes, 2015, §3.2.
pub fn proximal_grad(
    objective: &mut dyn Objective,
    start: State,
    l1: &[f64],
    stopping: Stopping,
) -> Result<Solution> {
    let State { n_iter: done, mut params, vectors, scalars } = start;
    let mut ahead = vectors.into_iter().next().unwrap_or_else(|| params.clone());
    let mut known = match scalars[..] {
        [momentum, length] => Some((momentum, length)),
        _ => None,
    };
    for n_iter in done..=stopping.max_iter {
        let at = objective.evaluate(&ahead, Order::Gradient)?;
        objective.check(&at)?;
        let (mut momentum, mut length) = known.unwrap_or_else(|| (1.0f64, first_length(&at.gradient)));
        if ahead == params {
            let converged = subgradient(&params, &at.gradient, l1) <= stopping.tol;
            if converged || n_iter == stopping.max_iter {
                return Ok(Solution { params, value: at.value, n_iter, converged });
            }
        } else if n_iter == stopping.max_iter {
            break;
        }
        let (next, value) = loop {
            let next = shrink(&ahead, &at.gradient, l1, length);
            let change: Vec<f64> = next.iter().zip(&ahead).map(|(n, a)| n - a).collect();
            let model = at.value + dot(&at.gradient, &change) + dot(&change, &change) / (2.0 * length);
            let there = objective.evaluate(&next, Order::Gradient)?;
            // Where the gain drowns in the value's rounding, the curvature along the step decides.
            let visible = dot(&change, &change) / (2.0 * length) > 1e-10 * at.value.abs();
            let curvature: f64 =
                (0..change.len()).map(|i| (there.gradient[i] - at.gradient[i]) * change[i]).sum();
            let fits =
                if visible { there.value <= model } else { curvature <= dot(&change, &change) / length };
            if fits || length < 1e-300 {
                break (next, there.value);
            }
            length *= 0.5;
        };
        let steepest = next.iter().zip(&ahead).map(|(n, a)| (n - a).abs()).fold(0.0, f64::max) / length;
        // Momentum that leads uphill is dropped, and the next step starts afresh from `next`.
        let uphill: f64 = (0..next.len()).map(|i| (ahead[i] - next[i]) * (next[i] - params[i])).sum();
        let small = next.iter().zip(&ahead).all(|(n, a)| (n - a).abs() <= 0.1 * stopping.tol * length);
        if uphill > 0.0 || small {
            momentum = 1.0;
            ahead.clone_from(&next);
        } else {
            let following = (1.0 + (4.0 * momentum * momentum + 1.0).sqrt()) / 2.0;
            let weight = (momentum - 1.0) / following;
            ahead = next.iter().zip(&params).map(|(n, p)| weight.mul_add(n - p, *n)).collect();
            momentum = following;
        }
        params = next;
        length *= 1.1;
        known = Some((momentum, length));
        let state = State {
            n_iter: n_iter + 1,
            params: params.clone(),
            vectors: vec![ahead.clone()],
            scalars: vec![momentum, length],
        };
        let penalty: f64 = params.iter().zip(l1).map(|(x, l1)| l1 * x.abs()).sum();
        objective.iteration(&state, value + penalty, steepest)?;
    }
    let at = objective.evaluate(&params, Order::Gradient)?;
    let converged = subgradient(&params, &at.gradient, l1) <= stopping.tol;
    Ok(Solution { params, value: at.value, n_iter: stopping.max_iter, converged })
}

/// The proximal step: gradient descent, then each component towards 0 by `length · l1`.
pub(super) fn shrink(x: &[f64], gradient: &[f64], l1: &[f64], length: f64) -> Vec<f64> {
    x.iter()
        .zip(gradient)
        .zip(l1)
        .map(|((x, g), l1)| {
            let moved = (-length).mul_add(*g, *x);
            moved.signum() * (moved.abs() - length * l1).max(0.0)
        })
        .map(|x| if x == 0.0 { 0.0 } else { x })
        .collect()
}

/// The largest component of the smallest subgradient.
pub(super) fn subgradient(x: &[f64], gradient: &[f64], l1: &[f64]) -> f64 {
    x.iter().zip(gradient).zip(l1).fold(0.0, |largest: f64, ((x, g), l1)| {
        let size = if *x == 0.0 { (g.abs() - l1).max(0.0) } else { (g + l1 * x.signum()).abs() };
        if size > largest || size.is_nan() { size } else { largest }
    })
}
