//! Takes a calendar to a time zone, whose clock jumps: see "When the clocks change" in the module above.

use super::calendar::Calendar;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// The first run after `now`.
pub(super) fn next_after(calendar: &Calendar, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    // Times have whole seconds, so the first moment after `now` that can be one is the next tick of the clock.
    let start = Timestamp::from_second(now.as_second().checked_add(i64::from(now.subsec_nanosecond() >= 0))?).ok()?;
    if calendar.has_all_hours() { next_shown(calendar, start, zone) } else { next_meant(calendar, start, zone) }
}

/// The first moment from `start` on at which the clock shows a time of the calendar.
fn next_shown(calendar: &Calendar, mut start: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    // Between two jumps the clock runs evenly, and one offset leads from it to real time.
    loop {
        let offset = zone.to_offset(start);
        let jump = zone.following(start).next().map(|jump| jump.timestamp());
        let shown = calendar.from(offset.to_datetime(start))?;
        let moment = offset.to_timestamp(shown).ok();
        match (moment, jump) {
            (Some(moment), Some(jump)) if moment >= jump => start = jump,
            (Some(moment), _) => return Some(moment),
            (None, jump) => start = jump?,
        }
    }
}

/// The first moment from `start` on that stands for a time of the calendar.
fn next_meant(calendar: &Calendar, start: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    moment_of(calendar.from(earliest(start, zone)?)?, zone)
}

/// The earliest time of the clock that `start` or a later moment stands for. Later times stand for later moments, or the same.
fn earliest(start: Timestamp, zone: &TimeZone) -> Option<DateTime> {
    let shown = zone.to_datetime(start);
    let instant = SignedDuration::from_nanos(1);
    let Some(jump) = zone.preceding(start.checked_add(instant).ok()?).next().map(|jump| jump.timestamp()) else { return Some(shown) };
    // What the clock would have shown had it not jumped: where a gap begins, or where the repeated times end.
    let unmoved = zone.to_offset(jump.checked_sub(instant).ok()?).to_datetime(jump);
    // The first moment after a gap stands for all that was left out; repeated times have had their moment.
    Some(if jump == start { unmoved } else { shown.max(unmoved) })
}

/// The one moment that stands for a time of the clock.
fn moment_of(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => offset.to_timestamp(time).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            let before_the_jump = after.to_timestamp(time).ok()?;
            zone.following(before_the_jump).find(|jump| jump.offset() == after).map(|jump| jump.timestamp())
        }
    }
}
