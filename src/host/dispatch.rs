//! Runs a function for whatever triggered it: its inputs, an instance, the deadline, retries, its outputs, the lines on the console. All triggers go
//! through here.

use super::console::Console;
use super::inputs::{self, Inputs};
use super::outputs::{self, Time};
use crate::app::{LogLevel, RetryPolicy};
use crate::bindings::event::{Event, NotRun, Runner};
use crate::bindings::expression;
use crate::bindings::{BindingError, Input, Output, Scope};
use crate::sandbox::api::{Failure, Invocation, Outcome, RetryContext, TraceContext};
use crate::sandbox::{InvokeError, Lease, Pool, PoolError, Stream};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use uuid::Uuid;

/// How often it is looked whether invocations are still under way, when the host stops.
const LOOK: Duration = Duration::from_millis(10);

/// Why there is no outcome. The console has been told.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The function failed, ran too long or took its interpreter with it, or one of its bindings failed.
    #[error("{}: {}", .0.kind, .0.message)]
    Failed(Failure),
    /// No instance could be had.
    #[error(transparent)]
    Unavailable(#[from] PoolError),
}

/// A function as it is run.
#[derive(Debug, Default)]
pub struct Runnable {
    /// Its input bindings, without the trigger's.
    pub inputs: Vec<(String, Arc<dyn Input>)>,
    /// Its output bindings, without those of type `http`.
    pub outputs: Vec<(String, Arc<dyn Output>)>,
    /// What happens after a failure.
    pub retry: Option<RetryPolicy>,
    /// Why it can't run.
    pub broken: Option<Failure>,
}

/// Runs an app's functions.
#[derive(Debug)]
pub struct Dispatcher {
    pool: Pool,
    functions: HashMap<String, Arc<Runnable>>,
    console: Arc<Console>,
    timeout: Option<Duration>,
    running: Arc<AtomicUsize>,
    listening: Arc<AtomicUsize>,
}

/// Counts an invocation, or a trigger that listens, as long as it lives.
pub(super) struct Counted(Arc<AtomicUsize>);

/// One attempt at an invocation, with all that it needs to come to its end by itself.
struct Attempt {
    dispatcher: Arc<Dispatcher>,
    runnable: Arc<Runnable>,
    event: Arc<Event>,
    /// When it began.
    now: Timestamp,
    invocation: Invocation,
    streams: Vec<Stream>,
    _counted: Arc<Counted>,
}

/// A future that goes on by itself where it is dropped before its end. A task of its own from the beginning would do that too, but have another thread woken for
/// each invocation.
struct Unbroken<T: 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

/// Runs one of them for its trigger.
#[derive(Debug)]
pub(super) struct FunctionRunner {
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) function: String,
}

// === impl Dispatcher ===

impl Dispatcher {
    /// `timeout` is host.json's `functionTimeout`; nothing means that a function may run for ever.
    #[must_use]
    pub fn new(pool: Pool, functions: HashMap<String, Runnable>, console: Arc<Console>, timeout: Option<Duration>) -> Self {
        let functions = functions.into_iter().map(|(name, runnable)| (name, Arc::new(runnable))).collect();
        Dispatcher { pool, functions, console, timeout, running: Arc::default(), listening: Arc::default() }
    }

    /// Counts a trigger that listens.
    pub(super) fn listens(&self) -> Counted {
        Counted::new(&self.listening)
    }

    /// How many triggers listen, or end what they have begun.
    #[must_use]
    pub fn listening(&self) -> usize {
        self.listening.load(Ordering::Relaxed)
    }

    /// How many invocations are under way.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Whether a function has bindings that are filled in from what its trigger brings.
    #[must_use]
    pub fn needs_data(&self, function: &str) -> bool {
        self.functions.get(function).is_some_and(|function| !function.inputs.is_empty() || !function.outputs.is_empty())
    }

    /// Waits until no invocation is under way, but no longer than `most`. Says whether it came to that.
    pub async fn rests(&self, most: Duration) -> bool {
        let rest = async {
            while self.running() > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(most, rest).await.is_ok()
    }

    /// Runs a function, and again where its retry policy says so. Its log lines, and where it fails the reason, are on the console when this returns; its
    /// outputs are stored, but for those of HTTP. Where nobody waits for that any more, what has got its instance goes on to its end all the same: a client
    /// that breaks off must not leave things half done, and no line of it.
    pub async fn run(self: &Arc<Self>, function: &str, event: Event) -> Result<Outcome, DispatchError> {
        self.run_to(function, event, Ok::<_, Infallible>).await
    }

    /// The same for a trigger that answers: `answer` makes its answer of the outcome. Where it can't, the invocation has failed.
    pub(super) async fn run_to<T, E>(
        self: &Arc<Self>,
        function: &str,
        event: Event,
        answer: impl Fn(Outcome) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, DispatchError>
    where
        T: Send + 'static,
        E: Display + 'static,
    {
        let (counted, event) = (Arc::new(Counted::new(&self.running)), Arc::new(event));
        let Some(runnable) = self.functions.get(function) else {
            return Err(self.fail(function, not_there(function)));
        };
        if let Some(failure) = &runnable.broken {
            return Err(self.fail(function, failure.clone()));
        }
        let mut attempt = runnable.retry.map(|policy| RetryContext { count: 0, max_count: most(&policy), last_failure: None });
        loop {
            let result = self.attempt(function, runnable, &event, attempt.clone(), &counted, answer.clone()).await;
            let (Some(policy), Err(DispatchError::Failed(failure)), Some(attempt)) = (&runnable.retry, &result, &mut attempt) else {
                return result;
            };
            if policy.max_retry_count.is_some_and(|most| attempt.count >= most) {
                return result;
            }
            let wait = policy.strategy.delay(attempt.count);
            *attempt = RetryContext { count: attempt.count + 1, last_failure: Some(failure.clone()), ..*attempt };
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt<T: Send + 'static, E: Display + 'static>(
        self: &Arc<Self>,
        function: &str,
        runnable: &Arc<Runnable>,
        event: &Arc<Event>,
        retry: Option<RetryContext>,
        counted: &Arc<Counted>,
        answer: impl Fn(Outcome) -> Result<T, E> + Send + 'static,
    ) -> Result<T, DispatchError> {
        let now = Timestamp::now();
        let scope = Scope { data: &event.data, context: expression::Context { method_name: function, now } };
        let Inputs { datums, streams } =
            inputs::fetch(runnable, event, &scope, self.timeout).await.map_err(|failure| self.fail(function, failure))?;
        let invocation = Invocation {
            id: Uuid::new_v4().to_string(),
            function_name: function.to_owned(),
            beginning: None,
            trace: trace_context(event.traceparent.as_deref(), event.tracestate.clone()),
            retry,
            trigger_metadata: event.metadata.clone(),
            inputs: datums,
        };
        let instance = self.pool.take().await.inspect_err(|error| self.console.failed(function, None, &unavailable(error)))?;
        let attempt = Attempt {
            dispatcher: self.clone(),
            runnable: runnable.clone(),
            event: event.clone(),
            now,
            invocation,
            streams,
            _counted: counted.clone(),
        };
        Unbroken(Some(Box::pin(attempt.run(instance, answer)))).await
    }

    /// The same by a name whose case doesn't count.
    pub async fn run_ignoring_case(self: &Arc<Self>, function: &str, event: Event) -> Result<Outcome, DispatchError> {
        self.run(self.known(function), event).await
    }

    /// Tells that what a function was to get can't be used. The case of its name doesn't count.
    pub fn reject(&self, function: &str, message: impl Display) {
        let function = self.known(function);
        self.console.failed(function, None, &unusable(function, message));
    }

    /// Tells why no function can be invoked.
    pub fn complain(&self, message: &str) {
        self.console.host_failed(&Failure { kind: "ValueError".into(), stack: message.into(), message: message.into() });
    }

    /// A function's name as it is written.
    fn known<'a>(&'a self, function: &'a str) -> &'a str {
        self.functions.keys().find(|known| known.eq_ignore_ascii_case(function)).map_or(function, String::as_str)
    }

    fn fail(&self, function: &str, failure: Failure) -> DispatchError {
        self.console.failed(function, None, &failure);
        DispatchError::Failed(failure)
    }
}

// === impl Attempt ===

impl Attempt {
    async fn run<T, E: Display>(self, mut instance: Lease, answer: impl Fn(Outcome) -> Result<T, E>) -> Result<T, DispatchError> {
        let Attempt { dispatcher, runnable, event, now, mut invocation, streams, _counted } = self;
        let time = Time { started: Instant::now(), limit: dispatcher.timeout };
        instance.provide(streams);
        let result = instance.invoke(&mut invocation, time.limit).await;
        let held = result.as_ref().is_ok_and(|outcome| outputs::are_large(&runnable, outcome)).then_some(instance);
        let function = &invocation.function_name;
        let scope = Scope { data: &event.data, context: expression::Context { method_name: function, now } };
        let result = match result.map_err(failure) {
            Ok(outcome) => outputs::store(&runnable, outcome, &scope, time).await,
            Err(failure) => Err(failure),
        };
        drop(held);
        let result = result.and_then(|outcome| answer(outcome).map_err(|error| unusable(function, error)));
        if let Err(failure) = &result {
            dispatcher.console.failed(function, Some(&invocation.id), failure);
        }
        dispatcher.console.executed(function, &invocation.id, result.is_ok(), time.started.elapsed());
        result.map_err(DispatchError::Failed)
    }
}

// === impl Unbroken ===

impl<T> Future for Unbroken<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Taken out, so that one that panicked is not polled again.
        let Some(mut future) = self.0.take() else { return Poll::Pending };
        let polled = future.as_mut().poll(context);
        if polled.is_pending() {
            self.0 = Some(future);
        }
        polled
    }
}

impl<T> Drop for Unbroken<T> {
    fn drop(&mut self) {
        if let Some(future) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                future.await;
            });
        }
    }
}

// === impl Counted ===

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl FunctionRunner ===

#[async_trait]
impl Runner for FunctionRunner {
    async fn run(&self, event: Event) -> Result<(), NotRun> {
        match self.dispatcher.run(&self.function, event).await {
            Ok(_) => Ok(()),
            Err(DispatchError::Failed(_)) => Err(NotRun::Failed),
            Err(DispatchError::Unavailable(_)) => Err(NotRun::Unavailable),
        }
    }

    fn tell(&self, level: LogLevel, text: &str) {
        self.dispatcher.console.host(level, &format!("{}: {text}", self.function));
    }
}

/// As the guest has it: -1 for no limit.
fn most(policy: &RetryPolicy) -> i32 {
    policy.max_retry_count.map_or(-1, |most| i32::try_from(most).unwrap_or(i32::MAX))
}

pub(super) fn binding_failure(error: &BindingError) -> Failure {
    let message = error.to_string();
    Failure { kind: "BindingError".into(), stack: "(a binding failed, not the code of the app)".into(), message }
}

/// What a function was to get, or gave back, is of no use.
fn unusable(function: &str, message: impl Display) -> Failure {
    let message = format!("function {function}: {message}");
    Failure { kind: "ValueError".into(), stack: message.clone(), message }
}

/// It took longer than `functionTimeout`; `when` says for which part that it was stopped.
pub(super) fn timed_out(message: String, when: &str) -> Failure {
    let stack = format!("(stopped by the host{when}; functionTimeout in host.json sets the limit)");
    Failure { kind: "FunctionTimeoutException".into(), stack, message }
}

fn not_there(function: &str) -> Failure {
    let message = format!("there is no function {function}");
    Failure { kind: "FunctionNotFound".into(), stack: message.clone(), message }
}

fn failure(error: InvokeError) -> Failure {
    let message = error.to_string();
    match error {
        InvokeError::Raised(failure) => failure,
        InvokeError::TimedOut(_) => timed_out(message, ""),
        InvokeError::Died(_) => {
            Failure { kind: "InterpreterDied".into(), stack: "(the instance is dropped; the next invocation gets another)".into(), message }
        }
    }
}

fn unavailable(error: &PoolError) -> Failure {
    Failure { kind: "NoInstance".into(), message: error.to_string(), stack: "(no code of the app ran)".into() }
}

/// The event's trace goes on, with a span of the host's own; without one a new trace begins (W3C Trace Context, level 1).
fn trace_context(traceparent: Option<&str>, tracestate: Option<String>) -> TraceContext {
    let span = &Uuid::new_v4().simple().to_string()[..16];
    match traceparent.and_then(trace_id_and_flags) {
        Some((trace, flags)) => {
            TraceContext { traceparent: format!("00-{trace}-{span}-{flags}"), tracestate: tracestate.unwrap_or_default() }
        }
        None => TraceContext { traceparent: format!("00-{}-{span}-00", Uuid::new_v4().simple()), tracestate: String::new() },
    }
}

fn trace_id_and_flags(traceparent: &str) -> Option<(&str, &str)> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let known = is_hex(version, 2) && version != "ff" && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    (known && !is_zero(trace) && !is_zero(span)).then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_with_a_span_of_its_own() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context = trace_context(Some(parent), Some("vendor=1".into()));
        assert!(context.traceparent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{}", context.traceparent);
        assert!(context.traceparent.ends_with("-01") && context.traceparent != parent);
        assert_eq!(context.tracestate, "vendor=1");
    }

    #[test]
    fn what_is_no_trace_starts_a_new_one() {
        for wrong in [
            "",
            "garbage",
            "00-0-0-0",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let context = trace_context(Some(wrong), Some("vendor=1".into()));
            assert!(trace_id_and_flags(&context.traceparent).is_some());
            assert!(!context.traceparent.contains("4bf92f"));
            assert_eq!(context.tracestate, "");
        }
    }
}
