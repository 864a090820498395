//! The variables changed together and their small matrix.

use super::candidates::{Candidate, Candidates};
use super::subproblem::Few;
use super::{Large, WORKING};
use crate::kernel::Isa;
use crate::kernel::svm::{self, PANEL, Panels};

/// The variables of a round: some of the round before, then new ones.
#[derive(Default)]
pub(super) struct Working {
    pub(super) members: Vec<u32>,
    /// Kernel values of the members with each other, row by row in [`WORKING`] numbers each.
    pub(super) matrix: Vec<f32>,
}

impl Working {
    /// Replaces up to half of the members: those at a bound, and those that were there longest.
    ///
    /// `f` gives f of the members at present, `alpha` α of every variable.
    pub(super) fn renew(
        &mut self,
        problem: &Large<'_>,
        candidates: &Candidates,
        f: &[f64],
        alpha: &[f64],
    ) -> Few {
        let kept = self.kept(problem, alpha);
        let stays: Vec<u32> = kept.iter().map(|&p| self.members[p]).collect();
        let sorted = {
            let mut sorted = stays.clone();
            sorted.sort_unstable();
            sorted
        };
        let new: Vec<Candidate> =
            candidates.choose(WORKING - stays.len(), |v| sorted.binary_search(&v).is_err());
        let mut few = Few { f: kept.iter().map(|&p| f[p]).collect(), ..Few::default() };
        few.f.extend(new.iter().map(|c| c.1));
        self.members = stays.into_iter().chain(new.iter().map(|c| c.0)).collect();
        self.fill(problem, &kept);
        for &v in &self.members {
            let v = v as usize;
            few.signs.push(problem.signs[v]);
            few.bounds.push(problem.bounds[v]);
            few.alpha.push(alpha[v]);
            let norm = (problem.x)(v).iter().fold(0.0, |sum: f64, &v| v.mul_add(v, sum));
            few.diagonal.push(problem.kernel.diagonal(norm));
        }
        few
    }

    /// The positions of members that stay: free ones before others, later ones before earlier ones.
    fn kept(&self, problem: &Large<'_>, alpha: &[f64]) -> Vec<usize> {
        let is_free = |&p: &usize| {
            let v = self.members[p] as usize;
            alpha[v] > 0.0 && alpha[v] < problem.bounds[v]
        };
        let (free, bound): (Vec<usize>, Vec<usize>) = (0..self.members.len()).rev().partition(is_free);
        let mut kept: Vec<usize> = free.into_iter().chain(bound).take(WORKING / 2).collect();
        kept.sort_unstable();
        kept
    }

    /// The matrix of the members, of which the first were at the positions `kept` before.
    fn fill(&mut self, problem: &Large<'_>, kept: &[usize]) {
        let (n, k) = (self.members.len(), kept.len());
        let mut matrix = vec![0.0f32; WORKING * WORKING];
        for (out, &p) in matrix.chunks_exact_mut(WORKING).zip(kept) {
            let row = &self.matrix[p * WORKING..(p + 1) * WORKING];
            out.iter_mut().zip(kept).for_each(|(out, &q)| *out = row[q]);
        }
        let x = |&v: &u32| (problem.x)(v as usize);
        let panels = Panels::new(self.members.iter().map(x), problem.n_features);
        let new: Vec<f64> = self.members[k..].iter().flat_map(x).copied().collect();
        let width = n.div_ceil(PANEL) * PANEL;
        let rows = matrix.chunks_exact_mut(WORKING).skip(k).take(n - k);
        let mut rows: Vec<&mut [f32]> = rows.map(|row| &mut row[..width]).collect();
        svm::kernel_block(Isa::best(), problem.kernel, &panels, &new, &mut rows);
        for i in 0..k {
            for j in k..n {
                matrix[i * WORKING + j] = matrix[j * WORKING + i];
            }
        }
        self.matrix = matrix;
    }
}
