//! Which fits are done one after the other, and what they cost.

use std::ops::Range;

use super::SvcSearch;
use crate::estimator::searchable::{Chain, FitId, Split};
use crate::estimator::svm::tracks::{track_of_each, tracks};
use crate::kernel::svm::KernelFunction;

impl SvcSearch {
    /// Every fit of the search.
    pub(super) fn all_chains(&self, splits: &[Split]) -> Vec<Chain> {
        let mut chains = Vec::new();
        for family in self.families() {
            let parts = self.tracks(&family);
            let chain = |fold: usize, part: &[usize]| {
                let fits: Vec<FitId> = part.iter().map(|&candidate| FitId { candidate, fold }).collect();
                Chain { cost: self.cost(&fits, &splits[fold]), fits }
            };
            // Fits with one C use the same rows of the matrix, unless every fold has its own.
            match self.kernel_key(family[0]).1 || self.recomputes() {
                true => chains.extend(
                    (0..splits.len())
                        .flat_map(|f| parts.iter().map(move |p| (f, p)))
                        .map(|(f, p)| chain(f, p)),
                ),
                false => chains.extend(
                    parts
                        .iter()
                        .flat_map(|p| (0..splits.len()).map(move |f| (f, p)))
                        .map(|(f, p)| chain(f, p)),
                ),
            }
        }
        chains
    }

    /// The kernel of a candidate where it does not depend on the fold, and whether it does.
    pub(super) fn kernel_key(&self, candidate: usize) -> (KernelFunction, bool) {
        let svc = &self.candidates[candidate];
        let scales = svc.scales();
        let gamma = if scales { 0.0 } else { svc.gamma(self.table.x.ncols(), || 0.0) };
        (svc.kernel(gamma), scales)
    }

    /// Candidates with the same kernel, in the order in which a chain does them.
    fn families(&self) -> Vec<Vec<usize>> {
        let mut families: Vec<Vec<usize>> = Vec::new();
        for candidate in 0..self.candidates.len() {
            let key = self.kernel_key(candidate);
            match families.iter_mut().find(|family| self.kernel_key(family[0]) == key) {
                Some(family) => family.push(candidate),
                None => families.push(vec![candidate]),
            }
        }
        for family in &mut families {
            family.sort_by(|&a, &b| self.c(a).total_cmp(&self.c(b)));
        }
        families
    }

    /// For each candidate the first one with the same kernel.
    pub(super) fn first_of_kernel(&self) -> Vec<usize> {
        let mut first = vec![0; self.candidates.len()];
        for family in self.families() {
            let least = family.iter().copied().min().unwrap_or_default();
            family.iter().for_each(|&candidate| first[candidate] = least);
        }
        first
    }

    pub(super) fn c(&self, candidate: usize) -> f64 {
        self.candidates[candidate].params().c
    }

    /// What fits of one C cost: iterations, each a pass over the rows, grow in number with the rows and with C, for
    /// kernels without a bound the most; with a small C every row becomes a support vector, whose kernel values have
    /// to be fetched.
    fn cost(&self, fits: &[FitId], split: &Split) -> f64 {
        let n = split.train.len() as f64;
        // Five more fits on four fifths of the rows.
        let calibration = if self.probable() { 4.2 } else { 1.0 };
        let fetching = if self.recomputes() { 12.0 } else { 27.0 };
        let of = |id: &FitId| {
            let growth = match self.kernel_key(id.candidate).0 {
                KernelFunction::Rbf { .. } | KernelFunction::Sigmoid { .. } => 0.3,
                _ if self.helps(id.candidate, id.candidate) => 0.6,
                KernelFunction::Poly { .. } => 6.0,
                KernelFunction::Linear => 12.0,
            };
            let c = self.c(id.candidate);
            (4.0 + growth * c.clamp(0.01, 1e4).sqrt() + fetching / (1.0 + 100.0 * c)) * calibration
        };
        n * n * fits.iter().map(of).sum::<f64>()
    }

    /// Whether the fit of `candidate` may start from the solution of `other`, with no larger C.
    pub(super) fn helps(&self, other: usize, candidate: usize) -> bool {
        let of_each = || {
            let tracks = self.families().into_iter().flat_map(|family| self.tracks(&family));
            track_of_each(self.candidates.len(), tracks)
        };
        let tracks = self.tracks.get_or_init(of_each);
        self.candidates[other].starts_warm() && tracks[other] == tracks[candidate]
    }

    /// The candidates of a family that are fitted one after the other.
    fn tracks(&self, family: &[usize]) -> Vec<Vec<usize>> {
        let are_alike = |a: usize, b: usize| {
            let [first, then] = [a, b].map(|candidate| self.candidates[candidate].params());
            first.class_weight == then.class_weight && first.tol == then.tol
        };
        tracks(family, |candidate| &self.candidates[candidate], are_alike)
    }

    /// The parts of a chain with one fold and one kernel each: the whole chain, unless it was put together otherwise.
    pub(super) fn parts(&self, fits: &[FitId]) -> Vec<Range<usize>> {
        let key = |id: &FitId| (id.fold, self.kernel_key(id.candidate));
        let mut parts: Vec<Range<usize>> = Vec::new();
        for (i, id) in fits.iter().enumerate() {
            match parts.last_mut() {
                Some(part) if key(&fits[part.start]) == key(id) => part.end = i + 1,
                _ => parts.push(i..i + 1),
            }
        }
        parts
    }
}
