//! The fit: a start, steps until they help no more, and the inertia of all rows.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::super::kmeans::{FitLabels, Labels};
use super::batches::{Rows, ahead, draw, fetch};
use super::init;
use super::params::{MiniBatchInit, MiniBatchKMeansParams};
use super::step::{Centroids, squared_distance};
use crate::data::{Block, Shape};
use crate::engine::pass::{Pass, PassEngine};
use crate::error::{Error, Place, Result};
use crate::estimator::preprocessing::column_moments;
use crate::estimator::{Array, Model, Values};
use crate::kernel::Real;
use crate::rng::{Purpose, stream};

/// Draws for the start have indices from here on, those of batches below.
const START: u64 = 1 << 62;

/// A fitted MiniBatchKMeans.
#[derive(Clone, Debug, PartialEq)]
pub struct MiniBatchKMeansModel {
    params: MiniBatchKMeansParams,
    n_features: usize,
    /// Centroids `(n_clusters, n_features)`.
    pub cluster_centers_: Vec<f64>,
    /// Σ w‖x − c‖² over all rows.
    pub inertia_: f64,
    /// Times all rows that the batches make, rounded up.
    pub n_iter_: u64,
    /// Batches.
    pub n_steps_: u64,
    /// Whether it stopped before `max_iter`.
    pub converged: bool,
    /// Mean inertia of a row of each batch, and its smoothed value.
    pub history: Vec<[f64; 2]>,
}

/// Where a fit stands between two groups of batches.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    centroids: Centroids,
    step: u64,
    rows_since_reassigned: u64,
    /// Smoothed inertia and its least value.
    smoothed: Option<f64>,
    least: Option<f64>,
    worse: u64,
    converged: bool,
    history: Vec<[f64; 2]>,
}

impl MiniBatchKMeansParams {
    /// Fits the centroids and gives every row of this rank's slice the label of its nearest one; `seed` is used where
    /// there is no `random_state`.
    ///
    /// The rules are scikit-learn's; draws are not, so that its digits differ.
    ///
    /// # Collective
    /// The rows of up to 64 batches at a time, from their blocks to all ranks; a pass for the inertia at the end, and one
    /// for the variances before when `tol` is above 0.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and what the passes meet; [`Error::Data`] for fewer rows than clusters (with
    /// `init = "random"`, rows that weigh something), weights below 0; [`Error::Diverged`] for an inertia that is no number.
    pub fn fit_predict<T: Real>(
        &self,
        engine: &mut PassEngine<'_, T>,
        seed: u64,
    ) -> Result<(MiniBatchKMeansModel, FitLabels)> {
        self.validate()?;
        self.check_shape(engine.shape(), engine.origin())?;
        let seed = self.random_state.unwrap_or(seed);
        let (n_samples, d) = (engine.shape().n_samples, engine.shape().n_features);
        // The first state that is kept is the start.
        let unkept = engine.telemetry().unkept();
        let tolerance = self.tolerance(engine)?;
        let mut state = match engine.resume::<State>()? {
            Some(state) if state.centroids.centers.len() == self.n_clusters * d => state,
            Some(_) => {
                let expected = "the state of this job";
                return Err(Error::data("checkpoint", Place::default(), expected, "that of another"));
            }
            None => self.start(engine, seed)?,
        };
        drop(unkept);
        engine.checkpoint(&state)?;
        let size = self.batch_rows(n_samples);
        let n_steps = (u128::from(self.max_iter) * u128::from(n_samples) / size as u128) as u64;
        let group = ahead(size, d) as u64;
        while state.step < n_steps && !state.converged {
            let steps = state.step..(state.step + group).min(n_steps);
            let lists: Vec<Vec<u64>> = steps.map(|step| draw(seed, step, size, n_samples)).collect();
            for rows in fetch(engine, &lists)? {
                let since = Instant::now();
                let [inertia, smoothed] = self.step(&mut state, &rows, seed, n_samples, tolerance)?;
                let quantities = [("inertia", inertia), ("smoothed", smoothed)];
                engine.telemetry().iteration(state.step as usize, &quantities, since.elapsed().as_secs_f64());
                if state.converged {
                    break;
                }
            }
            engine.checkpoint(&state)?;
        }
        let mut labels: Vec<Labels> = engine.memory();
        let inertia = engine.run(&LabelPass { centroids: &state.centroids }, &mut labels)?;
        let model = MiniBatchKMeansModel {
            params: self.clone(),
            n_features: d,
            inertia_: inertia,
            n_iter_: (u128::from(state.step) * size as u128).div_ceil(u128::from(n_samples)) as u64,
            n_steps_: state.step,
            converged: state.converged,
            cluster_centers_: state.centroids.centers,
            history: state.history,
        };
        Ok((model, FitLabels::of_blocks(labels)))
    }

    /// Checks that data of this shape can be clustered so.
    ///
    /// # Errors
    /// [`Error::Data`] about `origin` for data without features, or with fewer rows than clusters.
    pub fn check_shape(&self, shape: &Shape, origin: String) -> Result<()> {
        let (n_samples, k) = (shape.n_samples, self.n_clusters);
        if n_samples < k as u64 {
            let expected = format!("at least n_clusters = {k} rows");
            return Err(Error::data(origin, Place::default(), expected, n_samples.to_string()));
        }
        if shape.n_features == 0 {
            return Err(Error::data(origin, Place::default(), "at least 1 feature", "none"));
        }
        Ok(())
    }

    /// The squared movement that counts as none. Weights are looked at in any case.
    fn tolerance<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<f64> {
        if self.tol == 0.0 && !engine.shape().has_weights {
            return Ok(0.0);
        }
        let moments = column_moments(engine)?;
        if moments.weight <= 0.0 {
            let (expected, found) = ("a positive sum of weights", moments.weight.to_string());
            return Err(Error::data(engine.weight_origin(), Place::default(), expected, found));
        }
        let mean_variance = moments.variances().iter().sum::<f64>() / engine.shape().n_features as f64;
        Ok(if self.tol > 0.0 { self.tol * mean_variance } else { 0.0 })
    }

    fn batch_rows(&self, n_samples: u64) -> usize {
        self.batch_size.min(usize::try_from(n_samples).unwrap_or(usize::MAX))
    }

    /// The best of some starts, each found on rows of its own or, where `init_size` covers them, on all rows once each;
    /// judged by the inertia of rows drawn for that.
    fn start<T: Real>(&self, engine: &mut PassEngine<'_, T>, seed: u64) -> Result<State> {
        let n_samples = engine.shape().n_samples;
        let (size, starts) = (self.init_rows(n_samples), self.starts() as u64);
        let mut lists = vec![draw(seed, START, size, n_samples)];
        if size as u64 == n_samples {
            lists.push((0..n_samples).collect());
        } else {
            lists.extend((1..=starts).map(|start| draw(seed, START + start, size, n_samples)));
        }
        let rows = fetch(engine, &lists)?;
        let Some((validation, rows)) = rows.split_first() else {
            return Err(Error::internal("no rows to start from"));
        };
        let mut best: Option<(f64, Centroids)> = None;
        for (start, rows) in (0..starts).zip(rows.iter().cycle()) {
            self.check_weights(engine, rows)?;
            let mut rng = stream(seed, Purpose::Init, START + start);
            let centers = init::centers(rows, self.n_clusters, self.init, &mut rng);
            let centroids = Centroids::new(centers, self.n_clusters);
            let (_, inertia) = centroids.assign(validation);
            if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
                best = Some((inertia, centroids));
            }
        }
        let (_, centroids) = best.ok_or_else(|| Error::internal("no start was tried"))?;
        Ok(State {
            centroids,
            step: 0,
            rows_since_reassigned: 0,
            smoothed: None,
            least: None,
            worse: 0,
            converged: false,
            history: Vec::new(),
        })
    }

    /// That `random` finds as many rows to draw as there are clusters.
    fn check_weights<T: Real>(&self, engine: &PassEngine<'_, T>, rows: &Rows) -> Result<()> {
        let positive = rows.weights.iter().filter(|weight| **weight > 0.0).count();
        if self.init == MiniBatchInit::KMeansPlusPlus || positive >= self.n_clusters {
            return Ok(());
        }
        let (k, n) = (self.n_clusters, rows.len());
        let expected =
            format!("at least {k} rows with a weight above 0 among the {n} that a start is drawn from");
        Err(Error::data(engine.weight_origin(), Place::default(), expected, positive.to_string()))
    }

    /// One batch; its mean inertia and the smoothed one.
    fn step(
        &self,
        state: &mut State,
        rows: &Rows,
        seed: u64,
        n_samples: u64,
        tolerance: f64,
    ) -> Result<[f64; 2]> {
        let before = state.centroids.clone();
        let size = rows.len() as f64;
        let inertia = state.centroids.step(rows) / size;
        if !inertia.is_finite() {
            let found = format!("an inertia of {inertia}");
            return Err(Error::Diverged {
                what: "MiniBatchKMeans".into(),
                iteration: state.step as usize,
                found,
            });
        }
        state.rows_since_reassigned += rows.len() as u64;
        let empty = before.weights.contains(&0.0);
        if empty || state.rows_since_reassigned >= 10 * self.n_clusters as u64 {
            state.rows_since_reassigned = 0;
            if self.reassignment_ratio > 0.0 {
                let mut rng = stream(seed, Purpose::Batch, START + (START >> 1) + state.step);
                state.centroids.reassign(rows, self.reassignment_ratio, &mut rng);
            }
        }
        state.step += 1;
        let smoothed = self.judge(state, inertia, (2.0 * size / (n_samples as f64 + 1.0)).min(1.0));
        let moved = squared_distance(&before.centers, &state.centroids.centers);
        // The first batch's inertia is that of the start.
        if state.step > 1 && self.tol > 0.0 && moved <= tolerance {
            state.converged = true;
        }
        state.history.push([inertia, smoothed]);
        Ok([inertia, smoothed])
    }

    /// Smooths the inertia and looks whether it still falls.
    fn judge(&self, state: &mut State, inertia: f64, share: f64) -> f64 {
        if state.step == 1 {
            return inertia;
        }
        let smoothed = state.smoothed.map_or(inertia, |known| known * (1.0 - share) + inertia * share);
        state.smoothed = Some(smoothed);
        if state.least.is_none_or(|least| smoothed < least) {
            (state.least, state.worse) = (Some(smoothed), 0);
        } else {
            state.worse += 1;
        }
        if self.max_no_improvement > 0 && state.worse >= self.max_no_improvement {
            state.converged = true;
        }
        smoothed
    }
}

/// Each row's label, and Σ w·d² of all rows.
struct LabelPass<'a> {
    centroids: &'a Centroids,
}

impl<T: Real> Pass<T> for LabelPass<'_> {
    type Partial = f64;
    type Memory = Labels;

    fn block(&self, block: &Block<T>, labels: &mut Labels) -> Result<f64> {
        let weights = if block.weights.is_empty() { vec![1.0; block.n_rows] } else { block.weights.clone() };
        let x = block.x.iter().map(|v| v.to_f64()).collect();
        let (nearest, inertia) = self.centroids.assign(&Rows { x, weights, n_features: block.n_features });
        *labels = Labels::of(self.centroids.weights.len(), nearest);
        Ok(inertia)
    }
}

impl MiniBatchKMeansModel {
    /// The model as named arrays; `predict` reads it as that of a KMeans.
    pub fn export(&self) -> Model {
        let shape = [self.params.n_clusters, self.n_features];
        let attributes = vec![
            ("cluster_centers_".into(), Array::new(shape, Values::F64(self.cluster_centers_.clone()))),
            ("inertia_".into(), Array::scalar(self.inertia_)),
            ("n_iter_".into(), Array::integer(self.n_iter_ as i64)),
            ("n_steps_".into(), Array::integer(self.n_steps_ as i64)),
            ("n_features_in_".into(), Array::integer(self.n_features as i64)),
        ];
        let params = serde_json::to_value(&self.params).unwrap_or_default();
        Model { estimator: "MiniBatchKMeans".into(), params, attributes }
    }

    /// One array a quantity, one entry a batch.
    pub fn history_arrays(&self) -> Vec<(String, Array)> {
        let column = |name: &str, of: usize| {
            let values = self.history.iter().map(|record| record[of]).collect();
            (name.to_owned(), Array::vector(Values::F64(values)))
        };
        vec![column("batch_inertia", 0), column("smoothed_inertia", 1)]
    }
}
