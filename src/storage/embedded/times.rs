//! Times as the database has them: microseconds since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second of the year 9999, which Azure Storage has for "never" too.
pub(super) const NEVER: i64 = 253_402_300_799_000_000;

pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

/// So long after a time, but no later than never.
pub(super) fn after(time: i64, duration: Duration) -> i64 {
    time.saturating_add(micros(duration)).min(NEVER)
}

pub(super) fn system(time: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(time).unwrap_or(0))
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(NEVER)
}
