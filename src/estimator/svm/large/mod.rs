//! One problem whose kernel matrix is larger than memory: block working sets, by all ranks together.
//!
//! Up to [`WORKING`] variables are chosen, those that violate optimality most among them; the problem over these alone
//! is solved on their small dense matrix, and f of all variables is brought up to date by a block of kernel rows times
//! the changes of α. Every rank owns a range of the columns: it keeps f of these, and the rows' numbers for these, as
//! many rows as its memory allows. α and the small problem are the same on all ranks. f of a variable is a sum in
//! the order in which variables were changed, so neither rank count nor memory change a bit.
//!
//! The end is libsvm's: the gap m(α) − M(α) over all variables is below the tolerance. The path is not.
//!
//! # References
//! Joachims: Making large-scale SVM learning practical, 1998. Wen et al.: ThunderSVM, JMLR 19 (2018), section 3.
//! Serafini, Zanghirati, Zanni: Parallel decomposition approaches for training support vector machines, 2003.

mod candidates;
mod fit;
mod rows;
mod subproblem;
mod working;

pub use fit::LargeFit;

use std::ops::Range;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::comm::{decode, encode};
use crate::error::Result;
use crate::kernel::Isa;
use crate::kernel::svm::{self, KernelFunction, LOW, PANEL, Panels, UP};
use crate::partition::Slice;
use candidates::{Candidate, Candidates};
use rows::LatestRows;
use subproblem::{Few, mark};
use working::Working;

/// Variables that are changed at a time.
const WORKING: usize = 1024;
/// Rows whose part of f is computed at a time.
const BATCH: usize = 256;
/// Steps of a round, a variable of the working set.
const INNER: u64 = 10;

/// The ranks that solve a problem together.
pub trait Peers {
    /// This one's number and how many there are.
    fn place(&self) -> (usize, usize);

    /// Every rank's bytes, in their order.
    ///
    /// # Collective
    /// One allgather.
    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>>;
}

/// Values of every variable of a problem.
pub(super) struct Large<'a> {
    pub(super) kernel: KernelFunction,
    pub(super) signs: &'a [f64],
    pub(super) bounds: &'a [f64],
    /// Features of each.
    pub(super) x: &'a dyn Fn(usize) -> &'a [f64],
    pub(super) n_features: usize,
}

/// When to stop, and what may be used.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) tol: f64,
    pub(super) max_iter: u64,
    pub(super) deadline: Option<Instant>,
    pub(super) budget_bytes: usize,
}

/// A problem solved.
pub(super) struct Solved {
    pub(super) alpha: Vec<f64>,
    /// −y∇ of every variable.
    pub(super) f: Vec<f64>,
    pub(super) n_iter: u64,
    pub(super) converged: bool,
    /// Rounds of block working sets.
    pub(super) n_rounds: u64,
    /// Kernel values that this rank computed for its columns.
    pub(super) n_values: u64,
    /// Kernel values that it used.
    pub(super) n_used: u64,
}

/// What each rank brings to a round.
#[derive(Serialize, Deserialize)]
struct Report {
    up: Vec<Candidate>,
    low: Vec<Candidate>,
    /// Positions of the working set whose variables are this rank's, with their f.
    members: Vec<Candidate>,
    expired: bool,
}

/// What all ranks know at the start of a round.
struct Known {
    candidates: Candidates,
    /// f of the members of the working set.
    f: Vec<f64>,
    expired: bool,
}

struct Solver<'a, 'd> {
    problem: &'a Large<'d>,
    peers: &'a dyn Peers,
    limits: Limits,
    /// The variables whose columns are this rank's.
    own: Range<usize>,
    panels: Panels,
    rows: LatestRows,
    alpha: Vec<f64>,
    /// f of this rank's variables.
    f: Vec<f64>,
    n_values: u64,
    n_used: u64,
}

/// Solves `problem` with the linear term −1 for every variable, from α = 0.
///
/// # Collective
/// A round exchanges at most 48 KB a rank, the end 8 bytes a variable.
///
/// # Errors
/// When a message cannot be understood.
pub(super) fn solve(problem: &Large<'_>, limits: Limits, peers: &dyn Peers) -> Result<Solved> {
    Solver::new(problem, limits, peers).run()
}

impl<'a, 'd> Solver<'a, 'd> {
    fn new(problem: &'a Large<'d>, limits: Limits, peers: &'a dyn Peers) -> Self {
        let n = problem.signs.len();
        let (rank, size) = peers.place();
        let panels = Slice::of(n.div_ceil(PANEL), rank, size).blocks;
        let own = (panels.start * PANEL).min(n)..(panels.end * PANEL).min(n);
        let panels = Panels::new(own.clone().map(problem.x), problem.n_features);
        let rows = LatestRows::new(n, panels.n_panels() * PANEL, BATCH, limits.budget_bytes);
        let f = problem.signs[own.clone()].to_vec();
        Self { problem, peers, limits, own, panels, rows, alpha: vec![0.0; n], f, n_values: 0, n_used: 0 }
    }

    fn run(mut self) -> Result<Solved> {
        let mut working = Working::default();
        let (mut n_iter, mut n_rounds) = (0, 0);
        let converged = loop {
            let known = self.exchange(&working)?;
            let gap = known.candidates.gap();
            // Written so that a gap that is no number stops as well.
            let violates = gap >= self.limits.tol;
            if !violates {
                break true;
            }
            if known.expired || n_iter >= self.limits.max_iter {
                break false;
            }
            let mut few = working.renew(self.problem, &known.candidates, &known.f, &self.alpha);
            let tol = (0.1 * gap).max(0.5 * self.limits.tol);
            let most = (self.limits.max_iter - n_iter).min(INNER * few.f.len() as u64);
            n_iter += few.solve(&working.matrix, WORKING, tol, most);
            n_rounds += 1;
            self.apply(&working.members, &few);
        };
        let all = self.peers.gather(&encode(&self.f)?);
        let parts: Vec<Vec<f64>> = all.iter().map(|bytes| decode(bytes)).collect::<Result<_>>()?;
        let Self { alpha, n_values, n_used, .. } = self;
        Ok(Solved { alpha, f: parts.concat(), n_iter, converged, n_rounds, n_values, n_used })
    }

    /// Tells the others what this rank's variables are like, and learns of theirs.
    fn exchange(&self, working: &Working) -> Result<Known> {
        let mut own = Candidates::default();
        for (v, &f) in self.own.clone().zip(&self.f) {
            let mark = mark(self.problem.signs[v], self.alpha[v], self.problem.bounds[v]);
            if mark & UP != 0 {
                own.up.push((v as u32, f));
            }
            if mark & LOW != 0 {
                own.low.push((v as u32, f));
            }
        }
        own.keep(WORKING);
        let members = working.members.iter().enumerate();
        let members = members.filter(|(_, v)| self.own.contains(&(**v as usize)));
        let members = members.map(|(p, &v)| (p as u32, self.f[v as usize - self.own.start])).collect();
        let expired = self.limits.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let report = Report { up: own.up, low: own.low, members, expired };
        let mut known =
            Known { candidates: Candidates::default(), f: vec![0.0; working.members.len()], expired: false };
        for bytes in self.peers.gather(&encode(&report)?) {
            let report: Report = decode(&bytes)?;
            known.candidates.extend(Candidates { up: report.up, low: report.low });
            report.members.iter().for_each(|&(p, f)| known.f[p as usize] = f);
            known.expired |= report.expired;
        }
        known.candidates.keep(WORKING);
        Ok(known)
    }

    /// Takes over α of the members and brings f of this rank's variables up to date.
    fn apply(&mut self, members: &[u32], few: &Few) {
        let mut changed: Vec<(usize, f64)> = Vec::new();
        for ((&v, &alpha), sign) in members.iter().zip(&few.alpha).zip(&few.signs) {
            let by = sign * (alpha - self.alpha[v as usize]);
            if by != 0.0 {
                changed.push((v as usize, by));
            }
            self.alpha[v as usize] = alpha;
        }
        if self.f.is_empty() {
            return;
        }
        for batch in changed.chunks(BATCH) {
            let variables: Vec<usize> = batch.iter().map(|c| c.0).collect();
            let (slots, mut missing) = self.rows.places(&variables);
            missing.sort_unstable_by_key(|&i| slots[i]);
            let x: Vec<f64> = missing.iter().flat_map(|&i| (self.problem.x)(variables[i])).copied().collect();
            let ascending: Vec<usize> = missing.iter().map(|&i| slots[i]).collect();
            let mut rows = self.rows.rows_mut(&ascending);
            svm::kernel_block(Isa::best(), self.problem.kernel, &self.panels, &x, &mut rows);
            self.n_values += (missing.len() * self.f.len()) as u64;
            self.n_used += (batch.len() * self.f.len()) as u64;
            let rows: Vec<&[f32]> = slots.iter().map(|&slot| self.rows.row(slot)).collect();
            let factors: Vec<f64> = batch.iter().map(|c| c.1).collect();
            svm::subtract_block(Isa::best(), &mut self.f, &rows, &factors);
        }
    }
}
