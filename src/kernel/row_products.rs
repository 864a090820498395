//! All dot products of a data set's rows, block by block out of the cache.

use super::Isa;
use super::rank_k::add_cross_products;
use super::svm::{PANEL, Panels};

/// Rows that are multiplied with a panel while it is in the cache, in panels of their own.
const N_OWN: usize = 4;
/// Features of a panel taken at a time: 32 KiB.
const N_FEATURES: usize = 128;

/// Dot products of every row of `x` `(n_rows, n_features)` with every row of `panels`, row by row into `out`
/// `(n_rows, panels.n_rows)`.
///
/// 2 flops a product and feature. Each product is one chain of fused multiply-adds over the features in order, as kernel
/// rows and [`dot_products`](super::svm::dot_products), the plain reference, have it: the bits are the same.
///
/// # Panics
/// When a length does not fit.
pub fn row_products(isa: Isa, x: &[f64], panels: &Panels, out: &mut [f64]) {
    let (d, n) = (panels.n_features, panels.n_rows);
    assert!(out.len() * d == x.len() * n, "one product for each pair of rows");
    if n == 0 || d == 0 {
        return;
    }
    let mut tiles = vec![0.0; N_OWN * PANEL * PANEL];
    let rows = N_OWN * PANEL;
    for (x, out) in x.chunks(rows * d).zip(out.chunks_mut(rows * n)) {
        let own: Vec<Panels> = x.chunks(PANEL * d).map(|x| Panels::new(x.chunks_exact(d), d)).collect();
        for p in 0..panels.n_panels() {
            tiles.fill(0.0);
            let chunks = |panel: usize| panels.panel(panel).chunks(N_FEATURES * PANEL);
            for (c, right) in chunks(p).enumerate() {
                for (own, tile) in own.iter().zip(tiles.chunks_exact_mut(PANEL * PANEL)) {
                    let first = c * N_FEATURES * PANEL;
                    let left = &own.panel(0)[first..first + right.len()];
                    add_cross_products(isa, left, right, [PANEL; 2], tile);
                }
            }
            let room = PANEL.min(n - p * PANEL);
            for (row, tile) in out.chunks_exact_mut(n).zip(tiles.chunks_exact(PANEL)) {
                row[p * PANEL..p * PANEL + room].copy_from_slice(&tile[..room]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::svm::dot_products;

    #[test]
    fn products_are_the_plain_ones_bit_by_bit() {
        for (n_rows, n, d) in [(1, 1, 1), (5, 33, 7), (130, 64, 129), (257, 301, 20), (40, 40, 300)] {
            let data: Vec<f64> = (0..n.max(n_rows) * d).map(|i| (i as f64 * 0.91).sin() * 3.0).collect();
            let panels = Panels::new(data[..n * d].chunks_exact(d), d);
            let x = &data[..n_rows * d];
            let (mut found, mut plain) = (vec![f64::NAN; n_rows * n], vec![f64::NAN; n_rows * n]);
            dot_products(Isa::Portable, x, &panels, &mut plain);
            let first = (0..d).fold(0.0, |sum, f| x[f].mul_add(data[f], sum));
            assert_eq!(plain[0].to_bits(), f64::to_bits(first));
            for isa in Isa::available() {
                row_products(isa, x, &panels, &mut found);
                let same = found.iter().zip(&plain).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{n_rows} rows, {n} and {d} features with {isa:?}");
            }
        }
    }
}
