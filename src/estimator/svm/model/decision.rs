//! Decision values and predictions of a fitted SVC.

use ndarray::{Array2, ArrayView2};

use super::SvcModel;
use crate::error::{Error, Place, Result};
use crate::estimator::svm::fit::class_pairs;
use crate::estimator::svm::one_vs_one::{first_largest, one_vs_rest, vote};
use crate::estimator::svm::params::DecisionShape;
use crate::kernel::Isa;
use crate::kernel::svm;

impl SvcModel {
    /// Decision values of the pairs, `(n_rows, n_pairs)`: positive for the pair's first class.
    pub(super) fn pair_decisions(&self, x: &[f64]) -> Array2<f64> {
        let (k, d) = (self.classes.len(), self.support_vectors.ncols());
        let n = x.len() / d.max(1);
        let mut sums = vec![vec![0.0; n * (k - 1)]; k];
        for (sums, class) in sums.iter_mut().zip(&self.expansion) {
            svm::weighted_sums(Isa::best(), self.kernel, &class.panels, &class.weights, k - 1, x, sums);
        }
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
        let decisions = self.pair_decisions(&self.row_major(x)?);
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
        Ok(self.predict_rows(&self.row_major(x)?))
    }

    /// The same for rows one after the other.
    pub(in crate::estimator::svm) fn predict_rows(&self, x: &[f64]) -> Vec<f64> {
        self.winners(&self.pair_decisions(x))
    }

    /// What scores of rows one after the other are computed from: predictions, and for two classes decision values,
    /// larger for the second.
    pub fn predict_and_decide(&self, x: &[f64]) -> (Vec<f64>, Option<Vec<f64>>) {
        let decisions = self.pair_decisions(x);
        let binary = self.classes.len() == 2;
        (self.winners(&decisions), binary.then(|| decisions.iter().map(|v| -v).collect()))
    }

    /// Decision values of the only pair of two classes, positive for the first.
    pub(in crate::estimator::svm) fn first_decisions(&self, x: &[f64]) -> Vec<f64> {
        self.pair_decisions(x).into_raw_vec_and_offset().0
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
