//! What holds for all schedules: they agree with a reference that looks at every second, read back what they write, and nothing panics.

use super::{at, schedule};
use crate::bindings::timer::schedule::Schedule;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan, ZonedDateTime};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Which values of each field fit, as written down by whoever made the expression.
#[derive(Debug, Clone)]
struct Expression {
    text: String,
    fields: Vec<BTreeSet<i64>>,
}

/// A part of a field with its values, in all the forms there are.
fn item(least: i64, most: i64) -> impl Strategy<Value = (String, BTreeSet<i64>)> {
    let value = least..=most;
    let step = 1..=most;
    prop_oneof![
        1 => Just(("*".to_owned(), (least..=most).collect())),
        3 => value.clone().prop_map(|a| (a.to_string(), BTreeSet::from([a]))),
        1 => (value.clone(), value.clone()).prop_map(|(a, b)| (format!("{a}-{b}"), (a.min(b)..=a.max(b)).collect())),
        1 => step.clone().prop_map(move |n| (format!("*/{n}"), stepped(least, most, n))),
        1 => (value.clone(), step.clone()).prop_map(move |(a, n)| (format!("{a}/{n}"), stepped(a, most, n))),
        1 => (value.clone(), value, step).prop_map(|(a, b, n)| (format!("{a}-{b}/{n}"), stepped(a.min(b), a.max(b), n))),
    ]
}

fn stepped(first: i64, last: i64, step: i64) -> BTreeSet<i64> {
    (first..=last).filter(|value| (value - first) % step == 0).collect()
}

fn field(least: i64, most: i64) -> impl Strategy<Value = (String, BTreeSet<i64>)> {
    prop_oneof![
        2 => Just(("*".to_owned(), (least..=most).collect())),
        3 => prop::collection::vec(item(least, most), 1..4).prop_map(|items| {
            let text: Vec<_> = items.iter().map(|(text, _)| text.as_str()).collect();
            (text.join(","), items.iter().flat_map(|(_, values)| values.clone()).collect())
        }),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    let fields = (field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6));
    fields.prop_map(|(a, b, c, d, e, f)| {
        let (texts, fields): (Vec<_>, Vec<_>) = [a, b, c, d, e, f].into_iter().unzip();
        Expression { text: texts.join(" "), fields }
    })
}

/// Moments near the changes of some clocks, and others.
fn moment() -> impl Strategy<Value = ZonedDateTime> {
    let start = prop_oneof![
        Just(("Europe/Berlin", "2024-03-31T01:30:00")),
        Just(("Europe/Berlin", "2024-10-27T01:30:00")),
        Just(("America/Sao_Paulo", "2018-02-17T22:30:00")),
        Just(("America/Sao_Paulo", "2018-11-03T22:30:00")),
        Just(("Australia/Lord_Howe", "2024-04-07T01:00:00")),
        Just(("Australia/Lord_Howe", "2024-10-06T01:00:00")),
        Just(("Pacific/Apia", "2011-12-29T22:00:00")),
        Just(("UTC", "2024-02-28T22:00:00")),
    ];
    (start, -7_200_i64..14_400, 0..2_i64).prop_map(|((zone, text), seconds, half)| {
        at(zone, text).checked_add(SignedDuration::from_millis(seconds * 1_000 + half * 500)).unwrap()
    })
}

// === impl Expression ===

impl Expression {
    fn fits(&self, time: jiff::civil::DateTime) -> bool {
        let parts = [
            i64::from(time.second()),
            i64::from(time.minute()),
            i64::from(time.hour()),
            i64::from(time.day()),
            i64::from(time.month()),
            i64::from(time.weekday().to_sunday_zero_offset()),
        ];
        self.fields.iter().zip(parts).all(|(values, part)| values.contains(&part))
    }

    /// The moments from `start` to `end` at which it runs, by the rules in the head of the module and one look at each second.
    fn reference(&self, zone: &TimeZone, start: Timestamp, end: Timestamp) -> BTreeSet<i64> {
        let all_hours = self.fields[2].len() == 24;
        let mut runs = BTreeSet::new();
        for second in start.as_second()..=end.as_second() {
            let moment = Timestamp::from_second(second).unwrap();
            let time = zone.to_datetime(moment);
            let first_time = match zone.to_ambiguous_timestamp(time).offset() {
                AmbiguousOffset::Fold { before, .. } => zone.to_offset(moment) == before,
                _ => true,
            };
            if self.fits(time) && (all_hours || first_time) {
                runs.insert(second);
            }
            // Times that were left out just before this second.
            let mut left_out = zone.to_datetime(moment - 1.second()) + 1.second();
            while !all_hours && left_out < time {
                if self.fits(left_out) {
                    runs.insert(second);
                    break;
                }
                left_out += 1.second();
            }
        }
        runs
    }
}

proptest! {
    #[test]
    fn agrees_with_a_look_at_every_second(expression in expression(), now in moment()) {
        let schedule = schedule(&expression.text);
        let start = now.timestamp();
        let end = start + 5.hours();
        let wanted = expression.reference(now.time_zone(), start, end);
        let mut run = now.clone();
        let mut found = BTreeSet::new();
        while let Some(next) = schedule.next_after(&run) {
            prop_assert!(next > run);
            if next.timestamp() > end {
                break;
            }
            found.insert(next.timestamp().as_second());
            run = next;
        }
        let wanted: BTreeSet<_> = wanted.into_iter().filter(|second| Timestamp::from_second(*second).unwrap() > start).collect();
        prop_assert_eq!(found, wanted, "{} after {}", expression.text, now);
    }

    #[test]
    fn agrees_with_a_look_at_every_day(expression in expression(), days in 0_i64..40_000) {
        let now = (jiff::civil::date(1990, 1, 1) + days.days()).at(23, 59, 59, 0).to_zoned_datetime(TimeZone::UTC).unwrap();
        let next = schedule(&expression.text).next_after(&now).map(|next| next.datetime());
        let mut first: jiff::civil::Time = jiff::civil::Time::midnight();
        first = first.with().hour(expression.fields[2].first().copied().unwrap() as i8).build().unwrap();
        first = first.with().minute(expression.fields[1].first().copied().unwrap() as i8).build().unwrap();
        first = first.with().second(expression.fields[0].first().copied().unwrap() as i8).build().unwrap();
        let wanted = now.date().series(1.day()).skip(1).take(366 * 9).map(|date| date.to_datetime(first)).find(|time| expression.fits(*time));
        match wanted {
            Some(wanted) => prop_assert_eq!(next, Some(wanted), "{} after {}", expression.text, now),
            None => prop_assert!(next.is_none_or(|next| next.date() > now.date() + (366 * 9).days()), "{}: {:?}", expression.text, next),
        }
    }

    #[test]
    fn reads_what_it_writes(expression in expression(), ticks in 1..i64::MAX) {
        let first = schedule(&expression.text);
        prop_assert_eq!(schedule(&first.to_string()), first);
        let span = crate::app::TimeSpan::from_ticks(ticks).to_string();
        prop_assert_eq!(schedule(&span).to_string(), span);
    }

    #[test]
    fn five_fields_are_six_with_second_zero(expression in expression()) {
        let (_, rest) = expression.text.split_once(' ').unwrap();
        prop_assert_eq!(schedule(rest), schedule(&format!("0 {rest}")));
    }

    #[test]
    fn never_panics(text: String, near in "[-0-9*/, ?#LWa-zA-Z:.@%é]{0,30}", now in moment()) {
        for text in [text, near] {
            match Schedule::parse(&text) {
                Ok(schedule) => drop(schedule.next_after(&now)),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
