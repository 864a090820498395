//! What each block alone has to say about the parameters: local minimisations for the consensus solver.

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::objective::{Coding, GlmObjective, Total};
use super::solver::{Blocks, Evaluation, Objective, State, Stopping, newton_cholesky};
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::Pass;
use crate::error::{Error, Result};
use crate::kernel::glm::{Loss, Order, Rows, accumulate};
use crate::kernel::{Isa, Real};

/// Local Newton steps at the most; they start near the minimum.
const LOCAL_STEPS: usize = 50;

/// The data term at the consensus, and every block's own minimum in the order of blocks.
#[derive(Serialize, Deserialize)]
struct Answers {
    total: Total,
    points: Vec<Vec<f64>>,
}

impl Partial for Answers {
    fn merge(&mut self, right: Self) {
        self.total.merge(right.total);
        self.points.extend(right.points);
    }
}

struct BlockTerms<'a> {
    isa: Isa,
    loss: Loss,
    coding: &'a Coding,
    layout: Layout,
    scale: f64,
    at: &'a [f64],
    starts: &'a [Vec<f64>],
    targets: &'a [Vec<f64>],
    rho: f64,
    /// The error for numbers that lead nowhere.
    diverged: &'a dyn Fn(String) -> Error,
}

impl<T: Real> Pass<T> for BlockTerms<'_> {
    type Partial = Answers;
    type Memory = Option<(Vec<f64>, Vec<f64>)>;

    fn block(&self, block: &Block<T>, memory: &mut Self::Memory) -> Result<Answers> {
        let (y, weights) = memory.get_or_insert_with(|| self.coding.apply(block));
        let rows = Rows { x: &block.x, y, weights, n_features: block.n_features };
        let total = self.sums(rows, self.at, Order::Gradient);
        let mut local = Local { terms: self, rows, target: &self.targets[block.index] };
        // Far below what the consensus is asked for: the local answer is exact for its purpose.
        let stopping = Stopping { tol: 1e-15, max_iter: LOCAL_STEPS };
        let start = State::start(self.starts[block.index].clone());
        let points = vec![newton_cholesky(&mut local, start, stopping)?.params];
        Ok(Answers { total, points })
    }
}

impl BlockTerms<'_> {
    fn sums<T: Real>(&self, rows: Rows<'_, T>, params: &[f64], order: Order) -> Total {
        let sums = accumulate(self.isa, self.loss, rows, &self.layout.expand(params), order);
        Total { loss: sums.loss, gradient: sums.gradient, hessian: sums.hessian, ..Total::default() }
    }
}

/// A block's share of the loss and the pull of the consensus.
struct Local<'a, T> {
    terms: &'a BlockTerms<'a>,
    rows: Rows<'a, T>,
    target: &'a [f64],
}

impl<T: Real> Objective for Local<'_, T> {
    fn evaluate(&mut self, params: &[f64], order: Order) -> Result<Evaluation> {
        let BlockTerms { layout, scale, rho, .. } = *self.terms;
        let total = self.terms.sums(self.rows, params, order);
        let mut at = layout.reduce(total.loss, &total.gradient, &total.hessian, scale, order);
        for (p, (x, target)) in params.iter().zip(self.target).enumerate() {
            let apart = x - target;
            at.value = (0.5 * rho * apart).mul_add(apart, at.value);
            if order >= Order::Gradient {
                at.gradient[p] = rho.mul_add(apart, at.gradient[p]);
            }
            if order == Order::Hessian {
                at.hessian[p * params.len() + p] += rho;
            }
        }
        Ok(at)
    }

    fn check(&self, at: &Evaluation) -> Result<()> {
        at.fault().map_or(Ok(()), |found| Err((self.terms.diverged)(found)))
    }
}

impl<T: Real> Blocks for GlmObjective<'_, '_, T> {
    fn n_blocks(&self) -> usize {
        self.engine.shape().n_blocks()
    }

    fn proximal(
        &mut self,
        at: &[f64],
        starts: &[Vec<f64>],
        targets: &[Vec<f64>],
        rho: f64,
    ) -> Result<(Evaluation, Vec<Vec<f64>>)> {
        let (what, iteration) = (self.what, self.n_recorded());
        let diverged = |found| Error::Diverged { what: what.into(), iteration, found };
        let terms = BlockTerms {
            isa: self.isa,
            loss: self.loss,
            coding: &self.coding,
            layout: self.layout,
            scale: self.scale,
            at,
            starts,
            targets,
            rho,
            diverged: &diverged,
        };
        let answers = self.engine.run(&terms, &mut self.memory)?;
        self.forget();
        let evaluation = self.penalised(at, answers.total, Order::Gradient);
        Objective::check(self, &evaluation)?;
        Ok((evaluation, answers.points))
    }

    fn iteration(&mut self, state: &State, value: f64, gradient_norm: f64) -> Result<()> {
        Objective::iteration(self, state, value, gradient_norm)
    }
}
