//! host.json's `extensions.queues` and `extensions.blobs`.

use std::time::Duration;

use crate::app::fields::Node;
use crate::app::origin::FieldError;

/// How messages are written into a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MessageEncoding {
    /// In Base64.
    #[default]
    Base64,
    /// As they are: text alone.
    None,
}

/// How queue triggers behave (the queue extension's `QueuesOptions`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueOptions {
    /// How many messages are taken at a time: 1 to 32. Default 16.
    pub batch_size: u32,
    /// When so few of them are still worked on, the next ones are taken. Default half of the batch.
    pub new_batch_threshold: u32,
    /// The longest time between two looks at an empty queue. Default a minute; at least 100 ms.
    pub max_polling_interval: Duration,
    /// How long a message waits after a failure before it is tried again. Default none.
    pub visibility_timeout: Duration,
    /// How often a message is tried before it goes to the poison queue. Default 5.
    pub max_dequeue_count: u32,
    /// How messages are written.
    pub message_encoding: MessageEncoding,
}

/// How blob triggers behave (the blob extension's `BlobsOptions`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobOptions {
    /// How many blobs a function works on at a time; `None`: eight for each processor.
    pub max_degree_of_parallelism: Option<u32>,
    /// How often a blob is tried before a message goes to the poison queue. Default 5.
    pub poison_blob_threshold: u32,
}

/// The shortest time between two looks at a queue.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

// === impl MessageEncoding ===

impl MessageEncoding {
    /// The encoding of this name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<MessageEncoding> {
        match name.to_ascii_lowercase().as_str() {
            "base64" => Some(MessageEncoding::Base64),
            "none" => Some(MessageEncoding::None),
            _ => None,
        }
    }
}

// === impl QueueOptions ===

impl Default for QueueOptions {
    fn default() -> Self {
        QueueOptions {
            batch_size: 16,
            new_batch_threshold: 8,
            max_polling_interval: Duration::from_secs(60),
            visibility_timeout: Duration::ZERO,
            max_dequeue_count: 5,
            message_encoding: MessageEncoding::Base64,
        }
    }
}

impl QueueOptions {
    /// Reads the `queues` object.
    pub(super) fn read(node: &Node<'_>) -> Result<QueueOptions, FieldError> {
        let mut options = QueueOptions::default();
        if let Some(size) = node.get("batchSize") {
            options.batch_size = number(&size, 1, 32)?;
            options.new_batch_threshold = options.batch_size / 2;
        }
        if let Some(threshold) = node.get("newBatchThreshold") {
            options.new_batch_threshold = number(&threshold, 0, 1000)?;
        }
        if let Some(interval) = node.get("maxPollingInterval") {
            // The extension takes milliseconds as a number too.
            options.max_polling_interval = match interval.value().as_u64() {
                Some(milliseconds) => Duration::from_millis(milliseconds),
                None => interval.duration()?,
            };
            if options.max_polling_interval < SHORTEST_INTERVAL {
                return Err(interval.error("must be at least 100 ms (`00:00:00.1000000`)"));
            }
        }
        if let Some(timeout) = node.get("visibilityTimeout") {
            options.visibility_timeout = timeout.duration()?;
            if options.visibility_timeout > Duration::from_secs(7 * 24 * 60 * 60) {
                return Err(timeout.error("must be at most 7 days"));
            }
        }
        if let Some(count) = node.get("maxDequeueCount") {
            options.max_dequeue_count = number(&count, 1, u32::MAX)?;
        }
        if let Some(encoding) = node.get("messageEncoding") {
            options.message_encoding = MessageEncoding::named(&encoding.text()?).ok_or_else(|| encoding.expected("base64 or none"))?;
        }
        Ok(options)
    }
}

// === impl BlobOptions ===

impl Default for BlobOptions {
    fn default() -> Self {
        BlobOptions { max_degree_of_parallelism: None, poison_blob_threshold: 5 }
    }
}

impl BlobOptions {
    /// Reads the `blobs` object.
    pub(super) fn read(node: &Node<'_>) -> Result<BlobOptions, FieldError> {
        let mut options = BlobOptions::default();
        if let Some(degree) = node.get("maxDegreeOfParallelism") {
            options.max_degree_of_parallelism = Some(number(&degree, 1, 10_000)?);
        }
        if let Some(threshold) = node.get("poisonBlobThreshold") {
            options.poison_blob_threshold = number(&threshold, 1, u32::MAX)?;
        }
        Ok(options)
    }
}

fn number(node: &Node<'_>, least: u32, most: u32) -> Result<u32, FieldError> {
    let number = node.integer(i64::from(least), i64::from(most))?;
    // In range already.
    Ok(u32::try_from(number).unwrap_or(most))
}
