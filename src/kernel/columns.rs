//! What each column of a block holds by itself: its mean, its spread and its range.

use super::means::move_means;
use super::simd::{LANES, Simd, dispatch};
use super::{Isa, Real};

/// Weighted mean and spread of each column of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSums {
    /// Σ w
    pub weight: f64,
    /// `(n_features,)`
    pub mean: Vec<f64>,
    /// What the rounded `mean` lacks, `(n_features,)`.
    pub rest: Vec<f64>,
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
    let mut apart = deviations(isa, x, weights, &first);
    // Rows that all weigh nothing have no mean; any finite one will do.
    let divisor = if weight > 0.0 { weight } else { 1.0 };
    apart.iter_mut().for_each(|sum| *sum /= divisor);
    let mut mean = first;
    let rest = move_means(&mut mean, &apart);
    let mut squares = squares(isa, x, weights, &mean);
    for (square, rest) in squares.iter_mut().zip(&rest) {
        // Summed about the rounded mean. NaN stays.
        let about_mean = (-weight * rest).mul_add(*rest, *square);
        *square = if about_mean < 0.0 { 0.0 } else { about_mean };
    }
    ColumnSums { weight, mean, rest, squares }
}

/// Mean of the columns of rows that all count once, and what it lacks.
pub(super) fn column_means<T: Real>(isa: Isa, x: &[T], n_features: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut mean, n_rows) = (wide(&x[..n_features.min(x.len())]), (x.len() / n_features) as f64);
    mean.resize(n_features, 0.0);
    let mut apart = deviations(isa, x, &[], &mean);
    apart.iter_mut().for_each(|sum| *sum /= n_rows.max(1.0));
    let rest = move_means(&mut mean, &apart);
    (mean, rest)
}

fn wide<T: Real>(row: &[T]) -> Vec<f64> {
    row.iter().map(|v| v.to_f64()).collect()
}

/// Σ w (x − origin) of each column.
fn deviations<T: Real>(isa: Isa, x: &[T], weights: &[f64], origin: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; origin.len()];
    add_deviations(isa, x, weights, origin, &mut sums);
    sums
}

/// Σ w (x − origin)² of each column.
fn squares<T: Real>(isa: Isa, x: &[T], weights: &[f64], origin: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; origin.len()];
    add_squares(isa, x, weights, origin, &mut sums);
    sums
}

dispatch!(fn add_deviations<T: Real>(x: &[T], weights: &[f64], origin: &[f64], sums: &mut [f64]) = deviations_body);
dispatch!(fn add_squares<T: Real>(x: &[T], weights: &[f64], origin: &[f64], sums: &mut [f64]) = squares_body);

#[inline(always)]
unsafe fn deviations_body<S: Simd, T: Real>(x: &[T], weights: &[f64], origin: &[f64], sums: &mut [f64]) {
    // SAFETY: the caller's promise is that of the lanes.
    unsafe { add_rows::<S, T, false>(x, weights, origin, sums) }
}

#[inline(always)]
unsafe fn squares_body<S: Simd, T: Real>(x: &[T], weights: &[f64], origin: &[f64], sums: &mut [f64]) {
    // SAFETY: the caller's promise is that of the lanes.
    unsafe { add_rows::<S, T, true>(x, weights, origin, sums) }
}

/// Vectors of columns whose sums stay in registers while the rows go by.
const GROUP: usize = 4;

/// Goes over the rows once for each group of columns.
///
/// # Safety
/// The machine has the lanes' features; `weights` is empty or has one for each row, and `sums` one for each column.
#[inline(always)]
unsafe fn add_rows<S: Simd, T: Real, const SQUARE: bool>(
    x: &[T],
    weights: &[f64],
    origin: &[f64],
    sums: &mut [f64],
) {
    for first in (0..origin.len()).step_by(GROUP * LANES) {
        // SAFETY: vectors begin at `first`, and the last of them at a column that is there.
        unsafe {
            match (origin.len() - first).div_ceil(LANES) {
                1 => add_columns::<S, T, SQUARE, 1>(x, weights, origin, first, sums),
                2 => add_columns::<S, T, SQUARE, 2>(x, weights, origin, first, sums),
                3 => add_columns::<S, T, SQUARE, 3>(x, weights, origin, first, sums),
                _ => add_columns::<S, T, SQUARE, GROUP>(x, weights, origin, first, sums),
            }
        }
    }
}

/// Sums up the columns of `N` vectors from `first` on, of which the last may be cut short.
///
/// # Safety
/// As for [`add_rows`]; column `first + 8·(N − 1)` is there.
#[inline(always)]
unsafe fn add_columns<S: Simd, T: Real, const SQUARE: bool, const N: usize>(
    x: &[T],
    weights: &[f64],
    origin: &[f64],
    first: usize,
    sums: &mut [f64],
) {
    let end = (first + N * LANES).min(origin.len());
    let in_last = end - first - (N - 1) * LANES;
    let n_in = |v: usize| if v + 1 < N { LANES } else { in_last };
    // SAFETY: vector v has the columns from `first + 8·v` on, as many as `n_in` says.
    unsafe {
        let mut origins = [S::splat(0.0); N];
        for (v, o) in origins.iter_mut().enumerate() {
            *o = S::load_first(origin.as_ptr().add(first + v * LANES), n_in(v));
        }
        let mut totals = [S::splat(0.0); N];
        for (r, row) in x.chunks_exact(origin.len()).enumerate() {
            let w = S::splat(weights.get(r).copied().unwrap_or(1.0));
            for v in 0..N {
                let at = row.as_ptr().add(first + v * LANES);
                let value = if v + 1 < N { T::load_lanes::<S>(at) } else { T::load_first::<S>(at, in_last) };
                let apart = S::sub(value, origins[v]);
                let factor = if SQUARE { S::mul(w, apart) } else { w };
                totals[v] = S::fma(factor, apart, totals[v]);
            }
        }
        for (v, total) in totals.into_iter().enumerate() {
            let mut lanes = [0.0; LANES];
            S::store(lanes.as_mut_ptr(), total);
            let of_vector = &mut sums[first + v * LANES..][..n_in(v)];
            of_vector.copy_from_slice(&lanes[..of_vector.len()]);
        }
    }
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
    use super::super::means::two_sum;
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

    /// Value by value, in the order that fixes the bits.
    fn plain_sums(x: &[f32], d: usize, w: &[f64]) -> ColumnSums {
        let weight: f64 = w.iter().sum();
        let (mut mean, mut rest, mut squares) = (vec![0.0; d], vec![0.0; d], vec![0.0; d]);
        for j in 0..d {
            let column = || x.iter().skip(j).step_by(d).zip(w).map(|(&v, &w)| (f64::from(v), w));
            let first = f64::from(x[j]);
            let apart = column().fold(0.0, |sum: f64, (v, w)| w.mul_add(v - first, sum));
            (mean[j], rest[j]) = two_sum(first, if weight > 0.0 { apart / weight } else { 0.0 });
            squares[j] = column().fold(0.0, |sum, (v, w)| (w * (v - mean[j])).mul_add(v - mean[j], sum));
            squares[j] = (-weight * rest[j]).mul_add(rest[j], squares[j]).max(0.0);
        }
        ColumnSums { weight, mean, rest, squares }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        for (n, d) in [(1, 1), (13, 3), (130, 17), (40, 32), (9, 77)] {
            let (x, w) = data(n, d);
            let x: Vec<f32> = x.into_iter().map(|v| (v - 1e6) as f32).collect();
            let expected = column_sums(Isa::Portable, &x, d, &w);
            assert_eq!(expected, plain_sums(&x, d, &w));
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
