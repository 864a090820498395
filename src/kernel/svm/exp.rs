//! The exponential of several doubles at once, from fused multiply-adds and integer shifts only.

/// 1.5 · 2^52: adding it leaves the nearest integer in the low bits of the mantissa.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; the first has 21 trailing zero bits, so that its multiples here are exact.
const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// 1/13!, 1/12!, …, 1/2!.
const INVERSE_FACTORIALS: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
];

/// e^x in each lane, within 1 ulp; below −708 it is 0 and above 709 it is e^709.
///
/// x = k ln 2 + r with |r| ≤ ln 2 / 2, and e^r by its Taylor polynomial of degree 13, whose remainder is 4e-18.
#[inline(always)]
pub(in crate::kernel) fn exp<const W: usize>(x: [f64; W]) -> [f64; W] {
    let mut k = [0.0; W];
    let mut r = [0.0; W];
    let mut shifted = [0u64; W];
    for l in 0..W {
        let clamped = if x[l] < -708.0 { -708.0 } else { x[l] };
        let clamped = if clamped > 709.0 { 709.0 } else { clamped };
        let magic = clamped.mul_add(std::f64::consts::LOG2_E, ROUND);
        shifted[l] = magic.to_bits();
        k[l] = magic - ROUND;
        r[l] = (-k[l]).mul_add(LN2_LOW, (-k[l]).mul_add(LN2_HIGH, clamped));
    }
    let mut p = [INVERSE_FACTORIALS[0]; W];
    for &c in &INVERSE_FACTORIALS[1..] {
        for l in 0..W {
            p[l] = p[l].mul_add(r[l], c);
        }
    }
    let mut out = [0.0; W];
    for l in 0..W {
        // 1 + (r + r² p): the large terms last.
        let e = 1.0 + (r[l] * r[l]).mul_add(p[l], r[l]);
        // k is at least −1022 and at most 1023, so 2^k is a normal number.
        let scale = f64::from_bits((shifted[l].wrapping_add(1023)) << 52);
        out[l] = if x[l] < -708.0 { 0.0 } else { e * scale };
    }
    out
}

/// The hyperbolic tangent in each lane, within 4e-16 absolutely: of |x|, so that the quotient is at most 1.
#[inline(always)]
pub(super) fn tanh<const W: usize>(x: [f64; W]) -> [f64; W] {
    let mut out = x;
    for v in &mut out {
        *v = 2.0 * v.abs();
    }
    out = exp(out);
    for l in 0..W {
        out[l] = (1.0 - 2.0 / (out[l] + 1.0)).copysign(x[l]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many doubles lie between `a` and `b`.
    fn ulps(a: f64, b: f64) -> u64 {
        a.to_bits().abs_diff(b.to_bits())
    }

    #[test]
    fn the_exponential_is_within_one_ulp_of_the_library() {
        let mut worst = 0;
        for i in 0..200_000 {
            let x = -707.9 + f64::from(i) * 0.007_080_1;
            let [y] = exp([x]);
            worst = worst.max(ulps(y, x.exp()));
        }
        assert!(worst <= 1, "{worst} ulp");
        assert_eq!(exp([0.0, -0.0, -709.0, f64::NEG_INFINITY]), [1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn the_tangent_is_close_to_the_library() {
        for i in -4000..4000 {
            let x = f64::from(i) * 0.01;
            let [y] = tanh([x]);
            assert!((y - x.tanh()).abs() <= 4e-16, "{x}");
        }
    }
}
