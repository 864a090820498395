//! The triangular factor of a tall matrix, tile by tile: what singular values are found from without squaring them.

use super::columns::column_means;
use super::rank_k::padded;
use super::simd::{LANES, Simd, dispatch};
use super::{Isa, Real};

/// Numbers of a packed tile: as many as stay in the first cache, in no fewer than 16 rows.
const TILE_NUMBERS: usize = 4096;

/// A square below this is that of 0: its reflection would divide by what underflows.
const NOTHING: f64 = f64::MIN_POSITIVE / f64::EPSILON;

/// Mean of the rows of a block, and the factor R of their QR decomposition about it.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockTriangle {
    /// `(n_features,)`
    pub mean: Vec<f64>,
    /// What the rounded `mean` lacks, `(n_features,)`.
    pub rest: Vec<f64>,
    /// R with RᵀR = Σ (x − mean)(x − mean)ᵀ.
    pub triangle: Triangle,
}

/// An upper triangular matrix R that stands for rows A with AᵀA = RᵀR.
#[derive(Clone, Debug, PartialEq)]
pub struct Triangle {
    n: usize,
    width: usize,
    /// `(n, width)`, 0 below the diagonal and behind column n.
    rows: Vec<f64>,
}

impl Triangle {
    /// That of no rows of `n` columns.
    pub fn new(n: usize) -> Self {
        let width = padded(n);
        Self { n, width, rows: vec![0.0; n * width] }
    }

    /// From what [`packed`](Self::packed) gave.
    ///
    /// # Panics
    /// When the length does not fit.
    pub fn unpack(n: usize, packed: &[f64]) -> Self {
        assert_eq!(packed.len(), n * (n + 1) / 2);
        let (mut triangle, mut rest) = (Self::new(n), packed);
        for (i, row) in triangle.rows.chunks_exact_mut(triangle.width).enumerate() {
            let (own, others) = rest.split_at(n - i);
            row[i..n].copy_from_slice(own);
            rest = others;
        }
        triangle
    }

    /// The upper triangle row by row, `(n · (n + 1) / 2,)`.
    pub fn packed(&self) -> Vec<f64> {
        let rows = self.rows.chunks_exact(self.width).enumerate();
        rows.flat_map(|(i, row)| row[i..self.n].iter().copied()).collect()
    }

    /// The number in row `i`, column `j`.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.rows[i * self.width + j]
    }

    /// Takes in one more row `(n,)`.
    pub fn add_row(&mut self, isa: Isa, row: &[f64]) {
        let mut packed = vec![0.0; self.width];
        packed[..self.n].copy_from_slice(row);
        absorb(isa, self, &mut packed, false);
    }

    /// Takes in the rows that another triangle of the same size stands for: about ⅔ · n³ flops.
    pub fn merge(&mut self, isa: Isa, mut other: Self) {
        assert_eq!(self.n, other.n);
        absorb(isa, self, &mut other.rows, true);
    }
}

/// R of the rows `x` `(n_rows, n_features)` about their own mean, by Householder reflections.
///
/// Unlike the sum of products, whose condition is the square of the data's, R keeps singular values down to the
/// rounding of the greatest. Cost: 2 · n_rows · n_features² flops.
///
/// # Panics
/// When a length does not fit.
///
/// # References
/// Demmel, Grigori, Hoemmen & Langou, Communication-optimal parallel and sequential QR and LU factorizations, SIAM J.
/// Sci. Comput. 34, 2012, §2 (TSQR); Golub & Van Loan, Matrix Computations, 2013, §5.1 (reflections).
pub fn block_triangle<T: Real>(isa: Isa, x: &[T], n_features: usize) -> BlockTriangle {
    assert!(n_features > 0 && x.len().is_multiple_of(n_features));
    let (mean, rest) = column_means(isa, x, n_features);
    let triangle = centred_triangle(isa, Rows { x, d: n_features, y: &[], weights: &[] }, &mean, &rest);
    BlockTriangle { mean, rest, triangle }
}

/// R of the rows `x` `(n_rows, n_features)` about `centre`, each with its number of `y` as the last column and times the
/// square root of its weight; both may be empty. Cost as for [`block_triangle`].
///
/// # Panics
/// When a length does not fit.
pub fn triangle_about<T: Real>(
    isa: Isa,
    x: &[T],
    n_features: usize,
    y: &[f64],
    weights: &[f64],
    centre: &[f64],
) -> Triangle {
    centred_triangle(isa, Rows { x, d: n_features, y, weights }, centre, &vec![0.0; centre.len()])
}

/// Rows `(n_rows, d)`; their numbers of one column more, and their weights, unless these are empty.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    x: &'a [T],
    d: usize,
    y: &'a [f64],
    weights: &'a [f64],
}

/// R of the rows about the sum of `centre` and `rest`, which no double needs to hold.
fn centred_triangle<T: Real>(isa: Isa, rows: Rows<'_, T>, centre: &[f64], rest: &[f64]) -> Triangle {
    let Rows { x, d: n_features, y, weights } = rows;
    assert!(n_features > 0 && x.len().is_multiple_of(n_features));
    let (n_rows, n) = (x.len() / n_features, n_features + usize::from(!y.is_empty()));
    assert!(centre.len() == n && rest.len() == n && (y.is_empty() || y.len() == n_rows));
    assert!(weights.is_empty() || weights.len() == n_rows);
    let mut triangle = Triangle::new(n);
    let width = triangle.width;
    let mut tile = vec![0.0; width * (TILE_NUMBERS / width).clamp(16, 128)];
    let tile_rows = tile.len() / width;
    for (number, rows) in x.chunks(tile_rows * n_features).enumerate() {
        let used = rows.len() / n_features * width;
        let row_numbers = number * tile_rows..;
        for ((packed, row), i) in
            tile.chunks_exact_mut(width).zip(rows.chunks_exact(n_features)).zip(row_numbers)
        {
            let about = centre.iter().zip(rest);
            let numbers = packed.iter_mut().zip(row).zip(about);
            numbers.for_each(|((p, v), (centre, rest))| *p = v.to_f64() - centre - rest);
            // What the tile before left behind the last column.
            packed[n_features..].fill(0.0);
            if let Some(y) = y.get(i) {
                packed[n_features] = y - centre[n_features] - rest[n_features];
            }
            if let Some(weight) = weights.get(i) {
                let root = weight.sqrt();
                packed.iter_mut().for_each(|p| *p *= root);
            }
        }
        absorb(isa, &mut triangle, &mut tile[..used], false);
    }
    triangle
}

/// Replaces R by the triangular factor of R with `rows` `(n_rows, width)` below it; `rows` is spoilt. In a `staircase`
/// row i is 0 left of column i.
fn absorb(isa: Isa, r: &mut Triangle, rows: &mut [f64], staircase: bool) {
    assert!(r.width.is_multiple_of(LANES) && r.n <= r.width && r.rows.len() == r.n * r.width);
    assert!(rows.len().is_multiple_of(r.width));
    if !rows.is_empty() && r.n > 0 {
        run(isa, r, rows, staircase);
    }
}

dispatch!(fn run(r: &mut Triangle, rows: &mut [f64], staircase: bool) = body);

#[inline(always)]
unsafe fn body<S: Simd>(r: &mut Triangle, rows: &mut [f64], staircase: bool) {
    let (n, width) = (r.n, r.width);
    let n_rows = rows.len() / width;
    // Rows that reach column k: all, or the steps down to it. The others have a 0 there and stay as they are.
    let reach = |k: usize| if staircase { n_rows.min(k + 1) } else { n_rows };
    let mut reflection = Reflection {
        column: vec![0.0; n_rows],
        next: vec![0.0; n_rows],
        dots: vec![0.0; width],
        factors: vec![0.0; width],
    };
    for k in 0..n {
        // SAFETY: `absorb` checked the lengths; the caller has the features.
        unsafe { reflection.sweep::<S>(&mut rows[..reach(k) * width], width, k) };
        reflection.reflect(&mut r.rows[k * width..(k + 1) * width], k);
    }
}

/// The reflection of one column, on its way through the tile.
struct Reflection {
    /// The rows' numbers in the column reflected last.
    column: Vec<f64>,
    /// Those in the column reflected next.
    next: Vec<f64>,
    /// That column times every column, summed over the rows.
    dots: Vec<f64>,
    /// What the last reflection takes from each row, as a multiple of its number in `column`.
    factors: Vec<f64>,
}

impl Reflection {
    /// Applies the last reflection to `rows`, and in the same sweep finds what that of column `k` starts from. Columns
    /// left of `k`'s eight are not touched; those of the eight hold nothing that is still of use.
    #[inline(always)]
    unsafe fn sweep<S: Simd>(&mut self, rows: &mut [f64], width: usize, k: usize) {
        let mut j = k / LANES * LANES;
        while j < width {
            // SAFETY: columns j + 8·N stay within the width, and the caller has the features.
            unsafe {
                match (width - j) / LANES {
                    1 => self.columns::<S, 1>(rows, width, k, j),
                    2 => self.columns::<S, 2>(rows, width, k, j),
                    3 => self.columns::<S, 3>(rows, width, k, j),
                    _ => self.columns::<S, 4>(rows, width, k, j),
                }
            }
            j += LANES * ((width - j) / LANES).min(4);
        }
        std::mem::swap(&mut self.column, &mut self.next);
    }

    /// The sweep of the `N` vectors of columns from `j` on.
    #[inline(always)]
    unsafe fn columns<S: Simd, const N: usize>(
        &mut self,
        rows: &mut [f64],
        width: usize,
        k: usize,
        j: usize,
    ) {
        // SAFETY: the caller keeps j + 8·N within the width; dots and factors are as long.
        unsafe {
            let mut factors = [S::splat(0.0); N];
            for (n, factor) in factors.iter_mut().enumerate() {
                *factor = S::load(self.factors.as_ptr().add(j + n * LANES));
            }
            let mut dots = [S::splat(0.0); N];
            let numbers = self.column.iter().zip(&mut self.next);
            for (row, (&number, next)) in rows.chunks_exact_mut(width).zip(numbers) {
                let place = row.as_mut_ptr().add(j);
                let number = S::splat(-number);
                let mut values = factors;
                for (n, value) in values.iter_mut().enumerate() {
                    *value = S::fma(number, *value, S::load(place.add(n * LANES)));
                    S::store(place.add(n * LANES), *value);
                }
                if j <= k {
                    *next = row[k];
                }
                let number = S::splat(*next);
                for (dot, value) in dots.iter_mut().zip(values) {
                    *dot = S::fma(number, value, *dot);
                }
            }
            for (n, dot) in dots.into_iter().enumerate() {
                S::store(self.dots.as_mut_ptr().add(j + n * LANES), dot);
            }
        }
    }

    /// Reflects column `k` onto the `row` of R with that number, and leaves the factors for the rows below.
    #[inline(always)]
    fn reflect(&mut self, row: &mut [f64], k: usize) {
        let start = k / LANES * LANES;
        let (above, below) = (row[k], self.dots[k]);
        if below < NOTHING {
            self.factors[start..].fill(0.0);
            return;
        }
        let norm = above.mul_add(above, below).sqrt();
        // The sign that does not cancel.
        let head = above + norm.copysign(above);
        let scale = 1.0 / (norm * head.abs());
        let rest = row[start..].iter_mut().zip(&mut self.factors[start..]).zip(&self.dots[start..]);
        for ((entry, factor), dot) in rest {
            *factor = scale * head.mul_add(*entry, *dot);
            *entry = (-head).mul_add(*factor, *entry);
        }
        row[start..k].fill(0.0);
        row[k] = -norm.copysign(above);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, phase: f64) -> Vec<f64> {
        (0..n).map(|i| (i as f64 * 0.771 + phase).sin() * (1.0 + (i % 5) as f64)).collect()
    }

    /// Checks RᵀR against the plain sum of products of the rows about their mean.
    fn check(found: &BlockTriangle, x: &[f64], d: usize) {
        let n = x.len() / d;
        let mean: Vec<f64> = (0..d).map(|j| x.iter().skip(j).step_by(d).sum::<f64>() / n as f64).collect();
        for i in 0..d {
            assert!((found.mean[i] - mean[i]).abs() < 1e-13 * (1.0 + mean[i].abs()));
            assert!((0..i).all(|j| found.triangle.get(i, j) == 0.0));
            for j in 0..d {
                let exact: f64 = (0..n).map(|r| (x[r * d + i] - mean[i]) * (x[r * d + j] - mean[j])).sum();
                let got: f64 = (0..d).map(|k| found.triangle.get(k, i) * found.triangle.get(k, j)).sum();
                assert!((got - exact).abs() < 1e-12 * (n + 1) as f64, "{n} x {d}: {got} is not {exact}");
            }
        }
    }

    #[test]
    fn the_triangle_stands_for_the_rows() {
        for (n, d) in [(1, 1), (1, 5), (3, 7), (40, 1), (70, 8), (333, 21), (50, 70), (5, 33)] {
            let x = wave(n * d, 0.3);
            check(&block_triangle(Isa::best(), &x, d), &x, d);
        }
        // Constant and repeated columns leave nothing to reflect.
        let x: Vec<f64> = (0..60).flat_map(|i| [2.5, (i as f64).sin(), 0.0, (i as f64).sin()]).collect();
        check(&block_triangle(Isa::best(), &x, 4), &x, 4);
    }

    #[test]
    fn weighted_rows_with_a_target_stand_beside_the_others() {
        for (n, d) in [(1, 1), (70, 7), (333, 8), (200, 40)] {
            let (x, y) = (wave(n * d, 0.3), wave(n, 2.1));
            let weights: Vec<f64> = (0..n).map(|i| (i % 4) as f64 * 0.5).collect();
            let centre = wave(d + 1, 0.9);
            let found = triangle_about(Isa::best(), &x, d, &y, &weights, &centre);
            let at = |r: usize, j: usize| if j < d { x[r * d + j] - centre[j] } else { y[r] - centre[d] };
            for (i, j) in (0..=d).flat_map(|i| (0..=d).map(move |j| (i, j))) {
                let exact: f64 = (0..n).map(|r| weights[r] * at(r, i) * at(r, j)).sum();
                let got: f64 = (0..=d).map(|k| found.get(k, i) * found.get(k, j)).sum();
                assert!((got - exact).abs() < 1e-12 * (n + 1) as f64, "{n} x {d}: {got} is not {exact}");
            }
        }
    }

    #[test]
    fn merged_triangles_stand_for_all_rows() {
        for (n, d) in [(1, 1), (6, 9), (90, 12), (300, 35)] {
            let (x, y) = (wave(n * d, 0.3), wave(n * d, 1.9));
            let mut left = block_triangle(Isa::best(), &x, d);
            let right = block_triangle(Isa::best(), &y, d);
            let apart: Vec<f64> = left.mean.iter().zip(&right.mean).map(|(l, r)| r - l).collect();
            let weight = (n as f64 / 2.0).sqrt();
            left.triangle.merge(Isa::best(), Triangle::unpack(d, &right.triangle.packed()));
            left.triangle.add_row(Isa::best(), &apart.iter().map(|a| weight * a).collect::<Vec<_>>());
            left.mean.iter_mut().zip(&apart).for_each(|(mean, apart)| *mean += apart / 2.0);
            check(&left, &[x, y].concat(), d);
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        for (n, d) in [(1, 3), (130, 7), (65, 40), (10, 20)] {
            let x: Vec<f32> = wave(n * d, 0.0).iter().map(|&v| v as f32).collect();
            let run = |isa| {
                let mut found = block_triangle(isa, &x, d);
                found.triangle.merge(isa, found.triangle.clone());
                found
            };
            let expected = run(Isa::Portable);
            for isa in Isa::available() {
                assert_eq!(run(isa), expected, "{isa:?} {n} x {d}");
            }
        }
    }
}
