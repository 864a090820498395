//! Squared hinge losses under an l1 penalty, by Newton steps over the features that matter.
//!
//! The losses are quadratic where they are not 0. Each round takes the features whose weight is not 0 and those that
//! are farthest from optimal, forms the quadratic that the losses are now, finds its minimum with the penalty
//! ([`Quadratic`]) and goes towards it as far as is good. Once neither the rows that have a loss nor the signs of the
//! weights change, one step is exact.
//!
//! # References
//! Yuan, Ho, Lin: An improved GLMNET for l1-regularized logistic regression, JMLR 13 (2012).
//! Tseng, Yun: A coordinate gradient descent method for nonsmooth separable minimization, Math. Program. 117 (2009).

use super::l1_quadratic::Quadratic;
use super::newton::{Minimum, TILE};
use super::rows::Rows;
use crate::error::Result;
use crate::kernel::{linear_rows, rank_k};
use crate::telemetry::check_interrupt;

/// Features of one quadratic at the most; more are taken in turn.
const MOST_COLUMNS: usize = 1024;
/// How many features may join at once however few there are.
const NEWCOMERS: usize = 128;

/// Σ c_i max(0, 1 − y_i w·x_i)² with |w|₁, y = ±1.
pub(super) struct Sparse<'a> {
    pub(super) rows: &'a Rows,
    pub(super) y: &'a [f64],
    /// Factor of each row's loss.
    pub(super) c: &'a [f64],
}

impl Sparse<'_> {
    /// Minimises |w|₁ + Σ c_i max(0, 1 − y_i w·x_i)² until the violations of optimality sum to at most `tol` times
    /// those at 0, liblinear's rule; `None` once they leave the range of a double.
    ///
    /// # Errors
    /// That of an [interruption](check_interrupt).
    pub(super) fn minimise(&self, tol: f64, max_iter: usize) -> Result<Option<Minimum>> {
        let mut w = vec![0.0; self.rows.width];
        let mut f = vec![0.0; self.rows.n];
        let mut first = None;
        for n_iter in 0..=max_iter {
            let mut gradient = vec![0.0; w.len()];
            self.rows.add(&self.pulls(&f), &mut gradient);
            let violations: Vec<f64> = w.iter().zip(&gradient).map(|(w, g)| violation(*w, *g)).collect();
            let total: f64 = violations.iter().sum();
            if !total.is_finite() {
                return Ok(None);
            }
            if total <= tol * *first.get_or_insert(total) {
                return Ok(Some(Minimum { w, n_iter, converged: true }));
            }
            if n_iter == max_iter {
                break;
            }
            let mut moved = false;
            for columns in chosen(&w, &violations).chunks(MOST_COLUMNS) {
                check_interrupt()?;
                moved |= self.improve(columns, &mut w, &mut f);
            }
            if !moved {
                // Rounding leaves nothing to gain.
                return Ok(Some(Minimum { w, n_iter, converged: true }));
            }
        }
        Ok(Some(Minimum { w, n_iter: max_iter, converged: false }))
    }

    /// The derivative of each row's loss by its value.
    fn pulls(&self, f: &[f64]) -> Vec<f64> {
        let rows = f.iter().zip(self.y).zip(self.c);
        rows.map(|((f, y), c)| -2.0 * c * y * short(*y, *f)).collect()
    }

    /// Moves the weights of `columns` towards the minimum of the quadratic that the losses are at `w`, and the rows'
    /// values with them; whether anything moved.
    fn improve(&self, columns: &[usize], w: &mut [f64], f: &mut Vec<f64>) -> bool {
        let start: Vec<f64> = columns.iter().map(|&column| w[column]).collect();
        let end = self.quadratic(columns, &start, f).minimum();
        let mut step = vec![0.0; w.len()];
        for ((&column, start), end) in columns.iter().zip(&start).zip(&end) {
            step[column] = end - start;
        }
        let moves = self.rows.dots(&step);
        let line = Line { sparse: self, start: &start, end: &end, f, moves: &moves };
        let length = line.length();
        if length == 0.0 {
            return false;
        }
        for ((&column, start), end) in columns.iter().zip(&start).zip(&end) {
            w[column] = if length == 1.0 { *end } else { length.mul_add(end - start, *start) };
        }
        *f = self.rows.dots(w);
        true
    }

    /// The losses about the rows' values `f`, as a function of the weights of `columns`, which are now `start`.
    fn quadratic(&self, columns: &[usize], start: &[f64], f: &[f64]) -> Quadratic {
        let width = rank_k::padded(columns.len());
        let mut quadratic = Quadratic::new(width, self.rows.isa(), start);
        let (pulls, active) = (self.pulls(f), (0..f.len()).filter(|&i| short(self.y[i], f[i]) > 0.0));
        let active: Vec<usize> = active.collect();
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for tile in active.chunks(TILE) {
            left.clear();
            right.clear();
            for &i in tile {
                let (row, begin) = (self.rows.row(i), right.len());
                right.extend(columns.iter().map(|&column| row[column]));
                right.resize(begin + width, 0.0);
                left.extend(right[begin..].iter().map(|x| 2.0 * self.c[i] * x));
            }
            let factors: Vec<f64> = tile.iter().map(|&i| pulls[i]).collect();
            linear_rows::add_rows(self.rows.isa(), &right, &factors, &mut quadratic.slope);
            rank_k::add_products(self.rows.isa(), &left, &right, width, &mut quadratic.hessian);
        }
        quadratic.mirror();
        quadratic
    }
}

/// How much a row's value falls short of its margin.
fn short(y: f64, f: f64) -> f64 {
    (-y).mul_add(f, 1.0).max(0.0)
}

/// How far a weight is from optimal, given the losses' derivative by it.
pub(super) fn violation(w: f64, gradient: f64) -> f64 {
    if w == 0.0 { (gradient.abs() - 1.0).max(0.0) } else { (gradient + w.signum()).abs() }
}

/// The features to move, ascending: those with a weight, and of those that want one at most as many again, the farthest
/// from optimal.
fn chosen(w: &[f64], violations: &[f64]) -> Vec<usize> {
    let (mut chosen, mut others): (Vec<usize>, Vec<usize>) =
        (0..w.len()).filter(|&j| w[j] != 0.0 || violations[j] > 0.0).partition(|&j| w[j] != 0.0);
    others.sort_by(|&a, &b| violations[b].total_cmp(&violations[a]).then(a.cmp(&b)));
    others.truncate(chosen.len().max(NEWCOMERS));
    chosen.append(&mut others);
    chosen.sort_unstable();
    chosen
}

/// The objective on the way of some weights from `start` to `end`, whose rows' values go from `f` to `f + moves`.
struct Line<'a> {
    sparse: &'a Sparse<'a>,
    start: &'a [f64],
    end: &'a [f64],
    f: &'a [f64],
    moves: &'a [f64],
}

impl Line<'_> {
    /// What part of the way to go: all of it where the objective falls all along or by enough, else as far as it falls.
    fn length(&self) -> f64 {
        let (start, _) = self.slope(0.0);
        if start >= 0.0 || start.is_nan() {
            return 0.0;
        }
        if self.slope(1.0).0 <= 0.0 || self.change() <= 0.01 * start {
            return 1.0;
        }
        let (mut below, mut above, mut length) = (0.0, 1.0, 0.5);
        for _ in 0..60 {
            let (first, second) = self.slope(length);
            if first.abs() <= 1e-3 * start.abs() {
                break;
            }
            if first < 0.0 {
                below = length
            } else {
                above = length
            }
            let next = length - first / second;
            length = if next > below && next < above { next } else { 0.5 * (below + above) };
        }
        length
    }

    /// The derivatives at a part of the way: from the right at its beginning, from the left elsewhere.
    fn slope(&self, length: f64) -> (f64, f64) {
        let (mut first, mut second) = (0.0, 0.0);
        for (start, end) in self.start.iter().zip(self.end) {
            let step = end - start;
            let at = if length == 1.0 { *end } else { length.mul_add(step, *start) };
            first += match (at == 0.0, length == 0.0) {
                (false, _) => step * at.signum(),
                (true, true) => step.abs(),
                (true, false) => -step.abs(),
            };
        }
        let Sparse { y, c, .. } = self.sparse;
        for (i, (f, m)) in self.f.iter().zip(self.moves).enumerate() {
            let lacks = short(y[i], length.mul_add(*m, *f));
            if lacks > 0.0 {
                let pull = 2.0 * c[i] * m;
                first = (-pull * y[i]).mul_add(lacks, first);
                second = pull.mul_add(*m, second);
            }
        }
        (first, second)
    }

    /// How much the objective is greater at the end than at the start.
    fn change(&self) -> f64 {
        let sum: f64 = self.start.iter().zip(self.end).map(|(start, end)| end.abs() - start.abs()).sum();
        let Sparse { y, c, .. } = self.sparse;
        self.f.iter().zip(self.moves).enumerate().fold(sum, |sum, (i, (f, m))| {
            let (before, after) = (short(y[i], *f), short(y[i], f + m));
            (c[i] * (after - before)).mul_add(after + before, sum)
        })
    }
}
