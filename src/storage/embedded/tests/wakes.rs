//! Listeners are woken.

use super::*;
use crate::storage::Delay;
use std::time::Duration;
use tokio::sync::watch;

/// Far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn woken(changes: &mut watch::Receiver<()>) {
    tokio::time::timeout(PATIENCE, changes.changed()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_message_wakes_the_listeners_of_its_queue() {
    let (storage, _folder) = account().await;
    for queue in ["jobs", "other"] {
        storage.queues.create(queue).await.unwrap();
    }
    let mut jobs = storage.queues.changes("jobs").unwrap();
    let (mut too, other) = (storage.queues.changes("jobs").unwrap(), storage.queues.changes("other").unwrap());
    storage.queues.send("jobs", "a", Delay::default()).await.unwrap();
    woken(&mut jobs).await;
    woken(&mut too).await;
    let message = storage.queues.receive("jobs", 1, PATIENCE).await.unwrap().remove(0);
    storage.queues.update("jobs", &message.receipt, Duration::ZERO).await.unwrap();
    woken(&mut jobs).await;
    assert!(!other.has_changed().unwrap());
    drop(storage);
    // What is dropped wakes no more.
    tokio::time::timeout(PATIENCE, async { while jobs.changed().await.is_ok() {} }).await.unwrap();
}

#[tokio::test]
async fn a_blob_wakes_the_listeners_of_its_container() {
    let (storage, _folder) = account().await;
    storage.blobs.create_container("data").await.unwrap();
    let mut data = storage.blobs.changes("data").unwrap();
    write(&storage, &BlobName::new("data", "a"), "x").await;
    woken(&mut data).await;
}

#[tokio::test]
async fn what_another_store_writes_is_found() {
    let (storage, folder) = account().await;
    storage.queues.create("jobs").await.unwrap();
    let other = Storage::embedded(folder.path(), Quota::default()).await.unwrap();
    let mut jobs = storage.queues.changes("jobs").unwrap();
    for text in ["1", "2"] {
        other.queues.send("jobs", text, Delay::default()).await.unwrap();
        loop {
            woken(&mut jobs).await;
            let messages = storage.queues.receive("jobs", 32, PATIENCE).await.unwrap();
            if let Some(message) = messages.first() {
                assert_eq!(message.text, text);
                break;
            }
        }
    }
}
