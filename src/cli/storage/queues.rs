//! Queues and their messages.

use crate::app::MessageEncoding;
use crate::bindings::account::Account;
use crate::bindings::queue::text::Body;
use crate::storage::{Delay, StorageError};
use anyhow::Context;
use std::io::Read;

pub(super) async fn list(account: &Account) -> anyhow::Result<()> {
    let queues = &account.storage().await?.queues;
    for queue in queues.queues().await.map_err(|error| account.error(error))? {
        match queues.length(&queue).await {
            Ok(length) => anstream::println!("{length}\t{queue}"),
            // It was deleted meanwhile.
            Err(StorageError::Missing { .. }) => {}
            Err(error) => return Err(account.error(error).into()),
        }
    }
    Ok(())
}

pub(super) async fn send(account: &Account, queue: &str, text: String, encoding: MessageEncoding) -> anyhow::Result<()> {
    let body = if text == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("standard input can't be read")?;
        Body::of_bytes(bytes)
    } else {
        Body::Text(text)
    };
    let message = encoding.encode(body)?;
    let queues = &account.storage().await?.queues;
    queues.create(queue).await.map_err(|error| account.error(error))?;
    queues.send(queue, &message, Delay::default()).await.map_err(|error| account.error(error))?;
    Ok(())
}

/// One message a line: how often it was tried, and its text.
pub(super) async fn peek(account: &Account, queue: &str, count: u32, encoding: MessageEncoding) -> anyhow::Result<()> {
    let queues = &account.storage().await?.queues;
    for message in queues.peek(queue, count).await.map_err(|error| account.error(error))? {
        let text = match encoding.decode(message.text) {
            Body::Text(text) => text,
            Body::Bytes(bytes) => format!("({} bytes that are no text)", bytes.len()),
        };
        anstream::println!("{}\t{}", message.dequeue_count, crate::host::console::printable(&text));
    }
    Ok(())
}

pub(super) async fn clear(account: &Account, queue: &str) -> anyhow::Result<()> {
    let queues = &account.storage().await?.queues;
    queues.clear(queue).await.map_err(|error| account.error(error))?;
    Ok(())
}
