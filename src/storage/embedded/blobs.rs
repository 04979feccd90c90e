//! Containers and blobs.

use super::Account;
use super::blob_rows::{self, Content};
use super::body::{self, Body};
use super::changes::Place;
use super::readers::blocking;
use super::times;
use crate::storage::{BlobBody, BlobName, BlobProperties, BlobRead, Blobs, ListedBlob, StorageError, WriteBlob, names};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, OptionalExtension};
use std::fs::File;
use std::io;
use tokio::sync::watch;

const UNTYPED: &str = "application/octet-stream";
/// What is not written as it is in a path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
/// Azurite's, where tools of Azure Storage look for a local account.
const ENDPOINT: &str = "http://127.0.0.1:10000/devstoreaccount1";

#[async_trait]
impl Blobs for Account {
    /// In the form of Azurite's. Nothing serves it.
    fn uri(&self, name: &BlobName) -> String {
        format!("{ENDPOINT}/{}/{}", name.container, utf8_percent_encode(&name.blob, ENCODED))
    }

    async fn create_container(&self, container: &str) -> Result<bool, StorageError> {
        names::container(container)?;
        self.create_named("INSERT OR IGNORE INTO containers (name) VALUES (?)", container, self.quota.of_container(container)).await
    }

    async fn delete_container(&self, container: &str) -> Result<bool, StorageError> {
        names::container(container)?;
        let container = container.to_owned();
        let files = self.files.clone();
        let delete = move |db: &Connection| {
            let mut select = db.prepare_cached("SELECT file FROM blobs WHERE container = ? AND file IS NOT NULL")?;
            let bodies = select.query_map([&container], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Ok((db.prepare_cached("DELETE FROM containers WHERE name = ?")?.execute([&container])? > 0, bodies))
        };
        let after = move |(was_there, bodies): (bool, Vec<String>)| {
            bodies.iter().for_each(|body| files.remove(body));
            was_there
        };
        self.writer.write_then(delete, after).await
    }

    async fn containers(&self) -> Result<Vec<String>, StorageError> {
        let select = "SELECT name FROM containers ORDER BY name";
        self.readers.read(move |db| Ok(db.prepare_cached(select)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)).await
    }

    async fn list(&self, container: &str, prefix: &str, after: Option<String>) -> Result<(Vec<ListedBlob>, Option<String>), StorageError> {
        names::container(container)?;
        let (container, prefix) = (container.to_owned(), prefix.to_owned());
        self.readers.read(move |db| blob_rows::list(db, &container, &prefix, after.as_deref().unwrap_or_default())).await
    }

    async fn properties(&self, name: &BlobName) -> Result<Option<BlobProperties>, StorageError> {
        check(name)?;
        let name = name.clone();
        self.readers.read(move |db| Ok(blob_rows::properties(db, &name)?)).await
    }

    async fn read(&self, name: &BlobName, offset: u64, length: Option<u64>) -> Result<Option<BlobRead>, StorageError> {
        check(name)?;
        let mut missed = None;
        loop {
            let wanted = name.clone();
            let Some((properties, content)) = self.readers.read(move |db| Ok(blob_rows::find(db, &wanted)?)).await? else {
                return Ok(None);
            };
            let start = offset.min(properties.length);
            let length = length.unwrap_or(u64::MAX).min(properties.length - start);
            let content = match content {
                Content::Inline(bytes) => Some(slice(&bytes, start, length)),
                Content::File(file) => open_body(self, file, start).await?.map(|file| body::pieces(file, length, self.folder.clone())),
            };
            if let Some(content) = content {
                return Ok(Some(BlobRead { properties, content }));
            }
            // It was written or deleted in between: look again, unless the row is still the same.
            if missed.as_ref() == Some(&properties.etag) {
                return Err(StorageError::Other(format!("the content of {name} is no longer in {}", self.folder.display())));
            }
            missed = Some(properties.etag);
        }
    }

    async fn write(&self, name: &BlobName, body: BlobBody, how: WriteBlob) -> Result<BlobProperties, StorageError> {
        check(name)?;
        let (container, share) = (name.container.clone(), self.quota.of_container(&name.container));
        // The transaction looks again: this is so that a large body isn't taken for nothing.
        let look = move |db: &Connection| {
            blob_rows::check_container(db, &container)?;
            share.left(db)
        };
        let body = Body::take(self, body, self.readers.read(look).await?).await?;
        let properties = BlobProperties {
            length: body.length(),
            etag: format!("\"0x{:016X}\"", rand::random::<u64>()),
            last_modified: times::system(times::now()),
            content_type: how.content_type.unwrap_or_else(|| UNTYPED.to_owned()),
            metadata: how.metadata,
        };
        let (files, changes, name) = (self.files.clone(), self.changes.clone(), name.clone());
        let place = Place::Container(name.container.clone());
        let after = move |(properties, replaced): (BlobProperties, Option<String>)| {
            changes.tell(&place);
            replaced.iter().for_each(|body| files.remove(body));
            properties
        };
        let work = move |db: &Connection| {
            let replaced = blob_rows::put(db, &name, &properties, &body, &how.condition)?;
            share.check(db)?;
            body.keep();
            Ok((properties, replaced))
        };
        self.writer.write_then(work, after).await
    }

    async fn delete(&self, name: &BlobName) -> Result<bool, StorageError> {
        check(name)?;
        let (files, name) = (self.files.clone(), name.clone());
        let delete = "DELETE FROM blobs WHERE container = ? AND name = ? RETURNING file";
        let work = move |db: &Connection| {
            let mut delete = db.prepare_cached(delete)?;
            Ok(delete.query_row([&name.container, &name.blob], |row| row.get::<_, Option<String>>(0)).optional()?)
        };
        let after = move |deleted: Option<Option<String>>| {
            deleted.iter().flatten().for_each(|body| files.remove(body));
            deleted.is_some()
        };
        self.writer.write_then(work, after).await
    }

    fn changes(&self, container: &str) -> Option<watch::Receiver<()>> {
        let receiver = self.changes.subscribe(Place::Container(container.to_owned()));
        self.writer.look_out();
        Some(receiver)
    }
}

fn check(name: &BlobName) -> Result<(), StorageError> {
    names::container(&name.container)?;
    names::blob(&name.blob)
}

/// The file of a body, from an offset on; nothing where it is gone.
async fn open_body(account: &Account, name: String, offset: u64) -> Result<Option<File>, StorageError> {
    let files = account.files.clone();
    let open = move || match files.open(&name, offset) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => Ok(Some(opened?)),
    };
    blocking(&account.folder, open).await
}

fn slice(bytes: &Bytes, start: u64, length: u64) -> BoxStream<'static, Result<Bytes, StorageError>> {
    let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
    let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
    let piece = (start < end).then(|| bytes.slice(start..end));
    stream::iter(piece.map(Ok)).boxed()
}
