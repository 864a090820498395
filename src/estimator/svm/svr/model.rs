//! A fitted SVR: its attributes and predictions.

use ndarray::{Array2, ArrayView2};

use super::params::{Svr, SvrParams};
use crate::data::Table;
use crate::error::{Error, Place, Result};
use crate::estimator::plain::{PlainModel, check_width, gather, matrix};
use crate::estimator::svm::pieces::in_pieces;
use crate::estimator::svm::rows::pack_weights;
use crate::estimator::svm::solver::Solution;
use crate::estimator::svm::training::TrainingSet;
use crate::estimator::{Array, Model, Values};
use crate::kernel::Isa;
use crate::kernel::svm::{self, KernelFunction, Panels};

/// A fitted SVR.
#[derive(Clone, Debug)]
pub struct SvrModel {
    svr: Svr,
    gamma: f64,
    support: Vec<i32>,
    support_vectors: Array2<f64>,
    dual_coef: Vec<f64>,
    intercept: f64,
    n_iter: u64,
    n_fit: usize,
    converged: bool,
    panels: Panels,
    weights: Vec<f64>,
}

/// What makes up a model.
struct Parts {
    gamma: f64,
    support: Vec<i32>,
    support_vectors: Array2<f64>,
    dual_coef: Vec<f64>,
    intercept: f64,
    n_iter: u64,
    n_fit: usize,
    converged: bool,
}

impl SvrModel {
    /// From a solution of two variables a row.
    pub(super) fn assemble(
        svr: &Svr,
        table: &Table,
        set: &TrainingSet,
        gamma: f64,
        solution: &Solution,
    ) -> Result<Self> {
        let (raise, lower) = solution.alpha.split_at(set.rows.len());
        let coefficients: Vec<f64> = raise.iter().zip(lower).map(|(raise, lower)| raise - lower).collect();
        let used: Vec<usize> = (0..coefficients.len()).filter(|&i| coefficients[i] != 0.0).collect();
        let rows: Vec<usize> = used.iter().map(|&i| set.rows[i] as usize).collect();
        Self::build(
            svr.clone(),
            Parts {
                gamma,
                support: used.iter().map(|&i| set.places[i]).collect(),
                support_vectors: matrix(used.len(), table.x.ncols(), gather(table, &rows))?,
                dual_coef: used.iter().map(|&i| coefficients[i]).collect(),
                intercept: -solution.rho,
                n_iter: solution.n_iter,
                n_fit: set.n_given,
                converged: solution.converged,
            },
        )
    }

    fn build(svr: Svr, parts: Parts) -> Result<Self> {
        let (n, d) = parts.support_vectors.dim();
        if parts.dual_coef.len() != n || parts.support.len() != n || d == 0 {
            let expected = "an SVR whose attributes fit together";
            return Err(Error::data("model", Place::default(), expected, "shapes that do not"));
        }
        let vectors = parts.support_vectors.as_slice().unwrap_or(&[]);
        Ok(Self {
            svr,
            gamma: parts.gamma,
            panels: Panels::new(vectors.chunks_exact(d), d),
            weights: pack_weights(&[&parts.dual_coef], n),
            support: parts.support,
            dual_coef: parts.dual_coef,
            intercept: parts.intercept,
            n_iter: parts.n_iter,
            n_fit: parts.n_fit,
            converged: parts.converged,
            support_vectors: parts.support_vectors,
        })
    }

    /// Rows that are support vectors, ascending.
    pub fn support(&self) -> &[i32] {
        &self.support
    }

    /// The support vectors `(n_SV, n_features)`.
    pub fn support_vectors(&self) -> &Array2<f64> {
        &self.support_vectors
    }

    /// Coefficients of the support vectors `(n_SV,)`.
    pub fn dual_coef(&self) -> &[f64] {
        &self.dual_coef
    }

    /// The constant.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// The kernel coefficient that was used.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// Iterations of the solver.
    pub fn n_iter(&self) -> u64 {
        self.n_iter
    }

    /// Weights of the features for the linear kernel, `(n_features,)`.
    pub fn coef(&self) -> Option<Vec<f64>> {
        if self.svr.machine.kernel(self.gamma) != KernelFunction::Linear {
            return None;
        }
        let mut coef = vec![0.0; self.support_vectors.ncols()];
        for (row, weight) in self.support_vectors.outer_iter().zip(&self.dual_coef) {
            coef.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * x);
        }
        Some(coef)
    }

    /// The model from its named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or do not fit together, [`Error::Job`] for wrong parameters.
    pub fn import(model: &Model) -> Result<Self> {
        let svr = model.params_as::<SvrParams>()?.validate()?;
        let support: Vec<i32> = model.numbers("support_")?.iter().map(|&v| v as i32).collect();
        let d = model.count("n_features_in_")?;
        let first = |name: &str| Ok::<_, Error>(model.vector(name, 1)?[0]);
        let vectors = model.numbers("support_vectors_")?;
        let parts = Parts {
            gamma: first("_gamma")?,
            support_vectors: matrix(support.len(), d, vectors)?,
            dual_coef: model.vector("dual_coef_", support.len())?,
            intercept: first("intercept_")?,
            n_iter: model.numbers("n_iter_")?.first().map_or(0, |&n| n as u64),
            n_fit: model.numbers("shape_fit_")?.first().map_or(0, |&n| n as usize),
            converged: model.numbers("fit_status_")?.first() == Some(&0.0),
            support,
        };
        Self::build(svr, parts)
    }
}

impl PlainModel for SvrModel {
    fn classes(&self) -> Option<&[f64]> {
        None
    }

    fn n_features_in(&self) -> usize {
        self.support_vectors.ncols()
    }

    /// 2 n_features n_SV flops a row.
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        check_width(x, self.support_vectors.ncols())?;
        let rows: Vec<f64> = x.iter().copied().collect();
        let mut sums = vec![0.0; x.nrows()];
        let kernel = self.svr.machine.kernel(self.gamma);
        in_pieces(&rows, x.ncols(), &mut sums, 1, |x, sums| {
            svm::weighted_sums(Isa::best(), kernel, &self.panels, &self.weights, 1, x, sums);
        })?;
        sums.iter_mut().for_each(|sum| *sum += self.intercept);
        Ok(sums)
    }

    fn converged(&self) -> bool {
        self.converged
    }

    fn export(&self) -> Model {
        let (n, d) = self.support_vectors.dim();
        let doubles = |shape: Vec<usize>, values: Vec<f64>| Array::new(shape, Values::F64(values));
        let mut attributes = vec![
            ("support_".to_owned(), Array::vector(Values::I32(self.support.clone()))),
            ("support_vectors_".into(), doubles(vec![n, d], self.support_vectors.iter().copied().collect())),
            ("n_support_".into(), Array::vector(Values::I32(vec![n as i32]))),
            ("dual_coef_".into(), doubles(vec![1, n], self.dual_coef.clone())),
            ("intercept_".into(), doubles(vec![1], vec![self.intercept])),
            ("n_iter_".into(), Array::integer(self.n_iter.min(i64::MAX as u64) as i64)),
            ("n_features_in_".into(), Array::integer(d as i64)),
            ("shape_fit_".into(), Array::vector(Values::I64(vec![self.n_fit as i64, d as i64]))),
            ("fit_status_".into(), Array::integer(i64::from(!self.converged))),
            ("_gamma".into(), Array::scalar(self.gamma)),
        ];
        if let Some(coef) = self.coef() {
            attributes.push(("coef_".into(), doubles(vec![1, d], coef)));
        }
        let params = serde_json::to_value(self.svr.params()).unwrap_or_default();
        Model { estimator: "SVR".into(), params, attributes }
    }
}
