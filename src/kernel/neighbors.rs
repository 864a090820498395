//! Distances of a few rows from many, for nearest neighbours.

use super::dispatch::dispatched;
use super::power::power;
use super::svm::panels::{PANEL, Panels, lanes};

/// Rows whose distances are summed side by side.
pub const ROWS: usize = 4;
/// Lanes of a panel taken at a time, so that the sums stay in registers.
const HALF: usize = PANEL / 2;

/// How far apart two rows are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// Σ |x − z|
    Manhattan,
    /// The root of Σ (x − z)².
    Euclidean,
    /// The greatest |x − z|.
    Chebyshev,
    /// The p-th root of Σ |x − z|^p.
    Minkowski(f64),
    /// 1 − x·z for rows of length 1, from their differences: rows that are equal up to rounding are at distance 0.
    Cosine,
}

impl Metric {
    /// The distance from what [`distances`] gives.
    pub fn finish(self, value: f64) -> f64 {
        match self {
            Self::Manhattan | Self::Chebyshev | Self::Cosine => value,
            Self::Euclidean => value.sqrt(),
            Self::Minkowski(p) => power([value], 1.0 / p)[0],
        }
    }

    /// How much longer a feature takes than one of a square, as measured.
    pub fn operations(self) -> usize {
        match self {
            Self::Minkowski(p) if p.fract() != 0.0 => 250,
            Self::Minkowski(_) => 12,
            _ => 1,
        }
    }
}

dispatched! {
    /// Distances (before [`Metric::finish`]) of at most [`ROWS`] rows `x` `(n_rows, n_features)` from the rows
    /// of `n_panels` panels, the first of which is `first`, into `out` `(n_rows, n_panels · PANEL)`.
    ///
    /// Formed from differences, feature by feature in order, so that equal rows are at distance 0: 2 n_features flops
    /// a distance. Lanes past the last row hold distances from a row of zeros.
    pub fn distances(metric: Metric, x: &[f64], panels: &Panels, first: usize, n_panels: usize, out: &mut [f64]) =
        distances_body
}

#[inline(always)]
fn distances_body(
    metric: Metric,
    x: &[f64],
    panels: &Panels,
    first: usize,
    n_panels: usize,
    out: &mut [f64],
) {
    let width = n_panels * PANEL;
    let n = out.len() / width.max(1);
    assert!(n <= ROWS && out.len() == n * width && x.len() == n * panels.n_features);
    for p in 0..n_panels {
        for half in [0, HALF] {
            let (panel, at) = (panels.panel(first + p), p * PANEL + half);
            let place = Place { half, n, at, width };
            match metric {
                Metric::Euclidean => block(Squares, panel, x, place, out),
                Metric::Manhattan => block(Sizes, panel, x, place, out),
                Metric::Chebyshev => block(Greatest, panel, x, place, out),
                Metric::Minkowski(p) => block(Powers(p), panel, x, place, out),
                Metric::Cosine => block(Angles, panel, x, place, out),
            }
        }
    }
}

/// What a distance is summed from.
trait Terms: Copy {
    /// Takes differences of a feature into the sums.
    fn add(self, sums: &mut [f64; HALF], apart: [f64; HALF]);

    /// The last step of a sum.
    #[inline(always)]
    fn end(self, sum: f64) -> f64 {
        sum
    }
}

#[derive(Clone, Copy)]
struct Sizes;

impl Terms for Sizes {
    #[inline(always)]
    fn add(self, sums: &mut [f64; HALF], apart: [f64; HALF]) {
        for l in 0..HALF {
            sums[l] += apart[l].abs();
        }
    }
}

#[derive(Clone, Copy)]
struct Squares;

impl Terms for Squares {
    #[inline(always)]
    fn add(self, sums: &mut [f64; HALF], apart: [f64; HALF]) {
        for l in 0..HALF {
            sums[l] = apart[l].mul_add(apart[l], sums[l]);
        }
    }
}

#[derive(Clone, Copy)]
struct Greatest;

impl Terms for Greatest {
    #[inline(always)]
    fn add(self, sums: &mut [f64; HALF], apart: [f64; HALF]) {
        for l in 0..HALF {
            let size = apart[l].abs();
            sums[l] = if size > sums[l] { size } else { sums[l] };
        }
    }
}

#[derive(Clone, Copy)]
struct Powers(f64);

impl Terms for Powers {
    #[inline(always)]
    fn add(self, sums: &mut [f64; HALF], apart: [f64; HALF]) {
        let powers = power(apart.map(f64::abs), self.0);
        for l in 0..HALF {
            sums[l] += powers[l];
        }
    }
}

#[derive(Clone, Copy)]
struct Angles;

impl Terms for Angles {
    #[inline(always)]
    fn add(self, sums: &mut [f64; HALF], apart: [f64; HALF]) {
        Squares.add(sums, apart);
    }

    /// Half the square, in units of the rounding of x·z: what is less is no difference.
    #[inline(always)]
    fn end(self, sum: f64) -> f64 {
        1.0 - (-0.5f64).mul_add(sum, 1.0)
    }
}

/// Which lanes of a panel meet how many rows, and where their distances go.
#[derive(Clone, Copy)]
struct Place {
    half: usize,
    n: usize,
    at: usize,
    width: usize,
}

/// Distances of up to [`ROWS`] rows from [`HALF`] lanes of a panel.
#[inline(always)]
fn block<T: Terms>(terms: T, panel: &[f64], x: &[f64], place: Place, out: &mut [f64]) {
    let Place { half, n, at, width } = place;
    let d = panel.len() / PANEL;
    let rows: [&[f64]; ROWS] = std::array::from_fn(|r| x.get(r * d..(r + 1) * d).unwrap_or(&x[..d]));
    let mut sums = [[0.0f64; HALF]; ROWS];
    for (f, feature) in panel.chunks_exact(PANEL).enumerate() {
        let feature: &[f64; HALF] = lanes(&feature[half..]);
        for r in 0..ROWS {
            let v = rows[r][f];
            let mut apart = *feature;
            for apart in &mut apart {
                *apart -= v;
            }
            terms.add(&mut sums[r], apart);
        }
    }
    for (r, sums) in sums.iter().enumerate().take(n) {
        let out = &mut out[r * width + at..r * width + at + HALF];
        for l in 0..HALF {
            out[l] = terms.end(sums[l]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    #[test]
    fn every_instruction_set_gives_the_plain_sums_bits() {
        for (n, d) in [(1, 1), (5, 3), (32, 7), (33, 2), (70, 20)] {
            let values: Vec<f64> = (0..n * d).map(|i| (i as f64 * 0.37).sin() * 3.0).collect();
            let panels = Panels::new(values.chunks_exact(d), d);
            let x: Vec<f64> = (0..3 * d).map(|i| (i as f64 * 0.91).cos()).collect();
            let metrics = [
                Metric::Manhattan,
                Metric::Euclidean,
                Metric::Chebyshev,
                Metric::Minkowski(3.0),
                Metric::Minkowski(1.7),
                Metric::Cosine,
            ];
            for metric in metrics {
                let plain = |row: &[f64], z: &[f64]| {
                    let sum = row.iter().zip(z).fold(0.0, |sum: f64, (x, z)| match metric {
                        Metric::Manhattan => sum + (z - x).abs(),
                        Metric::Euclidean | Metric::Cosine => (z - x).mul_add(z - x, sum),
                        Metric::Chebyshev => sum.max((z - x).abs()),
                        Metric::Minkowski(p) => sum + power([(z - x).abs()], p)[0],
                    });
                    if metric == Metric::Cosine { 1.0 - (1.0 - 0.5 * sum) } else { sum }
                };
                for isa in Isa::available() {
                    for rows in 1..=3 {
                        let width = panels.n_panels() * PANEL;
                        let mut out = vec![-1.0; rows * width];
                        distances(isa, metric, &x[..rows * d], &panels, 0, panels.n_panels(), &mut out);
                        for (r, row) in x[..rows * d].chunks_exact(d).enumerate() {
                            let expected: Vec<f64> = values.chunks_exact(d).map(|z| plain(row, z)).collect();
                            assert_eq!(&out[r * width..r * width + n], expected, "{isa:?} {n} x {d}");
                        }
                    }
                }
            }
        }
    }
}
