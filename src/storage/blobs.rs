//! Containers of blobs.

use super::StorageError;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::fmt;
use std::io;
use std::time::SystemTime;
use tokio::sync::watch;

/// A blob's place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobName {
    /// The container.
    pub container: String,
    /// The name in it, which may hold slashes.
    pub blob: String,
}

/// What is known of a blob without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobProperties {
    /// Bytes.
    pub length: u64,
    /// Changes with each write; with quotes, as in HTTP.
    pub etag: String,
    /// When it was written.
    pub last_modified: SystemTime,
    /// The media type.
    pub content_type: String,
    /// Its metadata, names in any case: they are compared without it, and Azure's come in lower case.
    pub metadata: Vec<(String, String)>,
}

/// One entry of a container's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBlob {
    /// The name in the container.
    pub name: String,
    /// The rest.
    pub properties: BlobProperties,
}

/// A blob's content, or a part of it, on its way.
pub struct BlobRead {
    /// Of the whole blob.
    pub properties: BlobProperties,
    /// The bytes that were asked for, in pieces of at most some MiB. Fetched as they are taken.
    pub content: BoxStream<'static, Result<Bytes, StorageError>>,
}

/// A blob's content to be written.
pub enum BlobBody {
    /// All of it.
    Whole(Bytes),
    /// Piece by piece, of a length that need not be known.
    Stream(BoxStream<'static, io::Result<Bytes>>),
}

/// What must be true for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is no such blob.
    IfAbsent,
    /// The blob has this ETag.
    IfMatch(String),
}

/// How to write a blob.
#[derive(Debug, Clone)]
pub struct WriteBlob {
    /// The media type; `application/octet-stream` where absent.
    pub content_type: Option<String>,
    /// Its metadata.
    pub metadata: Vec<(String, String)>,
    /// When.
    pub condition: Condition,
}

/// The containers of an account.
#[async_trait]
pub trait Blobs: fmt::Debug + Send + Sync {
    /// Where a blob can be reached: `http://127.0.0.1:10000/devstoreaccount1/container/blob`, percent-encoded, without a signature.
    fn uri(&self, name: &BlobName) -> String;

    /// Makes a container where it is missing. Answers whether it was.
    async fn create_container(&self, container: &str) -> Result<bool, StorageError>;

    /// Deletes a container with all its blobs. Answers whether it was there.
    async fn delete_container(&self, container: &str) -> Result<bool, StorageError>;

    /// All containers, by name.
    async fn containers(&self) -> Result<Vec<String>, StorageError>;

    /// The blobs of a container whose names begin with `prefix`, by name, at most some thousands: then also where to go on, for the next call.
    /// [`StorageError::Missing`] where there is no such container.
    async fn list(&self, container: &str, prefix: &str, after: Option<String>) -> Result<(Vec<ListedBlob>, Option<String>), StorageError>;

    /// What is known of a blob; nothing where it or its container is missing.
    async fn properties(&self, name: &BlobName) -> Result<Option<BlobProperties>, StorageError>;

    /// Opens a blob at an offset for so many bytes (nothing: to its end; a blob that ends before gives fewer). Nothing where it or its container is missing. What is read is one version: a blob
    /// that is written meanwhile gives the old content or an error, never a mixture.
    async fn read(&self, name: &BlobName, offset: u64, length: Option<u64>) -> Result<Option<BlobRead>, StorageError>;

    /// Writes a block blob, whole or not at all. When this returns, it survives a crash. [`StorageError::Missing`] where there is no such container,
    /// [`StorageError::Conflict`] where the condition doesn't hold.
    async fn write(&self, name: &BlobName, body: BlobBody, how: WriteBlob) -> Result<BlobProperties, StorageError>;

    /// Deletes a blob. Answers whether it was there.
    async fn delete(&self, name: &BlobName) -> Result<bool, StorageError>;

    /// Changes after a blob was written to the container; as [`Queues::changes`](super::Queues::changes).
    fn changes(&self, _container: &str) -> Option<watch::Receiver<()>> {
        None
    }
}

// === impl BlobName ===

impl BlobName {
    /// A blob in a container.
    pub fn new(container: impl Into<String>, blob: impl Into<String>) -> BlobName {
        BlobName { container: container.into(), blob: blob.into() }
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.container, self.blob)
    }
}

// === impl WriteBlob ===

impl Default for WriteBlob {
    fn default() -> Self {
        WriteBlob { content_type: None, metadata: Vec::new(), condition: Condition::Always }
    }
}

// === impl BlobBody, BlobRead ===

impl fmt::Debug for BlobBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlobBody::Whole(bytes) => write!(f, "{} bytes", bytes.len()),
            BlobBody::Stream(_) => f.write_str("a stream"),
        }
    }
}

impl fmt::Debug for BlobRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobRead").field("properties", &self.properties).finish_non_exhaustive()
    }
}
