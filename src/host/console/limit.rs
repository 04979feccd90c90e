//! How much each function may log: a budget that time refills. What is beyond it is dropped and counted.
//!
//! A function can't use up what another one has. Failures have a budget of their own: a function that was stopped because it did nothing but log is
//! still told of.

use crate::app::LogLimits;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many seconds' worth may come at once.
const BURST_SECONDS: f64 = 8.0;
/// What a record costs beside its bytes: empty ones are not free.
const RECORD_COST: usize = 64;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What a function logs and prints.
    Logged,
    /// How its invocations fail.
    Failure,
}

/// Whether a record is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is, and so many were not before it.
    Written {
        /// They have not been told of.
        dropped: u64,
    },
    /// It is not.
    Dropped,
}

/// The budgets of all functions.
#[derive(Debug)]
pub(super) struct Limiter {
    /// Bytes a second, if there is a limit.
    rate: Option<f64>,
    budgets: Mutex<HashMap<String, [Budget; 2]>>,
}

#[derive(Debug)]
struct Budget {
    /// In bytes. Below zero after a record that was larger than what was left.
    left: f64,
    at: Instant,
    /// Used up: nothing is written until a second's worth has come back, so that there are not as many lines about what was dropped as records.
    closed: bool,
    dropped: u64,
}

// === impl Limiter ===

impl Limiter {
    pub(super) fn new(limits: LogLimits) -> Self {
        #[expect(clippy::cast_precision_loss)] // a limit need not be exact
        let rate = limits.bytes_a_second.map(|bytes| bytes as f64);
        Limiter { rate, budgets: Mutex::default() }
    }

    /// Takes a record of so many bytes out of a function's budget.
    pub(super) fn take(&self, function: &str, kind: Kind, bytes: usize) -> Verdict {
        self.take_at(function, kind, bytes, Instant::now())
    }

    fn take_at(&self, function: &str, kind: Kind, bytes: usize, now: Instant) -> Verdict {
        let Some(rate) = self.rate else { return Verdict::Written { dropped: 0 } };
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budgets) = budgets.get_mut(function) {
            return budgets[kind as usize].take(bytes, rate, now);
        }
        let new = || Budget { left: rate * BURST_SECONDS, at: now, closed: false, dropped: 0 };
        budgets.entry(function.to_owned()).or_insert_with(|| [new(), new()])[kind as usize].take(bytes, rate, now)
    }

    /// How many of a function's records were dropped and not told of. From now on they are.
    pub(super) fn dropped(&self, function: &str) -> u64 {
        if self.rate.is_none() {
            return 0;
        }
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.get_mut(function).map_or(0, |budgets| budgets.iter_mut().map(|budget| std::mem::take(&mut budget.dropped)).sum())
    }
}

// === impl Budget ===

impl Budget {
    fn take(&mut self, bytes: usize, rate: f64, now: Instant) -> Verdict {
        let refilled = self.left + now.saturating_duration_since(self.at).as_secs_f64() * rate;
        self.left = refilled.min(rate * BURST_SECONDS);
        self.at = now;
        self.closed = self.left < if self.closed { rate } else { f64::MIN_POSITIVE };
        if self.closed {
            self.dropped += 1;
            return Verdict::Dropped;
        }
        #[expect(clippy::cast_precision_loss)]
        let cost = bytes.saturating_add(RECORD_COST) as f64;
        self.left -= cost;
        Verdict::Written { dropped: std::mem::take(&mut self.dropped) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const WRITTEN: Verdict = Verdict::Written { dropped: 0 };

    fn limiter(bytes_a_second: Option<u64>) -> Limiter {
        Limiter::new(LogLimits { bytes_a_second, ..LogLimits::default() })
    }

    #[test]
    fn what_is_beyond_the_budget_is_dropped_and_counted_until_a_second_s_worth_is_back() {
        let limiter = limiter(Some(1000));
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let take = |now| limiter.take_at("f", Kind::Logged, 1000 - RECORD_COST, now);
        for _ in 0..8 {
            assert_eq!(take(start), WRITTEN);
        }
        assert_eq!(take(start), Verdict::Dropped);
        assert_eq!(take(after(999)), Verdict::Dropped);
        assert_eq!(take(after(1000)), Verdict::Written { dropped: 2 });
        assert_eq!(take(after(1000)), Verdict::Dropped);
        assert_eq!(limiter.dropped("f"), 1);
        assert_eq!(limiter.dropped("f"), 0);
        // Telling of it gives nothing back.
        assert_eq!(take(after(1000)), Verdict::Dropped);
    }

    #[test]
    fn functions_and_failures_have_budgets_of_their_own() {
        let limiter = limiter(Some(1));
        let take = |function, kind| limiter.take(function, kind, 1_000_000);
        assert_eq!(take("f", Kind::Logged), WRITTEN);
        assert_eq!(take("f", Kind::Logged), Verdict::Dropped);
        assert_eq!(take("f", Kind::Failure), WRITTEN);
        assert_eq!(take("g", Kind::Logged), WRITTEN);
        assert_eq!((limiter.dropped("f"), limiter.dropped("g"), limiter.dropped("h")), (1, 0, 0));
    }

    #[test]
    fn without_a_limit_nothing_is_dropped() {
        let limiter = limiter(None);
        assert!((0..1000).all(|_| limiter.take("f", Kind::Logged, usize::MAX) == WRITTEN));
        assert_eq!(limiter.dropped("f"), 0);
    }

    proptest! {
        #[test]
        fn no_more_is_written_than_the_budget_and_one_record(rate in 1_u64..5000, records in prop::collection::vec((0_usize..3000, 0_u64..400), 1..200)) {
            let limiter = limiter(Some(rate));
            let (start, mut elapsed, mut written, mut largest) = (Instant::now(), Duration::ZERO, 0, 0);
            for (bytes, pause) in records {
                elapsed += Duration::from_millis(pause);
                largest = largest.max(bytes);
                if limiter.take_at("f", Kind::Logged, bytes, start + elapsed) != Verdict::Dropped {
                    written += bytes;
                }
            }
            let budget = rate as f64 * (BURST_SECONDS + elapsed.as_secs_f64());
            prop_assert!(written as f64 <= budget + largest as f64);
        }
    }
}
