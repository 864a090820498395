//! The polynomials behind the logarithm, sine and cosine of the normal kernel.
//!
//! `scripts/golden/normal_coefficients.py` makes the numbers. Constant term first.

/// `(−2 ln((1 + s) / (1 − s)) / s + 4) / s²` in `s²`, for s² up to 0.02944: relative error 4.6e-16.
pub(super) const LOG: [f64; 7] = [
    -1.333333333333334,
    -0.7999999999979901,
    -0.5714285725195097,
    -0.4444442226959023,
    -0.36365778250518316,
    -0.3066344320128264,
    -0.29232899367978654,
];

/// `sin(π/2 · t) / t` in `t²`, for |t| up to ½: relative error 3.5e-18.
pub(super) const SIN: [f64; 7] = [
    std::f64::consts::FRAC_PI_2,
    -0.6459640975062443,
    0.07969262624604301,
    -0.004681754132340976,
    0.0001604411507421909,
    -3.59864335298231e-06,
    5.633933781537854e-08,
];

/// `(cos(π/2 · t) − 1) / t²` in `t²`, for |t| up to ½: relative error 4.1e-19.
pub(super) const COS: [f64; 7] = [
    -1.2337005501361697,
    0.2536695079010478,
    -0.020863480763340773,
    0.0009192602745468447,
    -2.5202039028029178e-05,
    4.710678405505227e-07,
    -6.329396344967424e-09,
];

/// −2 ln 2.
pub(super) const MINUS_TWO_LN_2: f64 = -2.0 * std::f64::consts::LN_2;

/// `−2 ln(1 + f) / f` in `f`, for f in [−0.2929, 0.4143]: relative error 3.0e-8.
pub(super) const LOG32: [f32; 9] = [
    -2.0,
    0.999_999_94,
    -0.666_683_85,
    0.500_027,
    -0.399_118_4,
    0.331_560_5,
    -0.299_551_78,
    0.285_381_76,
    -0.170_650_51,
];

/// As [`SIN`]: relative error 3.4e-9.
pub(super) const SIN32: [f32; 4] = [std::f32::consts::FRAC_PI_2, -0.645_963_5, 0.079_680_22, -0.004_602_149];

/// As [`COS`]: relative error 6.5e-10.
pub(super) const COS32: [f32; 4] = [-1.233_700_5, 0.253_669_4, -0.020_861_529, 0.000_906_739_9];

/// −2 ln 2.
pub(super) const MINUS_TWO_LN_2_32: f32 = -2.0 * std::f32::consts::LN_2;

/// The value at `x` of the polynomial with these coefficients, constant term first, by Horner's rule.
macro_rules! horner {
    ($coefficients:expr, $x:expr) => {{
        let c = $coefficients;
        let mut value = c[c.len() - 1];
        let mut k = c.len() - 1;
        while k > 0 {
            k -= 1;
            value = value.mul_add($x, c[k]);
        }
        value
    }};
}
pub(super) use horner;
