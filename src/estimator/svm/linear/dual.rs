//! Coordinate descent in the dual, for losses that are not squared.
//!
//! # References
//! Hsieh, Chang, Lin, Keerthi, Sundararajan: A dual coordinate descent method for large-scale linear SVM, ICML 2008.
//! Ho, Lin: Large-scale linear support vector regression, JMLR 13 (2012), algorithm 4.

use rand_xoshiro::Xoshiro256PlusPlus;

use super::newton::Minimum;
use super::rows::Rows;
use crate::error::Result;
use crate::rng;
use crate::telemetry::check_interrupt;

/// When to stop.
#[derive(Clone, Copy)]
pub(super) struct Stopping {
    pub(super) tol: f64,
    pub(super) max_iter: usize,
}

/// Minimises ½|w|² + Σ c_i max(0, 1 − y_i w·x_i), y = ±1: the dual variables α_i stay in 0 … c_i, and w = Σ α_i y_i x_i.
///
/// Rows at a bound that are likely to stay there are left aside until all others are optimal within the tolerance. `None`
/// where the squares of the rows leave the range of a double.
///
/// # Errors
/// That of an [interruption](check_interrupt).
pub(super) fn hinge(
    rows: &Rows,
    y: &[f64],
    c: &[f64],
    stopping: Stopping,
    mut rng: Xoshiro256PlusPlus,
) -> Result<Option<Minimum>> {
    let mut w = vec![0.0; rows.width];
    let mut alpha = vec![0.0; rows.n];
    let Some(squares) = rows.finite_squares() else { return Ok(None) };
    let all: Vec<usize> = (0..rows.n).filter(|&i| c[i] > 0.0).collect();
    let mut active = all.clone();
    // The range of gradients in the last pass: what lies beyond it at a bound will stay there.
    let (mut upper, mut lower) = (f64::INFINITY, f64::NEG_INFINITY);
    for n_iter in 1..=stopping.max_iter {
        check_interrupt()?;
        rng::shuffle(&mut rng, &mut active);
        let (mut most, mut least) = (f64::NEG_INFINITY, f64::INFINITY);
        active.retain(|&i| {
            let gradient = y[i].mul_add(rows.dot(i, &w), -1.0);
            let (at_lower, at_upper) = (alpha[i] <= 0.0, alpha[i] >= c[i]);
            if (at_lower && gradient > upper) || (at_upper && gradient < lower) {
                return false;
            }
            let blocked = (at_lower && gradient > 0.0) || (at_upper && gradient < 0.0);
            let projected = if blocked { 0.0 } else { gradient };
            (most, least) = (most.max(projected), least.min(projected));
            if projected != 0.0 {
                let before = alpha[i];
                // A row of zeros pulls towards its bound for ever.
                let step = if squares[i] > 0.0 { gradient / squares[i] } else { gradient * f64::INFINITY };
                alpha[i] = (before - step).clamp(0.0, c[i]);
                rows.add_row(i, (alpha[i] - before) * y[i], &mut w);
            }
            true
        });
        if most - least <= stopping.tol || active.is_empty() {
            if active.len() == all.len() {
                return Ok(Some(Minimum { w, n_iter, converged: true }));
            }
            active.clone_from(&all);
            (upper, lower) = (f64::INFINITY, f64::NEG_INFINITY);
            continue;
        }
        upper = if most > 0.0 { most } else { f64::INFINITY };
        lower = if least < 0.0 { least } else { f64::NEG_INFINITY };
    }
    Ok(Some(Minimum { w, n_iter: stopping.max_iter, converged: false }))
}

/// Minimises ½|w|² + Σ c_i max(0, |w·x_i − y_i| − epsilon): the dual variables β_i stay in −c_i … c_i, and w = Σ β_i x_i.
///
/// Stops when the violations of a pass sum to `tol` times those of the first. `None` as for [`hinge`].
///
/// # Errors
/// As [`hinge`].
pub(super) fn insensitive(
    rows: &Rows,
    y: &[f64],
    c: &[f64],
    epsilon: f64,
    stopping: Stopping,
    mut rng: Xoshiro256PlusPlus,
) -> Result<Option<Minimum>> {
    let mut w = vec![0.0; rows.width];
    let mut beta = vec![0.0; rows.n];
    let Some(squares) = rows.finite_squares() else { return Ok(None) };
    let mut order: Vec<usize> = (0..rows.n).filter(|&i| c[i] > 0.0 && squares[i] > 0.0).collect();
    let mut first = None;
    for n_iter in 1..=stopping.max_iter {
        check_interrupt()?;
        rng::shuffle(&mut rng, &mut order);
        let mut violations = 0.0;
        for &i in &order {
            let error = rows.dot(i, &w) - y[i];
            let (up, down) = (error + epsilon, error - epsilon);
            violations += violation(beta[i], c[i], up, down);
            let pulled = squares[i] * beta[i];
            let step = if up < pulled {
                -up / squares[i]
            } else if down > pulled {
                -down / squares[i]
            } else {
                -beta[i]
            };
            let before = beta[i];
            beta[i] = (before + step).clamp(-c[i], c[i]);
            if beta[i] != before {
                rows.add_row(i, beta[i] - before, &mut w);
            }
        }
        if violations <= stopping.tol * *first.get_or_insert(violations) {
            return Ok(Some(Minimum { w, n_iter, converged: true }));
        }
    }
    Ok(Some(Minimum { w, n_iter: stopping.max_iter, converged: false }))
}

/// How far a dual variable is from optimal, given the derivatives for raising (`up`) and lowering (`down`) it.
fn violation(beta: f64, c: f64, up: f64, down: f64) -> f64 {
    if beta == 0.0 {
        (-up).max(down).max(0.0)
    } else if beta >= c {
        up.max(0.0)
    } else if beta <= -c {
        (-down).max(0.0)
    } else if beta > 0.0 {
        up.abs()
    } else {
        down.abs()
    }
}
