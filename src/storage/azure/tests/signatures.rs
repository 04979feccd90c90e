//! Accounts that a shared access signature opens, and accounts that nothing opens.

use super::azurite::{ACCOUNT, Azurite, KEY};
use super::{fresh, open};
use crate::storage::azure::call::encode;
use crate::storage::{BlobBody, BlobName, Delay, Storage, StorageError, WriteBlob};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt;
use ring::hmac;
use serde_json::json;
use std::time::Duration;

/// An account SAS, made as the documentation says ("Create an account SAS"), for all services.
fn signature(permissions: &str) -> String {
    let (version, services, kinds, until) = ("2021-12-02", "bqt", "sco", "2999-01-01T00:00:00Z");
    // Account, permissions, services, kinds, start, end, addresses, protocols, version, encryption scope.
    let text = [ACCOUNT, permissions, services, kinds, "", until, "", "", version, "", ""].join("\n");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(KEY).unwrap());
    let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    format!("sv={version}&ss={services}&srt={kinds}&sp={permissions}&se={}&sig={}", encode(until), encode(&signature))
}

fn with_signature(signature: &str) -> Storage {
    open(&Azurite::shared().with(&format!("SharedAccessSignature={signature}")))
}

fn is_denied(result: Result<impl std::fmt::Debug, StorageError>, secret: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains(secret), "{error}");
}

#[tokio::test]
async fn a_signature_opens_everything() {
    for mark in ["", "?"] {
        let storage = with_signature(&format!("{mark}{}", signature("rwdlacup")));
        let name = BlobName::new(fresh("signed"), "a b");
        assert!(storage.blobs.create_container(&name.container).await.unwrap());
        storage.blobs.write(&name, BlobBody::Whole(vec![7; 300_000].into()), WriteBlob::default()).await.unwrap();
        let read = storage.blobs.read(&name, 0, None).await.unwrap().unwrap();
        assert_eq!(read.content.try_collect::<Vec<_>>().await.unwrap().concat(), [7; 300_000]);
        assert_eq!(storage.blobs.list(&name.container, "a", None).await.unwrap().0.len(), 1);
        assert!(!storage.blobs.uri(&name).contains("sig="));

        let queue = fresh("signed");
        assert!(storage.queues.create(&queue).await.unwrap());
        storage.queues.send(&queue, "a", Delay::default()).await.unwrap();
        let message = storage.queues.receive(&queue, 1, Duration::from_secs(9)).await.unwrap().remove(0);
        storage.queues.delete(&queue, &message.receipt).await.unwrap();

        let table = fresh("signed").replace('-', "");
        assert!(storage.tables.create(&table).await.unwrap());
        storage.tables.upsert(&table, json!({"PartitionKey": "p", "RowKey": "r"}).as_object().unwrap()).await.unwrap();
        assert!(storage.tables.get(&table, "p", "r").await.unwrap().is_some());

        let lease = storage.leases.acquire(&fresh("signed"), Duration::from_secs(15)).await.unwrap();
        assert!(lease.is_some());
    }
}

#[tokio::test]
async fn a_signature_may_allow_less() {
    let signature = signature("rl");
    let storage = with_signature(&signature);
    storage.blobs.containers().await.unwrap();
    let secret = signature.split("sig=").nth(1).unwrap();
    is_denied(storage.blobs.create_container(&fresh("signed")).await, secret);
    is_denied(storage.queues.create(&fresh("signed")).await, secret);
    is_denied(storage.tables.create(&fresh("signed").replace('-', "")).await, secret);
    assert!(!format!("{storage:?}").contains(secret) && !format!("{storage:?}").contains("sig="), "{storage:?}");
}

#[tokio::test]
async fn a_wrong_key_opens_nothing() {
    let wrong = STANDARD.encode("not the account's key");
    let storage = open(&Azurite::shared().with(&format!("AccountName={ACCOUNT};AccountKey={wrong}")));
    is_denied(storage.blobs.containers().await, &wrong);
    is_denied(storage.blobs.properties(&BlobName::new("abc", "a")).await, &wrong);
    is_denied(storage.queues.queues().await, &wrong);
    is_denied(storage.tables.tables().await, &wrong);
    is_denied(storage.leases.acquire("a", Duration::from_secs(15)).await, &wrong);
    is_denied(with_signature(&signature("rl").replace("sig=", "sig=x")).blobs.containers().await, "sig=");
    assert!(!format!("{storage:?}").contains(&wrong));
}
