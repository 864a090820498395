//! Means in twice a double's digits, as the unevaluated sum of two doubles.
//!
//! Far from the origin, or with a small spread, what rounding takes from a mean is not small beside the spread: means that
//! are rounded and then compared would put it into the sums of squares.
//!
//! # References
//! Knuth, The Art of Computer Programming 2, 1998, §4.2.2, theorem B (the error of a sum); Chan, Golub & LeVeque, Updating
//! formulae and a pairwise algorithm for computing sample variances, 1979 (the mean of two parts).

/// The rounded sum of two numbers, and what it lacks.
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// Adds `apart` to the rounded means; what the new ones, rounded too, lack.
pub(super) fn move_means(mean: &mut [f64], apart: &[f64]) -> Vec<f64> {
    let moved = mean.iter_mut().zip(apart).map(|(mean, apart)| {
        let (sum, rest) = two_sum(*mean, *apart);
        *mean = sum;
        rest
    });
    moved.collect()
}

/// Makes the means of one part of some rows those of two, of which the `other` weighs the given share; each `(mean, rest)`
/// is rounded means and what they lack. Returns how far the other's lay from this one's.
///
/// # Panics
/// When a length does not fit.
pub fn join_means(
    (mean, rest): (&mut [f64], &mut [f64]),
    (other, other_rest): (&[f64], &[f64]),
    share: f64,
) -> Vec<f64> {
    assert!(mean.len() == rest.len() && mean.len() == other.len() && mean.len() == other_rest.len());
    let join = |(((mean, rest), other), other_rest): (((&mut f64, &mut f64), &f64), &f64)| {
        let apart = (other - *mean) + (other_rest - *rest);
        (*mean, *rest) = two_sum(*mean, share.mul_add(apart, *rest));
        apart
    };
    mean.iter_mut().zip(rest).zip(other).zip(other_rest).map(join).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_and_what_it_lacks_are_the_sum() {
        // A double near 1e16 knows even numbers only; -2^-55 is what 0.1 + 0.2 has too much.
        for (a, b, sum, rest) in [
            (1e16, 1.0, 1e16, 1.0),
            (1.0, 1e16, 1e16, 1.0),
            (1e16, 3.0, 1e16 + 4.0, -1.0),
            (0.1, 0.2, 0.300_000_000_000_000_04, -(0.5_f64.powi(55))),
            (1e300, -1e-300, 1e300, -1e-300),
            (5.0, -5.0, 0.0, 0.0),
        ] {
            assert_eq!(two_sum(a, b), (sum, rest), "{a} {b}");
        }
    }

    #[test]
    fn joined_means_keep_digits_that_a_double_has_no_room_for() {
        // 1e16 + 1/3 and 1e16 + 2/3: a double near 1e16 knows even numbers only.
        let (mut mean, mut rest) = ([1e16], [1.0 / 3.0]);
        let apart = join_means((&mut mean, &mut rest), (&[1e16], &[2.0 / 3.0]), 0.5);
        assert_eq!((mean[0], apart[0]), (1e16, 1.0 / 3.0));
        assert!((rest[0] - 0.5).abs() < 1e-15);
    }
}
