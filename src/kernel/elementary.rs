//! Exponential and logarithm in eight lanes, with the same bits on every instruction set.

use super::simd::Simd;

/// The exponential of each lane, within 1 ulp for arguments in [−708, 709].
///
/// Arguments outside are clamped: the result is about 10^−308 or 10^308, never zero or infinite. NaN gives the
/// value at −708.
///
/// # Safety
/// The machine must have the lanes' features.
#[inline(always)]
pub(crate) unsafe fn exp<S: Simd>(x: S::V) -> S::V {
    // ln 2 in two parts, the first with 11 trailing zero bits so that n · HIGH is exact.
    const HIGH: f64 = 0.693_147_180_369_123_8;
    const LOW: f64 = 1.908_214_929_270_587_7e-10;
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // 1/13!, 1/12!, …, 1/2!: the remainder of the series is below 2^-57 for |r| ≤ ln 2 / 2.
    const SERIES: [f64; 12] = [
        1.605_904_383_682_161_3e-10,
        2.087_675_698_786_81e-9,
        2.505_210_838_544_172e-8,
        2.755_731_922_398_589e-7,
        2.755_731_922_398_589_3e-6,
        2.480_158_730_158_73e-5,
        1.984_126_984_126_984e-4,
        1.388_888_888_888_889e-3,
        8.333_333_333_333_333e-3,
        4.166_666_666_666_666_4e-2,
        1.666_666_666_666_666_6e-1,
        0.5,
    ];
    // SAFETY: the caller's promise is that of the lanes.
    unsafe {
        let x = S::min(S::max(x, S::splat(-708.0)), S::splat(709.0));
        let round = S::splat(ROUND);
        let n = S::sub(S::fma(x, S::splat(std::f64::consts::LOG2_E), round), round);
        let r = S::fma(n, S::splat(-LOW), S::fma(n, S::splat(-HIGH), x));
        let mut series = S::splat(SERIES[0]);
        for &coefficient in &SERIES[1..] {
            series = S::fma(series, r, S::splat(coefficient));
        }
        // 1 + (r + r²·series): the small part first.
        let one = S::splat(1.0);
        S::scale_pow2(S::add(one, S::fma(S::mul(r, r), series, r)), n)
    }
}

/// ln(1 + t) of each lane for t in [0, 1], within 2 ulp.
///
/// # Safety
/// The machine must have the lanes' features.
#[inline(always)]
pub(crate) unsafe fn log1p<S: Simd>(t: S::V) -> S::V {
    // SAFETY: the caller's promise is that of the lanes.
    unsafe {
        let (one, half) = (S::splat(1.0), S::splat(0.5));
        let u = S::add(one, t);
        // What rounding 1 + t lost, relative to u.
        let lost = S::div(S::sub(t, S::sub(u, one)), u);
        // Bring u into [1/√2, √2].
        let above = S::sub(S::splat(std::f64::consts::SQRT_2), u);
        let m = S::select_negative(above, u, S::mul(u, half));
        let e = S::select_negative(above, S::splat(0.0), one);
        let f = S::sub(m, one);
        let s = S::div(f, S::add(S::splat(2.0), f));
        let z = S::mul(s, s);
        // artanh: s·(1 + z/3 + z²/5 + …), |s| ≤ 0.172.
        let mut series = S::splat(1.0 / 23.0);
        for denominator in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
            series = S::fma(series, z, S::splat(1.0 / denominator));
        }
        let two_s = S::add(s, s);
        let log = S::fma(S::mul(two_s, z), series, two_s);
        S::fma(e, S::splat(std::f64::consts::LN_2), S::add(log, lost))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::super::simd::{LANES, dispatch};
    use super::*;

    unsafe fn map_exp<S: Simd>(x: &mut [f64]) {
        for lanes in x.chunks_exact_mut(LANES) {
            // SAFETY: eight values each, on an available instruction set.
            unsafe { S::store(lanes.as_mut_ptr(), exp::<S>(S::load(lanes.as_ptr()))) }
        }
    }
    unsafe fn map_log1p<S: Simd>(x: &mut [f64]) {
        for lanes in x.chunks_exact_mut(LANES) {
            // SAFETY: eight values each, on an available instruction set.
            unsafe { S::store(lanes.as_mut_ptr(), log1p::<S>(S::load(lanes.as_ptr()))) }
        }
    }
    dispatch!(fn exp_all(x: &mut [f64]) = map_exp);
    dispatch!(fn log1p_all(x: &mut [f64]) = map_log1p);

    fn worst_ulp(isa: Isa, inputs: &[f64], map: fn(Isa, &mut [f64]), exact: fn(f64) -> f64) -> f64 {
        let mut got = inputs.to_vec();
        map(isa, &mut got);
        let error = |(&x, &y): (&f64, &f64)| {
            let truth = exact(x);
            (y - truth).abs() / (truth.abs() * f64::EPSILON).max(f64::MIN_POSITIVE)
        };
        inputs.iter().zip(&got).map(error).fold(0.0, f64::max)
    }

    #[test]
    fn errors_are_as_stated_on_every_instruction_set() {
        let wide: Vec<f64> = (0..80_000).map(|i| -708.0 + 1417.0 * f64::from(i) / 79_999.0).collect();
        let unit: Vec<f64> =
            (0..80_000).map(|i| f64::from(i) / 79_999.0).chain((0..800).map(|i| 0.9f64.powi(i))).collect();
        for isa in Isa::available() {
            assert!(worst_ulp(isa, &wide, exp_all, f64::exp) <= 1.0);
            assert!(worst_ulp(isa, &unit, log1p_all, f64::ln_1p) <= 2.0);
        }
        let mut edges = [f64::NEG_INFINITY, -1e9, -0.0, 0.0, 1.0, 709.0, 1e9, f64::INFINITY];
        exp_all(Isa::best(), &mut edges);
        assert!(edges.iter().all(|v| v.is_finite() && *v > 0.0) && edges[3] == 1.0, "{edges:?}");
    }

    #[test]
    fn bits_are_equal_on_every_instruction_set() {
        let inputs: Vec<f64> = (0..4096).map(|i| (f64::from(i) * 0.37).sin() * 50.0).collect();
        let run = |isa, map: fn(Isa, &mut [f64]), inputs: &[f64]| {
            let mut values = inputs.to_vec();
            map(isa, &mut values);
            values.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        let unit: Vec<f64> = inputs.iter().map(|x| x.abs() / 50.0).collect();
        for isa in Isa::available() {
            assert_eq!(run(isa, exp_all, &inputs), run(Isa::Portable, exp_all, &inputs));
            assert_eq!(run(isa, log1p_all, &unit), run(Isa::Portable, log1p_all, &unit));
        }
    }
}
