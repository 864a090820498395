//! Sequential minimal optimisation of one binary problem, step for step as libsvm takes it.
//!
//! Minimises ½ αᵀQα − Σα subject to yᵀα = 0 and 0 ≤ α_i ≤ C_i with Q_ij = y_i y_j k(x_i, x_j). The solver keeps
//! f = −y∇ instead of the gradient, so that labels leave the inner loops. Kernel values are single, f and α
//! double precision, as in libsvm. Which rows shrinking leaves aside, and when, decides the last digits of the
//! solution, and with them now and then a prediction: it is done by libsvm's rules too.
//!
//! # References
//! Fan, Chen, Lin: Working set selection using second order information for training SVM, JMLR 6 (2005).
//! Chang, Lin: LIBSVM: a library for support vector machines, ACM TIST 2 (2011), sections 4 and 5.

use std::time::Instant;

use super::row_cache::RowCache;
use super::rows::KernelRows;
use crate::kernel::svm::{self, LOW, Pair, UP};

/// When to stop, and how.
#[derive(Clone, Copy)]
pub(super) struct Stopping {
    pub(super) tol: f64,
    pub(super) shrinking: bool,
    pub(super) max_iter: u64,
    pub(super) deadline: Option<Instant>,
}

/// A solved binary problem.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    /// α of the rows of the first class, then of the second.
    pub(super) alpha: Vec<f64>,
    /// What the sum of weighted kernel values is compared with.
    pub(super) rho: f64,
    pub(super) n_iter: u64,
    /// Whether the tolerance was reached.
    pub(super) converged: bool,
    /// Whether shrinking ever left a row aside; if not, the solution is the same without shrinking.
    pub(super) shrank: bool,
}

/// Least memory for rows in the order of the active set.
const COMPACT_BYTES: usize = 64 << 20;

/// Solves the problem of class `pair[0]` (y = 1) against `pair[1]` (y = −1) with bounds `c`, starting from
/// `start`, a feasible α, or from 0.
pub(super) fn solve(
    rows: &mut KernelRows<'_>,
    compact: &mut RowCache,
    pair: [usize; 2],
    c: Vec<f64>,
    stopping: Stopping,
    start: Option<&[f64]>,
) -> Solution {
    let mut solver = Solver::new(rows, compact, pair, c, stopping);
    if let Some(alpha) = start {
        solver.start_from(alpha);
    }
    solver.iterate()
}

/// The state of a run. All vectors but `bound_sum` are in the order of positions: the active rows come first.
struct Solver<'r, 'a> {
    rows: &'r mut KernelRows<'a>,
    /// Kernel rows in the order of the active rows.
    compact: &'r mut RowCache,
    pair: [usize; 2],
    n_first: usize,
    stopping: Stopping,
    n_active: usize,
    /// Rows in the problem's own order, at each position.
    order: Vec<u32>,
    /// The same as rows of the training set.
    base: Vec<u32>,
    /// Whether kernel rows can be used as they are: nothing reordered, and the two classes neighbours.
    straight: bool,
    y: Vec<f64>,
    c: Vec<f64>,
    alpha: Vec<f64>,
    f: Vec<f64>,
    marks: Vec<u8>,
    diagonal: Vec<f64>,
    /// −Σ y_i C_i k(x_i, ·) over rows at their upper bound, in the problem's own order.
    bound_sum: Vec<f64>,
    unshrunk: bool,
    shrank: bool,
}

/// The two rows of an iteration.
struct Working {
    first: usize,
    second: usize,
}

impl<'r, 'a> Solver<'r, 'a> {
    fn new(
        rows: &'r mut KernelRows<'a>,
        compact: &'r mut RowCache,
        pair: [usize; 2],
        c: Vec<f64>,
        stopping: Stopping,
    ) -> Self {
        let [a, b] = pair.map(|class| rows.starts[class]..rows.starts[class + 1]);
        let straight = a.end == b.start;
        let (n_first, n) = (a.len(), a.len() + b.len());
        let base: Vec<u32> = a.chain(b).map(|i| i as u32).collect();
        let y: Vec<f64> = (0..n).map(|t| if t < n_first { 1.0 } else { -1.0 }).collect();
        let diagonal = base.iter().map(|&i| rows.diagonal[i as usize]).collect();
        let bound_sum = if stopping.shrinking { vec![0.0; n] } else { Vec::new() };
        let order = (0..n as u32).collect();
        let (f, alpha, marks) = (y.clone(), vec![0.0; n], vec![0; n]);
        let mut solver = Self {
            rows,
            compact,
            pair,
            n_first,
            stopping,
            n_active: n,
            order,
            base,
            straight,
            y,
            c,
            alpha,
            f,
            marks,
            diagonal,
            bound_sum,
            unshrunk: false,
            shrank: false,
        };
        (0..n).for_each(|p| solver.mark(p));
        solver.forget_compact();
        solver
    }

    fn len(&self) -> usize {
        self.f.len()
    }

    fn start_from(&mut self, alpha: &[f64]) {
        self.alpha.copy_from_slice(alpha);
        for p in 0..self.len() {
            self.mark(p);
        }
        for p in (0..self.len()).filter(|&p| alpha[p] > 0.0) {
            let slot = self.rows.slot(self.base[p] as usize, self.pair, None);
            add_both(self.rows, slot, self.pair, self.n_first, &mut self.f, -alpha[p] * self.y[p]);
            if self.at_upper(p) {
                self.add_to_bound_sum(p, 1.0);
            }
        }
    }

    fn iterate(mut self) -> Solution {
        let every = self.len().min(1000) as u64;
        let (mut n_iter, mut counter, mut converged) = (0, every + 1, false);
        let mut first: Option<Pair> = None;
        while n_iter < self.stopping.max_iter {
            counter -= 1;
            if counter == 0 {
                counter = every;
                if self.stopping.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    break;
                }
                if self.stopping.shrinking {
                    self.shrink();
                    first = None;
                }
            }
            let working = match self.select(first) {
                Some(working) => working,
                None => {
                    if self.n_active < self.len() {
                        self.activate_all();
                        counter = 1;
                    }
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

    /// The two rows to change, or none when the active rows are optimal within the tolerance.
    fn select(&mut self, first: Option<Pair>) -> Option<Working> {
        let n = self.n_active;
        let isa = self.rows.isa();
        let first = first.unwrap_or_else(|| svm::first_of_pair(isa, &self.f[..n], &self.marks[..n]));
        let i = first.row?;
        let slot = self.active_row(i, None);
        let row = &self.view(slot)[..n];
        let (f, diagonal, marks) = (&self.f[..n], &self.diagonal[..n], &self.marks[..n]);
        let second = svm::second_of_pair(isa, f, row, diagonal, self.diagonal[i], marks, first.extreme);
        let j = second.row?;
        // Written so that a gap that is no number stops as well.
        let violates = first.extreme - second.extreme >= self.stopping.tol;
        violates.then_some(Working { first: i, second: j })
    }

    /// Minimises over the two rows and brings f up to date; returns the next first row.
    fn update(&mut self, Working { first: i, second: j }: Working) -> Pair {
        let slot_i = self.active_row(i, None);
        let slot_j = self.active_row(j, Some(slot_i));
        let k_ij = f64::from(self.view(slot_i)[j]);
        let (old_i, old_j) = (self.alpha[i], self.alpha[j]);
        let (was_i, was_j) = (self.at_upper(i), self.at_upper(j));
        (self.alpha[i], self.alpha[j]) = self.minimum(i, j, k_ij);
        self.mark(i);
        self.mark(j);
        let a = self.y[i] * (self.alpha[i] - old_i);
        let b = self.y[j] * (self.alpha[j] - old_j);
        let n = self.n_active;
        let (row_i, row_j) = match self.straight {
            true => {
                let offset = self.rows.starts[self.pair[0]];
                (&self.rows.row(slot_i)[offset..], &self.rows.row(slot_j)[offset..])
            }
            false => (self.compact.row(slot_i), self.compact.row(slot_j)),
        };
        let f = &mut self.f[..n];
        let next = svm::step(self.rows.isa(), f, &row_i[..n], a, &row_j[..n], b, &self.marks[..n]);
        if self.stopping.shrinking {
            for (p, was) in [(i, was_i), (j, was_j)] {
                let is = self.at_upper(p);
                if is != was {
                    self.add_to_bound_sum(p, if is { 1.0 } else { -1.0 });
                }
            }
        }
        next
    }

    /// α of the two rows where the objective is least on their line inside the box.
    fn minimum(&self, i: usize, j: usize, k_ij: f64) -> (f64, f64) {
        let curvature = self.diagonal[i] + self.diagonal[j] - 2.0 * k_ij;
        let step = (self.f[i] - self.f[j]) / if curvature > 0.0 { curvature } else { 1e-12 };
        let (old_i, old_j, c_i, c_j) = (self.alpha[i], self.alpha[j], self.c[i], self.c[j]);
        let (new_i, new_j) = (old_i + self.y[i] * step, old_j - self.y[j] * step);
        if self.y[i] == self.y[j] {
            clip_sum(new_i, new_j, old_i + old_j, c_i, c_j)
        } else {
            clip_difference(new_i, new_j, old_i - old_j, c_i, c_j)
        }
    }

    /// Sets the marks of a position from its α.
    fn mark(&mut self, p: usize) {
        let (upper, lower) = (self.at_upper(p), self.alpha[p] <= 0.0);
        let positive = self.y[p] > 0.0;
        self.marks[p] = match (upper, lower) {
            (true, _) => {
                if positive {
                    LOW
                } else {
                    UP
                }
            }
            (_, true) => {
                if positive {
                    UP
                } else {
                    LOW
                }
            }
            _ => UP | LOW,
        };
    }

    fn at_upper(&self, p: usize) -> bool {
        self.alpha[p] >= self.c[p]
    }

    /// The slot of the kernel row at position `p` over the active rows.
    fn active_row(&mut self, p: usize, keep: Option<usize>) -> usize {
        if self.straight {
            return self.rows.slot(self.base[p] as usize, self.pair, keep);
        }
        let slot = self.compact.slot(self.order[p] as usize, keep);
        if self.compact.claim(slot, 0) {
            let from = self.rows.slot(self.base[p] as usize, self.pair, None);
            let row = self.rows.row(from);
            for (out, &b) in self.compact.row_mut(slot).iter_mut().zip(&self.base) {
                *out = row[b as usize];
            }
        }
        slot
    }

    /// The numbers of a slot that [`active_row`](Self::active_row) returned.
    fn view(&self, slot: usize) -> &[f32] {
        match self.straight {
            true => &self.rows.row(slot)[self.rows.starts[self.pair[0]]..],
            false => self.compact.row(slot),
        }
    }

    /// Adds (`sign` 1) or takes away (−1) the part of a row at its upper bound.
    fn add_to_bound_sum(&mut self, p: usize, sign: f64) {
        if self.bound_sum.is_empty() {
            return;
        }
        let slot = self.rows.slot(self.base[p] as usize, self.pair, None);
        let a = -sign * self.y[p] * self.c[p];
        add_both(self.rows, slot, self.pair, self.n_first, &mut self.bound_sum, a);
    }

    fn forget_compact(&mut self) {
        if !self.straight {
            let budget = COMPACT_BYTES.min(self.rows.budget_bytes);
            self.compact.reset(self.f.len(), self.n_active, 1, budget);
        }
    }

    /// Leaves rows aside that are at a bound and likely to stay there.
    fn shrink(&mut self) {
        let (largest, smallest) = self.extremes();
        if !self.unshrunk && largest - smallest <= self.stopping.tol * 10.0 {
            self.unshrunk = true;
            self.activate_all();
        }
        let before = self.n_active;
        let mut p = 0;
        while p < self.n_active {
            if self.may_leave(p, largest, smallest) {
                self.n_active -= 1;
                while self.n_active > p {
                    if !self.may_leave(self.n_active, largest, smallest) {
                        self.swap(p, self.n_active);
                        break;
                    }
                    self.n_active -= 1;
                }
            }
            p += 1;
        }
        if self.n_active < before {
            self.shrank = true;
            self.straight = false;
            self.forget_compact();
        }
    }

    /// The largest f among active rows that may go up and the smallest among those that may go down.
    fn extremes(&self) -> (f64, f64) {
        let mut extremes = (f64::NEG_INFINITY, f64::INFINITY);
        for (&f, &mark) in self.f.iter().zip(&self.marks).take(self.n_active) {
            if mark & UP != 0 && f > extremes.0 {
                extremes.0 = f;
            }
            if mark & LOW != 0 && f < extremes.1 {
                extremes.1 = f;
            }
        }
        extremes
    }

    fn may_leave(&self, p: usize, largest: f64, smallest: f64) -> bool {
        match self.marks[p] {
            LOW => self.f[p] > largest,
            UP => self.f[p] < smallest,
            _ => false,
        }
    }

    fn swap(&mut self, p: usize, q: usize) {
        self.order.swap(p, q);
        self.base.swap(p, q);
        self.y.swap(p, q);
        self.c.swap(p, q);
        self.alpha.swap(p, q);
        self.f.swap(p, q);
        self.marks.swap(p, q);
        self.diagonal.swap(p, q);
    }

    /// Brings f of the rows left aside up to date and takes them back.
    fn activate_all(&mut self) {
        let (active, n) = (self.n_active, self.len());
        if active == n {
            return;
        }
        for p in active..n {
            self.f[p] = self.y[p] + self.bound_sum[self.order[p] as usize];
        }
        for p in (0..active).filter(|&p| self.marks[p] == UP | LOW) {
            let slot = self.rows.slot(self.base[p] as usize, self.pair, None);
            let (row, a) = (self.rows.row(slot), self.alpha[p] * self.y[p]);
            for (f, &b) in self.f[active..].iter_mut().zip(&self.base[active..]) {
                *f -= a * f64::from(row[b as usize]);
            }
        }
        self.n_active = n;
        self.forget_compact();
    }

    /// The threshold: the mean of −f over free rows, or the middle of what the bounds allow.
    fn rho(&self) -> f64 {
        let (mut n_free, mut sum) = (0usize, 0.0);
        let (mut above, mut below) = (f64::INFINITY, f64::NEG_INFINITY);
        for (&f, &mark) in self.f.iter().zip(&self.marks).take(self.n_active) {
            match mark {
                UP => above = above.min(-f),
                LOW => below = below.max(-f),
                _ => {
                    n_free += 1;
                    sum -= f;
                }
            }
        }
        if n_free > 0 { sum / n_free as f64 } else { (above + below) / 2.0 }
    }

    fn finish(self, n_iter: u64, converged: bool) -> Solution {
        let rho = self.rho();
        let mut alpha = vec![0.0; self.len()];
        for (&row, &a) in self.order.iter().zip(&self.alpha) {
            alpha[row as usize] = a;
        }
        Solution { alpha, rho, n_iter, converged, shrank: self.shrank }
    }
}

/// Adds `a` times the two classes' parts of a kernel row to `sum`, the first class's `n_first` rows first.
fn add_both(rows: &KernelRows<'_>, slot: usize, pair: [usize; 2], n_first: usize, sum: &mut [f64], a: f64) {
    let row = rows.row(slot);
    let (first, second) = sum.split_at_mut(n_first);
    for (sum, class) in [(first, pair[0]), (second, pair[1])] {
        svm::add_row(rows.isa(), sum, &row[rows.starts[class]..rows.starts[class + 1]], a);
    }
}

/// Into the box along α_i + α_j = `sum`: whichever bound is met is met exactly.
fn clip_sum(mut i: f64, mut j: f64, sum: f64, c_i: f64, c_j: f64) -> (f64, f64) {
    if sum > c_i && i > c_i {
        (i, j) = (c_i, sum - c_i);
    } else if sum <= c_i && j < 0.0 {
        (i, j) = (sum, 0.0);
    }
    if sum > c_j && j > c_j {
        (i, j) = (sum - c_j, c_j);
    } else if sum <= c_j && i < 0.0 {
        (i, j) = (0.0, sum);
    }
    (i, j)
}

/// Into the box along α_i − α_j = `difference`.
fn clip_difference(mut i: f64, mut j: f64, difference: f64, c_i: f64, c_j: f64) -> (f64, f64) {
    if difference > 0.0 && j < 0.0 {
        (i, j) = (difference, 0.0);
    } else if difference <= 0.0 && i < 0.0 {
        (i, j) = (0.0, -difference);
    }
    if difference > c_i - c_j && i > c_i {
        (i, j) = (c_i, c_i - difference);
    } else if difference <= c_i - c_j && j > c_j {
        (i, j) = (c_j + difference, c_j);
    }
    (i, j)
}
