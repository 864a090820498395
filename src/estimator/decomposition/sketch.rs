//! A few directions that hold most of the data, found by trying the data on a random matrix.

use super::axes::orthonormal;
use crate::data::Block;
use crate::engine::pass::{Pass, PassEngine};
use crate::error::Result;
use crate::kernel::rank_k::{add_cross_products, padded};
use crate::kernel::{Isa, Normal, Real};
use crate::rng::{self, Purpose};

/// Rows worked on at a time, a multiple of eight.
const TILE: usize = 64;

/// How to look for the directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sketch {
    /// Directions looked for.
    pub(super) n_axes: usize,
    /// Power iterations.
    pub(super) n_iter: usize,
    pub(super) seed: u64,
}

/// Coordinates of rows along some axes.
pub(super) struct Coordinates {
    isa: Isa,
    /// `(n_features,)`
    origin: Vec<f64>,
    n_axes: usize,
    /// `(n_features, padded n_axes)`
    axes: Vec<f64>,
}

impl Coordinates {
    /// Along the columns of `axes` `(n_features, n_axes)`, from `origin`.
    pub(super) fn new(origin: &[f64], axes: &[f64]) -> Self {
        let n_axes = axes.len() / origin.len();
        let width = padded(n_axes);
        let mut wide = vec![0.0; origin.len() * width];
        for (wide, axes) in wide.chunks_exact_mut(width).zip(axes.chunks_exact(n_axes)) {
            wide[..n_axes].copy_from_slice(axes);
        }
        Self { isa: Isa::best(), origin: origin.to_vec(), n_axes, axes: wide }
    }

    pub(super) fn n_axes(&self) -> usize {
        self.n_axes
    }

    /// The coordinates of the rows `x` `(n_rows, n_features)`, `(n_rows, n_axes)`.
    pub(super) fn of_rows<T: Real>(&self, x: &[T]) -> Vec<f64> {
        let mut all = Vec::with_capacity(x.len() / self.origin.len() * self.n_axes);
        self.tiles(x, |_, coordinates| {
            for row in coordinates.chunks_exact(padded(self.n_axes)) {
                all.extend_from_slice(&row[..self.n_axes]);
            }
        });
        all
    }

    /// Calls `visit` with the rows of each tile about the origin, `(n_rows, padded n_features)`, and their coordinates,
    /// `(n_rows, padded n_axes)`.
    fn tiles<T: Real>(&self, x: &[T], mut visit: impl FnMut(&[f64], &[f64])) {
        let (d, width) = (self.origin.len(), padded(self.n_axes));
        let wide = padded(d);
        let (mut rows, mut columns) = (vec![0.0; TILE * wide], vec![0.0; d * TILE]);
        let mut coordinates = vec![0.0; TILE * width];
        for x in x.chunks(TILE * d) {
            let n_rows = x.len() / d;
            for (r, (row, x)) in rows.chunks_exact_mut(wide).zip(x.chunks_exact(d)).enumerate() {
                for (j, ((to, v), origin)) in row.iter_mut().zip(x).zip(&self.origin).enumerate() {
                    *to = v.to_f64() - origin;
                    columns[j * TILE + r] = *to;
                }
            }
            coordinates.fill(0.0);
            // Rows behind the last are those of the tile before, and dropped.
            add_cross_products(self.isa, &columns, &self.axes, [TILE, width], &mut coordinates);
            visit(&rows[..n_rows * wide], &coordinates[..n_rows * width]);
        }
    }
}

/// Σ (x − origin) · coordinatesᵀ over the rows.
struct PowerPass<'a>(&'a Coordinates);

impl<T: Real> Pass<T> for PowerPass<'_> {
    /// `(n_features, n_axes)`
    type Partial = Vec<f64>;
    type Memory = ();

    fn block(&self, block: &Block<T>, (): &mut ()) -> Result<Vec<f64>> {
        let Coordinates { isa, ref origin, n_axes, .. } = *self.0;
        let (wide, width) = (padded(origin.len()), padded(n_axes));
        let mut sums = vec![0.0; wide * width];
        self.0.tiles(&block.x, |rows, coordinates| {
            add_cross_products(isa, rows, coordinates, [wide, width], &mut sums);
        });
        let rows = sums.chunks_exact(width).take(origin.len());
        Ok(rows.flat_map(|row| row[..n_axes].iter().copied()).collect())
    }

    fn flops_per_row(&self, n_features: usize) -> f64 {
        (4 * n_features * self.0.n_axes) as f64
    }
}

/// An orthonormal basis `(n_features, n_axes)` of about the directions in which the rows reach farthest from `origin`.
///
/// `None` when sums leave the range of a double. With `n_iter` power iterations the rows are gone through one time
/// more; each pass multiplies by the matrix of products and an orthonormal basis is taken of the outcome, so that
/// small directions do not drown. Costs 4 · n_samples · n_features · n_axes flops a pass.
///
/// # Collective
/// `n_iter` + 1 passes, whose partial is n_features · n_axes numbers, and as many broadcasts of such.
///
/// # Errors
/// What the passes meet.
///
/// # References
/// Halko, Martinsson & Tropp, Finding structure with randomness, SIAM Review 53, 2011, algorithm 4.4, of the transpose.
pub(super) fn range<T: Real>(
    engine: &mut PassEngine<'_, T>,
    origin: &[f64],
    sketch: Sketch,
) -> Result<Option<Coordinates>> {
    let size = [origin.len(), sketch.n_axes];
    let mut trial = vec![0.0; size[0] * size[1]];
    Normal::new(rng::state(sketch.seed, Purpose::Sketch, 0)).fill(&mut trial);
    let mut coordinates = Coordinates::new(origin, &trial);
    for _ in 0..=sketch.n_iter {
        let image = engine.run_once(&PowerPass(&coordinates))?;
        if !image.iter().all(|v| v.is_finite()) {
            return Ok(None);
        }
        coordinates = Coordinates::new(origin, &orthonormal(engine, &image, size)?);
    }
    Ok(Some(coordinates))
}

impl Coordinates {
    /// The axes, `(n_features, n_axes)`.
    pub(super) fn axes(&self) -> Vec<f64> {
        let rows = self.axes.chunks_exact(padded(self.n_axes));
        rows.flat_map(|row| row[..self.n_axes].iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_and_their_products_are_the_plain_ones() {
        let wave = |n: usize, phase: f64| -> Vec<f64> {
            (0..n).map(|i| (i as f64 * 0.77 + phase).sin() * 2.0).collect()
        };
        for (n, d, m) in [(1, 1, 1), (5, 3, 2), (64, 8, 8), (150, 21, 11)] {
            let (x, origin, axes) = (wave(n * d, 0.0), wave(d, 1.0), wave(d * m, 2.0));
            let coordinates = Coordinates::new(&origin, &axes);
            assert_eq!(coordinates.axes(), axes);
            let expected: Vec<f64> = (0..n * m)
                .map(|p| (0..d).map(|k| (x[p / m * d + k] - origin[k]) * axes[k * m + p % m]).sum())
                .collect();
            let got = coordinates.of_rows(&x);
            assert_eq!(got.len(), expected.len());
            assert!(got.iter().zip(&expected).all(|(g, e)| (g - e).abs() < 1e-13 * d as f64));
            let block = Block { n_rows: n, n_features: d, x: x.clone(), ..Block::default() };
            let products = PowerPass(&coordinates).block(&block, &mut ()).unwrap();
            for (p, product) in products.iter().enumerate() {
                let plain: f64 =
                    (0..n).map(|r| (x[r * d + p / m] - origin[p / m]) * expected[r * m + p % m]).sum();
                assert!((product - plain).abs() < 1e-12 * (n * d) as f64);
            }
        }
    }
}
