//! A searchable estimator whose scores follow from the fit's number, for tests of the sweep engine.
#![allow(dead_code, reason = "each test binary uses a part")]

use rankfit::engine::sweep::Fits;
use rankfit::error::{Error, Place, Result};
use rankfit::estimator::{Array, Model};
use rankfit::model_selection::{Chain, FitId, FitOutcome, Search, SearchSpec, Searchable, Split};

pub(crate) const N_SPLITS: usize = 3;
const N_CANDIDATES: usize = 4;

/// Chains of the candidates of one fold, in order.
pub(crate) struct Fake {
    /// The error of a fit, if it has one.
    pub(crate) fails: fn(FitId) -> Option<Error>,
    /// Called after each fit.
    pub(crate) after: fn(FitId),
    /// The error of the last fit, of a candidate that can be fitted again.
    pub(crate) refit_fails: fn() -> Option<Error>,
    /// Whether the best candidate can be fitted again.
    pub(crate) refits: bool,
    /// Whether outcomes are those of other fits.
    pub(crate) lies: bool,
    /// What [`Searchable::fits_are_independent`] says.
    pub(crate) independent: bool,
    /// Into how many parts a chain can be cut.
    pub(crate) parts: usize,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self {
            fails: |_| None,
            after: |_| (),
            refit_fails: || None,
            refits: true,
            lies: false,
            independent: true,
            parts: 1,
        }
    }

    /// A score whose mean depends on the order of addition.
    pub(crate) fn score(&self, id: FitId) -> f64 {
        (1.0 + id.candidate as f64 * 0.737 + id.fold as f64 * 11.3).sin().abs()
    }

    pub(crate) fn best_candidate(&self) -> usize {
        let sum = |candidate| (0..N_SPLITS).map(|fold| self.score(FitId { candidate, fold })).sum::<f64>();
        (0..N_CANDIDATES).max_by(|&a, &b| sum(a).total_cmp(&sum(b))).unwrap()
    }

    pub(crate) fn all_chains(&self) -> Vec<Chain> {
        (0..N_SPLITS)
            .map(|fold| Chain {
                fits: (0..N_CANDIDATES).map(|candidate| FitId { candidate, fold }).collect(),
                cost: 1.0 + fold as f64,
            })
            .collect()
    }
}

impl Fits for Fake {
    fn run(&self, chain: &Chain, emit: &mut dyn FnMut(FitOutcome) -> Result<()>) -> Result<()> {
        for &id in &chain.fits {
            if let Some(error) = (self.fails)(id) {
                return Err(error);
            }
            let told = if self.lies { FitId { candidate: id.candidate + 1, fold: id.fold } } else { id };
            (self.after)(id);
            emit(FitOutcome::new(told, [vec![self.score(id)], Vec::new()], [0.0; 2]))?;
        }
        Ok(())
    }

    fn n_parts(&self, _chain: &Chain) -> usize {
        self.parts
    }

    fn part(&self, chain: &Chain, part: usize) -> Result<Vec<u8>> {
        // The fits fail when they are done, the parts of their chains before.
        match chain.fits.iter().find_map(|&id| (self.fails)(id)) {
            Some(error) => Err(error),
            None => Ok(vec![chain.fits[0].fold as u8, part as u8]),
        }
    }

    fn join(
        &self,
        chain: &Chain,
        parts: &[Vec<u8>],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        let fold = chain.fits[0].fold as u8;
        assert!(parts.iter().map(Vec::as_slice).eq((0..self.parts as u8).map(|part| [fold, part])));
        Fits::run(self, chain, emit)
    }

    fn are_independent(&self) -> bool {
        self.independent
    }
}

impl Searchable for Fake {
    fn n_candidates(&self) -> usize {
        N_CANDIDATES
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        assert_eq!(splits.len(), N_SPLITS);
        self.all_chains()
    }

    fn run(
        &self,
        chain: &Chain,
        _splits: &[Split],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        Fits::run(self, chain, emit)
    }

    fn n_chain_parts(&self, chain: &Chain) -> usize {
        Fits::n_parts(self, chain)
    }

    fn chain_part(&self, chain: &Chain, _splits: &[Split], part: usize) -> Result<Vec<u8>> {
        Fits::part(self, chain, part)
    }

    fn join_chain(
        &self,
        chain: &Chain,
        _splits: &[Split],
        parts: &[Vec<u8>],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        Fits::join(self, chain, parts, emit)
    }

    fn fits_are_independent(&self) -> bool {
        self.independent
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        if !self.refits {
            return Err(Error::data("fake", Place::default(), "no refit", "one"));
        }
        if let Some(error) = (self.refit_fails)() {
            return Err(error);
        }
        let attributes = vec![("candidate_".to_string(), Array::scalar(candidate as f64))];
        Ok(Model { estimator: "Fake".into(), params: serde_json::Value::Null, attributes })
    }
}

pub(crate) fn splits() -> Vec<Split> {
    search().splits(9, &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0], None).unwrap().splits
}

pub(crate) fn search() -> Search {
    let spec = serde_json::json!({"grid": {"C": [1, 2, 3, 4]}, "cv": N_SPLITS});
    serde_json::from_value::<SearchSpec>(spec).unwrap().check(true, 0).unwrap()
}
