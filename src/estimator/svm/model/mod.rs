//! A fitted SVC: its attributes; [`decision`] and [`exchange`] are what is done with them.

mod decision;
mod exchange;
mod probability;

use std::ops::Range;

use ndarray::Array2;

use super::fit::{Solved, class_pairs};
use super::params::Svc;
use super::platt::Sigmoid;
use super::rows::{pack_weights, table_row};
use super::training::TrainingSet;
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::kernel::svm::{KernelFunction, Panels};

/// A fitted SVC.
#[derive(Clone, Debug)]
pub struct SvcModel {
    svc: Svc,
    gamma: f64,
    kernel: KernelFunction,
    classes: Vec<f64>,
    class_names: Option<Vec<String>>,
    class_weight: Vec<f64>,
    support: Vec<i32>,
    support_vectors: Array2<f64>,
    n_support: Vec<i32>,
    /// α y, `(n_classes - 1, n_SV)` with libsvm's signs: a positive decision is a vote for the first class.
    coefficients: Array2<f64>,
    rho: Vec<f64>,
    n_iter: Vec<i32>,
    shape_fit: [usize; 2],
    converged: bool,
    expansion: Vec<ClassExpansion>,
    /// One a pair of classes, where probabilities were asked for.
    sigmoids: Vec<Sigmoid>,
}

/// A class's support vectors and their coefficients, packed for the kernel.
#[derive(Clone, Debug)]
struct ClassExpansion {
    panels: Panels,
    weights: Vec<f64>,
}

/// What makes up a model; checked and packed by [`SvcModel::build`].
struct Parts {
    svc: Svc,
    gamma: f64,
    classes: Vec<f64>,
    class_names: Option<Vec<String>>,
    class_weight: Vec<f64>,
    support: Vec<i32>,
    support_vectors: Array2<f64>,
    n_support: Vec<i32>,
    coefficients: Array2<f64>,
    rho: Vec<f64>,
    n_iter: Vec<i32>,
    shape_fit: [usize; 2],
    converged: bool,
}

impl SvcModel {
    /// Puts the pairs' solutions together.
    pub(super) fn assemble(
        svc: &Svc,
        table: &Table,
        set: &TrainingSet,
        gamma: f64,
        solved: &Solved,
    ) -> Result<Self> {
        let k = set.n_classes();
        let mut of_row = vec![vec![0.0; k - 1]; set.rows.len()];
        for ((a, b), solution) in class_pairs(k).zip(&solved.pairs) {
            let rows = set.class_rows(a).chain(set.class_rows(b));
            for (row, &alpha) in rows.zip(&solution.alpha) {
                let (column, y) = if row < set.starts[a + 1] { (b - 1, 1.0) } else { (a, -1.0) };
                of_row[row][column] = alpha * y;
            }
        }
        let used: Vec<usize> = (0..of_row.len()).filter(|&r| of_row[r].iter().any(|&c| c != 0.0)).collect();
        let count = |class: Range<usize>| used.iter().filter(|r| class.contains(r)).count() as i32;
        let d = table.x.ncols();
        let vectors: Vec<f64> =
            used.iter().flat_map(|&r| table_row(table, set.rows[r] as usize).to_vec()).collect();
        Self::build(Parts {
            svc: svc.clone(),
            gamma,
            classes: set.classes.clone(),
            class_names: table.class_names.clone(),
            class_weight: solved.class_weight.clone(),
            support: used.iter().map(|&r| set.places[r]).collect(),
            support_vectors: matrix(used.len(), d, vectors)?,
            n_support: (0..k).map(|c| count(set.class_rows(c))).collect(),
            coefficients: Array2::from_shape_fn((k - 1, used.len()), |(c, s)| of_row[used[s]][c]),
            rho: solved.pairs.iter().map(|p| p.solution.rho).collect(),
            n_iter: solved
                .pairs
                .iter()
                .map(|p| i32::try_from(p.solution.n_iter).unwrap_or(i32::MAX))
                .collect(),
            shape_fit: [set.n_given, d],
            converged: solved.pairs.iter().all(|p| p.solution.converged),
        })
    }

    fn build(parts: Parts) -> Result<Self> {
        let (k, n_sv, d) =
            (parts.classes.len(), parts.support_vectors.nrows(), parts.support_vectors.ncols());
        let consistent = k >= 2
            && parts.n_support.len() == k
            && parts.n_support.iter().map(|&n| n as usize).sum::<usize>() == n_sv
            && parts.coefficients.dim() == (k - 1, n_sv)
            && parts.rho.len() == k * (k - 1) / 2;
        if !consistent {
            let expected = "an SVC whose attributes fit together";
            return Err(Error::data("model", Place::default(), expected, "shapes that do not"));
        }
        let mut expansion = Vec::with_capacity(k);
        let mut start = 0;
        for &n in &parts.n_support {
            let range = start..start + n as usize;
            start = range.end;
            let vectors = &parts.support_vectors.as_slice().unwrap_or(&[])[range.start * d..range.end * d];
            let weights: Vec<&[f64]> = parts
                .coefficients
                .outer_iter()
                .map(|row| &row.to_slice().unwrap_or(&[])[range.clone()])
                .collect();
            expansion.push(ClassExpansion {
                panels: Panels::new(vectors.chunks_exact(d.max(1)), d),
                weights: pack_weights(&weights, n as usize),
            });
        }
        Ok(Self {
            kernel: parts.svc.kernel(parts.gamma),
            svc: parts.svc,
            gamma: parts.gamma,
            classes: parts.classes,
            class_names: parts.class_names,
            class_weight: parts.class_weight,
            support: parts.support,
            support_vectors: parts.support_vectors,
            n_support: parts.n_support,
            coefficients: parts.coefficients,
            rho: parts.rho,
            n_iter: parts.n_iter,
            shape_fit: parts.shape_fit,
            converged: parts.converged,
            expansion,
            sigmoids: Vec::new(),
        })
    }

    /// The targets of the classes, ascending.
    pub fn classes(&self) -> &[f64] {
        &self.classes
    }

    /// The names of the classes when targets were given as text.
    pub fn class_labels(&self) -> Option<Vec<String>> {
        let names = self.class_names.as_ref()?;
        Some(self.classes.iter().map(|&c| names[c as usize].clone()).collect())
    }

    /// Rows that are support vectors, class by class.
    pub fn support(&self) -> &[i32] {
        &self.support
    }

    /// The support vectors `(n_SV, n_features)`.
    pub fn support_vectors(&self) -> &Array2<f64> {
        &self.support_vectors
    }

    /// Support vectors of each class.
    pub fn n_support(&self) -> &[i32] {
        &self.n_support
    }

    /// Coefficients of the support vectors `(n_classes - 1, n_SV)`, positive for the second of two classes.
    pub fn dual_coef(&self) -> Array2<f64> {
        if self.classes.len() == 2 { -&self.coefficients } else { self.coefficients.clone() }
    }

    /// Constants of the decision functions, one a pair of classes.
    pub fn intercept(&self) -> Vec<f64> {
        let sign = if self.classes.len() == 2 { 1.0 } else { -1.0 };
        self.rho.iter().map(|&rho| sign * rho).collect()
    }

    /// Weights of the features for the linear kernel, `(n_pairs, n_features)`.
    pub fn coef(&self) -> Option<Array2<f64>> {
        if self.kernel != KernelFunction::Linear {
            return None;
        }
        let (k, dual) = (self.classes.len(), self.dual_coef());
        let mut coef = Array2::zeros((k * (k - 1) / 2, self.support_vectors.ncols()));
        for ((a, b), mut out) in class_pairs(k).zip(coef.outer_iter_mut()) {
            for (class, column) in [(a, b - 1), (b, a)] {
                for s in self.class_support(class) {
                    out.scaled_add(dual[[column, s]], &self.support_vectors.row(s));
                }
            }
        }
        Some(coef)
    }

    /// Places of a class's support vectors.
    fn class_support(&self, class: usize) -> Range<usize> {
        let start: i32 = self.n_support[..class].iter().sum();
        start as usize..(start + self.n_support[class]) as usize
    }

    /// Iterations of each pair's problem.
    pub fn n_iter(&self) -> &[i32] {
        &self.n_iter
    }

    /// The kernel coefficient that was used.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// The factor of C of each class.
    pub fn class_weight(&self) -> &[f64] {
        &self.class_weight
    }

    /// The parameters that it was fitted with.
    pub fn svc(&self) -> &Svc {
        &self.svc
    }

    /// Whether every pair's problem reached the tolerance.
    pub fn converged(&self) -> bool {
        self.converged
    }
}

fn matrix(rows: usize, columns: usize, values: Vec<f64>) -> Result<Array2<f64>> {
    let found = format!("{} values", values.len());
    Array2::from_shape_vec((rows, columns), values)
        .map_err(|_| Error::data("model", Place::default(), format!("{rows} x {columns} values"), found))
}
