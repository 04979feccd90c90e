//! Dates and times that fit an expression, on a clock without a time zone.

use super::field::Values;
use jiff::civil::{Date, DateTime, Time};
use std::fmt;

/// An expression that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) seconds: Values,
    pub(super) minutes: Values,
    pub(super) hours: Values,
    pub(super) days: Values,
    pub(super) months: Values,
    pub(super) weekdays: Values,
}

/// After so many years dates fall on the same weekdays again. What is not among them never comes.
const CYCLE: i16 = 400;

// === impl Calendar ===

impl Calendar {
    /// The first fitting time that is not before `start`, field by field.
    pub(super) fn from(&self, start: DateTime) -> Option<DateTime> {
        let date = start.date();
        let time = start.time();
        // Times have whole seconds: what is within one comes after it.
        let second = number(time.second()) + u32::from(time.subsec_nanosecond() > 0);
        if self.has_date(date)
            && let Some(time) = self.time_from(number(time.hour()), number(time.minute()), second)
        {
            return Some(date.to_datetime(time));
        }
        let date = self.date_from(date.tomorrow().ok()?)?;
        Some(date.to_datetime(time_of(self.hours.first(), self.minutes.first(), self.seconds.first())?))
    }

    fn time_from(&self, hour: u32, minute: u32, second: u32) -> Option<Time> {
        if self.hours.contains(hour) {
            if self.minutes.contains(minute)
                && let Some(second) = self.seconds.from(second)
            {
                return time_of(hour, minute, second);
            }
            if let Some(minute) = self.minutes.from(minute + 1) {
                return time_of(hour, minute, self.seconds.first());
            }
        }
        time_of(self.hours.from(hour + 1)?, self.minutes.first(), self.seconds.first())
    }

    fn has_date(&self, date: Date) -> bool {
        self.months.contains(number(date.month())) && self.days.contains(number(date.day())) && self.has_weekday(date)
    }

    fn has_weekday(&self, date: Date) -> bool {
        self.weekdays.contains(number(date.weekday().to_sunday_zero_offset()))
    }

    fn date_from(&self, start: Date) -> Option<Date> {
        let (mut year, mut month, mut day) = (start.year(), number(start.month()), number(start.day()));
        let last_year = year.saturating_add(CYCLE);
        while year <= last_year {
            if self.months.contains(month)
                && let Some(date) = self.date_in_month(year, month, day)?
            {
                return Some(date);
            }
            day = 1;
            (year, month) = match self.months.from(month + 1) {
                Some(month) => (year, month),
                None => (year + 1, self.months.first()),
            };
        }
        None
    }

    /// `None` beyond the last year there is.
    fn date_in_month(&self, year: i16, month: u32, day: u32) -> Option<Option<Date>> {
        let first = Date::new(year, i8::try_from(month).ok()?, 1).ok()?;
        let days = std::iter::successors(self.days.from(day), |day| self.days.from(day + 1));
        let mut dates = days.map_while(|day| first.with().day(i8::try_from(day).ok()?).build().ok());
        Some(dates.find(|date| self.has_weekday(*date)))
    }

    /// Whether it runs in all hours of the days on which it runs.
    pub(super) fn has_all_hours(&self) -> bool {
        self.hours.is_all()
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Calendar { seconds, minutes, hours, days, months, weekdays } = self;
        write!(f, "{seconds} {minutes} {hours} {days} {months} {weekdays}")
    }
}

/// jiff's parts of dates and times are small signed numbers that are never below zero.
fn number(part: i8) -> u32 {
    u32::try_from(part).unwrap_or(0)
}

fn time_of(hour: u32, minute: u32, second: u32) -> Option<Time> {
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, 0).ok()
}
