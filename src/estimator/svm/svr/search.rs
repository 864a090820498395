//! Many candidates of SVR on many folds, with kernel values shared.
//!
//! A chain is a piece of one fold with one kernel, C and ε ascending: its fits use the same kernel rows, which are computed when
//! the first asks for them. Every fit starts from 0, so that each score is scikit-learn's, unless `warm_start_along_c` asks
//! for the solution of the next smaller C of its [track](crate::estimator::svm::tracks).

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::fit::Desk;
use super::model::SvrModel;
use super::params::{Svr, SvrParams};
use crate::comm::Communicator;
use crate::data::Table;
use crate::error::{Error, Result};
use crate::estimator::Model;
use crate::estimator::plain::{PlainModel, gather, matrix};
use crate::estimator::row_scores::{RowScores, Scored};
use crate::estimator::searchable::{Chain, FitId, FitOutcome, Searchable, SharedWork, Split};
use crate::estimator::svm::footprint;
use crate::estimator::svm::params::Svc;
use crate::estimator::svm::products::KeptProducts;
use crate::estimator::svm::settled::{Settled, SettledFit};
use crate::estimator::svm::solver::Solution;
use crate::estimator::svm::tracks::{track_of_each, tracks};
use crate::kernel::svm::KernelFunction;

/// How much more than the kernel values that it needs a chain costs at least, where there is so much to do: another
/// chain with the same kernel computes them again.
const CUT: f64 = 2.0;

/// The candidates of a search over SVR with their data.
pub struct SvrSearch {
    table: Arc<Table>,
    candidates: Vec<Svr>,
    scores: RowScores,
    return_train_score: bool,
    budget_bytes: usize,
    products: KeptProducts,
    settled: Settled,
    /// The track of each candidate that starts warm.
    tracks: OnceLock<Vec<usize>>,
    n_fits: AtomicU64,
    n_copied: AtomicU64,
    n_operations: AtomicU64,
    /// Kernel values that fits asked for, and those that were computed.
    n_asked: AtomicU64,
    n_computed: AtomicU64,
}

impl SvrSearch {
    /// A search; kernel rows and shared products take at most `budget_bytes`.
    ///
    /// # Errors
    /// Those of [`Svr::check_table`].
    pub fn new(
        table: Arc<Table>,
        candidates: Vec<Svr>,
        scores: RowScores,
        return_train_score: bool,
        budget_bytes: usize,
    ) -> Result<Self> {
        candidates.first().map_or(Ok(()), |candidate| candidate.check_table(&table))?;
        Ok(Self {
            table,
            candidates,
            scores,
            return_train_score,
            budget_bytes,
            products: KeptProducts::new(budget_bytes),
            settled: Settled::default(),
            tracks: OnceLock::new(),
            n_fits: AtomicU64::new(0),
            n_copied: AtomicU64::new(0),
            n_operations: AtomicU64::new(0),
            n_asked: AtomicU64::new(0),
            n_computed: AtomicU64::new(0),
        })
    }

    /// Computes the rows' products, if they are worth it, once for all ranks of a node; returns how many ranks have this
    /// one copy, and its bytes. Without this every rank computes its own when it needs them.
    ///
    /// # Collective
    /// As [`Communicator::fill_on_node`], and an agreement.
    ///
    /// # Errors
    /// That of an [interruption](crate::telemetry::check_interrupt) of any rank, on all.
    pub fn share_products(&self, comm: &dyn Communicator) -> Result<Option<(usize, usize)>> {
        self.products.share(comm, &self.table)
    }

    /// The kernel of a candidate where it does not depend on the fold, and whether it does.
    fn kernel_key(&self, candidate: usize) -> (KernelFunction, bool) {
        let machine = &self.candidates[candidate].machine;
        let gamma = if machine.scales() { 0.0 } else { machine.gamma(self.table.x.ncols(), || 0.0) };
        (machine.kernel(gamma), machine.scales())
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
        let params = |c: usize| self.candidates[c].params();
        for family in &mut families {
            family.sort_by(|&a, &b| {
                let epsilons = params(a).epsilon.total_cmp(&params(b).epsilon);
                params(a).c.total_cmp(&params(b).c).then(epsilons)
            });
        }
        families
    }

    /// Whether the fit of `first` must be that of `then` with the same kernel: the same problem, solved in the same way, or
    /// with a larger C where the first is `settled`.
    fn same(&self, first: usize, settled: bool, then: usize) -> bool {
        let (c, larger) = (self.c(first), self.c(then));
        (c == larger || (c < larger && settled)) && self.problem(first) == self.problem(then)
    }

    /// The parameters of a candidate but for the kernel's and C.
    fn problem(&self, candidate: usize) -> SvrParams {
        let mut params = self.candidates[candidate].params().clone();
        // Of the kernel's parameters those that matter are equal already.
        (params.kernel, params.degree, params.coef0) = Default::default();
        (params.gamma, params.cache_size) = (crate::estimator::svm::Gamma::Number(0.0), 0.0);
        params.c = 0.0;
        params
    }

    /// Whether `then` must be the same as a fit done in the same chain.
    fn equals(&self, done: &Done, then: usize) -> bool {
        let first = done.fit.outcome.id.candidate;
        let (c, larger) = (self.c(first), self.c(then));
        // One solution within the tolerance is as good as another.
        let is_one = self.helps(first, then) && (c == larger || (c < larger && done.reach < 1.0));
        is_one || self.same(first, done.fit.nearest_bound < 1.0, then)
    }

    /// Whether the fit of `candidate` may start from the solution of `other`, with no larger C.
    fn helps(&self, other: usize, candidate: usize) -> bool {
        let of_each = || {
            let tracks = self.families().into_iter().flat_map(|family| self.tracks(&family));
            track_of_each(self.candidates.len(), tracks)
        };
        let tracks = self.tracks.get_or_init(of_each);
        self.machine(other).starts_warm() && tracks[other] == tracks[candidate]
    }

    /// The candidates of a family that start from each other, C ascending.
    fn tracks(&self, family: &[usize]) -> Vec<Vec<usize>> {
        let warm: Vec<usize> =
            family.iter().copied().filter(|&candidate| self.machine(candidate).starts_warm()).collect();
        let problem = |candidate: usize| SvrParams { shrinking: true, ..self.problem(candidate) };
        tracks(&warm, |candidate| self.machine(candidate), |a, b| problem(a) == problem(b))
    }

    fn machine(&self, candidate: usize) -> &Svc {
        &self.candidates[candidate].machine
    }

    fn c(&self, candidate: usize) -> f64 {
        self.candidates[candidate].params().c
    }

    /// What a kernel value costs, in updates of a variable.
    fn of_value(&self) -> f64 {
        4.0 + 0.5 * self.table.x.ncols() as f64
    }

    fn scores(&self, model: &SvrModel, rows: &[usize]) -> Result<Vec<f64>> {
        let x = matrix(rows.len(), self.table.x.ncols(), gather(&self.table, rows))?;
        let y_true: Vec<f64> = rows.iter().map(|&row| self.table.y[row]).collect();
        let y_pred = model.predict(x.view())?;
        let weights = self.table.weights_of(rows);
        let (y_true, weights, predicted) = (&y_true[..], &weights[..], &y_pred[..]);
        self.scores.of(&Scored { y_true, known: &[], weights, predicted, decision: None, proba: None })
    }

    /// Fits from the solution `before` if that helps, which this one then takes the place of.
    fn fit(
        &self,
        id: FitId,
        desk: &mut Desk,
        split: &Split,
        since: Instant,
        before: &mut Option<(usize, Solution)>,
    ) -> Result<Done> {
        let svr = &self.candidates[id.candidate];
        let start = before.take().filter(|(other, _)| self.helps(*other, id.candidate));
        let start = start.as_ref().map(|(other, solution)| (solution, self.c(*other)));
        let solution = desk.solve(svr, &self.table, self.products.of(&self.table)?.0, start)?;
        let model = SvrModel::assemble(svr, &self.table, &desk.set, desk.gamma, &solution)?;
        self.n_operations.fetch_add(solution.work, Ordering::Relaxed);
        let fit_seconds = since.elapsed().as_secs_f64();
        let start = Instant::now();
        let test_scores = self.scores(&model, &split.test)?;
        let score_seconds = start.elapsed().as_secs_f64();
        let train_scores =
            if self.return_train_score { self.scores(&model, &split.train)? } else { Vec::new() };
        let outcome = FitOutcome::new(id, [test_scores, train_scores], [fit_seconds, score_seconds]);
        let outcome = FitOutcome { converged: solution.converged, ..outcome };
        let fit = SettledFit { outcome, nearest_bound: solution.nearest_bound };
        let done = Done { fit, reach: solution.reach };
        *before = Some((id.candidate, solution));
        Ok(done)
    }
}

/// A fit done or copied, kept for those that equal it.
#[derive(Clone)]
struct Done {
    fit: SettledFit,
    /// The largest part of its C that any α is in the end.
    reach: f64,
}

/// Cuts `family` where a piece costs `enough`.
fn pieces(family: &[usize], enough: f64, cost: impl Fn(usize) -> f64) -> Vec<&[usize]> {
    let (mut pieces, mut start, mut sum) = (Vec::new(), 0, 0.0);
    for (at, &candidate) in family.iter().enumerate() {
        sum += cost(candidate);
        if sum >= enough || at + 1 == family.len() {
            pieces.push(&family[start..=at]);
            (start, sum) = (at + 1, 0.0);
        }
    }
    pieces
}

impl Searchable for SvrSearch {
    fn n_candidates(&self) -> usize {
        self.candidates.len()
    }

    fn chains(&self, splits: &[Split]) -> Vec<Chain> {
        let mut chains = Vec::new();
        // Iterations, each a pass over the rows, grow in number with the rows and with C.
        let of = |candidate: usize| 2.0 + self.candidates[candidate].params().c.clamp(0.01, 1e4).sqrt();
        let kernel = self.of_value();
        for family in self.families() {
            let tracks = self.tracks(&family);
            let cold: Vec<usize> = family.into_iter().filter(|&c| !self.machine(c).starts_warm()).collect();
            let cold = pieces(&cold, CUT * kernel, of);
            for piece in cold.into_iter().chain(tracks.iter().map(Vec::as_slice)) {
                for (fold, split) in splits.iter().enumerate() {
                    let n = split.train.len() as f64;
                    let fits = piece.iter().map(|&candidate| FitId { candidate, fold }).collect();
                    let cost = n * n * (kernel + piece.iter().map(|&c| of(c)).sum::<f64>());
                    chains.push(Chain { cost, fits });
                }
            }
        }
        chains
    }

    fn run(
        &self,
        chain: &Chain,
        splits: &[Split],
        emit: &mut dyn FnMut(FitOutcome) -> Result<()>,
    ) -> Result<()> {
        let Some(first) = chain.fits.first() else { return Ok(()) };
        let split = splits.get(first.fold).ok_or_else(|| Error::internal("a chain of an unknown fold"))?;
        let key = self.kernel_key(first.candidate);
        if chain.fits.iter().any(|id| id.fold != first.fold || self.kernel_key(id.candidate) != key) {
            return Err(Error::internal("a chain of fits that share no kernel"));
        }
        // What is done before the first fit counts as its time.
        let mut since = Instant::now();
        let budget_bytes = self.products.of(&self.table)?.1;
        let mut desk = Desk::new(&self.candidates[first.candidate], &self.table, &split.train, budget_bytes)?;
        let (mut done, mut before): (Vec<Done>, _) = (Vec::new(), None);
        for &id in &chain.fits {
            let settling = |first: usize| self.settles(first, id.candidate);
            let elsewhere = |fit: SettledFit| Done { reach: fit.nearest_bound, fit };
            let equal = done.iter().find(|other| self.equals(other, id.candidate)).cloned();
            let (fit, is_copy) = match equal.or_else(|| self.settled.of(id, settling).map(elsewhere)) {
                Some(mut equal) => {
                    self.n_copied.fetch_add(1, Ordering::Relaxed);
                    let outcome = equal.fit.outcome;
                    equal.fit.outcome = FitOutcome { id, fit_seconds: 0.0, score_seconds: 0.0, ..outcome };
                    (equal, true)
                }
                None => (self.fit(id, &mut desk, split, since, &mut before)?, false),
            };
            self.n_fits.fetch_add(1, Ordering::Relaxed);
            // Of another path it may be: what other chains copy must not depend on which of them came first.
            if !(is_copy && self.machine(id.candidate).starts_warm()) {
                self.settled.note(fit.fit.clone(), settling);
            }
            emit(fit.fit.outcome.clone())?;
            done.push(fit);
            since = Instant::now();
        }
        self.n_operations.fetch_add((1 + self.table.x.ncols() as u64 / 16) * desk.n_asked, Ordering::Relaxed);
        self.n_asked.fetch_add(desk.n_asked, Ordering::Relaxed);
        self.n_computed.fetch_add(desk.n_computed(), Ordering::Relaxed);
        Ok(())
    }

    fn settles(&self, first: usize, then: usize) -> bool {
        self.same(first, true, then) && self.kernel_key(first) == self.kernel_key(then)
    }

    fn settled(&self) -> Vec<usize> {
        let settles = |first: usize, then: usize| self.settles(first, then);
        self.settled.expected(self.candidates.len(), settles, |candidate| self.c(candidate))
    }

    fn fits_are_independent(&self) -> bool {
        !self.candidates.iter().any(|candidate| candidate.machine.starts_warm())
    }

    fn counts_on(&self, cost: f64) -> Option<usize> {
        // Costs grow with the square of the rows: fits on a third of them are cheap, and tell more than those on a quarter.
        (cost > 2e10).then_some(3)
    }

    fn n_operations(&self) -> u64 {
        self.n_operations.load(Ordering::Relaxed)
    }

    fn shared(&self) -> Vec<SharedWork> {
        let (fits, copied) = (self.n_fits.load(Ordering::Relaxed), self.n_copied.load(Ordering::Relaxed));
        let (asked, done) = (self.n_asked.load(Ordering::Relaxed), self.n_computed.load(Ordering::Relaxed));
        let mut shared = vec![
            SharedWork { what: "fits".into(), asked: fits, done: fits - copied },
            SharedWork { what: "kernel values".into(), asked, done },
        ];
        shared.extend(self.products.saved());
        shared
    }

    /// Kernel rows of the fold's rows, or then of all rows.
    fn memory_bytes(&self, splits: &[Split], refits: bool) -> u64 {
        let (n, d) = self.table.x.dim();
        let n_train = splits.iter().map(|split| split.train.len()).max().unwrap_or(n);
        let products = self.products.own_bytes(&self.table);
        let budget_bytes = if products > 0 { self.budget_bytes.div_ceil(2) } else { self.budget_bytes };
        let of = |n: usize| footprint::of_numbers(n, d, budget_bytes as u64);
        products + if refits { of(n) } else { of(n_train) }
    }

    fn refit(&self, candidate: usize) -> Result<Model> {
        let (table, svr) = (&*self.table, &self.candidates[candidate]);
        let all: Vec<usize> = (0..table.y.len()).collect();
        let (products, budget_bytes) = self.products.of(&self.table)?;
        let mut desk = Desk::new(svr, table, &all, budget_bytes)?;
        let solution = desk.solve(svr, table, products, None)?;
        Ok(SvrModel::assemble(svr, table, &desk.set, desk.gamma, &solution)?.export())
    }
}
