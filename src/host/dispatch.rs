//! Runs a function for whatever triggered it: an instance, the deadline, the lines on the console. All triggers go through here.

use super::console::Console;
use crate::sandbox::api::{Datum, Failure, Invocation, Outcome, TraceContext};
use crate::sandbox::{InvokeError, Pool, PoolError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What a trigger hands over.
#[derive(Debug)]
pub struct Event {
    /// The trigger's binding, and its value.
    pub input: (String, Datum),
    /// W3C trace context of the event, where it came with one.
    pub traceparent: Option<String>,
    /// The same: vendors' part.
    pub tracestate: Option<String>,
}

/// Why there is no outcome. The console has been told.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The function failed, ran too long or took its interpreter with it.
    #[error("{}: {}", .0.kind, .0.message)]
    Failed(Failure),
    /// No instance could be had.
    #[error(transparent)]
    Unavailable(#[from] PoolError),
}

/// Runs an app's functions.
#[derive(Debug)]
pub struct Dispatcher {
    pool: Pool,
    broken: HashMap<String, Failure>,
    console: Arc<Console>,
    timeout: Option<Duration>,
}

// === impl Dispatcher ===

impl Dispatcher {
    /// `broken` are functions that can't run, with the reason. `timeout` is host.json's `functionTimeout`; nothing means that a function may run
    /// for ever.
    #[must_use]
    pub fn new(pool: Pool, broken: HashMap<String, Failure>, console: Arc<Console>, timeout: Option<Duration>) -> Self {
        Dispatcher { pool, broken, console, timeout }
    }

    /// Runs a function once. Its log lines, and where it fails the reason, are on the console when this returns.
    pub async fn run(&self, function: &str, event: Event) -> Result<Outcome, DispatchError> {
        if let Some(failure) = self.broken.get(function) {
            self.console.failure(failure);
            return Err(DispatchError::Failed(failure.clone()));
        }
        let mut invocation = Invocation {
            id: Uuid::new_v4().to_string(),
            function_name: function.to_owned(),
            beginning: None,
            trace: trace_context(event.traceparent, event.tracestate),
            retry: None,
            trigger_metadata: Vec::new(),
            inputs: vec![event.input],
        };
        let mut instance = self.pool.take().await.inspect_err(|error| self.console.failure(&unavailable(error)))?;
        let started = Instant::now();
        let result = instance.invoke(&mut invocation, self.timeout).await;
        drop(instance);
        let result = result.map_err(failure);
        if let Err(failure) = &result {
            self.console.failure(failure);
        }
        self.console.executed(function, &invocation.id, result.is_ok(), started.elapsed());
        result.map_err(DispatchError::Failed)
    }

    /// Tells that what a function gave back can't be used.
    pub fn reject(&self, message: String) {
        self.console.failure(&Failure { kind: "ValueError".into(), stack: message.clone(), message });
    }
}

fn failure(error: InvokeError) -> Failure {
    let message = error.to_string();
    match error {
        InvokeError::Raised(failure) => failure,
        InvokeError::TimedOut(_) => Failure {
            kind: "FunctionTimeoutException".into(),
            stack: "(stopped by the host; functionTimeout in host.json sets the limit)".into(),
            message,
        },
        InvokeError::Died(_) => {
            Failure { kind: "InterpreterDied".into(), stack: "(the instance is dropped; the next invocation gets another)".into(), message }
        }
    }
}

fn unavailable(error: &PoolError) -> Failure {
    Failure { kind: "NoInstance".into(), message: error.to_string(), stack: "(no code of the app ran)".into() }
}

/// The event's trace goes on, with a span of the host's own; without one a new trace begins (W3C Trace Context, level 1).
fn trace_context(traceparent: Option<String>, tracestate: Option<String>) -> TraceContext {
    let span = &Uuid::new_v4().simple().to_string()[..16];
    match traceparent.as_deref().and_then(trace_id_and_flags) {
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
        let context = trace_context(Some(parent.into()), Some("vendor=1".into()));
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
            let context = trace_context(Some(wrong.into()), Some("vendor=1".into()));
            assert!(trace_id_and_flags(&context.traceparent).is_some());
            assert!(!context.traceparent.contains("4bf92f"));
            assert_eq!(context.tracestate, "");
        }
    }
}
