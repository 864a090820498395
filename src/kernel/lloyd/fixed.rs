//! Sums of rows as integers: exact, so that a row may leave a sum as it came.
//!
//! Each feature has a grid, a power of two fine: a value is a number of grid points and a number of 2⁻⁴⁰ parts of one,
//! rounded once where it is not too small beside the others for all its digits, and sums of both are exact. They depend on which rows are in a cluster and on nothing else, so an iteration need only touch the rows
//! whose label changed and still ends with the bits of summing all.
//!
//! # References
//! Demmel & Nguyen, "Fast reproducible floating-point summation", ARITH 2013, for sums on a grid.

use super::Rows;
use crate::kernel::simd::{LANES, Simd, dispatch, prefetch};
use crate::kernel::{Isa, Real};

/// Values up to so many standard deviations have a place on the grid.
const REACH: f64 = 64.0;

/// Bits of a value on the grid, at most: 1.5·2^52 and it have no rounding but to the grid.
const MOST_BITS: i32 = 50;

/// Parts of a grid point.
const PARTS: f64 = (1u64 << 40) as f64;

/// Rows that are asked for ahead of the one that is moved.
const AHEAD: usize = 16;

/// 1.5 · 2^52: adding it rounds to an integer, which stands in the low bits.
const INTEGER: f64 = 6_755_399_441_055_744.0;

/// The grid of each feature.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Subtracted from rows, then −1, so that a row that ends in a 0 counts itself, then zeros.
    shift: Vec<f64>,
    /// Grid points a unit: powers of two, then 1, then zeros.
    scale: Vec<f64>,
    /// Units a grid point.
    inverse: Vec<f64>,
    /// Scaled values beyond it have no place.
    most: f64,
    d: usize,
    vectors: usize,
}

impl Grid {
    /// For rows around `shift` with these standard deviations, of which at most `most_rows` are summed.
    ///
    /// # Panics
    /// When the sizes do not match.
    pub fn new<T: Real>(shift: &[T], deviations: &[f64], most_rows: usize) -> Self {
        let d = shift.len();
        assert!(d > 0 && deviations.len() == d, "deviations of {d} features");
        let rows = most_rows.max(1).next_power_of_two().ilog2() as i32;
        let bits = (62 - rows).min(MOST_BITS);
        let scale = |deviation: &f64| {
            let reach = REACH * deviation;
            let exponent = if reach > 0.0 && reach.is_finite() { reach.log2().ceil() as i32 } else { 0 };
            2f64.powi((bits - exponent).clamp(-1000, 1000))
        };
        let vectors = d / LANES + 1;
        let mut grid = Self {
            shift: shift.iter().map(|m| m.to_f64()).chain([-1.0]).collect(),
            scale: deviations.iter().map(scale).chain([1.0]).collect(),
            inverse: Vec::new(),
            most: 2f64.powi(bits),
            d,
            vectors,
        };
        grid.shift.resize(vectors * LANES, 0.0);
        grid.inverse = grid.scale.iter().map(|scale| 1.0 / scale).collect();
        grid.inverse.resize(vectors * LANES, 0.0);
        grid.scale.resize(vectors * LANES, 0.0);
        grid
    }
}

/// A cache line of sums of grid points, and one of sums of their parts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
struct Lines {
    whole: [i64; LANES],
    parts: [i64; LANES],
}

/// For each centroid the sum of its shifted rows, on the grid, and their number.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedTally {
    /// `(k, vectors)`: sums of the bits of 1.5·2^52 + value; the number of rows in place d tells how often the bits of
    /// 1.5·2^52 are too many.
    sums: Vec<Lines>,
    /// Whether every value had a place on the grid.
    holds: bool,
}

impl FixedTally {
    /// Zero sums of `k` centroids.
    pub fn new(k: usize, grid: &Grid) -> Self {
        Self { sums: vec![Lines { whole: [0; LANES], parts: [0; LANES] }; k * grid.vectors], holds: true }
    }

    /// Whether every row that was added had a place on the grid; without it the sums are worth nothing.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// Adds each row to the sum of its label.
    ///
    /// # Panics
    /// When sizes do not match or a label is out of range.
    pub fn add<T: Real>(&mut self, isa: Isa, rows: &Rows<'_, T>, grid: &Grid, labels: &[u32]) {
        self.check(grid, rows.n_features, labels.iter().copied());
        assert!(labels.len() == rows.len(), "a label for each row");
        self.holds &= add_rows(isa, rows.x, grid, labels, &mut self.sums);
    }

    /// Takes rows, each given with its former label, over to the sums of their labels. They were added before.
    ///
    /// # Panics
    /// When sizes do not match, or a label or a row is out of range.
    pub fn move_rows<T: Real>(
        &mut self,
        isa: Isa,
        rows: &Rows<'_, T>,
        grid: &Grid,
        moved: &[(u32, u32)],
        labels: &[u32],
    ) {
        assert!(labels.len() == rows.len(), "a label for each row");
        let both = moved.iter().flat_map(|&(row, old)| [old, labels[row as usize]]);
        self.check(grid, rows.n_features, both);
        take_over(isa, rows.x, grid, moved, labels, &mut self.sums);
    }

    fn check(&self, grid: &Grid, n_features: usize, labels: impl Iterator<Item = u32>) {
        let k = self.sums.len() / grid.vectors;
        assert!(n_features == grid.d, "rows of {} features", grid.d);
        let in_range = labels.fold(true, |all, label| all & ((label as usize) < k));
        assert!(in_range, "labels of {k} centroids");
    }

    /// Bytes of the sums of `k` centroids with `d` features.
    pub fn bytes(k: usize, d: usize) -> usize {
        k * (d / LANES + 1) * size_of::<Lines>()
    }

    /// The sums `(k, d)` and the numbers of rows `(k,)`.
    pub fn parts(&self, isa: Isa, grid: &Grid) -> (Vec<f64>, Vec<f64>) {
        let k = self.sums.len() / grid.vectors;
        // The count, which is less than the bits that the bias has as zeros, stands behind the last feature.
        let count = |lines: &[Lines]| lines[grid.d / LANES].whole[grid.d % LANES] & ((1 << 51) - 1);
        let counts: Vec<i64> = self.sums.chunks_exact(grid.vectors).map(count).collect();
        let mut sums = vec![0.0; k * grid.d];
        unscale(isa, &self.sums, &counts, &grid.inverse, grid.d, &mut sums);
        (sums, counts.into_iter().map(|count| count as f64).collect())
    }
}

dispatch!(fn unscale(lines: &[Lines], counts: &[i64], inverse: &[f64], d: usize, sums: &mut [f64]) = unscale_body);

/// Sums in the features' own units.
///
/// # Safety
/// The machine has the lanes' features.
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "plain loops, compiled for the lanes' features")]
unsafe fn unscale_body<S: Simd>(
    lines: &[Lines],
    counts: &[i64],
    inverse: &[f64],
    d: usize,
    sums: &mut [f64],
) {
    let vectors = d / LANES + 1;
    for ((lines, count), sums) in lines.chunks_exact(vectors).zip(counts).zip(sums.chunks_exact_mut(d)) {
        let bias = (INTEGER.to_bits() as i64).wrapping_mul(*count);
        for ((line, inverse), sums) in
            lines.iter().zip(inverse.chunks_exact(LANES)).zip(sums.chunks_mut(LANES))
        {
            let mut of_line = [0.0; LANES];
            for l in 0..LANES {
                let (whole, parts) = (line.whole[l].wrapping_sub(bias), line.parts[l].wrapping_sub(bias));
                of_line[l] = (whole as f64 + parts as f64 * (1.0 / PARTS)) * inverse[l];
            }
            sums.copy_from_slice(&of_line[..sums.len()]);
        }
    }
}

dispatch!(fn add_rows<T: Real>(x: &[T], grid: &Grid, labels: &[u32], sums: &mut [Lines]) -> bool = add_body);

/// # Safety
/// The machine has the lanes' features; there are `d` features a label, and sums for every label.
#[inline(always)]
unsafe fn add_body<S: Simd, T: Real>(x: &[T], grid: &Grid, labels: &[u32], sums: &mut [Lines]) -> bool {
    let (d, vectors) = (grid.d, grid.vectors);
    let mut x = x.as_ptr();
    // SAFETY: by the caller's promise.
    unsafe {
        let (mut low, mut high) = (S::splat(0.0), S::splat(0.0));
        for &label in labels {
            let sums = sums.as_mut_ptr().add(label as usize * vectors);
            for v in 0..vectors {
                let scaled = scaled::<S, T>(x, grid, v);
                (low, high) = (S::min(low, scaled), S::max(high, scaled));
                add_to::<S>(scaled, &mut *sums.add(v));
            }
            x = x.add(d);
        }
        let mut ends = [[0.0; LANES]; 2];
        S::store(ends[0].as_mut_ptr(), low);
        S::store(ends[1].as_mut_ptr(), high);
        ends.as_flattened().iter().all(|end| end.abs() <= grid.most)
    }
}

dispatch!(fn take_over<T: Real>(x: &[T], grid: &Grid, moved: &[(u32, u32)], labels: &[u32], sums: &mut [Lines]) = take_over_body);

/// # Safety
/// As for [`add_body`]; rows are below the number of labels, labels those of sums.
#[inline(always)]
unsafe fn take_over_body<S: Simd, T: Real>(
    x: &[T],
    grid: &Grid,
    moved: &[(u32, u32)],
    labels: &[u32],
    sums: &mut [Lines],
) {
    for (i, &(row, old)) in moved.iter().enumerate() {
        // Rows that move lie here and there: nobody else sees them coming.
        if let Some(&(ahead, _)) = moved.get(i + AHEAD) {
            prefetch(x.as_ptr().wrapping_add(ahead as usize * grid.d), grid.d);
        }
        // SAFETY: by the caller's promise.
        unsafe {
            let x = x.as_ptr().add(row as usize * grid.d);
            let from = sums.as_mut_ptr().add(old as usize * grid.vectors);
            let to = sums.as_mut_ptr().add(*labels.get_unchecked(row as usize) as usize * grid.vectors);
            for v in 0..grid.vectors {
                let scaled = scaled::<S, T>(x, grid, v);
                take_from::<S>(scaled, &mut *from.add(v));
                add_to::<S>(scaled, &mut *to.add(v));
            }
        }
    }
}

/// Vector `v` of a row in units of the grid.
///
/// # Safety
/// As for [`add_body`]; a row is readable at `x`.
#[inline(always)]
unsafe fn scaled<S: Simd, T: Real>(x: *const T, grid: &Grid, v: usize) -> S::V {
    let at = v * LANES;
    // SAFETY: shift and scale have whole vectors, the row `d` numbers.
    unsafe {
        let x = if at + LANES <= grid.d {
            T::load_lanes::<S>(x.add(at))
        } else {
            T::load_first::<S>(x.wrapping_add(at), grid.d - at)
        };
        S::mul(S::sub(x, S::load(grid.shift.as_ptr().add(at))), S::load(grid.scale.as_ptr().add(at)))
    }
}

/// Adds grid points and parts. By loops: closures are not compiled for the instruction set.
///
/// # Safety
/// The machine has the lanes' features.
#[inline(always)]
unsafe fn add_to<S: Simd>(scaled: S::V, lines: &mut Lines) {
    // SAFETY: the caller's promise.
    let (whole, parts) = unsafe { bits::<S>(scaled) };
    for l in 0..LANES {
        lines.whole[l] = lines.whole[l].wrapping_add(whole[l].to_bits() as i64);
        lines.parts[l] = lines.parts[l].wrapping_add(parts[l].to_bits() as i64);
    }
}

/// Takes off what [`add_to`] adds.
///
/// # Safety
/// The machine has the lanes' features.
#[inline(always)]
unsafe fn take_from<S: Simd>(scaled: S::V, lines: &mut Lines) {
    // SAFETY: the caller's promise.
    let (whole, parts) = unsafe { bits::<S>(scaled) };
    for l in 0..LANES {
        lines.whole[l] = lines.whole[l].wrapping_sub(whole[l].to_bits() as i64);
        lines.parts[l] = lines.parts[l].wrapping_sub(parts[l].to_bits() as i64);
    }
}

/// The nearest integers, and the parts that they leave, each plus 1.5·2^52, in whose low bits they stand.
///
/// # Safety
/// The machine has the lanes' features.
#[inline(always)]
unsafe fn bits<S: Simd>(scaled: S::V) -> ([f64; LANES], [f64; LANES]) {
    let (mut whole, mut parts) = ([0.0f64; LANES], [0.0f64; LANES]);
    // SAFETY: the caller's promise; there is room for eight numbers twice.
    unsafe {
        let integer = S::splat(INTEGER);
        let nearest = S::add(scaled, integer);
        let rest = S::sub(scaled, S::sub(nearest, integer));
        S::store(whole.as_mut_ptr(), nearest);
        S::store(parts.as_mut_ptr(), S::fma(rest, S::splat(PARTS), integer));
    }
    (whole, parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream, uniform};

    fn check<T: Real>(n: usize, k: usize, d: usize) {
        let mut rng = stream(n as u64, Purpose::Noise, d as u64);
        let mut draw = |scale: f64| scale * (uniform(&mut rng) - 0.5);
        let x: Vec<T> = (0..n * d).map(|_| T::from_f64(draw(8.0) + 100.0)).collect();
        let shift = vec![T::from_f64(99.5); d];
        let grid = Grid::new(&shift, &vec![2.0; d], 4096);
        let rows = Rows { x: &x, weights: &[], n_features: d };
        let before: Vec<u32> = (0..n).map(|i| (i * 7 % k) as u32).collect();
        let after: Vec<u32> = (0..n).map(|i| (if i % 3 == 0 { i * 5 } else { i * 7 } % k) as u32).collect();
        let moved: Vec<_> =
            (0..n).filter(|&i| before[i] != after[i]).map(|i| (i as u32, before[i])).collect();
        let mut exact = vec![0.0; k * d];
        for (i, &label) in after.iter().enumerate() {
            let sums = exact[label as usize * d..][..d].iter_mut();
            sums.zip(&x[i * d..]).for_each(|(s, x)| *s += x.to_f64() - 99.5);
        }
        let mut first = None;
        for isa in Isa::available() {
            let mut whole = FixedTally::new(k, &grid);
            whole.add(isa, &rows, &grid, &after);
            let mut moving = FixedTally::new(k, &grid);
            moving.add(isa, &rows, &grid, &before);
            moving.move_rows(isa, &rows, &grid, &moved, &after);
            assert_eq!(moving, whole, "{isa:?}, {n} × {d}");
            assert!(whole.holds());
            let (sums, counts) = whole.parts(isa, &grid);
            for (sum, exact) in sums.iter().zip(&exact) {
                assert!((sum - exact).abs() <= 1e-12 * exact.abs().max(1.0), "{sum} is not {exact}");
            }
            assert_eq!(counts.iter().sum::<f64>(), n as f64);
            assert_eq!(*first.get_or_insert_with(|| whole.clone()), whole, "{isa:?}");
        }
    }

    #[test]
    fn rows_leave_sums_as_they_came_on_every_instruction_set() {
        for (n, k, d) in [(1, 1, 1), (100, 3, 7), (333, 12, 20), (64, 5, 8), (70, 100, 301)] {
            check::<f64>(n, k, d);
            check::<f32>(n, k, d);
        }
    }

    #[test]
    fn a_value_far_out_has_no_place() {
        let grid = Grid::new(&[0.0], &[1.0], 100);
        for (x, holds) in [(63.0, true), (-63.0, true), (65.0, false), (-1e300, false)] {
            for isa in Isa::available() {
                let mut tally = FixedTally::new(1, &grid);
                let rows = Rows { x: &[0.5, x], weights: &[], n_features: 1 };
                tally.add(isa, &rows, &grid, &[0, 0]);
                assert_eq!(tally.holds(), holds, "{x}");
            }
        }
    }

    #[test]
    fn a_row_alone_is_its_sum() {
        let x = [0.1, 1e-3, -55.3, 1.0 / 3.0];
        let shift = [0.7, -0.2, 0.0, 1e-5];
        let grid = Grid::new(&shift, &[1.0; 4], 1 << 20);
        let mut tally = FixedTally::new(1, &grid);
        tally.add(Isa::best(), &Rows { x: &x, weights: &[], n_features: 4 }, &grid, &[0]);
        let expected: Vec<f64> = x.iter().zip(shift).map(|(x, m)| x - m).collect();
        assert_eq!(tally.parts(Isa::best(), &grid).0, expected);
    }

    #[test]
    fn a_constant_feature_is_summed_exactly() {
        let grid = Grid::new(&[5.0], &[0.0], 100);
        let mut tally = FixedTally::new(1, &grid);
        tally.add(Isa::best(), &Rows { x: &[5.0; 3], weights: &[], n_features: 1 }, &grid, &[0; 3]);
        assert_eq!(tally.parts(Isa::best(), &grid), (vec![0.0], vec![3.0]));
    }
}
