//! Pointwise losses of a linear predictor η, with their first two derivatives by η.

use crate::kernel::Isa;
use crate::kernel::elementary::{exp, log1p};
use crate::kernel::simd::{LANES, Simd, dispatch};

/// Rows of a tile.
pub(super) const TILE: usize = 64;

/// A loss as scikit-learn defines it (`sklearn._loss`), a function of the target y and the predictor η.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// ½ (η − y)²
    HalfSquared,
    /// ln(1 + e^η) − y·η for y in {0, 1}
    HalfBinomial,
    /// e^η − y·η for y ≥ 0
    HalfPoisson,
    /// ln Σ_k e^{η_k} − η_y for y in 0 … K−1
    HalfMultinomial,
}

/// The predictors of a tile and what follows from them, `(K, TILE)` each, padded rows included.
#[derive(Default)]
pub(super) struct Pointwise {
    /// Predictors η on entry.
    pub(super) eta: Vec<f64>,
    /// Weighted first derivatives.
    pub(super) gradient: Vec<f64>,
    /// Weighted second derivatives (for the multinomial the probabilities).
    pub(super) curvature: Vec<f64>,
}

impl Pointwise {
    pub(super) fn resize(&mut self, n_outputs: usize) {
        for values in [&mut self.eta, &mut self.gradient, &mut self.curvature] {
            values.resize(n_outputs * TILE, 0.0);
        }
    }
}

/// Fills gradient and curvature of a tile and adds its weighted losses, lane by lane, to `loss_lanes`.
///
/// `y` and `weights` have [`TILE`] entries; rows beyond the data have weight 0.
pub(super) fn evaluate(
    isa: Isa,
    loss: Loss,
    y: &[f64; TILE],
    weights: &[f64; TILE],
    tile: &mut Pointwise,
    loss_lanes: &mut [f64; LANES],
) {
    match loss {
        Loss::HalfSquared => squared(isa, y, weights, tile, loss_lanes),
        Loss::HalfBinomial => binomial(isa, y, weights, tile, loss_lanes),
        Loss::HalfPoisson => poisson(isa, y, weights, tile, loss_lanes),
        Loss::HalfMultinomial => multinomial(isa, y, weights, tile, loss_lanes),
    }
}

dispatch!(fn squared(y: &[f64; TILE], w: &[f64; TILE], tile: &mut Pointwise, loss: &mut [f64; LANES]) = squared_body);
dispatch!(fn binomial(y: &[f64; TILE], w: &[f64; TILE], tile: &mut Pointwise, loss: &mut [f64; LANES]) = binomial_body);
dispatch!(fn poisson(y: &[f64; TILE], w: &[f64; TILE], tile: &mut Pointwise, loss: &mut [f64; LANES]) = poisson_body);
dispatch!(fn multinomial(y: &[f64; TILE], w: &[f64; TILE], tile: &mut Pointwise, loss: &mut [f64; LANES]) = multinomial_body);

/// Runs `point(η, y) → (loss, first, second)` over a tile of one output.
#[inline(always)]
unsafe fn each<S: Simd>(
    y: &[f64; TILE],
    w: &[f64; TILE],
    tile: &mut Pointwise,
    loss: &mut [f64; LANES],
    point: impl Fn(S::V, S::V) -> (S::V, S::V, S::V),
) {
    assert!(tile.eta.len() == TILE && tile.gradient.len() == TILE && tile.curvature.len() == TILE);
    // SAFETY: the arrays hold TILE values, a multiple of eight; the caller has the features.
    unsafe {
        let mut total = S::load(loss.as_ptr());
        for i in (0..TILE).step_by(LANES) {
            let weight = S::load(w.as_ptr().add(i));
            let (value, first, second) = point(S::load(tile.eta.as_ptr().add(i)), S::load(y.as_ptr().add(i)));
            total = S::fma(weight, value, total);
            S::store(tile.gradient.as_mut_ptr().add(i), S::mul(weight, first));
            S::store(tile.curvature.as_mut_ptr().add(i), S::mul(weight, second));
        }
        S::store(loss.as_mut_ptr(), total);
    }
}

#[inline(always)]
unsafe fn squared_body<S: Simd>(
    y: &[f64; TILE],
    w: &[f64; TILE],
    tile: &mut Pointwise,
    loss: &mut [f64; LANES],
) {
    // SAFETY: the caller has the features.
    unsafe {
        each::<S>(y, w, tile, loss, |eta, y| {
            let residual = S::sub(eta, y);
            (S::mul(S::mul(residual, residual), S::splat(0.5)), residual, S::splat(1.0))
        });
    }
}

#[inline(always)]
unsafe fn binomial_body<S: Simd>(
    y: &[f64; TILE],
    w: &[f64; TILE],
    tile: &mut Pointwise,
    loss: &mut [f64; LANES],
) {
    // SAFETY: the caller has the features.
    unsafe {
        each::<S>(y, w, tile, loss, |eta, y| {
            let (zero, one) = (S::splat(0.0), S::splat(1.0));
            // t = e^{−|η|} never overflows; both p and 1 − p come from it without cancellation.
            let t = exp::<S>(S::min(eta, S::sub(zero, eta)));
            let inverse = S::div(one, S::add(one, t));
            let small = S::mul(t, inverse);
            let p = S::select_negative(eta, inverse, small);
            // Where y = 1 the loss is ln(1 + e^−η): max(η, 0) − y·η without cancellation for 0 or 1.
            let linear = S::fma(S::sub(zero, y), eta, S::max(eta, zero));
            (S::add(log1p::<S>(t), linear), S::sub(p, y), S::mul(inverse, small))
        });
    }
}

#[inline(always)]
unsafe fn poisson_body<S: Simd>(
    y: &[f64; TILE],
    w: &[f64; TILE],
    tile: &mut Pointwise,
    loss: &mut [f64; LANES],
) {
    // SAFETY: the caller has the features.
    unsafe {
        each::<S>(y, w, tile, loss, |eta, y| {
            let mean = exp::<S>(eta);
            (S::fma(S::sub(S::splat(0.0), y), eta, mean), S::sub(mean, y), mean)
        });
    }
}

#[inline(always)]
unsafe fn multinomial_body<S: Simd>(
    y: &[f64; TILE],
    w: &[f64; TILE],
    tile: &mut Pointwise,
    loss: &mut [f64; LANES],
) {
    let n_outputs = tile.eta.len() / TILE;
    assert!(tile.gradient.len() == n_outputs * TILE && tile.curvature.len() == n_outputs * TILE);
    // SAFETY: K arrays of TILE values each, a multiple of eight; the caller has the features.
    unsafe {
        let mut total = S::load(loss.as_ptr());
        for i in (0..TILE).step_by(LANES) {
            let eta = |k: usize| S::load(tile.eta.as_ptr().add(k * TILE + i));
            let mut largest = eta(0);
            for k in 1..n_outputs {
                largest = S::max(largest, eta(k));
            }
            let mut sum = S::splat(0.0);
            for k in 0..n_outputs {
                let power = exp::<S>(S::sub(eta(k), largest));
                S::store(tile.curvature.as_mut_ptr().add(k * TILE + i), power);
                sum = S::add(sum, power);
            }
            // ln of a sum in [1, K], lane by lane: K may be large and the logarithm is not the cost here.
            let mut lanes = [0.0; LANES];
            S::store(lanes.as_mut_ptr(), sum);
            let mut own = [0.0; LANES];
            for (lane, own) in own.iter_mut().enumerate() {
                *own = tile.eta[y[i + lane] as usize * TILE + i + lane];
            }
            let log_sum = S::add(largest, S::load(lanes.map(natural_log).as_ptr()));
            let weight = S::load(w.as_ptr().add(i));
            total = S::fma(weight, S::sub(log_sum, S::load(own.as_ptr())), total);
            for k in 0..n_outputs {
                let place = tile.curvature.as_mut_ptr().add(k * TILE + i);
                let p = S::div(S::load(place), sum);
                S::store(place, p);
                let mut is_k = [0.0; LANES];
                for (lane, is_k) in is_k.iter_mut().enumerate() {
                    *is_k = f64::from(u8::from(y[i + lane] as usize == k));
                }
                let first = S::mul(weight, S::sub(p, S::load(is_k.as_ptr())));
                S::store(tile.gradient.as_mut_ptr().add(k * TILE + i), first);
            }
        }
        S::store(loss.as_mut_ptr(), total);
    }
}

/// ln x for x ≥ 1 from correctly rounded operations only, so that the bits do not depend on the C library.
fn natural_log(x: f64) -> f64 {
    use crate::kernel::simd::Portable;
    // SAFETY: portable lanes run anywhere; the arguments are arrays of eight.
    unsafe {
        let (exponent, mantissa) = Portable::split_pow2([x; LANES]);
        let log = log1p::<Portable>([mantissa[0] - 1.0; LANES]);
        exponent[0].mul_add(std::f64::consts::LN_2, log[0])
    }
}
