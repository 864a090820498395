//! Logistic and Poisson regression: a survey of the targets, then a solver on the objective.

use super::model::{LinearModel, Response};
use super::objective::{Coding, Definition, GlmObjective};
use super::params::{LogisticRegressionParams, PoissonRegressorParams, Solver};
use super::separation::separates;
use super::solver::{Solution, Stopping, admm, gradient_descent, lbfgs, newton_cholesky, proximal_grad};
use super::targets::{Targets, can_divide, check_classes, check_counts, check_numbers, class_names, survey};
use super::warm_start::WarmStart;
use crate::data::Table;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::estimator::targets::Classes;
use crate::kernel::Real;
use crate::kernel::glm::Loss;

impl LogisticRegressionParams {
    /// Minimises `1/(Σw) Σ w·loss + 1/(C·Σw)·penalty(coef)`, scikit-learn's objective divided by `C·Σw`.
    ///
    /// Two classes have one output, more have one each (multinomial).
    ///
    /// # Collective
    /// One pass for the targets, then one or two an iteration; a partial is the parameters' number (for Newton
    /// its square). Without a penalty one more, where the classes may be separable.
    ///
    /// # Errors
    /// Invalid parameters, targets that are no classes, a loss that turns NaN.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<LinearModel> {
        self.fit_from(engine, None)
    }

    /// The same from another model's coefficients on.
    ///
    /// # Collective
    /// As [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for a model of other features or classes.
    pub fn fit_from<T: Real>(
        &self,
        engine: &mut PassEngine<'_, T>,
        start: Option<WarmStart<'_>>,
    ) -> Result<LinearModel> {
        self.validate()?;
        let targets = survey(engine, true)?;
        check_classes(&targets, engine)?;
        let classes: Vec<f64> = targets.classes.iter().map(|(class, ..)| *class).collect();
        let names = class_names(engine);
        let class_weight = self.class_factors(&targets, &classes, names.as_deref())?;
        let factor = |i: usize| class_weight.get(i).copied().unwrap_or(1.0);
        let weights: Vec<f64> =
            targets.classes.iter().enumerate().map(|(i, (.., w))| factor(i) * w).collect();
        let weight: f64 = weights.iter().sum();
        if !can_divide(targets.n_rows, weight) {
            // The weights by themselves were in order.
            let found = if weight == 0.0 { "0".into() } else { format!("{weight:e}") };
            let expected = "factors with which the weights add up to a number above 0";
            return Err(Error::job("estimator.class_weight", expected, found));
        }
        let (loss, n_outputs) = match classes.len() {
            2 => (Loss::HalfBinomial, 1),
            n => (Loss::HalfMultinomial, n),
        };
        let strength = 1.0 / (self.c * weight);
        let coding = Coding { classes: classes.clone(), class_weight };
        let definition = Definition {
            what: "LogisticRegression",
            loss,
            coding: coding.clone(),
            scale: 1.0 / weight,
            l2: strength * self.l2_strength(),
            fit_intercept: self.fit_intercept,
        };
        let n_params = n_outputs * (engine.shape().n_features + usize::from(self.fit_intercept));
        let fit = Fit {
            solver: self.solver,
            l1: strength * self.l1_strength(),
            stopping: Stopping { tol: self.tol, max_iter: self.max_iter },
            start: match start {
                Some(start) => {
                    let known = Some((classes.as_slice(), names.as_deref()));
                    start.params(engine.shape().n_features, known, self.fit_intercept)?
                }
                None => vec![0.0; n_params],
            },
        };
        let response = Response::Classes(classes);
        let mut model = fit.run(engine, definition, response, n_outputs, serde_json::to_value(self))?;
        model.class_names = names;
        let warning = self.no_minimum(engine, &model, &coding, &weights)?;
        model.warnings.extend(warning);
        Ok(model)
    }

    /// Why the loss has no minimum, where that is so; `weights` are those of the classes.
    ///
    /// # Collective
    /// One pass, where there is no penalty and the loss is one that separated classes may have.
    fn no_minimum<T: Real>(
        &self,
        engine: &mut PassEngine<'_, T>,
        model: &LinearModel,
        coding: &Coding,
        weights: &[f64],
    ) -> Result<Option<String>> {
        if let (true, Some(k)) = (self.fit_intercept, weights.iter().position(|weight| *weight == 0.0)) {
            let target = coding.classes[k];
            let name = model.class_names.as_ref().and_then(|names| names.get(target as usize));
            let name = name.cloned().unwrap_or_else(|| target.to_string());
            return Ok(Some(format!(
                "class {name} has no weight: the loss has no minimum, and intercepts are as large as tol and \
                 max_iter let them grow"
            )));
        }
        let unpenalised = self.l1_strength() == 0.0 && self.l2_strength() == 0.0;
        // What a row on its class's side costs at the most.
        let most = (coding.classes.len() as f64).ln();
        let low = model.history.last().is_some_and(|last| last.loss < most);
        if !unpenalised || !low || !separates(engine, model, coding)? {
            return Ok(None);
        }
        let warning = "the classes are separable and there is no penalty: the loss has no minimum, and coefficients \
                       are as large as tol and max_iter let them grow";
        Ok(Some(warning.into()))
    }

    fn class_factors(
        &self,
        targets: &Targets,
        classes: &[f64],
        names: Option<&[String]>,
    ) -> Result<Vec<f64>> {
        let Some(weight) = self.class_weight.as_ref().filter(|weight| !weight.is_none()) else {
            return Ok(Vec::new());
        };
        let weights: Vec<f64> = targets.classes.iter().map(|(.., weight)| *weight).collect();
        weight.factors(classes, &weights, names)
    }

    /// Checks, before any work, that a table of class weights is about the classes of the data.
    ///
    /// # Errors
    /// [`Error::Job`] for a class that is not there.
    pub fn check_classes(&self, data: &Table) -> Result<()> {
        let Some(weight) = &self.class_weight else { return Ok(()) };
        let rows: Vec<usize> = (0..data.y.len()).collect();
        let classes = Classes::of(data, &rows);
        let weights = classes.weights(data, &rows);
        weight.factors(&classes.targets, &weights, data.class_names.as_deref()).map(drop)
    }
}

impl PoissonRegressorParams {
    /// Minimises `1/(Σw) Σ w·(e^η − y·η) + ½·alpha·‖coef‖²`, scikit-learn's objective.
    ///
    /// # Collective
    /// As for logistic regression.
    ///
    /// # Errors
    /// Invalid parameters, negative targets, a loss that turns NaN.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<LinearModel> {
        self.fit_from(engine, None)
    }

    /// The same from another model's coefficients on.
    ///
    /// # Collective
    /// As [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for a model of other features or classes.
    pub fn fit_from<T: Real>(
        &self,
        engine: &mut PassEngine<'_, T>,
        start: Option<WarmStart<'_>>,
    ) -> Result<LinearModel> {
        self.validate()?;
        let targets = survey(engine, false)?;
        check_numbers(engine)?;
        check_counts(&targets, engine)?;
        let definition = Definition {
            what: "PoissonRegressor",
            loss: Loss::HalfPoisson,
            coding: Coding::default(),
            scale: 1.0 / targets.weight,
            l2: self.alpha,
            fit_intercept: self.fit_intercept,
        };
        let fit = Fit {
            solver: self.solver,
            l1: 0.0,
            stopping: Stopping { tol: self.tol, max_iter: self.max_iter },
            start: match start {
                Some(start) => start.params(engine.shape().n_features, None, self.fit_intercept)?,
                None => vec![0.0; engine.shape().n_features + usize::from(self.fit_intercept)],
            },
        };
        let mut model = fit.run(engine, definition, Response::Exponential, 1, serde_json::to_value(self))?;
        if self.fit_intercept && targets.total == 0.0 {
            model.warnings.push(
                "all counts that weigh something are 0: the loss has no minimum, and the intercept is as large as \
                 tol and max_iter let it grow"
                    .into(),
            );
        }
        Ok(model)
    }
}

/// A solver and where it starts.
struct Fit {
    solver: Solver,
    l1: f64,
    stopping: Stopping,
    start: Vec<f64>,
}

impl Fit {
    fn run<T: Real>(
        self,
        engine: &mut PassEngine<'_, T>,
        definition: Definition,
        response: Response,
        n_outputs: usize,
        params: serde_json::Result<serde_json::Value>,
    ) -> Result<LinearModel> {
        let params = params.map_err(|e| Error::internal(format!("parameters cannot be written: {e}")))?;
        let d = engine.shape().n_features;
        let (what, fit_intercept, l2) = (definition.what, definition.fit_intercept, definition.l2);
        let unpenalised = l2 == 0.0 && self.l1 == 0.0;
        let stride = d + usize::from(fit_intercept);
        let mut objective = GlmObjective::new(engine, definition);
        let start = objective.start(self.start)?;
        let solution = match self.solver {
            Solver::Lbfgs => lbfgs(&mut objective, start, self.stopping),
            Solver::NewtonCholesky => newton_cholesky(&mut objective, start, self.stopping),
            Solver::GradientDescent => gradient_descent(&mut objective, start, self.stopping),
            Solver::ProximalGrad => {
                let l1 = objective.layout.on_coef(start.params.len(), self.l1);
                proximal_grad(&mut objective, start, &l1, self.stopping)
            }
            Solver::Admm => {
                let n = start.params.len();
                let (l1, l2) = (objective.layout.on_coef(n, self.l1), objective.layout.on_coef(n, l2));
                admm(&mut objective, start, &l1, &l2, self.stopping)
            }
        }?;
        let history = objective.into_history();
        let Solution { params: solved, n_iter, converged, .. } = solution;
        let intercept = (0..n_outputs).map(|k| if fit_intercept { solved[k * stride + d] } else { 0.0 });
        let mut intercept: Vec<f64> = intercept.collect();
        let mut coef: Vec<f64> = solved.chunks_exact(stride).flat_map(|c| &c[..d]).copied().collect();
        if n_outputs > 1 {
            // Nothing fixes the sum of the classes' intercepts, and without a penalty that of their coefficients; as in
            // scikit-learn it is 0.
            center(&mut intercept, 1);
            if unpenalised {
                center(&mut coef, d);
            }
        }
        LinearModel {
            estimator: what,
            coef,
            intercept,
            response,
            n_iter: Some(n_iter),
            dual_gap: None,
            converged,
            history,
            params,
            class_names: None,
            warnings: Vec::new(),
        }
        .finite()
    }
}

/// Takes the mean over classes from `values` `(n_classes, d)`.
fn center(values: &mut [f64], d: usize) {
    let n_classes = values.len() / d;
    for feature in 0..d {
        let of_classes = || (feature..n_classes * d).step_by(d);
        let mean = of_classes().map(|at| values[at]).sum::<f64>() / n_classes as f64;
        of_classes().for_each(|at| values[at] -= mean);
    }
}
