//! Lasso and elastic net by coordinate descent on the Gram matrix.

use super::least_squares::NormalEquations;
use super::model::{LinearModel, Response};
use super::params::{ElasticNetParams, LassoParams};
use super::targets::{Targets, surveyed_moments};
use super::warm_start::WarmStart;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::estimator::moments::Moments;
use crate::kernel::Real;
use crate::telemetry::check_interrupt;

impl ElasticNetParams {
    /// Minimises `1/(2n) Σ (y − X·coef − intercept)² + alpha·l1_ratio·‖coef‖₁ + ½·alpha·(1 − l1_ratio)·‖coef‖²`, with
    /// `positive` over coef of 0 or more.
    ///
    /// # Collective
    /// One pass for the moments; the descent itself costs no communication.
    ///
    /// # Errors
    /// Invalid parameters, no targets, bad weights.
    ///
    /// # References
    /// Friedman, Hastie & Tibshirani, Regularization paths for generalized linear models via coordinate descent,
    /// J. Stat. Software 33, 2010, §2.2 (covariance updates).
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<LinearModel> {
        self.fit_from(engine, None)
    }

    /// The same from another model's coefficients on.
    ///
    /// # Collective
    /// As [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for a model of other features.
    pub fn fit_from<T: Real>(
        &self,
        engine: &mut PassEngine<'_, T>,
        start: Option<WarmStart<'_>>,
    ) -> Result<LinearModel> {
        fit("ElasticNet", self, engine, start, serde_json::to_value(self))
    }
}

impl LassoParams {
    /// The elastic net with `l1_ratio = 1`.
    ///
    /// # Collective
    /// As for the elastic net.
    ///
    /// # Errors
    /// As for the elastic net.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<LinearModel> {
        self.fit_from(engine, None)
    }

    /// The same from another model's coefficients on.
    ///
    /// # Collective
    /// As [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for a model of other features.
    pub fn fit_from<T: Real>(
        &self,
        engine: &mut PassEngine<'_, T>,
        start: Option<WarmStart<'_>>,
    ) -> Result<LinearModel> {
        fit("Lasso", &ElasticNetParams::from(self), engine, start, serde_json::to_value(self))
    }
}

fn fit<T: Real>(
    estimator: &'static str,
    params: &ElasticNetParams,
    engine: &mut PassEngine<'_, T>,
    start: Option<WarmStart<'_>>,
    written: serde_json::Result<serde_json::Value>,
) -> Result<LinearModel> {
    params.validate()?;
    let d = engine.shape().n_features;
    let coef = start.map_or_else(|| Ok(vec![0.0; d]), |start| start.params(d, None, false))?;
    let (targets, moments) = surveyed_moments(engine)?;
    elastic_net_of(estimator, params, &targets, &moments, coef, written)
}

/// The elastic net of rows whose moments are known, from the coefficients `coef` on.
pub(super) fn elastic_net_of(
    estimator: &'static str,
    params: &ElasticNetParams,
    targets: &Targets,
    moments: &Moments,
    mut coef: Vec<f64>,
    written: serde_json::Result<serde_json::Value>,
) -> Result<LinearModel> {
    if params.positive {
        // Another model's may be anything.
        coef.iter_mut().for_each(|coef| *coef = coef.max(0.0));
    }
    let mut system = NormalEquations::new(moments, params.fit_intercept);
    // Weights enter by their shares: they are scaled to add up to the number of rows.
    let scale = targets.n_rows as f64 / targets.weight;
    system.gram.iter_mut().chain(&mut system.xy).for_each(|v| *v *= scale);
    system.yy *= scale;
    let n = targets.n_rows as f64;
    let mut descent = Descent {
        system: &system,
        l1: n * params.alpha * params.l1_ratio,
        l2: n * params.alpha * (1.0 - params.l1_ratio),
        positive: params.positive,
        gram_coef: system
            .gram
            .chunks_exact(system.n_features)
            .map(|row| row.iter().zip(&coef).map(|(g, c)| g * c).sum())
            .collect(),
        coef,
    };
    let (n_iter, gap) = descent.run(params.max_iter, params.tol)?;
    let coef = descent.coef;
    LinearModel {
        estimator,
        intercept: vec![system.intercept(&coef)],
        coef,
        response: Response::Identity,
        n_iter: Some(n_iter),
        // Of the mean of squares, as the objective is.
        dual_gap: Some(gap / n),
        converged: gap <= params.tol * system.yy,
        history: Vec::new(),
        class_names: None,
        warnings: Vec::new(),
        params: written.map_err(|e| Error::internal(format!("parameters cannot be written: {e}")))?,
    }
    .finite()
}

/// `½ Σ (y − X·coef)² + l1·‖coef‖₁ + ½·l2·‖coef‖²`
struct Descent<'a> {
    system: &'a NormalEquations,
    l1: f64,
    l2: f64,
    /// Whether coefficients are 0 or more.
    positive: bool,
    coef: Vec<f64>,
    /// gram · coef
    gram_coef: Vec<f64>,
}

impl Descent<'_> {
    /// Sweeps until the duality gap is at most `tol · Σ y²`, if it is not at the start; the sweeps done and the gap.
    ///
    /// # Errors
    /// That of an [interruption](check_interrupt).
    fn run(&mut self, max_iter: usize, tol: f64) -> Result<(usize, f64)> {
        let enough = tol * self.system.yy;
        let mut gap = self.gap();
        let mut n_iter = 0;
        while gap > enough && n_iter < max_iter {
            check_interrupt()?;
            n_iter += 1;
            let (largest, change) = self.sweep();
            // The gap of coefficients that still move is not worth its price.
            if largest == 0.0 || change <= tol * largest || n_iter == max_iter {
                gap = self.gap();
            }
        }
        Ok((n_iter, gap))
    }

    /// One round of exact minimisations; the largest coefficient and the largest change.
    fn sweep(&mut self) -> (f64, f64) {
        let d = self.system.n_features;
        let (mut largest, mut change) = (0.0f64, 0.0f64);
        for j in 0..d {
            let row = &self.system.gram[j * d..(j + 1) * d];
            if row[j] == 0.0 {
                continue;
            }
            let old = self.coef[j];
            let rest = row[j].mul_add(old, self.system.xy[j] - self.gram_coef[j]);
            let new = rest.signum() * (rest.abs() - self.l1).max(0.0) / (row[j] + self.l2);
            let new = if new == 0.0 || (self.positive && new < 0.0) { 0.0 } else { new };
            if new != old {
                let by = new - old;
                self.gram_coef.iter_mut().zip(row).for_each(|(sum, g)| *sum = by.mul_add(*g, *sum));
                self.coef[j] = new;
            }
            largest = largest.max(new.abs());
            change = change.max((new - old).abs());
        }
        (largest, change)
    }

    /// The duality gap at the current coefficients, a bound on what the objective can still lose, by scikit-learn's
    /// formulas: without an l1 term no dual point but 0 is feasible, and another dual takes its place; without
    /// any penalty there is none, and the squared gradient stands for it.
    ///
    /// # References
    /// Dünner, Forte, Takáč & Jaggi, Primal-dual rates and certificates, ICML 2016, §5.2.3.
    fn gap(&self) -> f64 {
        if self.l1 > 0.0 {
            return self.gap_with_l1();
        }
        if self.positive {
            return self.gap_of_positive();
        }
        let rows = self.system.xy.iter().zip(&self.gram_coef).zip(&self.coef);
        // Xᵀ(y − X·coef) − l2·coef: the gap is its square over 2·l2.
        let squares = rows.fold(0.0, |sum: f64, ((xy, gram), c)| {
            let slope = (-self.l2).mul_add(*c, xy - gram);
            slope.mul_add(slope, sum)
        });
        if self.l2 > 0.0 { squares / (2.0 * self.l2) } else { squares }
    }

    /// The same for coefficients of 0 or more without an l1 term: what wants to become negative and may not is at its
    /// optimum. (In scikit-learn it counts, so that the descent goes on to `max_iter`.)
    fn gap_of_positive(&self) -> f64 {
        let rows = self.system.xy.iter().zip(&self.gram_coef).zip(&self.coef);
        rows.fold(0.0, |sum, ((xy, gram), &c)| {
            let slope = xy - gram;
            sum + match (self.l2 > 0.0, slope > 0.0) {
                (true, true) => (slope - self.l2 * c).powi(2) / (2.0 * self.l2),
                (true, false) => c * (0.5 * self.l2 * c - slope),
                (false, _) if c == 0.0 => slope.max(0.0).powi(2),
                (false, _) => slope * slope,
            }
        })
    }

    fn gap_with_l1(&self) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0, |sum: f64, (a, b)| a.mul_add(*b, sum));
        let (coef, xy) = (&self.coef, &self.system.xy);
        let (coef_xy, quadratic) = (dot(coef, xy), dot(coef, &self.gram_coef));
        let residual = (self.system.yy - 2.0 * coef_xy + quadratic).max(0.0);
        let y_residual = self.system.yy - coef_xy;
        let squares = dot(coef, coef);
        let steepest = xy
            .iter()
            .zip(&self.gram_coef)
            .zip(coef)
            .map(|((xy, gram), c)| xy - gram - self.l2 * c)
            .map(|slope| if self.positive { slope } else { slope.abs() })
            .fold(0.0, f64::max);
        // The dual point is the residual, shortened until it is feasible.
        let shorten = if steepest > self.l1 { self.l1 / steepest } else { 1.0 };
        let norm: f64 = coef.iter().map(|c| c.abs()).sum();
        let primal = 0.5 * residual + self.l1 * norm + 0.5 * self.l2 * squares;
        let dual = shorten * y_residual - 0.5 * shorten * shorten * (residual + self.l2 * squares);
        primal - dual
    }
}
