//! Looks for new versions of blobs and runs the function for each.
//!
//! A container is listed every ten seconds, and at once where it is known that something was written. What a list shows is compared with what is known to be
//! dealt with, at first from the receipts; each version that is left is claimed by its receipt and run. Azure's host keeps the time of the last sweep as well
//! (`blobscaninfo`) and looks only at what is newer; here the receipts alone decide, so that nothing is missed when a host dies in between.

use super::pattern::BlobPattern;
use super::receipt::{CLAIM, Claim, Claimed, Receipts};
use super::{blob_name, content};
use crate::app::{DataType, LogLevel};
use crate::bindings::Trigger;
use crate::bindings::account::{Account, AccountError};
use crate::bindings::backoff::Backoff;
use crate::bindings::event::{Event, NotRun, Runner, Value, datum_of_json};
use crate::storage::{BlobName, BlobProperties, Blobs, Delay, ListedBlob, StorageError};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Between two looks at a container.
const SCAN: Duration = Duration::from_secs(10);
/// The least time between two looks, however much is written.
const LEAST: Duration = Duration::from_millis(50);
/// Where it is told which blobs failed too often.
const POISON: &str = "webjobs-blobtrigger-poison";

/// The trigger.
#[derive(Debug, Clone)]
pub(super) struct BlobTrigger {
    pub(super) name: String,
    pub(super) function: String,
    pub(super) pattern: BlobPattern,
    pub(super) account: Account,
    pub(super) data_type: DataType,
    pub(super) host_id: String,
    /// How many blobs are worked on at a time.
    pub(super) parallel: usize,
    /// How often a version is tried.
    pub(super) tries: u32,
}

/// A scan's memory.
struct Scanner {
    trigger: Arc<BlobTrigger>,
    receipts: Receipts,
    /// Receipts of versions that were dealt with before the first scan.
    done: HashSet<String>,
    /// The versions that this host has seen: by blob, the ETag.
    seen: HashMap<String, String>,
    permits: Arc<Semaphore>,
}

/// A version to be run.
struct Version {
    trigger: Arc<BlobTrigger>,
    receipts: Receipts,
    name: BlobName,
    etag: String,
    names: Vec<(String, String)>,
    runner: Arc<dyn Runner>,
    stop: CancellationToken,
}

#[async_trait]
impl Trigger for BlobTrigger {
    async fn listen(&self, runner: Arc<dyn Runner>, stop: CancellationToken) {
        let mut failing = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        let mut trouble: Option<String> = None;
        let mut scanner: Option<Scanner> = None;
        let mut works: JoinSet<Option<String>> = JoinSet::new();
        let container = self.pattern.container();
        let (mut written, mut changes) = (self.account.written(container), None);
        while !stop.is_cancelled() {
            let wait = match self.scan(&mut scanner, &mut changes, &mut works, &runner, &stop).await {
                Ok(()) => {
                    if trouble.take().is_some() {
                        runner.tell(LogLevel::Information, &format!("container {container}: the storage is there again"));
                    }
                    failing.reset();
                    SCAN
                }
                Err(error) => {
                    let text = error.to_string();
                    if trouble.as_ref() != Some(&text) {
                        runner.tell(LogLevel::Error, &format!("container {container}: {text}; it is tried again until it works"));
                        trouble = Some(text);
                    }
                    failing.wait()
                }
            };
            tokio::time::sleep(LEAST).await;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = changed(Some(&mut written)) => {}
                () = changed(changes.as_mut()) => {}
                () = stop.cancelled() => {}
            }
            // Versions that could not be had are looked at again.
            while let Some(ended) = works.try_join_next() {
                if let (Ok(Some(again)), Some(scanner)) = (ended, scanner.as_mut()) {
                    scanner.seen.remove(&again);
                }
            }
        }
        while works.join_next().await.is_some() {}
    }

    async fn event(&self, input: &str) -> Result<Event, String> {
        let name = blob_name(input)?;
        let storage = self.account.storage().await.map_err(|error| error.to_string())?;
        let opened = content::open(&storage.blobs, &name, self.data_type).await.map_err(|error| self.account.error(error).to_string())?;
        let (value, properties) = opened.ok_or_else(|| format!("there is no blob {name}"))?;
        let names = self.pattern.match_name(&name.blob).unwrap_or_default().into_iter().collect();
        Ok(self.event_of(storage.blobs.as_ref(), &name, value, &properties, names))
    }
}

// === impl BlobTrigger ===

impl BlobTrigger {
    /// Looks once, and begins to work on what is new.
    async fn scan(
        &self,
        scanner: &mut Option<Scanner>,
        changes: &mut Option<watch::Receiver<()>>,
        works: &mut JoinSet<Option<String>>,
        runner: &Arc<dyn Runner>,
        stop: &CancellationToken,
    ) -> Result<(), AccountError> {
        let storage = self.account.storage().await?;
        let failed = |error| self.account.error(error);
        if scanner.is_none() {
            let receipts = Receipts::new(storage.blobs.clone(), &self.host_id, &self.function);
            let done = receipts.done().await.map_err(failed)?;
            let permits = Arc::new(Semaphore::new(self.parallel));
            *changes = storage.blobs.changes(self.pattern.container());
            *scanner = Some(Scanner { trigger: Arc::new(self.clone()), receipts, done, seen: HashMap::new(), permits });
        }
        let Some(scanner) = scanner else { return Ok(()) };
        for (name, etag, names) in scanner.news(storage.blobs.as_ref()).await.map_err(failed)? {
            let version = Version {
                trigger: scanner.trigger.clone(),
                receipts: scanner.receipts.clone(),
                name,
                etag,
                names,
                runner: runner.clone(),
                stop: stop.clone(),
            };
            let permits = scanner.permits.clone();
            works.spawn(async move {
                let _permit = permits.acquire().await;
                version.run().await
            });
        }
        Ok(())
    }

    fn event_of(
        &self,
        blobs: &dyn Blobs,
        name: &BlobName,
        value: Value,
        properties: &BlobProperties,
        names: Vec<(String, String)>,
    ) -> Event {
        let metadata: Map<String, Json> = properties.metadata.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let known = [
            ("BlobTrigger", json!(name.to_string())),
            ("Uri", json!(blobs.uri(name))),
            ("Properties", describe(properties)),
            ("Metadata", Json::Object(metadata)),
        ];
        let mut event = Event::of(&self.name, value);
        let named = names.into_iter().map(|(name, value)| (name, Json::String(value)));
        for (name, value) in known.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(named) {
            event.metadata.push((name.clone(), datum_of_json(&value)));
            event.data.insert(&name, value);
        }
        event
    }
}

// === impl Scanner ===

impl Scanner {
    /// The versions that nobody has dealt with, the oldest first.
    async fn news(&mut self, blobs: &dyn Blobs) -> Result<Vec<(BlobName, String, Vec<(String, String)>)>, StorageError> {
        let pattern = &self.trigger.pattern;
        let (mut listed, mut after) = (Vec::<ListedBlob>::new(), None);
        loop {
            let (page, next) = match blobs.list(pattern.container(), "", after).await {
                Err(StorageError::Missing { .. }) => break,
                page => page?,
            };
            listed.extend(page.into_iter().filter(|blob| pattern.match_name(&blob.name).is_some()));
            after = next;
            if after.is_none() {
                break;
            }
        }
        // What is gone is forgotten.
        let names: HashSet<&str> = listed.iter().map(|blob| blob.name.as_str()).collect();
        self.seen.retain(|name, _| names.contains(name.as_str()));
        listed.retain(|blob| self.seen.get(&blob.name) != Some(&blob.properties.etag));
        listed.sort_by_key(|blob| blob.properties.last_modified);
        let mut news = Vec::new();
        for blob in listed {
            let name = BlobName::new(pattern.container(), &blob.name);
            let etag = blob.properties.etag;
            self.seen.insert(blob.name, etag.clone());
            if !self.receipts.is_among(&self.done, &name, &etag) {
                let names = pattern.match_name(&name.blob).unwrap_or_default().into_iter().collect();
                news.push((name, etag, names));
            }
        }
        Ok(news)
    }
}

// === impl Version ===

impl Version {
    /// Works on it; gives the blob's name where it must be looked at again.
    async fn run(self) -> Option<String> {
        match self.try_run().await {
            Ok(true) => None,
            Ok(false) => Some(self.name.blob),
            Err(error) => {
                self.runner.tell(LogLevel::Error, &format!("blob {}: {error}", self.name));
                Some(self.name.blob)
            }
        }
    }

    /// Whether it is dealt with.
    async fn try_run(&self) -> Result<bool, AccountError> {
        let failed = |error| self.trigger.account.error(error);
        let mut claim = match self.receipts.claim(&self.name, &self.etag).await.map_err(failed)? {
            Claimed::Yes(claim) => claim,
            Claimed::Done => return Ok(true),
            Claimed::Busy => return Ok(false),
        };
        loop {
            let result = if claim.tries > self.trigger.tries {
                // Each try took its host with it.
                Err(NotRun::Failed)
            } else {
                let blobs = &self.receipts.blobs;
                let opened = content::open(blobs, &self.name, self.trigger.data_type).await.map_err(failed)?;
                let Some((value, properties)) = opened.filter(|(_, properties)| properties.etag == self.etag) else {
                    // Deleted, or written again: then the next look finds the new version.
                    claim.complete().await.map_err(failed)?;
                    return Ok(true);
                };
                let event = self.trigger.event_of(blobs.as_ref(), &self.name, value, &properties, self.names.clone());
                self.invoke(event, &mut claim).await?
            };
            match result {
                Ok(()) => break,
                Err(NotRun::Failed) if claim.tries >= self.trigger.tries => {
                    self.tell_poison().await?;
                    break;
                }
                Err(_) if self.stop.is_cancelled() => {
                    claim.release().await.map_err(failed)?;
                    return Ok(false);
                }
                Err(NotRun::Failed) => claim.try_again().await.map_err(failed)?,
                Err(NotRun::Unavailable) => tokio::time::sleep(Duration::from_millis(250)).await,
            }
        }
        claim.complete().await.map_err(failed)?;
        Ok(true)
    }

    /// Runs the function; meanwhile the claim is kept.
    async fn invoke(&self, event: Event, claim: &mut Claim) -> Result<Result<(), NotRun>, AccountError> {
        let mut running = self.runner.run(event);
        loop {
            tokio::select! {
                result = &mut running => return Ok(result),
                () = tokio::time::sleep(CLAIM / 3) => {}
            }
            if let Err(error) = claim.renew().await {
                self.runner.tell(LogLevel::Warning, &format!("blob {}: its receipt can't be kept: {error}", self.name));
            }
        }
    }

    async fn tell_poison(&self) -> Result<(), AccountError> {
        let message = json!({
            "Type": "BlobTrigger",
            "FunctionId": format!("Host.Functions.{}", self.trigger.function),
            "BlobType": "BlockBlob",
            "ContainerName": self.name.container,
            "BlobName": self.name.blob,
            "ETag": self.etag,
        });
        let failed = |error| self.trigger.account.error(error);
        let queues = &self.trigger.account.storage().await?.queues;
        // The format of the SDK's own messages doesn't follow host.json.
        let text = STANDARD.encode(message.to_string());
        queues.create(POISON).await.map_err(failed)?;
        queues.send(POISON, &text, Delay::default()).await.map_err(failed)?;
        self.trigger.account.tell_sent(POISON);
        let text = format!("blob {}: it failed {} times: a message in the queue {POISON} says so", self.name, self.trigger.tries);
        self.runner.tell(LogLevel::Warning, &text);
        Ok(())
    }
}

/// Waits for a change; for ever where nothing can tell.
async fn changed(changes: Option<&mut watch::Receiver<()>>) {
    if let Some(changes) = changes
        && changes.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// What the SDK shows as `blob_properties`.
fn describe(properties: &BlobProperties) -> Json {
    json!({
        "ContentLength": properties.length,
        "Length": properties.length,
        "ContentType": properties.content_type,
        "ETag": properties.etag,
        "LastModified": jiff::Timestamp::try_from(properties.last_modified).unwrap_or_default().to_string(),
        "BlobType": "BlockBlob",
    })
}
