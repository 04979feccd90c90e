//! Whether a text is a date, a time, or both, in the usual forms of those that .NET reads with the invariant culture.
//!
//! Dates: `2024-05-31`, `2024-05`, `05-31-2024` (the month first), with `-`, `.` or `/` between; `31 May 2024`, `May 31, 2024`, `May 2024`, maybe
//! after a day of the week. Times: `17:59`, `17:59:55.123`, `5:59 PM`. Both: the date, `T` or a space, the time, and maybe `Z`, `GMT`, or an offset
//! as `+01:00`.

use super::number::{integer, trim};

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// .NET's offsets end here.
const MOST_OFFSET_HOURS: u32 = 14;

/// Whether it is one.
pub(super) fn is_date_time(text: &str) -> bool {
    let text = trim(text);
    // Without a colon there is no time; with one, its hour begins after the last separator before it.
    let Some(colon) = text.find(':') else { return is_date(text) };
    let before = text.get(..colon).unwrap_or_default();
    let hour = before.rfind(['T', 't', ' ']).map_or(0, |at| at + 1);
    let (date, time) = text.split_at_checked(hour).unwrap_or(("", text));
    let date = date.strip_suffix(['T', 't', ' ']).unwrap_or(date);
    (hour == 0 || is_date(trim(date))) && is_time(time)
}

fn is_date(text: &str) -> bool {
    let text = without_day_name(text);
    if text.contains(|letter: char| letter.is_ascii_alphabetic()) {
        return is_named_date(text);
    }
    let Some(separator) = text.chars().find(|letter| matches!(letter, '-' | '.' | '/')) else { return false };
    let parts: Vec<&str> = text.split(separator).collect();
    match parts.as_slice() {
        [year, month] if year.len() == 4 => is_day(digits(year), digits(month), Some(1)),
        [year, month, day] if year.len() == 4 => is_day(digits(year), digits(month), digits(day)),
        [month, day, year] if matches!(year.len(), 2 | 4) => is_day(digits(year), digits(month), digits(day)),
        _ => false,
    }
}

fn without_day_name(text: &str) -> &str {
    match text.split_once([',', ' ']) {
        Some((name, rest)) if named(&DAYS, name).is_some() => rest.trim_start_matches([',', ' ']),
        _ => text,
    }
}

fn is_named_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split([' ', ',', '-']).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [month, year] => is_day(digits(year).filter(|_| year.len() == 4), named(&MONTHS, month), Some(1)),
        [first, second, year] if matches!(year.len(), 2 | 4) => match named(&MONTHS, second) {
            Some(month) => is_day(digits(year), Some(month), digits(first)),
            None => is_day(digits(year), named(&MONTHS, first), digits(second)),
        },
        _ => false,
    }
}

/// The number, from 1, of a name or its first three letters.
fn named(names: &[&str], text: &str) -> Option<u32> {
    let at = names
        .iter()
        .position(|name| text.eq_ignore_ascii_case(name) || name.get(..3).is_some_and(|short| text.eq_ignore_ascii_case(short)))?;
    u32::try_from(at + 1).ok()
}

fn is_day(year: Option<u32>, month: Option<u32>, day: Option<u32>) -> bool {
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    year > 0 && (1..=days).contains(&day)
}

fn is_time(text: &str) -> bool {
    let clock_end = text.find(|letter: char| !matches!(letter, '0'..='9' | ':' | '.')).unwrap_or(text.len());
    let (clock, rest) = text.split_at_checked(clock_end).unwrap_or((text, ""));
    let rest = rest.trim_start_matches(' ');
    let (noon, zone) = match rest.get(..2) {
        Some(half) if half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm") => (true, rest.get(2..).unwrap_or_default()),
        _ => (false, rest),
    };
    is_clock(clock, if noon { 12 } else { 23 }) && is_zone(zone.trim_start_matches(' '))
}

fn is_clock(text: &str, most_hours: u32) -> bool {
    let below = |text: &str, most| text.len() <= 2 && digits(text).is_some_and(|value| value <= most);
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [hours, minutes] => below(hours, most_hours) && below(minutes, 59),
        [hours, minutes, seconds] => {
            let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            let fraction_fits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
            below(hours, most_hours) && below(minutes, 59) && below(seconds, 59) && fraction_fits
        }
        _ => false,
    }
}

fn is_zone(text: &str) -> bool {
    if text.is_empty() || text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("gmt") {
        return true;
    }
    let Some(offset) = text.strip_prefix(['+', '-']) else { return false };
    let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "0"));
    hours.len() <= 2
        && digits(hours).is_some_and(|hours| hours <= MOST_OFFSET_HOURS)
        && minutes.len() <= 2
        && digits(minutes).is_some_and(|minutes| minutes < 60)
}

/// Digits only, as a number.
fn digits(text: &str) -> Option<u32> {
    if text.len() > 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) { None } else { integer(text) }
}
