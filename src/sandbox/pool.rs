//! An app's instances. The one that was used last is taken first, so that module state lasts and the others can be let go; more are made while
//! invocations wait; a dead one is dropped and replaced when it is needed.

use super::api::LoadedFunction;
use super::instance::Instance;
use super::template::{Template, TemplateError};
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;

/// How many instances an app may have.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Alive at once. At least 1.
    pub instances: usize,
    /// Being made at once. Making one keeps a core busy. At least 1.
    pub starting: usize,
}

/// Why no instance could be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PoolError {
    /// Making one failed.
    #[error("{0}")]
    Template(Arc<TemplateError>),
    /// The host is shutting down.
    #[error("the host is stopping")]
    Closed,
}

/// The instances of one app.
#[derive(Debug, Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

/// An instance on loan: it goes back when this is dropped, or is let go if it died.
#[derive(Debug)]
pub struct Lease {
    instance: Option<Instance>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    template: Template,
    limits: PoolLimits,
    state: Mutex<State>,
}

/// Invariant: `alive` counts the idle ones and those on loan; where someone waits, nothing is idle.
#[derive(Debug, Default)]
struct State {
    idle: Vec<Instance>,
    waiting: VecDeque<oneshot::Sender<Result<Lease, PoolError>>>,
    alive: usize,
    starting: usize,
}

// === impl Pool ===

impl Pool {
    /// Makes the first instance, and tells of each function whether it could be loaded.
    pub async fn start(template: Template, limits: PoolLimits) -> Result<(Pool, Vec<LoadedFunction>), TemplateError> {
        let (first, loaded) = template.instantiate().await?;
        let state = State { idle: vec![first], alive: 1, ..State::default() };
        Ok((Pool { shared: Arc::new(Shared { template, limits, state: Mutex::new(state) }) }, loaded))
    }

    /// Takes an instance; waits for one where all are busy and no more may be made.
    pub async fn take(&self) -> Result<Lease, PoolError> {
        let waiter = {
            let mut state = self.shared.lock();
            if let Some(instance) = state.idle.pop() {
                return Ok(self.shared.lend(instance));
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            self.shared.start_more(&mut state);
            receiver
        };
        waiter.await.unwrap_or(Err(PoolError::Closed))
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lend(self: &Arc<Self>, instance: Instance) -> Lease {
        Lease { instance: Some(instance), shared: self.clone() }
    }

    /// Starts as many instances as there are waiting invocations that none under way will serve, within the limits.
    fn start_more(self: &Arc<Self>, state: &mut State) {
        while state.starting < state.waiting.len().min(self.limits.starting) && state.alive + state.starting < self.limits.instances {
            state.starting += 1;
            let shared = self.clone();
            tokio::spawn(async move { shared.start_one().await });
        }
    }

    async fn start_one(self: Arc<Self>) {
        let started = Instant::now();
        let made = self.template.instantiate().await;
        tracing::debug!(took = ?started.elapsed(), made = made.is_ok(), "an instance was started");
        let mut state = self.lock();
        state.starting -= 1;
        match made {
            Ok((instance, _)) => {
                state.alive += 1;
                self.hand_on(state, instance);
            }
            Err(error) => {
                let error = PoolError::Template(Arc::new(error));
                // Those who wait may still be served by an instance on loan; where there is none, nobody will come.
                let hopeless = if state.alive == 0 { state.waiting.len() } else { state.waiting.len().min(1) };
                for waiter in state.waiting.drain(..hopeless) {
                    let _ = waiter.send(Err(error.clone()));
                }
            }
        }
    }

    /// Gives an instance to whoever waits longest, or keeps it.
    fn hand_on(self: &Arc<Self>, mut state: MutexGuard<'_, State>, instance: Instance) {
        let mut lease = self.lend(instance);
        while let Some(waiter) = state.waiting.pop_front() {
            match waiter.send(Ok(lease)) {
                Ok(()) => return self.start_more(&mut state),
                // Whoever waited has gone.
                Err(Ok(back)) => lease = back,
                Err(Err(_)) => return,
            }
        }
        state.idle.extend(lease.instance.take());
    }
}

// === impl Lease ===

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(instance) = self.instance.take() else { return };
        let mut state = self.shared.lock();
        if instance.is_alive() {
            self.shared.hand_on(state, instance);
        } else {
            tracing::debug!("a dead instance is dropped");
            state.alive -= 1;
            self.shared.start_more(&mut state);
        }
    }
}

impl Deref for Lease {
    type Target = Instance;

    #[allow(clippy::expect_used)] // only `drop` takes it out
    fn deref(&self) -> &Instance {
        self.instance.as_ref().expect("a lease holds its instance until it is dropped")
    }
}

impl DerefMut for Lease {
    #[allow(clippy::expect_used)] // only `drop` takes it out
    fn deref_mut(&mut self) -> &mut Instance {
        self.instance.as_mut().expect("a lease holds its instance until it is dropped")
    }
}
