//! Snapshots that are being written while their apps are served already.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Threads that write snapshots. When this is dropped, they are waited for.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Keeping(Mutex<Vec<JoinHandle<()>>>);

// === impl Keeping ===

impl Keeping {
    /// Has `write` run in a thread of its own.
    pub(in crate::sandbox) fn begin(&self, write: impl FnOnce() + Send + 'static) {
        match thread::Builder::new().name("snapshot".into()).spawn(write) {
            Ok(thread) => {
                let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
            }
            Err(error) => tracing::warn!(%error, "the app's snapshot is not kept: the next start loads the app again"),
        }
    }

    /// Waits until all that began is written. Blocks the thread.
    pub(in crate::sandbox) fn wait(&self) {
        let threads = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::warn!("the app's snapshot was not kept: the next start loads the app again");
            }
        }
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.wait();
    }
}
