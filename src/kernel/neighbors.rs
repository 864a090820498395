//! Distances of a few rows from many, for nearest neighbours.

use super::dispatch::dispatched;
use super::svm::panels::{PANEL, Panels, lanes};

/// Rows whose distances are summed side by side.
pub const ROWS: usize = 4;
/// Lanes of a panel taken at a time, so that the sums stay in registers.
const HALF: usize = PANEL / 2;

/// How far apart two rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Σ |x − z|
    Manhattan,
    /// The root of Σ (x − z)².
    Euclidean,
}

impl Metric {
    /// The distance from what [`distances`] gives.
    pub fn finish(self, value: f64) -> f64 {
        match self {
            Self::Manhattan => value,
            Self::Euclidean => value.sqrt(),
        }
    }
}

dispatched! {
    /// Distances (squared, for the Euclidean metric) of at most [`ROWS`] rows `x` `(n_rows, n_features)` from the rows
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
            match metric {
                Metric::Euclidean => block::<true>(panel, half, x, n, out, at, width),
                Metric::Manhattan => block::<false>(panel, half, x, n, out, at, width),
            }
        }
    }
}

/// Distances of up to [`ROWS`] rows from [`HALF`] lanes of a panel.
#[inline(always)]
fn block<const SQUARED: bool>(
    panel: &[f64],
    lane: usize,
    x: &[f64],
    n: usize,
    out: &mut [f64],
    at: usize,
    width: usize,
) {
    let d = panel.len() / PANEL;
    let rows: [&[f64]; ROWS] = std::array::from_fn(|r| x.get(r * d..(r + 1) * d).unwrap_or(&x[..d]));
    let mut sums = [[0.0f64; HALF]; ROWS];
    for (f, feature) in panel.chunks_exact(PANEL).enumerate() {
        let feature: &[f64; HALF] = lanes(&feature[lane..]);
        for r in 0..ROWS {
            let v = rows[r][f];
            for l in 0..HALF {
                let apart = feature[l] - v;
                sums[r][l] =
                    if SQUARED { apart.mul_add(apart, sums[r][l]) } else { sums[r][l] + apart.abs() };
            }
        }
    }
    for (r, sums) in sums.iter().enumerate().take(n) {
        out[r * width + at..r * width + at + HALF].copy_from_slice(sums);
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
            for metric in [Metric::Manhattan, Metric::Euclidean] {
                let plain = |row: &[f64], z: &[f64]| {
                    row.iter().zip(z).fold(0.0, |sum: f64, (x, z)| match metric {
                        Metric::Manhattan => sum + (z - x).abs(),
                        Metric::Euclidean => (z - x).mul_add(z - x, sum),
                    })
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
