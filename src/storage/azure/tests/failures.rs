//! Services that are away, busy or broken.

use super::azurite::Azurite;
use super::scripted::{Act, Scripted};
use super::{fresh, open};
use crate::storage::{BlobBody, BlobName, Condition, ConnectionString, Delay, Storage, StorageError, WriteBlob};
use futures_util::StreamExt;
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

const BUSY: Act = Act::Answer(503, "x-ms-error-code: ServerBusy\r\n", "");
const MADE: Act = Act::Answer(201, "etag: \"0x1\"\r\nlast-modified: Fri, 26 Jun 2015 23:39:12 GMT\r\n", "");
const SIGNATURE: &str = "sv=2021-12-02&sig=TOPSECRET";

/// Keeps what is logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

fn account(service: &Scripted) -> Storage {
    let at = &service.origin;
    open(&format!("SharedAccessSignature={SIGNATURE};BlobEndpoint={at};QueueEndpoint={at}/;TableEndpoint={at}"))
}

async fn write(storage: &Storage, condition: Condition) -> Result<(), StorageError> {
    let how = WriteBlob { condition, ..WriteBlob::default() };
    storage.blobs.write(&BlobName::new("abc", "a"), BlobBody::Whole("text".into()), how).await.map(|_| ())
}

#[tokio::test]
async fn an_account_that_is_away_comes_back() {
    let azurite = Azurite::start();
    let storage = open(&azurite.connection_string());
    let queue = fresh("queue");
    storage.queues.create(&queue).await.unwrap();
    let ports = azurite.ports();
    drop(azurite);
    let started = Instant::now();
    let (received, containers, tables) =
        tokio::join!(storage.queues.receive(&queue, 1, Duration::from_secs(1)), storage.blobs.containers(), storage.tables.tables());
    for failed in [received.err(), containers.err(), tables.err()] {
        let failed = failed.unwrap();
        assert!(matches!(&failed, StorageError::Unreachable { reason, .. } if reason == "nobody listens there"), "{failed:?}");
        assert!(failed.is_transient() && failed.to_string().starts_with("the storage at http://127.0.0.1:"), "{failed}");
    }
    assert!(started.elapsed() < Duration::from_secs(10));
    // What it held is gone with it, but the same account goes on.
    let azurite = Azurite::start_on(ports);
    assert!(storage.queues.create(&queue).await.unwrap() && storage.blobs.create_container(&queue).await.unwrap());
    assert!(storage.tables.tables().await.unwrap().is_empty());
    drop(azurite);
}

#[tokio::test]
async fn nobody_at_an_address_is_told_soon() {
    let storage = open("SharedAccessSignature=sig=TOPSECRET;BlobEndpoint=http://nowhere.invalid;TableEndpoint=https://127.0.0.1:1/");
    let started = Instant::now();
    let failed = storage.blobs.containers().await.unwrap_err();
    assert_eq!(failed.to_string(), "the storage at http://nowhere.invalid can't be reached: its name can't be resolved");
    let failed = storage.tables.tables().await.unwrap_err();
    assert_eq!(failed.to_string(), "the storage at https://127.0.0.1:1 can't be reached: nobody listens there");
    assert!(started.elapsed() < Duration::from_secs(20));
    let failed = storage.queues.queues().await.unwrap_err();
    assert_eq!(failed.to_string(), "the storage failed: the connection string has no QueueEndpoint");
}

#[tokio::test]
async fn a_service_without_tls_is_told() {
    let service = Scripted::new([BUSY; 4]).await;
    let at = service.origin.replace("http:", "https:");
    let storage = open(&format!("SharedAccessSignature={SIGNATURE};BlobEndpoint={at}"));
    let failed = storage.blobs.containers().await.unwrap_err();
    assert!(
        matches!(&failed, StorageError::Unreachable { endpoint, reason } if *endpoint == at && reason.starts_with("TLS fails: ")),
        "{failed}"
    );
}

#[tokio::test]
async fn a_busy_service_is_asked_again() {
    let list =
        Act::Answer(200, "", "<EnumerationResults><Queues><Queue><Name>abc</Name></Queue></Queues><NextMarker/></EnumerationResults>");
    for trouble in [BUSY, Act::Answer(500, "", ""), Act::Answer(429, "retry-after: 1\r\n", ""), Act::Close, Act::BreakOff] {
        let service = Scripted::new([trouble, trouble, list]).await;
        assert_eq!(account(&service).queues.queues().await.unwrap(), ["abc"]);
        assert_eq!(service.requests(), [format!("GET /?comp=list&{SIGNATURE}").as_str(); 3]);
    }
}

#[tokio::test]
async fn patience_ends() {
    let service = Scripted::new([BUSY, BUSY, BUSY, BUSY, BUSY]).await;
    let busy = account(&service).queues.length("abc").await.unwrap_err();
    assert_eq!(busy.to_string(), format!("the storage at {} is busy: 503 ServerBusy", service.origin));
    assert_eq!((service.requests().len(), busy.is_transient()), (4, true));
    let started = Instant::now();
    let service = Scripted::new([Act::Answer(503, "retry-after: 60\r\n", "")]).await;
    assert!(matches!(account(&service).queues.length("abc").await, Err(StorageError::Busy { .. })));
    assert!(started.elapsed() < Duration::from_secs(1), "nobody waits for a minute");
}

#[tokio::test]
async fn what_can_be_done_once_is_sent_once() {
    let entity = json!({"PartitionKey": "p", "RowKey": "r"}).as_object().unwrap().clone();
    for act in [Act::Close, Act::BreakOff, Act::Answer(500, "", "")] {
        let service = Scripted::new([act, act, MADE]).await;
        let storage = account(&service);
        assert!(write(&storage, Condition::IfAbsent).await.unwrap_err().is_transient());
        assert!(storage.tables.insert("table", &entity).await.unwrap_err().is_transient());
        assert_eq!(service.requests().len(), 2);
        // Without a condition, it may be done twice.
        let service = Scripted::new([Act::Close, MADE]).await;
        write(&account(&service), Condition::Always).await.unwrap();
    }
    // A busy service has done nothing.
    let service = Scripted::new([BUSY, MADE]).await;
    write(&account(&service), Condition::IfMatch("\"0x0\"".to_owned())).await.unwrap();
}

#[tokio::test]
async fn what_is_being_deleted_is_waited_for() {
    let deleting = Act::Answer(409, "x-ms-error-code: QueueBeingDeleted\r\n", "");
    let service = Scripted::new([deleting, MADE]).await;
    assert!(account(&service).queues.create("abc").await.unwrap());
    let service = Scripted::new([deleting; 4]).await;
    let failed = account(&service).queues.create("abc").await.unwrap_err();
    assert!(matches!(&failed, StorageError::Busy { code, .. } if code == "409 QueueBeingDeleted"), "{failed}");
    let service = Scripted::new([deleting]).await;
    assert!(!account(&service).queues.delete_queue("abc").await.unwrap());
}

#[tokio::test]
async fn queues_come_in_pages() {
    let page = |text| Act::Answer(200, "", text);
    let service = Scripted::new([
        page("<R><Queues><Queue><Name>abc</Name></Queue></Queues><NextMarker>/a b/2</NextMarker></R>"),
        page("<R><Queues><Queue><Name>abd</Name></Queue></Queues></R>"),
    ])
    .await;
    assert_eq!(account(&service).queues.queues().await.unwrap(), ["abc", "abd"]);
    assert_eq!(service.requests()[1], format!("GET /?comp=list&marker=%2Fa%20b%2F2&{SIGNATURE}"));
}

#[tokio::test]
async fn a_body_that_breaks_off_sends_no_list_of_blocks() {
    let service = Scripted::new([MADE, MADE, MADE]).await;
    let pieces = [Ok(vec![1; 300_000].into()), Err(io::Error::other("dead"))];
    let body = BlobBody::Stream(futures_util::stream::iter(pieces).boxed());
    let failed = account(&service).blobs.write(&BlobName::new("abc", "a"), body, WriteBlob::default()).await.unwrap_err();
    assert!(matches!(failed, StorageError::Body(_)), "{failed}");
    assert!(service.requests().iter().all(|request| request.contains("comp=block&")), "{:?}", service.requests());
}

#[tokio::test]
async fn nothing_that_is_logged_or_said_opens_the_account() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let echo = Act::Answer(
        403,
        "x-ms-error-code: AuthenticationFailed\r\n",
        "<Error><Code>AuthenticationFailed</Code><Message>TOPSECRET</Message></Error>",
    );
    let service = Scripted::new([BUSY, Act::Close, Act::BreakOff, echo]).await;
    let storage = account(&service);
    let denied = storage.queues.send("abc", "text", Delay::default()).await.unwrap_err();
    let broken = storage.blobs.containers().await.unwrap_err();
    drop(logging);
    let connection: ConnectionString = format!("SharedAccessSignature={SIGNATURE};BlobEndpoint=http://a").parse().unwrap();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("503 ServerBusy") && logged.contains("/abc/messages"), "{logged}");
    for said in [logged, format!("{denied} {denied:?} {broken} {broken:?} {storage:?} {connection:?}")] {
        assert!(!said.contains("TOPSECRET") && !said.contains("sig="), "{said}");
    }
}

// === impl Log ===

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Log;

    fn make_writer(&'w self) -> Log {
        self.clone()
    }
}
