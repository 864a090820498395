//! A fitted GaussianNB and what it predicts.

use std::f64::consts::PI;

use crate::data::Block;
use crate::error::{Error, Place, Result};
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;

/// What a fit found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit {
    pub(super) classes: Vec<f64>,
    pub(super) class_names: Option<Vec<String>>,
    pub(super) class_count: Vec<f64>,
    pub(super) class_prior: Vec<f64>,
    /// `(n_classes, n_features)`
    pub(super) theta: Vec<f64>,
    /// `(n_classes, n_features)`
    pub(super) var: Vec<f64>,
    pub(super) epsilon: f64,
}

/// A fitted GaussianNB.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianNbModel {
    params: serde_json::Value,
    fit: Fit,
    /// log prior − ½ Σ log 2πσ² of each class.
    constants: Vec<f64>,
}

impl GaussianNbModel {
    pub(super) fn new(params: serde_json::Value, fit: Fit) -> Self {
        let d = fit.theta.len() / fit.classes.len();
        let constant = |(prior, var): (&f64, &[f64])| {
            prior.ln() - 0.5 * var.iter().map(|var| (2.0 * PI * var).ln()).sum::<f64>()
        };
        let constants = fit.class_prior.iter().zip(fit.var.chunks_exact(d)).map(constant).collect();
        Self { params, fit, constants }
    }

    /// The targets of the classes, ascending.
    pub fn classes(&self) -> &[f64] {
        &self.fit.classes
    }

    /// Features of a row.
    pub fn n_features_in(&self) -> usize {
        self.fit.theta.len() / self.fit.classes.len()
    }

    /// log P(class) + log P(row | class) of each row and class, `(n_rows, n_classes)`: 4 flops a value and class.
    ///
    /// # Errors
    /// [`Error::Data`] when rows have another number of features.
    pub fn joint_log_likelihood<T: Real>(&self, block: &Block<T>) -> Result<Vec<f64>> {
        let d = self.n_features_in();
        if block.n_features != d {
            let expected = format!("{d} features, as the model was fitted on");
            return Err(Error::data("data", Place::default(), expected, block.n_features.to_string()));
        }
        let of = |row: &[T], class: usize| {
            let (theta, var) = (&self.fit.theta[class * d..][..d], &self.fit.var[class * d..][..d]);
            let distance = row.iter().zip(theta).zip(var).fold(0.0, |sum, ((x, theta), var)| {
                let apart = x.to_f64() - theta;
                sum + apart * apart / var
            });
            self.constants[class] - 0.5 * distance
        };
        let classes = 0..self.fit.classes.len();
        Ok((0..block.n_rows)
            .flat_map(|r| classes.clone().map(move |c| (r, c)))
            .map(|(r, c)| of(block.row(r), c))
            .collect())
    }

    /// The likeliest class of each row, the first of equals.
    ///
    /// # Errors
    /// As [`joint_log_likelihood`](Self::joint_log_likelihood).
    pub fn predict<T: Real>(&self, block: &Block<T>) -> Result<Vec<f64>> {
        let joint = self.joint_log_likelihood(block)?;
        let k = self.fit.classes.len();
        let best = |of_row: &[f64]| (1..k).fold(0, |best, c| if of_row[c] > of_row[best] { c } else { best });
        Ok(joint.chunks_exact(k).map(|of_row| self.fit.classes[best(of_row)]).collect())
    }

    /// The probability of each class for each row, `(n_rows, n_classes)`.
    ///
    /// # Errors
    /// As [`joint_log_likelihood`](Self::joint_log_likelihood).
    pub fn predict_proba<T: Real>(&self, block: &Block<T>) -> Result<Vec<f64>> {
        let mut joint = self.joint_log_likelihood(block)?;
        for of_row in joint.chunks_exact_mut(self.fit.classes.len()) {
            let greatest = of_row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let evidence = greatest + of_row.iter().map(|log| (log - greatest).exp()).sum::<f64>().ln();
            of_row.iter_mut().for_each(|log| *log = (*log - evidence).exp());
        }
        Ok(joint)
    }

    /// The model as named arrays.
    pub fn export(&self) -> Model {
        let fit = &self.fit;
        let (k, d) = (fit.classes.len(), self.n_features_in());
        let classes = match &fit.class_names {
            Some(names) => Values::Text(names.clone()),
            None => Values::I64(fit.classes.iter().map(|&class| class as i64).collect()),
        };
        let vector = |values: &[f64]| Array::vector(Values::F64(values.to_vec()));
        let attributes = vec![
            ("classes_".to_owned(), Array::vector(classes)),
            ("class_count_".into(), vector(&fit.class_count)),
            ("class_prior_".into(), vector(&fit.class_prior)),
            ("theta_".into(), Array::new([k, d], Values::F64(fit.theta.clone()))),
            ("var_".into(), Array::new([k, d], Values::F64(fit.var.clone()))),
            ("epsilon_".into(), Array::scalar(fit.epsilon)),
            ("n_features_in_".into(), Array::integer(d as i64)),
        ];
        Model { estimator: "GaussianNB".into(), params: self.params.clone(), attributes }
    }

    /// The model that [`export`](Self::export) wrote.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or do not fit each other.
    pub fn import(model: &Model) -> Result<Self> {
        let (classes, class_names) = match &model.attribute("classes_")?.values {
            Values::Text(names) => ((0..names.len()).map(|i| i as f64).collect(), Some(names.clone())),
            _ => (model.numbers("classes_")?, None),
        };
        let (k, d) = (classes.len(), model.count("n_features_in_")?);
        if k == 0 {
            return Err(Error::data("model", Place::default(), "at least 1 of classes_", "none"));
        }
        let var = model.vector("var_", k.saturating_mul(d))?;
        if var.iter().any(|var| *var <= 0.0) {
            return Err(Error::data("model", Place::default(), "positive numbers in var_", "others"));
        }
        let fit = Fit {
            class_count: model.vector("class_count_", k)?,
            class_prior: model.vector("class_prior_", k)?,
            theta: model.vector("theta_", k.saturating_mul(d))?,
            var,
            epsilon: model.vector("epsilon_", 1)?[0],
            classes,
            class_names,
        };
        Ok(Self::new(model.params.clone(), fit))
    }
}
