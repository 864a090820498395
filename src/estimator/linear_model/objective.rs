//! The objective of a generalised linear model as passes over the data.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::model::Record;
use super::solver::{Evaluation, Objective, State};
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Place, Result};
use crate::kernel::glm::{Loss, Order, Rows, accumulate};
use crate::kernel::{Isa, Real};

/// How targets and weights enter the data term.
#[derive(Clone, Debug, Default)]
pub(super) struct Coding {
    /// The classes, ascending; a target is replaced by its class's index. Empty for numbers.
    pub(super) classes: Vec<f64>,
    /// A factor for each class's weights; empty for none.
    pub(super) class_weight: Vec<f64>,
}

/// Targets and weights of a block as the data term takes them.
pub(super) struct Coded {
    pub(super) y: Vec<f64>,
    pub(super) weights: Vec<f64>,
    /// Σ w
    weight: f64,
}

impl Coding {
    /// Coded targets and weights of a block.
    pub(super) fn apply<T>(&self, block: &Block<T>) -> Coded {
        let y = self.code(&block.y);
        let weights = self.weigh(&block.weights, &y);
        let weight = weights.iter().sum();
        Coded { y, weights, weight }
    }

    fn code(&self, y: &[f64]) -> Vec<f64> {
        if self.classes.is_empty() {
            return y.to_vec();
        }
        let index = |y: &f64| self.classes.partition_point(|class| class < y) as f64;
        y.iter().map(index).collect()
    }

    fn weigh(&self, weights: &[f64], codes: &[f64]) -> Vec<f64> {
        let own = |row: usize| weights.get(row).copied().unwrap_or(1.0);
        let factor = |code: f64| self.class_weight.get(code as usize).copied().unwrap_or(1.0);
        codes.iter().enumerate().map(|(row, &code)| own(row) * factor(code)).collect()
    }
}

/// Rows a parameter for which a sample of them says enough of the curvature: directions are then off by some percent.
const ROWS_A_PARAMETER: u64 = 2000;

/// The smallest part of the blocks whose curvature is asked for: with one of eight it costs a pass little.
const FEWEST_SAMPLED: u64 = 8;

/// Sums over rows, as they travel.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Total {
    pub(super) loss: f64,
    pub(super) gradient: Vec<f64>,
    pub(super) hessian: Vec<f64>,
    /// Σ w of all rows and of those in the Hessian, where it is of a sample.
    pub(super) weight: f64,
    pub(super) sampled: f64,
}

impl Total {
    /// The sample's Hessian, raised to that of all rows.
    fn raise(&mut self) {
        let factor = if self.sampled > 0.0 { self.weight / self.sampled } else { 0.0 };
        self.hessian.iter_mut().for_each(|h| *h *= factor);
    }
}

impl Partial for Total {
    fn merge(&mut self, right: Self) {
        self.loss += right.loss;
        self.gradient.iter_mut().zip(&right.gradient).for_each(|(l, r)| *l += r);
        match self.hessian.is_empty() {
            true => self.hessian = right.hessian,
            false => self.hessian.iter_mut().zip(&right.hessian).for_each(|(l, r)| *l += r),
        }
        self.weight += right.weight;
        self.sampled += right.sampled;
    }
}

/// The data term at one or several points.
struct DataTerm<'a> {
    isa: Isa,
    loss: Loss,
    coding: &'a Coding,
    /// Each `(K, n_features + 1)`.
    points: &'a [Vec<f64>],
    order: Order,
    /// Of how many blocks one is in the sample.
    every: usize,
}

impl DataTerm<'_> {
    /// What is asked of a block.
    fn order_of(&self, index: usize) -> Order {
        match self.order {
            Order::Sampled if index.is_multiple_of(self.every) => Order::Hessian,
            Order::Sampled => Order::Gradient,
            order => order,
        }
    }
}

impl<T: Real> Pass<T> for DataTerm<'_> {
    type Partial = Vec<Total>;
    /// Coded targets and weights, made in the first pass.
    type Memory = Option<Coded>;

    fn block(&self, block: &Block<T>, memory: &mut Self::Memory) -> Result<Vec<Total>> {
        let Coded { y, weights, weight } = memory.get_or_insert_with(|| self.coding.apply(block));
        let rows = Rows { x: &block.x, y, weights, n_features: block.n_features };
        let order = self.order_of(block.index);
        let weight = if self.order == Order::Sampled { *weight } else { 0.0 };
        let sampled = if order == Order::Hessian { weight } else { 0.0 };
        let totals = self.points.iter().map(|point| {
            let sums = accumulate(self.isa, self.loss, rows, point, order);
            Total { loss: sums.loss, gradient: sums.gradient, hessian: sums.hessian, weight, sampled }
        });
        Ok(totals.collect())
    }

    /// A linear predictor an output, its way back into the gradient, and one triangle of the Hessian.
    fn flops_per_row(&self, n_features: usize) -> f64 {
        let d = n_features + 1;
        let of_point = |point: &Vec<f64>| match (point.len(), self.order) {
            (n, Order::Value) => 2 * n,
            (n, Order::Gradient) => 4 * n,
            (n, Order::Sampled) => 4 * n + n / d * n * (d + 1) / self.every,
            (n, Order::Hessian) => 4 * n + n / d * n * (d + 1),
        };
        self.points.iter().map(of_point).sum::<usize>() as f64
    }
}

/// Mean loss plus half the squared coefficients:
/// `scale · Σ w·loss(y, X·coef + intercept) + ½·l2·‖coef‖²`, the intercept unpenalised.
///
/// Parameters stand output by output, each with its coefficients and, when fitted, its intercept behind them.
pub(super) struct GlmObjective<'e, 'a, T: Real> {
    pub(super) engine: &'e mut PassEngine<'a, T>,
    pub(super) memory: Vec<Option<Coded>>,
    pub(super) layout: Layout,
    keep: bool,
    pub(super) isa: Isa,
    pub(super) loss: Loss,
    pub(super) coding: Coding,
    pub(super) scale: f64,
    l2: f64,
    pub(super) what: &'static str,
    kept: Kept,
    since: Instant,
}

/// What a stopped fit leaves for the one that goes on.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Kept {
    state: State,
    history: Vec<Record>,
}

/// What defines an objective over given data.
pub(super) struct Definition {
    pub(super) what: &'static str,
    pub(super) loss: Loss,
    pub(super) coding: Coding,
    /// Factor of the data term: 1 / Σ weights.
    pub(super) scale: f64,
    pub(super) l2: f64,
    pub(super) fit_intercept: bool,
}

impl<'e, 'a, T: Real> GlmObjective<'e, 'a, T> {
    pub(super) fn new(engine: &'e mut PassEngine<'a, T>, definition: Definition) -> Self {
        let Definition { what, loss, coding, scale, l2, fit_intercept } = definition;
        let layout = Layout { n_features: engine.shape().n_features, fit_intercept };
        Self {
            memory: engine.memory(),
            layout,
            keep: engine.all_resident(),
            engine,
            isa: Isa::best(),
            loss,
            coding,
            scale,
            l2,
            what,
            kept: Kept::default(),
            since: Instant::now(),
        }
    }

    /// Where the solver starts: at `params`, or where a stopped fit left off.
    ///
    /// # Collective
    /// One broadcast of the state.
    ///
    /// # Errors
    /// [`Error::Data`] for a state of another size.
    pub(super) fn start(&mut self, params: Vec<f64>) -> Result<State> {
        let Some(kept) = self.engine.resume::<Kept>()? else { return Ok(State::start(params)) };
        if kept.state.params.len() != params.len() {
            return Err(Error::data(
                "checkpoint",
                Place::default(),
                "the state of this job",
                "that of another",
            ));
        }
        self.kept = kept;
        Ok(self.kept.state.clone())
    }

    /// One record an iteration.
    pub(super) fn into_history(self) -> Vec<Record> {
        self.kept.history
    }

    /// Iterations recorded so far.
    pub(super) fn n_recorded(&self) -> usize {
        self.kept.history.len()
    }

    fn pass(&mut self, points: &[Vec<f64>], order: Order) -> Result<Vec<Total>> {
        let expanded: Vec<Vec<f64>> = points.iter().map(|p| self.layout.expand(p)).collect();
        let every = self.sample_every(points);
        let (isa, loss, coding) = (self.isa, self.loss, &self.coding);
        let pass = DataTerm { isa, loss, coding, points: &expanded, order, every };
        let mut totals = self.engine.run(&pass, &mut self.memory)?;
        if order == Order::Sampled {
            totals.iter_mut().for_each(Total::raise);
        }
        self.forget();
        Ok(totals)
    }

    /// Streamed blocks leave no room for what can be made again.
    /// Of how many blocks one is in the sample: a matter of the data, not of who holds them.
    fn sample_every(&self, points: &[Vec<f64>]) -> usize {
        let shape = self.engine.shape();
        let enough = ROWS_A_PARAMETER * points.first().map_or(1, |point| point.len().max(1)) as u64;
        let by_blocks = shape.n_blocks() as u64 / FEWEST_SAMPLED;
        (shape.n_samples / enough).min(by_blocks).clamp(1, FEWEST_SAMPLED) as usize
    }

    pub(super) fn forget(&mut self) {
        if !self.keep {
            self.memory.iter_mut().for_each(|memory| *memory = None);
        }
    }

    /// Adds the l2 penalty to sums over all rows.
    pub(super) fn penalised(&self, params: &[f64], total: Total, order: Order) -> Evaluation {
        let (n, l2) = (params.len(), self.l2);
        let mut at = self.layout.reduce(total.loss, &total.gradient, &total.hessian, self.scale, order);
        for (p, &x) in params.iter().enumerate().filter(|(p, _)| self.layout.is_coef(*p)) {
            at.value = (0.5 * l2 * x).mul_add(x, at.value);
            if order >= Order::Gradient {
                at.gradient[p] = l2.mul_add(x, at.gradient[p]);
            }
            if order >= Order::Sampled {
                at.hessian[p * n + p] += l2;
            }
        }
        at
    }

    /// That this iteration's numbers have left the range of a double.
    pub(super) fn diverged(&self, found: String) -> Error {
        Error::Diverged { what: self.what.into(), iteration: self.n_recorded(), found }
    }
}

impl<T: Real> Objective for GlmObjective<'_, '_, T> {
    fn evaluate(&mut self, params: &[f64], order: Order) -> Result<Evaluation> {
        let total = self.pass(&[params.to_vec()], order)?.swap_remove(0);
        let evaluation = self.penalised(params, total, order);
        // A trial step may overflow, and is refused by the line search; what is no number ends the run.
        if order >= Order::Gradient && evaluation.value.is_nan() {
            return Err(self.diverged(format!("a loss of {}", evaluation.value)));
        }
        Ok(evaluation)
    }

    fn check(&self, at: &Evaluation) -> Result<()> {
        at.fault().map_or(Ok(()), |found| Err(self.diverged(found)))
    }

    fn values(&mut self, points: &[Vec<f64>]) -> Result<Vec<f64>> {
        let totals = self.pass(points, Order::Value)?;
        let each = points.iter().zip(totals);
        Ok(each.map(|(point, total)| self.penalised(point, total, Order::Value).value).collect())
    }

    fn iteration(&mut self, state: &State, loss: f64, gradient_norm: f64) -> Result<()> {
        let seconds = self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        self.kept.history.push(Record { loss, gradient_norm, seconds });
        let quantities = [("loss", loss), ("gradient", gradient_norm)];
        self.engine.telemetry().iteration(state.n_iter, &quantities, seconds);
        self.kept.state.clone_from(state);
        self.engine.checkpoint(&self.kept)
    }
}
