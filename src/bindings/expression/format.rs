//! .NET's formats of dates, with the invariant culture and for times in UTC.
//!
//! After "Custom date and time format strings" and "Standard date and time format strings" in .NET's documentation.

use super::error::{DateFormatError, ExpressionError};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// A format that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateFormat(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// One of the specifiers' letters, and how many of it.
    Field(char, usize),
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// Places of a second: .NET's ticks.
const PLACES: usize = 7;
/// Digits of a year: far more than any has.
const LONGEST_YEAR: usize = 9;

// === impl DateFormat ===

impl DateFormat {
    /// Reads a format; a blank one is the SDK's own: `2018-02-16T17-59-55Z`.
    pub(super) fn parse(text: &str) -> Result<DateFormat, ExpressionError> {
        let custom = match text.trim() {
            "" => Ok("yyyy-MM-ddTHH-mm-ssK"),
            // One character alone is a standard format.
            _ if text.chars().nth(1).is_none() => standard(text).ok_or(DateFormatError::Standard),
            _ => Ok(text),
        };
        let wrong = |problem| ExpressionError::DateFormat { format: text.to_owned(), problem };
        custom.and_then(pieces).map(DateFormat).map_err(wrong)
    }

    pub(super) fn append_to(&self, text: &mut String, moment: Timestamp) {
        let time = Offset::UTC.to_datetime(moment);
        // On its own, as `.F` may take back a point, but only one of the format's.
        let mut formatted = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => formatted.push_str(literal),
                Piece::Field(letter, count) => field(&mut formatted, time, *letter, *count),
            }
        }
        text.push_str(&formatted);
    }
}

/// The custom format that a standard one stands for.
fn standard(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "d" => "MM/dd/yyyy",
        "D" => "dddd, dd MMMM yyyy",
        "f" => "dddd, dd MMMM yyyy HH:mm",
        "F" | "U" => "dddd, dd MMMM yyyy HH:mm:ss",
        "g" => "MM/dd/yyyy HH:mm",
        "G" => "MM/dd/yyyy HH:mm:ss",
        "m" | "M" => "MMMM dd",
        "o" | "O" => "yyyy-MM-ddTHH:mm:ss.fffffffK",
        "r" | "R" => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
        "s" => "yyyy-MM-ddTHH:mm:ss",
        "t" => "HH:mm",
        "T" => "HH:mm:ss",
        "u" => "yyyy-MM-dd HH:mm:ss'Z'",
        "y" | "Y" => "yyyy MMMM",
        _ => return None,
    })
}

fn pieces(format: &str) -> Result<Vec<Piece>, DateFormatError> {
    let mut pieces = Vec::new();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        pieces.push(match letter {
            '\'' | '"' => Piece::Text(quoted(&mut letters, letter)?),
            '\\' => Piece::Text(letters.next().ok_or(DateFormatError::Escape)?.into()),
            // Makes a format of one letter a custom one: `%d`.
            '%' if letters.peek().is_some_and(|next| *next != '%') => continue,
            '%' => return Err(DateFormatError::Standard),
            'd' | 'f' | 'F' | 'g' | 'h' | 'H' | 'm' | 'M' | 's' | 't' | 'y' | 'z' => {
                let mut count = 1;
                while letters.next_if_eq(&letter).is_some() {
                    count += 1;
                }
                if matches!(letter, 'f' | 'F') && count > PLACES {
                    return Err(DateFormatError::Fraction);
                }
                // Rust's own padding has an end, beyond which it panics.
                if letter == 'y' && count > LONGEST_YEAR {
                    return Err(DateFormatError::Year);
                }
                Piece::Field(letter, count)
            }
            'K' => Piece::Field('K', 1),
            other => Piece::Text(other.into()),
        });
    }
    Ok(pieces)
}

/// What is up to the next quote of the kind.
fn quoted(letters: &mut Peekable<Chars<'_>>, quote: char) -> Result<String, DateFormatError> {
    let mut text = String::new();
    loop {
        match letters.next().ok_or(DateFormatError::Quote)? {
            '\\' => text.push(letters.next().ok_or(DateFormatError::Escape)?),
            letter if letter == quote => return Ok(text),
            letter => text.push(letter),
        }
    }
}

fn field(text: &mut String, time: DateTime, letter: char, count: usize) {
    let month = MONTHS.get(usize::try_from(time.month() - 1).unwrap_or(0)).copied().unwrap_or_default();
    let weekday = WEEKDAYS.get(usize::try_from(time.weekday().to_sunday_zero_offset()).unwrap_or(0)).copied().unwrap_or_default();
    let hour = if time.hour() % 12 == 0 { 12 } else { time.hour() % 12 };
    // Two digits at most, but for years.
    let width = count.min(2);
    // Writing to a String can't fail.
    _ = match (letter, count) {
        ('d', 1 | 2) => write!(text, "{:0width$}", time.day()),
        ('d', 3) => write!(text, "{}", weekday.get(..3).unwrap_or(weekday)),
        ('d', _) => write!(text, "{weekday}"),
        ('M', 1 | 2) => write!(text, "{:0width$}", time.month()),
        ('M', 3) => write!(text, "{}", month.get(..3).unwrap_or(month)),
        ('M', _) => write!(text, "{month}"),
        ('y', 1 | 2) => write!(text, "{:0width$}", time.year() % 100),
        ('y', _) => write!(text, "{:0count$}", time.year()),
        ('H', _) => write!(text, "{:0width$}", time.hour()),
        ('h', _) => write!(text, "{hour:0width$}"),
        ('m', _) => write!(text, "{:0width$}", time.minute()),
        ('s', _) => write!(text, "{:0width$}", time.second()),
        ('f', _) => write!(text, "{}", fraction(time).get(..count).unwrap_or_default()),
        ('F', _) => short_fraction(text, fraction(time).get(..count).unwrap_or_default()),
        ('t', 1) => write!(text, "{}", if time.hour() < 12 { "A" } else { "P" }),
        ('t', _) => write!(text, "{}", if time.hour() < 12 { "AM" } else { "PM" }),
        ('z', 1) => write!(text, "+0"),
        ('z', 2) => write!(text, "+00"),
        ('z', _) => write!(text, "+00:00"),
        ('K', _) => write!(text, "Z"),
        _ => write!(text, "A.D."),
    };
}

/// The places of the second, as .NET has them.
fn fraction(time: DateTime) -> String {
    format!("{:0PLACES$}", time.subsec_nanosecond() / 100)
}

/// Without zeros at the end, and without the point before it if nothing is left.
fn short_fraction(text: &mut String, digits: &str) -> std::fmt::Result {
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() && text.ends_with('.') {
        text.pop();
    }
    text.write_str(digits)
}
