//! Where the ticks of an axis stand.

use std::ops::Range;

/// How values are laid along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Evenly.
    Linear,
    /// Evenly; all values are whole numbers, and so are the ticks.
    Whole,
    /// Their logarithms evenly.
    Log,
}

/// Ticks of an axis, at about.
const WANTED: f64 = 8.0;
/// Decades up to which those of a logarithmic axis are divided.
const MOST_DIVIDED: f64 = 4.0;

impl Scale {
    /// Whole where all `values` are, logarithmic where they are positive and far apart.
    pub(super) fn of(values: &[f64]) -> Self {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let (low, high) =
            (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        if low > 0.0 && high > 20.0 * low {
            Self::Log
        } else if finite().all(|value| value.fract() == 0.0) {
            Self::Whole
        } else {
            Self::Linear
        }
    }

    /// Where `value` lies on the axis.
    pub(super) fn place(self, value: f64) -> f64 {
        if self == Self::Log { value.log10() } else { value }
    }

    /// The value at `place`.
    pub(super) fn value(self, place: f64) -> f64 {
        if self == Self::Log { 10f64.powf(place) } else { place }
    }

    /// The places of the ticks in `range`, which is one of places.
    pub(super) fn ticks(self, range: &Range<f64>) -> Vec<f64> {
        let ticks = match self {
            Self::Linear => steps(range, 0.0),
            Self::Whole => steps(range, 1.0),
            Self::Log => powers(range),
        };
        ticks.into_iter().filter(|tick| range.contains(tick)).collect()
    }
}

/// Multiples of 1, 2 or 5 times a power of ten, of `least` or more.
fn steps(range: &Range<f64>, least: f64) -> Vec<f64> {
    let wanted = (range.end - range.start) / WANTED;
    let power = 10f64.powf(wanted.log10().floor());
    let rounded = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| *step >= wanted);
    let step = rounded.unwrap_or(wanted).max(least);
    let first = (range.start / step).ceil();
    (0..=2 * WANTED as usize).map(|i| (first + i as f64) * step).collect()
}

/// Exponents of powers of ten, and of 2 and 5 times them where there are few.
fn powers(range: &Range<f64>) -> Vec<f64> {
    let span = range.end - range.start;
    let stride = (span / WANTED).ceil().max(1.0);
    let digits: &[f64] = if span <= MOST_DIVIDED { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let first = (range.start / stride).floor() * stride;
    let decades = (0..=2 * WANTED as usize).map(|i| first + i as f64 * stride);
    decades.flat_map(|decade| digits.iter().map(move |digit| decade + digit.log10())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(scale: Scale, range: Range<f64>) -> Vec<f64> {
        scale.ticks(&range).into_iter().map(|tick| (1e9 * scale.value(tick)).round() / 1e9).collect()
    }

    #[test]
    fn iterations_are_whole_numbers() {
        assert_eq!(values(Scale::Whole, 0.95..2.05), [1.0, 2.0]);
        assert_eq!(values(Scale::Whole, 0.7..7.3), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert_eq!(values(Scale::Whole, -4.0..105.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    }

    #[test]
    fn logarithmic_ticks_are_round_numbers() {
        assert_eq!(values(Scale::Log, -1.1..1.1), [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]);
        assert_eq!(values(Scale::Log, -2.2..2.9), [0.01, 0.1, 1.0, 10.0, 100.0]);
        assert!(values(Scale::Log, -300.0..300.0).len() < 12);
    }

    #[test]
    fn other_ticks_are_round_too() {
        assert_eq!(values(Scale::Linear, 0.48..1.02), [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
        assert!(Scale::Linear.ticks(&(5e-301..1.5e-300)).len() < 20);
    }

    #[test]
    fn a_scale_follows_from_the_values() {
        assert_eq!(Scale::of(&[0.1, 10.0]), Scale::Log);
        assert_eq!(Scale::of(&[1.0, 3.0, f64::NAN]), Scale::Whole);
        assert_eq!(Scale::of(&[0.5, 1.0]), Scale::Linear);
        assert_eq!(Scale::of(&[0.0, 100.0]), Scale::Whole);
    }
}
