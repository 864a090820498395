//! GaussianNB in one pass: the moments of every class, and those of all rows.

use serde::{Deserialize, Serialize};

use super::model::GaussianNbModel;
use super::params::GaussianNbParams;
use crate::comm::Partial;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Place, Result};
use crate::estimator::preprocessing::ColumnMoments;
use crate::estimator::targets::{is_class, no_class};
use crate::kernel::Real;

/// More distinct targets than this are taken for numbers.
const MOST_CLASSES: usize = 10_000;

impl GaussianNbParams {
    /// Fits mean and variance of each feature within each class, in one pass.
    ///
    /// Variances are those of the population, plus `var_smoothing` times the largest variance of a feature over all
    /// rows (which does not know of weights, as in scikit-learn). Cost: 10 flops a value.
    ///
    /// # Collective
    /// One pass; a partial is 3 · n_features numbers for each class, and as many for all rows.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Error::Job`] for another number of priors than classes; [`Error::Data`]
    /// for targets that are no classes, weights below 0 or all 0, and a feature that
    /// without smoothing does not vary.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<GaussianNbModel> {
        self.validate()?;
        let origin = engine.origin();
        let fault =
            |expected: &str, found: String| Err(Error::data(&origin, Place::default(), expected, found));
        let (shape, class_names) = (engine.shape().clone(), engine.class_names());
        if !shape.has_targets {
            return fault("targets (data.y or a label column)", "none".into());
        }
        if shape.n_features == 0 {
            return fault("at least 1 feature", "none".into());
        }
        let ClassMoments { classes, all } = engine.run_once(&ClassMomentsPass {
            target_origin: engine.target_origin(),
            target_name: engine.target_name(),
        })?;
        let weight: f64 = classes.iter().map(|(_, moments)| moments.weight).sum();
        if weight <= 0.0 {
            let (origin, found) = (engine.weight_origin(), "only zeros");
            return Err(Error::data(origin, Place::default(), "a positive sum of weights", found));
        }
        let class_prior = self.class_prior(&classes, weight)?;
        let epsilon = self.var_smoothing * all.variances().into_iter().fold(0.0, f64::max);
        let d = shape.n_features;
        let (mut theta, mut var) =
            (Vec::with_capacity(classes.len() * d), Vec::with_capacity(classes.len() * d));
        for (_, moments) in &classes {
            // A class that weighs nothing has no moments; as in scikit-learn they are 0.
            let known = moments.weight > 0.0;
            let share = if known { 1.0 / moments.weight } else { 0.0 };
            theta.extend(moments.mean.iter().map(|mean| if known { *mean } else { 0.0 }));
            var.extend(
                moments.squares.iter().zip(&moments.mean).map(|(squares, _)| squares * share + epsilon),
            );
        }
        if let Some(at) = var.iter().position(|var| !(*var > 0.0 && var.is_finite())) {
            let place = Place { column: Some((at % d).to_string()), ..Place::default() };
            let class = name(class_names.as_deref(), classes[at / d].0);
            let expected = format!("values of class {class} with a positive, finite variance");
            return Err(Error::data(&origin, place, expected, var[at].to_string()));
        }
        Ok(GaussianNbModel::new(
            serde_json::to_value(self).unwrap_or_default(),
            super::model::Fit {
                class_names: class_names
                    .map(|names| classes.iter().map(|(class, _)| names[*class as usize].clone()).collect()),
                class_count: classes.iter().map(|(_, moments)| moments.weight).collect(),
                classes: classes.into_iter().map(|(class, _)| class).collect(),
                class_prior,
                theta,
                var,
                epsilon,
            },
        ))
    }

    fn class_prior(&self, classes: &[(f64, ColumnMoments)], weight: f64) -> Result<Vec<f64>> {
        match &self.priors {
            None => Ok(classes.iter().map(|(_, moments)| moments.weight / weight).collect()),
            Some(priors) if priors.len() == classes.len() => Ok(priors.clone()),
            Some(priors) => {
                let expected = format!("{} numbers, one for each class", classes.len());
                Err(Error::job("priors", expected, priors.len().to_string()))
            }
        }
    }
}

/// What a class is called in messages.
fn name(names: Option<&[String]>, class: f64) -> String {
    names
        .and_then(|names| names.get(class as usize))
        .map_or_else(|| class.to_string(), |name| format!("{name:?}"))
}

/// The moments of the rows of each class, ascending, and of all rows counted once.
#[derive(Serialize, Deserialize)]
struct ClassMoments {
    classes: Vec<(f64, ColumnMoments)>,
    all: ColumnMoments,
}

impl Partial for ClassMoments {
    fn merge(&mut self, right: Self) {
        self.all.merge(right.all);
        for (class, moments) in right.classes {
            match self.classes.binary_search_by(|(known, _)| known.total_cmp(&class)) {
                Ok(at) => self.classes[at].1.merge(moments),
                Err(at) => self.classes.insert(at, (class, moments)),
            }
        }
    }
}

struct ClassMomentsPass {
    target_origin: String,
    target_name: Option<String>,
}

impl<T: Real> Pass<T> for ClassMomentsPass {
    type Partial = ClassMoments;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<ClassMoments> {
        if let Some(row) = block.y.iter().position(|class| !is_class(*class)) {
            let (expected, found) = no_class(block.y[row]);
            let place = Place::at(block.first_row + row as u64, self.target_name.clone());
            return Err(Error::data(&self.target_origin, place, expected, found));
        }
        // Stable, so that the rows of a class keep their order; adding 0 makes one class of 0 and −0.
        let mut order: Vec<usize> = (0..block.n_rows).collect();
        order.sort_by(|&a, &b| (block.y[a] + 0.0).total_cmp(&(block.y[b] + 0.0)));
        let mut classes = Vec::new();
        let (mut x, mut weights) = (Vec::new(), Vec::new());
        for rows in order.chunk_by(|&a, &b| block.y[a] == block.y[b]) {
            x.clear();
            rows.iter().for_each(|&row| x.extend_from_slice(block.row(row)));
            weights.clear();
            weights.extend(rows.iter().filter_map(|&row| block.weights.get(row)));
            let moments = ColumnMoments::of_rows(&x, block.n_features, &weights);
            classes.push((block.y[rows[0]] + 0.0, moments));
        }
        if classes.len() > MOST_CLASSES {
            let found = format!("{} distinct targets in one block", classes.len());
            let expected = "targets that are classes";
            return Err(Error::data(&self.target_origin, Place::row(block.first_row), expected, found));
        }
        Ok(ClassMoments { classes, all: ColumnMoments::of_rows(&block.x, block.n_features, &[]) })
    }
}
