//! Waits that grow, with some chance in them so that hosts don't march in step.

use std::time::Duration;

/// How long to wait next.
#[derive(Debug, Clone)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    current: Duration,
}

// === impl Backoff ===

impl Backoff {
    /// Between the shortest and the longest.
    #[must_use]
    pub fn new(shortest: Duration, longest: Duration) -> Self {
        Backoff { shortest, longest: longest.max(shortest), current: shortest }
    }

    /// The next wait: each is about twice the one before.
    pub fn wait(&mut self) -> Duration {
        let wait = self.current.mul_f64(rand::random_range(0.8..=1.2)).clamp(self.shortest, self.longest);
        self.current = (self.current * 2).min(self.longest);
        wait
    }

    /// It begins anew.
    pub fn reset(&mut self) {
        self.current = self.shortest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let waits: Vec<_> = (0..10).map(|_| backoff.wait()).collect();
        assert!(waits.iter().all(|wait| (Duration::from_millis(100)..=Duration::from_secs(1)).contains(wait)), "{waits:?}");
        assert!(waits[9] >= Duration::from_millis(800) && waits[0] <= Duration::from_millis(120), "{waits:?}");
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(120));
    }
}
