//! Predictions for rows of the table that a fit was done on, from stored kernel values.
//!
//! The stored values are in single precision. A vote is taken from them only where the decision value is farther
//! from 0 than their rounding can move it; the other rows are predicted by the model, in double precision. So all
//! predictions are the model's.

use std::cell::OnceCell;

use super::fit::{Solved, class_pairs};
use super::model::SvcModel;
use super::one_vs_one::vote;
use super::params::Svc;
use super::rows::{KernelRows, table_row};
use super::training::TrainingSet;
use crate::error::Result;
use crate::estimator::plain::matrix as array;
use crate::kernel::svm;
use crate::telemetry::check_interrupt;

/// The features of `rows` of the table, row by row.
fn features(matrix: &KernelRows<'_>, rows: &[usize]) -> Vec<f64> {
    rows.iter().flat_map(|&row| table_row(matrix.from.table, row)).copied().collect()
}

/// A fit whose model is put together when it is asked for.
pub(super) struct Fitted<'a> {
    pub(super) svc: &'a Svc,
    pub(super) set: &'a TrainingSet,
    pub(super) gamma: f64,
    pub(super) solved: &'a Solved,
    pub(super) model: OnceCell<SvcModel>,
}

impl Fitted<'_> {
    fn model(&self, matrix: &KernelRows<'_>) -> Result<&SvcModel> {
        if let Some(model) = self.model.get() {
            return Ok(model);
        }
        let made = SvcModel::assemble(self.svc, matrix.from.table, self.set, self.gamma, self.solved)?;
        Ok(self.model.get_or_init(|| made))
    }

    fn predict_by_model(&self, matrix: &KernelRows<'_>, rows: &[usize]) -> Result<Vec<f64>> {
        self.model(matrix)?.predict_rows(&features(matrix, rows))
    }

    /// The predicted classes of `rows` and their decision values, as [`SvcModel::predict_and_decide`]: all by the model, since decision values are scored by their order and have no rounding to spare.
    pub(super) fn decide(
        &self,
        matrix: &KernelRows<'_>,
        rows: &[usize],
    ) -> Result<(Vec<f64>, Option<Vec<f64>>)> {
        self.model(matrix)?.predict_and_decide(&features(matrix, rows))
    }

    /// Probabilities of the classes `(n_rows, n_classes)` of `rows`, where the model has them.
    pub(super) fn probabilities(&self, matrix: &KernelRows<'_>, rows: &[usize]) -> Result<Option<Vec<f64>>> {
        let x = array(rows.len(), matrix.from.table.x.ncols(), features(matrix, rows))?;
        Ok(self.model(matrix)?.predict_proba(x.view())?.map(|proba| proba.into_iter().collect()))
    }

    /// The predicted classes of `rows` of the table, and how many of them the stored values did not decide.
    pub(super) fn predict(&self, matrix: &mut KernelRows<'_>, rows: &[usize]) -> Result<(Vec<f64>, usize)> {
        let k = self.set.n_classes();
        let by_votes = k == 2 || !self.svc.params().break_ties;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let mut decisions = self.left_over(matrix, rows);
        if decisions.is_none() && by_votes {
            // Column by column, so that neighbours of a class are read together.
            if let Some((store, _)) = matrix.store() {
                order.sort_unstable_by_key(|&i| store.column(rows[i]));
            }
            let sorted: Vec<usize> = order.iter().map(|&i| rows[i]).collect();
            decisions = self.decisions(matrix, &sorted)?;
        }
        let Some(decisions) = decisions else {
            return Ok((self.predict_by_model(matrix, rows)?, rows.len()));
        };
        let n_pairs = self.solved.pairs.len();
        let mut predicted = vec![f64::NAN; rows.len()];
        let (mut row, mut votes) = (vec![0.0; n_pairs], Vec::new());
        let mut unsure = Vec::new();
        for (at, &i) in order.iter().enumerate() {
            let mut sure = true;
            for (p, value) in row.iter_mut().enumerate() {
                *value = decisions.values[p * rows.len() + at];
                // Written so that what is no number is unsure.
                sure &= value.abs() > decisions.errors[p * rows.len() + at];
            }
            match sure {
                true => predicted[i] = self.set.classes[vote(&row, k, &mut votes)],
                false => unsure.push(i),
            }
        }
        if !unsure.is_empty() {
            let again: Vec<usize> = unsure.iter().map(|&i| rows[i]).collect();
            for (&i, class) in unsure.iter().zip(self.predict_by_model(matrix, &again)?) {
                predicted[i] = class;
            }
        }
        Ok((predicted, unsure.len()))
    }

    /// Decision values of two classes as the solver left them: f of a column that the fit did not use is what its
    /// decision value is made of. None where they leave too many rows unsure.
    fn left_over(&self, matrix: &mut KernelRows<'_>, rows: &[usize]) -> Option<Decisions> {
        let [pair] = &self.solved.pairs[..] else { return None };
        let (store, from) = matrix.store()?;
        let relative = store.relative_error(from.table);
        let columns: Vec<usize> = rows.iter().map(|&row| store.column(row) as usize).collect();
        let sizes = &matrix.sizes;
        if pair.solution.f.len() != sizes.len() {
            return None;
        }
        let used = matrix.columns(0..pair.alpha.len());
        let weight: f64 = used.iter().zip(&pair.alpha).map(|(&c, a)| a * sizes[c as usize]).sum();
        let total: f64 = pair.alpha.iter().sum();
        let (solution, n_first) = (&pair.solution, matrix.range(matrix.part(0)).len());
        let sign = |column: usize| if column < n_first { 1.0 } else { -1.0 };
        let values: Vec<f64> = columns.iter().map(|&c| sign(c) - solution.f[c] - solution.rho).collect();
        let error = |c: usize| {
            let exact = solution.rounding.bound(sizes[c]) + solution.rho.abs() * 8.0 * f64::EPSILON;
            weight * sizes[c] * relative + total * f64::from(f32::MIN_POSITIVE) + exact
        };
        let errors: Vec<f64> = columns.iter().map(|&c| error(c)).collect();
        let sure = values.iter().zip(&errors).filter(|(value, error)| value.abs() > **error).count();
        ((rows.len() - sure) * 16 <= rows.len()).then_some(Decisions { values, errors })
    }

    /// Decision values of the pairs from the stored kernel values, if there are any.
    fn decisions(&self, matrix: &mut KernelRows<'_>, rows: &[usize]) -> Result<Option<Decisions>> {
        let isa = matrix.isa();
        let Some((store, from)) = matrix.store() else { return Ok(None) };
        let relative = store.relative_error(from.table);
        if relative > 1e-3 {
            return Ok(None);
        }
        let n = rows.len();
        let columns = store.columns(rows.iter().copied());
        let mut values = vec![0.0; n * self.solved.pairs.len()];
        let mut errors = values.clone();
        let (mut taken, mut n_asked) = (vec![0.0; n], 0);
        for (p, ((a, b), pair)) in class_pairs(self.set.n_classes()).zip(&self.solved.pairs).enumerate() {
            let (values, errors) = (&mut values[p * n..(p + 1) * n], &mut errors[p * n..(p + 1) * n]);
            let n_first = self.set.class_rows(a).len();
            let mut weight = 0.0;
            let places = self.set.class_rows(a).chain(self.set.class_rows(b));
            for (t, (place, &alpha)) in places.zip(&pair.alpha).enumerate().filter(|(_, (_, a))| **a != 0.0) {
                check_interrupt()?;
                columns.copy(store.row(from, self.set.rows[place] as usize), &mut taken);
                svm::add_row_and_size(isa, values, errors, &taken, if t < n_first { alpha } else { -alpha });
                weight += alpha;
                n_asked += n as u64;
            }
            // Values too small for single precision, and the threshold's own rounding.
            let least = weight * f64::from(f32::MIN_POSITIVE) + pair.solution.rho.abs() * 8.0 * f64::EPSILON;
            values.iter_mut().for_each(|value| *value -= pair.solution.rho);
            errors.iter_mut().for_each(|error| *error = *error * relative + least);
        }
        matrix.n_asked += n_asked;
        Ok(Some(Decisions { values, errors }))
    }
}

/// `(n_pairs, n_rows)` decision values, positive for the pair's first class, and bounds on their errors.
struct Decisions {
    values: Vec<f64>,
    errors: Vec<f64>,
}
