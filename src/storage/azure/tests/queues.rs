//! What the contract leaves open: texts and receipts.

use super::{fresh, shared};
use crate::storage::{Delay, StorageError};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn texts_come_as_they_were_sent() {
    let storage = shared();
    let queue = fresh("queue");
    storage.queues.create(&queue).await.unwrap();
    for text in ["{\"a\": [1, \"<&>'\"]}", " blank ", "line\nline\ttab", "Köln 日本 😀", "]]>", "&amp;", "SGVsbG8=", "a\r\nb", ""] {
        storage.queues.send(&queue, text, Delay::default()).await.unwrap();
        let peeked = storage.queues.peek(&queue, 1).await.unwrap().remove(0);
        let message = storage.queues.receive(&queue, 1, MINUTE).await.unwrap().remove(0);
        assert_eq!((peeked.text.as_str(), message.text.as_str()), (text, text));
        storage.queues.delete(&queue, &message.receipt).await.unwrap();
    }
    let refused = storage.queues.send(&queue, "a\u{1}b", Delay::default()).await;
    assert!(matches!(&refused, Err(StorageError::Other(text)) if text.contains("U+0001") && text.contains("Base64")), "{refused:?}");
}

#[tokio::test]
async fn a_message_is_given_back_and_keeps_its_text() {
    let storage = shared();
    let queue = fresh("queue");
    storage.queues.create(&queue).await.unwrap();
    storage.queues.send(&queue, "a", Delay { time_to_live: None, ..Delay::default() }).await.unwrap();
    let first = storage.queues.receive(&queue, 32, Duration::from_millis(59_500)).await.unwrap().remove(0);
    let hidden = first.next_visible.duration_since(std::time::SystemTime::now()).unwrap();
    assert!(hidden > Duration::from_secs(57), "rounded up: {hidden:?}");
    let renewed = storage.queues.update(&queue, &first.receipt, 2 * MINUTE).await.unwrap();
    assert_ne!(renewed, first.receipt);
    let stale = storage.queues.update(&queue, &first.receipt, MINUTE).await;
    assert!(matches!(stale, Err(StorageError::Conflict(_) | StorageError::Missing { kind: "message", .. })), "{stale:?}");
    storage.queues.update(&queue, &renewed, Duration::ZERO).await.unwrap();
    let second = storage.queues.receive(&queue, 32, MINUTE).await.unwrap().remove(0);
    assert_eq!((second.text.as_str(), second.dequeue_count), ("a", 2));
}
