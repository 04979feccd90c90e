//! Schedules: what they mean, what is refused, and what happens when clocks change.

mod clocks;
mod parsing;
mod properties;
mod times;

use super::Schedule;
use jiff::ZonedDateTime;

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text).unwrap_or_else(|error| panic!("`{text}` {error}"))
}

/// A moment as `2024-03-31T01:59:59` or, where that is not one moment, with an offset: `2024-10-27T02:30:00+01:00`.
fn at(zone: &str, text: &str) -> ZonedDateTime {
    format!("{text}[{zone}]").parse().unwrap()
}

/// The first runs after a moment, as local times with their offsets.
fn runs(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = schedule(expression);
    let runs = std::iter::successors(schedule.next_after(&at(zone, after)), |run| schedule.next_after(run));
    runs.take(count).map(|run| run.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()).collect()
}
