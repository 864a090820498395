//! What each block alone has to say about the parameters: local minimisations for the consensus solver.

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::objective::{Coded, Coding, GlmObjective, Total};
use super::solver::{Blocks, Evaluation, Objective, State, Stopping, newton_by_value};
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
    /// What left the range of a double in the first block where something did. No error of that block: all ranks end
    /// alike, with the history in one file.
    fault: Option<String>,
}

impl Partial for Answers {
    fn merge(&mut self, right: Self) {
        self.total.merge(right.total);
        self.points.extend(right.points);
        self.fault = self.fault.take().or(right.fault);
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
}

impl<T: Real> Pass<T> for BlockTerms<'_> {
    type Partial = Answers;
    type Memory = Option<Coded>;

    fn block(&self, block: &Block<T>, memory: &mut Self::Memory) -> Result<Answers> {
        let Coded { y, weights, .. } = memory.get_or_insert_with(|| self.coding.apply(block));
        let rows = Rows { x: &block.x, y, weights, n_features: block.n_features };
        let total = self.sums(rows, self.at, Order::Gradient);
        let mut local = Local { terms: self, rows, target: &self.targets[block.index] };
        // Far below what the consensus is asked for: the local answer is exact for its purpose.
        let stopping = Stopping { tol: 1e-15, max_iter: LOCAL_STEPS };
        let start = State::start(self.starts[block.index].clone());
        match newton_by_value(&mut local, start, stopping) {
            Ok(solution) => Ok(Answers { total, points: vec![solution.params], fault: None }),
            Err(Error::Diverged { found, .. }) => {
                Ok(Answers { total, points: Vec::new(), fault: Some(found) })
            }
            Err(error) => Err(error),
        }
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
        let diverged = |found| Error::Diverged { what: "a block".into(), iteration: 0, found };
        at.fault().map_or(Ok(()), |found| Err(diverged(found)))
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
        };
        let answers = self.engine.run(&terms, &mut self.memory)?;
        self.forget();
        if let Some(found) = answers.fault {
            return Err(self.diverged(found));
        }
        let evaluation = self.penalised(at, answers.total, Order::Gradient);
        Objective::check(self, &evaluation)?;
        Ok((evaluation, answers.points))
    }

    fn iteration(&mut self, state: &State, value: f64, gradient_norm: f64) -> Result<()> {
        Objective::iteration(self, state, value, gradient_norm)
    }
}
