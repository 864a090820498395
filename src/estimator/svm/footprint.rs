//! About how much memory fits take beside the table, before any is done.
//!
//! Matrices are large, zeroed memory: what is never asked for is never there. How much that is depends on how many rows
//! become support vectors, which only the fit can tell.

use super::params::Svc;
use super::products::SharedProducts;
use super::solver::COMPACT_BYTES;

/// The part of the variables of a fit that are awake when copies are made, of those whose rows are asked for.
const AWAKE: f64 = 0.5;
/// Vectors of one double a variable that a run keeps.
const VECTORS: u64 = 16;

/// About the part of a matrix's rows that a fit of classes asks for: with a small C every row becomes a support vector.
pub(super) fn asked(c: f64) -> f64 {
    0.25 + 0.5 / (1.0 + 2.0 * c)
}

/// Bytes of the part `asked` of the kernel values between `n` rows.
pub(super) fn of_matrix(n: usize, asked: f64) -> u64 {
    (asked * 4.0 * (n as f64).powi(2)) as u64
}

/// Bytes of a fit beside its kernel rows: copies of those of the variables that are awake, the part `asked` of `n_variables`,
/// and their `d` features packed.
pub(super) fn of_awake(n_variables: usize, d: usize, asked: f64) -> u64 {
    // Copies have room for a quarter more.
    let copies = of_matrix(n_variables, 1.25 * (AWAKE * asked).powi(2)).min(COMPACT_BYTES as u64);
    copies + n_variables as u64 * (d as u64 + VECTORS) * 8
}

/// Bytes of a regression's fit on `n` rows of `d` features with kernel rows within `budget_bytes`: most rows lie outside of the
/// tube and are asked for, and each has two variables.
pub(super) fn of_numbers(n: usize, d: usize, budget_bytes: u64) -> u64 {
    of_matrix(n, 1.0).min(budget_bytes) + of_awake(2 * n, d, 1.0)
}

/// Bytes of the products of `n` rows of `d` features, where they are worth it for a single fit within `budget_bytes`.
pub(super) fn of_products(n: usize, d: usize, budget_bytes: u64) -> u64 {
    let products = 8 * (n as u64).saturating_mul(n as u64);
    if d >= SharedProducts::WORTHWHILE_FEATURES && products <= budget_bytes { products } else { 0 }
}

impl Svc {
    /// About how many bytes a fit on `n` rows of `d` features keeps at once beside the table: on rank 0, where it
    /// [is not large](Self::is_large), else on each of `n_ranks`, within `budget_bytes` of kernel rows.
    pub fn memory_bytes(&self, n: usize, d: usize, budget_bytes: u64, n_ranks: usize) -> u64 {
        let asked = asked(self.params().c);
        if !self.is_large(n) {
            let budget_bytes = (self.params().cache_size * 1048576.0) as u64;
            let rows = of_matrix(n, asked).min(budget_bytes);
            return rows + of_products(n, d, budget_bytes) + of_awake(n, d, asked);
        }
        let columns = n.div_ceil(n_ranks.max(1)) as f64;
        let rows = (asked * 4.0 * n as f64 * columns) as u64;
        rows.min(budget_bytes) + n as u64 * (d as u64 + VECTORS) * 8
    }
}

#[cfg(test)]
mod tests {
    use crate::estimator::svm::SvcParams;

    #[test]
    fn kernel_rows_are_counted_within_what_they_may_take() {
        let svc = SvcParams::default().validate().unwrap();
        let of = |n, n_ranks| svc.memory_bytes(n, 20, 1 << 30, n_ranks) >> 20;
        // 200 MB of rows, as cache_size says, copies of (5 / 24)² · 5 n² bytes, the rows packed.
        assert_eq!(of(15_000, 1), 200 + 46 + 4);
        // 5 / 12 of 4 n² bytes, 1.2 MiB of copies, the rows packed.
        assert_eq!(of(2400, 1), 11);
        // Of a large fit every rank has its columns of each row.
        assert_eq!(of(30_000, 1), 1024 + 8);
        assert_eq!(of(30_000, 3), 485);
    }
}
