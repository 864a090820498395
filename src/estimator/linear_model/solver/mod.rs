//! Minimisers of smooth objectives, and of smooth objectives with an l1 term.
//!
//! A solver sees vectors only. That evaluating the objective is a pass over data on many ranks is not its affair;
//! that a pass is what costs is: solvers count evaluations, and prefer to look at several points in one.

mod admm;
mod gradient_descent;
mod lbfgs;
mod newton_cholesky;
mod proximal_grad;

pub use admm::{Blocks, admm};
pub use gradient_descent::gradient_descent;
pub use lbfgs::lbfgs;
pub use newton_cholesky::{newton_by_value, newton_cholesky};
pub use proximal_grad::proximal_grad;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::kernel::glm::Order;

/// Value and derivatives of an objective at a point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The value.
    pub value: f64,
    /// `(n_params,)`, empty below [`Order::Gradient`].
    pub gradient: Vec<f64>,
    /// `(n_params, n_params)`, empty below [`Order::Sampled`].
    pub hessian: Vec<f64>,
}

impl Evaluation {
    /// What has left the range of a double, if anything: such a point leads nowhere.
    pub fn fault(&self) -> Option<String> {
        if !self.value.is_finite() {
            return Some(format!("a loss of {}", self.value));
        }
        let steepness = dot(&self.gradient, &self.gradient);
        if !steepness.is_finite() {
            let largest = max_norm(&self.gradient);
            return Some(format!(
                "a gradient of {largest:e}, whose square is {steepness}: the features are too large"
            ));
        }
        if !self.hessian.iter().all(|v| v.is_finite()) {
            return Some("second derivatives that are infinite: the features are too large".into());
        }
        None
    }
}

/// A smooth function of a parameter vector.
pub trait Objective {
    /// The function and its derivatives at `params`.
    ///
    /// # Errors
    /// Whatever evaluating needs, such as reading data.
    fn evaluate(&mut self, params: &[f64], order: Order) -> Result<Evaluation>;

    /// The function at several points, at the price of little more than one.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    fn values(&mut self, points: &[Vec<f64>]) -> Result<Vec<f64>> {
        points.iter().map(|point| Ok(self.evaluate(point, Order::Value)?.value)).collect()
    }

    /// Called at every point that a solver goes on from, the start included.
    ///
    /// # Errors
    /// An error ends the fit: such numbers lead nowhere.
    fn check(&self, _at: &Evaluation) -> Result<()> {
        Ok(())
    }

    /// Called after each iteration with all that the solver needs to go on from there, the function's value (with
    /// any l1 term) and the largest component of its gradient.
    ///
    /// # Errors
    /// An error ends the fit.
    fn iteration(&mut self, _state: &State, _value: f64, _gradient_norm: f64) -> Result<()> {
        Ok(())
    }
}

/// Where a solver stands between two iterations: started from it, it goes on with the same bits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Iterations done.
    pub n_iter: usize,
    /// The parameters.
    pub params: Vec<f64>,
    /// Vectors that the solver remembers.
    pub vectors: Vec<Vec<f64>>,
    /// Numbers that it remembers.
    pub scalars: Vec<f64>,
}

impl State {
    /// The start of a fit.
    pub fn start(params: Vec<f64>) -> Self {
        Self { params, ..Self::default() }
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stopping {
    /// The largest gradient component (for l1 terms: subgradient) that counts as zero.
    pub tol: f64,
    /// Iterations at the most.
    pub max_iter: usize,
}

/// Where a solver ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// The parameters.
    pub params: Vec<f64>,
    /// The objective there, without any l1 term.
    pub value: f64,
    /// Iterations done.
    pub n_iter: usize,
    /// Whether the tolerance was reached, or the gradient is as small as rounding lets it be.
    pub converged: bool,
}

/// The largest absolute component.
fn max_norm(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |largest, x| if x.abs() > largest || x.is_nan() { x.abs() } else { largest })
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum))
}

/// A first step length along the gradient: that of the curvature of a loss which such a gradient comes from, 1 at the
/// most.
fn first_length(gradient: &[f64]) -> f64 {
    (1.0 / dot(gradient, gradient)).min(1.0)
}

/// `x + t·direction`
fn moved(x: &[f64], direction: &[f64], t: f64) -> Vec<f64> {
    x.iter().zip(direction).map(|(x, d)| t.mul_add(*d, *x)).collect()
}

/// What a line search found.
struct Step {
    params: Vec<f64>,
    evaluation: Evaluation,
    length: f64,
}

/// Whether the gradient is at most `tol`, or as small as rounding lets it be: what remains is about what it changes by
/// when each parameter moves by its last bit. One evaluation, where the first does not hold.
fn settled(objective: &mut dyn Objective, params: &[f64], at: &Evaluation, tol: f64) -> Result<bool> {
    let size = max_norm(&at.gradient);
    if size <= tol {
        return Ok(true);
    }
    let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    let near: Vec<f64> =
        params.iter().enumerate().map(|(i, x)| (sign(i) * f64::EPSILON).mul_add(*x, *x)).collect();
    let there = objective.evaluate(&near, Order::Gradient)?;
    let change: Vec<f64> = there.gradient.iter().zip(&at.gradient).map(|(n, o)| n - o).collect();
    Ok(size <= 4.0 * max_norm(&change))
}

/// Halvings looked at in one pass.
const AT_ONCE: usize = 4;

/// Backtracking along a descent direction: the longest of `length`, `length`/2, `length`/4 … with the sufficient
/// decrease of Armijo (Nocedal & Wright 2006, §3.1, c₁ = 10⁻⁴), or, where rounding hides it, the slope of Hager & Zhang
/// (SIAM J. Optimization 16, 2005, §4, approximate Wolfe conditions). `order` is at least the gradient. The full step is tried first, evaluated to
/// `order`; when it fails, several shorter ones share a pass. A full step that halves the gradient is taken even where the
/// value rises by what rounding may make of it.
///
/// Returns `None` when no step that moves a parameter decreases the objective, or those that would gain less than a
/// small part of the value's last bit are all that is left. That by itself is no minimum: ask [`settled`].
fn backtrack(
    objective: &mut dyn Objective,
    params: &[f64],
    at: &Evaluation,
    direction: &[f64],
    length: f64,
    order: Order,
) -> Result<Option<Step>> {
    let slope = dot(&at.gradient, direction);
    let slack = 4.0 * f64::EPSILON * at.value.abs();
    let enough = |value: f64, t: f64| value <= at.value + 1e-4 * t * slope;
    // Near the minimum values differ by their rounding only; there the slope tells what the values cannot.
    let level = |value: f64| value <= at.value + slack;
    let flat = |evaluation: &Evaluation| dot(&evaluation.gradient, direction) <= -(1.0 - 2e-4) * slope;
    // Predictors that are small differences of large numbers blur the value much more than its last bits.
    let blurred = |value: f64| value <= at.value + 1e-9 * at.value.abs();
    let halved = |there: &Evaluation| max_norm(&there.gradient) <= 0.5 * max_norm(&at.gradient);
    let full = moved(params, direction, length);
    if full == params {
        return Ok(None);
    }
    let evaluation = objective.evaluate(&full, order)?;
    let value = evaluation.value;
    if enough(value, length) || (level(value) && flat(&evaluation)) || (blurred(value) && halved(&evaluation))
    {
        return Ok(Some(Step { params: full, evaluation, length }));
    }
    let mut t = length / 2.0;
    // Columns of very different scale may want a length far below that of the first gradient.
    let hopeless = |t: f64| t <= 1e-10 * length && -t * slope <= 1e-6 * f64::EPSILON * at.value.abs();
    while !hopeless(t) {
        let lengths: Vec<f64> = (0..AT_ONCE).map(|i| t / f64::powi(2.0, i as i32)).collect();
        let points = lengths.iter().map(|&t| moved(params, direction, t));
        let points: Vec<_> = points.take_while(|point| point != params).collect();
        if points.is_empty() {
            break;
        }
        let values = objective.values(&points)?;
        for (i, params) in points.into_iter().enumerate() {
            let (sure, perhaps) = (enough(values[i], lengths[i]), level(values[i]));
            if !sure && !perhaps {
                continue;
            }
            let evaluation = objective.evaluate(&params, order)?;
            if sure || flat(&evaluation) {
                return Ok(Some(Step { params, evaluation, length: lengths[i] }));
            }
        }
        t = lengths[AT_ONCE - 1] / 2.0;
    }
    Ok(None)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// ½ (x − c)ᵀ A (x − c) + ¼ Σ (x − c)⁴ with A positive definite: convex, minimum 0 at c.
    pub(in super::super) struct Quartic {
        pub(in super::super) center: Vec<f64>,
    }

    impl Objective for Quartic {
        fn evaluate(&mut self, params: &[f64], _order: Order) -> Result<Evaluation> {
            let n = params.len();
            let a = |i: usize, j: usize| {
                if i == j { 10f64.powi(i as i32 % 3) } else { 0.1 / (1.0 + i.abs_diff(j) as f64) }
            };
            let z: Vec<f64> = params.iter().zip(&self.center).map(|(x, c)| x - c).collect();
            let az: Vec<f64> = (0..n).map(|i| (0..n).map(|j| a(i, j) * z[j]).sum()).collect();
            let hessian = (0..n * n)
                .map(|p| {
                    let (i, j) = (p / n, p % n);
                    a(i, j) + if i == j { 3.0 * z[i] * z[i] } else { 0.0 }
                })
                .collect();
            Ok(Evaluation {
                value: 0.5 * dot(&z, &az) + 0.25 * z.iter().map(|z| z.powi(4)).sum::<f64>(),
                gradient: az.iter().zip(&z).map(|(az, z)| az + z.powi(3)).collect(),
                hessian,
            })
        }
    }

    #[test]
    fn smooth_solvers_find_the_minimum() {
        let center = vec![1.0, -2.0, 0.5, 3.0, 0.0, 10.0];
        let stopping = Stopping { tol: 1e-9, max_iter: 5000 };
        for solver in [lbfgs, newton_cholesky, gradient_descent] {
            let mut objective = Quartic { center: center.clone() };
            let solution = solver(&mut objective, State::start(vec![0.0; 6]), stopping).unwrap();
            assert!(solution.converged, "{solution:?}");
            for (x, c) in solution.params.iter().zip(&center) {
                assert!((x - c).abs() < 1e-8, "{solution:?}");
            }
        }
    }

    #[test]
    fn the_proximal_solver_meets_the_subgradient_condition() {
        let mut objective = Quartic { center: vec![1.0, -2.0, 0.002, 3.0] };
        let l1 = [0.5, 0.5, 0.5, 0.0];
        let stopping = Stopping { tol: 1e-9, max_iter: 5000 };
        let solution = proximal_grad(&mut objective, State::start(vec![0.0; 4]), &l1, stopping).unwrap();
        assert!(solution.converged);
        let gradient = objective.evaluate(&solution.params, Order::Gradient).unwrap().gradient;
        assert_eq!(solution.params[2], 0.0);
        for ((x, g), l1) in solution.params.iter().zip(&gradient).zip(l1) {
            let excess = if *x == 0.0 { (g.abs() - l1).max(0.0) } else { (g + l1 * x.signum()).abs() };
            assert!(excess < 1e-8, "{x} {g}");
        }
    }

    /// 0.7 + ½ · 10¹² · (x − c)² with a gradient of −0.33 at 0: the minimum is 3.3 · 10⁻¹³ away.
    struct Steep;

    impl Objective for Steep {
        fn evaluate(&mut self, params: &[f64], _order: Order) -> Result<Evaluation> {
            let z = params[0] - 0.33e-12;
            Ok(Evaluation { value: 0.7 + 0.5e12 * z * z, gradient: vec![1e12 * z], hessian: vec![1e12] })
        }
    }

    #[test]
    fn steps_may_be_as_short_as_they_need_to_be() {
        let stopping = Stopping { tol: 1e-4, max_iter: 100 };
        for solver in [lbfgs, newton_cholesky, gradient_descent] {
            let solution = solver(&mut Steep, State::start(vec![0.0]), stopping).unwrap();
            let left = Steep.evaluate(&solution.params, Order::Gradient).unwrap().gradient[0];
            assert!(solution.converged && left.abs() <= 1e-4, "{solution:?}: {left}");
        }
    }

    /// |x| with a gradient that promises a way down at the minimum.
    struct Misleading;

    impl Objective for Misleading {
        fn evaluate(&mut self, params: &[f64], _order: Order) -> Result<Evaluation> {
            let gradient = vec![if params[0] < 0.0 { -1.0 } else { 1.0 }];
            Ok(Evaluation { value: params[0].abs(), gradient, hessian: vec![1.0] })
        }
    }

    #[test]
    fn a_search_that_gives_up_has_not_converged() {
        for solver in [lbfgs, newton_cholesky, gradient_descent] {
            let stopping = Stopping { tol: 1e-4, max_iter: 100 };
            let solution = solver(&mut Misleading, State::start(vec![0.0]), stopping).unwrap();
            assert!(!solution.converged && solution.n_iter == 0, "{solution:?}");
        }
    }

    #[test]
    fn a_gradient_of_rounding_counts_as_none() {
        let (tol, max_iter) = (0.0, 5000);
        for solver in [lbfgs, newton_cholesky] {
            let mut objective = Quartic { center: vec![1.0 / 3.0, -2.0, 0.7, 3.1] };
            let solution =
                solver(&mut objective, State::start(vec![0.0; 4]), Stopping { tol, max_iter }).unwrap();
            assert!(solution.converged, "{solution:?}");
        }
    }

    #[test]
    fn running_out_of_iterations_is_told() {
        let mut objective = Quartic { center: vec![5.0; 3] };
        let stopping = Stopping { tol: 1e-9, max_iter: 1 };
        let solution = lbfgs(&mut objective, State::start(vec![0.0; 3]), stopping).unwrap();
        assert!(!solution.converged && solution.n_iter == 1);
    }

    /// Stops after some iterations, keeping the state.
    struct Interrupted {
        quartic: Quartic,
        after: usize,
        state: Option<State>,
    }

    impl Objective for Interrupted {
        fn evaluate(&mut self, params: &[f64], order: Order) -> Result<Evaluation> {
            self.quartic.evaluate(params, order)
        }
        fn iteration(&mut self, state: &State, _value: f64, _gradient_norm: f64) -> Result<()> {
            if state.n_iter < self.after {
                return Ok(());
            }
            self.state = Some(state.clone());
            Err(crate::error::Error::internal("enough"))
        }
    }

    #[test]
    fn an_interrupted_solver_goes_on_with_the_same_bits() {
        let quartic = || Quartic { center: vec![1.0, -2.0, 0.5, 3.0, 0.0, 10.0] };
        let stopping = Stopping { tol: 1e-9, max_iter: 5000 };
        let l1 = [0.1; 6];
        type Run<'a> = &'a dyn Fn(&mut dyn Objective, State) -> Result<Solution>;
        let solvers: [Run; 4] = [
            &|o, s| lbfgs(o, s, stopping),
            &|o, s| newton_cholesky(o, s, stopping),
            &|o, s| gradient_descent(o, s, stopping),
            &|o, s| proximal_grad(o, s, &l1, stopping),
        ];
        for solver in solvers {
            let start = || State::start(vec![0.0; 6]);
            let whole = solver(&mut quartic(), start()).unwrap();
            for after in [1, 2, 4] {
                let mut objective = Interrupted { quartic: quartic(), after, state: None };
                assert!(solver(&mut objective, start()).is_err());
                let resumed = solver(&mut quartic(), objective.state.unwrap()).unwrap();
                assert_eq!(resumed, whole);
            }
        }
    }
}
