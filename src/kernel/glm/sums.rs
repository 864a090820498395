//! Sums over the rows of a block.

use super::hessian::Packed;
use super::pointwise::{Loss, Pointwise, TILE, evaluate};
use super::tile::Tile;
use crate::kernel::rank_k::padded;
use crate::kernel::simd::LANES;
use crate::kernel::{Isa, Real};

/// How far to differentiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// The loss only.
    Value,
    /// Loss and gradient.
    Gradient,
    /// Loss, gradient, and the Hessian of a sample of the rows: of a block one asks for this or that.
    Sampled,
    /// Loss, gradient and Hessian.
    Hessian,
}

/// Rows of a block.
#[derive(Clone, Copy)]
pub struct Rows<'a, T> {
    /// Features `(n_rows, n_features)`.
    pub x: &'a [T],
    /// Targets `(n_rows,)`.
    pub y: &'a [f64],
    /// Weights `(n_rows,)`.
    pub weights: &'a [f64],
    /// Features of a row.
    pub n_features: usize,
}

/// Loss, gradient and Hessian of the data term, unregularised and not averaged.
///
/// Parameters of K outputs stand output by output: `n_features` coefficients, then the intercept.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums {
    /// Σ w·loss
    pub loss: f64,
    /// `(K, n_features + 1)`
    pub gradient: Vec<f64>,
    /// `(K·(n_features + 1), K·(n_features + 1))`, both triangles; empty below [`Order::Hessian`].
    pub hessian: Vec<f64>,
}

/// Sums over `rows` at the coefficients `(K, n_features + 1)`, the intercept last.
///
/// # Panics
/// When a length does not fit, or the order is that of a sample.
pub fn accumulate<T: Real>(isa: Isa, loss: Loss, rows: Rows<'_, T>, coef: &[f64], order: Order) -> Sums {
    let (d, n_rows) = (rows.n_features, rows.y.len());
    let n_outputs = coef.len() / (d + 1);
    assert!(coef.len() == n_outputs * (d + 1) && n_outputs > 0);
    assert!(rows.x.len() == n_rows * d && rows.weights.len() == n_rows);
    assert!(order != Order::Sampled, "whether these rows are in the sample");
    let mut work = Work::new(d, n_outputs, coef, order);
    let mut spare = Vec::new();
    for start in (0..n_rows).step_by(TILE) {
        let n = TILE.min(n_rows - start);
        let x = &rows.x[start * d..];
        let needed = Tile::<T>::length(n, d);
        let x = if x.len() >= needed {
            x
        } else {
            spare.clear();
            spare.extend_from_slice(&x[..n * d]);
            spare.resize(needed, T::ZERO);
            &spare
        };
        let (mut y, mut weights) = ([0.0; TILE], [0.0; TILE]);
        y[..n].copy_from_slice(&rows.y[start..start + n]);
        weights[..n].copy_from_slice(&rows.weights[start..start + n]);
        work.tile(isa, loss, Tile::new(x, n, d), x, &y, &weights, n);
    }
    work.finish()
}

/// What one block's sweep keeps between tiles.
struct Work {
    d: usize,
    n_outputs: usize,
    order: Order,
    /// `(K, padded d)`
    coef: Vec<f64>,
    intercepts: Vec<f64>,
    points: Pointwise,
    loss: [f64; LANES],
    /// `(K, padded d)`
    gradient: Vec<f64>,
    /// `(K, LANES)`
    intercept_gradient: Vec<[f64; LANES]>,
    packed: Packed,
    /// One `(width, width)` matrix for each pair of outputs k ≤ l.
    hessians: Vec<Vec<f64>>,
}

impl Work {
    fn new(d: usize, n_outputs: usize, coef: &[f64], order: Order) -> Self {
        let wide = d.next_multiple_of(LANES);
        let mut padded_coef = vec![0.0; n_outputs * wide];
        for (to, from) in padded_coef.chunks_exact_mut(wide.max(1)).zip(coef.chunks_exact(d + 1)) {
            to[..d].copy_from_slice(&from[..d]);
        }
        let mut points = Pointwise::default();
        points.resize(n_outputs);
        let pairs = if order == Order::Hessian { n_outputs * (n_outputs + 1) / 2 } else { 0 };
        Self {
            d,
            n_outputs,
            order,
            coef: padded_coef,
            intercepts: coef.chunks_exact(d + 1).map(|c| c[d]).collect(),
            points,
            loss: [0.0; LANES],
            gradient: vec![0.0; n_outputs * wide],
            intercept_gradient: vec![[0.0; LANES]; n_outputs],
            packed: Packed::new(d),
            hessians: vec![vec![0.0; padded(d + 1) * padded(d + 1)]; pairs],
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn tile<T: Real>(
        &mut self,
        isa: Isa,
        loss: Loss,
        tile: Tile<'_, T>,
        x: &[T],
        y: &[f64; TILE],
        weights: &[f64; TILE],
        n: usize,
    ) {
        let wide = self.d.next_multiple_of(LANES);
        for k in 0..self.n_outputs {
            let eta = &mut self.points.eta[k * TILE..(k + 1) * TILE];
            eta[n..].fill(0.0);
            tile.margins(isa, &self.coef[k * wide..(k + 1) * wide], self.intercepts[k], eta);
        }
        evaluate(isa, loss, y, weights, &mut self.points, &mut self.loss);
        if self.order == Order::Value {
            return;
        }
        for k in 0..self.n_outputs {
            let factor = &self.points.gradient[k * TILE..(k + 1) * TILE];
            tile.add_weighted_rows(isa, factor, &mut self.gradient[k * wide..(k + 1) * wide]);
            for lanes in factor.chunks_exact(LANES) {
                self.intercept_gradient[k].iter_mut().zip(lanes).for_each(|(sum, f)| *sum += f);
            }
        }
        if self.order == Order::Hessian {
            self.packed.pack(x, n, self.d);
            self.add_hessian(isa, loss, weights, n);
        }
    }

    fn add_hessian(&mut self, isa: Isa, loss: Loss, weights: &[f64; TILE], n: usize) {
        let curvature = &self.points.curvature;
        if loss != Loss::HalfMultinomial {
            self.packed.add(isa, n, |r| curvature[r], &mut self.hessians[0]);
            return;
        }
        let mut pair = 0;
        for k in 0..self.n_outputs {
            for l in k..self.n_outputs {
                let (p, q) = (&curvature[k * TILE..], &curvature[l * TILE..]);
                let factor = |r: usize| weights[r] * p[r] * if k == l { 1.0 - p[r] } else { -q[r] };
                self.packed.add(isa, n, factor, &mut self.hessians[pair]);
                pair += 1;
            }
        }
    }

    fn finish(self) -> Sums {
        let (d, n_outputs) = (self.d, self.n_outputs);
        let wide = d.next_multiple_of(LANES);
        let fold = |v: &[f64; LANES]| ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
        let mut gradient = Vec::with_capacity(n_outputs * (d + 1));
        for k in 0..n_outputs {
            gradient.extend_from_slice(&self.gradient[k * wide..k * wide + d]);
            gradient.push(fold(&self.intercept_gradient[k]));
        }
        let (n, width) = (n_outputs * (d + 1), padded(d + 1));
        let mut hessian = vec![0.0; if self.order == Order::Hessian { n * n } else { 0 }];
        let mut pair = self.hessians.iter();
        for k in 0..n_outputs {
            for l in k..n_outputs {
                let Some(block) = pair.next() else { continue };
                for i in 0..=d {
                    for j in i..=d {
                        let value = block[i * width + j];
                        for (a, b) in [(k, l), (l, k)] {
                            hessian[(a * (d + 1) + i) * n + b * (d + 1) + j] = value;
                            hessian[(a * (d + 1) + j) * n + b * (d + 1) + i] = value;
                        }
                    }
                }
            }
        }
        Sums { loss: fold(&self.loss), gradient, hessian }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, phase: f64) -> Vec<f64> {
        (0..n).map(|i| (i as f64 * 0.771 + phase).sin()).collect()
    }

    fn naive(loss: Loss, x: &[f64], y: &[f64], w: &[f64], d: usize, coef: &[f64]) -> f64 {
        let k = coef.len() / (d + 1);
        let mut total = 0.0;
        for (r, (&y, &w)) in y.iter().zip(w).enumerate() {
            let eta: Vec<f64> = (0..k)
                .map(|c| {
                    let c = &coef[c * (d + 1)..(c + 1) * (d + 1)];
                    c[d] + x[r * d..(r + 1) * d].iter().zip(c).map(|(x, c)| x * c).sum::<f64>()
                })
                .collect();
            total += w * match loss {
                Loss::HalfSquared => 0.5 * (eta[0] - y).powi(2),
                Loss::HalfBinomial => eta[0].exp().ln_1p() - y * eta[0],
                Loss::HalfPoisson => eta[0].exp() - y * eta[0],
                Loss::HalfMultinomial => eta.iter().map(|e| e.exp()).sum::<f64>().ln() - eta[y as usize],
            };
        }
        total
    }

    fn cases() -> Vec<(Loss, usize, usize, usize)> {
        let mut cases = Vec::new();
        for d in [1, 3, 8, 20, 33] {
            for n in [1, 5, 64, 201] {
                for loss in [Loss::HalfSquared, Loss::HalfBinomial, Loss::HalfPoisson] {
                    cases.push((loss, d, n, 1));
                }
                cases.push((Loss::HalfMultinomial, d, n, 4));
            }
        }
        cases
    }

    fn targets(loss: Loss, n: usize, k: usize) -> Vec<f64> {
        (0..n)
            .map(|i| match loss {
                Loss::HalfSquared => (i as f64).cos() * 3.0,
                Loss::HalfBinomial => (i % 2) as f64,
                Loss::HalfPoisson => (i % 5) as f64,
                Loss::HalfMultinomial => (i % k) as f64,
            })
            .collect()
    }

    #[test]
    fn sums_equal_the_plain_loss_and_its_differences() {
        for (loss, d, n, k) in cases() {
            let (x, y) = (wave(n * d, 0.0), targets(loss, n, k));
            let w: Vec<f64> = (0..n).map(|i| 0.5 + (i % 3) as f64).collect();
            let coef: Vec<f64> = wave(k * (d + 1), 2.0).iter().map(|c| c * 0.3).collect();
            let rows = Rows { x: &x, y: &y, weights: &w, n_features: d };
            let sums = accumulate(Isa::best(), loss, rows, &coef, Order::Hessian);
            let expected = naive(loss, &x, &y, &w, d, &coef);
            assert!((sums.loss - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{loss:?} {d} {n}");
            let step = 1e-5;
            for p in 0..coef.len() {
                let at = |delta: f64| {
                    let mut moved = coef.clone();
                    moved[p] += delta;
                    moved
                };
                let slope = (naive(loss, &x, &y, &w, d, &at(step)) - naive(loss, &x, &y, &w, d, &at(-step)))
                    / (2.0 * step);
                assert!(
                    (slope - sums.gradient[p]).abs() <= 1e-7 * (n as f64 + slope.abs()),
                    "{loss:?} {d} {n}"
                );
                let up = accumulate(Isa::best(), loss, rows, &at(step), Order::Gradient).gradient;
                let down = accumulate(Isa::best(), loss, rows, &at(-step), Order::Gradient).gradient;
                for q in 0..coef.len() {
                    let curve = (up[q] - down[q]) / (2.0 * step);
                    let got = sums.hessian[p * coef.len() + q];
                    assert!(
                        (curve - got).abs() <= 1e-7 * (n as f64 + curve.abs()),
                        "{loss:?} {d} {n} {p} {q}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits_in_both_precisions() {
        for (loss, d, n, k) in cases() {
            let (x, y, w) = (wave(n * d, 0.5), targets(loss, n, k), vec![1.0; n]);
            let singles: Vec<f32> = x.iter().map(|&v| v as f32).collect();
            let coef = wave(k * (d + 1), 1.0);
            let run = |isa| {
                let rows = Rows { x: &x, y: &y, weights: &w, n_features: d };
                let f32s = Rows { x: &singles, y: &y, weights: &w, n_features: d };
                let order = Order::Hessian;
                (accumulate(isa, loss, rows, &coef, order), accumulate(isa, loss, f32s, &coef, order))
            };
            let expected = run(Isa::Portable);
            for isa in Isa::available() {
                assert_eq!(run(isa), expected, "{loss:?} {d} {n}");
            }
        }
    }

    #[test]
    fn extreme_margins_stay_finite() {
        let x = [1e4, -1e4, 0.0, 700.0];
        let rows = Rows { x: &x, y: &[0.0, 1.0, 1.0, 1.0], weights: &[1.0; 4], n_features: 1 };
        let sums = accumulate(Isa::best(), Loss::HalfBinomial, rows, &[1.0, 0.0], Order::Hessian);
        assert!((sums.loss - (2e4 + std::f64::consts::LN_2)).abs() < 1e-9);
        assert!(sums.gradient.iter().chain(&sums.hessian).all(|v| v.is_finite()));
    }
}
