//! `POST /admin/functions/NAME`: runs any function, whatever its trigger, as if that had brought `input`.

use super::dispatch::Dispatcher;
use crate::bindings::Trigger;
use crate::bindings::event::{Event, Value};
use crate::sandbox::api::{Datum, HttpRequest, JoinedPairs};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

/// The functions that can be run so.
#[derive(Debug, Default)]
pub(super) struct ByHand(HashMap<String, Start>);

/// How one of them is started.
#[derive(Debug, Clone)]
pub(super) enum Start {
    /// Its trigger makes an event of the input.
    Trigger(Arc<dyn Trigger>),
    /// The input is the body of a POST.
    Http {
        /// The trigger's binding.
        trigger: String,
        /// Where it answers.
        path: String,
    },
}

/// The request's body.
#[derive(Deserialize)]
struct Input {
    #[serde(default, alias = "Input")]
    input: Option<serde_json::Value>,
}

// === impl ByHand ===

impl ByHand {
    pub(super) fn new(functions: impl Iterator<Item = (String, Start)>) -> Self {
        ByHand(functions.map(|(name, start)| (name.to_ascii_lowercase(), start)).collect())
    }

    /// Begins to run a function in the background. The names of functions ignore case.
    pub(super) async fn run(&self, name: &str, body: &Bytes, dispatcher: &Arc<Dispatcher>) -> StatusCode {
        let Some(start) = self.0.get(&name.to_ascii_lowercase()) else { return StatusCode::NOT_FOUND };
        let Ok(Input { input }) = serde_json::from_slice(body) else { return StatusCode::BAD_REQUEST };
        let input = match input {
            None | Some(serde_json::Value::Null) => String::new(),
            Some(serde_json::Value::String(text)) => text,
            Some(other) => other.to_string(),
        };
        let (start, dispatcher, name) = (start.clone(), dispatcher.clone(), name.to_owned());
        tokio::spawn(async move {
            match start.event(input).await {
                // How it ends is on the console.
                Ok(event) => _ = dispatcher.run_ignoring_case(&name, event).await,
                Err(message) => dispatcher.reject(&name, message),
            }
        });
        StatusCode::ACCEPTED
    }
}

// === impl Start ===

impl Start {
    async fn event(&self, input: String) -> Result<Event, String> {
        match self {
            Start::Trigger(trigger) => trigger.event(&input).await,
            Start::Http { trigger, path } => {
                let request = HttpRequest {
                    method: "POST".into(),
                    url: format!("http://localhost{path}"),
                    headers: JoinedPairs::default(),
                    query: JoinedPairs::default(),
                    route_params: JoinedPairs::default(),
                    body: input.into_bytes(),
                };
                Ok(Event::of(trigger, Value::Datum(Datum::HttpRequest(request))))
            }
        }
    }
}
