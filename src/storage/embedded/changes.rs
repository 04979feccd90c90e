//! Who waits for messages or blobs, and is to be woken.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What can be waited for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Queue(String),
    Container(String),
}

/// The places that somebody waits for.
#[derive(Debug, Default)]
pub(super) struct Changes(Mutex<HashMap<Place, watch::Sender<()>>>);

// === impl Changes ===

impl Changes {
    pub(super) fn subscribe(&self, place: Place) -> watch::Receiver<()> {
        self.lock().entry(place).or_default().subscribe()
    }

    /// Something came to a place.
    pub(super) fn tell(&self, place: &Place) {
        if let Some(sender) = self.lock().get(place) {
            sender.send_replace(());
        }
    }

    /// Something may have come to any place.
    pub(super) fn tell_all(&self) {
        for sender in self.lock().values() {
            sender.send_replace(());
        }
    }

    /// Whether anybody waits. Forgets places that nobody waits for any more.
    pub(super) fn is_watched(&self) -> bool {
        let mut places = self.lock();
        places.retain(|_, sender| sender.receiver_count() > 0);
        !places.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
