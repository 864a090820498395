//! Two random words in, two standard normals out (Box and Muller 1958), without a branch or a table.
//!
//! The logarithm, sine and cosine are made of integer operations, division, square root and fused multiply-add,
//! each of them rounded once on every machine: so the same bits come out everywhere, and a loop over these
//! functions vectorises.
//!
//! # References
//! Box, G. E. P. and Muller, M. E., "A note on the generation of random normal deviates", Annals of Mathematical
//! Statistics 29 (1958), 610–611.

use super::polynomial::{COS, COS32, LOG, LOG32, MINUS_TWO_LN_2, MINUS_TWO_LN_2_32, SIN, SIN32, horner};

const ONE: u64 = 0x3ff0_0000_0000_0000;
const FRACTION: u64 = 0x000f_ffff_ffff_ffff;
/// About √½: the least mantissa after the range reduction of the logarithm.
const LEAST_MANTISSA: u64 = 0x3fe6_a09e_0000_0000;
/// An integer below 2⁵² or-ed into this is the number 2⁵² + that integer.
const INTEGER: u64 = 0x4330_0000_0000_0000;
/// 2⁵² + 1023: what [`INTEGER`] and the exponent's bias add.
const INTEGER_AND_BIAS: f64 = 4_503_599_627_370_496.0 + 1023.0;
const SIGN: u64 = 1 << 63;

/// −2 ln u for u in [2⁻⁵², 1], with a relative error of at most 2.5 · 2⁻⁵².
#[inline(always)]
pub(super) fn minus_two_ln(u: f64) -> f64 {
    let bits = u.to_bits() + (ONE - LEAST_MANTISSA);
    let exponent = f64::from_bits((bits >> 52) | INTEGER) - INTEGER_AND_BIAS;
    let mantissa = f64::from_bits((bits & FRACTION) + LEAST_MANTISSA);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let z = s * s;
    let ln_mantissa = s * horner!(LOG, z).mul_add(z, -4.0);
    exponent.mul_add(MINUS_TWO_LN_2, ln_mantissa)
}

/// The sine and cosine of π/2 · t for |t| up to ½, with relative errors of at most 1.5 and 1 · 2⁻⁵².
#[inline(always)]
pub(super) fn sin_cos(t: f64) -> (f64, f64) {
    let z = t * t;
    (t * horner!(SIN, z), horner!(COS, z).mul_add(z, 1.0))
}

/// Two independent standard normals.
///
/// The radius comes from 52 bits, so that no value exceeds 8.5; the angle from 54.
#[cfg(test)]
pub(super) fn pair(radius_bits: u64, angle_bits: u64) -> (f64, f64) {
    turned(squared_radius(radius_bits), angle_bits)
}

/// The square of a normal pair's distance from 0.
#[inline(always)]
pub(super) fn squared_radius(radius_bits: u64) -> f64 {
    minus_two_ln(2.0 - f64::from_bits((radius_bits >> 12) | ONE))
}

/// The pair at this distance from 0, in a random direction.
#[inline(always)]
pub(super) fn turned(squared_radius: f64, angle_bits: u64) -> (f64, f64) {
    let radius = squared_radius.sqrt();
    // A quarter of the circle around angle 0, then a random sign for the cosine and a random exchange.
    let (sin, cos) = sin_cos(f64::from_bits((angle_bits & FRACTION) | ONE) - 1.5);
    let cos = f64::from_bits(cos.to_bits() ^ ((angle_bits << 1) & SIGN));
    let exchange = angle_bits & SIGN != 0;
    let (first, second) = if exchange { (sin, cos) } else { (cos, sin) };
    (radius * first, radius * second)
}

const ONE32: u32 = 0x3f80_0000;
const FRACTION32: u32 = 0x007f_ffff;
const LEAST_MANTISSA32: u32 = 0x3f35_04f3;
const SIGN32: u32 = 1 << 31;
/// 2⁻³².
const ULP_OF_UNIT: f32 = 1.0 / 4_294_967_296.0;

/// −2 ln((k + ½) / 2³²), with a relative error of at most 2 · 2⁻²³.
#[inline(always)]
pub(super) fn minus_two_ln32(k: u32) -> f32 {
    let u = (k as f32 + 0.5) * ULP_OF_UNIT;
    // What is missing to 1: near 1 it has digits that `u` has not.
    let missing = (!k as f32 + 0.5) * ULP_OF_UNIT;
    let bits = u.to_bits() + (ONE32 - LEAST_MANTISSA32);
    let exponent = (bits >> 23) as i32 - 127;
    let reduced = f32::from_bits((bits & FRACTION32) + LEAST_MANTISSA32) - 1.0;
    let f = if exponent == 0 { -missing } else { reduced };
    (exponent as f32).mul_add(MINUS_TWO_LN_2_32, f * horner!(LOG32, f))
}

/// As [`sin_cos`], with relative errors of at most 1.5 and 1 · 2⁻²³.
#[inline(always)]
pub(super) fn sin_cos32(t: f32) -> (f32, f32) {
    let z = t * t;
    (t * horner!(SIN32, z), horner!(COS32, z).mul_add(z, 1.0))
}

/// Two independent standard normals in single precision, none above 6.8.
#[inline(always)]
pub(super) fn pair32(radius_bits: u32, angle_bits: u32) -> (f32, f32) {
    let radius = minus_two_ln32(radius_bits).sqrt();
    let (sin, cos) = sin_cos32((angle_bits << 2) as i32 as f32 * ULP_OF_UNIT);
    let cos = f32::from_bits(cos.to_bits() ^ ((angle_bits << 1) & SIGN32));
    let exchange = angle_bits & SIGN32 != 0;
    let (first, second) = if exchange { (sin, cos) } else { (cos, sin) };
    (radius * first, radius * second)
}
