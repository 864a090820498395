//! The exponential of several doubles at once, rounded to single precision: the bits of [`exp`](super::exp::exp) for
//! two thirds of its work.
//!
//! A shorter polynomial is close enough to tell which single-precision number is nearest, but for values next to the
//! middle between two of them. Where a lane is in doubt, all are computed to the last digit.

use super::exp::{ROUND, exp};

/// 2^r for |r| ≤ 1/2 within 7.8e-13 of its value: the best polynomial of degree 8 by Remez' algorithm, the highest
/// power first.
const POWERS: [f64; 9] = [
    1.317_585_810_067_376_3e-6,
    1.530_973_753_182_349_8e-5,
    1.540_385_184_974_653_6e-4,
    1.333_345_206_184_311_4e-3,
    9.618_128_542_859_507e-3,
    5.550_410_939_342_123e-2,
    0.240_226_506_988_803_93,
    0.693_147_180_546_514,
    0.999_999_999_999_762_3,
];
/// How far from the middle of two single-precision numbers a value is certain, in last places of a double: twice what
/// 7.8e-13 and the rounding of sums come to.
const DOUBT: u64 = 1 << 14;
/// Bits of a double that single precision leaves out, and the first of them: the middle of two.
const LEFT_OUT: u64 = (1 << 29) - 1;
const MIDDLE: u64 = 1 << 28;
/// From here down e^x rounds to 0.
const LEAST: f64 = -104.5;
/// 2^t is not told from others for t from here up.
const MOST: f64 = 1_000.0;
/// Exponents of doubles among the normal numbers of single precision: the first, and how many.
const NORMAL: u64 = (1023 - 125) << 52;
const N_NORMAL: u64 = 245 << 52;

/// e^(−gamma s) in each lane, to the nearest single-precision number as [`exp`] gives it.
#[inline(always)]
pub(super) fn single_exp<const W: usize>(gamma: f64, s: [f64; W]) -> [f32; W] {
    let factor = -gamma * std::f64::consts::LOG2_E;
    let least = LEAST * std::f64::consts::LOG2_E;
    let (mut t, mut r, mut scale, mut p) = (s, s, [0u64; W], [POWERS[0]; W]);
    for l in 0..W {
        let power = factor * s[l];
        let power = if power < least { least } else { power };
        t[l] = if power > MOST { MOST } else { power };
        let magic = t[l] + ROUND;
        r[l] = t[l] - (magic - ROUND);
        scale[l] = magic.to_bits() << 52;
    }
    for c in &POWERS[1..] {
        for l in 0..W {
            p[l] = p[l].mul_add(r[l], *c);
        }
    }
    let mut out = [0.0f32; W];
    let (mut sure, mut normal) = (u64::MAX, true);
    for l in 0..W {
        // p is between 0.7 and 1.5, a normal number with any exponent that gets here; no number has the largest.
        let bits = p[l].to_bits().wrapping_add(scale[l]);
        let apart = bits.wrapping_sub(MIDDLE - DOUBT) & LEFT_OUT & !(2 * DOUBT - 1);
        sure = if apart == 0 { 0 } else { sure };
        normal &= bits.wrapping_sub(NORMAL) < N_NORMAL;
        out[l] = f64::from_bits(bits) as f32;
    }
    if sure != 0 && (normal || all_zero_or_normal(&t, least)) {
        return out;
    }
    let mut exponent = [0.0; W];
    for l in 0..W {
        exponent[l] = -gamma * s[l];
    }
    let exact = exp(exponent);
    for l in 0..W {
        out[l] = exact[l] as f32;
    }
    out
}

/// Whether 2^t rounds to 0 or to a normal number in every lane. What is no number does neither.
#[inline(always)]
fn all_zero_or_normal<const W: usize>(t: &[f64; W], least: f64) -> bool {
    let mut all = true;
    for &t in t {
        all &= (t == least) | (-124.5..=119.5).contains(&t);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream, uniform};

    /// Compares lanes of [`single_exp`] with [`exp`], to the bit.
    fn check(gamma: f64, s: &[f64]) {
        for s in s.chunks_exact(8) {
            let s: [f64; 8] = s.try_into().expect("eight");
            let expected = exp(s.map(|s| -gamma * s)).map(|v| (v as f32).to_bits());
            assert_eq!(single_exp(gamma, s).map(f32::to_bits), expected, "{gamma} {s:?}");
        }
    }

    #[test]
    fn values_are_those_of_the_exponential_in_every_range() {
        let mut rng = stream(11, Purpose::Noise, 8);
        for (from, to) in [(0.0, 5.0), (-1e-9, 1e-9), (80.0, 110.0), (0.0, 1e4), (-120.0, 30.0), (-2e3, 2e3)]
        {
            for gamma in [1.0, 0.37, 2.0] {
                let s: Vec<f64> =
                    (0..80_000).map(|_| (from + uniform(&mut rng) * (to - from)) / gamma).collect();
                check(gamma, &s);
            }
        }
        let special = [0.0, -0.0, f64::INFINITY, 1e300, 104.5, 87.33, 103.98, 1.0];
        check(1.0, &special);
        check(1.0, &[-1e300, f64::NEG_INFINITY, -88.8, -709.0, -1e4, -3e3, -2900.0, 1.0]);
        assert!(single_exp(1.0, [f64::NAN, 1.0, 2.0, 3.0])[0].is_nan());
    }

    #[test]
    fn values_next_to_the_middle_of_two_numbers_are_computed_to_the_last_digit() {
        let mut rng = stream(12, Purpose::Noise, 8);
        let s: Vec<f64> = (0..200_000)
            .map(|i| {
                let single = (uniform(&mut rng) * if i % 2 == 0 { 1.0 } else { 1e-30 }) as f32;
                let next = f32::from_bits(single.to_bits() + 1);
                -f64::midpoint(f64::from(single), f64::from(next)).ln()
            })
            .collect();
        check(1.0, &s);
    }
}
