//! The minimum of a quadratic with an l1 penalty.

use super::l1::violation;
use crate::estimator::linear_model::dense::{cholesky, cholesky_solve};
use crate::kernel::{Isa, linear_rows};

/// Rounds of coordinate descent between two solutions of a system, at the most.
const ROUNDS: usize = 10;
/// Systems that are solved at the most: what is left then is left to the next quadratic.
const SYSTEMS: usize = 100;
/// Pivots of a system that count as 0, and what is added then, as a part of the greatest curvature.
const DAMPING: f64 = 1e-10;
/// What part of the violations at the start counts as none.
const ENOUGH: f64 = 1e-6;

/// `slope·(z − z₀) + ½ (z − z₀)ᵀ hessian (z − z₀) + |z|₁`, about a moving point: `z` and the slope at it.
pub(super) struct Quadratic {
    isa: Isa,
    width: usize,
    /// `(width, width)`
    pub(super) hessian: Vec<f64>,
    /// Of the smooth part at `z`, `(width,)`.
    pub(super) slope: Vec<f64>,
    z: Vec<f64>,
}

impl Quadratic {
    /// That of no terms about `z`; `width` is the number of variables up to whole lanes.
    pub(super) fn new(width: usize, isa: Isa, z: &[f64]) -> Self {
        Self { isa, width, hessian: vec![0.0; width * width], slope: vec![0.0; width], z: z.to_vec() }
    }

    /// Completes a Hessian of which only what stands on and above the diagonal is known.
    pub(super) fn mirror(&mut self) {
        for i in 0..self.width {
            for j in 0..i {
                self.hessian[i * self.width + j] = self.hessian[j * self.width + i];
            }
        }
    }

    /// The minimum: descent finds the signs, and a system for the variables that have one all digits.
    pub(super) fn minimum(mut self) -> Vec<f64> {
        let mut enough = None;
        for _ in 0..SYSTEMS {
            for _ in 0..ROUNDS {
                let signs = self.signs();
                let violations = self.descend();
                if violations <= *enough.get_or_insert(ENOUGH * violations) {
                    return self.z;
                }
                if signs == self.signs() {
                    break;
                }
            }
            self.solve();
        }
        self.z
    }

    fn signs(&self) -> Vec<f64> {
        self.z.iter().map(|z| if *z == 0.0 { 0.0 } else { z.signum() }).collect()
    }

    /// The exact minimum over each variable in turn; the violations met on the way.
    fn descend(&mut self) -> f64 {
        let mut violations = 0.0;
        for j in 0..self.z.len() {
            violations += violation(self.z[j], self.slope[j]);
            let (curve, old) = (self.hessian[j * self.width + j], self.z[j]);
            let new = match curve > 0.0 {
                true => {
                    let free = curve.mul_add(old, -self.slope[j]);
                    free.signum() * (free.abs() - 1.0).max(0.0) / curve
                }
                // Of no effect on any row that counts.
                false => 0.0,
            };
            if new != old && new.is_finite() {
                self.z[j] = if new == 0.0 { 0.0 } else { new };
                self.shift(j, self.z[j] - old);
            }
        }
        violations
    }

    /// Takes a change of variable `j` into the slopes.
    fn shift(&mut self, j: usize, by: f64) {
        let row = &self.hessian[j * self.width..(j + 1) * self.width];
        linear_rows::add_rows(self.isa, row, &[by], &mut self.slope);
    }

    /// Moves all variables that are not 0 towards the minimum with their signs as they are, up to where the first becomes
    /// 0. Where the system is singular a little is added to its diagonal: only the penalty stops what it leaves open.
    fn solve(&mut self) {
        let free: Vec<usize> = (0..self.z.len()).filter(|&j| self.z[j] != 0.0).collect();
        let at = |i: usize, j: usize| self.hessian[i * self.width + j];
        let system: Vec<f64> = free.iter().flat_map(|&i| free.iter().map(move |&j| at(i, j))).collect();
        let greatest = free.iter().map(|&j| at(j, j)).fold(0.0, f64::max);
        let damped = || {
            let mut system = system.clone();
            (0..free.len()).for_each(|i| system[i * (free.len() + 1)] += DAMPING * greatest);
            cholesky(system, free.len(), 0.0)
        };
        let factor = cholesky(system.clone(), free.len(), DAMPING * greatest).or_else(damped);
        let Some(factor) = factor else { return };
        let right: Vec<f64> = free.iter().map(|&j| -(self.slope[j] + self.z[j].signum())).collect();
        let step = cholesky_solve(&factor, &right);
        if step.iter().any(|step| !step.is_finite()) {
            return;
        }
        // Where a variable becomes 0, as a part of the step.
        let zero = |(&j, step): (&usize, &f64)| -self.z[j] / step;
        let first = free.iter().zip(&step).map(zero).filter(|part| *part > 0.0).fold(1.0, f64::min);
        for (&j, step) in free.iter().zip(&step) {
            let old = self.z[j];
            let new = first.mul_add(*step, old);
            let crossed = new == 0.0 || new.signum() != old.signum() || -old / step == first;
            self.z[j] = if crossed && first < 1.0 { 0.0 } else { new };
            self.shift(j, self.z[j] - old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_meets_the_conditions() {
        for (n, rows) in [(1usize, 3), (5, 9), (13, 40), (24, 10)] {
            let x: Vec<f64> = (0..rows * n).map(|i| (i as f64 * 1.37).sin() + 0.3).collect();
            let width = n.next_multiple_of(8);
            let start: Vec<f64> = (0..n).map(|j| if j % 3 == 0 { 0.5 - j as f64 } else { 0.0 }).collect();
            let mut quadratic = Quadratic::new(width, Isa::best(), &start);
            for (i, j) in (0..n).flat_map(|i| (i..n).map(move |j| (i, j))) {
                quadratic.hessian[i * width + j] = (0..rows).map(|r| x[r * n + i] * x[r * n + j]).sum();
            }
            quadratic.mirror();
            for j in 0..n {
                quadratic.slope[j] = (0..rows).map(|r| x[r * n + j] * (r as f64 * 0.7).cos() * 4.0).sum();
            }
            let (hessian, slope) = (quadratic.hessian.clone(), quadratic.slope.clone());
            let z = quadratic.minimum();
            for j in 0..n {
                let pull: f64 = (0..n).map(|k| hessian[j * width + k] * (z[k] - start[k])).sum();
                let off = violation(z[j], slope[j] + pull);
                assert!(off < 1e-6, "{n} of {rows}: {off} at {j} of {z:?}");
            }
        }
    }
}
