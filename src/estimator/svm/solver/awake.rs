//! Which variables an iteration looks at.
//!
//! A step is chosen among variables with a large f that may go up and variables with a smaller f that may go down.
//! With L the largest f of those that may go up, a variable that may only go up is not chosen while its f is below L,
//! and one that may only go down not while its f is above L. How far an f can have moved is known without computing
//! it: the changes since make up a vector Δw of the kernel's feature space, f moves by ⟨Δw, φ(x)⟩, and by Cauchy and
//! Schwarz that is at most |Δw| √k(x, x). |Δw| follows from the f of the variables that changed. So variables far
//! enough on the safe side of L sleep until L or |Δw| leaves the limits chosen; then all changes since are made up
//! for at once, each row of the matrix once however often its variable moved: an estimate of f, of which rounding is
//! bounded too. Who wakes gets its f [to the last digit](super::late): steps are the same as without sleep.
//!
//! Kernels that are not positive definite have no feature space; there |Δw| is replaced by Σ |Δα| c(x) with c of a
//! bound |k(x, z)| ≤ c(x) c(z).

use super::Solver;
use super::work::{OF_MOVED, OF_STEP};
use crate::kernel::svm::{LOW, UP};

/// Most memory for kernel values between those awake.
pub(in crate::estimator::svm) const COMPACT_BYTES: usize = 64 << 20;
/// Fewest and most iterations after which those that may sleep are sought again when all are awake.
const AGAIN: (u64, u64) = (100, 800);
/// How many times what waking costs iterations may cost before others are chosen to be awake.
const PATIENCE: f64 = 4.0;

/// The variables awake and, unless they are all and in their own order, copies of their values: those of the variables
/// that [`Copies`](super::copies::Copies) covers.
#[derive(Default)]
pub(super) struct Awake {
    /// The solver's own vectors are used.
    pub(super) whole: bool,
    /// Active variables sleep.
    partly: bool,
    /// The variables that must be awake.
    chosen: Vec<u32>,
    pub(super) f: Vec<f64>,
    pub(super) marks: Vec<u8>,
    pub(super) diagonal: Vec<f64>,
    /// f when the others went to sleep.
    f_before: Vec<f64>,
    /// Change of α y of each since then.
    moved: Vec<f64>,
    /// Between these the largest f may lie.
    between: (f64, f64),
    /// Whether the kernel is positive definite.
    positive: bool,
    /// What |Δw| may come to.
    reach: f64,
    /// |Δw|² as it follows from f, and a bound on |Δw| by the triangle inequality.
    square: f64,
    length: f64,
    /// Σ |Δα| c(x) of what variables moved in all, and of every step.
    weight: f64,
    path: f64,
    /// Bounds on |f| and c(x) of those awake.
    largest_f: f64,
    largest_size: f64,
    n_iter: u64,
    /// Iterations until those that may sleep are sought again, when all are awake.
    again: u64,
    /// The same while some sleep: as many as cost some times what waking does.
    patience: u64,
    /// What waking cost last.
    waking: f64,
}

/// How much room those asleep are given; it is adapted to what iterations and waking cost.
pub(super) struct Limits {
    /// Mean of c(x), and the largest.
    size: f64,
    pub(super) largest_size: f64,
    /// Reach of |Δw| c(x) and half the width for the largest f, in gaps.
    reach: f64,
    width: f64,
}

impl Limits {
    pub(super) fn new(sizes: impl ExactSizeIterator<Item = f64>) -> Self {
        let n = sizes.len().max(1) as f64;
        let (sum, largest_size) = sizes.fold((0.0, 0.0), |(sum, most), size| (sum + size, size.max(most)));
        Self { size: sum / n, largest_size, reach: 1.0, width: 1.0 }
    }
}

impl Awake {
    /// Whether nobody asleep can be chosen while `largest` is the largest f of those awake that may go up.
    pub(super) fn suffices(&self, largest: f64) -> bool {
        match self.partly {
            // Written so that what is no number does not suffice.
            true => {
                self.n_iter < self.patience
                    && self.drift() <= self.reach
                    && self.between.0 <= largest
                    && largest <= self.between.1
            }
            false => self.n_iter < self.again,
        }
    }

    /// A bound on |Δw|. Values in single precision, of relative error 2^-24, are almost a positive matrix only.
    fn drift(&self) -> f64 {
        if !self.positive {
            return self.weight + f64::EPSILON * self.path;
        }
        let single = f64::from(f32::EPSILON);
        // A step rounds f and the terms it subtracts; each change of f counts for |Δw|² as often as its variable moves.
        let a_step = self.n_iter as f64 * self.largest_f + 4.0 * self.path * self.largest_size;
        let rounded = 4.0 * self.path * f64::EPSILON * a_step;
        let square = self.square.max(0.0) + single * self.weight * self.weight + rounded;
        self.length.min(square.sqrt()) + single * self.weight + f64::EPSILON * self.path
    }

    /// Takes notice of a step that changes α y of places `at` by `by`, whose f were `f`.
    pub(super) fn count(
        &mut self,
        at: [usize; 2],
        by: [f64; 2],
        f: [f64; 2],
        curvature: f64,
        size: [f64; 2],
    ) {
        self.n_iter += 1;
        if self.whole {
            return;
        }
        let moved = |p: usize, f: f64| f - self.f_before[p];
        let change = moved(at[0], f[0]) - moved(at[1], f[1]);
        let curvature = curvature.max(0.0);
        self.square += by[0] * (by[0] * curvature - 2.0 * change);
        self.length += by[0].abs() * curvature.sqrt();
        for ((p, by), size) in at.into_iter().zip(by).zip(size) {
            let before = self.moved[p];
            self.moved[p] += by;
            self.weight += (self.moved[p].abs() - before.abs()) * size;
            self.path += by.abs() * size;
        }
    }
}

impl Solver<'_, '_> {
    /// Chooses who is awake. Every estimate of f must be up to date.
    pub(super) fn wake(&mut self) {
        let (largest, smallest) = self.extremes();
        let gap = largest - smallest;
        self.horizon = self.rounding.doubled();
        if !gap.is_finite() || gap <= 0.0 {
            return self.wake_all();
        }
        let n = self.n_active;
        // Vectors in their own order are fastest; once copies are needed anyway, every one left out helps.
        let most = if self.may_be_whole() { self.f.len() / 2 } else { n / 2 };
        let (mut reach, mut width) = (self.limits.reach * gap / self.limits.size, self.limits.width * gap);
        for _ in 0..3 {
            let room = width.max(2.0 * self.slack(self.limits.largest_size));
            let between = (largest - room, largest + room);
            self.awake.chosen.clear();
            for &v in &self.order[..n] {
                if !self.may_sleep(v as usize, between, reach) {
                    self.awake.chosen.push(v);
                }
            }
            if self.awake.chosen.len() <= most {
                (self.awake.partly, self.awake.between, self.awake.reach) = (true, between, reach);
                self.awake.again = AGAIN.0;
                return self.gather();
            }
            (reach, width) = (reach / 2.0, width / 2.0);
        }
        self.wake_all();
    }

    fn may_sleep(&self, v: usize, between: (f64, f64), reach: f64) -> bool {
        let size = self.rows.sizes[self.columns[v] as usize];
        let (f, room) = (self.f[v], reach * size + self.slack(size));
        match self.marks[v] {
            UP => f + room < between.0,
            LOW => f - room > between.1,
            _ => false,
        }
    }

    /// Whether the solver's own vectors may be used: the variables are neighbours in the matrix, and copies of those
    /// active would not be much shorter.
    fn may_be_whole(&self) -> bool {
        let long = self.n_active > self.f.len() / 2 || !self.shrank;
        self.straight.is_some() && long && !self.ties.are_many()
    }

    /// All active variables are awake.
    pub(super) fn wake_all(&mut self) {
        self.awake.partly = false;
        self.awake.again = (self.awake.again * 2).clamp(AGAIN.0, AGAIN.1);
        self.awake.chosen.clear();
        if self.may_be_whole() {
            let order = std::mem::take(&mut self.order);
            self.catch_up(&order[..self.n_active]);
            self.order = order;
            self.end_missing();
            (self.awake.whole, self.awake.n_iter) = (true, 0);
            return;
        }
        self.awake.chosen.extend_from_slice(&self.order[..self.n_active]);
        self.gather();
    }

    /// Copies the values of those awake.
    fn gather(&mut self) {
        self.begin_to_miss();
        let budget_bytes = COMPACT_BYTES.min(self.rows.budget_bytes);
        self.copies.cover(&self.awake.chosen, &self.columns, self.ties.are_many(), budget_bytes);
        let covered = std::mem::take(&mut self.copies.variables);
        self.catch_up(&covered);
        self.copies.variables = covered;
        self.awake.largest_size = self.limits.largest_size;
        let Self { awake, f, marks, diagonal, even, copies, .. } = self;
        let n = copies.variables.len();
        (awake.whole, awake.n_iter) = (false, 0);
        (awake.square, awake.length, awake.weight, awake.path) = (0.0, 0.0, 0.0, 0.0);
        awake.positive = self.rows.kernel().is_positive();
        awake.f.clear();
        awake.marks.clear();
        awake.diagonal.clear();
        for v in copies.variables.iter().map(|&v| v as usize) {
            awake.f.push(f[v]);
            awake.marks.push(marks[v]);
        }
        if !*even {
            awake.diagonal.extend(copies.variables.iter().map(|&v| diagonal[v as usize]));
        }
        let waking = awake.waking.max(10.0 * self.order.len() as f64);
        awake.patience = (PATIENCE * waking / (n as f64 + OF_STEP)) as u64 + 10;
        let largest_f = awake.f.iter().fold(0.0, |largest: f64, f| largest.max(f.abs()));
        awake.largest_f = largest_f + awake.reach * awake.largest_size;
        awake.f_before.clone_from(&awake.f);
        awake.moved.clear();
        awake.moved.resize(n, 0.0);
    }

    /// Brings every estimate of f up to date; nobody is awake afterwards.
    pub(super) fn rest(&mut self) {
        if self.awake.whole {
            self.awake.whole = false;
            return;
        }
        let covered = &self.copies.variables;
        let moved: Vec<(u32, f64)> =
            covered.iter().zip(&self.awake.moved).filter(|m| *m.1 != 0.0).map(|(&v, &a)| (v, a)).collect();
        if self.awake.partly {
            // Choosing who is awake is part of it.
            self.work.rest(moved.len() + 4, self.f.len());
            let mut f = std::mem::take(&mut self.f);
            self.subtract(&moved, &mut f);
            self.f = f;
        } else {
            self.outside.put_off(&moved, self.f.len());
        }
        for (&v, &f) in self.copies.variables.iter().zip(&self.awake.f) {
            self.f[v as usize] = f;
            self.late.know(v as usize, f);
        }
        self.bound_steps();
        self.adapt(moved.len());
        (self.awake.partly, self.awake.n_iter) = (false, 0);
        self.awake.f.clear();
        self.awake.moved.clear();
    }

    /// Gives those asleep more room when waking costs more than iterations, less when it costs much less.
    fn adapt(&mut self, n_moved: usize) {
        let awake = &self.awake;
        if !awake.partly || awake.n_iter == 0 {
            return;
        }
        let n = self.copies.variables.len() as f64;
        let stepping = awake.n_iter as f64 * (n + OF_STEP);
        let waking = n_moved as f64 * self.order.len() as f64 * OF_MOVED
            + 4.0 * self.order.len() as f64
            + self.late.take_work();
        let drifted = awake.drift() > awake.reach;
        self.awake.waking = waking;
        if waking > stepping {
            let growing = if drifted { &mut self.limits.reach } else { &mut self.limits.width };
            *growing = (*growing * 1.5).min(1e6);
        } else if waking * 3.0 < stepping {
            self.limits.reach = (self.limits.reach * 0.6).max(1e-3);
            self.limits.width = (self.limits.width * 0.6).max(1e-3);
        }
    }
}
