//! `retry` in function.json, and in host.json for all functions: what happens after an invocation failed.
//!
//! Fields and checks of the Functions host 4.x (`RetryOptions`).

use std::time::Duration;

use crate::app::fields::Node;
use crate::app::origin::FieldError;

/// Whether and when a failed invocation runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How long to wait.
    pub strategy: RetryStrategy,
    /// How many times it runs again; `None` (-1): until it succeeds.
    pub max_retry_count: Option<u32>,
}

/// How long to wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryStrategy {
    /// Always as long.
    FixedDelay {
        /// How long.
        delay: Duration,
    },
    /// Longer each time.
    ExponentialBackoff {
        /// Before the first retry.
        minimum: Duration,
        /// Never longer than this; not less than `minimum`.
        maximum: Duration,
    },
}

// === impl RetryStrategy ===

impl RetryStrategy {
    /// How long to wait after so many retries: with back-off the minimum, and what is added to it doubles each time.
    ///
    /// The WebJobs SDK adds 0.8 to 1.2 of the minimum at random (`RandomizedExponentialBackoffStrategy`); here it is always the least.
    #[must_use]
    pub fn delay(&self, retries: u32) -> Duration {
        match self {
            RetryStrategy::FixedDelay { delay } => *delay,
            RetryStrategy::ExponentialBackoff { minimum, maximum } => {
                let added = match retries.checked_sub(1) {
                    None => Some(Duration::ZERO),
                    Some(doublings) => (*minimum * 4 / 5).checked_mul(2_u32.saturating_pow(doublings)),
                };
                added.and_then(|added| minimum.checked_add(added)).map_or(*maximum, |delay| delay.min(*maximum))
            }
        }
    }
}

// === impl RetryPolicy ===

impl RetryPolicy {
    /// Reads the `retry` object.
    pub(in crate::app) fn read(node: &Node<'_>) -> Result<RetryPolicy, FieldError> {
        let required = |name, remedy| node.get(name).ok_or_else(|| node.missing(name, remedy));
        let interval = |name| required(name, "add a time span like `00:00:10`")?.duration();

        let strategy = required("strategy", "add `fixedDelay` or `exponentialBackoff`")?;
        let max_retry_count = required("maxRetryCount", "add a number, or -1 for no limit")?.integer(-1, i64::from(i32::MAX))?;
        let strategy = match strategy.text()?.to_ascii_lowercase().as_str() {
            "fixeddelay" => RetryStrategy::FixedDelay { delay: interval("delayInterval")? },
            "exponentialbackoff" => {
                let (minimum, maximum) = (interval("minimumInterval")?, interval("maximumInterval")?);
                if minimum > maximum {
                    return Err(node.error("must not have a minimumInterval longer than its maximumInterval"));
                }
                RetryStrategy::ExponentialBackoff { minimum, maximum }
            }
            _ => return Err(strategy.expected("fixedDelay or exponentialBackoff")),
        };
        Ok(RetryPolicy { strategy, max_retry_count: u32::try_from(max_retry_count).ok() })
    }
}
