//! Stores what a function gave out, within the time that the function has.
//!
//! On Azure too the writing of outputs is a part of the invocation, which `functionTimeout` bounds. Without that a list of a million messages would be written for
//! hours after its function has ended.

use super::dispatch::{Runnable, binding_failure, timed_out};
use crate::bindings::Scope;
use crate::sandbox::api::{Datum, Failure, Outcome};
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// Bytes of outputs for which an instance is not kept.
const SMALL: usize = 64 << 10;
/// What a text, a number or a list of bytes takes beside its content.
const EACH: usize = size_of::<String>();

/// Since when an invocation runs, and for how long it may; nothing means for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) started: Instant,
    pub(super) limit: Option<Duration>,
}

/// Whether so much is to be stored that its instance serves nobody else until it is: of what is large there is then no more in memory than there are instances.
pub(super) fn are_large(runnable: &Runnable, outcome: &Outcome) -> bool {
    let given = outcome.outputs.iter().map(|(_, value)| value).chain([&outcome.return_value]);
    !runnable.outputs.is_empty() && given.map(size).sum::<usize>() > SMALL
}

/// Stores the outputs that a function set, and its return value where a binding takes that; leaves the rest.
pub(super) async fn store(runnable: &Runnable, mut outcome: Outcome, scope: &Scope<'_>, time: Time) -> Result<Outcome, Failure> {
    for (name, output) in &runnable.outputs {
        let value = if name == "$return" {
            outcome.return_value.clone()
        } else {
            match outcome.outputs.iter().position(|(known, _)| known == name) {
                Some(place) => outcome.outputs.remove(place).1,
                None => continue,
            }
        };
        let stored = time.bound(output.store(value, scope)).await.map_err(|limit| too_late(scope.context.method_name, name, limit))?;
        stored.map_err(|error| binding_failure(&error))?;
    }
    Ok(outcome)
}

// === impl Time ===

impl Time {
    /// Waits for a part of the invocation until the time is over; then gives how long it was.
    pub(super) async fn bound<T>(self, part: impl Future<Output = T>) -> Result<T, Duration> {
        match self.end() {
            None => Ok(part.await),
            Some((end, limit)) => timeout_at(end.into(), part).await.map_err(|_| limit),
        }
    }

    /// When it is over, and how long it was.
    fn end(self) -> Option<(Instant, Duration)> {
        let limit = self.limit?;
        Some((self.started.checked_add(limit)?, limit))
    }
}

fn too_late(function: &str, binding: &str, limit: Duration) -> Failure {
    let seconds = limit.as_secs_f64();
    let advice = "some of it may be: give out less at a time, or set a longer functionTimeout in host.json";
    let message = format!("function {function}: what it gave to {binding} was not stored within {seconds} s of its start; {advice}");
    timed_out(message, " after the code of the app had ended")
}

/// About how many bytes a value takes.
fn size(value: &Datum) -> usize {
    match value {
        Datum::None | Datum::Int(_) | Datum::Float(_) | Datum::Stream(_) => 0,
        Datum::Text(text) | Datum::Json(text) => text.len(),
        Datum::Bytes(bytes) => bytes.len(),
        Datum::HttpRequest(request) => request.body.len(),
        Datum::HttpResponse(response) => response.body.len(),
        Datum::CollectionText(all) => all.iter().map(|text| text.len() + EACH).sum(),
        Datum::CollectionBytes(all) => all.iter().map(|bytes| bytes.len() + EACH).sum(),
        Datum::CollectionInt(all) => all.len() * EACH,
        Datum::CollectionFloat(all) => all.len() * EACH,
    }
}
