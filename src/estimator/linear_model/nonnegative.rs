//! Least squares whose coefficients are 0 or more.
//!
//! # References
//! Lawson & Hanson, Solving least squares problems, 1974, §23.3.

use crate::kernel::Isa;
use crate::kernel::linear_rows::{self, LANES};

/// Columns of length 1 (or 0), in `n_rows` rows, and the target they are to sum to.
pub(super) struct Columns {
    width: usize,
    /// Column by column, each with zeros up to whole lanes.
    values: Vec<f64>,
    target: Vec<f64>,
}

impl Columns {
    /// `n_columns` columns, whose numbers in `n_rows` rows `value(row, column)` gives, and those of the target.
    pub(super) fn new(
        n_rows: usize,
        n_columns: usize,
        value: impl Fn(usize, usize) -> f64,
        target: impl Fn(usize) -> f64,
    ) -> Self {
        let width = n_rows.next_multiple_of(LANES);
        let number = |row: usize, column: usize| if row < n_rows { value(row, column) } else { 0.0 };
        Self {
            width,
            values: (0..n_columns)
                .flat_map(|j| (0..width).map(move |i| (i, j)))
                .map(|(i, j)| number(i, j))
                .collect(),
            target: (0..width).map(|i| if i < n_rows { target(i) } else { 0.0 }).collect(),
        }
    }

    fn column(&self, j: usize) -> &[f64] {
        &self.values[j * self.width..(j + 1) * self.width]
    }

    /// The `z` of 0 or more for which Σ z_j column_j is nearest to the target; of several one of few that are not 0.
    ///
    /// Columns join one at a time, the steepest first, and leave where their number would become negative. About
    /// n_rows · n_columns² flops.
    pub(super) fn nonnegative(&self) -> Vec<f64> {
        let n_columns = self.values.len() / self.width.max(1);
        let mut state = State { z: vec![0.0; n_columns], basis: Basis::new(self) };
        let mut residual = self.target.clone();
        // A slope that rounding explains asks for nothing.
        let level = 4.0 * f64::EPSILON * n_columns as f64 * norm(&self.target);
        let mut barred = vec![false; n_columns];
        let mut slopes = vec![0.0; n_columns];
        loop {
            linear_rows::dots(Isa::best(), &self.values, &residual, &mut slopes);
            let open = (0..n_columns).filter(|&j| state.z[j] == 0.0 && !barred[j] && slopes[j] > level);
            let steepest = open.max_by(|&a, &b| slopes[a].total_cmp(&slopes[b]).then(b.cmp(&a)));
            let Some(steepest) = steepest else { return state.z };
            let before = state.clone();
            let joined = state.join(steepest);
            let next = self.residual(&state.z);
            if joined && norm(&next) < norm(&residual) {
                residual = next;
                barred.fill(false);
            } else {
                // Nothing to gain by this column but rounding.
                state = before;
                barred[steepest] = true;
            }
        }
    }

    fn residual(&self, z: &[f64]) -> Vec<f64> {
        let mut residual = self.target.clone();
        let negative: Vec<f64> = z.iter().map(|z| -z).collect();
        linear_rows::add_rows(Isa::best(), &self.values, &negative, &mut residual);
        residual
    }
}

/// The coefficients, and the columns of those that are not 0.
#[derive(Clone)]
struct State<'a> {
    z: Vec<f64>,
    basis: Basis<'a>,
}

impl State<'_> {
    /// Takes a column in and goes to the least squares of all that are in; those that would become negative leave on the
    /// way. False for a column that the others make up for.
    fn join(&mut self, column: usize) -> bool {
        if !self.basis.push(column) {
            return false;
        }
        loop {
            let best = self.basis.solve();
            let members = self.basis.members.clone();
            let negative = || members.iter().zip(&best).filter(|(_, best)| **best <= 0.0);
            // A number that is 0 already stops at once.
            let part = |(&j, best): (&usize, &f64)| {
                if self.z[j] > 0.0 { self.z[j] / (self.z[j] - best) } else { 0.0 }
            };
            let length =
                negative().map(part).fold(1.0, |least: f64, part| if part < least { part } else { least });
            let first = negative().find(|&(j, best)| part((j, best)) == length).map(|(&j, _)| j);
            for (&j, best) in members.iter().zip(&best) {
                let moved = length.mul_add(best - self.z[j], self.z[j]);
                self.z[j] = if first.is_none() { *best } else { moved.max(0.0) };
            }
            let Some(first) = first else { return true };
            self.z[first] = 0.0;
            let z = &self.z;
            let rest: Vec<usize> =
                members.into_iter().filter(|&j| z[j] > 0.0 || (j == column && j != first)).collect();
            self.basis.keep(&rest);
        }
    }
}

/// Some of the columns as an orthonormal basis times a triangle.
#[derive(Clone)]
struct Basis<'a> {
    columns: &'a Columns,
    members: Vec<usize>,
    /// Orthonormal vectors one after the other.
    vectors: Vec<f64>,
    /// Column k of the triangle, k + 1 numbers.
    triangle: Vec<Vec<f64>>,
    /// The products of the vectors with the target.
    along: Vec<f64>,
}

/// A column of which less than this part is new counts as made of the others.
const NEW: f64 = 1e-12;

impl<'a> Basis<'a> {
    fn new(columns: &'a Columns) -> Self {
        Self { columns, members: Vec::new(), vectors: Vec::new(), triangle: Vec::new(), along: Vec::new() }
    }

    /// Takes in a column, by Gram and Schmidt's method done twice; not one that the others make up for.
    fn push(&mut self, column: usize) -> bool {
        let (width, isa, n) = (self.columns.width, Isa::best(), self.members.len());
        let mut rest = self.columns.column(column).to_vec();
        let mut own = vec![0.0; n + 1];
        for _ in 0..2 {
            let mut parts = vec![0.0; n];
            linear_rows::dots(isa, &self.vectors, &rest, &mut parts);
            own.iter_mut().zip(&parts).for_each(|(own, part)| *own += part);
            parts.iter_mut().for_each(|part| *part = -*part);
            linear_rows::add_rows(isa, &self.vectors, &parts, &mut rest);
        }
        own[n] = norm(&rest);
        if own[n].is_nan() || own[n] <= NEW {
            return false;
        }
        rest.iter_mut().for_each(|v| *v /= own[n]);
        let mut along = [0.0];
        linear_rows::dots(isa, &rest, &self.columns.target[..width], &mut along);
        self.vectors.extend(rest);
        self.triangle.push(own);
        self.along.extend(along);
        self.members.push(column);
        true
    }

    /// Drops all columns but these, which stand in their order.
    fn keep(&mut self, columns: &[usize]) {
        let same = self.members.iter().zip(columns).take_while(|(a, b)| a == b).count();
        self.members.truncate(same);
        self.vectors.truncate(same * self.columns.width);
        self.triangle.truncate(same);
        self.along.truncate(same);
        columns[same..].iter().for_each(|&column| {
            self.push(column);
        });
    }

    /// The numbers of the members that come nearest to the target, of any sign.
    fn solve(&self) -> Vec<f64> {
        let mut z = self.along.clone();
        for k in (0..z.len()).rev() {
            z[k] /= self.triangle[k][k];
            for i in 0..k {
                z[i] = (-self.triangle[k][i]).mul_add(z[k], z[i]);
            }
        }
        z
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |sum: f64, v| v.mul_add(*v, sum)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns of length 1 whose numbers a seed makes; every fourth is nearly the one before it, or is it.
    fn made(n_rows: usize, n_columns: usize, seed: f64, apart: f64) -> Columns {
        let raw = |i: usize, j: usize| {
            let plain =
                |j: usize| (seed + 12.9898 * i as f64 + 78.233 * (j as f64 + 1.0)).sin() * 437.585 % 1.0;
            if j % 4 == 3 { plain(j - 1) + apart * plain(j) } else { plain(j) }
        };
        let length = |j: usize| (0..n_rows).map(|i| raw(i, j).powi(2)).sum::<f64>().sqrt();
        let lengths: Vec<f64> = (0..n_columns).map(length).collect();
        Columns::new(
            n_rows,
            n_columns,
            |i, j| raw(i, j) / lengths[j],
            |i| raw(i, 1) - 0.6 * raw(i, 0) + raw(i, 7) + 0.3,
        )
    }

    #[test]
    fn the_conditions_of_optimality_hold() {
        for (n_rows, n_columns) in [(1, 1), (8, 3), (30, 12), (20, 60), (64, 64)] {
            for (seed, apart) in [(0.0, 1.0), (1.0, 1e-4), (2.0, 1e-9), (3.0, 0.0)] {
                let columns = made(n_rows, n_columns, seed, apart);
                let z = columns.nonnegative();
                let residual = columns.residual(&z);
                let scale = norm(&columns.target);
                for (j, z) in z.iter().enumerate() {
                    let slope: f64 = columns.column(j).iter().zip(&residual).map(|(a, b)| a * b).sum();
                    let off = if *z > 0.0 { slope.abs() } else { slope };
                    assert!(*z >= 0.0 && off < 1e-11 * scale, "{n_rows} x {n_columns}, {apart}: {z} {off}");
                }
                assert!(n_columns < 12 || z.iter().any(|z| *z > 0.0) && z.contains(&0.0));
            }
        }
    }
}
