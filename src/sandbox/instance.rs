//! One isolated interpreter with an app loaded.

use super::Runtime;
use super::api::{App, Beginning, ClonableApp, Configuration, Failure, Invocation, LoadedApp, Outcome, Preloadable};
use super::limits::Limits;
use super::logs::{LogRecord, LogSink, Outlet, Running};
use super::runtime::MOST_BYTES_A_CALL;
use super::slots::{Capture, Image, Lent, with_memory};
use super::state::{Grants, Mounts, State};
use super::streams::Stream;
use super::turns::{Sign, Turn};
use crate::app::Destination;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::error::Elapsed;
use wasmtime::{Store, Trap};
use wasmtime_wasi::I32Exit;

/// Why an invocation gave no outcome.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function raised an exception. The instance lives on.
    #[error("{}: {}", .0.kind, .0.message)]
    Raised(Failure),
    /// It took longer than it may. The instance is dead.
    #[error("it ran longer than {}", in_words(*.0))]
    TimedOut(Duration),
    /// The interpreter died. The instance is dead.
    #[error("the Python interpreter died: {0}")]
    Died(String),
}

/// One interpreter. It takes one call at a time; once dead it stays so.
pub struct Instance {
    store: Store<State>,
    guest: ClonableApp,
    runtime: Arc<Runtime>,
    memory: Arc<Lent>,
    grants: Grants,
    /// What comes with its first invocation.
    configuration: Option<Arc<Configuration>>,
    /// Whether it has run a function of the app.
    used: bool,
    /// Whether the app was loaded into it, and did not come with its memory.
    loaded: bool,
    alive: bool,
}

/// What an instance is made for, beside running functions.
pub(super) struct Purpose {
    /// Gets what the memory holds when the instance is dropped.
    pub(super) capture: Option<Capture>,
    /// Takes what it logs.
    pub(super) logs: Arc<dyn LogSink>,
    /// Settings that the image doesn't have.
    pub(super) configuration: Option<Arc<Configuration>>,
}

/// Takes what a guest without an app logs, which is nothing.
pub(super) struct Silent;

// === impl Purpose ===

impl Purpose {
    /// To run functions that log there.
    pub(super) fn logging(logs: Arc<dyn LogSink>) -> Purpose {
        Purpose { capture: None, logs, configuration: None }
    }
}

// === impl Silent ===

impl LogSink for Silent {
    fn record(&self, _: &LogRecord<'_>) {}
}

// === impl Instance ===

impl Instance {
    /// An instance whose memory begins as `image`.
    pub(super) fn new(
        runtime: &Arc<Runtime>,
        limits: &Limits,
        outbound: &Arc<[Destination]>,
        mounts: &Arc<Mounts>,
        image: &Arc<Image>,
        purpose: Purpose,
    ) -> wasmtime::Result<Self> {
        let grants = Grants {
            mounts: mounts.clone(),
            limits: *limits,
            outbound: outbound.clone(),
            outlet: Arc::new(Outlet::new(purpose.logs)),
            sign: Arc::new(Sign::new(limits.memory_bytes)),
        };
        let mut store = Store::new(&runtime.engine, State::new(&grants));
        store.limiter_async(|state| &mut state.limiter);
        store.set_hostcall_fuel(MOST_BYTES_A_CALL);
        let memory = Lent::of(image);
        let guest = {
            let instantiating = pin!(runtime.guest.instantiate_async(&mut store));
            let mut instantiating = memory.faults().watch(instantiating);
            // There is nothing in it that waits, so the choice of the memory, which holds for this one poll, holds for all of it. Nobody raises the sign yet.
            match with_memory(&memory, purpose.capture, &grants.sign, || {
                Pin::new(&mut instantiating).poll(&mut Context::from_waker(Waker::noop()))
            }) {
                Poll::Ready(guest) => guest?,
                Poll::Pending => wasmtime::bail!("the guest could not be instantiated without waiting"),
            }
        };
        let (runtime, configuration) = (runtime.clone(), purpose.configuration);
        Ok(Instance { store, guest, runtime, memory, grants, configuration, used: false, loaded: false, alive: true })
    }

    /// An instance of the guest without an app.
    pub(super) fn bare(runtime: &Arc<Runtime>, mounts: &Arc<Mounts>) -> wasmtime::Result<Self> {
        Instance::new(runtime, &Limits::default(), &Arc::default(), mounts, &runtime.base, Purpose::logging(Arc::new(Silent)))
    }

    /// Loads an app.
    pub(super) async fn load(&mut self, configuration: &Configuration, app: &App, limit: Duration) -> Result<LoadedApp, InvokeError> {
        let _turn = self.begin();
        self.loaded = true;
        let worker = self.guest.snapfunc_host_worker();
        let loading = async {
            worker.call_configure(&mut self.store, configuration).await?;
            worker.call_load(&mut self.store, app).await
        };
        let result = guarded(&self.grants.sign, &self.memory, limit, loading).await;
        self.end(result, limit)
    }

    /// Imports packages of an app before the app; says which settings they looked for.
    pub(super) async fn preload(
        &mut self,
        configuration: &Configuration,
        app: &App,
        wanted: &Preloadable,
        limit: Duration,
    ) -> Result<Vec<String>, InvokeError> {
        let _turn = self.begin();
        let worker = self.guest.snapfunc_host_worker();
        let preloading = async {
            worker.call_configure(&mut self.store, configuration).await?;
            worker.call_preload(&mut self.store, app, wanted).await
        };
        let result = guarded(&self.grants.sign, &self.memory, limit, preloading).await;
        self.end(result, limit)
    }

    /// Makes the memory fit to be copied; says what stands in the way of that.
    pub(super) async fn prepare_snapshot(&mut self, limit: Duration) -> Result<Vec<String>, InvokeError> {
        let _turn = self.begin();
        let worker = self.guest.snapfunc_host_worker();
        let preparing = async { worker.call_prepare_snapshot(&mut self.store).await.map(Ok) };
        let result = guarded(&self.grants.sign, &self.memory, limit, preparing).await;
        self.end(result, limit)
    }

    /// Warms up what each invocation uses, by invocations of the guest's own function.
    pub(super) async fn warm_up(&mut self, invocations: &[Invocation], limit: Duration) -> Result<(), InvokeError> {
        let _turn = self.begin();
        let worker = self.guest.snapfunc_host_worker();
        let warming = async {
            for invocation in invocations {
                if let Err(failure) = worker.call_invoke(&mut self.store, invocation).await? {
                    return Ok(Err(failure));
                }
            }
            Ok(Ok(()))
        };
        let result = guarded(&self.grants.sign, &self.memory, limit, warming).await;
        self.end(result, limit)
    }

    /// Where in the memory the reference counts of objects are that last as long as the interpreter. Nothing may be called afterwards.
    pub(super) async fn lasting_objects(mut self, limit: Duration) -> Result<Vec<u32>, InvokeError> {
        let _turn = self.begin();
        let worker = self.guest.snapfunc_host_worker();
        let listing = async { worker.call_lasting_objects(&mut self.store).await.map(Ok) };
        let result = guarded(&self.grants.sign, &self.memory, limit, listing).await;
        self.end(result, limit)
    }

    /// Has the guest's libc forget its folders. Nothing may be called afterwards.
    pub(super) async fn forget_folders(mut self, limit: Duration) -> Result<(), InvokeError> {
        let _turn = self.begin();
        let forgetting = async { self.guest.call_reset_preopens(&mut self.store).await.map(Ok) };
        let result = guarded(&self.grants.sign, &self.memory, limit, forgetting).await;
        self.end(result, limit)
    }

    /// What inputs of the next invocation are read from whose datum is a stream.
    pub fn provide(&mut self, streams: Vec<Stream>) {
        self.store.data_mut().streams = streams;
    }

    /// Runs a function. `/tmp` is empty before and after. Without a limit it may run for ever. What it has to begin with is set here.
    ///
    /// A dropped future stops the guest where it is and leaves the instance dead.
    pub async fn invoke(&mut self, invocation: &mut Invocation, limit: Option<Duration>) -> Result<Outcome, InvokeError> {
        let _turn = self.begin();
        invocation.beginning = (!self.used)
            .then(|| Beginning { entropy: rand::random::<[u8; 32]>().to_vec(), configuration: self.configuration.as_deref().cloned() });
        self.used = true;
        let running = Running { function: invocation.function_name.clone(), invocation_id: invocation.id.clone() };
        self.store.data().outlet.set_running(Some(running));
        let limit = limit.unwrap_or(Duration::MAX);
        let calling = self.guest.snapfunc_host_worker().call_invoke(&mut self.store, invocation);
        let result = guarded(&self.grants.sign, &self.memory, limit, calling).await;
        let outcome = self.end(result, limit);
        self.store.data().outlet.set_running(None);
        self.store.data_mut().streams = Vec::new();
        outcome
    }

    /// Makes it as it was when it was made, so that the next invocation finds nothing of those before: cheaper than another instance. False where that can't be
    /// done, because it is dead, has something open or has more memory than at first; then it is of no use any more.
    ///
    /// The memory is all the state that the guest has itself (`build/flatten/invariants.rs`); what the host has for it is made anew.
    pub(super) fn renew(&mut self) -> bool {
        let renewed = self.alive && !self.loaded && self.store.data().nothing_is_open() && self.memory.renew();
        if renewed {
            self.grants.sign.take_down();
            *self.store.data_mut() = State::new(&self.grants);
            self.used = false;
        }
        renewed
    }

    /// For when nobody uses it: gives memory back that it shares with others of the app, until its next invocation.
    pub fn rest(&mut self) {
        self.memory.rest();
    }

    /// Whether its memory is what it was at first.
    #[cfg(test)]
    pub(super) fn is_new(&self) -> bool {
        self.memory.is_the_image()
    }

    /// Whether it can take another call.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.alive
    }

    /// Until `end` says otherwise the instance counts as dead: a future dropped in between leaves it in no state to go on.
    fn begin(&mut self) -> Turn {
        self.alive = false;
        self.runtime.ticker.turn()
    }

    fn end<T>(&mut self, result: Result<wasmtime::Result<Result<T, Failure>>, Elapsed>, limit: Duration) -> Result<T, InvokeError> {
        self.store.data().finish_lines();
        match result {
            Err(_) => Err(InvokeError::TimedOut(limit)),
            Ok(Err(_)) if self.grants.sign.is_stopped() => {
                Err(InvokeError::Died("it computed for long without giving way to others".to_owned()))
            }
            Ok(Err(error)) => Err(InvokeError::Died(why(&error))),
            Ok(Ok(answer)) => {
                // One that was stopped as its call came to its end would be ended by its next.
                self.alive = !self.grants.sign.is_stopped();
                self.store.data_mut().tmp.clear();
                answer.map_err(InvokeError::Raised)
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // A call that was broken off is unwound while nobody watches.
        if !self.alive {
            self.memory.faults().assume();
        }
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("alive", &self.alive).finish_non_exhaustive()
    }
}

/// Runs a call of the guest for so long at the most: its sign can be raised meanwhile, and its page faults are noticed.
async fn guarded<T>(sign: &Arc<Sign>, memory: &Lent, limit: Duration, call: impl Future<Output = T>) -> Result<T, Elapsed> {
    tokio::time::timeout(limit, async { sign.over(memory.faults().watch(pin!(call))).await }).await
}

/// A trap in words that a user of Python understands.
fn why(error: &wasmtime::Error) -> String {
    // Which code it was is not told: WASI knows success and failure alone.
    if error.is::<I32Exit>() {
        return "the code ended it, as os._exit does".to_owned();
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "the call stack is exhausted: calls nest too deeply".to_owned(),
        Some(Trap::UnreachableCodeReached) => "it aborted".to_owned(),
        Some(Trap::MemoryOutOfBounds) => "it touched memory that it does not have".to_owned(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}

fn in_words(limit: Duration) -> String {
    let seconds = limit.as_secs_f64();
    if seconds == 1.0 { "1 second".to_owned() } else { format!("{seconds} seconds") }
}
