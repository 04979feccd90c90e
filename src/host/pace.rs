//! How slow a client may be that sends a body, or takes one.

use std::time::Duration;

/// Bytes a second that must move in any case: Kestrel's default, the Functions host's server's (`MinRequestBodyDataRate`, `MinResponseDataRate`).
const LEAST_RATE: u64 = 240;
/// In how many seconds as much must move as is held: what takes the host's memory must not rest there for days.
const TURNOVER: u64 = 3600;

/// How many bytes must move within `window` for a client for which `held` bytes are in memory.
pub(super) fn least(held: u64, window: Duration) -> u64 {
    LEAST_RATE.max(held / TURNOVER) * window.as_secs().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_much_held_must_be_quicker() {
        let second = Duration::from_secs(1);
        assert_eq!((least(0, second), least(100_000, second), least(36_000_000, second)), (240, 240, 10_000));
        assert_eq!((least(0, 30 * second), least(36_000_000, 30 * second)), (7200, 300_000));
    }
}
