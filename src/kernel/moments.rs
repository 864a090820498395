//! Mean and centred products of the columns of a block, in two sweeps of cached rows.

use super::glm::Tile;
use super::rank_k::{add_products, padded};
use super::simd::LANES;
use super::{Isa, Real};

/// Rows of a packed tile.
const TILE: usize = 64;

/// Weighted first and second moments of m columns.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockMoments {
    /// Σ w
    pub weight: f64,
    /// `(m,)`
    pub mean: Vec<f64>,
    /// Σ w (c − mean)(c − mean)ᵀ, `(m, m)`, symmetric.
    pub products: Vec<f64>,
}

/// Moments of the columns of `x` `(n_rows, n_features)` and, when `y` is not empty, of `y` as one column more.
///
/// Centring on the block's own mean keeps the digits of data far from the origin. `weights` is empty or `(n_rows,)`.
/// Cost: n_rows · m² flops; the rows are read twice, the second time from the cache if the block fits in it.
///
/// # Panics
/// When a length does not fit.
pub fn block_moments<T: Real>(
    isa: Isa,
    x: &[T],
    n_features: usize,
    y: &[f64],
    weights: &[f64],
) -> BlockMoments {
    assert!(n_features > 0 && x.len().is_multiple_of(n_features));
    let n_rows = x.len() / n_features;
    assert!((y.is_empty() || y.len() == n_rows) && (weights.is_empty() || weights.len() == n_rows));
    let ones = vec![1.0; if weights.is_empty() { n_rows } else { 0 }];
    let weights = if weights.is_empty() { &ones } else { weights };
    let (weight, mean) = means(isa, x, n_features, y, weights);
    let products = centred_products(isa, x, n_features, y, weights, &mean);
    BlockMoments { weight, mean, products }
}

/// Σ w and the weighted mean of the columns of `x`, and of `y` unless it is empty.
pub(super) fn means<T: Real>(isa: Isa, x: &[T], d: usize, y: &[f64], weights: &[f64]) -> (f64, Vec<f64>) {
    let weight: f64 = weights.iter().sum();
    let mut sums = vec![0.0; d.next_multiple_of(LANES)];
    // The last rows' loads would run over the end of the block: they go through a copy.
    let safe = (x.len().saturating_sub(LANES - 1) / d).min(weights.len());
    if safe > 0 {
        Tile::new(x, safe, d).add_weighted_rows(isa, &weights[..safe], &mut sums);
    }
    let rest = weights.len() - safe;
    let mut spare = x[safe * d..].to_vec();
    spare.resize(Tile::<T>::length(rest, d), T::ZERO);
    Tile::new(&spare, rest, d).add_weighted_rows(isa, &weights[safe..], &mut sums);
    sums.truncate(d);
    if !y.is_empty() {
        sums.push(y.iter().zip(weights).fold(0.0, |sum, (y, w)| w.mul_add(*y, sum)));
    }
    // Rows that all weigh nothing have no mean; any finite one will do.
    let scale = if weight > 0.0 { weight } else { 1.0 };
    (weight, sums.into_iter().map(|sum| sum / scale).collect())
}

fn centred_products<T: Real>(
    isa: Isa,
    x: &[T],
    d: usize,
    y: &[f64],
    weights: &[f64],
    mean: &[f64],
) -> Vec<f64> {
    let m = mean.len();
    let width = padded(m);
    let (mut rows, mut scaled) = (vec![0.0; width * TILE], vec![0.0; width * TILE]);
    let mut sums = vec![0.0; width * width];
    for (start, w) in weights.chunks(TILE).enumerate().map(|(tile, w)| (tile * TILE, w)) {
        let packed = rows.chunks_exact_mut(width).zip(scaled.chunks_exact_mut(width)).zip(w);
        for (r, ((row, scaled), &w)) in packed.enumerate() {
            let features = &x[(start + r) * d..(start + r + 1) * d];
            for ((c, v), mean) in row.iter_mut().zip(features).zip(mean) {
                *c = v.to_f64() - mean;
            }
            if m > d {
                row[d] = y[start + r] - mean[d];
            }
            scaled.iter_mut().zip(&*row).for_each(|(s, c)| *s = w * c);
        }
        let used = w.len() * width;
        add_products(isa, &scaled[..used], &rows[..used], width, &mut sums);
    }
    (0..m * m).map(|p| (p / m, p % m)).map(|(i, j)| sums[i.min(j) * width + i.max(j)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_equal_the_plain_ones_far_from_the_origin() {
        for (n, d) in [(1, 1), (3, 2), (70, 8), (200, 21)] {
            let x: Vec<f64> = (0..n * d).map(|i| 1e6 + (i as f64 * 0.7).sin()).collect();
            let y: Vec<f64> = (0..n).map(|i| (i as f64 * 1.3).cos() - 1e5).collect();
            let w: Vec<f64> = (0..n).map(|i| 1.0 + (i % 3) as f64).collect();
            let got = block_moments(Isa::best(), &x, d, &y, &w);
            let weight: f64 = w.iter().sum();
            assert_eq!(got.weight, weight);
            let column = |j: usize, r: usize| if j < d { x[r * d + j] } else { y[r] };
            let mean: Vec<f64> =
                (0..=d).map(|j| (0..n).map(|r| w[r] * column(j, r)).sum::<f64>() / weight).collect();
            for i in 0..=d {
                assert!((got.mean[i] - mean[i]).abs() < 1e-9);
                for j in 0..=d {
                    let exact: f64 =
                        (0..n).map(|r| w[r] * (column(i, r) - mean[i]) * (column(j, r) - mean[j])).sum();
                    assert!((got.products[i * (d + 1) + j] - exact).abs() < 1e-7 * n as f64);
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let x: Vec<f32> = (0..130 * 7).map(|i| (i as f32 * 0.7).sin()).collect();
        let expected = block_moments(Isa::Portable, &x, 7, &[], &[]);
        for isa in Isa::available() {
            assert_eq!(block_moments(isa, &x, 7, &[], &[]), expected);
        }
    }
}
