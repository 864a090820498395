//! What each column of a block holds by itself: its mean, its spread and its range.

use super::{Isa, Real};

/// Weighted mean and spread of each column of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSums {
    /// Σ w
    pub weight: f64,
    /// `(n_features,)`
    pub mean: Vec<f64>,
    /// Σ w (x − mean)², `(n_features,)`.
    pub squares: Vec<f64>,
}

/// Mean and spread of the columns of `x` `(n_rows, n_features)`; `weights` is empty or `(n_rows,)`.
///
/// Columns stand in the SIMD lanes and rows are added in order: the same bits on every instruction set. Sums are
/// taken relative to the first row, so that a constant column has exactly its value as mean and exactly no spread.
/// Cost: 5 flops a value, in two sweeps over the block.
///
/// # Panics
/// When a length does not fit, or the machine does not have `isa`.
pub fn column_sums<T: Real>(isa: Isa, x: &[T], n_features: usize, weights: &[f64]) -> ColumnSums {
    assert!(n_features > 0 && x.len().is_multiple_of(n_features), "rows of another length");
    assert!(weights.is_empty() || weights.len() == x.len() / n_features, "another number of weights");
    assert!(isa.is_available(), "{isa:?} is not on this machine");
    let weight = if weights.is_empty() { (x.len() / n_features) as f64 } else { weights.iter().sum() };
    let first = x.get(..n_features).map_or_else(|| vec![0.0; n_features], |row| wide(row));
    let mut mean = deviations(isa, x, weights, &first);
    if weight > 0.0 {
        mean.iter_mut().zip(&first).for_each(|(mean, first)| *mean = first + *mean / weight);
    } else {
        // Rows that all weigh nothing have no mean; any finite one will do.
        mean.clone_from(&first);
    }
    let squares = squares(isa, x, weights, &mean);
    ColumnSums { weight, mean, squares }
}

fn wide<T: Real>(row: &[T]) -> Vec<f64> {
    row.iter().map(|v| v.to_f64()).collect()
}

/// Σ w (x − origin) of each column.
fn deviations<T: Real>(isa: Isa, x: &[T], weights: &[f64], origin: &[f64]) -> Vec<f64> {
    match isa {
        // SAFETY: the machine has the instructions, as the caller checked.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512::<T, false>(x, weights, origin) },
        // SAFETY: the machine has the instructions, as the caller checked.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2::<T, false>(x, weights, origin) },
        _ => add_rows::<T, false>(x, weights, origin),
    }
}

/// Σ w (x − origin)² of each column.
fn squares<T: Real>(isa: Isa, x: &[T], weights: &[f64], origin: &[f64]) -> Vec<f64> {
    match isa {
        // SAFETY: the machine has the instructions, as the caller checked.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512::<T, true>(x, weights, origin) },
        // SAFETY: the machine has the instructions, as the caller checked.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2::<T, true>(x, weights, origin) },
        _ => add_rows::<T, true>(x, weights, origin),
    }
}

#[inline(always)]
fn add_rows<T: Real, const SQUARE: bool>(x: &[T], weights: &[f64], origin: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; origin.len()];
    for (r, row) in x.chunks_exact(origin.len()).enumerate() {
        let w = weights.get(r).copied().unwrap_or(1.0);
        for ((sum, v), origin) in sums.iter_mut().zip(row).zip(origin) {
            let apart = v.to_f64() - origin;
            let factor = if SQUARE { w * apart } else { w };
            *sum = factor.mul_add(apart, *sum);
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn avx512<T: Real, const SQUARE: bool>(x: &[T], weights: &[f64], origin: &[f64]) -> Vec<f64> {
    add_rows::<T, SQUARE>(x, weights, origin)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<T: Real, const SQUARE: bool>(x: &[T], weights: &[f64], origin: &[f64]) -> Vec<f64> {
    add_rows::<T, SQUARE>(x, weights, origin)
}

/// Least and greatest value of each column of `x` `(n_rows, n_features)`, which has at least one row.
///
/// # Panics
/// When there is no row.
pub fn column_range<T: Real>(x: &[T], n_features: usize) -> (Vec<T>, Vec<T>) {
    let (mut least, mut greatest) = (x[..n_features].to_vec(), x[..n_features].to_vec());
    for row in x.chunks_exact(n_features) {
        for ((least, greatest), &v) in least.iter_mut().zip(&mut greatest).zip(row) {
            *least = if v < *least { v } else { *least };
            *greatest = if v > *greatest { v } else { *greatest };
        }
    }
    (least, greatest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(n: usize, d: usize) -> (Vec<f64>, Vec<f64>) {
        let x = (0..n * d).map(|i| 1e6 + (i as f64 * 0.7).sin()).collect();
        (x, (0..n).map(|i| (i % 4) as f64 * 0.3).collect())
    }

    #[test]
    fn sums_equal_the_plain_ones_far_from_the_origin() {
        for (n, d) in [(1, 1), (3, 2), (70, 8), (200, 21)] {
            let (x, some) = data(n, d);
            for weights in [vec![], some] {
                let got = column_sums(Isa::best(), &x, d, &weights);
                let w = |r: usize| weights.get(r).copied().unwrap_or(1.0);
                let total: f64 = (0..n).map(w).sum();
                assert_eq!(got.weight, total);
                for j in 0..d {
                    let off: f64 = (0..n).map(|r| w(r) * (x[r * d + j] - 1e6)).sum::<f64>();
                    let mean = if total > 0.0 { 1e6 + off / total } else { x[j] };
                    let squares: f64 = (0..n).map(|r| w(r) * (x[r * d + j] - mean).powi(2)).sum();
                    assert!((got.mean[j] - mean).abs() < 1e-9, "{} {mean}", got.mean[j]);
                    assert!((got.squares[j] - squares).abs() < 1e-7, "{} {squares}", got.squares[j]);
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        for (n, d) in [(1, 1), (13, 3), (130, 17)] {
            let (x, w) = data(n, d);
            let x: Vec<f32> = x.into_iter().map(|v| (v - 1e6) as f32).collect();
            let expected = column_sums(Isa::Portable, &x, d, &w);
            for isa in Isa::available() {
                assert_eq!(column_sums(isa, &x, d, &w), expected);
            }
        }
    }

    #[test]
    fn a_constant_column_has_no_spread() {
        let got = column_sums(Isa::best(), &[0.1; 1000], 1, &[]);
        assert_eq!((got.mean[0], got.squares[0]), (0.1, 0.0));
    }

    #[test]
    fn the_range_is_that_of_the_columns() {
        let (least, greatest) = column_range(&[3.0f32, -1.0, 2.0, 5.0, 4.0, 0.0], 2);
        assert_eq!((least, greatest), (vec![2.0, -1.0], vec![4.0, 5.0]));
    }
}
