//! Decision values of the rbf kernel in single precision, with a bound on how far they are from the exact ones.
//!
//! Most rows are far from every border between classes: their votes are certain in single precision, at twice the
//! pace. Whoever uses these values asks the others again, in double precision.

use super::KernelFunction;
use super::panels::{PANEL, Panels, lanes};
use crate::kernel::dispatch::dispatched;

/// Rows of `x` that meet a panel side by side.
const ROWS: usize = 4;
/// Rows of `x` that meet all panels while their sums are in the nearest cache.
const TILE: usize = 64;
/// Panels whose values are summed in single precision.
const RUN: usize = 4;
/// Half the distance of neighbouring single-precision numbers at 1.
const UNIT: f64 = f32::EPSILON as f64 / 2.0;

/// A class's support vectors and their weights in single precision, for the rbf kernel.
#[derive(Clone, Debug)]
pub struct Screen {
    n_panels: usize,
    n_features: usize,
    gamma: f64,
    /// `(n_panels, n_features, PANEL)`.
    values: Vec<f32>,
    /// `(n_panels, n_sums, PANEL)`.
    weights: Vec<f32>,
    /// Σ |w| of each sum.
    sizes: Vec<f64>,
    /// The largest |z|.
    largest: f64,
}

impl Screen {
    /// Rounds panels and their weights `(n_panels, n_sums, PANEL)`; none for kernels other than rbf.
    pub fn new(kernel: KernelFunction, panels: &Panels, weights: &[f64], n_sums: usize) -> Option<Self> {
        let KernelFunction::Rbf { gamma } = kernel else { return None };
        let values = (0..panels.n_panels()).flat_map(|p| panels.panel(p).iter().map(|&v| v as f32)).collect();
        let mut sizes = vec![0.0; n_sums];
        for (i, group) in weights.chunks_exact(PANEL).enumerate() {
            sizes[i % n_sums] += group.iter().map(|w| w.abs()).sum::<f64>();
        }
        Some(Self {
            n_panels: panels.n_panels(),
            n_features: panels.n_features,
            gamma,
            values,
            weights: weights.iter().map(|&w| w as f32).collect(),
            sizes,
            largest: panels.norms().iter().fold(0.0f64, |a, &b| a.max(b)).sqrt(),
        })
    }

    /// A bound on the error of each sum for a row of squared norm `norm`; no number where there is none.
    ///
    /// With u = 2^-24, t = gamma |x − z|² and k = e^−t: rounding x and z moves |x − z| by at most η = u (|x| + |z|),
    /// differences, their squares and their sum are rounded d + 5 times, and so |Δt| ≤ (d + 8) u t + 2 √(gamma t) η +
    /// gamma η²; t e^−t is at most 1/e and √t e^−t at most 0.43. The exponential is within 8 u, rounding of the
    /// weights and the sums of a run within `RUN` + 4.
    pub fn error(&self, sum: usize, norm: f64) -> f64 {
        let moved = UNIT * (norm.sqrt() + self.largest + f64::from(f32::MIN_POSITIVE));
        let of_t = 0.368 * (self.n_features as f64 + 8.0) * UNIT
            + self.gamma.sqrt() * 0.86 * moved
            + self.gamma * moved * moved;
        if !(of_t < 0.01 && self.gamma > 0.0) {
            return f64::NAN;
        }
        let relative = 1.02 * of_t + (RUN as f64 + 12.0) * UNIT;
        self.sizes[sum] * 1.01 * relative + f64::from(f32::MIN_POSITIVE)
    }
}

dispatched! {
    /// For each row of `x` `(n_rows, n_features)` each of the screen's sums of weight times kernel value, into `out`
    /// `(n_rows, n_sums)`.
    ///
    /// 3 n_features flops and an exponential a value. Kernel values are in single precision, as are the sums of
    /// four panels; those are added up in double precision.
    pub fn screened_sums(screen: &Screen, x: &[f64], out: &mut [f64]) = body
}

#[inline(always)]
fn body(screen: &Screen, x: &[f64], out: &mut [f64]) {
    let (d, n_sums) = (screen.n_features, screen.sizes.len());
    assert!(x.len() * n_sums == out.len() * d);
    let gamma = -screen.gamma as f32;
    let mut rounded = vec![0.0f32; TILE * d];
    let mut sums = vec![[0.0f64; PANEL]; TILE * n_sums];
    let mut partial = vec![[0.0f32; PANEL]; TILE * n_sums];
    for (x, out) in x.chunks(TILE * d).zip(out.chunks_mut(TILE * n_sums)) {
        let n = x.len() / d;
        rounded[x.len()..].fill(0.0);
        rounded.iter_mut().zip(x).for_each(|(to, &v)| *to = v as f32);
        sums.fill([0.0; PANEL]);
        for first in (0..screen.n_panels).step_by(RUN) {
            partial.fill([0.0; PANEL]);
            for p in first..(first + RUN).min(screen.n_panels) {
                let panel = &screen.values[p * d * PANEL..(p + 1) * d * PANEL];
                let weights = &screen.weights[p * n_sums * PANEL..(p + 1) * n_sums * PANEL];
                let groups = rounded.chunks_exact(ROWS * d).zip(partial.chunks_exact_mut(ROWS * n_sums));
                for (x, partial) in groups.take(n.div_ceil(ROWS)) {
                    let distances = distances(panel, x, d);
                    for r in 0..ROWS {
                        let values = exp_scaled(distances[r], gamma);
                        let partial = &mut partial[r * n_sums..(r + 1) * n_sums];
                        for (sum, weights) in partial.iter_mut().zip(weights.chunks_exact(PANEL)) {
                            *sum = weighted(*sum, lanes(weights), &values);
                        }
                    }
                }
            }
            for (sum, partial) in sums.iter_mut().zip(&partial) {
                for l in 0..PANEL {
                    sum[l] += f64::from(partial[l]);
                }
            }
        }
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out = sum.iter().fold(0.0, |total, v| total + v);
        }
    }
}

#[inline(always)]
fn weighted(sum: [f32; PANEL], weights: &[f32; PANEL], values: &[f32; PANEL]) -> [f32; PANEL] {
    let mut out = sum;
    for l in 0..PANEL {
        out[l] = weights[l].mul_add(values[l], sum[l]);
    }
    out
}

/// Squared distances of [`ROWS`] rows from the rows of a panel.
#[inline(always)]
fn distances(panel: &[f32], x: &[f32], d: usize) -> [[f32; PANEL]; ROWS] {
    let rows: [&[f32]; ROWS] = std::array::from_fn(|r| &x[r * d..(r + 1) * d]);
    let mut sums = [[0.0f32; PANEL]; ROWS];
    for (f, feature) in panel.chunks_exact(PANEL).enumerate() {
        let feature: &[f32; PANEL] = lanes(feature);
        for r in 0..ROWS {
            let v = rows[r][f];
            for l in 0..PANEL {
                let difference = v - feature[l];
                sums[r][l] = difference.mul_add(difference, sums[r][l]);
            }
        }
    }
    sums
}

/// 1.5 · 2^23: adding it leaves the nearest integer in the low bits of the mantissa.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts; multiples of the first by up to 2^7 are exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// e^(factor · x) in each lane, within 8 units of 2^-24; below −87 it is e^−87. The product is not above 0.
///
/// x = k ln 2 + r with |r| ≤ ln 2 / 2, and e^r by its Taylor polynomial of degree 7, whose remainder is 5e-9.
#[inline(always)]
fn exp_scaled(x: [f32; PANEL], factor: f32) -> [f32; PANEL] {
    let mut r = [0.0f32; PANEL];
    let mut scale = [0.0f32; PANEL];
    for l in 0..PANEL {
        let t = x[l] * factor;
        let t = if t < -87.0 { -87.0 } else { t };
        let magic = t.mul_add(std::f32::consts::LOG2_E, ROUND);
        let k = magic - ROUND;
        r[l] = (-k).mul_add(LN2_LOW, (-k).mul_add(LN2_HIGH, t));
        // k is at least −126 and at most 0, so 2^k is a normal number.
        scale[l] = f32::from_bits(magic.to_bits().wrapping_add(127) << 23);
    }
    let mut p = [1.0f32 / 5040.0; PANEL];
    for c in [1.0f32 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        for l in 0..PANEL {
            p[l] = p[l].mul_add(r[l], c);
        }
    }
    for l in 0..PANEL {
        p[l] *= scale[l];
    }
    p
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;
    use crate::kernel::svm::weighted_sums;
    use crate::rng::{Purpose, stream, uniform};

    #[test]
    fn the_exponential_is_within_its_bound() {
        for i in 0..400_000 {
            let t = f64::from(i) * 86.9 / 400_000.0;
            let [y, ..] = exp_scaled([t as f32; PANEL], -1.0);
            let exact = (-f64::from(t as f32)).exp();
            assert!((f64::from(y) - exact).abs() <= 8.0 * UNIT * exact, "{t}: {y} {exact}");
        }
        assert_eq!(exp_scaled([0.0; PANEL], -1.0), [1.0; PANEL]);
        assert!(exp_scaled([1e30; PANEL], -1.0)[0] < 1.7e-38);
        assert!(exp_scaled([f32::NAN; PANEL], -1.0)[0].is_nan());
    }

    #[test]
    fn sums_have_the_same_bits_everywhere_and_err_by_less_than_their_bound() {
        for (n_sv, n, d, n_sums, spread) in
            [(1, 1, 1, 1, 1.0), (33, 5, 3, 2, 30.0), (500, 70, 20, 1, 4.0), (300, 131, 70, 3, 2.0)]
        {
            let mut rng = stream(5, Purpose::Noise, n_sv as u64);
            let mut draw =
                |n: usize| -> Vec<f64> { (0..n).map(|_| (uniform(&mut rng) - 0.5) * spread).collect() };
            let (z, x) = (draw(n_sv * d), draw(n * d));
            let panels = Panels::new(z.chunks_exact(d), d);
            let mut weights = draw(panels.n_panels() * n_sums * PANEL);
            let past = |i: usize| (i / (n_sums * PANEL)) * PANEL + i % PANEL >= n_sv;
            weights.iter_mut().enumerate().filter(|(i, _)| past(*i)).for_each(|(_, w)| *w = 0.0);
            for gamma in [1e-3, 1.0 / d as f64, 0.9] {
                let kernel = KernelFunction::Rbf { gamma };
                let screen = Screen::new(kernel, &panels, &weights, n_sums).expect("rbf");
                let mut exact = vec![0.0; n * n_sums];
                weighted_sums(Isa::best(), kernel, &panels, &weights, n_sums, &x, &mut exact);
                let mut reference = vec![0.0; n * n_sums];
                screened_sums(Isa::Portable, &screen, &x, &mut reference);
                for isa in Isa::available() {
                    let mut found = vec![0.0; n * n_sums];
                    screened_sums(isa, &screen, &x, &mut found);
                    assert_eq!(found, reference, "{isa:?}");
                }
                for (i, (a, b)) in reference.iter().zip(&exact).enumerate() {
                    let row = &x[i / n_sums * d..(i / n_sums + 1) * d];
                    let bound = screen.error(i % n_sums, row.iter().map(|v| v * v).sum());
                    assert!((a - b).abs() <= bound, "gamma {gamma}: {a} {b} {bound}");
                }
            }
        }
    }
}
