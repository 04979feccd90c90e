//! Receipts: small blobs that make each version of a blob run once, on however many hosts.
//!
//! As in the WebJobs SDK, a receipt is the blob `blobreceipts/HOST/FUNCTION/ETAG/CONTAINER/BLOB` in the container `azure-webjobs-hosts`. There a lease on it
//! says that somebody is at work; here its metadata does, with a time until which that holds, so that any store can keep it: conditional writes decide who
//! comes first.

use crate::storage::{BlobBody, BlobName, BlobProperties, Blobs, Condition, StorageError, WriteBlob};
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CONTAINER: &str = "azure-webjobs-hosts";
/// How long a claim holds before it must be renewed.
pub(super) const CLAIM: Duration = Duration::from_secs(30);
/// The longest name that a receipt has with the blob's own name in it. Azure allows 1,024 characters.
const LONGEST_NAME: usize = 900;

/// Names of metadata. Azure has them in lower case.
const COMPLETED: &str = "completedon";
const TRIES: &str = "tries";
const UNTIL: &str = "until";

/// The receipts of one function.
#[derive(Debug, Clone)]
pub(super) struct Receipts {
    pub(super) blobs: Arc<dyn Blobs>,
    /// `blobreceipts/HOST/FUNCTION/`
    prefix: String,
}

/// The right to work on a version.
#[derive(Debug)]
pub(super) struct Claim {
    receipts: Receipts,
    name: BlobName,
    etag: String,
    /// How often it was worked on, this time too.
    pub(super) tries: u32,
}

/// What became of an attempt to claim a version.
#[derive(Debug)]
pub(super) enum Claimed {
    /// It is this host's.
    Yes(Claim),
    /// It was dealt with.
    Done,
    /// Another host is at work, or was when it died: worth another look later.
    Busy,
}

// === impl Receipts ===

impl Receipts {
    pub(super) fn new(blobs: Arc<dyn Blobs>, host_id: &str, function: &str) -> Self {
        Receipts { blobs, prefix: format!("blobreceipts/{host_id}/Host.Functions.{function}/") }
    }

    fn name(&self, blob: &BlobName, etag: &str) -> BlobName {
        let version = etag.trim_matches('"');
        let mut name = format!("{}{version}/{}/{}", self.prefix, blob.container, blob.blob);
        if name.len() > LONGEST_NAME {
            name = format!("{}{version}/{}/{}", self.prefix, blob.container, blake3::hash(blob.blob.as_bytes()).to_hex());
        }
        BlobName::new(CONTAINER, name)
    }

    /// All versions that were dealt with, for [`Receipts::is_among`].
    pub(super) async fn done(&self) -> Result<HashSet<String>, StorageError> {
        let (mut done, mut after) = (HashSet::new(), None);
        loop {
            let (page, next) = match self.blobs.list(CONTAINER, &self.prefix, after).await {
                Err(StorageError::Missing { .. }) => return Ok(done),
                page => page?,
            };
            done.extend(page.into_iter().filter(|receipt| value(&receipt.properties, COMPLETED).is_some()).map(|receipt| receipt.name));
            match next {
                None => return Ok(done),
                next => after = next,
            }
        }
    }

    /// Whether a version is among those that [`Receipts::done`] found.
    pub(super) fn is_among(&self, done: &HashSet<String>, blob: &BlobName, etag: &str) -> bool {
        done.contains(&self.name(blob, etag).blob)
    }

    /// Tries to get the right to work on a version.
    pub(super) async fn claim(&self, blob: &BlobName, etag: &str) -> Result<Claimed, StorageError> {
        let name = self.name(blob, etag);
        match self.write(&name, &claim_metadata(1), Condition::IfAbsent).await {
            Ok(etag) => return Ok(Claimed::Yes(Claim { receipts: self.clone(), name, etag, tries: 1 })),
            Err(StorageError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        let Some(properties) = self.blobs.properties(&name).await? else { return Ok(Claimed::Busy) };
        if value(&properties, COMPLETED).is_some() {
            return Ok(Claimed::Done);
        }
        if value(&properties, UNTIL).is_some_and(|until| until > now()) {
            return Ok(Claimed::Busy);
        }
        let tries = value(&properties, TRIES).and_then(|tries| u32::try_from(tries).ok()).unwrap_or(0).saturating_add(1);
        match self.write(&name, &claim_metadata(tries), Condition::IfMatch(properties.etag)).await {
            Ok(etag) => Ok(Claimed::Yes(Claim { receipts: self.clone(), name, etag, tries })),
            Err(StorageError::Conflict(_)) => Ok(Claimed::Busy),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, name: &BlobName, metadata: &[(String, String)], condition: Condition) -> Result<String, StorageError> {
        let how = || WriteBlob { content_type: None, metadata: metadata.to_vec(), condition: condition.clone() };
        let write = || self.blobs.write(name, BlobBody::Whole(Bytes::new()), how());
        let mut written = write().await;
        if let Err(StorageError::Missing { .. }) = written {
            self.blobs.create_container(CONTAINER).await?;
            written = write().await;
        }
        written.map(|properties| properties.etag)
    }
}

// === impl Claim ===

impl Claim {
    /// Keeps it for another while.
    pub(super) async fn renew(&mut self) -> Result<(), StorageError> {
        self.rewrite(&claim_metadata(self.tries)).await
    }

    /// Counts another try.
    pub(super) async fn try_again(&mut self) -> Result<(), StorageError> {
        self.tries += 1;
        self.renew().await
    }

    /// The version is dealt with, for all hosts and for ever.
    pub(super) async fn complete(mut self) -> Result<(), StorageError> {
        self.rewrite(&[(COMPLETED.to_owned(), now().to_string())]).await
    }

    /// Others may have it.
    pub(super) async fn release(mut self) -> Result<(), StorageError> {
        self.rewrite(&[(TRIES.to_owned(), self.tries.saturating_sub(1).to_string()), (UNTIL.to_owned(), "0".to_owned())]).await
    }

    async fn rewrite(&mut self, metadata: &[(String, String)]) -> Result<(), StorageError> {
        self.etag = self.receipts.write(&self.name, metadata, Condition::IfMatch(self.etag.clone())).await?;
        Ok(())
    }
}

fn claim_metadata(tries: u32) -> [(String, String); 2] {
    [(TRIES.to_owned(), tries.to_string()), (UNTIL.to_owned(), (now() + CLAIM.as_secs()).to_string())]
}

/// A number in the metadata.
fn value(properties: &BlobProperties, name: &str) -> Option<u64> {
    properties.metadata.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1.parse().ok()
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Quota, Storage};

    #[tokio::test]
    async fn a_version_is_worked_on_by_one_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::embedded(folder.path(), Quota::default()).await.unwrap();
        let receipts = Receipts::new(storage.blobs.clone(), "host", "f");
        let blob = BlobName::new("c", "x".repeat(1000));
        let Claimed::Yes(claim) = receipts.claim(&blob, "\"1\"").await.unwrap() else { panic!("not claimed") };
        assert!(matches!(receipts.claim(&blob, "\"1\"").await.unwrap(), Claimed::Busy));
        assert!(matches!(receipts.claim(&blob, "\"2\"").await.unwrap(), Claimed::Yes(_)), "another version");
        claim.release().await.unwrap();
        let Claimed::Yes(mut claim) = receipts.claim(&blob, "\"1\"").await.unwrap() else { panic!("not claimed again") };
        assert_eq!(claim.tries, 1);
        claim.try_again().await.unwrap();
        claim.complete().await.unwrap();
        assert!(matches!(receipts.claim(&blob, "\"1\"").await.unwrap(), Claimed::Done));
        let done = receipts.done().await.unwrap();
        assert!(receipts.is_among(&done, &blob, "\"1\"") && !receipts.is_among(&done, &blob, "\"2\""));
    }
}
