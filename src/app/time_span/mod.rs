//! Time spans as .NET writes them, which is how host.json and function.json give durations: `[-][d.]hh:mm[:ss[.fffffff]]`.
//!
//! After .NET's `TimeSpan.Parse` with the invariant culture, and stricter in two points that would surprise: a lone number (there: days)
//! and hours beyond 23 are errors.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

const TICKS_PER_SECOND: i64 = 10_000_000;
const TICKS_PER_DAY: i64 = 24 * 60 * 60 * TICKS_PER_SECOND;

/// A duration, maybe negative, in ticks of 100 ns: at most some 29,000 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan {
    ticks: i64,
}

/// Why a text is not a time span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeSpanError {
    /// Not of the form.
    #[error("must be a time span like `00:05:00` (hh:mm:ss) or `1.12:00:00` (d.hh:mm:ss)")]
    Form,
    /// More than 23 hours.
    #[error("must have hours from 00 to 23: days go before them, as in `1.12:00:00`")]
    Hours,
    /// More than 59 minutes.
    #[error("must have minutes from 00 to 59")]
    Minutes,
    /// More than 59 seconds.
    #[error("must have seconds from 00 to 59")]
    Seconds,
    /// Beyond what fits.
    #[error("is longer than any time span can be (10675199 days)")]
    TooLong,
}

// === impl TimeSpan ===

impl TimeSpan {
    /// A time span of so many ticks of 100 ns.
    pub const fn from_ticks(ticks: i64) -> TimeSpan {
        TimeSpan { ticks }
    }

    /// Its length in ticks of 100 ns.
    pub const fn ticks(self) -> i64 {
        self.ticks
    }

    /// The same as a duration; `None` if it is negative.
    pub fn to_duration(self) -> Option<Duration> {
        let ticks = u64::try_from(self.ticks).ok()?;
        let per_second = TICKS_PER_SECOND.unsigned_abs();
        let nanoseconds = u32::try_from(ticks % per_second * 100).ok()?;
        Some(Duration::new(ticks / per_second, nanoseconds))
    }
}

impl FromStr for TimeSpan {
    type Err = TimeSpanError;

    fn from_str(text: &str) -> Result<TimeSpan, TimeSpanError> {
        let text = text.trim();
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut parts = text.split(':');
        let (Some(days_and_hours), Some(minutes), seconds, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(TimeSpanError::Form);
        };
        let (days, hours) = days_and_hours.split_once('.').unwrap_or(("0", days_and_hours));
        let (seconds, fraction) = match seconds {
            Some(seconds) => seconds.split_once('.').unwrap_or((seconds, "0")),
            None => ("0", "0"),
        };
        if !(1..=7).contains(&fraction.len()) {
            return Err(TimeSpanError::Form);
        }

        let hours = below(number(hours)?, 24, TimeSpanError::Hours)?;
        let minutes = below(number(minutes)?, 60, TimeSpanError::Minutes)?;
        let seconds = below(number(seconds)?, 60, TimeSpanError::Seconds)?;
        let fraction = number(&format!("{fraction:0<7}"))?;
        let time = ((hours * 60 + minutes) * 60 + seconds) * TICKS_PER_SECOND + fraction;
        // Summed below zero, where there is room for one tick more.
        let ticks = number(days)?.checked_mul(-TICKS_PER_DAY).and_then(|ticks| ticks.checked_sub(time));
        let ticks = if negative { ticks } else { ticks.and_then(i64::checked_neg) };
        Ok(TimeSpan { ticks: ticks.ok_or(TimeSpanError::TooLong)? })
    }
}

impl fmt::Display for TimeSpan {
    /// .NET's format `c`: `1.02:03:04.0000005`, days and fraction only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ticks = self.ticks.unsigned_abs();
        let (day, second) = (TICKS_PER_DAY.unsigned_abs(), TICKS_PER_SECOND.unsigned_abs());
        let (days, seconds, fraction) = (ticks / day, ticks % day / second, ticks % second);
        if self.ticks < 0 {
            f.write_str("-")?;
        }
        if days > 0 {
            write!(f, "{days}.")?;
        }
        write!(f, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        if fraction > 0 {
            write!(f, ".{fraction:07}")?;
        }
        Ok(())
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(digits: &str) -> Result<i64, TimeSpanError> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TimeSpanError::Form);
    }
    digits.parse().map_err(|_| TimeSpanError::TooLong)
}

fn below(value: i64, limit: i64, error: TimeSpanError) -> Result<i64, TimeSpanError> {
    if value < limit { Ok(value) } else { Err(error) }
}

#[cfg(test)]
mod tests;
