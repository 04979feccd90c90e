//! The monotonic clock of guests.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime};
use wasmtime_wasi::HostMonotonicClock;

/// One clock for all instances of all processes, so that what an app remembered before its memory was copied is in the past of each copy.
#[derive(Debug)]
pub(super) struct Clock;

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1
    }

    /// Nanoseconds since 1970 as the machine had it when the process began, and from then on by its monotonic clock.
    fn now(&self) -> u64 {
        static START: OnceLock<(Instant, u64)> = OnceLock::new();
        let (instant, nanoseconds) = START.get_or_init(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            (Instant::now(), u64::try_from(since.as_nanos()).unwrap_or_default())
        });
        nanoseconds.saturating_add(u64::try_from(instant.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}
