//! Doubles as integers in the same order, for histograms whose bins need no range.

/// Maps a number to an integer; larger numbers to larger integers, 0 and −0 to one. NaN lies outside of all others.
pub fn to_ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The number that [`to_ordered`] mapped to `ordered`.
pub fn from_ordered(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_values_survive() {
        let ascending =
            [f64::NEG_INFINITY, -1e300, -1.0, -5e-324, 0.0, 5e-324, 1e-300, 1.0, f64::MAX, f64::INFINITY];
        for pair in ascending.windows(2) {
            assert!(to_ordered(pair[0]) < to_ordered(pair[1]));
        }
        for value in ascending {
            assert_eq!(from_ordered(to_ordered(value)), value);
        }
        assert_eq!(to_ordered(0.0), to_ordered(-0.0));
    }
}
