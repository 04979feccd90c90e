//! What the contract leaves open: blocks, ranges, names, pages.

use super::{fresh, shared};
use crate::storage::{BlobBody, BlobName, Condition, Storage, StorageError, WriteBlob};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};

async fn container(storage: &Storage) -> String {
    let container = fresh("blobs");
    storage.blobs.create_container(&container).await.unwrap();
    container
}

fn content(length: usize) -> Bytes {
    (0..length as u64).map(|index| (index.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

#[tokio::test]
async fn a_large_stream_becomes_blocks() {
    let storage = shared();
    let name = BlobName::new(container(&storage).await, "large");
    // 21 blocks, the last one short.
    let whole = content(20 * 128 * 1024 + 77);
    let pieces: Vec<_> = whole.chunks(50_001).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let how = WriteBlob {
        content_type: Some("video/mp4".to_owned()),
        metadata: vec![("a_b".to_owned(), "one".to_owned()), ("a1".to_owned(), "two".to_owned()), ("ab".to_owned(), "x=y; z".to_owned())],
        condition: Condition::IfAbsent,
    };
    let written = storage.blobs.write(&name, BlobBody::Stream(stream::iter(pieces).boxed()), how.clone()).await.unwrap();
    let read = storage.blobs.read(&name, 0, None).await.unwrap().unwrap();
    assert_eq!((&read.properties, written.length), (&written, whole.len() as u64));
    let pieces: Vec<Bytes> = read.content.try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| piece.len() <= 100_000) && pieces.concat() == whole);
    let again = storage.blobs.write(&name, BlobBody::Whole(whole.clone()), how).await;
    assert!(matches!(&again, Err(StorageError::Conflict(text)) if text.contains("is there already")), "{again:?}");
    // In lists it is the same.
    let (listed, _) = storage.blobs.list(&name.container, "", None).await.unwrap();
    assert_eq!(listed[0].properties, written);
}

#[tokio::test]
async fn a_reader_is_told_of_another_version() {
    let storage = shared();
    let name = BlobName::new(container(&storage).await, "a");
    storage.blobs.write(&name, BlobBody::Whole(content(300_000)), WriteBlob::default()).await.unwrap();
    let mut read = storage.blobs.read(&name, 50_000, None).await.unwrap().unwrap();
    assert_eq!(read.content.next().await.unwrap().unwrap(), content(300_000).slice(50_000..150_000));
    storage.blobs.write(&name, BlobBody::Whole(content(300_000)), WriteBlob::default()).await.unwrap();
    let next = read.content.next().await.unwrap();
    assert!(matches!(&next, Err(StorageError::Conflict(text)) if text.contains("was written while it was read")), "{next:?}");
    let mut read = storage.blobs.read(&name, 0, None).await.unwrap().unwrap();
    read.content.next().await.unwrap().unwrap();
    storage.blobs.delete(&name).await.unwrap();
    // Services differ in what they look at first: the condition or whether there is a blob.
    let next = read.content.next().await.unwrap();
    assert!(matches!(next, Err(StorageError::Missing { kind: "blob", .. } | StorageError::Conflict(_))), "{next:?}");
}

#[tokio::test]
async fn any_name_is_listed_as_it_was_written() {
    let storage = shared();
    let container = container(&storage).await;
    let mut names =
        ["<a&b>", "\"quoted\" 'twice'", "Köln/日本/😀", "a+b%20c", " blank ", "50%", "a?b#c", "x=1&y=2", "a;b,c:d@e!$()*", "~_-."];
    names.sort_unstable();
    for name in names {
        let name = BlobName::new(&container, name);
        storage.blobs.write(&name, BlobBody::Whole(Bytes::from(name.blob.clone())), WriteBlob::default()).await.unwrap();
        let read = storage.blobs.read(&name, 0, None).await.unwrap().unwrap();
        assert_eq!(read.content.try_collect::<Vec<_>>().await.unwrap().concat(), name.blob.as_bytes());
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = storage.blobs.list(&container, "", after).await.unwrap();
        assert!(page.len() <= 3);
        listed.extend(page.into_iter().map(|blob| blob.name));
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    listed.sort_unstable();
    assert_eq!(listed, names);
    for name in names {
        let (page, _) = storage.blobs.list(&container, name, None).await.unwrap();
        assert_eq!(page.len(), 1, "as a prefix: {name}");
    }
}

#[tokio::test]
async fn many_containers_come_in_pages() {
    let storage = shared();
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(container(&storage).await);
    }
    let all = storage.blobs.containers().await.unwrap();
    assert!(made.iter().all(|container| all.contains(container)) && all.is_sorted());
}

#[tokio::test]
async fn what_addresses_and_headers_cannot_hold_is_refused() {
    let storage = shared();
    let container = container(&storage).await;
    for blob in [".", "..", "a/../b", "./a", "a/."] {
        let refused = storage.blobs.properties(&BlobName::new(&container, blob)).await;
        assert!(matches!(refused, Err(StorageError::Name { kind: "blob", .. })), "{blob}: {refused:?}");
    }
    for (name, value) in [("", "x"), ("1a", "x"), ("a-b", "x"), ("ä", "x"), ("a", "ä"), ("a", "x\ny")] {
        let how = WriteBlob { metadata: vec![(name.to_owned(), value.to_owned())], ..WriteBlob::default() };
        let refused = storage.blobs.write(&BlobName::new(&container, "a"), BlobBody::Whole(Bytes::new()), how).await;
        assert!(matches!(refused, Err(StorageError::Name { .. } | StorageError::Other(_))), "{name}={value}: {refused:?}");
    }
}
