//! Decision values and predictions of a fitted SVC.

use ndarray::{Array2, ArrayView2};

use super::SvcModel;
use crate::error::{Error, Place, Result};
use crate::estimator::svm::fit::class_pairs;
use crate::estimator::svm::one_vs_one::{first_largest, one_vs_rest, vote};
use crate::estimator::svm::params::DecisionShape;
use crate::estimator::svm::pieces::in_pieces;
use crate::kernel::Isa;
use crate::kernel::svm::{self, Screen};

/// From this many rows on, packing the support vectors once more pays.
const WORTHWHILE_ROWS: usize = 64;
/// Rows that are screened before the unsure ones among them are asked again.
const SCREENED_ROWS: usize = 4096;

impl SvcModel {
    /// Decision values of the pairs, `(n_rows, n_pairs)`: positive for the pair's first class.
    ///
    /// # Errors
    /// That of an [interruption](crate::telemetry::check_interrupt).
    pub(super) fn pair_decisions(&self, x: &[f64]) -> Result<Array2<f64>> {
        let (k, d) = (self.classes.len(), self.support_vectors.ncols());
        let n = x.len() / d.max(1);
        let mut sums = vec![vec![0.0; n * (k - 1)]; k];
        for (sums, class) in sums.iter_mut().zip(&self.expansion) {
            in_pieces(x, d, sums, k - 1, |x, sums| {
                svm::weighted_sums(Isa::best(), self.kernel, &class.panels, &class.weights, k - 1, x, sums);
            })?;
        }
        Ok(self.of_sums(&sums, n))
    }

    /// Decision values of the pairs from each class's sums `(n_rows, n_classes - 1)`.
    fn of_sums(&self, sums: &[Vec<f64>], n: usize) -> Array2<f64> {
        let k = self.classes.len();
        let pairs: Vec<(usize, usize)> = class_pairs(k).collect();
        Array2::from_shape_fn((n, pairs.len()), |(i, p)| {
            let (a, b) = pairs[p];
            sums[a][i * (k - 1) + b - 1] + sums[b][i * (k - 1) + a] - self.rho[p]
        })
    }

    /// Decision values of rows `x` `(n_rows, n_features)`, as scikit-learn shapes them.
    ///
    /// Two classes: `(n_rows, 1)`, positive for the second. More: `(n_rows, n_classes)` under `"ovr"` and
    /// `(n_rows, n_pairs)` under `"ovo"`. 2 n_features n_SV flops a row.
    ///
    /// # Errors
    /// [`Error::Data`] when rows have another number of features than the model.
    pub fn decision_function(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let decisions = self.pair_decisions(&self.row_major(x)?)?;
        let k = self.classes.len();
        if k == 2 {
            return Ok(-decisions);
        }
        Ok(if self.svc.shape == DecisionShape::OneVsOne { decisions } else { ovr(&decisions, k) })
    }

    /// How many decision values a row has: one for two classes, else one a class or one a pair of classes.
    pub fn n_decisions(&self) -> usize {
        match (self.classes.len(), self.svc.shape) {
            (2, _) => 1,
            (k, DecisionShape::OneVsOne) => k * (k - 1) / 2,
            (k, _) => k,
        }
    }

    /// The predicted class of each row, as its target.
    ///
    /// A row on the border of two classes (with small integers for features there are such) has a decision value of
    /// rounding errors only, and falls to the side of their sign. scikit-learn's round otherwise, and differ between
    /// its own `shrinking` settings.
    ///
    /// # Errors
    /// [`Error::Data`] when rows have another number of features than the model.
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        self.predict_rows(&self.row_major(x)?)
    }

    /// The same for rows one after the other.
    ///
    /// Votes that single precision decides beyond doubt are taken from it, the others asked again: the predictions
    /// are those of double precision.
    ///
    /// # Errors
    /// That of an [interruption](crate::telemetry::check_interrupt).
    pub(in crate::estimator::svm) fn predict_rows(&self, x: &[f64]) -> Result<Vec<f64>> {
        let (k, d) = (self.classes.len(), self.support_vectors.ncols().max(1));
        if (self.svc.params().break_ties && k > 2) || x.len() / d < WORTHWHILE_ROWS {
            return Ok(self.winners(&self.pair_decisions(x)?));
        }
        let Some(screens) = self.screens() else { return Ok(self.winners(&self.pair_decisions(x)?)) };
        let mut predicted = Vec::with_capacity(x.len() / d);
        let mut pays = true;
        for x in x.chunks(SCREENED_ROWS * d) {
            if !pays {
                predicted.extend(self.winners(&self.pair_decisions(x)?));
                continue;
            }
            let (decisions, unsure) = self.screened(&screens, x)?;
            pays = unsure.len() * 2 * d < x.len();
            let before = predicted.len();
            predicted.extend(self.winners(&decisions));
            let again: Vec<f64> = unsure.iter().flat_map(|&i| x[i * d..(i + 1) * d].to_vec()).collect();
            for (i, class) in unsure.into_iter().zip(self.winners(&self.pair_decisions(&again)?)) {
                predicted[before + i] = class;
            }
        }
        Ok(predicted)
    }

    /// Each class's support vectors in single precision, where that exists for the kernel.
    fn screens(&self) -> Option<Vec<Screen>> {
        let n_sums = self.classes.len() - 1;
        self.expansion.iter().map(|c| Screen::new(self.kernel, &c.panels, &c.weights, n_sums)).collect()
    }

    /// Decision values of the pairs in single precision, and the rows for which a sign may be wrong.
    fn screened(&self, screens: &[Screen], x: &[f64]) -> Result<(Array2<f64>, Vec<usize>)> {
        let (k, d) = (self.classes.len(), self.support_vectors.ncols().max(1));
        let n = x.len() / d;
        let mut sums = vec![vec![0.0; n * (k - 1)]; k];
        for (sums, screen) in sums.iter_mut().zip(screens) {
            in_pieces(x, d, sums, k - 1, |x, sums| svm::screened_sums(Isa::best(), screen, x, sums))?;
        }
        let decisions = self.of_sums(&sums, n);
        let is_sure = |i: usize| {
            let norm = x[i * d..(i + 1) * d].iter().map(|v| v * v).sum();
            class_pairs(k).zip(&self.rho).enumerate().all(|(p, ((a, b), rho))| {
                let error = screens[a].error(b - 1, norm) + screens[b].error(a, norm);
                // Written so that what is no number is unsure.
                decisions[(i, p)].abs() > error + rho.abs() * 8.0 * f64::EPSILON
            })
        };
        let unsure = (0..n).filter(|&i| !is_sure(i)).collect();
        Ok((decisions, unsure))
    }

    /// What scores of rows one after the other are computed from: predictions, and decision values, of two classes
    /// larger for the second, of more one for each; none where there is one a pair.
    ///
    /// # Errors
    /// That of an [interruption](crate::telemetry::check_interrupt).
    pub fn predict_and_decide(&self, x: &[f64]) -> Result<(Vec<f64>, Option<Vec<f64>>)> {
        let decisions = self.pair_decisions(x)?;
        let values = match (self.classes.len(), self.svc.shape) {
            (2, _) => Some(decisions.iter().map(|v| -v).collect()),
            (_, DecisionShape::OneVsOne) => None,
            (k, _) => Some(ovr(&decisions, k).iter().copied().collect()),
        };
        Ok((self.winners(&decisions), values))
    }

    /// The classes that the pairs' decision values elect.
    fn winners(&self, decisions: &Array2<f64>) -> Vec<f64> {
        let k = self.classes.len();
        if self.svc.params().break_ties && k > 2 {
            let by_class = ovr(decisions, k);
            return by_class.outer_iter().map(|v| self.classes[first_largest(&v.to_vec())]).collect();
        }
        let mut votes = Vec::new();
        let winner = |row: &[f64], votes: &mut Vec<u32>| self.classes[vote(row, k, votes)];
        decisions.outer_iter().map(|row| winner(row.to_slice().unwrap_or(&[]), &mut votes)).collect()
    }

    pub(super) fn row_major(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        let d = self.support_vectors.ncols();
        if x.ncols() != d {
            let found = format!("{} features", x.ncols());
            return Err(Error::data("data", Place::default(), format!("{d} features, as fitted"), found));
        }
        Ok(x.iter().copied().collect())
    }
}

/// One value a class from one a pair.
fn ovr(decisions: &Array2<f64>, n_classes: usize) -> Array2<f64> {
    let mut out = Array2::zeros((decisions.nrows(), n_classes));
    for (row, mut out) in decisions.outer_iter().zip(out.outer_iter_mut()) {
        let (Some(row), Some(out)) = (row.to_slice(), out.as_slice_mut()) else { continue };
        one_vs_rest(row, n_classes, out);
    }
    out
}
