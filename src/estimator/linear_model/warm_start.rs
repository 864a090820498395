//! Where a fit starts when not at 0.

use super::model::LinearModel;
use crate::error::{Error, Place, Result};

/// A fitted model to start from.
#[derive(Clone, Copy, Debug)]
pub struct WarmStart<'a> {
    /// Where it comes from, for messages.
    pub origin: &'a str,
    /// The model.
    pub model: &'a LinearModel,
}

impl WarmStart<'_> {
    /// The parameters, output by output the coefficients and, when fitted, the intercept behind them.
    ///
    /// # Errors
    /// [`Error::Data`] when the model has another number of features, or other classes.
    pub(super) fn params(
        &self,
        n_features: usize,
        classes: Option<(&[f64], Option<&[String]>)>,
        fit_intercept: bool,
    ) -> Result<Vec<f64>> {
        let fault = |expected: String, found: String| {
            Err(Error::data(self.origin, Place::default(), expected, found))
        };
        let (model, d) = (self.model, self.model.n_features());
        if d != n_features {
            return fault(format!("a model of {n_features} features to start from"), d.to_string());
        }
        if let Some((classes, names)) = classes {
            let same = match (names, &model.class_names) {
                (None, None) => model.classes() == Some(classes),
                (Some(names), Some(known)) => {
                    let names = classes.iter().filter_map(|class| names.get(*class as usize));
                    names.eq(known)
                }
                _ => false,
            };
            if !same {
                let shown = |names: Option<&[String]>, classes: &[f64]| match names {
                    Some(names) => names.join(", "),
                    None => format!("{classes:?}"),
                };
                let expected = format!("a model of the classes {} to start from", shown(names, classes));
                let found = shown(model.class_names.as_deref(), model.classes().unwrap_or(&[]));
                return fault(expected, found);
            }
        }
        let of_output = |(coef, intercept): (&[f64], &f64)| {
            let mut params = coef.to_vec();
            params.extend(fit_intercept.then_some(*intercept));
            params
        };
        Ok(model.coef.chunks_exact(d).zip(&model.intercept).flat_map(of_output).collect())
    }
}
