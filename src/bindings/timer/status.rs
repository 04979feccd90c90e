//! What is known of a timer over restarts: the blob `timers/HOST/TIMER/status` in the container `azure-webjobs-hosts`, as the WebJobs SDK's
//! `StorageScheduleMonitor` writes it.

use crate::storage::{BlobBody, BlobName, Blobs, StorageError, WriteBlob};
use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const CONTAINER: &str = "azure-webjobs-hosts";

/// The last run and the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    /// When it ran last; the zero time of .NET where it never did.
    pub(super) last: String,
    /// When it is to run next.
    pub(super) next: String,
    /// When this was written.
    pub(super) last_updated: String,
}

// === impl Status ===

impl Status {
    pub(super) fn new(last: Option<Timestamp>, next: Timestamp, now: Timestamp) -> Self {
        let last = last.map_or_else(|| "0001-01-01T00:00:00+00:00".to_owned(), text);
        Status { last, next: text(next), last_updated: text(now) }
    }

    /// When it is to run next, if that can be read.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.next.parse().ok()
    }

    pub(super) async fn read(blobs: &dyn Blobs, host_id: &str, function: &str) -> Result<Option<Status>, StorageError> {
        let Some(read) = blobs.read(&name(host_id, function), 0, None).await? else { return Ok(None) };
        let content: Vec<Bytes> = read.content.try_collect().await?;
        // What can't be read is as good as nothing.
        Ok(serde_json::from_slice(&content.concat()).ok())
    }

    pub(super) async fn write(&self, blobs: &dyn Blobs, host_id: &str, function: &str) -> Result<(), StorageError> {
        let name = name(host_id, function);
        let content = Bytes::from(serde_json::to_vec(self).map_err(|error| StorageError::Other(error.to_string()))?);
        let write = || {
            let how = WriteBlob { content_type: Some("application/json".to_owned()), ..WriteBlob::default() };
            blobs.write(&name, BlobBody::Whole(content.clone()), how)
        };
        let mut written = write().await;
        if let Err(StorageError::Missing { .. }) = written {
            blobs.create_container(CONTAINER).await?;
            written = write().await;
        }
        written.map(drop)
    }
}

fn name(host_id: &str, function: &str) -> BlobName {
    BlobName::new(CONTAINER, format!("timers/{host_id}/Host.Functions.{function}/status"))
}

fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.f+00:00").to_string()
}
