//! Leases: those of empty blobs in the container that the Functions host keeps for itself.

use super::Account;
use super::answer::Answer;
use super::blobs::{about, blob_call};
use super::call::Call;
use crate::storage::{BlobBody, BlobName, Blobs, Condition, LeaseId, Leases, StorageError, WriteBlob};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, StatusCode};
use std::time::Duration;
use uuid::Uuid;

/// The Functions host's own container, and its folder of locks.
const CONTAINER: &str = "azure-webjobs-hosts";
const FOLDER: &str = "locks";
/// How long a lease may last.
const DURATIONS: std::ops::RangeInclusive<Duration> = Duration::from_secs(15)..=Duration::from_secs(60);

#[async_trait]
impl Leases for Account {
    async fn acquire(&self, name: &str, duration: Duration) -> Result<Option<LeaseId>, StorageError> {
        if !DURATIONS.contains(&duration) {
            return Err(StorageError::Other(format!("a lease lasts 15 to 60 seconds, not {}", duration.as_secs_f64())));
        }
        let blob = place(name);
        // With an id of our own, the call can be repeated: the second time finds that the lease is this one.
        let id = LeaseId(Uuid::new_v4().to_string());
        let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        let call = lease_call(&blob, "acquire").header("x-ms-lease-duration", seconds.min(60)).header("x-ms-proposed-lease-id", &id.0);
        let mut answer = self.client.send(call.clone()).await?;
        if answer.status == StatusCode::NOT_FOUND {
            self.make(&blob, &answer).await?;
            answer = self.client.send(call).await?;
        }
        match answer.status {
            StatusCode::CONFLICT => Ok(None),
            _ => answer.good(&about(&blob)).map(|_| Some(id)),
        }
    }

    async fn renew(&self, name: &str, lease: &LeaseId) -> Result<(), StorageError> {
        let blob = place(name);
        let answer = self.client.send(lease_call(&blob, "renew").header("x-ms-lease-id", &lease.0)).await?;
        match answer.status {
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED | StatusCode::NOT_FOUND => {
                Err(StorageError::Conflict(format!("the lease of {name:?} has ended")))
            }
            _ => answer.good(&about(&blob)).map(|_| ()),
        }
    }

    async fn release(&self, name: &str, lease: &LeaseId) -> Result<(), StorageError> {
        let blob = place(name);
        let answer = self.client.send(lease_call(&blob, "release").header("x-ms-lease-id", &lease.0)).await?;
        match answer.status {
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED | StatusCode::NOT_FOUND => Ok(()),
            _ => answer.good(&about(&blob)).map(|_| ()),
        }
    }
}

// === impl Account ===

impl Account {
    /// Makes the blob of a lock, and the container where that is what is missing. Others may do the same at the same time.
    async fn make(&self, blob: &BlobName, missing: &Answer) -> Result<(), StorageError> {
        if missing.code == "ContainerNotFound" {
            self.create_container(&blob.container).await?;
        }
        let how = WriteBlob { condition: Condition::IfAbsent, ..WriteBlob::default() };
        match self.write(blob, BlobBody::Whole(Bytes::new()), how).await {
            Ok(_) | Err(StorageError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn place(name: &str) -> BlobName {
    BlobName::new(CONTAINER, format!("{FOLDER}/{name}"))
}

fn lease_call(blob: &BlobName, action: &str) -> Call {
    blob_call(Method::PUT, blob).query("comp", "lease").header("x-ms-lease-action", action)
}
