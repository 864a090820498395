//! The nearest rows of each of many rows.

use super::packed::Packed;
use crate::error::Result;
use crate::kernel::Isa;
use crate::kernel::neighbors::{Metric, ROWS, distances};
use crate::kernel::svm::PANEL;
use crate::telemetry::check_interrupt;

/// Rows looked for together, and panels looked at together: a tile of panels stays in the cache for all of them.
const QUERIES: usize = 32;
const TILE: usize = 16;

/// A neighbour: its distance and its row.
pub(super) type Neighbor = (f64, u32);

/// Hands each row of `x` `(n_rows, n_features)` with its `k` nearest rows, the nearest first, to `take`.
///
/// Of equally near rows the earlier is the nearer. 2 n_features flops a pair of rows.
///
/// # Errors
/// That of an [interruption](check_interrupt).
pub(super) fn nearest(
    packed: &Packed,
    x: &[f64],
    k: usize,
    mut take: impl FnMut(usize, &[Neighbor]),
) -> Result<()> {
    let Packed { metric, n_features, ref panels } = *packed;
    let (isa, d, n) = (Isa::best(), panels.n_features, panels.n_rows);
    let mut best: Vec<Nearest> = (0..QUERIES).map(|_| Nearest::new(k)).collect();
    let mut room = vec![0.0; ROWS * TILE * PANEL];
    for (block, queries) in x.chunks(QUERIES * n_features).enumerate() {
        let queries = packed.asked(queries);
        for first in (0..panels.n_panels()).step_by(TILE) {
            check_interrupt()?;
            let n_panels = TILE.min(panels.n_panels() - first);
            let (width, start) = (n_panels * PANEL, first * PANEL);
            for (group, rows) in queries.chunks(ROWS * d).enumerate() {
                let out = &mut room[..rows.len() / d * width];
                distances(isa, metric, rows, panels, first, n_panels, out);
                for (best, out) in best[group * ROWS..].iter_mut().zip(out.chunks_exact(width)) {
                    best.offer(&out[..width.min(n - start)], start);
                }
            }
        }
        for (row, best) in best.iter_mut().enumerate().take(queries.len() / d) {
            take(block * QUERIES + row, best.finish(metric));
            best.clear();
        }
    }
    Ok(())
}

/// The nearest rows of one row among those seen.
struct Nearest {
    k: usize,
    /// At least the k nearest, in no order.
    seen: Vec<Neighbor>,
    /// Rows that are not nearer than this need not be kept; infinite until k rows are known.
    limit: f64,
}

impl Nearest {
    fn new(k: usize) -> Self {
        Self { k, seen: Vec::new(), limit: f64::INFINITY }
    }

    /// Looks at the rows from `first` on, which come after all that were offered before.
    fn offer(&mut self, distances: &[f64], first: usize) {
        for (lane, distances) in distances.chunks(PANEL).enumerate() {
            let limit = self.limit;
            // A later row at the limit is not nearer than those there.
            let near = |d: f64| d < limit || limit == f64::INFINITY;
            if !distances.iter().fold(false, |any, &d| any | near(d)) {
                continue;
            }
            let start = first + lane * PANEL;
            let rows = distances.iter().enumerate().filter(|(_, d)| near(**d));
            self.seen.extend(rows.map(|(l, &d)| (d, (start + l) as u32)));
            if self.seen.len() >= 2 * self.k + PANEL {
                self.keep();
            }
        }
    }

    /// Keeps the k nearest.
    fn keep(&mut self) {
        if self.seen.len() > self.k {
            let (_, last, _) = self.seen.select_nth_unstable_by(self.k - 1, by_distance);
            self.limit = last.0;
            self.seen.truncate(self.k);
        }
    }

    /// The k nearest in order.
    fn finish(&mut self, metric: Metric) -> &[Neighbor] {
        self.keep();
        self.seen.sort_unstable_by(by_distance);
        self.seen.iter_mut().for_each(|(d, _)| *d = metric.finish(*d));
        &self.seen
    }

    /// Forgets all rows seen.
    fn clear(&mut self) {
        self.seen.clear();
        self.limit = f64::INFINITY;
    }
}

fn by_distance(a: &Neighbor, b: &Neighbor) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_those_of_a_full_sort() {
        for (n, d, k) in [(1, 1, 1), (40, 2, 3), (700, 3, 7), (700, 3, 700), (1100, 1, 64)] {
            // Few distinct values, so that there are ties.
            let values: Vec<f64> = (0..n * d).map(|i| (i * 7 % 11) as f64).collect();
            let packed = Packed::new(Metric::Euclidean, &values, d);
            let x: Vec<f64> = (0..70 * d).map(|i| (i * 5 % 13) as f64 * 0.5).collect();
            let mut seen = 0;
            nearest(&packed, &x, k, |row, found| {
                assert_eq!(row, seen);
                let mut all: Vec<Neighbor> = values
                    .chunks_exact(d)
                    .enumerate()
                    .map(|(i, z)| {
                        let apart = z.iter().zip(&x[row * d..]).map(|(z, x)| (z - x) * (z - x)).sum::<f64>();
                        (apart.sqrt(), i as u32)
                    })
                    .collect();
                all.sort_by(by_distance);
                assert_eq!(found, &all[..k], "row {row} of {n}");
                seen += 1;
            })
            .unwrap();
            assert_eq!(seen, 70);
        }
    }
}
