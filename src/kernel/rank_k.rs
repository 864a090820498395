//! Rank-k updates of a symmetric matrix: the sums of products behind Gram matrices, covariances and Hessians.

use super::Isa;
use super::simd::{LANES, LINE_BYTES, Simd, dispatch};

/// Columns a packed tile needs for `n` columns of data: the next multiple of eight.
pub(crate) fn padded(n: usize) -> usize {
    n.next_multiple_of(LANES)
}

/// Numbers that are worked on next: their cache lines are asked for while products are formed, which leave the memory idle.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    at: *const u8,
    bytes: usize,
}

impl Ahead {
    /// The first `n` of these numbers, or all if they are fewer.
    pub(crate) fn of<T>(numbers: &[T], n: usize) -> Self {
        let numbers = &numbers[..n.min(numbers.len())];
        Self { at: numbers.as_ptr().cast(), bytes: size_of_val(numbers) }
    }

    /// Nothing is asked for.
    fn nothing() -> Self {
        Self::of::<u8>(&[], 0)
    }

    /// Where the lines of the next `n` iterations begin; behind the last it is `idle`, whose lines are at hand.
    #[inline(always)]
    fn take(&mut self, n: usize, idle: *const f64) -> *const u8 {
        if self.bytes == 0 {
            return idle.cast();
        }
        let at = self.at;
        self.at = at.wrapping_add(n * LINE_BYTES);
        self.bytes = self.bytes.saturating_sub(n * LINE_BYTES);
        at
    }
}

/// Adds `Σ_r left[r][i] · right[r][j]` to the upper triangle of `out`, blockwise: entries left of the diagonal's
/// 8 × 8 block are not touched.
///
/// Tiles are packed row by row, `(n_rows, width)` with `width` a multiple of 8; `out` is `(width, width)`. Each entry
/// is one chain of fused multiply-adds over the rows in order. Cost: about `n_rows · width²` flops.
///
/// # Panics
/// When a length does not fit.
pub(crate) fn add_products(isa: Isa, left: &[f64], right: &[f64], width: usize, out: &mut [f64]) {
    add_products_ahead(isa, left, right, width, out, Ahead::nothing());
}

/// [`add_products`], while what is `ahead` comes into the cache.
///
/// # Panics
/// When a length does not fit.
pub(crate) fn add_products_ahead(
    isa: Isa,
    left: &[f64],
    right: &[f64],
    width: usize,
    out: &mut [f64],
    ahead: Ahead,
) {
    assert!(width.is_multiple_of(LANES) && width > 0);
    assert!(left.len() == right.len() && left.len().is_multiple_of(width) && out.len() == width * width);
    run(isa, left, right, [width; 2], true, out, ahead);
}

/// Adds `Σ_r left[r][i] · right[r][j]` to `out` `(left_width, right_width)`.
///
/// As [`add_products`], of two tiles of other widths, both multiples of 8. Cost: `2 · n_rows · left_width · right_width`
/// flops.
///
/// # Panics
/// When a length does not fit.
pub(crate) fn add_cross_products(
    isa: Isa,
    left: &[f64],
    right: &[f64],
    [left_width, right_width]: [usize; 2],
    out: &mut [f64],
) {
    assert!(left_width.is_multiple_of(LANES) && right_width.is_multiple_of(LANES));
    assert!(left_width > 0 && right_width > 0 && left.len().is_multiple_of(left_width));
    assert!(left.len() / left_width * right_width == right.len() && out.len() == left_width * right_width);
    run(isa, left, right, [left_width, right_width], false, out, Ahead::nothing());
}

dispatch!(fn run(left: &[f64], right: &[f64], widths: [usize; 2], upper: bool, out: &mut [f64], ahead: Ahead) = body);

#[inline(always)]
unsafe fn body<S: Simd>(
    left: &[f64],
    right: &[f64],
    widths: [usize; 2],
    upper: bool,
    out: &mut [f64],
    mut ahead: Ahead,
) {
    let n_rows = left.len() / widths[0];
    // Three vectors of columns at a time: their part of `right` stays in the first cache while `left` goes by.
    let panel = if S::MANY_REGISTERS { 3 * LANES } else { LANES };
    for start in (0..widths[1]).step_by(panel) {
        let end = (start + panel).min(widths[1]);
        let rows = if upper { end } else { widths[0] };
        for i in (0..rows).step_by(LANES) {
            let j = if upper { start.max(i) } else { start };
            let lines = ahead.take(n_rows, left.as_ptr());
            // SAFETY: the callers checked the lengths; i + 8 and j + 8·N stay within the widths.
            unsafe {
                if S::MANY_REGISTERS {
                    match (end - j) / LANES {
                        1 => block::<S, 8, 1>(left, right, widths, [i, j], out, lines),
                        2 => block::<S, 8, 2>(left, right, widths, [i, j], out, lines),
                        _ => block::<S, 8, 3>(left, right, widths, [i, j], out, lines),
                    }
                } else {
                    block::<S, 4, 1>(left, right, widths, [i, j], out, lines);
                    block::<S, 4, 1>(left, right, widths, [i + 4, j], out, lines);
                }
            }
        }
    }
}

/// The block of `M` rows from `i` and `N` vectors of columns from `j`, held in registers over all rows.
#[inline(always)]
unsafe fn block<S: Simd, const M: usize, const N: usize>(
    left: &[f64],
    right: &[f64],
    [left_width, width]: [usize; 2],
    [i, j]: [usize; 2],
    out: &mut [f64],
    lines: *const u8,
) {
    // SAFETY: the caller keeps i + M and j + 8·N within the widths, and the slices are as long as asserted.
    unsafe {
        let corner = out.as_mut_ptr().add(i * width + j);
        let mut sums = [[S::splat(0.0); N]; M];
        for (m, row) in sums.iter_mut().enumerate() {
            for (n, sum) in row.iter_mut().enumerate() {
                *sum = S::load(corner.add(m * width + n * LANES));
            }
        }
        for r in 0..left.len() / left_width {
            S::prefetch(lines.wrapping_add(r * LINE_BYTES));
            let (a, b) = (left.as_ptr().add(r * left_width + i), right.as_ptr().add(r * width + j));
            let mut columns = [S::splat(0.0); N];
            for (n, column) in columns.iter_mut().enumerate() {
                *column = S::load(b.add(n * LANES));
            }
            for (m, row) in sums.iter_mut().enumerate() {
                let factor = S::splat(*a.add(m));
                for (sum, &column) in row.iter_mut().zip(&columns) {
                    *sum = S::fma(factor, column, *sum);
                }
            }
        }
        for (m, row) in sums.iter().enumerate() {
            for (n, &sum) in row.iter().enumerate() {
                S::store(corner.add(m * width + n * LANES), sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_other_widths_equal_the_plain_sum() {
        for (rows, m, width) in [(0, 8, 8), (1, 8, 16), (7, 24, 8), (9, 16, 40)] {
            let tile = |n: usize, phase: f64| -> Vec<f64> {
                (0..n).map(|i| (i as f64 * 0.91 + phase).sin() * 3.0).collect()
            };
            let (left, right) = (tile(rows * m, 0.0), tile(rows * width, 1.0));
            let plain = |p: usize| {
                let (i, j) = (p / width, p % width);
                (0..rows).fold(0.0, |sum, r| left[r * m + i].mul_add(right[r * width + j], sum))
            };
            let expected: Vec<f64> = (0..m * width).map(plain).collect();
            for isa in Isa::available() {
                let mut got = vec![0.0; m * width];
                add_cross_products(isa, &left, &right, [m, width], &mut got);
                assert_eq!(got, expected, "{} {m} x {width}", isa.name());
            }
        }
    }

    #[test]
    fn every_instruction_set_equals_the_plain_sum() {
        for width in [8, 16, 24, 32, 56] {
            for rows in [0, 1, 7, 64] {
                let tile = |phase: f64| -> Vec<f64> {
                    (0..rows * width).map(|i| (i as f64 * 0.91 + phase).sin() * 3.0).collect()
                };
                let (left, right) = (tile(0.0), tile(1.0));
                let start: Vec<f64> = (0..width * width).map(|i| (i as f64).cos()).collect();
                let mut expected = start.clone();
                for r in 0..rows {
                    for i in 0..width {
                        for j in i / 8 * 8..width {
                            let sum = &mut expected[i * width + j];
                            *sum = left[r * width + i].mul_add(right[r * width + j], *sum);
                        }
                    }
                }
                for isa in Isa::available() {
                    let mut got = start.clone();
                    add_products(isa, &left, &right, width, &mut got);
                    assert_eq!(got, expected, "{} {width} x {rows}", isa.name());
                }
            }
        }
    }
}
