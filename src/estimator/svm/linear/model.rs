//! A fitted linear support vector machine: its attributes, decisions and predictions.

use ndarray::{Array2, ArrayView2};

use super::fit::{Kind, LinearSvm};
use super::newton::Minimum;
use super::params::{LinearSvcParams, LinearSvrParams};
use crate::error::{Error, Place, Result};
use crate::estimator::plain::{PlainModel, check_width, matrix};
use crate::estimator::targets::Classes;
use crate::estimator::{Array, Model, Values};

/// A fitted linear support vector machine.
#[derive(Clone, Debug)]
pub struct LinearSvmModel {
    svm: LinearSvm,
    /// None for numbers.
    classes: Option<Classes>,
    n_features: usize,
    /// Row by row, one row a problem.
    coef: Vec<f64>,
    intercept: Vec<f64>,
    n_iter: usize,
    converged: bool,
}

impl LinearSvmModel {
    pub(super) fn of(
        svm: LinearSvm,
        classes: Option<Classes>,
        n_features: usize,
        minima: &[Minimum],
    ) -> Self {
        let coef = minima.iter().flat_map(|minimum| &minimum.w[..n_features]).copied().collect();
        let intercept = |minimum: &Minimum| svm.settings.intercept.map_or(0.0, |s| s * minimum.w[n_features]);
        Self {
            intercept: minima.iter().map(intercept).collect(),
            n_iter: minima.iter().map(|minimum| minimum.n_iter).max().unwrap_or(0),
            converged: minima.iter().all(|minimum| minimum.converged),
            svm,
            classes,
            n_features,
            coef,
        }
    }

    /// The weights of the features, row by row: `(1, n_features)` for two classes and for numbers, `(n_classes,
    /// n_features)` for more.
    pub fn coef(&self) -> &[f64] {
        &self.coef
    }

    /// The constants, one a row of [`coef`](Self::coef).
    pub fn intercept(&self) -> &[f64] {
        &self.intercept
    }

    /// Most iterations of any problem.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// The model from its named arrays.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or do not fit together, [`Error::Job`] for wrong parameters.
    pub fn import(model: &Model) -> Result<Self> {
        let n_features = model.count("n_features_in_")?;
        let (svm, classes) = if model.estimator == "LinearSVC" {
            (model.params_as::<LinearSvcParams>()?.validate(0)?, Some(Classes::import(model)?))
        } else {
            (model.params_as::<LinearSvrParams>()?.validate(0)?, None)
        };
        let n = match classes.as_ref().map(|classes| classes.targets.len()) {
            Some(0 | 1) => {
                return Err(Error::data("model", Place::default(), "at least 2 classes_", "fewer"));
            }
            None | Some(2) => 1,
            Some(n) => n,
        };
        let intercept = match svm.settings.intercept {
            Some(_) => model.vector("intercept_", n)?,
            None => vec![0.0; n],
        };
        Ok(Self {
            coef: model.vector("coef_", n * n_features)?,
            intercept,
            n_iter: model.count("n_iter_").unwrap_or(0),
            converged: true,
            svm,
            classes,
            n_features,
        })
    }

    /// A single 0 where none was fitted, as in scikit-learn.
    fn export_intercept(&self) -> Array {
        match self.svm.settings.intercept {
            Some(_) => Array::vector(Values::F64(self.intercept.clone())),
            None => Array::scalar(0.0),
        }
    }

    /// The value of each problem for each row, `(n_rows, n_problems)`.
    fn values(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        check_width(x, self.n_features)?;
        let n = self.intercept.len();
        let mut values = Vec::with_capacity(x.nrows() * n);
        for row in x.outer_iter() {
            let problems = self.coef.chunks_exact(self.n_features).zip(&self.intercept);
            values.extend(problems.map(|(coef, &intercept)| {
                row.iter().zip(coef).fold(0.0, |sum, (x, w)| x.mul_add(*w, sum)) + intercept
            }));
        }
        matrix(x.nrows(), n, values)
    }
}

impl PlainModel for LinearSvmModel {
    fn n_features_in(&self) -> usize {
        self.n_features
    }

    fn n_iter(&self) -> Option<usize> {
        Some(self.n_iter)
    }

    fn classes(&self) -> Option<&[f64]> {
        self.classes.as_ref().map(|classes| classes.targets.as_slice())
    }

    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        let values = self.values(x)?;
        let Some(classes) = &self.classes else { return Ok(values.iter().copied().collect()) };
        let class = |row: ndarray::ArrayView1<'_, f64>| match row.len() {
            1 => usize::from(row[0] > 0.0),
            n => (1..n).fold(0, |best, i| if row[i] > row[best] { i } else { best }),
        };
        Ok(values.outer_iter().map(|row| classes.targets[class(row)]).collect())
    }

    fn decision_function(&self, x: ArrayView2<'_, f64>) -> Result<Option<Array2<f64>>> {
        if self.classes.is_some() { self.values(x).map(Some) } else { Ok(None) }
    }

    fn converged(&self) -> bool {
        self.converged
    }

    fn export(&self) -> Model {
        let (n, d) = (self.intercept.len(), self.n_features);
        let coef = Values::F64(self.coef.clone());
        let mut attributes = Vec::new();
        let (shape, params) = match &self.svm.kind {
            Kind::Classes(params) => (vec![n, d], serde_json::to_value(params)),
            Kind::Numbers(params) => (vec![d], serde_json::to_value(params)),
        };
        if let Some(classes) = &self.classes {
            attributes.push(("classes_".to_owned(), classes.export()));
        }
        attributes.push(("coef_".into(), Array::new(shape, coef)));
        attributes.push(("intercept_".into(), self.export_intercept()));
        attributes.push(("n_iter_".into(), Array::integer(self.n_iter as i64)));
        attributes.push(("n_features_in_".into(), Array::integer(d as i64)));
        Model { estimator: self.svm.name().into(), params: params.unwrap_or_default(), attributes }
    }
}
