//! Newton's method for squared losses, which are quadratic where they are not 0.
//!
//! Which rows have a loss, and what each is pulled towards, makes the problem a ridge regression; each step goes
//! towards that regression's solution and as far as is best. Once the rows no longer change, one step is exact.
//!
//! # References
//! Keerthi, DeCoste: A modified finite Newton method for fast solution of large scale linear SVMs, JMLR 6 (2005).

use super::rows::Rows;
use crate::error::Result;
use crate::estimator::linear_model::dense::{cholesky, cholesky_solve};
use crate::kernel::rank_k;
use crate::telemetry::check_interrupt;

/// Up to this width the Hessian is formed and factorised; beyond, conjugate gradients multiply by it.
const MOST_COLUMNS: usize = 256;
/// Rows that are added to the Hessian at a time.
pub(super) const TILE: usize = 64;

/// The end of a minimisation.
#[derive(Clone, Debug)]
pub(super) struct Minimum {
    pub(super) w: Vec<f64>,
    pub(super) n_iter: usize,
    pub(super) converged: bool,
}

/// A sum of squared losses: `target(i, f)` is what row i, whose value is f, is pulled towards, if its loss is not 0.
pub(super) struct Squared<'a, T> {
    pub(super) rows: &'a Rows,
    /// Factor of each row's loss.
    pub(super) c: &'a [f64],
    pub(super) target: T,
}

impl<T: Fn(usize, f64) -> Option<f64>> Squared<'_, T> {
    /// Minimises ½|w|² + Σ c_i (f_i − target)² until the gradient is at most `tol` times that at 0; `None` once its
    /// square leaves the range of a double.
    ///
    /// # Errors
    /// That of an [interruption](check_interrupt).
    pub(super) fn minimise(&self, tol: f64, max_iter: usize) -> Result<Option<Minimum>> {
        let mut w = vec![0.0; self.rows.width];
        let mut f = vec![0.0; self.rows.n];
        let mut first = None;
        for n_iter in 0..=max_iter {
            check_interrupt()?;
            let pulls = self.pulls(&f);
            let mut gradient = w.clone();
            self.rows.add(&pulls, &mut gradient);
            let size = norm(&gradient);
            if !size.is_finite() {
                return Ok(None);
            }
            let limit = tol * *first.get_or_insert(size);
            if size <= limit || size == 0.0 {
                return Ok(Some(Minimum { w, n_iter, converged: true }));
            }
            if n_iter == max_iter {
                break;
            }
            let active: Vec<usize> = (0..f.len()).filter(|&i| (self.target)(i, f[i]).is_some()).collect();
            let step = self.step(&active, &gradient, limit / size)?;
            let moves = self.rows.dots(&step);
            let length = self.length(&w, &step, &f, &moves);
            if length == 0.0 {
                // Rounding leaves nothing to gain.
                return Ok(Some(Minimum { w, n_iter, converged: true }));
            }
            w.iter_mut().zip(&step).for_each(|(w, s)| *w = length.mul_add(*s, *w));
            f = self.rows.dots(&w);
        }
        Ok(Some(Minimum { w, n_iter: max_iter, converged: false }))
    }

    /// The derivative of each row's loss by its value.
    fn pulls(&self, f: &[f64]) -> Vec<f64> {
        let pull = |(i, &f): (usize, &f64)| (self.target)(i, f).map_or(0.0, |t| 2.0 * self.c[i] * (f - t));
        f.iter().enumerate().map(pull).collect()
    }

    /// −H⁻¹ gradient, where H = I + 2 Σ c_i x_i x_iᵀ over the active rows.
    fn step(&self, active: &[usize], gradient: &[f64], enough: f64) -> Result<Vec<f64>> {
        let width = self.rows.width;
        let solved = match width <= MOST_COLUMNS {
            true => {
                cholesky(self.hessian(active)?, width, 0.0).map(|factor| cholesky_solve(&factor, gradient))
            }
            false => None,
        };
        let solved = match solved {
            Some(solved) => solved,
            None => self.conjugate_gradients(active, gradient, enough)?,
        };
        Ok(solved.into_iter().map(|v| -v).collect())
    }

    fn hessian(&self, active: &[usize]) -> Result<Vec<f64>> {
        let width = self.rows.width;
        let mut upper = vec![0.0; width * width];
        (0..width).for_each(|j| upper[j * width + j] = 1.0);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for tile in active.chunks(TILE) {
            check_interrupt()?;
            left.clear();
            right.clear();
            for &i in tile {
                left.extend(self.rows.row(i).iter().map(|x| 2.0 * self.c[i] * x));
                right.extend_from_slice(self.rows.row(i));
            }
            rank_k::add_products(self.rows.isa(), &left, &right, width, &mut upper);
        }
        // Only what stands on and above the diagonal is complete.
        for i in 0..width {
            for j in 0..i {
                upper[i * width + j] = upper[j * width + i];
            }
        }
        Ok(upper)
    }

    /// Solves H v = b until the residual is a small part of b.
    fn conjugate_gradients(&self, active: &[usize], b: &[f64], enough: f64) -> Result<Vec<f64>> {
        let part = (0.1 * enough).clamp(1e-12, 1e-2);
        let mut scale = vec![1.0; b.len()];
        for &i in active {
            let c = 2.0 * self.c[i];
            scale.iter_mut().zip(self.rows.row(i)).for_each(|(s, x)| *s = (c * x).mul_add(*x, *s));
        }
        let (mut v, mut residual) = (vec![0.0; b.len()], b.to_vec());
        let preconditioned = |r: &[f64]| r.iter().zip(&scale).map(|(r, s)| r / s).collect::<Vec<f64>>();
        let mut direction = preconditioned(&residual);
        let (mut product, target) = (dot(&residual, &direction), part * norm(b));
        for _ in 0..10 * b.len() {
            check_interrupt()?;
            if norm(&residual) <= target {
                break;
            }
            let image = self.times_hessian(active, &direction);
            let length = product / dot(&direction, &image);
            v.iter_mut().zip(&direction).for_each(|(v, d)| *v = length.mul_add(*d, *v));
            residual.iter_mut().zip(&image).for_each(|(r, i)| *r = (-length).mul_add(*i, *r));
            let next = preconditioned(&residual);
            let new_product = dot(&residual, &next);
            let ratio = new_product / product;
            direction.iter_mut().zip(&next).for_each(|(d, n)| *d = ratio.mul_add(*d, *n));
            product = new_product;
        }
        Ok(v)
    }

    fn times_hessian(&self, active: &[usize], v: &[f64]) -> Vec<f64> {
        let dots = self.rows.dots(v);
        let mut factors = vec![0.0; dots.len()];
        active.iter().for_each(|&i| factors[i] = 2.0 * self.c[i] * dots[i]);
        let mut out = v.to_vec();
        self.rows.add(&factors, &mut out);
        out
    }

    /// How many steps are best: where the derivative along the step, which rises piecewise linearly, is 0.
    fn length(&self, w: &[f64], step: &[f64], f: &[f64], moves: &[f64]) -> f64 {
        let (linear, square) = (dot(w, step), dot(step, step));
        let slope = |length: f64| {
            let (mut first, mut second) = (length.mul_add(square, linear), square);
            for (i, (&f, &m)) in f.iter().zip(moves).enumerate() {
                let value = length.mul_add(m, f);
                if let Some(target) = (self.target)(i, value) {
                    let c = 2.0 * self.c[i] * m;
                    first = c.mul_add(value - target, first);
                    second = c.mul_add(m, second);
                }
            }
            (first, second)
        };
        let (start, _) = slope(0.0);
        if start >= 0.0 {
            return 0.0;
        }
        let (mut below, mut above, mut length) = (0.0, f64::INFINITY, 1.0);
        for _ in 0..60 {
            let (first, second) = slope(length);
            if first.abs() <= 1e-14 * start.abs() {
                break;
            }
            if first < 0.0 {
                below = length
            } else {
                above = length
            }
            let next = length - first / second;
            length = match (next > below && next < above, above.is_finite()) {
                (true, _) => next,
                (false, true) => 0.5 * (below + above),
                (false, false) => 2.0 * length,
            };
            if length == below || length == above {
                break;
            }
        }
        length
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum))
}

fn norm(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}
