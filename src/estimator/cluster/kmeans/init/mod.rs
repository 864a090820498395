//! The first centroids. Draws depend on the seed, the data and their cut into blocks, never on ranks.

mod draw;
mod file;
mod parallel;
mod plus_plus;
mod recluster;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

use super::frame::Frame;
use super::moments::{Survey, SurveyPass};
use super::params::{Init, KMeans};
use crate::comm::Communicator;
use crate::engine::pass::PassEngine;
use crate::error::{Error, Result};
use crate::kernel::Real;
use crate::rng::{Purpose, stream};

/// Surveys the data; where the start can go along with that it begins here.
///
/// # Collective
/// One pass, and for k-means|| a look into a block a run.
///
/// # Errors
/// What the pass returns.
pub(super) fn survey<T: Real>(
    kmeans: &KMeans,
    engine: &mut PassEngine<'_, T>,
) -> Result<(Survey, Option<parallel::Opening>)> {
    let parallel = kmeans.centers.is_none() && kmeans.params.init == Init::KMeansParallel;
    if parallel && !engine.shape().has_weights {
        let (survey, opening) = parallel::open(engine, kmeans.isa, &seeds(kmeans), kmeans.rounds())?;
        return Ok((survey, Some(opening)));
    }
    let survey = engine.run_once(&SurveyPass { isa: kmeans.isa })?;
    Ok((survey, None))
}

/// The first centroids of every run, relative to the shift: `(k, d)` each, size by size.
///
/// Sizes share their passes: the first centroids of the greatest are those of a smaller one, and candidates of k-means||
/// are clustered for each.
///
/// # Collective
/// The passes of the start.
///
/// # Errors
/// When given centres cannot be read or have the wrong shape, or rows with a weight are too few to be drawn.
pub(super) fn centers<T: Real>(
    kmeans: &KMeans,
    engine: &mut PassEngine<'_, T>,
    frame: &Frame<T>,
    survey: &Survey,
    opening: Option<parallel::Opening>,
) -> Result<Vec<Vec<f64>>> {
    let k = kmeans.params.n_clusters;
    if let Some((centers, origin)) = given::<T>(kmeans, engine.comm(), frame.d())? {
        return Ok(vec![given_centers(centers, &origin, k, frame)?]);
    }
    let (seeds, sizes) = (seeds(kmeans), &kmeans.sizes);
    let greatest: Vec<Vec<f64>> = match kmeans.params.init {
        Init::Random => {
            let rows = |&seed: &Seed| draw::rows(engine, frame, survey, k, seed);
            seeds.iter().map(rows).collect::<Result<_>>()?
        }
        Init::KMeansParallel => {
            return parallel::centers(engine, frame, survey, opening, sizes, &seeds, kmeans.rounds());
        }
        Init::KMeansPlusPlus | Init::File(_) => plus_plus::centers(engine, frame, survey, k, &seeds)?,
    };
    let first = |&k: &usize| greatest.iter().map(move |centers| centers[..k * frame.d()].to_vec());
    Ok(sizes.iter().flat_map(first).collect())
}

/// The centres that a fit is given, and where they come from.
fn given<T: Real>(kmeans: &KMeans, comm: &dyn Communicator, d: usize) -> Result<Option<(Vec<f64>, String)>> {
    Ok(match (&kmeans.centers, &kmeans.params.init) {
        (Some(centers), _) => Some((centers.clone(), "init".to_string())),
        (None, Init::File(path)) => Some((file::read::<T>(comm, path, d)?, path.display().to_string())),
        _ => None,
    })
}

impl KMeans {
    /// Checks the centres that a fit on rows of `d` features is given, if it is given some.
    ///
    /// # Collective
    /// That of reading a file of centres.
    ///
    /// # Errors
    /// When the file cannot be read, or the centres are fewer or more than they should be.
    pub fn check_start<T: Real>(&self, comm: &dyn Communicator, d: usize) -> Result<()> {
        match given::<T>(self, comm, d)? {
            Some((centers, origin)) => check_given(&centers, &origin, self.params.n_clusters, d),
            None => Ok(()),
        }
    }
}

fn check_given(centers: &[f64], origin: &str, k: usize, d: usize) -> Result<()> {
    if centers.len() == k * d {
        return Ok(());
    }
    let expected = format!("n_clusters = {k} centres of {d} features ({} numbers)", k * d);
    Err(Error::data(origin, Default::default(), expected, format!("{} numbers", centers.len())))
}

fn seeds(kmeans: &KMeans) -> Vec<Seed> {
    (0..kmeans.restarts).map(|run| Seed { seed: kmeans.seed, run }).collect()
}

/// Given centres, checked and taken relative to the shift.
fn given_centers<T: Real>(centers: Vec<f64>, origin: &str, k: usize, frame: &Frame<T>) -> Result<Vec<f64>> {
    check_given(&centers, origin, k, frame.d())?;
    // Centres have the type of the data, as in scikit-learn.
    let relative = |(c, m): (&f64, &T)| T::from_f64(*c).to_f64() - m.to_f64();
    Ok(centers.iter().zip(frame.shift.iter().cycle()).map(relative).collect())
}

/// The random numbers of one run's start.
#[derive(Clone, Copy, Debug)]
struct Seed {
    seed: u64,
    run: usize,
}

/// What a start draws numbers for.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Rows out of all rows.
    Rows = 1,
    /// A round of k-means||, or a step of k-means++.
    Round = 2,
    /// The clustering of candidates.
    Recluster = 3,
}

impl Seed {
    /// The replicated stream of a step.
    fn stream(self, step: Step, round: usize) -> Xoshiro256PlusPlus {
        let of_run = stream(self.seed, Purpose::Init, self.run as u64).next_u64();
        stream(of_run, Purpose::Init, ((step as u64) << 48) + round as u64)
    }

    /// The seed from which each block draws for a step.
    fn of_blocks(self, step: Step, round: usize) -> u64 {
        self.stream(step, round).next_u64()
    }
}

/// What a block's numbers of [`uniform_at`](crate::rng::uniform_at) start from.
fn block_key(seed: u64, block: usize) -> u64 {
    of_block(seed, block).next_u64()
}

/// The stream from which a block draws.
fn of_block(seed: u64, block: usize) -> Xoshiro256PlusPlus {
    stream(seed, Purpose::Init, block as u64)
}
