//! The fit: survey, start, iterations, last pass, and the best of the restarts.

use std::ops::Range;
use std::time::Instant;

use super::finish::{Finish, FinishPass};
use super::frame::Frame;
use super::init;
use super::iteration::{Step, StepPass};
use super::kept::Memory;
use super::labels::FitLabels;
use super::model::KMeansModel;
use super::moments::Survey;
use super::params::{KMeans, KMeansParams};
use super::pruning::Pruning;
use super::relocate::{FarthestPass, average, n_empty, relocate};
use super::run::{End, Record, Run, State};
use super::selection;
use crate::data::Shape;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Place, Result};
use crate::estimator::range::RangePass;
use crate::kernel::Real;
use crate::kernel::lloyd::Grid;

impl KMeans {
    /// Finds centroids for the engine's data.
    ///
    /// Costs one pass for means and variances, those of the start (see [`Init`](super::Init)), one for each
    /// iteration (one more where clusters run empty) and a last one for the inertia, unless an iteration that changed
    /// nothing has found it. Keeps a byte a row for labels
    /// up to 256 clusters.
    ///
    /// # Collective
    /// One ordered reduction of k·(d+1)+2 numbers a run and iteration.
    ///
    /// # Errors
    /// [`Error::Data`] when there are fewer rows than clusters, weights below 0 or no weight at all;
    /// [`Error::Diverged`] when the numbers leave the finite range; what the engine returns.
    pub fn fit<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<KMeansModel> {
        self.fit_predict(engine).map(|(model, _)| model)
    }

    /// [`fit`](Self::fit), and the labels of this rank's rows.
    ///
    /// They differ from what the model predicts only where scikit-learn's `labels_` do: when the last iteration moved
    /// empty clusters and still changed no label.
    ///
    /// # Collective
    /// As [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_predict<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<(KMeansModel, FitLabels)> {
        self.check_shape(engine.shape(), engine.origin())?;
        let mut memory = engine.memory();
        let mut pruning = Pruning::new(self.run_sizes(), self.params.max_iter, engine);
        let mut state = match engine.resume::<State>()? {
            Some(state) => {
                self.check_state(&state, engine)?;
                self.relabel(engine, &state, &mut memory)?;
                state
            }
            None => {
                let state = self.start(engine)?;
                engine.checkpoint(&state)?;
                state
            }
        };
        let frame = self.frame(&state);
        let grid = pruning.grid(&state, &frame, engine);
        let mut known = None;
        while state.runs.iter().any(|run| run.end.is_none()) {
            known = self.iterate(engine, &frame, &mut state, &mut pruning, grid.as_ref(), &mut memory)?;
            engine.checkpoint(&state)?;
        }
        let finishes = match known {
            Some(finish) => vec![finish],
            None => engine.run(&FinishPass::new(&frame, &state.runs), &mut memory)?,
        };
        let runs = self.sizes.iter().enumerate().map(|(i, _)| i * self.restarts..(i + 1) * self.restarts);
        let bests: Vec<usize> = runs.map(|runs| best_run(&finishes, runs)).collect();
        let (best, selection) = match bests.as_slice() {
            &[best] if self.params.n_clusters_tried.is_empty() => (best, Vec::new()),
            bests => {
                let scored: Vec<_> =
                    bests.iter().map(|&run| (run, &state.runs[run], &finishes[run])).collect();
                let selection = selection::score(self, engine, &frame, &scored, &mut memory)?;
                (bests[selection::best(&selection, self.params.select.unwrap_or_default())], selection)
            }
        };
        let mut model = self.model::<T>(&state.runs[best], &finishes[best], &state.shift)?;
        model.selection = selection;
        Ok((model, FitLabels::of_run(memory, best)))
    }

    /// Checks that data of this shape can be clustered so.
    ///
    /// # Errors
    /// [`Error::Data`] about `origin` for data without features, or with fewer rows than clusters.
    pub fn check_shape(&self, shape: &Shape, origin: String) -> Result<()> {
        let k = self.params.n_clusters;
        if shape.n_features == 0 {
            return Err(Error::data(origin, Default::default(), "at least one feature", "none"));
        }
        if shape.n_samples < k as u64 {
            let expected = format!("at least n_clusters = {k} rows");
            let found = format!("{} rows", shape.n_samples);
            return Err(Error::data(origin, Default::default(), expected, found));
        }
        Ok(())
    }

    /// A state of other sizes is not this job's.
    fn check_state<T: Real>(&self, state: &State, engine: &PassEngine<'_, T>) -> Result<()> {
        let d = engine.shape().n_features;
        let sizes = self.run_sizes().map(|k| k * d);
        if state.shift.len() == d && state.runs.iter().map(|run| run.centers.len()).eq(sizes) {
            return Ok(());
        }
        Err(Error::data("checkpoint", Default::default(), "the state of this job", "that of another"))
    }

    fn frame<T: Real>(&self, state: &State) -> Frame<T> {
        Frame { shift: state.shift.iter().map(|&v| T::from_f64(v)).collect(), isa: self.isa }
    }

    /// Surveys the data and finds the first centroids of every run.
    fn start<T: Real>(&self, engine: &mut PassEngine<'_, T>) -> Result<State> {
        // The first state that is kept is that of the first iteration.
        let _unkept = engine.telemetry().unkept();
        let (survey, opening) = init::survey(self, engine)?;
        if survey.positive == 0 {
            let expected = "a positive sum of weights";
            return Err(Error::data(engine.weight_origin(), Default::default(), expected, "only zeros"));
        }
        let shift: Vec<T> = survey.plain.mean.iter().map(|&m| T::from_f64(m)).collect();
        let frame = Frame { shift, isa: self.isa };
        let scatter = survey.of_inertia().scatter_about(&frame.shift);
        let tolerance = self.tolerance(&survey);
        if !scatter.is_finite() || !tolerance.is_finite() {
            return Err(diverged(0, format!("a sum of squares of {scatter}")));
        }
        check_squares(engine, &frame, scatter)?;
        let starts = init::centers(self, engine, &frame, &survey, opening)?;
        Ok(State {
            shift: frame.shift.iter().map(|m| m.to_f64()).collect(),
            deviations: survey.deviations(),
            tolerance,
            scatter,
            runs: starts.into_iter().map(Run::new).collect(),
        })
    }

    fn tolerance(&self, survey: &Survey) -> f64 {
        if self.params.tol == 0.0 { 0.0 } else { self.params.tol * survey.mean_variance() }
    }

    /// Brings back the labels that a stopped job had.
    fn relabel<T: Real>(
        &self,
        engine: &mut PassEngine<'_, T>,
        state: &State,
        memory: &mut [Memory],
    ) -> Result<()> {
        let frame = self.frame(state);
        let labelled = |(i, run): (usize, &Run)| run.labelled_by.as_ref().map(|c| (i, frame.pack(c)));
        let runs: Vec<_> = state.runs.iter().enumerate().filter_map(labelled).collect();
        if runs.is_empty() {
            return Ok(());
        }
        engine.run(&StepPass::new(&frame, state.runs.len(), runs, false), memory)?;
        Ok(())
    }

    /// One iteration of every run that goes on. Returns what the last pass would find where that is known.
    fn iterate<T: Real>(
        &self,
        engine: &mut PassEngine<'_, T>,
        frame: &Frame<T>,
        state: &mut State,
        pruning: &mut Pruning,
        grid: Option<&Grid>,
        memory: &mut [Memory],
    ) -> Result<Option<Finish>> {
        let start = Instant::now();
        let active: Vec<usize> = (0..state.runs.len()).filter(|&i| state.runs[i].end.is_none()).collect();
        let n_samples = engine.shape().n_samples;
        active.iter().for_each(|&i| pruning.advance(i, frame, &state.runs[i], n_samples));
        let runs = active.iter().map(|&i| (i, frame.pack(&state.runs[i].centers))).collect();
        let exact = match state.runs.as_slice() {
            [run] if run.may_end(engine.all_resident()) => Some(run.centers.as_slice()),
            _ => None,
        };
        let pass = StepPass::new(frame, state.runs.len(), runs, true)
            .with_exact(exact)
            .with_grid(grid)
            .with_bounds(pruning);
        let mut steps = engine.run(&pass, memory)?;
        let finish = steps.first_mut().and_then(|step| step.finish.take());
        let (scores, screened) = (pass.scores(&steps), pass.screened());
        for ((&i, step), of_run) in active.iter().zip(&steps).zip(screened) {
            let k = state.runs[i].centers.len() / frame.d();
            pruning.learn::<T>(i, k, frame.d(), of_run, step.changed as f64 / n_samples as f64);
        }
        refill(engine, frame, state, &active, &mut steps, memory)?;
        let seconds = start.elapsed().as_secs_f64();
        for ((&i, step), score) in active.iter().zip(steps).zip(scores) {
            self.advance(state, i, step, score, seconds)?;
        }
        // Restarts share their iterations; the best of them speaks for all.
        let records = active.iter().filter_map(|&i| state.runs[i].history.last());
        if let Some(record) = records.min_by(|a, b| a.inertia.total_cmp(&b.inertia)) {
            let number = active.iter().map(|&i| state.runs[i].history.len()).max().unwrap_or(0);
            let quantities = [("inertia", record.inertia), ("shift", record.center_shift)];
            engine.telemetry().iteration(number, &quantities, seconds);
        }
        Ok(finish.filter(|_| state.runs[0].stands_still()))
    }

    /// Moves a run's centroids and decides, as scikit-learn does, whether it has ended.
    fn advance(&self, state: &mut State, i: usize, mut step: Step, score: f64, seconds: f64) -> Result<()> {
        let (scatter, tolerance) = (state.scatter, state.tolerance);
        let run = &mut state.runs[i];
        average(&mut step);
        let moved = |(a, b): (&f64, &f64)| (a - b) * (a - b);
        let center_shift: f64 = step.sums.iter().zip(&run.centers).map(moved).sum();
        let inertia = (scatter + 2.0 * score).max(0.0);
        let iteration = run.history.len();
        if !(inertia.is_finite() && score.is_finite() && center_shift.is_finite()) {
            return Err(diverged(iteration, format!("inertia {inertia}, centroids moved by {center_shift}")));
        }
        run.history.push(Record { inertia, center_shift, n_changed: step.changed, seconds });
        run.labelled_by = Some(std::mem::replace(&mut run.centers, step.sums));
        run.end = if step.changed == 0 {
            Some(End::Strict)
        } else if center_shift <= tolerance {
            Some(End::Tolerance)
        } else {
            (run.history.len() >= self.params.max_iter).then_some(End::Iterations)
        };
        Ok(())
    }

    fn model<T: Real>(&self, run: &Run, finish: &Finish, shift: &[f64]) -> Result<KMeansModel> {
        if !finish.inertia.is_finite() {
            return Err(diverged(run.history.len(), format!("inertia {}", finish.inertia)));
        }
        let mut warnings = Vec::new();
        let k = run.centers.len() / shift.len();
        if finish.n_distinct() < k {
            warnings.push(format!(
                "number of distinct clusters ({}) found smaller than n_clusters ({k}): possibly duplicate rows",
                finish.n_distinct()
            ));
        }
        Ok(KMeansModel {
            params: KMeansParams { n_clusters: k, n_clusters_tried: Vec::new(), ..self.params.clone() },
            selection: Vec::new(),
            shift: shift.to_vec(),
            centered: run.centers.clone(),
            single_precision: T::NAME == "f32",
            inertia_: finish.inertia,
            n_iter_: run.history.len(),
            converged: run.end != Some(End::Iterations),
            history: run.history.clone(),
            warnings,
        })
    }
}

/// Of some runs that with the least inertia, unless it is an earlier one's clustering under other numbers.
fn best_run(finishes: &[Finish], runs: Range<usize>) -> usize {
    let mut best = runs.start;
    for (i, finish) in finishes.iter().enumerate().take(runs.end).skip(runs.start + 1) {
        if finish.inertia < finishes[best].inertia && !finish.same_clustering(best) {
            best = i;
        }
    }
    best
}

/// Moves empty clusters to the farthest rows; one more pass where there are any.
fn refill<T: Real>(
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    state: &State,
    active: &[usize],
    steps: &mut [Step],
    memory: &mut [Memory],
) -> Result<()> {
    let holes: Vec<usize> = (0..active.len()).filter(|&a| n_empty(&steps[a]) > 0).collect();
    if holes.is_empty() {
        return Ok(());
    }
    let wanted = |&a: &usize| (active[a], state.runs[active[a]].centers.as_slice(), n_empty(&steps[a]));
    let pass = FarthestPass { frame, runs: holes.iter().map(wanted).collect() };
    let farthest = engine.run(&pass, memory)?;
    for (a, farthest) in holes.into_iter().zip(&farthest) {
        relocate(&mut steps[a], farthest);
    }
    Ok(())
}

/// Checks that squares of distances are numbers of type `T`: scores hide it where they are not.
///
/// # Collective
/// One pass, where `scatter`, the sum of all rows' squares, leaves room for one that is not.
///
/// # Errors
/// [`Error::Data`] that names the column which reaches farthest.
fn check_squares<T: Real>(engine: &mut PassEngine<'_, T>, frame: &Frame<T>, scatter: f64) -> Result<()> {
    // Two rows are at most twice as far apart as each is from the mean.
    let fits = |square: f64| T::from_f64(4.0 * square).is_finite();
    if fits(scatter) {
        return Ok(());
    }
    let range = engine.run_once(&RangePass)?;
    let reach = |((low, high), mean): ((&f64, &f64), &T)| (high - mean.to_f64()).max(mean.to_f64() - low);
    let reach: Vec<f64> = range.least.iter().zip(&range.greatest).zip(&frame.shift).map(reach).collect();
    if fits(reach.iter().map(|reach| reach * reach).sum()) {
        return Ok(());
    }
    let farthest = (0..reach.len()).max_by(|&a, &b| reach[a].total_cmp(&reach[b])).unwrap_or(0);
    let place = Place { column: Some(farthest.to_string()), ..Place::default() };
    let expected = format!("distances whose squares are numbers in {}", T::NAME);
    Err(Error::data(engine.origin(), place, expected, format!("values {:e} from the mean", reach[farthest])))
}

fn diverged(iteration: usize, found: String) -> Error {
    Error::Diverged { what: "KMeans".into(), iteration, found }
}
