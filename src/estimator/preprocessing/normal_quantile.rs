//! Quantiles of the normal distribution.

/// The value below which a standard normal variable lies with probability `p`, to about 10⁻¹⁶ of itself; infinite for
/// 0 and 1, NaN outside.
///
/// # References
/// Wichura, Algorithm AS 241: the percentage points of the normal distribution, Applied Statistics 37 (1988), PPND16.
pub(super) fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &MIDDLE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail < 0.0 || tail.is_nan() {
        return f64::NAN;
    }
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-tail.ln()).sqrt();
    let value = if r <= 5.0 { ratio(r - 1.6, &TAIL) } else { ratio(r - 5.0, &FAR_TAIL) };
    value.copysign(q)
}

/// Coefficients above and below, from the constant on.
type Rational = [[f64; 8]; 2];

fn ratio(r: f64, coefficients: &Rational) -> f64 {
    let [above, below] = coefficients.map(|of| of.iter().rev().fold(0.0, |sum: f64, c| sum.mul_add(r, *c)));
    above / below
}

#[expect(clippy::excessive_precision, reason = "the paper's digits")]
#[expect(clippy::unreadable_literal, reason = "the paper's digits")]
const MIDDLE: Rational = [
    [
        3.3871328727963666080e0,
        1.3314166789178437745e+2,
        1.9715909503065514427e+3,
        1.3731693765509461125e+4,
        4.5921953931549871457e+4,
        6.7265770927008700853e+4,
        3.3430575583588128105e+4,
        2.5090809287301226727e+3,
    ],
    [
        1.0,
        4.2313330701600911252e+1,
        6.8718700749205790830e+2,
        5.3941960214247511077e+3,
        2.1213794301586595867e+4,
        3.9307895800092710610e+4,
        2.8729085735721942674e+4,
        5.2264952788528545610e+3,
    ],
];

#[expect(clippy::excessive_precision, reason = "the paper's digits")]
#[expect(clippy::unreadable_literal, reason = "the paper's digits")]
const TAIL: Rational = [
    [
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ],
    [
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ],
];

#[expect(clippy::excessive_precision, reason = "the paper's digits")]
#[expect(clippy::unreadable_literal, reason = "the paper's digits")]
const FAR_TAIL: Rational = [
    [
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ],
    [
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ],
];

#[cfg(test)]
mod tests {
    #![expect(clippy::unreadable_literal, reason = "another program's digits")]

    use super::*;

    #[test]
    fn quantiles_are_scipys() {
        // scipy.stats.norm.ppf.
        let known = [
            (0.5, 0.0),
            (0.75, 0.6744897501960817),
            (0.25, -0.6744897501960817),
            (0.9, 1.2815515655446004),
            (0.075, -1.4395314709384563),
            (0.08, -1.4050715603096329),
            (0.025, -1.9599639845400545),
            (0.999, 3.090232306167813),
            (0.001, -3.090232306167813),
            (1e-07, -5.1993375821928165),
            (1e-10, -6.361340902404056),
            (1e-12, -7.034483825301131),
            (1e-20, -9.262340089798409),
            (1e-100, -21.273453560965322),
            (1e-300, -37.0470962993612),
        ];
        for (p, expected) in known {
            let found = normal_quantile(p);
            assert!((found - expected).abs() <= 4e-15 * expected.abs(), "{p}: {found} {expected}");
        }
        assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(normal_quantile(-0.1).is_nan() && normal_quantile(1.1).is_nan());
    }
}
