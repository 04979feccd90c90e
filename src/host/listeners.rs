//! The triggers of an app that is served, but for HTTP: each listens in a task of its own.

use super::dispatch::{Dispatcher, FunctionRunner};
use crate::bindings::Trigger;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Triggers that listen. Dropping them breaks off what they have begun.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<Listening>);

#[derive(Debug, Default)]
struct Listening {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

// === impl Listeners ===

impl Listeners {
    /// Has each trigger begin to listen. Those that were stopped end what they have begun.
    pub(super) fn start(&self, triggers: &[(String, Arc<dyn Trigger>)], dispatcher: &Arc<Dispatcher>) {
        let mut listening = self.get();
        listening.stop = CancellationToken::new();
        for (function, trigger) in triggers {
            let (trigger, stop) = (trigger.clone(), listening.stop.clone());
            let runner = Arc::new(FunctionRunner { dispatcher: dispatcher.clone(), function: function.clone() });
            let counted = dispatcher.listens();
            listening.tasks.spawn(async move {
                trigger.listen(runner, stop).await;
                drop(counted);
            });
        }
    }

    /// Has them take no more events.
    pub(super) fn stop(&self) {
        self.get().stop.cancel();
    }

    /// Waits until what they have begun has ended, at most for so long. Says whether it has.
    pub(super) async fn ended(&self, limit: Duration) -> bool {
        let mut tasks = std::mem::take(&mut self.get().tasks);
        tokio::time::timeout(limit, async { while tasks.join_next().await.is_some() {} }).await.is_ok()
    }

    fn get(&self) -> MutexGuard<'_, Listening> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
