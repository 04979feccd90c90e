//! Queues of messages. The texts are stored as they come: whether they hold Base64 is the binding's business.

use super::StorageError;
use async_trait::async_trait;
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// What proves that a message is the receiver's: it changes each time that the message is received or updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The message's id.
    pub id: String,
    /// The pop receipt.
    pub pop_receipt: String,
}

/// A message that was received: nobody else gets it until it becomes visible again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMessage {
    /// To update or delete it with.
    pub receipt: Receipt,
    /// The text, as it was sent.
    pub text: String,
    /// How often it was received, this time too.
    pub dequeue_count: u32,
    /// When it was sent.
    pub inserted: SystemTime,
    /// When it will be dropped.
    pub expires: SystemTime,
    /// When others get it.
    pub next_visible: SystemTime,
}

/// A message that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeekedMessage {
    /// Its id.
    pub id: String,
    /// The text, as it was sent.
    pub text: String,
    /// How often it was received.
    pub dequeue_count: u32,
    /// When it was sent.
    pub inserted: SystemTime,
    /// When it will be dropped.
    pub expires: SystemTime,
}

/// When a message that is sent can be seen, and how long it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// Until it can be received.
    pub visible_after: Duration,
    /// Until it is dropped; nothing means never.
    pub time_to_live: Option<Duration>,
}

/// The queues of an account.
#[async_trait]
pub trait Queues: fmt::Debug + Send + Sync {
    /// Makes a queue where it is missing. Answers whether it was.
    async fn create(&self, queue: &str) -> Result<bool, StorageError>;

    /// Deletes a queue with its messages. Answers whether it was there.
    async fn delete_queue(&self, queue: &str) -> Result<bool, StorageError>;

    /// All queues, by name.
    async fn queues(&self) -> Result<Vec<String>, StorageError>;

    /// Puts a message into a queue. When this returns, it survives a crash. [`StorageError::Missing`] where there is no such queue.
    async fn send(&self, queue: &str, text: &str, delay: Delay) -> Result<Receipt, StorageError>;

    /// Takes at most `most` (1 to 32) visible messages, the oldest first, for so long. [`StorageError::Missing`] where there is no such queue.
    async fn receive(&self, queue: &str, most: u32, visibility: Duration) -> Result<Vec<QueueMessage>, StorageError>;

    /// Makes a received message visible after so long from now (zero: at once), and leaves its text. Gives the new receipt; [`StorageError::Conflict`] or
    /// [`StorageError::Missing`] where the receipt is no longer the last or the message is gone.
    async fn update(&self, queue: &str, receipt: &Receipt, visibility: Duration) -> Result<Receipt, StorageError>;

    /// Deletes a received message; errors as for `update`.
    async fn delete(&self, queue: &str, receipt: &Receipt) -> Result<(), StorageError>;

    /// Looks at the first visible messages, at most 32. [`StorageError::Missing`] where there is no such queue.
    async fn peek(&self, queue: &str, most: u32) -> Result<Vec<PeekedMessage>, StorageError>;

    /// Drops all messages. [`StorageError::Missing`] where there is no such queue.
    async fn clear(&self, queue: &str) -> Result<(), StorageError>;

    /// About how many messages there are, visible or not. [`StorageError::Missing`] where there is no such queue.
    async fn length(&self, queue: &str) -> Result<u64, StorageError>;

    /// Changes after a message was sent to the queue, or given back to it at once, so that a listener needn't wait for its next look. It may change
    /// without a reason, and does not tell of messages whose time comes (a delay, or a visibility that ends) nor, at once, of what other processes
    /// send: listeners look from time to time all the same. Take it before the first look, so that nothing is missed in between. When the account is
    /// dropped, the sender is gone. Nothing where the account can't tell.
    fn changes(&self, _queue: &str) -> Option<watch::Receiver<()>> {
        None
    }
}

// === impl Delay ===

impl Default for Delay {
    /// At once, for seven days, as Azure Storage has it.
    fn default() -> Self {
        Delay { visible_after: Duration::ZERO, time_to_live: Some(Duration::from_secs(7 * 24 * 60 * 60)) }
    }
}
