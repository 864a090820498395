//! About how much memory a rank's fits take, before any is done.

use std::sync::atomic::Ordering;

use super::{RECENT_BYTES, SvcSearch};
use crate::estimator::searchable::{FitId, Split};
use crate::estimator::svm::bench::Expect;
use crate::estimator::svm::footprint::{asked, of_awake, of_matrix};
use crate::estimator::svm::store::KernelStore;

impl SvcSearch {
    /// About how many bytes of products, matrices and kernel rows a rank keeps at once, its part of those that the ranks of
    /// a node have together.
    pub(super) fn kernel_bytes(&self, splits: &[Split], refits: bool) -> u64 {
        let (n, d) = self.table.x.dim();
        let n_train = splits.iter().map(|split| split.train.len()).max().unwrap_or(n);
        let products = self.products.own_bytes(&self.table);
        let budget = if products > 0 { self.budget_bytes.div_ceil(2) } else { self.budget_bytes };
        let room = KernelStore::bytes(n).filter(|&bytes| bytes <= budget / 2).map(|bytes| bytes as u64);
        let own = if self.recomputes() { RECENT_BYTES.min(budget) } else { budget } as u64;
        let all: Vec<f64> = (0..self.candidates.len()).map(|candidate| self.asked(candidate)).collect();
        let (mut stored, mut rows): (u64, u64) = (0, 0);
        for (candidate, &asked) in all.iter().enumerate() {
            let id = FitId { candidate, fold: 0 };
            if self.before().iter().any(|shared| shared.key == self.sharing_key(id)) {
                continue;
            }
            let of_whole = match self.kernel_key(candidate).1 {
                // Of a kernel that is a fold's own, rows of others are not asked for.
                true => asked * n_train as f64 / n as f64,
                // Those of one fold are not quite those of another.
                false => 1.0 - (1.0 - asked).powi(2),
            };
            match (self.expected(id), room) {
                (Expect::All, Some(bytes)) if products == 0 => stored = bytes,
                (Expect::All | Expect::Rows, Some(_)) => stored = stored.max(of_matrix(n, of_whole)),
                _ => rows = rows.max(of_matrix(n_train, asked).min(own)),
            }
        }
        let of_fits = rows + of_awake(n_train, d, all.iter().copied().fold(0.0, f64::max));
        // Where each fold has a kernel of its own, so have all rows. Which candidate is best nobody knows.
        let again = (0..self.candidates.len()).any(|candidate| self.kernel_key(candidate).1);
        let again = again || (stored == 0 && self.before().is_empty());
        let mean = all.iter().sum::<f64>() / all.len().max(1) as f64;
        let of_refit = if again { of_matrix(n, mean).min(own) } else { 0 } + of_awake(n, d, mean);
        let most = if refits { of_fits.max(of_refit) } else { of_fits };
        products + self.shared_kernel_bytes() + stored + most
    }

    /// The part of a matrix's rows that the fit of a candidate asks for, by what those asked for that were tried.
    fn asked(&self, candidate: usize) -> f64 {
        let scale = match self.asked_most.load(Ordering::Relaxed) {
            0 => 1.0,
            thousandths => thousandths as f64 / 1000.0,
        };
        (scale * asked(self.c(candidate))).min(1.0)
    }

    /// Notes how many kernel values `fits` on `n_train` rows asked for, over `n_columns`.
    pub(super) fn note_asked(&self, n_asked: u64, fits: &[FitId], n_train: usize, n_columns: usize) {
        let expected: f64 = fits.iter().map(|id| asked(self.c(id.candidate))).sum();
        let all = n_train as f64 * n_columns as f64 * expected;
        if all > 0.0 {
            let thousandths = (1000.0 * n_asked as f64 / all).clamp(1.0, 1e6) as u64;
            self.asked_most.fetch_max(thousandths, Ordering::Relaxed);
        }
    }

    /// This rank's part of the matrices that the ranks of a node fill together.
    fn shared_kernel_bytes(&self) -> u64 {
        let bytes = KernelStore::bytes(self.table.x.nrows()).unwrap_or(0);
        self.before().iter().map(|shared| (bytes / shared.n_ranks.max(1)) as u64).sum()
    }
}
