//! When a call that failed is tried again, and what is sure about it.

use crate::storage::StorageError;
use std::time::Duration;

/// How often a call is sent at most.
const TRIES: u32 = 4;
/// No try begins later than this after the first.
const PATIENCE: Duration = Duration::from_secs(8);
/// Before the second try, about. Each further one doubles it.
const FIRST: Duration = Duration::from_millis(250);

/// Why a try failed, in a way that may pass.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What is told when there is no further try.
    pub(super) error: StorageError,
    /// Whether the service surely did nothing.
    pub(super) undone: bool,
    /// How long the service wants to be left alone.
    pub(super) asked: Option<Duration>,
}

/// How long to wait after so many tries; nothing: no longer. `chance` is between 0 and 1, so that many hosts don't come back at the same moment.
pub(super) fn pause(tries: u32, elapsed: Duration, asked: Option<Duration>, chance: f64) -> Option<Duration> {
    if tries >= TRIES {
        return None;
    }
    let wait = FIRST.saturating_mul(1 << tries.saturating_sub(1)).mul_f64(0.5 + chance.clamp(0.0, 1.0));
    let wait = wait.max(asked.unwrap_or_default());
    (elapsed.saturating_add(wait) <= PATIENCE).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let pauses = |chance| (1..=5).map_while(move |tries| pause(tries, Duration::ZERO, None, chance)).collect::<Vec<_>>();
        assert_eq!(pauses(0.5), [250, 500, 1000].map(Duration::from_millis));
        assert_eq!(pauses(0.0), [125, 250, 500].map(Duration::from_millis));
        assert_eq!(pauses(1.0), [375, 750, 1500].map(Duration::from_millis));
    }

    #[test]
    fn patience_ends() {
        let seconds = Duration::from_secs;
        assert!(pause(1, seconds(7), None, 0.5).is_some() && pause(1, seconds(8), None, 0.5).is_none());
        assert_eq!(pause(1, Duration::ZERO, Some(seconds(3)), 0.5), Some(seconds(3)));
        assert_eq!(pause(1, Duration::ZERO, Some(seconds(60)), 0.5), None);
        assert_eq!(pause(1, Duration::MAX, Some(Duration::MAX), 0.5), None);
    }
}
