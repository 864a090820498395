//! Mean and centred products of the columns of a block.

use super::glm::Tile;
use super::means::move_means;
use super::rank_k::{Ahead, add_products_ahead, padded};
use super::simd::{LANES, Simd, dispatch};
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
    /// What the rounded `mean` lacks, `(m,)`.
    pub rest: Vec<f64>,
    /// Σ w (c − mean)(c − mean)ᵀ on and above the diagonal, and zeros below, `(m, m)`.
    pub products: Vec<f64>,
}

/// Adds `factor` times the products of `apart` `(m,)` to `products` `(m, m)`, on and above the diagonal: what moves sums
/// of products to another mean, or joins those about two means.
///
/// # Panics
/// When a length does not fit.
pub fn add_outer(isa: Isa, products: &mut [f64], factor: f64, apart: &[f64]) {
    assert!(products.len() == apart.len() * apart.len());
    outer(isa, products, factor, apart);
}

dispatch!(fn outer(products: &mut [f64], factor: f64, apart: &[f64]) = outer_body);

#[inline(always)]
unsafe fn outer_body<S: Simd>(products: &mut [f64], factor: f64, apart: &[f64]) {
    let m = apart.len();
    for (i, &a) in apart.iter().enumerate() {
        let row = &mut products[i * m..(i + 1) * m];
        let mut j = i;
        // SAFETY: j + 8 stays within the row and `apart`, both m long; the caller has the features.
        unsafe {
            let scale = S::splat(factor * a);
            while j + LANES <= m {
                let place = row.as_mut_ptr().add(j);
                S::store(place, S::fma(scale, S::load(apart.as_ptr().add(j)), S::load(place)));
                j += LANES;
            }
        }
        for j in j..m {
            row[j] = (factor * a).mul_add(apart[j], row[j]);
        }
    }
}

/// Moments of the columns of `x` `(n_rows, n_features)` and, when `y` is not empty, of `y` as one column more.
///
/// Centring on the block's own mean keeps the digits of data far from the origin. `weights` is empty or `(n_rows,)`.
/// Cost: n_rows · m² flops. Weighted rows are read twice. The others are read once: they are centred on the mean of the
/// first of them, and the products moved to that of all. As those rows are part of the block, the distance of the two
/// means is at most √(n_rows / 64) standard deviations, which costs no more than a few bits.
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
    let first = if weights.is_empty() { TILE.min(n_rows) } else { n_rows };
    let ones = vec![1.0; if weights.is_empty() { first } else { 0 }];
    let (start, counts) = (&y[..first.min(y.len())], if weights.is_empty() { &ones } else { weights });
    let (weight, mut mean) = means(isa, &x[..first * n_features], n_features, start, counts);
    let (mut apart, mut products) = centred(isa, Columns { x, d: n_features, y }, weights, &mean);
    let weight = if weights.is_empty() { n_rows as f64 } else { weight };
    let mut rest = vec![0.0; mean.len()];
    if weight > 0.0 {
        // The mean's own rounding is put right too: a constant column has products of nearly 0 (never below).
        apart.iter_mut().for_each(|sum| *sum /= weight);
        rest = move_means(&mut mean, &apart);
        add_outer(isa, &mut products, -weight, &apart);
        products.iter_mut().step_by(mean.len() + 1).for_each(|square| *square = square.max(0.0));
    }
    BlockMoments { weight, mean, rest, products }
}

/// Σ w and the weighted mean of the columns of `x`, and of `y` unless it is empty.
fn means<T: Real>(isa: Isa, x: &[T], d: usize, y: &[f64], weights: &[f64]) -> (f64, Vec<f64>) {
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

/// The columns of a block: features, and y unless it is empty.
#[derive(Clone, Copy)]
struct Columns<'a, T> {
    x: &'a [T],
    d: usize,
    y: &'a [f64],
}

/// Rows of a tile about a point, and the sums that they add to.
struct Centred {
    /// `(TILE, width)`, and as much behind as a load of the last row's last numbers needs.
    rows: Vec<f64>,
    /// `rows` times their weights; empty where there are none.
    scaled: Vec<f64>,
    /// y of the rows, and the same times their weights.
    y: [f64; TILE],
    scaled_y: [f64; TILE],
    /// Σ w (c − about) `(width,)`, and that of y.
    sums: Vec<f64>,
    y_sum: f64,
}

impl Centred {
    fn new(d: usize, weighted: bool) -> Self {
        let (width, length) = (padded(d), Tile::<f64>::length(TILE, padded(d)));
        let scaled = vec![0.0; if weighted { length } else { 0 }];
        let (y, scaled_y) = ([0.0; TILE], [0.0; TILE]);
        Self { rows: vec![0.0; length], scaled, y, scaled_y, sums: vec![0.0; width], y_sum: 0.0 }
    }
}

dispatch!(fn centre<T: Real>(columns: Columns<'_, T>, weights: &[f64], about: &[f64], to: &mut Centred) = centre_body);

/// Writes the columns' rows, at most a tile of them, less `about` and adds them to the sums.
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "the lanes say which machine it is compiled for")]
unsafe fn centre_body<S: Simd, T: Real>(
    columns: Columns<'_, T>,
    weights: &[f64],
    about: &[f64],
    to: &mut Centred,
) {
    let (d, width) = (columns.d, to.sums.len());
    let (about, about_y) = about.split_at(d);
    for (r, features) in columns.x.chunks_exact(d).enumerate() {
        let row = &mut to.rows[r * width..r * width + d];
        for ((to, v), about) in row.iter_mut().zip(features).zip(about) {
            *to = v.to_f64() - about;
        }
        let row = match weights.get(r) {
            None => &*row,
            Some(w) => {
                let scaled = &mut to.scaled[r * width..r * width + d];
                scaled.iter_mut().zip(row).for_each(|(s, c)| *s = w * *c);
                &*scaled
            }
        };
        to.sums.iter_mut().zip(row).for_each(|(sum, c)| *sum += c);
    }
    if let [about] = about_y {
        for (r, y) in columns.y.iter().enumerate() {
            to.y[r] = y - about;
            to.scaled_y[r] = weights.get(r).map_or(to.y[r], |w| w * to.y[r]);
            to.y_sum += to.scaled_y[r];
        }
    }
}

/// Σ w (c − about), and Σ w (c − about)(c − about)ᵀ on and above the diagonal.
///
/// Products with y are summed apart: one column more would fill a block of eight.
fn centred<T: Real>(
    isa: Isa,
    columns: Columns<'_, T>,
    weights: &[f64],
    about: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let (m, d) = (about.len(), columns.d);
    let width = padded(d);
    let (mut tile, mut products) = (Centred::new(d, !weights.is_empty()), vec![0.0; width * width]);
    let (mut with_y, mut y_square) = (vec![0.0; width], 0.0);
    for (t, x) in columns.x.chunks(TILE * d).enumerate() {
        let (start, n) = (t * TILE, x.len() / d);
        let part = |all: &'_ [f64]| start.min(all.len())..(start + n).min(all.len());
        let (y, weights) = (&columns.y[part(columns.y)], &weights[part(weights)]);
        centre(isa, Columns { x, d, y }, weights, about, &mut tile);
        let left = if weights.is_empty() { &tile.rows } else { &tile.scaled };
        let ahead = Ahead::of(&columns.x[(start + n) * d..], x.len());
        add_products_ahead(isa, &left[..n * width], &tile.rows[..n * width], width, &mut products, ahead);
        if m > d {
            Tile::new(left, n, width).add_weighted_rows(isa, &tile.y, &mut with_y);
            let squares = tile.scaled_y[..n].iter().zip(&tile.y);
            y_square = squares.fold(y_square, |sum, (s, y)| s.mul_add(*y, sum));
        }
    }
    let mut sums = tile.sums;
    sums.truncate(d);
    let mut compact = vec![0.0; m * m];
    for (i, (to, from)) in compact.chunks_exact_mut(m).zip(products.chunks_exact(width)).take(d).enumerate() {
        to[i..d].copy_from_slice(&from[i..d]);
        to[d..].fill(with_y[i]);
    }
    if m > d {
        sums.push(tile.y_sum);
        compact[m * m - 1] = y_square;
    }
    (sums, compact)
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
            // About a row, so that the sum does not round what it is to judge.
            let about = |j: usize| (0..n).map(|r| w[r] * (column(j, r) - column(j, 0))).sum::<f64>() / weight;
            let mean: Vec<f64> = (0..=d).map(|j| column(j, 0) + about(j)).collect();
            for i in 0..=d {
                assert!((got.mean[i] - mean[i]).abs() < 1e-9);
                assert!((0..i).all(|j| got.products[i * (d + 1) + j] == 0.0));
                for j in i..=d {
                    let exact: f64 =
                        (0..n).map(|r| w[r] * (column(i, r) - mean[i]) * (column(j, r) - mean[j])).sum();
                    assert!((got.products[i * (d + 1) + j] - exact).abs() < 1e-7 * n as f64);
                }
            }
        }
    }

    #[test]
    fn rows_far_from_the_first_keep_their_digits() {
        // The first tile lies 1e6 deviations of the others away; y falls all along.
        let n = 1000;
        let x: Vec<f64> = (0..n).map(|i| if i < TILE { 1e6 } else { 0.0 } + (i as f64 * 0.7).sin()).collect();
        let y: Vec<f64> = (0..n).map(|i| -3.0 * i as f64).collect();
        let got = block_moments(Isa::best(), &x, 1, &y, &[]);
        let weighted = block_moments(Isa::best(), &x, 1, &y, &vec![1.0; n]);
        for p in [0, 1, 3] {
            assert!((got.products[p] / weighted.products[p] - 1.0).abs() < 1e-12, "{got:?} {weighted:?}");
        }
        // To the digits of the greatest.
        assert!((got.mean[0] - weighted.mean[0]).abs() < 1e6 * 1e-14);
    }

    #[test]
    fn constant_columns_have_hardly_any_products() {
        for n in [3, 64, 65, 4000] {
            for weights in [vec![], (0..n).map(|i| 0.1 + (i % 7) as f64).collect::<Vec<f64>>()] {
                let x = vec![0.1; n];
                let got = block_moments(Isa::best(), &x, 1, &[], &weights);
                assert!((got.mean[0] - 0.1).abs() <= 0.1 * f64::EPSILON);
                let most = got.weight * (0.1 * f64::EPSILON).powi(2);
                assert!((0.0..=most).contains(&got.products[0]), "{n} {got:?}");
            }
        }
    }

    #[test]
    fn outer_products_equal_the_plain_ones_on_every_instruction_set() {
        for m in [1, 7, 8, 9, 29] {
            let wave = |phase: f64| (0..m * m).map(|i| (i as f64 * 0.91 + phase).sin()).collect::<Vec<f64>>();
            let (start, apart) = (wave(0.0), wave(2.0)[..m].to_vec());
            let plain = |p: usize| match (p / m, p % m) {
                (i, j) if j < i => start[p],
                (i, j) => (2.5 * apart[i]).mul_add(apart[j], start[p]),
            };
            let expected: Vec<f64> = (0..m * m).map(plain).collect();
            for isa in Isa::available() {
                let mut got = start.clone();
                add_outer(isa, &mut got, 2.5, &apart);
                assert_eq!(got, expected, "{} {m}", isa.name());
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
