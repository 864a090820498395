//! Text to numbers, exactly rounded.

use crate::kernel::Real;

/// The number that `bytes` begin with, and its length. It may be infinite or NaN.
#[inline(always)]
pub(super) fn leading<T: Real>(bytes: &[u8]) -> Option<(T, usize)> {
    // Each type is rounded from the text: through f64 a f32 would be rounded twice.
    if size_of::<T>() == size_of::<f32>() {
        let (value, length) = fast_float2::parse_partial::<f32, _>(bytes).ok()?;
        Some((T::from_f64(value.into()), length))
    } else {
        let (value, length) = fast_float2::parse_partial::<f64, _>(bytes).ok()?;
        Some((T::from_f64(value), length))
    }
}

/// The number that a whole field says, spaces around it aside; or what stands there instead of a finite number.
pub(super) fn whole<T: Real>(field: &[u8]) -> Result<T, NotFinite> {
    let text = field.trim_ascii();
    let shown = || quote(field);
    if is_missing(text) {
        let found =
            if text.is_empty() { "an empty field".into() } else { format!("{}, a missing value", shown()) };
        return Err(NotFinite { expected: "a finite number", found });
    }
    match leading::<T>(text) {
        Some((value, length)) if length == text.len() => {
            if value.is_finite() {
                return Ok(value);
            }
            let spelled = !text.iter().any(u8::is_ascii_digit);
            let why = if spelled { String::new() } else { format!(", too large for {}", T::NAME) };
            Err(NotFinite { expected: "a finite number", found: format!("{}{why}", shown()) })
        }
        _ => Err(NotFinite { expected: "a number", found: format!("the text {}", shown()) }),
    }
}

/// Why a field is no number to compute with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotFinite {
    pub(super) expected: &'static str,
    pub(super) found: String,
}

/// Whether a field stands for a value that is not there.
pub(super) fn is_missing(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] = [b"", b"na", b"n/a", b"#n/a", b"nan", b"-nan", b"null", b"none"];
    text.len() <= 4 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A field for a message: in quotes, on one line, and not too long.
pub(super) fn quote(field: &[u8]) -> String {
    const SHOWN: usize = 40;
    let text = String::from_utf8_lossy(&field[..field.len().min(4 * SHOWN)]);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_once() {
        // Halfway between two f32, but for the last digit: by way of f64 it rounds to the wrong one.
        let text = b"1.00000017881393432617187499";
        assert_eq!(whole::<f32>(text).unwrap(), 1.000_000_1_f32);
        assert_eq!(
            whole::<f32>(text).unwrap().to_bits(),
            "1.00000017881393432617187499".parse::<f32>().unwrap().to_bits()
        );
        for text in
            ["9007199254740993", "2.2250738585072011e-308", "5e-324", "-0.0", "1.7976931348623157e308", "+.5"]
        {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(whole::<f64>(text.as_bytes()).unwrap().to_bits(), expected.to_bits(), "{text}");
        }
    }

    #[test]
    fn spaces_around_a_number_do_not_matter() {
        assert_eq!(whole::<f64>(b" 1.5\t"), Ok(1.5));
    }

    #[test]
    fn what_is_no_finite_number_is_told() {
        let cases = [
            ("", "a finite number", "an empty field"),
            ("  ", "a finite number", "an empty field"),
            ("NA", "a finite number", "\"NA\", a missing value"),
            ("nan", "a finite number", "\"nan\", a missing value"),
            ("inf", "a finite number", "\"inf\""),
            ("1e400", "a finite number", "\"1e400\", too large for f64"),
            ("1,5", "a number", "the text \"1,5\""),
            ("1.5\0", "a number", "the text \"1.5\\0\""),
            ("0x10", "a number", "the text \"0x10\""),
        ];
        for (text, expected, found) in cases {
            assert_eq!(
                whole::<f64>(text.as_bytes()),
                Err(NotFinite { expected, found: found.into() }),
                "{text}"
            );
        }
        let long = whole::<f64>(&[b'x'; 1000]).unwrap_err().found;
        assert_eq!(long, format!("the text \"{}…\"", "x".repeat(40)));
        assert!(whole::<f64>(b"caf\xe9").unwrap_err().found.contains("caf\u{fffd}"));
    }
}
