//! A fitted SVC as named arrays, and back.

use ndarray::Array2;

use super::{Parts, SvcModel, matrix};
use crate::error::{Error, Place, Result};
use crate::estimator::svm::SvcParams;
use crate::estimator::svm::platt::Sigmoid;
use crate::estimator::{Array, Model, Values};

impl SvcModel {
    /// The model as named arrays under scikit-learn's names.
    pub fn export(&self) -> Model {
        let (n_sv, d, k) = (self.support.len(), self.support_vectors.ncols(), self.classes.len());
        let classes = match self.class_labels() {
            Some(labels) => Values::Text(labels),
            None => Values::I64(self.classes.iter().map(|&c| c as i64).collect()),
        };
        let doubles = |v: &[f64]| Array::vector(Values::F64(v.to_vec()));
        let table =
            |shape: [usize; 2], m: &Array2<f64>| Array::new(shape, Values::F64(m.iter().copied().collect()));
        let mut attributes = vec![
            ("classes_".to_string(), Array::vector(classes)),
            ("support_".into(), Array::vector(Values::I32(self.support.clone()))),
            ("support_vectors_".into(), table([n_sv, d], &self.support_vectors)),
            ("n_support_".into(), Array::vector(Values::I32(self.n_support.clone()))),
            ("dual_coef_".into(), table([k - 1, n_sv], &self.dual_coef())),
            ("intercept_".into(), doubles(&self.intercept())),
            ("class_weight_".into(), doubles(&self.class_weight)),
            ("n_iter_".into(), Array::vector(Values::I32(self.n_iter.clone()))),
            ("n_features_in_".into(), Array::integer(d as i64)),
            ("shape_fit_".into(), Array::vector(Values::I64(self.shape_fit.map(|v| v as i64).to_vec()))),
            ("fit_status_".into(), Array::integer(i64::from(!self.converged))),
            ("_gamma".into(), Array::scalar(self.gamma)),
        ];
        if !self.sigmoids.is_empty() {
            let (a, b) = self.probabilities();
            attributes.push(("probA_".into(), doubles(&a)));
            attributes.push(("probB_".into(), doubles(&b)));
        }
        if let Some(coef) = self.coef() {
            attributes.push(("coef_".into(), table([coef.nrows(), d], &coef)));
        }
        let params = serde_json::to_value(self.svc.params()).unwrap_or_default();
        Model { estimator: "SVC".into(), params, attributes }
    }

    /// The model from named arrays. Classes given as text come back numbered in their order.
    ///
    /// # Errors
    /// [`Error::Data`] when attributes are missing or do not fit together, [`Error::Job`] for wrong parameters.
    pub fn import(model: &Model) -> Result<Self> {
        let params: SvcParams = serde_json::from_value(model.params.clone())
            .map_err(|e| Error::data("model", Place::default(), "parameters of SVC", e.to_string()))?;
        let integers = |name: &str| Ok::<_, Error>(model.numbers(name)?.iter().map(|&v| v as i32).collect());
        let (classes, class_names) = match &model.attribute("classes_")?.values {
            Values::Text(names) => ((0..names.len()).map(|i| i as f64).collect(), Some(names.clone())),
            _ => (model.numbers("classes_")?, None),
        };
        let (support, n_support): (Vec<i32>, Vec<i32>) = (integers("support_")?, integers("n_support_")?);
        let shape_fit: Vec<usize> = model.numbers("shape_fit_")?.iter().map(|&v| v as usize).collect();
        let [n_fit, d] = shape_fit[..] else {
            return Err(Error::data(
                "model",
                Place::default(),
                "2 numbers in shape_fit_",
                shape_fit.len().to_string(),
            ));
        };
        let binary = classes.len() == 2;
        let signed =
            |v: Vec<f64>, flip: bool| -> Vec<f64> { v.iter().map(|&v| if flip { -v } else { v }).collect() };
        let dual = signed(model.numbers("dual_coef_")?, binary);
        let n_pairs = classes.len() * classes.len().saturating_sub(1) / 2;
        let sigmoids = match (model.attribute("probA_"), model.attribute("probB_")) {
            (Ok(_), Ok(_)) => {
                let (a, b) = (model.vector("probA_", n_pairs)?, model.vector("probB_", n_pairs)?);
                a.into_iter().zip(b).map(|(a, b)| Sigmoid { a, b }).collect()
            }
            _ => Vec::new(),
        };
        let built = Self::build(Parts {
            svc: params.validate()?,
            gamma: model.numbers("_gamma")?.first().copied().unwrap_or(f64::NAN),
            class_weight: model.numbers("class_weight_")?,
            support_vectors: matrix(support.len(), d, model.numbers("support_vectors_")?)?,
            coefficients: matrix(classes.len().saturating_sub(1), support.len(), dual)?,
            rho: signed(model.numbers("intercept_")?, !binary),
            n_iter: integers("n_iter_")?,
            shape_fit: [n_fit, d],
            converged: model.numbers("fit_status_")?.first() == Some(&0.0),
            classes,
            class_names,
            support,
            n_support,
        })?;
        Ok(built.with_sigmoids(sigmoids))
    }
}
