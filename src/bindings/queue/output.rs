//! Sends what a function gave out.

use super::Queue;
use super::text::{self, Body};
use crate::app::MessageEncoding;
use crate::bindings::account::Account;
use crate::bindings::{BindingError, Output, Scope, Template};
use crate::sandbox::api::Datum;
use crate::storage::Delay;
use async_trait::async_trait;

/// The output.
#[derive(Debug)]
pub(super) struct QueueOutput {
    pub(super) name: String,
    pub(super) queue: Template,
    pub(super) account: Account,
    pub(super) encoding: MessageEncoding,
}

#[async_trait]
impl Output for QueueOutput {
    /// One message after the other, in their order.
    async fn store(&self, value: Datum, scope: &Scope<'_>) -> Result<(), BindingError> {
        let problem = |problem: String| BindingError::Value { binding: self.name.clone(), problem };
        let queue = Queue { account: self.account.clone(), name: self.queue.fill_in(scope)?.to_lowercase() };
        let bodies = bodies(value).map_err(|kind| problem(format!("a {kind} can't be a queue message")))?;
        for body in bodies {
            let text = self.encoding.encode(body).map_err(|error| problem(error.to_string()))?;
            queue.send(&text).await.map_err(|error| BindingError::Account { binding: self.name.clone(), error })?;
        }
        Ok(())
    }
}

/// The messages of an output's value; or what it is that can't be one.
fn bodies(value: Datum) -> Result<Vec<Body>, &'static str> {
    Ok(match value {
        Datum::None => vec![],
        Datum::Text(text) => text::of_text(text),
        Datum::Json(json) => text::of_json(json),
        Datum::Bytes(bytes) => vec![Body::of_bytes(bytes)],
        Datum::Int(number) => vec![Body::Text(number.to_string())],
        Datum::Float(number) => vec![Body::Text(number.to_string())],
        Datum::CollectionText(texts) => texts.into_iter().map(Body::Text).collect(),
        Datum::CollectionBytes(all) => all.into_iter().map(Body::of_bytes).collect(),
        Datum::CollectionInt(numbers) => numbers.into_iter().map(|number| Body::Text(number.to_string())).collect(),
        Datum::CollectionFloat(numbers) => numbers.into_iter().map(|number| Body::Text(number.to_string())).collect(),
        Datum::HttpRequest(_) => return Err("request"),
        Datum::HttpResponse(_) => return Err("response"),
        Datum::Stream(_) => return Err("stream"),
    })
}

// === impl Queue ===

impl Queue {
    /// Sends a message; makes the queue where it is missing.
    pub(super) async fn send(&self, text: &str) -> Result<(), crate::bindings::account::AccountError> {
        let queues = &self.account.storage().await?.queues;
        let mut sent = queues.send(&self.name, text, Delay::default()).await;
        if let Err(crate::storage::StorageError::Missing { .. }) = sent {
            queues.create(&self.name).await.map_err(|error| self.account.error(error))?;
            sent = queues.send(&self.name, text, Delay::default()).await;
        }
        sent.map_err(|error| self.account.error(error))?;
        self.account.tell_sent(&self.name);
        Ok(())
    }
}
