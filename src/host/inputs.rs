//! Fetches what a function's bindings bring in, within the time that the function has.
//!
//! That time is `functionTimeout`, counted from when the fetching begins: each call to a storage has a limit, but a slow one may need many for a function, and who
//! asked waits for all of them.

use super::dispatch::{Runnable, binding_failure, timed_out};
use super::outputs::Time;
use crate::bindings::Scope;
use crate::bindings::event::{Event, Value};
use crate::sandbox::Stream;
use crate::sandbox::api::{Datum, Failure};
use std::time::{Duration, Instant};

/// The values of a function's inputs.
#[derive(Default)]
pub(super) struct Inputs {
    pub(super) datums: Vec<(String, Datum)>,
    pub(super) streams: Vec<Stream>,
}

/// What its trigger brought, and what its other inputs bring.
pub(super) async fn fetch(runnable: &Runnable, event: &Event, scope: &Scope<'_>, limit: Option<Duration>) -> Result<Inputs, Failure> {
    let mut inputs = Inputs::default();
    inputs.add(&event.input.0, event.input.1.clone());
    let time = Time { started: Instant::now(), limit };
    for (name, input) in &runnable.inputs {
        let fetched = time.bound(input.fetch(scope)).await.map_err(|limit| too_late(scope.context.method_name, name, limit))?;
        inputs.add(name, fetched.map_err(|error| binding_failure(&error))?);
    }
    Ok(inputs)
}

// === impl Inputs ===

impl Inputs {
    fn add(&mut self, name: &str, value: Value) {
        match value {
            Value::Datum(datum) => self.datums.push((name.to_owned(), datum)),
            Value::Stream(content) => {
                self.datums.push((name.to_owned(), Datum::Stream(content.length())));
                self.streams.push((name.to_owned(), content));
            }
        }
    }
}

fn too_late(function: &str, binding: &str, limit: Duration) -> Failure {
    let seconds = limit.as_secs_f64();
    let advice = "see whether its storage answers, ask for less, or set a longer functionTimeout in host.json";
    let message = format!("function {function}: the input {binding} was not there within {seconds} s; {advice}");
    timed_out(message, " before the code of the app ran")
}
