//! Numbers as .NET reads them with the invariant culture.

use std::str::FromStr;

/// The largest `decimal`; its fraction does not count.
const LARGEST_DECIMAL: u128 = (1 << 96) - 1;

/// Without the white space that .NET allows around numbers.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|letter| matches!(letter, '\t'..='\r' | ' '))
}

/// An optional sign and digits. Nothing where it does not fit the type.
pub(super) fn integer<N: FromStr>(text: &str) -> Option<N> {
    let text = trim(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A sign before or after, commas between digits, a point.
pub(super) fn is_decimal(text: &str) -> bool {
    let text = trim(text);
    let unsigned = text.strip_prefix(['+', '-']).or_else(|| text.strip_suffix(['+', '-'])).unwrap_or(text);
    let Some((whole, "")) = mantissa(unsigned) else { return false };
    let mut value = 0_u128;
    for digit in whole.bytes().filter(u8::is_ascii_digit) {
        value = value.saturating_mul(10).saturating_add(u128::from(digit - b'0'));
    }
    value <= LARGEST_DECIMAL
}

/// A sign before, commas between digits, a point, an exponent; or one of the words.
pub(super) fn is_float(text: &str) -> bool {
    let text = trim(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["nan", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return true;
    }
    match mantissa(unsigned) {
        Some((_, "")) => true,
        Some((_, exponent)) => exponent.strip_prefix(['e', 'E']).is_some_and(|exponent| {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }),
        None => false,
    }
}

/// What is before the point, and what follows on the number without an exponent. Nothing where there is no digit.
fn mantissa(text: &str) -> Option<(&str, &str)> {
    let (whole, rest) = split_digits(text, |byte| byte.is_ascii_digit() || byte == b',');
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split_digits(rest, |byte| byte.is_ascii_digit()),
        None => ("", rest),
    };
    let has_digits = whole.bytes().chain(fraction.bytes()).any(|byte| byte.is_ascii_digit());
    (has_digits && !whole.starts_with(',')).then_some((whole, rest))
}

fn split_digits(text: &str, is_digit: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !is_digit(byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}
