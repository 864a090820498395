//! The survey and the first round in one pass.
//!
//! Where rows have no weights the first candidate can be drawn before anything is known of the data, and the first
//! round asks for nothing but distances to it.

use super::super::super::frame::{CHUNK, Frame};
use super::super::super::moments::{Survey, SurveyPass};
use super::super::super::params::Rounds;
use super::super::{Seed, draw};
use super::Candidates;
use super::sample::{Drawing, Sample};
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::{Isa, Real};

/// The first row of each start, as it is in the data, and what the first round drew.
pub(in super::super::super) struct Opening {
    starts: Vec<(Vec<f64>, Sample)>,
}

impl Opening {
    /// The candidates so far, relative to the shift.
    pub(super) fn candidates<T: Real>(self, frame: &Frame<T>) -> Vec<Candidates> {
        let start = |(first, sample): (Vec<f64>, Sample)| {
            let first = first.iter().zip(&frame.shift).map(|(x, m)| x - m.to_f64()).collect();
            let mut candidates = Candidates::new(first);
            candidates.add(sample, frame);
            candidates
        };
        self.starts.into_iter().map(start).collect()
    }
}

/// Surveys rows without weights and draws the first round.
///
/// # Collective
/// A look into the blocks of the first rows, and one pass.
///
/// # Errors
/// What the engine returns.
pub(in super::super) fn open<T: Real>(
    engine: &mut PassEngine<'_, T>,
    isa: Isa,
    seeds: &[Seed],
    rounds: Rounds,
) -> Result<(Survey, Opening)> {
    let plain = Frame { shift: vec![T::ZERO; engine.shape().n_features], isa };
    let mut first = Vec::new();
    for &seed in seeds {
        first.push(draw::any_rows(engine, &plain, 1, seed)?);
    }
    let about = |row: &Vec<f64>| Frame { shift: row.iter().map(|&x| T::from_f64(x)).collect(), isa };
    let pass = OpeningPass {
        survey: SurveyPass { isa },
        starts: first.iter().map(about).collect(),
        drawing: Drawing::of_round(rounds.oversampling, seeds, 0),
    };
    let (survey, samples) = engine.run_once(&pass)?;
    Ok((survey, Opening { starts: first.into_iter().zip(samples).collect() }))
}

struct OpeningPass<T> {
    survey: SurveyPass,
    /// Frames about the first row of each start.
    starts: Vec<Frame<T>>,
    drawing: Drawing,
}

impl<T: Real> Pass<T> for OpeningPass<T> {
    type Partial = (Survey, Vec<Sample>);
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Self::Partial> {
        let survey = self.survey.block(block, &mut ())?;
        let mut masses = vec![0.0; block.n_rows];
        let mut samples = Vec::with_capacity(self.starts.len());
        for (start, frame) in self.starts.iter().enumerate() {
            let origin = vec![0.0; frame.d()];
            for (first, rows) in frame.chunks(block) {
                let n = rows.len();
                frame.distances(&rows, &origin, &[0; CHUNK][..n], &mut masses[first..first + n]);
            }
            samples.push(self.drawing.sample(start, block, &masses));
        }
        Ok((survey, samples))
    }
}
