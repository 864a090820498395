//! Fits whose problems are solved by block working sets.

use std::time::Instant;

use super::{Large, Limits, Peers, solve};
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::svm::fit::{Solved, SolvedPair, class_pairs};
use crate::estimator::svm::model::SvcModel;
use crate::estimator::svm::params::Svc;
use crate::estimator::svm::rows::table_row;
use crate::estimator::svm::solver::Solution;
use crate::estimator::svm::training::TrainingSet;

/// Rows from which block working sets are used.
const LARGE: usize = 20_000;

/// How a fit by block working sets went, on this rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LargeFit {
    /// Rounds, of all pairs of classes.
    pub n_rounds: u64,
    /// Kernel values that this rank computed.
    pub n_values: u64,
    /// Kernel values that it used; those not computed anew were kept.
    pub n_used: u64,
}

impl Svc {
    /// Whether a fit on `n` rows uses block working sets: its kernel matrix takes more than 1.6 GB.
    ///
    /// A property of the fit, not of the machine: their path is another than libsvm's. Calibration of probabilities
    /// needs many fits on parts of the rows, which share rows of one matrix; it keeps to libsvm's path.
    pub fn is_large(&self, n: usize) -> bool {
        n >= LARGE && !self.params().probability
    }

    /// Fits on all rows of `table` by block working sets, with `budget_bytes` of memory for this rank's part of kernel rows.
    ///
    /// # Collective
    /// For each pair of classes one allgather a round, of at most 48 KB a rank, and one of 8 bytes a row at the end. Every
    /// rank returns the same model.
    ///
    /// # Errors
    /// As [`Svc::fit`].
    pub fn fit_large(
        &self,
        table: &Table,
        budget_bytes: usize,
        peers: &dyn Peers,
    ) -> Result<(SvcModel, LargeFit)> {
        let rows: Vec<usize> = (0..table.x.nrows()).collect();
        let set = TrainingSet::new(table, &rows)?;
        let gamma = self.gamma_on(table, &rows);
        let class_weight = set.class_weight(self, table)?;
        let limits = Limits {
            tol: self.params().tol,
            max_iter: self.max_iter(),
            deadline: self.time_limit().map(|limit| Instant::now() + limit),
            budget_bytes,
        };
        let (mut pairs, mut told) = (Vec::new(), LargeFit::default());
        for classes in class_pairs(set.n_classes()) {
            let weights = [class_weight[classes.0], class_weight[classes.1]];
            let solved = self.large_pair(table, &set, gamma, classes, weights, limits, peers)?;
            told.n_rounds += solved.n_rounds;
            told.n_values += solved.n_values;
            told.n_used += solved.n_used;
            if !solved.f.iter().chain(&solved.alpha).all(|v| v.is_finite()) {
                let expected = "data and a kernel whose dual coefficients are finite (scaled data?)";
                return Err(Error::data(&table.origin, Place::default(), expected, "an overflow"));
            }
            pairs.push(solved);
        }
        let bounds = |(a, b): (usize, usize)| -> Vec<f64> {
            let of = |class: usize| set.bounds(class, self.params().c * class_weight[class]);
            [of(a), of(b)].concat()
        };
        let pairs = class_pairs(set.n_classes()).zip(pairs).map(|(classes, solved)| {
            let n_first = set.class_rows(classes.0).len();
            let rho = threshold(&solved, n_first, &bounds(classes));
            let solution = Solution::finished(Vec::new(), rho, solved.n_iter, solved.converged);
            SolvedPair { alpha: solved.alpha, solution }
        });
        let solved = Solved { pairs: pairs.collect(), class_weight };
        Ok((SvcModel::assemble(self, table, &set, gamma, &solved)?, told))
    }

    #[expect(clippy::too_many_arguments, reason = "what a pair is made of")]
    fn large_pair(
        &self,
        table: &Table,
        set: &TrainingSet,
        gamma: f64,
        (a, b): (usize, usize),
        weights: [f64; 2],
        limits: Limits,
        peers: &dyn Peers,
    ) -> Result<super::Solved> {
        let rows: Vec<u32> = [&set.rows[set.class_rows(a)], &set.rows[set.class_rows(b)]].concat();
        let n_first = set.class_rows(a).len();
        let c = self.params().c;
        let bounds = [set.bounds(a, c * weights[0]), set.bounds(b, c * weights[1])].concat();
        let signs: Vec<f64> = (0..rows.len()).map(|i| if i < n_first { 1.0 } else { -1.0 }).collect();
        let problem = Large {
            kernel: self.kernel(gamma),
            signs: &signs,
            bounds: &bounds,
            x: &|v| table_row(table, rows[v] as usize),
            n_features: table.x.ncols(),
        };
        solve(&problem, limits, peers)
    }
}

/// The threshold: the mean of −f over free variables, or the middle of what the bounds allow.
fn threshold(solved: &super::Solved, n_first: usize, bounds: &[f64]) -> f64 {
    let (mut n_free, mut sum) = (0usize, 0.0);
    let (mut above, mut below) = (f64::INFINITY, f64::NEG_INFINITY);
    for (v, (&alpha, &f)) in solved.alpha.iter().zip(&solved.f).enumerate() {
        let grows = alpha < bounds[v];
        match (alpha > 0.0 && grows, grows == (v < n_first)) {
            (true, _) => (n_free, sum) = (n_free + 1, sum - f),
            (false, true) => above = above.min(-f),
            (false, false) => below = below.max(-f),
        }
    }
    if n_free > 0 { sum / n_free as f64 } else { (above + below) / 2.0 }
}
