//! Powers of several doubles at once, with the same bits on every machine.

use super::svm::exp::exp;

/// Whole powers up to this are products.
const MOST_FACTORS: f64 = 32.0;

/// x^p in each lane for x ≥ 0 and p > 0, within 4 + p ulp; beyond the range of a double it is infinite or 0.
///
/// Whole powers are products. Others are 2^(p · log2 x), the logarithm in two parts so that its product with p has the
/// digits that the power needs.
#[inline(always)]
pub(super) fn power<const W: usize>(x: [f64; W], p: f64) -> [f64; W] {
    if p.fract() == 0.0 && (1.0..=MOST_FACTORS).contains(&p) {
        product(x, p as u32)
    } else {
        of_logarithm(x, p)
    }
}

#[inline(always)]
fn product<const W: usize>(x: [f64; W], p: u32) -> [f64; W] {
    let mut out = x;
    // The highest bit of p is the first factor; each further one squares, and is a factor where it is set.
    for bit in (0..p.ilog2()).rev() {
        for v in &mut out {
            *v *= *v;
        }
        if p >> bit & 1 == 1 {
            for l in 0..W {
                out[l] *= x[l];
            }
        }
    }
    out
}

#[inline(always)]
fn of_logarithm<const W: usize>(x: [f64; W], p: f64) -> [f64; W] {
    let (mut whole, mut part) = ([0.0; W], [0.0; W]);
    for l in 0..W {
        // Numbers below the least normal one are brought into range first.
        let small = x[l] < f64::MIN_POSITIVE;
        let scaled = if small { x[l] * TWO_54 } else { x[l] };
        let bits = scaled.to_bits();
        // x = 2^e · m with m from 1/√2 to √2.
        let e = bits.wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits()) as i64 >> 52;
        let m = f64::from_bits(bits.wrapping_sub((e as u64) << 52));
        let e = e as f64 - if small { 54.0 } else { 0.0 };
        let log = log2_near_1(m);
        // p · (e + log) as the nearest whole number and the rest.
        let high = p * e;
        let low = p.mul_add(e, -high);
        let sum = p.mul_add(log, high);
        let n = sum.clamp(-2200.0, 2200.0).round_ties_even();
        whole[l] = n;
        part[l] = (p.mul_add(log, high - n) + low).clamp(-1.0, 1.0) * std::f64::consts::LN_2;
    }
    let mut out = exp(part);
    for l in 0..W {
        // In two halves, either of which a double can hold.
        let half = (whole[l] * 0.5).floor();
        out[l] = match x[l] {
            0.0 => 0.0,
            f64::INFINITY => f64::INFINITY,
            _ => out[l] * two_to(half) * two_to(whole[l] - half),
        };
    }
    out
}

const TWO_54: f64 = 18_014_398_509_481_984.0;

/// 2^n for a whole n from −1100 to 1100; 0 below the normal numbers, infinite above.
#[inline(always)]
fn two_to(n: f64) -> f64 {
    f64::from_bits(((n as i64 + 1023).clamp(0, 2047) as u64) << 52)
}

/// log2 of numbers from 1/√2 to √2: 2/ln 2 · artanh((m − 1) / (m + 1)).
#[inline(always)]
fn log2_near_1(m: f64) -> f64 {
    let s = (m - 1.0) / (m + 1.0);
    // What rounding the quotient lost.
    let lost = (-s).mul_add(m + 1.0, m - 1.0) / (m + 1.0);
    let z = s * s;
    let mut series = 1.0 / 23.0;
    for denominator in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        series = z.mul_add(series, 1.0 / denominator);
    }
    2.0 * std::f64::consts::LOG2_E * (s + (s * z).mul_add(series, lost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_the_librarys() {
        for p in [0.1, 0.25, 1.0 / 3.0, 0.7, 1.5, 2.5, 3.0, 4.0, 7.0, 7.3, 32.0, 33.0, 50.5] {
            for i in 0..4000 {
                let x = (f64::from(i) * 0.173).exp2() * 1e-100 + f64::from(i) * 1e-3;
                let [y] = power([x], p);
                let truth = x.powf(p);
                let wrong =
                    if truth.is_infinite() { 0.0 } else { (y - truth).abs() / truth.max(f64::MIN_POSITIVE) };
                assert!(wrong <= (4.0 + p) * f64::EPSILON, "{x}^{p}: {y} for {truth}");
                assert_eq!(y.is_infinite(), truth.is_infinite(), "{x}^{p}");
            }
        }
        for p in [0.5, 1.7, 3.0, 40.0] {
            assert_eq!(power([0.0, 1.0, f64::INFINITY], p), [0.0, 1.0, f64::INFINITY], "{p}");
        }
        assert_eq!(power([2f64.powi(-1070)], 0.5), [2f64.powi(-535)]);
    }
}
