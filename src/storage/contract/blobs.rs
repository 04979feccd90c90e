//! What containers and blobs must do.

use super::fresh;
use crate::storage::{BlobBody, BlobName, BlobRead, Condition, Storage, StorageError, WriteBlob};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::io;
use std::time::{Duration, SystemTime};

/// Some of them small enough for any inner store, others not.
const LENGTHS: [usize; 7] = [0, 1, 1000, 65_536, 65_537, 524_288, 3_000_001];

/// An empty container.
async fn container(storage: &Storage) -> String {
    let container = fresh("contract");
    assert!(storage.blobs.create_container(&container).await.unwrap());
    container
}

/// Bytes that are nowhere alike.
fn content(length: usize) -> Bytes {
    (0..length as u64).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

async fn write(storage: &Storage, name: &BlobName, body: impl Into<Bytes>) -> String {
    storage.blobs.write(name, BlobBody::Whole(body.into()), WriteBlob::default()).await.unwrap().etag
}

async fn write_if(storage: &Storage, name: &BlobName, body: &'static str, condition: Condition) -> Result<String, StorageError> {
    let how = WriteBlob { condition, ..WriteBlob::default() };
    Ok(storage.blobs.write(name, BlobBody::Whole(body.into()), how).await?.etag)
}

async fn all(read: BlobRead) -> Vec<u8> {
    read.content.try_collect::<Vec<Bytes>>().await.unwrap().concat()
}

async fn read(storage: &Storage, name: &BlobName) -> Vec<u8> {
    all(storage.blobs.read(name, 0, None).await.unwrap().unwrap()).await
}

pub(in crate::storage) async fn containers_come_and_go(storage: &Storage) {
    let container = container(storage).await;
    assert!(!storage.blobs.create_container(&container).await.unwrap(), "it is there already");
    let containers = storage.blobs.containers().await.unwrap();
    assert!(containers.contains(&container) && containers.is_sorted());
    let name = BlobName::new(&container, "a");
    write(storage, &name, content(100_000)).await;
    assert!(storage.blobs.delete_container(&container).await.unwrap());
    assert!(!storage.blobs.delete_container(&container).await.unwrap());
    assert!(!storage.blobs.containers().await.unwrap().contains(&container));
    assert!(storage.blobs.read(&name, 0, None).await.unwrap().is_none());
}

pub(in crate::storage) async fn blobs_come_and_go(storage: &Storage) {
    let name = BlobName::new(container(storage).await, "folder/blob");
    for length in LENGTHS {
        assert!(storage.blobs.properties(&name).await.unwrap().is_none());
        assert!(storage.blobs.read(&name, 0, None).await.unwrap().is_none());
        assert!(!storage.blobs.delete(&name).await.unwrap());
        write(storage, &name, content(length)).await;
        assert_eq!(storage.blobs.properties(&name).await.unwrap().unwrap().length, length as u64);
        assert!(storage.blobs.delete(&name).await.unwrap());
    }
}

pub(in crate::storage) async fn what_was_written_is_read(storage: &Storage) {
    let name = BlobName::new(container(storage).await, "Grüße aus/100% 'Köln'?#.txt");
    for length in LENGTHS {
        let metadata = vec![("Author".to_owned(), "Ada".to_owned()), ("b_2".to_owned(), "x y".to_owned())];
        let how = WriteBlob { content_type: Some("text/plain".to_owned()), metadata: metadata.clone(), condition: Condition::Always };
        let written = storage.blobs.write(&name, BlobBody::Whole(content(length)), how).await.unwrap();
        assert!(read(storage, &name).await == content(length), "{length}");
        let found = storage.blobs.properties(&name).await.unwrap().unwrap();
        assert_eq!((found.length, found.etag, found.content_type.as_str()), (length as u64, written.etag, "text/plain"));
        let mut found_metadata = found.metadata;
        found_metadata.sort();
        let same_name = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        assert!(found_metadata.len() == 2 && found_metadata.iter().zip(&metadata).all(|(a, b)| same_name(&a.0, &b.0) && a.1 == b.1));
        assert!(found.last_modified + Duration::from_secs(60) > SystemTime::now());
    }
    write(storage, &name, "x").await;
    let plain = storage.blobs.properties(&name).await.unwrap().unwrap();
    assert_eq!((plain.content_type.as_str(), plain.metadata.len()), ("application/octet-stream", 0));
}

pub(in crate::storage) async fn parts_are_read(storage: &Storage) {
    let name = BlobName::new(container(storage).await, "a");
    for length in LENGTHS {
        let whole = content(length);
        write(storage, &name, whole.clone()).await;
        for (offset, count) in
            [(0, Some(0)), (0, Some(1)), (1, Some(700)), (600_000, Some(1_500_000)), (999, None), (0, Some(u64::MAX)), (1 << 40, None)]
        {
            let part = storage.blobs.read(&name, offset, count).await.unwrap().unwrap();
            assert_eq!(part.properties.length, length as u64, "of the whole");
            let start = usize::try_from(offset).unwrap().min(length);
            let end = start.saturating_add(count.map_or(usize::MAX, |count| usize::try_from(count).unwrap())).min(length);
            assert!(all(part).await == whole[start..end], "{length}: {offset} {count:?}");
        }
    }
}

pub(in crate::storage) async fn streams_are_stored(storage: &Storage) {
    let name = BlobName::new(container(storage).await, "a");
    for length in LENGTHS {
        for piece in [997, 70_000, 1_000_000] {
            let whole = content(length);
            let pieces: Vec<_> = whole.chunks(piece.min(length / 3 + 1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let how = WriteBlob::default();
            let written = storage.blobs.write(&name, BlobBody::Stream(stream::iter(pieces).boxed()), how).await.unwrap();
            assert_eq!(written.length, length as u64);
            assert!(read(storage, &name).await == whole, "{length} in {piece}");
        }
    }
}

pub(in crate::storage) async fn a_body_that_breaks_off_leaves_nothing(storage: &Storage) {
    let name = BlobName::new(container(storage).await, "a");
    for before in ["", "old"] {
        if !before.is_empty() {
            write(storage, &name, before).await;
        }
        let pieces = [Ok(content(700_000)), Err(io::Error::other("the line is dead"))];
        let broken = storage.blobs.write(&name, BlobBody::Stream(stream::iter(pieces).boxed()), WriteBlob::default()).await;
        assert!(matches!(&broken, Err(StorageError::Body(reason)) if reason.contains("the line is dead")), "{broken:?}");
        let found = storage.blobs.properties(&name).await.unwrap();
        assert_eq!(found.map_or(0, |found| found.length), before.len() as u64);
    }
}

pub(in crate::storage) async fn conditions_hold(storage: &Storage) {
    let name = BlobName::new(container(storage).await, "a");
    let none = Condition::IfMatch("\"0x8D0000000000000\"".to_owned());
    assert!(matches!(write_if(storage, &name, "0", none.clone()).await, Err(StorageError::Conflict(_))));
    let first = write_if(storage, &name, "1", Condition::IfAbsent).await.unwrap();
    assert!(matches!(write_if(storage, &name, "2", Condition::IfAbsent).await, Err(StorageError::Conflict(_))));
    assert!(matches!(write_if(storage, &name, "2", none).await, Err(StorageError::Conflict(_))));
    let second = write_if(storage, &name, "3", Condition::IfMatch(first.clone())).await.unwrap();
    assert!(matches!(write_if(storage, &name, "4", Condition::IfMatch(first)).await, Err(StorageError::Conflict(_))));
    assert_eq!(storage.blobs.properties(&name).await.unwrap().unwrap().etag, second);
    assert_eq!(read(storage, &name).await, b"3");
    // Of many that want to be the first, one is.
    let other = BlobName::new(&name.container, "b");
    let tries = (0..16).map(|_| write_if(storage, &other, "x", Condition::IfAbsent));
    let won = futures_util::future::join_all(tries).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1);
}

pub(in crate::storage) async fn etags_change(storage: &Storage) {
    let name = BlobName::new(container(storage).await, "a");
    let mut etags = Vec::new();
    for _ in 0..5 {
        etags.push(write(storage, &name, "the same").await);
    }
    assert!(etags.iter().all(|etag| etag.starts_with("\"0x") && etag.ends_with('"')), "{etags:?}");
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 5);
}

pub(in crate::storage) async fn a_reader_keeps_its_version(storage: &Storage) {
    let name = BlobName::new(container(storage).await, "a");
    let old = content(6_000_000);
    write(storage, &name, old.clone()).await;
    let mut reading = storage.blobs.read(&name, 0, None).await.unwrap().unwrap();
    let mut got = reading.content.next().await.unwrap().unwrap().to_vec();
    write(storage, &name, "new").await;
    while let Some(piece) = reading.content.next().await {
        match piece {
            Ok(piece) => got.extend_from_slice(&piece),
            // It may say that it can't go on.
            Err(_) => break,
        }
    }
    assert!(old.starts_with(&got), "but never mixes versions");
    assert_eq!(read(storage, &name).await, b"new");
}

pub(in crate::storage) async fn lists_are_in_order(storage: &Storage) {
    let container = container(storage).await;
    for name in ["b/2", "a", "b/10", "b/ä", "c", "b", "b0", "B"] {
        write(storage, &BlobName::new(&container, name), name).await;
    }
    for (prefix, wanted) in [
        ("", vec!["B", "a", "b", "b/10", "b/2", "b/ä", "b0", "c"]),
        ("b/", vec!["b/10", "b/2", "b/ä"]),
        ("b", vec!["b", "b/10", "b/2", "b/ä", "b0"]),
        ("x", vec![]),
    ] {
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let (listed, next) = storage.blobs.list(&container, prefix, after).await.unwrap();
            for blob in listed {
                assert_eq!(
                    Some(&blob.properties),
                    storage.blobs.properties(&BlobName::new(&container, &blob.name)).await.unwrap().as_ref()
                );
                names.push(blob.name);
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(names, wanted, "{prefix}");
    }
}

pub(in crate::storage) async fn blobs_need_a_container(storage: &Storage) {
    let name = BlobName::new(fresh("contract"), "a");
    for failed in [
        storage.blobs.list(&name.container, "", None).await.err(),
        storage.blobs.write(&name, BlobBody::Whole("x".into()), WriteBlob::default()).await.err(),
        storage.blobs.write(&name, BlobBody::Whole(content(100_000)), WriteBlob::default()).await.err(),
    ] {
        assert!(
            matches!(&failed, Some(StorageError::Missing { kind: "container", name: missing }) if *missing == name.container),
            "{failed:?}"
        );
    }
    assert!(storage.blobs.properties(&name).await.unwrap().is_none() && storage.blobs.read(&name, 0, None).await.unwrap().is_none());
    assert!(!storage.blobs.delete(&name).await.unwrap());
}

pub(in crate::storage) async fn blob_names_are_checked(storage: &Storage) {
    for container in ["", "ab", "Upper", "a--b", "../container"] {
        assert!(
            matches!(storage.blobs.create_container(container).await, Err(StorageError::Name { kind: "container", .. })),
            "{container}"
        );
        let name = BlobName::new(container, "a");
        assert!(matches!(storage.blobs.read(&name, 0, None).await, Err(StorageError::Name { kind: "container", .. })), "{container}");
    }
    let container = container(storage).await;
    for blob in [String::new(), "x".repeat(1025)] {
        let refused = storage.blobs.write(&BlobName::new(&container, blob), BlobBody::Whole("x".into()), WriteBlob::default()).await;
        assert!(matches!(refused, Err(StorageError::Name { kind: "blob", .. })), "{refused:?}");
    }
    let name = BlobName::new("container", "folder/100% ä.txt");
    assert!(storage.blobs.uri(&name).ends_with("/container/folder/100%25%20%C3%A4.txt"), "{}", storage.blobs.uri(&name));
}
