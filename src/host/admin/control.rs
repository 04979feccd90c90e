//! What the admin API asks of the host.

use tokio::sync::{Notify, watch};

/// Requests to the host, which whoever runs it carries out.
#[derive(Debug)]
pub struct Control {
    drained: watch::Sender<bool>,
    restart: Notify,
}

// === impl Control ===

impl Default for Control {
    fn default() -> Self {
        Control { drained: watch::Sender::new(false), restart: Notify::new() }
    }
}

impl Control {
    /// No trigger but HTTP is to take new events, or all are again.
    pub(super) fn drain(&self, drained: bool) {
        self.drained.send_replace(drained);
    }

    /// Whether triggers are to take no events.
    pub(in crate::host) fn is_drained(&self) -> bool {
        *self.drained.borrow()
    }

    /// Tells when that changes.
    pub(in crate::host) fn follow(&self) -> watch::Receiver<bool> {
        self.drained.subscribe()
    }

    /// The app is to be read and loaded anew.
    pub(super) fn restart(&self) {
        self.restart.notify_one();
    }

    /// Waits until the app is to be read and loaded anew.
    pub async fn restarted(&self) {
        self.restart.notified().await;
    }
}
