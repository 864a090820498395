//! f of variables that slept, to the last digit.
//!
//! While a variable sleeps its f is an estimate: what others moved in all, at once. libsvm adds one step after the
//! other, and rounds each time. Where the digits may matter the steps that a variable missed are made up for one by
//! one in their order, which gives libsvm's number; until then the estimate is as close as rounding lets it.

use super::Solver;
use crate::kernel::svm::{self, LATE_LANES, LOW, LateStep, UP};

/// Steps kept before all variables are brought up to date.
const MOST_STEPS: usize = 2 << 20;

/// Which steps each variable has missed.
#[derive(Default)]
pub(super) struct Late {
    /// Steps taken while some slept: columns and changes of α y.
    steps: Vec<([u32; 2], [f64; 2])>,
    /// f of each variable after the first `since` of these steps, as libsvm has it.
    exact: Vec<f64>,
    since: Vec<u32>,
    /// Some may have missed steps.
    some: bool,
    /// Place of each column among those of the steps made up for, while that is done.
    places: Vec<u32>,
    /// Work done since it was last asked for, in elements of a vector.
    work: f64,
}

impl Late {
    /// Takes notice of a step.
    pub(super) fn note(&mut self, columns: [u32; 2], by: [f64; 2]) {
        self.steps.push((columns, by));
    }

    /// Takes notice that f of a variable is known.
    pub(super) fn know(&mut self, v: usize, f: f64) {
        if self.some {
            self.exact[v] = f;
            self.since[v] = self.steps.len() as u32;
        }
    }

    /// Whether some may have missed steps.
    pub(super) fn is_some(&self) -> bool {
        self.some
    }

    pub(super) fn take_work(&mut self) -> f64 {
        std::mem::take(&mut self.work)
    }

    fn is_late(&self, v: usize) -> bool {
        self.some && (self.since[v] as usize) < self.steps.len()
    }
}

impl Solver<'_, '_> {
    /// From now on variables may miss steps. Those of all must be known when none did before.
    pub(super) fn begin_to_miss(&mut self) {
        let late = &mut self.late;
        if !late.some {
            late.steps.clear();
            late.exact.clone_from(&self.f);
            late.since.clear();
            late.since.resize(self.f.len(), 0);
            late.some = true;
        }
    }

    /// Nobody has missed a step: f of all is known.
    pub(super) fn end_missing(&mut self) {
        self.late.some = false;
        self.late.steps.clear();
    }

    /// Bounds the difference between an estimate and f as it is known, for a variable with c(x) = `size`.
    pub(super) fn slack(&self, size: f64) -> f64 {
        2.0 * self.horizon.bound(size) * self.largest_start
    }

    /// The extremes of f as they are known. Every estimate must be up to date.
    pub(super) fn known_extremes(&mut self) -> (f64, f64) {
        let (largest, smallest) = self.extremes();
        if !self.late.some {
            return (largest, smallest);
        }
        let slack = 2.0 * self.slack(self.limits.largest_size);
        self.catch_up_where(|f, mark| {
            (mark & UP != 0 && f >= largest - slack) || (mark & LOW != 0 && f <= smallest + slack)
        });
        self.extremes()
    }

    /// Brings active variables up to date whose f cannot be told from `largest` or `smallest`, where that decides
    /// about leaving.
    pub(super) fn settle(&mut self, largest: f64, smallest: f64) {
        let slack = self.slack(self.limits.largest_size);
        self.catch_up_where(|f, mark| match mark {
            LOW => (f - largest).abs() <= slack,
            UP => (f - smallest).abs() <= slack,
            _ => false,
        });
    }

    fn catch_up_where(&mut self, which: impl Fn(f64, u8) -> bool) {
        if !self.late.some {
            return;
        }
        let near: Vec<u32> = self.order[..self.n_active]
            .iter()
            .copied()
            .filter(|&v| which(self.f[v as usize], self.marks[v as usize]))
            .collect();
        self.catch_up(&near);
    }

    /// Forgets steps when there are too many.
    pub(super) fn bound_steps(&mut self) {
        if self.late.steps.len() >= MOST_STEPS {
            let all = self.order[..self.n_active].to_vec();
            self.catch_up(&all);
            self.late.steps.clear();
            self.late.since.fill(0);
        }
    }

    /// Makes up for the steps that variables missed.
    pub(super) fn catch_up(&mut self, variables: &[u32]) {
        let mut late: Vec<u32> = variables
            .iter()
            .copied()
            .filter(|&v| self.late.is_late(v as usize) && self.marks[v as usize] != 0)
            .collect();
        late.sort_by_key(|&v| self.late.since[v as usize]);
        let mut places = std::mem::take(&mut self.late.places);
        places.resize(self.rows.diagonal.len(), u32::MAX);
        for block in late.chunks(LATE_LANES) {
            if self.gives_up() {
                break;
            }
            self.catch_up_block(block, &mut places);
        }
        self.late.places = places;
    }

    /// The same for variables that fit into the lanes of the loop, those that missed most first.
    fn catch_up_block(&mut self, block: &[u32], places: &mut [u32]) {
        let first = self.late.since[block[0] as usize] as usize;
        let columns: Vec<usize> = block.iter().map(|&v| self.columns[v as usize] as usize).collect();
        let mut f = [0.0; LATE_LANES];
        for (f, &v) in f.iter_mut().zip(block) {
            *f = self.late.exact[v as usize];
        }
        let mut values: Vec<[f32; LATE_LANES]> = Vec::new();
        let mut seen: Vec<u32> = Vec::new();
        let mut steps: Vec<LateStep> = Vec::with_capacity(self.late.steps.len() - first);
        for t in first..self.late.steps.len() {
            let (of, by) = self.late.steps[t];
            let rows = of.map(|column| {
                let place = &mut places[column as usize];
                if *place == u32::MAX {
                    *place = seen.len() as u32;
                    seen.push(column);
                    let mut taken = [0.0; LATE_LANES];
                    if !self.gives_up() {
                        let slot = self.rows.slot(column as usize, &self.problem.parts, None);
                        let row = self.rows.row(slot);
                        for (taken, &c) in taken.iter_mut().zip(&columns) {
                            *taken = row[c];
                        }
                    }
                    values.push(taken);
                }
                *place
            });
            steps.push(LateStep { rows, by });
        }
        let isa = self.rows.isa();
        let mut from = 0;
        while from < steps.len() {
            // Lanes that have missed the step `from`, and where the next lane's misses begin.
            let since = |&v: &u32| self.late.since[v as usize] as usize - first;
            let lanes = block.iter().take_while(|&v| since(v) <= from).count();
            let to = block.get(lanes).map_or(steps.len(), since).min(steps.len());
            svm::late_steps(isa, &mut f, lanes, &values, &steps[from..to]);
            self.late.work += ((to - from) * LATE_LANES) as f64;
            from = to;
        }
        self.late.work += (seen.len() * LATE_LANES) as f64;
        self.work.gather(seen.len() * LATE_LANES);
        seen.iter().for_each(|&column| places[column as usize] = u32::MAX);
        for (&v, &f) in block.iter().zip(&f) {
            self.f[v as usize] = f;
            self.late.know(v as usize, f);
        }
    }
}
