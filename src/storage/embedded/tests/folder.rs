//! What is in the folder, and what may be wrong with it.

use super::*;
use crate::storage::{BlobBody, Condition, Delay, StorageError};
use futures_util::stream::{self, StreamExt};
use rusqlite::Connection;
use std::fs;
use std::time::Duration;

/// Large enough for a file.
fn large() -> Bytes {
    vec![7; 200_000].into()
}

async fn refusal(folder: &Path) -> String {
    let error = Storage::embedded(folder, Quota::default()).await.unwrap_err();
    assert!(matches!(error, StorageError::Other(_)), "{error:?}");
    let said = error.to_string();
    assert!(said.contains(&folder.display().to_string()), "{said}");
    said
}

#[tokio::test]
async fn what_was_written_is_there_after_it_is_opened_again() {
    let (storage, folder) = account().await;
    storage.blobs.create_container("data").await.unwrap();
    storage.queues.create("jobs").await.unwrap();
    let (small, big) = (BlobName::new("data", "small"), BlobName::new("data", "big"));
    write(&storage, &small, "small").await;
    write(&storage, &big, large()).await;
    storage.queues.send("jobs", "a", Delay::default()).await.unwrap();
    drop(storage);
    let storage = Storage::embedded(folder.path(), Quota::default()).await.unwrap();
    assert_eq!(read(&storage, &small).await.unwrap(), b"small");
    assert_eq!(read(&storage, &big).await.unwrap(), large());
    assert_eq!(storage.queues.peek("jobs", 32).await.unwrap().len(), 1);
    assert_eq!(names(folder.path(), "blobs").len(), 1);
}

#[tokio::test]
async fn two_stores_share_a_folder() {
    let (one, folder) = account().await;
    let two = Storage::embedded(folder.path(), Quota::default()).await.unwrap();
    one.queues.create("jobs").await.unwrap();
    for index in 0..200 {
        let storage = if index % 2 == 0 { &one } else { &two };
        storage.queues.send("jobs", &index.to_string(), Delay::default()).await.unwrap();
    }
    let mut got = Vec::new();
    for round in 0..20 {
        let storage = if round % 2 == 0 { &two } else { &one };
        let messages = storage.queues.receive("jobs", 32, Duration::from_secs(60)).await.unwrap();
        got.extend(messages.into_iter().map(|message| message.text.parse::<usize>().unwrap()));
    }
    assert_eq!(got, (0..200).collect::<Vec<_>>());
}

#[tokio::test]
async fn large_bodies_leave_no_files_behind() {
    let (storage, folder) = account().await;
    storage.blobs.create_container("data").await.unwrap();
    let name = BlobName::new("data", "a");
    write(&storage, &name, large()).await;
    write(&storage, &name, large()).await;
    assert_eq!(names(folder.path(), "blobs").len(), 1, "the replaced one is gone");
    let how = WriteBlob { condition: Condition::IfAbsent, ..WriteBlob::default() };
    storage.blobs.write(&name, BlobBody::Whole(large()), how).await.unwrap_err();
    let broken = stream::iter([Ok(large()), Ok(vec![1; 600_000].into()), Err(std::io::Error::other("broken"))]).boxed();
    storage.blobs.write(&name, BlobBody::Stream(broken), WriteBlob::default()).await.unwrap_err();
    // A caller that goes away in the middle.
    let endless = stream::iter([Ok(vec![1; 600_000].into())]).chain(stream::pending()).boxed();
    let abandoned = storage.blobs.write(&name, BlobBody::Stream(endless), WriteBlob::default());
    tokio::time::timeout(Duration::from_millis(200), abandoned).await.unwrap_err();
    assert_eq!(names(folder.path(), "blobs").len(), 1);
    write(&storage, &name, "small").await;
    assert_eq!(names(folder.path(), "blobs").len(), 0);
    write(&storage, &name, large()).await;
    storage.blobs.delete(&name).await.unwrap();
    write(&storage, &BlobName::new("data", "b"), large()).await;
    storage.blobs.delete_container("data").await.unwrap();
    assert_eq!(names(folder.path(), "blobs").len(), 0);
}

#[tokio::test]
async fn opening_sweeps_only_what_is_nobodys() {
    let (storage, folder) = account().await;
    storage.blobs.create_container("data").await.unwrap();
    write(&storage, &BlobName::new("data", "a"), large()).await;
    let living = names(folder.path(), "writers").remove(0);
    let on_its_way = format!("{living}-77");
    for name in [&on_its_way, "00000000000000000000000000000000-0", "README"] {
        fs::write(folder.path().join("blobs").join(name), "x").unwrap();
    }
    fs::write(folder.path().join("writers/00000000000000000000000000000000"), "").unwrap();
    let second = Storage::embedded(folder.path(), Quota::default()).await.unwrap();
    let mut left = names(folder.path(), "blobs");
    left.sort();
    let mut wanted = vec![format!("{living}-0"), on_its_way, "README".to_owned()];
    wanted.sort();
    assert_eq!(left, wanted);
    assert_eq!(names(folder.path(), "writers").len(), 2);
    assert!(read(&second, &BlobName::new("data", "a")).await.is_some());
}

#[tokio::test]
async fn a_reader_of_a_file_keeps_its_version() {
    let (storage, _folder) = account().await;
    storage.blobs.create_container("data").await.unwrap();
    let name = BlobName::new("data", "a");
    write(&storage, &name, vec![1; 3_000_000]).await;
    let reading = storage.blobs.read(&name, 0, None).await.unwrap().unwrap();
    write(&storage, &name, vec![2; 3_000_000]).await;
    storage.blobs.delete(&name).await.unwrap();
    drop(storage);
    let pieces = reading.content.try_collect::<Vec<Bytes>>().await.unwrap();
    assert!(pieces.iter().all(|piece| piece.len() <= 1024 * 1024));
    assert!(pieces.concat() == vec![1; 3_000_000]);
}

#[tokio::test]
async fn readers_and_writers_of_one_blob_never_miss_it() {
    let (storage, _folder) = account().await;
    storage.blobs.create_container("data").await.unwrap();
    let name = BlobName::new("data", "a");
    write(&storage, &name, vec![0; 100_000]).await;
    let writes = async {
        for round in 1..60_u8 {
            write(&storage, &name, vec![round; 100_000]).await;
        }
    };
    let reads = async {
        for _ in 0..120 {
            let content = read(&storage, &name).await.unwrap();
            assert!(content.len() == 100_000 && content.iter().all(|byte| *byte == content[0]));
        }
    };
    tokio::join!(writes, reads);
}

#[tokio::test]
async fn long_lists_go_on() {
    let (storage, _folder) = account().await;
    storage.blobs.create_container("data").await.unwrap();
    let blobs: Vec<_> = (0..5_001).map(|index| BlobName::new("data", format!("{index:05}"))).collect();
    futures_util::future::join_all(blobs.iter().map(|name| write(&storage, name, "x"))).await;
    let (first, next) = storage.blobs.list("data", "", None).await.unwrap();
    let (rest, end) = storage.blobs.list("data", "", next).await.unwrap();
    assert_eq!((first.len(), rest.len(), end), (5_000, 1, None));
    assert_eq!(rest[0].name, "05000");
}

#[tokio::test]
async fn a_lease_that_ended_can_be_taken() {
    let (storage, folder) = account().await;
    let first = storage.leases.acquire("host", Duration::from_secs(15)).await.unwrap().unwrap();
    // The same as waiting for it.
    let end = || Connection::open(folder.path().join("storage.db")).unwrap().execute("UPDATE leases SET expires = 0", []).unwrap();
    end();
    storage.leases.renew("host", &first).await.unwrap();
    assert_eq!(storage.leases.acquire("host", Duration::from_secs(15)).await.unwrap(), None);
    end();
    let second = storage.leases.acquire("host", Duration::from_secs(15)).await.unwrap().unwrap();
    assert!(matches!(storage.leases.renew("host", &first).await, Err(StorageError::Conflict(_))));
    storage.leases.renew("host", &second).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("a/storage");
    let storage = Storage::embedded(&folder, Quota::default()).await.unwrap();
    storage.blobs.create_container("data").await.unwrap();
    write(&storage, &BlobName::new("data", "a"), large()).await;
    let mut checked = 0;
    for inner in [".", "blobs", "writers"] {
        assert_eq!(fs::metadata(folder.join(inner)).unwrap().permissions().mode() & 0o777, 0o700, "{inner}");
        for name in names(&folder, inner) {
            let metadata = fs::metadata(folder.join(inner).join(&name)).unwrap();
            if metadata.is_file() {
                assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 6, "the database's three, the lock, a writer and a body");
}

#[tokio::test]
async fn folders_that_cannot_be_used_are_told() {
    let outer = tempfile::tempdir().unwrap();
    let file = outer.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(refusal(&file).await.contains("can't be used"));
    assert!(refusal(&file.join("inner")).await.contains("can't be used"));
}

#[tokio::test]
async fn damaged_and_foreign_databases_are_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("storage.db");
    fs::write(&file, "this is no database. ".repeat(1000)).unwrap();
    assert!(refusal(folder.path()).await.contains("is damaged"));
    fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE other (a)").unwrap();
    let before = fs::read(&file).unwrap();
    assert!(refusal(folder.path()).await.contains("another program's tables"));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_newer_format_is_told() {
    let (storage, folder) = account().await;
    drop(storage);
    Connection::open(folder.path().join("storage.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let said = refusal(folder.path()).await;
    assert!(said.ends_with("newer version of snapfunc: its format is 99, this one knows 2"), "{said}");
}
