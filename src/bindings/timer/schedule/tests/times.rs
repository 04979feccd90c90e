//! When schedules run on a clock that never jumps.

use super::{at, runs, schedule};

fn utc(expression: &str, after: &str, count: usize) -> Vec<String> {
    runs(expression, "UTC", after, count).iter().map(|run| run.trim_end_matches(" +00:00").to_owned()).collect()
}

#[test]
fn strictly_after() {
    assert_eq!(utc("* * * * * *", "2024-05-31T12:00:00", 2), ["2024-05-31 12:00:01", "2024-05-31 12:00:02"]);
    assert_eq!(utc("0 0 12 * * *", "2024-05-31T12:00:00", 1), ["2024-06-01 12:00:00"]);
    assert_eq!(utc("0 0 12 * * *", "2024-05-31T11:59:59.999999999", 1), ["2024-05-31 12:00:00"]);
    assert_eq!(utc("* * * * * *", "1969-12-31T23:59:58.5", 2), ["1969-12-31 23:59:59", "1970-01-01 00:00:00"]);
}

#[test]
fn fields_carry() {
    assert_eq!(utc("30 59 23 * * *", "2024-12-31T23:59:30", 1), ["2025-01-01 23:59:30"]);
    assert_eq!(utc("0 0 0 1 1 *", "2024-01-01T00:00:00", 2), ["2025-01-01 00:00:00", "2026-01-01 00:00:00"]);
    assert_eq!(
        utc("10,50 20,40 6,18 * * *", "2024-01-01T06:40:10", 3),
        ["2024-01-01 06:40:50", "2024-01-01 18:20:10", "2024-01-01 18:20:50"]
    );
    assert_eq!(
        utc("0 0 0 15,31 * *", "2024-01-15T00:00:00", 4),
        ["2024-01-31 00:00:00", "2024-02-15 00:00:00", "2024-03-15 00:00:00", "2024-03-31 00:00:00"]
    );
}

#[test]
fn day_and_weekday_must_both_fit() {
    assert_eq!(utc("0 0 0 13 * Fri", "2024-01-01T00:00:00", 2), ["2024-09-13 00:00:00", "2024-12-13 00:00:00"]);
    assert_eq!(utc("0 30 9 * * 1-5", "2024-05-31T10:00:00", 2), ["2024-06-03 09:30:00", "2024-06-04 09:30:00"]);
}

#[test]
fn rare_dates_come_and_impossible_ones_never() {
    assert_eq!(utc("0 0 0 29 2 Sun", "2004-03-01T00:00:00", 2), ["2032-02-29 00:00:00", "2060-02-29 00:00:00"]);
    assert_eq!(utc("0 0 * 29 2 Mon", "2024-03-01T00:00:00", 1), ["2044-02-29 00:00:00"]);
    for never in ["0 0 0 30 2 *", "* * * 30,31 2 *", "0 0 0 31 2,4,6,9,11 *"] {
        assert_eq!(schedule(never).next_after(&at("Europe/Berlin", "2024-01-01T00:00:00")), None, "{never}");
    }
}

#[test]
fn time_ends() {
    for text in ["* * * * * *", "0 0 1 * * *", "0 0 0 1 1 *", "00:00:01", "10675199.00:00:00"] {
        let (schedule, mut now) = (schedule(text), at("Europe/Berlin", "9999-12-30T00:00:00"));
        for _ in 0..200_000 {
            match schedule.next_after(&now) {
                Some(next) => now = next,
                None => break,
            }
        }
        assert_eq!(schedule.next_after(&now), None, "{text}");
    }
}

#[test]
fn intervals_count_from_the_given_moment() {
    assert_eq!(utc("00:05:00", "2024-05-31T12:00:01.25", 2), ["2024-05-31 12:05:01", "2024-05-31 12:10:01"]);
    assert_eq!(runs("1.00:00:00", "Europe/Berlin", "2024-03-30T12:00:00", 1), ["2024-03-31 13:00:00 +02:00"]);
}
