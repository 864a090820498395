//! Consensus over blocks by the alternating direction method of multipliers.

use super::proximal_grad::{shrink, subgradient};
use super::{Evaluation, Solution, State, Stopping};
use crate::error::Result;

/// Iterations after which the weight of the consensus stays as it is, as convergence asks for.
const ADAPTING: usize = 200;

/// A sum of smooth functions, one a block of rows.
pub trait Blocks {
    /// How many functions there are.
    fn n_blocks(&self) -> usize;

    /// Minimises f_i(x) + ½·rho·‖x − targets_i‖² for every block i from `starts_i`, and evaluates the whole
    /// objective (with any l2 term) at `at`.
    ///
    /// # Errors
    /// Whatever evaluating needs, such as reading data.
    fn proximal(
        &mut self,
        at: &[f64],
        starts: &[Vec<f64>],
        targets: &[Vec<f64>],
        rho: f64,
    ) -> Result<(Evaluation, Vec<Vec<f64>>)>;

    /// As [`Objective::iteration`](super::Objective::iteration).
    ///
    /// # Errors
    /// An error ends the fit.
    fn iteration(&mut self, _state: &State, _value: f64, _gradient_norm: f64) -> Result<()> {
        Ok(())
    }
}

/// Minimises `Σ_i f_i(x) + Σ_j l1_j·|x_j| + ½ Σ_j l2_j·x_j²` from `start`.
///
/// Every block finds its own minimum near the consensus z, scaled duals u pull the blocks together; one pass an
/// iteration. Blocks are the data's, so that results do not depend on the number of ranks (they do on
/// `block_rows`, to the tolerance). Stops when every subgradient of the whole objective at z is at most `tol`.
/// Keeps 2·n_blocks vectors of parameters on every rank.
///
/// # Errors
/// What the blocks return.
///
/// # References
/// Boyd, Parikh, Chu, Peleato & Eckstein, Distributed optimization and statistical learning via the alternating
/// direction method of multipliers, 2011, §7.1.1 (consensus with regularisation), §3.4.1 (varying the penalty),
/// §3.4.3 (over-relaxation).
pub fn admm(
    blocks: &mut dyn Blocks,
    start: State,
    l1: &[f64],
    l2: &[f64],
    stopping: Stopping,
) -> Result<Solution> {
    let n = blocks.n_blocks();
    let done = start.n_iter;
    let mut run = Run::new(start, n);
    loop {
        let targets: Vec<Vec<f64>> = run.duals.iter().map(|u| minus(&run.z, u)).collect();
        let (at, points) = blocks.proximal(&run.z, &run.points, &targets, run.rho)?;
        let steepest = subgradient(&run.z, &at.gradient, l1);
        if run.n_iter > done {
            // The pass that starts an iteration tells what the last one came to.
            let penalty: f64 = run.z.iter().zip(l1).map(|(z, l1)| l1 * z.abs()).sum();
            blocks.iteration(&run.state(), at.value + penalty, steepest)?;
        }
        let converged = steepest <= stopping.tol;
        if converged || run.n_iter >= stopping.max_iter {
            return Ok(Solution { params: run.z, value: at.value, n_iter: run.n_iter, converged });
        }
        run.points = points;
        run.advance(l1, l2);
    }
}

/// Where the method stands.
struct Run {
    n_iter: usize,
    /// The consensus.
    z: Vec<f64>,
    rho: f64,
    /// Each block's minimum.
    points: Vec<Vec<f64>>,
    /// Each block's scaled dual.
    duals: Vec<Vec<f64>>,
}

impl Run {
    fn new(start: State, n: usize) -> Self {
        let State { n_iter, params: z, mut vectors, scalars } = start;
        if vectors.len() != 2 * n {
            vectors = [vec![z.clone(); n], vec![vec![0.0; z.len()]; n]].concat();
        }
        let duals = vectors.split_off(n);
        // A mean loss over n blocks curves by about 1/n in each.
        let rho = scalars.first().copied().unwrap_or(0.25 / n as f64);
        Self { n_iter, z, rho, points: vectors, duals }
    }

    fn state(&self) -> State {
        State {
            n_iter: self.n_iter,
            params: self.z.clone(),
            vectors: [self.points.clone(), self.duals.clone()].concat(),
            scalars: vec![self.rho],
        }
    }

    /// The new consensus, the new duals and the new weight.
    fn advance(&mut self, l1: &[f64], l2: &[f64]) {
        const RELAXATION: f64 = 1.6;
        let n = self.points.len() as f64;
        let relaxed: Vec<Vec<f64>> = self
            .points
            .iter()
            .map(|x| x.iter().zip(&self.z).map(|(x, z)| RELAXATION.mul_add(x - z, *z)).collect())
            .collect();
        let mut mean = vec![0.0; self.z.len()];
        for (x, u) in relaxed.iter().zip(&self.duals) {
            mean.iter_mut().zip(x.iter().zip(u)).for_each(|(m, (x, u))| *m += x + u);
        }
        mean.iter_mut().for_each(|m| *m /= n);
        let weight = 1.0 / (n * self.rho);
        let mut z = shrink(&mean, &vec![0.0; mean.len()], l1, weight);
        z.iter_mut().zip(l2).for_each(|(z, l2)| *z /= 1.0 + l2 * weight);
        for (u, x) in self.duals.iter_mut().zip(&relaxed) {
            u.iter_mut().zip(x.iter().zip(&z)).for_each(|(u, (x, z))| *u += x - z);
        }
        let old = std::mem::replace(&mut self.z, z);
        self.n_iter += 1;
        if self.n_iter <= ADAPTING && self.n_iter.is_multiple_of(5) {
            self.balance(&old);
        }
    }

    /// Raises the weight when blocks disagree more, relatively, than the consensus moves; lowers it otherwise.
    fn balance(&mut self, old: &[f64]) {
        let squares = |v: &[f64]| v.iter().fold(0.0, |sum: f64, x| x.mul_add(*x, sum));
        let n = self.points.len() as f64;
        let apart: f64 = self.points.iter().map(|x| squares(&minus(x, &self.z))).sum();
        let size = self.points.iter().map(|x| squares(x)).sum::<f64>().max(n * squares(&self.z));
        let moved = n * squares(&minus(&self.z, old));
        let pull: f64 = self.duals.iter().map(|u| squares(u)).sum();
        let (primal, dual) = (apart * pull, moved * size);
        // Squared residuals, each relative to its own scale.
        let factor = if primal > 9.0 * dual {
            2.0
        } else if dual > 9.0 * primal {
            0.5
        } else {
            return;
        };
        self.rho *= factor;
        self.duals.iter_mut().flatten().for_each(|u| *u /= factor);
    }
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}
