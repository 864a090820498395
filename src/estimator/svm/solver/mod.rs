//! Sequential minimal optimisation, step for step as libsvm takes it.
//!
//! The solver keeps f = −y∇ instead of the gradient, so that labels leave the inner loops. Kernel values are single,
//! f and α double precision, as in libsvm. Which variables shrinking leaves aside, and when, decides the last digits
//! of the solution, and with them now and then a prediction: it is done by libsvm's rules too. Beyond these, variables
//! of which it is certain that no step can choose them [sleep](awake): that changes no step, only what it costs.
//!
//! # References
//! Fan, Chen, Lin: Working set selection using second order information for training SVM, JMLR 6 (2005).
//! Chang, Lin: LIBSVM: a library for support vector machines, ACM TIST 2 (2011), sections 4 and 5.

mod awake;
mod begun;
mod bounds;
mod clip;
mod copies;
mod late;
mod outside;
mod problem;
mod reconstruct;
mod seed;
mod shrinking;
mod step;
mod ties;
mod work;

pub(super) use awake::COMPACT_BYTES;
pub(super) use begun::Begun;
pub(super) use clip::{clip_difference, clip_sum};
pub(super) use work::of_kernel_values;

use std::time::Instant;

use super::row_cache::RowCache;
use super::rows::KernelRows;
use crate::error::Result;
use crate::kernel::svm::{self, LOW, Pair, UP};
use crate::telemetry::check_interrupt;
use awake::{Awake, Limits};
use copies::Copies;
use late::Late;
use outside::Outside;
use problem::Rounding;
pub(super) use problem::{Neighbour, Problem, Solution, Start, Stopping};
use reconstruct::Bounded;
use ties::Ties;
use work::Work;

/// Solves `problem` over the kernel matrix `rows`, beginning at `start`.
///
/// `compact` is memory for kernel values between the variables that are awake.
///
/// # Errors
/// That of an [interruption](check_interrupt).
pub(super) fn solve(
    rows: &mut KernelRows<'_>,
    compact: &mut RowCache,
    problem: Problem,
    stopping: Stopping,
    start: Start<'_>,
) -> Result<Solution> {
    let mut solver = Solver::new(rows, compact, problem, stopping);
    solver.from_zero = !match start {
        Start::Zero => false,
        Start::Anywhere => solver.start_at_bounds(),
        Start::Near(near) => solver.start_near(&near) || solver.start_at_bounds(),
    };
    solver.iterate()
}

/// Iterations between two looks whether the run is still wanted: each may compute a row of the matrix.
const LOOK_EVERY: u64 = 16;

/// Variables within this part of their bounds may be there but for rounding.
const ROUNDED: f64 = 1e-9;

/// What variables say of the threshold.
struct Allowed {
    /// Those that are free, and the sum of −f over these.
    n_free: usize,
    sum: f64,
    /// The least −f of those that may only go up, and the largest of those that may only go down.
    above: f64,
    below: f64,
}

/// The state of a run. Vectors hold one value a variable.
struct Solver<'r, 'a> {
    rows: &'r mut KernelRows<'a>,
    copies: Copies<'r>,
    problem: Problem,
    stopping: Stopping,
    /// The matrix's column of each variable.
    columns: Vec<u32>,
    /// The first column, when the variables are neighbours in the matrix.
    straight: Option<usize>,
    /// The variables that may move, in libsvm's order: the active ones come first.
    order: Vec<u32>,
    n_active: usize,
    alpha: Vec<f64>,
    /// −y∇; of variables that sleep or are not active as it was when they were last looked at.
    f: Vec<f64>,
    /// Which way each may go; 0 of those that shrinking left aside.
    marks: Vec<u8>,
    diagonal: Vec<f64>,
    /// Whether all diagonal entries are the same.
    even: bool,
    awake: Awake,
    ties: Ties,
    limits: Limits,
    rounding: Rounding,
    /// The rounding to be reckoned with until variables are next chosen to be awake.
    horizon: Rounding,
    /// The largest |f| at the start, at least 1.
    largest_start: f64,
    late: Late,
    outside: Outside,
    bounded: Bounded,
    unshrunk: bool,
    shrank: bool,
    /// The largest part of its upper bound that any α was, at any time.
    nearest_bound: f64,
    /// All α were 0 at first.
    from_zero: bool,
    work: Work,
    /// An error once the run was given up: from then on rows are left out of sums, and nothing of it is true.
    wanted: Result<()>,
}

impl<'r, 'a> Solver<'r, 'a> {
    fn new(
        rows: &'r mut KernelRows<'a>,
        compact: &'r mut RowCache,
        problem: Problem,
        stopping: Stopping,
    ) -> Self {
        let ranges: Vec<_> = problem.parts.iter().map(|&part| rows.range(part)).collect();
        let straight = ranges.windows(2).all(|r| r[0].end == r[1].start);
        let straight = ranges.first().filter(|_| straight).map(|range| range.start);
        let columns: Vec<u32> = ranges.into_iter().flatten().map(|column| column as u32).collect();
        let order: Vec<u32> =
            (0..columns.len() as u32).filter(|&v| problem.bounds[v as usize] > 0.0).collect();
        let f = problem.signs.iter().zip(&problem.linear).map(|(y, p)| -y * p).collect();
        let diagonal: Vec<f64> = columns.iter().map(|&c| rows.diagonal[c as usize]).collect();
        let even = diagonal.windows(2).all(|two| two[0] == two[1]);
        let n = columns.len();
        let mut solver = Self {
            limits: Limits::new(order.iter().map(|&v| rows.sizes[columns[v as usize] as usize])),
            rows,
            copies: Copies::new(compact, n),
            problem,
            stopping,
            columns,
            straight,
            n_active: order.len(),
            order,
            alpha: vec![0.0; n],
            f,
            marks: vec![0; n],
            diagonal,
            even,
            awake: Awake::default(),
            ties: Ties::default(),
            rounding: Rounding::default(),
            horizon: Rounding::default(),
            largest_start: 1.0,
            late: Late::default(),
            outside: Outside::default(),
            bounded: Bounded::default(),
            unshrunk: false,
            shrank: false,
            nearest_bound: 0.0,
            from_zero: false,
            work: Work::default(),
            wanted: Ok(()),
        };
        (0..n).for_each(|v| solver.mark(v));
        solver.largest_start = solver.f.iter().fold(1.0, |largest, f| f.abs().max(largest));
        solver
    }

    /// Starts from α of a neighbour, times a factor that keeps it within the bounds, if that is near; tells whether it is.
    fn start_near(&mut self, near: &Neighbour<'_>) -> bool {
        let Some(factor) = seed::factor(&self.problem, near) else { return false };
        let old = near.solution;
        // With another factor than that of the bounds, those that were at theirs are not any more.
        let bounded = old.bounded.as_ref().filter(|_| factor == near.factor);
        let stays = bounded.is_some();
        if let Some(bounded) = bounded {
            self.bounded = bounded.scaled(factor);
        }
        for v in 0..self.f.len() {
            let c = self.problem.bounds[v];
            let alpha = (old.alpha[v] * factor).min(c);
            // Rounding must not leave it just below.
            self.alpha[v] = if alpha >= c * (1.0 - 4.0 * f64::EPSILON) { c } else { alpha };
            self.f[v] += factor * (old.f[v] - self.f[v]);
            self.mark(v);
            self.note_bound(v, stays && old.is_bounded(v));
        }
        self.rounding = old.rounding.scaled(factor);
        true
    }

    /// Looks whether the run is given up, which it then remains.
    fn gives_up(&mut self) -> bool {
        if self.wanted.is_ok() {
            self.wanted = check_interrupt();
        }
        self.wanted.is_err()
    }

    fn iterate(mut self) -> Result<Solution> {
        let every = self.order.len().min(1000) as u64;
        let begun = if self.from_zero && !self.stopping.shrinking { self.take_up() } else { 0 };
        let (mut n_iter, mut counter, mut converged) = (begun, every + 1, false);
        let mut first: Option<Pair> = None;
        self.wake();
        while n_iter < self.stopping.max_iter {
            if n_iter.is_multiple_of(LOOK_EVERY) && self.gives_up() {
                break;
            }
            counter -= 1;
            if counter == 0 {
                counter = every;
                if self.stopping.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    break;
                }
                if self.stopping.shrinking {
                    self.rest();
                    if self.from_zero && n_iter == every {
                        self.keep_beginning(n_iter);
                    }
                    self.shrink();
                    self.wake();
                    first = None;
                }
            }
            let working = match self.select(first) {
                Some(working) => working,
                None => {
                    // Optimal among those active: no step can choose one that sleeps. Now all are asked.
                    if self.n_active == self.order.len() {
                        converged = true;
                        break;
                    }
                    self.rest();
                    self.activate_all();
                    counter = 1;
                    self.wake();
                    match self.select(None) {
                        Some(working) => working,
                        None => {
                            converged = true;
                            break;
                        }
                    }
                }
            };
            n_iter += 1;
            first = Some(self.update(working));
        }
        self.finish(n_iter, converged)
    }

    /// Sets the mark of a variable from its α.
    fn mark(&mut self, v: usize) {
        let c = self.problem.bounds[v];
        let (upper, lower) = (self.alpha[v] >= c, self.alpha[v] <= 0.0);
        let positive = self.problem.signs[v] > 0.0;
        self.marks[v] = match (upper, lower) {
            _ if c <= 0.0 => 0,
            (false, false) => UP | LOW,
            // At the upper bound α y of a positive one may only shrink, at the lower one only grow.
            (true, _) if positive => LOW,
            (true, _) => UP,
            (_, true) if positive => UP,
            (_, true) => LOW,
        };
    }

    /// Subtracts the kernel row of each variable times its factor from `sum`, which has a number a variable.
    fn subtract(&mut self, moved: &[(u32, f64)], sum: &mut [f64]) {
        for two in moved.chunks(2) {
            if self.gives_up() {
                return;
            }
            let (v, a) = two[0];
            let (w, b) = if two.len() == 2 { two[1] } else { (v, 0.0) };
            let [column, other] = [v, w].map(|v| self.columns[v as usize] as usize);
            let slot = self.rows.slot(column, &self.problem.parts, None);
            let slot_b = self.rows.slot(other, &self.problem.parts, Some(slot));
            let (row, row_b) = (self.rows.row(slot), self.rows.row(slot_b));
            let mut rest = &mut sum[..];
            for &part in &self.problem.parts {
                let range = self.rows.range(part);
                let (sum, after) = rest.split_at_mut(range.len());
                svm::subtract_rows(self.rows.isa(), sum, &row[range.clone()], a, &row_b[range], b);
                rest = after;
            }
        }
    }

    /// The threshold: the mean of −f over free variables, or the middle of what the bounds allow.
    fn rho(&self) -> f64 {
        let Allowed { n_free, sum, above, below } = self.allowed(0.0);
        if n_free > 0 { sum / n_free as f64 } else { (above + below) / 2.0 }
    }

    /// How far from its middle the bounds allow the threshold to be, but for variables off their bounds by rounding; 0 where
    /// others are free.
    fn room(&self) -> f64 {
        let Allowed { n_free, above, below, .. } = self.allowed(ROUNDED);
        if n_free > 0 { 0.0 } else { (above - below) / 2.0 }
    }

    /// What active variables say of the threshold, those within a part of their bounds as at them.
    fn allowed(&self, near: f64) -> Allowed {
        let mut allowed = Allowed { n_free: 0, sum: 0.0, above: f64::INFINITY, below: f64::NEG_INFINITY };
        for v in self.order[..self.n_active].iter().map(|&v| v as usize) {
            let (alpha, c, f) = (self.alpha[v], self.problem.bounds[v], self.f[v]);
            let positive = self.problem.signs[v] > 0.0;
            if alpha > c * near && alpha < c * (1.0 - near) {
                allowed.n_free += 1;
                allowed.sum -= f;
            } else if (alpha >= c * (1.0 - near)) == positive {
                allowed.below = allowed.below.max(-f);
            } else {
                allowed.above = allowed.above.min(-f);
            }
        }
        allowed
    }

    /// The largest part of its upper bound that any α is.
    fn reach(&self) -> f64 {
        let parts = self.order.iter().map(|&v| self.alpha[v as usize] / self.problem.bounds[v as usize]);
        parts.fold(0.0, f64::max)
    }

    fn finish(mut self, n_iter: u64, converged: bool) -> Result<Solution> {
        self.rest();
        self.activate_all();
        self.known_extremes();
        self.reach_outside();
        std::mem::replace(&mut self.wanted, Ok(()))?;
        let (rho, room, reach) = (self.rho(), self.room(), self.reach());
        let Self { alpha, f, shrank, rounding, bounded, work, problem, stopping, .. } = self;
        let nearest_bound = if self.from_zero { self.nearest_bound } else { 1.0 };
        Ok(Solution {
            alpha,
            bounds: problem.bounds,
            f,
            bounded: stopping.shrinking.then_some(bounded),
            rho,
            room,
            n_iter,
            converged,
            shrank,
            nearest_bound,
            reach,
            rounding,
            work: work.total(),
        })
    }
}
