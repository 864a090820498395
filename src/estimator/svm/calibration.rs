//! Class probabilities of a fit: decision values of rows left out, and the sigmoids fitted to them.
//!
//! As libsvm does it: the rows of each pair of classes are put in random order and cut into 5 parts; the machine is
//! fitted without each part, and decides about it. libsvm draws its order from its own generator, which no other
//! program repeats; ours comes from the stream of `random_state`.

use super::fit::{Path, Solved, class_pairs};
use super::model::SvcModel;
use super::params::Svc;
use super::platt::Sigmoid;
use super::row_cache::RowCache;
use super::rows::KernelRows;
use super::training::TrainingSet;
use crate::data::Table;
use crate::error::Result;
use crate::estimator::plain::{gather, matrix as array};
use crate::rng::{self, Purpose};

/// Parts that the rows of a pair are cut into.
const N_PARTS: usize = 5;

/// The fit whose probabilities are wanted.
pub(super) struct Calibration<'a> {
    pub(super) svc: &'a Svc,
    pub(super) set: &'a TrainingSet,
    pub(super) gamma: f64,
    pub(super) class_weight: &'a [f64],
}

impl Calibration<'_> {
    /// The sigmoid of each pair of classes. Costs 5 fits a pair, over the kernel values of `matrix` where they are
    /// those of the whole table.
    ///
    /// # Errors
    /// As [`Svc::fit`].
    pub(super) fn sigmoids(&self, matrix: &mut KernelRows<'_>) -> Result<Vec<Sigmoid>> {
        let pairs = class_pairs(self.set.n_classes()).enumerate();
        pairs.map(|(number, pair)| self.pair(matrix, number as u64, pair)).collect()
    }

    fn pair(&self, matrix: &mut KernelRows<'_>, number: u64, (a, b): (usize, usize)) -> Result<Sigmoid> {
        let table = matrix.from.table;
        let places = self.set.class_rows(a).chain(self.set.class_rows(b));
        let mut rows: Vec<usize> = places.map(|place| self.set.rows[place] as usize).collect();
        let seed = self.svc.params().random_state.unwrap_or(0);
        rng::shuffle(&mut rng::stream(seed, Purpose::Calibration, number), &mut rows);
        let is_first = |row: usize| table.y[row] == self.set.classes[a];
        let mut decisions = Vec::with_capacity(rows.len());
        for part in 0..N_PARTS {
            let held = part * rows.len() / N_PARTS..(part + 1) * rows.len() / N_PARTS;
            let mut train = [&rows[..held.start], &rows[held.end..]].concat();
            train.sort_unstable();
            let n_first = train.iter().filter(|&&row| is_first(row)).count();
            decisions.extend(match (n_first, train.len() - n_first) {
                // A part without whom there is one class, or none, is decided by that.
                (0, 0) => vec![0.0; held.len()],
                (_, 0) => vec![1.0; held.len()],
                (0, _) => vec![-1.0; held.len()],
                _ => self.decide(matrix, [a, b], &train, &rows[held])?,
            });
        }
        let first: Vec<bool> = rows.iter().map(|&row| is_first(row)).collect();
        Ok(Sigmoid::fit(&decisions, &first))
    }

    /// Decision values of `held`, positive for the first class, by the machine fitted on `train`.
    fn decide(
        &self,
        matrix: &mut KernelRows<'_>,
        classes: [usize; 2],
        train: &[usize],
        held: &[usize],
    ) -> Result<Vec<f64>> {
        let (table, kernel, budget_bytes) = (matrix.from.table, matrix.kernel(), matrix.budget_bytes);
        let set = TrainingSet::new(table, train)?;
        let class_weight = classes.map(|class| self.class_weight[class]).to_vec();
        let (mut cache, mut compact) = (RowCache::default(), RowCache::default());
        let from = matrix.from;
        let store = matrix.store().map(|(store, _)| store);
        if store.is_none() {
            KernelRows::reset(&mut cache, &set, budget_bytes);
        }
        let mut rows = KernelRows::new(from, &set, kernel, store, &mut cache, budget_bytes);
        let solved = self.svc.solve_weighted(&set, &mut rows, &mut compact, class_weight, Path::OfLibsvm)?;
        matrix.n_asked += rows.n_asked;
        self.decisions(table, &set, &solved, held)
    }

    fn decisions(
        &self,
        table: &Table,
        set: &TrainingSet,
        solved: &Solved,
        held: &[usize],
    ) -> Result<Vec<f64>> {
        let model = SvcModel::assemble(self.svc, table, set, self.gamma, solved)?;
        let x = array(held.len(), table.x.ncols(), gather(table, held))?;
        Ok(model.decision_function(x.view())?.iter().map(|v| -v).collect())
    }
}
