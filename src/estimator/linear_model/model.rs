//! A fitted linear model and what it predicts.

use serde::{Deserialize, Serialize};

use crate::data::Block;
use crate::error::{Error, Place, Result};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;

/// How predictors become predictions.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// The predictor itself.
    Identity,
    /// e^η, as in Poisson regression.
    Exponential,
    /// The more probable class of two or more.
    Classes(Vec<f64>),
}

/// What one iteration came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The objective, penalty included.
    pub loss: f64,
    /// The largest component of its gradient (with an l1 term: of the step that a gradient step would take).
    pub gradient_norm: f64,
    /// Wall-clock seconds on this rank.
    pub seconds: f64,
}

/// A fitted linear model.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    /// The estimator's name.
    pub estimator: &'static str,
    /// Coefficients `(n_outputs, n_features)`.
    pub coef: Vec<f64>,
    /// Intercepts `(n_outputs,)`, 0 when not fitted.
    pub intercept: Vec<f64>,
    /// From predictors to predictions.
    pub response: Response,
    /// Iterations done; absent for closed forms.
    pub n_iter: Option<usize>,
    /// For coordinate descent the duality gap at the end, of the objective that is minimised.
    pub dual_gap: Option<f64>,
    /// Whether the solver reached its tolerance.
    pub converged: bool,
    /// One record an iteration; empty for closed forms.
    pub history: Vec<Record>,
    /// The parameters it was fitted with.
    pub params: serde_json::Value,
    /// Names of the classes when targets are text: class `i` is called `class_names[i]`.
    pub class_names: Option<Vec<String>>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl LinearModel {
    /// The model of a fit, once it is sure that its numbers are some.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a coefficient or an intercept has left the range of a double.
    pub(super) fn finite(self) -> Result<Self> {
        match self.coef.iter().chain(&self.intercept).find(|value| !value.is_finite()) {
            None => Ok(self),
            Some(value) => {
                let found = format!("a coefficient of {value} (scaled data and weights?)");
                Err(Error::Diverged {
                    what: self.estimator.into(),
                    iteration: self.n_iter.unwrap_or(0),
                    found,
                })
            }
        }
    }

    /// Features of a row.
    pub fn n_features(&self) -> usize {
        self.coef.len() / self.intercept.len()
    }

    /// Predictors η of each row, `(n_rows, n_outputs)`.
    ///
    /// # Errors
    /// [`Error::Data`] when rows have another number of features.
    pub fn decision_function<T: Real>(&self, block: &Block<T>) -> Result<Vec<f64>> {
        self.predictors(&block.x, block.n_features)
    }

    /// The same for rows that lie one after the other, `(n_rows, n_features)`.
    pub(super) fn predictors<T: Real>(&self, x: &[T], n_features: usize) -> Result<Vec<f64>> {
        let d = self.n_features();
        if n_features != d {
            let expected = format!("{d} features, as the model was fitted on");
            return Err(Error::data("data", Place::default(), expected, n_features.to_string()));
        }
        let eta = |row: &[T], k: usize| {
            let coef = &self.coef[k * d..(k + 1) * d];
            row.iter().zip(coef).fold(self.intercept[k], |sum, (x, c)| x.to_f64().mul_add(*c, sum))
        };
        let outputs = 0..self.intercept.len();
        Ok(x.chunks_exact(d).flat_map(|row| outputs.clone().map(move |k| eta(row, k))).collect())
    }

    /// The prediction for each row: a number, or the class.
    ///
    /// # Errors
    /// As [`decision_function`](Self::decision_function).
    pub fn predict<T: Real>(&self, block: &Block<T>) -> Result<Vec<f64>> {
        Ok(self.decide(self.decision_function(block)?))
    }

    /// The predictions that follow from predictors η, `(n_rows, n_outputs)`.
    pub fn decide(&self, eta: Vec<f64>) -> Vec<f64> {
        match &self.response {
            Response::Identity => eta,
            Response::Exponential => eta.into_iter().map(f64::exp).collect(),
            Response::Classes(classes) if self.intercept.len() == 1 => {
                eta.into_iter().map(|eta| classes[usize::from(eta > 0.0)]).collect()
            }
            Response::Classes(classes) => eta
                .chunks_exact(classes.len())
                .map(|eta| {
                    // The first of the largest, as NumPy's argmax.
                    let best = (1..eta.len()).fold(0, |best, k| if eta[k] > eta[best] { k } else { best });
                    classes[best]
                })
                .collect(),
        }
    }

    /// The targets of the classes, ascending; `None` for a regressor.
    pub fn classes(&self) -> Option<&[f64]> {
        match &self.response {
            Response::Classes(classes) => Some(classes),
            _ => None,
        }
    }

    /// The probability of each class from predictors η, `(n_rows, n_classes)`; `None` for a regressor.
    ///
    /// Two classes: 1 / (1 + e^−η) is the second's. More: e^η divided by the sum over the classes.
    pub fn probabilities(&self, eta: &[f64]) -> Option<Vec<f64>> {
        let classes = self.classes()?;
        if self.intercept.len() == 1 {
            let second = eta.iter().map(|eta| 1.0 / (1.0 + (-eta).exp()));
            return Some(second.flat_map(|p| [1.0 - p, p]).collect());
        }
        let mut proba = eta.to_vec();
        for of_row in proba.chunks_exact_mut(classes.len()) {
            let greatest = of_row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            of_row.iter_mut().for_each(|p| *p = (*p - greatest).exp());
            let sum: f64 = of_row.iter().sum();
            of_row.iter_mut().for_each(|p| *p /= sum);
        }
        Some(proba)
    }

    /// The model as named arrays, shaped as scikit-learn's attributes.
    pub fn export(&self) -> Model {
        let (d, k) = (self.n_features(), self.intercept.len());
        let classifier = matches!(self.response, Response::Classes(_));
        let mut attributes = Vec::new();
        let mut put = |name: &str, array: Array| attributes.push((name.to_string(), array));
        if let Response::Classes(classes) = &self.response {
            put("coef_", Array::new([k, d], Values::F64(self.coef.clone())));
            put("intercept_", Array::vector(Values::F64(self.intercept.clone())));
            put("classes_", Array::vector(self.class_values(classes)));
        } else {
            put("coef_", Array::new([d], Values::F64(self.coef.clone())));
            put("intercept_", Array::scalar(self.intercept[0]));
        }
        if let Some(n_iter) = self.n_iter {
            let n_iter = n_iter as i64;
            let array = Array::integer(n_iter);
            put("n_iter_", if classifier { Array::vector(Values::I64(vec![n_iter])) } else { array });
        }
        if let Some(gap) = self.dual_gap {
            put("dual_gap_", Array::scalar(gap));
        }
        put("n_features_in_", Array::integer(d as i64));
        Model { estimator: self.estimator.into(), params: self.params.clone(), attributes }
    }

    fn class_values(&self, classes: &[f64]) -> Values {
        match &self.class_names {
            Some(names) => Values::Text(classes.iter().map(|&class| names[class as usize].clone()).collect()),
            None => Values::I64(classes.iter().map(|&class| class as i64).collect()),
        }
    }

    /// One array a quantity, one entry an iteration.
    pub fn history_arrays(&self) -> Vec<(String, Array)> {
        let column = |name: &str, of: fn(&Record) -> f64| {
            (name.to_string(), Array::vector(Values::F64(self.history.iter().map(of).collect())))
        };
        if self.history.is_empty() {
            return Vec::new();
        }
        vec![
            column("loss", |r| r.loss),
            column("gradient_norm", |r| r.gradient_norm),
            column("seconds", |r| r.seconds),
        ]
    }

    /// The model that [`export`](Self::export) wrote.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or do not fit each other.
    pub fn import(model: &Model) -> Result<Self> {
        let (coef, intercept) = (model.numbers("coef_")?, model.numbers("intercept_")?);
        let (estimator, response) = match model.estimator.as_str() {
            "LogisticRegression" => ("LogisticRegression", Response::Classes(classes(model)?)),
            "PoissonRegressor" => ("PoissonRegressor", Response::Exponential),
            "LinearRegression" => ("LinearRegression", Response::Identity),
            "Ridge" => ("Ridge", Response::Identity),
            "Lasso" => ("Lasso", Response::Identity),
            "ElasticNet" => ("ElasticNet", Response::Identity),
            other => {
                return Err(Error::data("model", Place::default(), "a linear model", other));
            }
        };
        if intercept.is_empty() || !coef.len().is_multiple_of(intercept.len()) || coef.is_empty() {
            let found = format!("{} coefficients for {} outputs", coef.len(), intercept.len());
            return Err(Error::data("model", Place::default(), "coefficients for each output", found));
        }
        if let Response::Classes(classes) = &response {
            let expected = if classes.len() == 2 { 1 } else { classes.len() };
            if classes.len() < 2 || intercept.len() != expected {
                let found = format!("{} classes and {} outputs", classes.len(), intercept.len());
                return Err(Error::data("model", Place::default(), "an output for each class", found));
            }
        }
        if coef.iter().chain(&intercept).any(|value| !value.is_finite()) {
            return Err(Error::data("model", Place::default(), "finite coefficients", "others"));
        }
        Ok(Self {
            estimator,
            coef,
            intercept,
            response,
            n_iter: None,
            dual_gap: None,
            converged: true,
            history: Vec::new(),
            params: model.params.clone(),
            class_names: match &model.attribute("classes_") {
                Ok(Array { values: Values::Text(names), .. }) => Some(names.clone()),
                _ => None,
            },
            warnings: Vec::new(),
        })
    }
}

/// The classes; those with names by their index.
fn classes(model: &Model) -> Result<Vec<f64>> {
    match &model.attribute("classes_")?.values {
        Values::Text(names) => Ok((0..names.len()).map(|i| i as f64).collect()),
        _ => model.numbers("classes_"),
    }
}
