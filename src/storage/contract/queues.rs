//! What queues must do.

use super::fresh;
use crate::storage::{Delay, Receipt, Storage, StorageError};
use std::time::{Duration, SystemTime};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
/// Longer than a second, whatever the clock's ticks are.
const MORE_THAN_A_SECOND: Duration = Duration::from_millis(2100);

/// A queue with messages.
async fn filled(storage: &Storage, texts: &[&str]) -> String {
    let queue = fresh("contract");
    assert!(storage.queues.create(&queue).await.unwrap());
    for text in texts {
        storage.queues.send(&queue, text, Delay::default()).await.unwrap();
    }
    queue
}

async fn texts(storage: &Storage, queue: &str, most: u32, visibility: Duration) -> Vec<String> {
    storage.queues.receive(queue, most, visibility).await.unwrap().into_iter().map(|message| message.text).collect()
}

pub(in crate::storage) async fn queues_come_and_go(storage: &Storage) {
    let queue = fresh("contract");
    assert!(storage.queues.create(&queue).await.unwrap());
    assert!(!storage.queues.create(&queue).await.unwrap(), "it is there already");
    let queues = storage.queues.queues().await.unwrap();
    assert!(queues.contains(&queue) && queues.is_sorted());
    assert!(storage.queues.delete_queue(&queue).await.unwrap());
    assert!(!storage.queues.delete_queue(&queue).await.unwrap());
    assert!(!storage.queues.queues().await.unwrap().contains(&queue));
}

pub(in crate::storage) async fn messages_come_and_go(storage: &Storage) {
    let before = SystemTime::now();
    let queue = filled(storage, &[]).await;
    assert_eq!(texts(storage, &queue, 32, MINUTE).await, [""; 0]);
    let sent = storage.queues.send(&queue, "Grüße <&>\n\"1\"", Delay::default()).await.unwrap();
    assert_eq!(storage.queues.length(&queue).await.unwrap(), 1);
    let message = storage.queues.receive(&queue, 1, MINUTE).await.unwrap().remove(0);
    assert_eq!((message.text.as_str(), message.dequeue_count), ("Grüße <&>\n\"1\"", 1));
    assert!(message.receipt.id == sent.id && message.receipt.pop_receipt != sent.pop_receipt);
    // Another machine's clock may be the account's.
    let slack = Duration::from_secs(30);
    assert!(message.inserted + slack > before && message.next_visible + slack > before + MINUTE);
    let week = message.expires.duration_since(message.inserted).unwrap();
    assert!(week.abs_diff(Duration::from_secs(7 * 24 * 60 * 60)) < slack);
    storage.queues.delete(&queue, &message.receipt).await.unwrap();
    assert_eq!(storage.queues.length(&queue).await.unwrap(), 0);
    assert!(matches!(storage.queues.delete(&queue, &message.receipt).await, Err(StorageError::Missing { kind: "message", .. })));
}

pub(in crate::storage) async fn messages_come_in_order(storage: &Storage) {
    let queue = filled(storage, &["1", "2", "3", "4", "5"]).await;
    assert_eq!(texts(storage, &queue, 2, MINUTE).await, ["1", "2"]);
    assert_eq!(texts(storage, &queue, 32, MINUTE).await, ["3", "4", "5"]);
}

pub(in crate::storage) async fn received_messages_are_hidden(storage: &Storage) {
    let queue = filled(storage, &["a"]).await;
    let first = storage.queues.receive(&queue, 32, SECOND).await.unwrap().remove(0);
    assert_eq!(texts(storage, &queue, 32, SECOND).await, [""; 0]);
    assert_eq!(storage.queues.length(&queue).await.unwrap(), 1, "hidden messages count");
    tokio::time::sleep(MORE_THAN_A_SECOND).await;
    let second = storage.queues.receive(&queue, 32, MINUTE).await.unwrap().remove(0);
    assert_eq!((second.receipt.id.as_str(), second.dequeue_count), (first.receipt.id.as_str(), 2));
    // The first receiver has lost it.
    for lost in
        [storage.queues.delete(&queue, &first.receipt).await.err(), storage.queues.update(&queue, &first.receipt, MINUTE).await.err()]
    {
        assert!(matches!(lost, Some(StorageError::Conflict(_) | StorageError::Missing { .. })), "{lost:?}");
    }
    storage.queues.delete(&queue, &second.receipt).await.unwrap();
}

pub(in crate::storage) async fn receipts_are_for_once(storage: &Storage) {
    let queue = filled(storage, &["a"]).await;
    let message = storage.queues.receive(&queue, 1, MINUTE).await.unwrap().remove(0);
    let renewed = storage.queues.update(&queue, &message.receipt, MINUTE).await.unwrap();
    assert!(renewed.id == message.receipt.id && renewed.pop_receipt != message.receipt.pop_receipt);
    assert!(storage.queues.update(&queue, &message.receipt, MINUTE).await.is_err());
    assert!(storage.queues.delete(&queue, &message.receipt).await.is_err());
    let given_back = storage.queues.update(&queue, &renewed, Duration::ZERO).await.unwrap();
    let again = storage.queues.receive(&queue, 1, MINUTE).await.unwrap().remove(0);
    assert_eq!((again.text.as_str(), again.dequeue_count), ("a", 2));
    assert!(storage.queues.delete(&queue, &given_back).await.is_err());
    storage.queues.delete(&queue, &again.receipt).await.unwrap();
    assert!(matches!(storage.queues.update(&queue, &again.receipt, MINUTE).await, Err(StorageError::Missing { .. })));
}

pub(in crate::storage) async fn delays_hide(storage: &Storage) {
    let queue = filled(storage, &[]).await;
    storage.queues.send(&queue, "later", Delay { visible_after: SECOND, ..Delay::default() }).await.unwrap();
    storage.queues.send(&queue, "now", Delay { time_to_live: None, ..Delay::default() }).await.unwrap();
    assert_eq!(texts(storage, &queue, 32, MINUTE).await, ["now"]);
    tokio::time::sleep(MORE_THAN_A_SECOND).await;
    assert_eq!(texts(storage, &queue, 32, MINUTE).await, ["later"]);
}

pub(in crate::storage) async fn messages_expire(storage: &Storage) {
    let queue = filled(storage, &[]).await;
    let short = Delay { time_to_live: Some(SECOND), ..Delay::default() };
    let receipt = storage.queues.send(&queue, "short", short).await.unwrap();
    storage.queues.send(&queue, "long", Delay { time_to_live: None, ..Delay::default() }).await.unwrap();
    tokio::time::sleep(MORE_THAN_A_SECOND).await;
    assert_eq!(storage.queues.peek(&queue, 32).await.unwrap().len(), 1);
    assert_eq!(texts(storage, &queue, 32, MINUTE).await, ["long"]);
    assert!(storage.queues.delete(&queue, &receipt).await.is_err());
}

pub(in crate::storage) async fn peeking_changes_nothing(storage: &Storage) {
    let queue = filled(storage, &["1", "2", "3"]).await;
    for _ in 0..2 {
        let seen = storage.queues.peek(&queue, 2).await.unwrap();
        assert_eq!(seen.iter().map(|message| (message.text.as_str(), message.dequeue_count)).collect::<Vec<_>>(), [("1", 0), ("2", 0)]);
    }
    let message = storage.queues.receive(&queue, 1, MINUTE).await.unwrap().remove(0);
    assert_eq!((message.text.as_str(), message.dequeue_count), ("1", 1));
    assert_eq!(storage.queues.peek(&queue, 32).await.unwrap().len(), 2, "hidden messages aren't seen");
}

pub(in crate::storage) async fn clearing_drops_all(storage: &Storage) {
    let queue = filled(storage, &["1", "2", "3"]).await;
    let other = filled(storage, &["4"]).await;
    storage.queues.receive(&queue, 1, MINUTE).await.unwrap();
    storage.queues.clear(&queue).await.unwrap();
    assert_eq!((storage.queues.length(&queue).await.unwrap(), storage.queues.length(&other).await.unwrap()), (0, 1));
}

pub(in crate::storage) async fn messages_have_a_limit(storage: &Storage) {
    let queue = filled(storage, &[]).await;
    let largest = "a".repeat(64 * 1024);
    storage.queues.send(&queue, &largest, Delay::default()).await.unwrap();
    let larger = format!("{}.", "ä".repeat(32 * 1024));
    let refused = storage.queues.send(&queue, &larger, Delay::default()).await;
    assert!(matches!(refused, Err(StorageError::TooLarge { bytes: 65537, limit: 65536, .. })), "{refused:?}");
    assert_eq!(texts(storage, &queue, 32, MINUTE).await, [largest]);
    for most in [0, 33] {
        assert!(storage.queues.receive(&queue, most, MINUTE).await.is_err() && storage.queues.peek(&queue, most).await.is_err());
    }
}

pub(in crate::storage) async fn queues_need_to_be_there(storage: &Storage) {
    let queue = fresh("contract");
    let receipt = Receipt { id: uuid::Uuid::new_v4().to_string(), pop_receipt: "AgAAAAMAAAAAAAAA".to_owned() };
    for failed in [
        storage.queues.send(&queue, "a", Delay::default()).await.err(),
        storage.queues.receive(&queue, 1, MINUTE).await.err(),
        storage.queues.update(&queue, &receipt, MINUTE).await.err(),
        storage.queues.delete(&queue, &receipt).await.err(),
        storage.queues.peek(&queue, 1).await.err(),
        storage.queues.clear(&queue).await.err(),
        storage.queues.length(&queue).await.err(),
    ] {
        assert!(matches!(&failed, Some(StorageError::Missing { kind: "queue", name }) if *name == queue), "{failed:?}");
    }
}

pub(in crate::storage) async fn queue_names_are_checked(storage: &Storage) {
    for name in ["", "ab", "Upper", "a--b", "../queue"] {
        assert!(matches!(storage.queues.create(name).await, Err(StorageError::Name { kind: "queue", .. })), "{name}");
        assert!(matches!(storage.queues.send(name, "a", Delay::default()).await, Err(StorageError::Name { kind: "queue", .. })), "{name}");
    }
}
