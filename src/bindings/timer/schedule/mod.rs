//! When a timer runs: NCRONTAB expressions and constant intervals, in the local time of a time zone.
//!
//! The rules of expressions are those of NCrontab, the library that the WebJobs SDK's timers use (atifaziz/NCrontab: `CrontabFieldImpl`,
//! `CrontabField`, `CrontabSchedule`; Azure/azure-webjobs-sdk-extensions: `TimerSchedule`). `parse` reads them, `field` is one of their fields,
//! `calendar` finds dates and times on a clock that never jumps, `clock` takes those to a time zone, whose clock does. `zone` finds the time zone
//! that app settings name. Nothing here looks at the real clock.
//!
//! # Expressions
//! Six fields with spaces between: second, minute, hour, day, month, weekday. With five, the second is 0. A field is a list of `*`, `a` or `a-b`,
//! each with a step if need be; `a/n` goes from `a` to the field's last value. Names are English and may be cut short (`Mon`, `mond`, `j` for
//! January). Day *and* weekday must fit. Traps that NCrontab has and that are kept: `22-2` is `2-22`, so `Fri-Mon` is `Mon-Fri`; a step of 0 is 1.
//! Refused, as there: weekday 7, `?`, `L`, `W`, `#`, `@daily`. Stricter than there: steps and numbers have no sign.
//!
//! # When the clocks change
//! A schedule that runs in all hours of a day is an interval in the eyes of who wrote it: `0 */5 * * * *`. It runs whenever the clock on the
//! wall shows one of its times, so it goes on evenly in real time, through the hour that is repeated too, and has no run for a time that was left out.
//!
//! Any other schedule means times of the day: `0 30 2 * * *`. Each of them comes once a day. One that the clock leaves out (02:30 in spring) runs
//! at the first moment after the gap; several such times are one run. One that comes twice (02:30 in autumn) runs the first time.
//!
//! The WebJobs SDK has no rule of its own: it converts local times as .NET does, so that times in the gap run later by its length, those
//! that come twice run the second time only, and short intervals stop for that hour.

mod calendar;
mod clock;
mod error;
mod field;
mod parse;
mod windows;
pub mod zone;

pub use error::{FieldProblem, ScheduleError};
pub use field::Unit;

use crate::app::TimeSpan;
use calendar::Calendar;
use jiff::{SignedDuration, ZonedDateTime};
use std::fmt;

/// When a timer runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Cron(Calendar),
    /// Always positive.
    Interval(TimeSpan),
}

// === impl Schedule ===

impl Schedule {
    /// Reads a timer's `schedule`, after `%settings%` have been replaced: an NCRONTAB expression, or a time span such as `00:05:00`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence that goes on after the field's name. It quotes what is wrong.
    pub fn parse(text: &str) -> Result<Schedule, ScheduleError> {
        parse::schedule(text).map(Schedule)
    }

    /// The first run after a moment, strictly, in that moment's time zone. `None` if there is none: `0 0 0 30 2 *`, or beyond the year 9999.
    ///
    /// An interval is counted from `now` in real time. Takes microseconds for any expression.
    #[must_use]
    pub fn next_after(&self, now: &ZonedDateTime) -> Option<ZonedDateTime> {
        let zone = now.time_zone();
        let next = match &self.0 {
            Kind::Cron(calendar) => clock::next_after(calendar, now.timestamp(), zone)?,
            Kind::Interval(span) => now.timestamp().checked_add(SignedDuration::from_nanos_i128(i128::from(span.ticks()) * 100)).ok()?,
        };
        Some(next.to_zoned_datetime(zone.clone()))
    }
}

impl fmt::Display for Schedule {
    /// The same schedule, with six fields that hold numbers and ranges only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Cron(calendar) => calendar.fmt(f),
            Kind::Interval(span) => span.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
