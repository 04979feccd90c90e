//! The embedded account: the contract, and what only a folder can do or suffer.

mod crashes;
mod folder;
mod processes;
mod quota;
mod speed;
mod wakes;

use crate::storage::contract::every_behaviour;
use crate::storage::{BlobBody, BlobName, Quota, Storage, WriteBlob};
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::path::Path;
use tempfile::TempDir;

/// A new account, and its folder.
async fn account() -> (Storage, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Storage::embedded(folder.path(), Quota::default()).await.unwrap(), folder)
}

async fn open() -> Option<(Storage, TempDir)> {
    Some(account().await)
}

/// The names in one of its folders.
fn names(folder: &Path, inner: &str) -> Vec<String> {
    std::fs::read_dir(folder.join(inner)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

async fn write(storage: &Storage, name: &BlobName, body: impl Into<Bytes>) {
    storage.blobs.write(name, BlobBody::Whole(body.into()), WriteBlob::default()).await.unwrap();
}

async fn read(storage: &Storage, name: &BlobName) -> Option<Vec<u8>> {
    let read = storage.blobs.read(name, 0, None).await.unwrap()?;
    Some(read.content.try_collect::<Vec<Bytes>>().await.unwrap().concat())
}

mod contract {
    use super::*;
    every_behaviour!(open);
}
