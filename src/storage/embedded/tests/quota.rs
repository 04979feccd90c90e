//! What the account may hold.

use super::*;
use crate::storage::{Delay, StorageError};
use rusqlite::Connection;
use std::time::Duration;

const LIMIT: u64 = 2 << 20;

async fn limited() -> (Storage, TempDir, Quota) {
    let (folder, quota) = (tempfile::tempdir().unwrap(), Quota::of(LIMIT));
    let storage = Storage::embedded(folder.path(), quota.clone()).await.unwrap();
    storage.blobs.create_container("data").await.unwrap();
    storage.queues.create("jobs").await.unwrap();
    (storage, folder, quota)
}

async fn put(storage: &Storage, container: &str, blob: &str, length: usize) -> Result<(), StorageError> {
    let body = BlobBody::Whole(vec![1; length].into());
    storage.blobs.write(&BlobName::new(container, blob), body, WriteBlob::default()).await.map(|_| ())
}

#[track_caller]
fn is_full<T: std::fmt::Debug>(result: Result<T, StorageError>) {
    let said = result.unwrap_err().to_string();
    assert!(said.contains(" is full: it may hold 2 MiB; delete ") && said.contains("snapfunc.storageMb in host.json"), "{said}");
}

/// Sends until there is no more room.
async fn fill(storage: &Storage, queue: &str) -> usize {
    let text = "x".repeat(20_000);
    for sent in 0..1000 {
        if storage.queues.send(queue, &text, Delay::default()).await.is_err() {
            return sent;
        }
    }
    panic!("there is no limit");
}

#[tokio::test]
async fn what_would_be_too_much_is_refused_and_the_rest_goes_on() {
    let (storage, folder, quota) = limited().await;
    put(&storage, "data", "kept", 10_000).await.unwrap();
    let sent = fill(&storage, "jobs").await;
    assert!((80..110).contains(&sent), "{sent}");
    is_full(storage.queues.send("jobs", &"x".repeat(20_000), Delay::default()).await);
    is_full(put(&storage, "data", "small", 60_000).await);
    is_full(put(&storage, "data", "large", 200_000).await);
    storage.tables.create("table").await.unwrap();
    let entity = serde_json::json!({"PartitionKey": "p", "RowKey": "r", "A": "x".repeat(30_000)});
    let entity = entity.as_object().unwrap().clone();
    is_full(storage.tables.insert("table", &entity).await);
    assert_eq!(names(folder.path(), "blobs").len(), 0, "nothing is left of what was refused");
    // What is there can be read, received, replaced and removed, and there is room again.
    assert_eq!(read(&storage, &BlobName::new("data", "kept")).await.unwrap().len(), 10_000);
    put(&storage, "data", "kept", 9_000).await.unwrap();
    assert!(!storage.queues.create("jobs").await.unwrap());
    assert!(storage.leases.acquire("lease", Duration::from_secs(15)).await.unwrap().is_some());
    let messages = storage.queues.receive("jobs", 32, Duration::from_secs(60)).await.unwrap();
    assert_eq!(messages.len(), 32);
    for message in &messages {
        storage.queues.delete("jobs", &message.receipt).await.unwrap();
    }
    put(&storage, "data", "large", 200_000).await.unwrap();
    quota.set(4 << 20);
    put(&storage, "data", "more", 2_000_000).await.unwrap();
}

#[tokio::test]
async fn large_bodies_count_as_long_as_they_are_named() {
    let (storage, folder, _quota) = limited().await;
    for round in 0..3 {
        put(&storage, "data", "a", 900_000).await.unwrap();
        put(&storage, "data", "b", 900_000).await.unwrap();
        is_full(put(&storage, "data", "c", 300_000).await);
        // There are two of it until the new one takes the old one's place.
        is_full(put(&storage, "data", "a", 900_000).await);
        if round == 0 {
            put(&storage, "data", "a", 100).await.unwrap();
            storage.blobs.delete(&BlobName::new("data", "b")).await.unwrap();
        } else {
            storage.blobs.delete_container("data").await.unwrap();
            storage.blobs.create_container("data").await.unwrap();
        }
    }
    assert_eq!(names(folder.path(), "blobs").len(), 0);
}

/// Bodies on their way share what is left.
#[tokio::test]
async fn bodies_that_come_together_are_together_within_it() {
    let (storage, folder, _quota) = limited().await;
    let names: Vec<_> = (0..8).map(|number| format!("b{number}")).collect();
    let all = names.iter().map(|name| put(&storage, "data", name, 600_000));
    let stored = futures_util::future::join_all(all).await.iter().filter(|result| result.is_ok()).count();
    assert!((1..=3).contains(&stored), "{stored}");
    assert_eq!(super::names(folder.path(), "blobs").len(), stored);
    put(&storage, "data", "b", 100_000).await.unwrap();
}

/// A function that fills the storage stops neither what tells which blobs were worked on, nor the place of messages that no function takes.
#[tokio::test]
async fn the_host_has_more() {
    let (storage, _folder, _quota) = limited().await;
    fill(&storage, "jobs").await;
    storage.blobs.create_container("azure-webjobs-hosts").await.unwrap();
    put(&storage, "azure-webjobs-hosts", "timers/a/b/status", 10_000).await.unwrap();
    storage.queues.create("jobs-poison").await.unwrap();
    assert!((2..20).contains(&fill(&storage, "jobs-poison").await));
    is_full(put(&storage, "azure-webjobs-hosts", "more", 50_000).await);
}

/// What one piece of work is refused for does not undo those in the same transaction.
#[tokio::test]
async fn neighbours_are_left_alone() {
    let (storage, _folder, _quota) = limited().await;
    let sending = (0..400).map(|number| {
        let (storage, text) = (&storage, if number % 2 == 0 { "x".repeat(30_000) } else { String::new() });
        async move { storage.queues.send("jobs", &text, Delay::default()).await.is_ok() }
    });
    let sent = futures_util::future::join_all(sending).await.into_iter().filter(|sent| *sent).count();
    assert_eq!(storage.queues.length("jobs").await.unwrap(), sent as u64);
    assert!((60..400).contains(&sent), "{sent}");
}

#[tokio::test]
async fn an_account_of_the_first_version_is_counted() {
    let (storage, folder, quota) = limited().await;
    put(&storage, "data", "a", 1_500_000).await.unwrap();
    drop(storage);
    let db = Connection::open(folder.path().join("storage.db")).unwrap();
    let before = "DROP TRIGGER large_body_comes; DROP TRIGGER large_body_changes; DROP TRIGGER large_body_goes; DROP TABLE large_bodies; PRAGMA user_version = 1;";
    db.execute_batch(before).unwrap();
    drop(db);
    let storage = Storage::embedded(folder.path(), quota).await.unwrap();
    is_full(put(&storage, "data", "b", 600_000).await);
    storage.blobs.delete(&BlobName::new("data", "a")).await.unwrap();
    put(&storage, "data", "b", 600_000).await.unwrap();
}
