//! What a fitted model can be asked for, row by row, and how each answers.

use super::predict::Predictor;
use super::wording;
use crate::data::Block;
use crate::error::{Error, Result};
use crate::kernel::Real;

/// What to make of rows, under scikit-learn's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The class, number or cluster.
    #[default]
    Predict,
    /// The probability of each class.
    PredictProba,
    /// The values that decide between the classes: one for two classes, else one a class (or pair).
    DecisionFunction,
    /// The row as a transformer changes it; for KMeans its distance to each centroid.
    Transform,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Predict, Self::PredictProba, Self::DecisionFunction, Self::Transform];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::PredictProba => "predict_proba",
            Self::DecisionFunction => "decision_function",
            Self::Transform => "transform",
        }
    }

    /// The error for a model that has only the methods `known`.
    pub(super) fn refused(self, estimator: &str, known: &[Self]) -> Error {
        let names: Vec<&str> = known.iter().map(|method| method.name()).collect();
        let (known, name) = (wording::one_of(&names), self.name());
        Error::Usage {
            message: format!("--method {name}: expected {known} for {estimator}, found \"{name}\""),
        }
    }
}

/// How many numbers a row becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// One: a vector of all rows.
    One,
    /// So many: a table.
    Many(usize),
}

/// What a classifier says of some rows.
pub(super) struct Classified {
    /// The class of each.
    pub(super) predicted: Vec<f64>,
    /// `(n_rows, n_classes)`, where the model knows probabilities.
    pub(super) proba: Option<Vec<f64>>,
    /// Larger for the second of two classes `(n_rows,)`, or one for each of more `(n_rows, n_classes)`, where the model
    /// decides so.
    pub(super) decision: Option<Vec<f64>>,
}

impl Predictor {
    /// How many numbers `method` makes of a row of `n_features`; `None` when the model has no such method.
    pub(super) fn width(&self, method: Method, n_features: usize) -> Option<Width> {
        let of_classes = |k: usize| if k == 2 { Width::One } else { Width::Many(k) };
        match (self, method) {
            (Self::Rows, Method::Transform) => Some(Width::Many(n_features)),
            (Self::Rows, _) => None,
            (_, Method::Predict) => Some(Width::One),
            (Self::KMeans(model), Method::Transform) => Some(Width::Many(model.n_clusters())),
            (Self::Linear(model), Method::DecisionFunction) => Some(of_classes(model.classes()?.len())),
            (Self::Linear(model), Method::PredictProba) => Some(Width::Many(model.classes()?.len())),
            (Self::Forest(model), Method::PredictProba) => {
                Some(model.classes().len()).filter(|k| *k > 0).map(Width::Many)
            }
            (Self::GaussianNb(model), Method::PredictProba) => Some(Width::Many(model.classes().len())),
            (Self::Svc(model), Method::DecisionFunction) => Some(model.n_decisions()).map(|n| match n {
                1 => Width::One,
                n => Width::Many(n),
            }),
            (Self::Svc(model), Method::PredictProba) if model.has_probabilities() => {
                Some(Width::Many(model.classes().len()))
            }
            (Self::Plain(model), Method::PredictProba | Method::DecisionFunction) => {
                // Which of them it has shows on any row.
                let row = ndarray::Array2::zeros((1, model.n_features_in()));
                let values = match method {
                    Method::PredictProba => model.predict_proba(row.view()),
                    _ => model.decision_function(row.view()),
                };
                values.ok()?.map(|values| match (values.ncols(), method) {
                    (1, Method::DecisionFunction) => Width::One,
                    (n, _) => Width::Many(n),
                })
            }
            _ => None,
        }
    }

    /// The methods that the model has.
    pub(super) fn methods(&self, n_features: usize) -> Vec<Method> {
        Method::ALL.into_iter().filter(|method| self.width(*method, n_features).is_some()).collect()
    }

    /// What `method` makes of the rows of a block, row by row.
    ///
    /// # Errors
    /// [`Error::Data`] when rows have another number of features than the model's.
    pub(super) fn apply<T: Real>(&self, method: Method, block: &Block<T>) -> Result<Vec<f64>> {
        let missing = || Error::internal("a method that this model has not");
        match (self, method) {
            (Self::Rows, _) => Ok(block.x.iter().map(|v| v.to_f64()).collect()),
            (Self::KMeans(model), Method::Transform) => model.transform(block),
            (Self::KMeans(model), _) => Ok(model.predict(block)?.into_iter().map(f64::from).collect()),
            (Self::Linear(model), Method::Predict) => model.predict(block),
            (Self::Linear(model), Method::DecisionFunction) => model.decision_function(block),
            (Self::Linear(model), _) => {
                model.probabilities(&model.decision_function(block)?).ok_or_else(missing)
            }
            (Self::Forest(model), Method::Predict) => model.predict(table(block)?.view()),
            (Self::Forest(model), _) => {
                Ok(model.predict_values(table(block)?.view())?.into_raw_vec_and_offset().0)
            }
            (Self::GaussianNb(model), Method::Predict) => model.predict(block),
            (Self::GaussianNb(model), _) => model.predict_proba(block),
            (Self::Plain(model), method) => {
                let x = table(block)?;
                let values = match method {
                    Method::Predict => return model.predict(x.view()),
                    Method::PredictProba => model.predict_proba(x.view())?,
                    _ => model.decision_function(x.view())?,
                };
                Ok(values.ok_or_else(missing)?.iter().copied().collect())
            }
            (Self::Svc(model), Method::Predict) => model.predict(table(block)?.view()),
            (Self::Svc(model), Method::PredictProba) => {
                let values = model.predict_proba(table(block)?.view())?;
                Ok(values.ok_or_else(missing)?.iter().copied().collect())
            }
            (Self::Svc(model), _) => {
                Ok(model.decision_function(table(block)?.view())?.iter().copied().collect())
            }
        }
    }

    /// The targets of the classes, ascending; `None` where targets are no classes.
    pub(super) fn classes(&self) -> Option<&[f64]> {
        match self {
            Self::Svc(model) => Some(model.classes()),
            Self::Forest(model) => Some(model.classes()).filter(|classes| !classes.is_empty()),
            Self::Linear(model) => model.classes(),
            Self::GaussianNb(model) => Some(model.classes()),
            Self::Plain(model) => model.classes(),
            Self::KMeans(_) | Self::Rows => None,
        }
    }

    /// All that scores of classes are computed from, each row's kernel or trees evaluated once.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); [`Error::Internal`] for what is no classifier.
    pub(super) fn classify<T: Real>(&self, block: &Block<T>) -> Result<Classified> {
        match self {
            Self::Linear(model) => {
                let eta = model.decision_function(block)?;
                let proba = model.probabilities(&eta);
                let decision = Some(eta.clone());
                Ok(Classified { predicted: model.decide(eta), proba, decision })
            }
            Self::Forest(model) => {
                let proba = model.predict_values(table(block)?.view())?.into_raw_vec_and_offset().0;
                Ok(Classified { predicted: model.decide(&proba), proba: Some(proba), decision: None })
            }
            Self::GaussianNb(model) => {
                let (predicted, proba) = (model.predict(block)?, Some(model.predict_proba(block)?));
                Ok(Classified { predicted, proba, decision: None })
            }
            Self::Svc(model) => {
                let x: Vec<f64> = block.x.iter().map(|v| v.to_f64()).collect();
                let (predicted, decision) = model.predict_and_decide(&x)?;
                let proba = model.predict_proba(table(block)?.view())?;
                let proba = proba.map(|proba| proba.iter().copied().collect());
                Ok(Classified { predicted, proba, decision })
            }
            Self::Plain(model) => {
                let x = table(block)?;
                let proba = model.predict_proba(x.view())?.map(|proba| proba.iter().copied().collect());
                let decision = model.decision_function(x.view())?;
                let decision = decision.map(|values| values.iter().copied().collect());
                Ok(Classified { predicted: model.predict(x.view())?, proba, decision })
            }
            Self::KMeans(_) | Self::Rows => Err(Error::internal("no classifier")),
        }
    }
}

fn table<T: Real>(block: &Block<T>) -> Result<ndarray::Array2<f64>> {
    let values = block.x.iter().map(|v| v.to_f64()).collect();
    ndarray::Array2::from_shape_vec((block.n_rows, block.n_features), values)
        .map_err(|e| Error::internal(format!("a block of the wrong shape: {e}")))
}
