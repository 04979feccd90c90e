//! Takes messages and runs the function for each, as the WebJobs SDK's `QueueListener` and `QueueProcessor` do.
//!
//! A message is deleted only after the function has returned, and given back when it failed: at least once. While the function runs, the message is kept
//! invisible to others. What failed too often goes to the poison queue, as it is, before it is deleted.

use super::Queue;
use super::text::Body;
use crate::app::{LogLevel, QueueOptions};
use crate::bindings::Trigger;
use crate::bindings::account::{Account, AccountError};
use crate::bindings::backoff::Backoff;
use crate::bindings::event::{Event, NotRun, Runner, Value, datum_of_json};
use crate::sandbox::api::Datum;
use crate::storage::{QueueMessage, Receipt, StorageError};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a message is invisible to others before that is prolonged: as on Azure.
const LEASE: Duration = Duration::from_secs(600);
/// The same where prolonging costs nothing: what a host that was killed had taken is seen again soon.
const LEASE_EMBEDDED: Duration = Duration::from_secs(30);
/// The shortest wait between two looks at an empty queue.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest one where looking costs nothing: other processes send to an embedded account, too.
const LONGEST_EMBEDDED: Duration = Duration::from_millis(500);
/// Between two tries of a message for which there is no instance.
const NO_INSTANCE: Duration = Duration::from_millis(250);
/// The end of a poison queue's name.
const POISON: &str = "-poison";

/// The trigger.
#[derive(Debug, Clone)]
pub(super) struct QueueTrigger {
    pub(super) name: String,
    pub(super) queue: String,
    pub(super) account: Account,
    pub(super) wants_bytes: bool,
    /// How long a message is invisible to others before that is prolonged.
    pub(super) lease: Duration,
    pub(super) options: QueueOptions,
}

/// A message that is worked on.
struct Work {
    trigger: Arc<QueueTrigger>,
    message: QueueMessage,
    runner: Arc<dyn Runner>,
    stop: CancellationToken,
}

/// What wakes a listener.
struct Changes(Vec<watch::Receiver<()>>);

#[async_trait]
impl Trigger for QueueTrigger {
    async fn listen(&self, runner: Arc<dyn Runner>, stop: CancellationToken) {
        let trigger = Arc::new(self.clone());
        let longest = if self.account.is_embedded() { LONGEST_EMBEDDED } else { self.options.max_polling_interval };
        let (mut idle, mut failing) = (Backoff::new(SHORTEST, longest), Backoff::new(Duration::from_secs(1), Duration::from_secs(30)));
        let mut works = JoinSet::new();
        let mut trouble = None;
        // Taken before the first look.
        let mut changes = Changes(vec![self.account.sent(&self.queue)]);
        let mut follows_storage = false;
        while !stop.is_cancelled() {
            while works.len() > self.options.new_batch_threshold as usize {
                works.join_next().await;
            }
            let wait = match self.take().await {
                Ok(messages) => {
                    if trouble.take().is_some() {
                        runner.tell(LogLevel::Information, &format!("queue {}: the storage is there again", self.queue));
                    }
                    failing.reset();
                    if !follows_storage {
                        follows_storage = true;
                        changes.0.extend(self.account.storage().await.ok().and_then(|storage| storage.queues.changes(&self.queue)));
                    }
                    let found = !messages.is_empty();
                    for message in messages {
                        let work = Work { trigger: trigger.clone(), message, runner: runner.clone(), stop: stop.clone() };
                        works.spawn(work.run());
                    }
                    if found {
                        idle.reset();
                        continue;
                    }
                    idle.wait()
                }
                Err(error) => {
                    let text = error.to_string();
                    if trouble.as_ref() != Some(&text) {
                        runner.tell(LogLevel::Error, &format!("queue {}: {text}; it is tried again until it works", self.queue));
                        trouble = Some(text);
                    }
                    failing.wait()
                }
            };
            // Whatever ends is forgotten, so that the set doesn't grow.
            while works.try_join_next().is_some() {}
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = changes.next() => idle.reset(),
                () = stop.cancelled() => {}
            }
        }
        while works.join_next().await.is_some() {}
    }

    async fn event(&self, input: &str) -> Result<Event, String> {
        let now = SystemTime::now();
        let message = QueueMessage {
            receipt: Receipt { id: uuid::Uuid::new_v4().to_string(), pop_receipt: uuid::Uuid::new_v4().to_string() },
            text: String::new(),
            dequeue_count: 0,
            inserted: now,
            expires: now + Duration::from_secs(7 * 24 * 60 * 60),
            next_visible: now,
        };
        Ok(self.event_of(&message, Body::Text(input.to_owned())))
    }
}

// === impl QueueTrigger ===

impl QueueTrigger {
    /// As host.json says, else as is sensible for the account.
    pub(super) fn lease(configured: Option<u32>, account: &Account) -> Duration {
        let default = if account.is_embedded() { LEASE_EMBEDDED } else { LEASE };
        configured.map_or(default, |seconds| Duration::from_secs(u64::from(seconds)))
    }

    /// The next messages; none where there is no such queue yet.
    async fn take(&self) -> Result<Vec<QueueMessage>, AccountError> {
        let storage = self.account.storage().await?;
        match storage.queues.receive(&self.queue, self.options.batch_size, self.lease).await {
            Err(StorageError::Missing { .. }) => Ok(Vec::new()),
            result => result.map_err(|error| self.account.error(error)),
        }
    }

    fn event_of(&self, message: &QueueMessage, body: Body) -> Event {
        let text = match &body {
            Body::Text(text) => text.clone(),
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        let known = [
            ("Id", json!(message.receipt.id)),
            ("DequeueCount", json!(message.dequeue_count)),
            ("PopReceipt", json!(message.receipt.pop_receipt)),
            ("InsertionTime", json!(time(message.inserted))),
            ("ExpirationTime", json!(time(message.expires))),
            ("NextVisibleTime", json!(time(message.next_visible))),
        ];
        // The SDK makes its message of the first ones, so properties of the payload must not take their place there.
        let metadata = known.iter().map(|(name, value)| ((*name).to_owned(), datum_of_json(value))).collect();
        let mut event = Event { metadata, ..Event::of(&self.name, Value::Datum(self.datum(body))) };
        for (name, value) in known {
            event.data.insert(name, value);
        }
        let payload: Map<String, Json> = serde_json::from_str(&text).unwrap_or_default();
        event.data.insert("QueueTrigger", text);
        for (name, value) in payload {
            if !event.metadata.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                event.metadata.push((name.clone(), datum_of_json(&value)));
            }
            event.data.insert(&name, value);
        }
        event
    }

    fn datum(&self, body: Body) -> Datum {
        match body {
            Body::Text(text) if self.wants_bytes => Datum::Bytes(text.into_bytes()),
            Body::Text(text) => Datum::Text(text),
            Body::Bytes(bytes) => Datum::Bytes(bytes),
        }
    }
}

// === impl Work ===

impl Work {
    /// Runs the function for the message and sees to what becomes of that.
    async fn run(mut self) {
        if let Err(error) = self.try_run().await {
            // It becomes visible again by itself.
            self.runner.tell(LogLevel::Error, &format!("queue {}: message {}: {error}", self.trigger.queue, self.message.receipt.id));
        }
    }

    async fn try_run(&mut self) -> Result<(), AccountError> {
        let (count, most) = (self.message.dequeue_count, self.trigger.options.max_dequeue_count);
        let retry_after = self.trigger.options.visibility_timeout;
        // One that took its host with it each time has failed without anybody noticing.
        if count > most && !self.is_poisonous() {
            return self.move_to_poison().await;
        }
        match self.invoke().await {
            Ok(Ok(())) => self.delete().await,
            Ok(Err(NotRun::Failed)) if count >= most && !self.is_poisonous() => self.move_to_poison().await,
            Ok(Err(NotRun::Failed)) => self.give_back(retry_after).await,
            Ok(Err(NotRun::Unavailable)) => self.give_back(Duration::ZERO).await,
            Err(error) => Err(error),
        }
    }

    /// Runs the function; meanwhile nobody else gets the message.
    async fn invoke(&mut self) -> Result<Result<(), NotRun>, AccountError> {
        let body = self.trigger.options.message_encoding.decode(self.message.text.clone());
        let event = self.trigger.event_of(&self.message, body);
        let (runner, stop) = (self.runner.clone(), self.stop.clone());
        let mut running = std::pin::pin!(async move {
            loop {
                match runner.run(event.clone()).await {
                    Err(NotRun::Unavailable) if !stop.is_cancelled() => tokio::time::sleep(NO_INSTANCE).await,
                    result => return result,
                }
            }
        });
        loop {
            tokio::select! {
                result = &mut running => return Ok(result),
                () = tokio::time::sleep(self.trigger.lease / 3) => {}
            }
            let queues = &self.trigger.account.storage().await?.queues;
            let prolonged = queues.update(&self.trigger.queue, &self.message.receipt, self.trigger.lease).await;
            match prolonged {
                Ok(receipt) => self.message.receipt = receipt,
                // The function goes on; if the message becomes visible meanwhile, it is run twice.
                Err(error) => {
                    self.runner.tell(LogLevel::Warning, &format!("queue {}: a message can't be kept: {error}", self.trigger.queue))
                }
            }
        }
    }

    async fn delete(&self) -> Result<(), AccountError> {
        let queues = &self.trigger.account.storage().await?.queues;
        match queues.delete(&self.trigger.queue, &self.message.receipt).await {
            // Somebody cleared or deleted the queue meanwhile: it is gone.
            Err(StorageError::Missing { .. }) => Ok(()),
            result => result.map_err(|error| self.trigger.account.error(error)),
        }
    }

    async fn give_back(&self, after: Duration) -> Result<(), AccountError> {
        let queues = &self.trigger.account.storage().await?.queues;
        match queues.update(&self.trigger.queue, &self.message.receipt, after).await {
            Ok(_) => {
                self.trigger.account.tell_sent(&self.trigger.queue);
                Ok(())
            }
            Err(StorageError::Missing { .. }) => Ok(()),
            Err(error) => Err(self.trigger.account.error(error)),
        }
    }

    async fn move_to_poison(&self) -> Result<(), AccountError> {
        let poison = Queue { account: self.trigger.account.clone(), name: format!("{}{POISON}", self.trigger.queue) };
        poison.send(&self.message.text).await?;
        let text = format!(
            "message has reached MaxDequeueCount of {}: it is moved to the queue {}",
            self.trigger.options.max_dequeue_count, poison.name
        );
        self.runner.tell(LogLevel::Warning, &format!("queue {}: {text}", self.trigger.queue));
        self.delete().await
    }

    /// Whether there is nowhere else for it to go.
    fn is_poisonous(&self) -> bool {
        self.trigger.queue.ends_with(POISON)
    }
}

// === impl Changes ===

impl Changes {
    /// Waits until one of them changes; for ever where none can.
    async fn next(&mut self) {
        let all = self.0.iter_mut().map(|changes| {
            Box::pin(async move {
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
        });
        let all: Vec<_> = all.collect();
        if all.is_empty() {
            return std::future::pending().await;
        }
        futures_util::future::select_all(all).await;
    }
}

/// As the SDK reads it.
fn time(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::account::{Accounts, DEFAULT};
    use std::path::Path;

    fn trigger() -> QueueTrigger {
        let accounts = Accounts::new(Arc::default(), std::iter::empty().collect(), Path::new("/"), Path::new("/never-opened"), u64::MAX);
        let account = accounts.named(DEFAULT).unwrap();
        QueueTrigger { name: "msg".into(), queue: "q".into(), account, wants_bytes: false, lease: LEASE, options: QueueOptions::default() }
    }

    #[tokio::test]
    async fn a_payloads_properties_fill_expressions_but_do_not_hide_the_message() {
        let event = trigger().event(r#"{"id": 7, "order": {"no": 1}}"#).await.unwrap();
        assert_eq!(event.data.get("id"), Some(&json!(7)));
        let metadata = |name: &str| event.metadata.iter().find(|(known, _)| known == name).map(|(_, datum)| datum);
        assert!(matches!(metadata("Id"), Some(Datum::Text(id)) if id.len() == 36));
        assert_eq!(metadata("order"), Some(&Datum::Json(r#"{"no":1}"#.into())));
        assert_eq!(metadata("id"), None);
        assert!(matches!(event.input, (name, Value::Datum(Datum::Text(text))) if name == "msg" && text.starts_with("{\"id\"")));
    }

    #[test]
    fn times_are_as_the_sdk_reads_them() {
        assert_eq!(time(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00+00:00");
    }
}
