//! Queues and messages.

use super::Account;
use super::answer::{Answer, time};
use super::call::{Call, encode};
use super::xml::{self, Element};
use crate::storage::connection_string::Service;
use crate::storage::{Delay, PeekedMessage, QueueMessage, Queues, Receipt, StorageError, names};
use async_trait::async_trait;
use http::{Method, StatusCode};
use std::time::Duration;

/// In bytes of UTF-8.
const LONGEST: usize = 64 * 1024;

#[async_trait]
impl Queues for Account {
    async fn create(&self, queue: &str) -> Result<bool, StorageError> {
        let answer = self.client.send(queue_call(Method::PUT, queue, "")?).await?;
        match answer.status {
            // It is there: with the same metadata, with other metadata.
            StatusCode::NO_CONTENT => Ok(false),
            StatusCode::CONFLICT if answer.code == "QueueAlreadyExists" => Ok(false),
            _ => answer.good(&[("queue", queue)]).map(|_| true),
        }
    }

    async fn delete_queue(&self, queue: &str) -> Result<bool, StorageError> {
        let answer = self.client.send(queue_call(Method::DELETE, queue, "")?).await?;
        if answer.is_being_deleted() {
            return Ok(false);
        }
        Ok(answer.good_or_missing(&[("queue", queue)])?.is_some())
    }

    async fn queues(&self) -> Result<Vec<String>, StorageError> {
        let (mut names, mut marker) = (Vec::new(), None);
        loop {
            let call = Call::new(Service::Queue, Method::GET, "/").query("comp", "list").query_if("marker", marker);
            let list = self.client.send(call).await?.good(&[])?.xml()?;
            names.extend(list.child("Queues").into_iter().flat_map(|all| &all.children).map(|queue| queue.text_of("Name").to_owned()));
            marker = Some(list.text_of("NextMarker").to_owned()).filter(|marker| !marker.is_empty());
            if marker.is_none() {
                names.sort();
                return Ok(names);
            }
        }
    }

    async fn send(&self, queue: &str, text: &str, delay: Delay) -> Result<Receipt, StorageError> {
        let call = queue_call(Method::POST, queue, "/messages")?;
        if text.len() > LONGEST {
            return Err(StorageError::TooLarge { what: "a queue message", bytes: text.len() as u64, limit: LONGEST as u64 });
        }
        let text = xml::text(text).map_err(|letter| {
            let number = u32::from(letter);
            StorageError::Other(format!(
                "a queue message can't hold the character U+{number:04X}: send it in Base64 (messageEncoding base64)"
            ))
        })?;
        let call = call
            .query("visibilitytimeout", seconds(delay.visible_after))
            .query("messagettl", delay.time_to_live.map_or("-1".to_owned(), |lives| seconds(lives).max(1).to_string()))
            .header("content-type", "application/xml")
            .body(format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessage><MessageText>{text}</MessageText></QueueMessage>"));
        let list = self.client.send(call).await?.good(&[("queue", queue)])?.xml()?;
        let sent = list.child("QueueMessage").ok_or_else(|| StorageError::Other("the queue service gave no receipt".to_owned()))?;
        Ok(receipt(sent))
    }

    async fn receive(&self, queue: &str, most: u32, visibility: Duration) -> Result<Vec<QueueMessage>, StorageError> {
        let call = queue_call(Method::GET, queue, "/messages")?;
        let call = call.query("numofmessages", most).query("visibilitytimeout", seconds(visibility).max(1));
        Ok(messages(&self.client.send(call).await?.good(&[("queue", queue)])?)?.iter().map(received).collect())
    }

    async fn update(&self, queue: &str, receipt: &Receipt, visibility: Duration) -> Result<Receipt, StorageError> {
        // Without a body the text stays.
        let call = message_call(Method::PUT, queue, receipt)?.query("visibilitytimeout", seconds(visibility));
        let answer = self.client.send(call).await?.good(&[("queue", queue), ("message", &receipt.id)])?;
        let pop_receipt = answer.header("x-ms-popreceipt").unwrap_or(&receipt.pop_receipt).to_owned();
        Ok(Receipt { id: receipt.id.clone(), pop_receipt })
    }

    async fn delete(&self, queue: &str, receipt: &Receipt) -> Result<(), StorageError> {
        let call = message_call(Method::DELETE, queue, receipt)?;
        self.client.send(call).await?.good(&[("queue", queue), ("message", &receipt.id)]).map(|_| ())
    }

    async fn peek(&self, queue: &str, most: u32) -> Result<Vec<PeekedMessage>, StorageError> {
        let call = queue_call(Method::GET, queue, "/messages")?.query("peekonly", "true").query("numofmessages", most);
        Ok(messages(&self.client.send(call).await?.good(&[("queue", queue)])?)?.iter().map(peeked).collect())
    }

    async fn clear(&self, queue: &str) -> Result<(), StorageError> {
        // Of very many messages the service drops a part and answers 500 OperationTimedOut: then the call is repeated.
        let call = queue_call(Method::DELETE, queue, "/messages")?;
        self.client.send(call).await?.good(&[("queue", queue)]).map(|_| ())
    }

    async fn length(&self, queue: &str) -> Result<u64, StorageError> {
        let call = queue_call(Method::GET, queue, "")?.query("comp", "metadata");
        let answer = self.client.send(call).await?.good(&[("queue", queue)])?;
        let count = answer.header("x-ms-approximate-messages-count").and_then(|count| count.trim().parse().ok());
        count.ok_or_else(|| StorageError::Other("the queue service gave no count of messages".to_owned()))
    }
}

fn queue_call(method: Method, queue: &str, rest: &str) -> Result<Call, StorageError> {
    names::queue(queue)?;
    Ok(Call::new(Service::Queue, method, format!("/{}{rest}", encode(queue))))
}

fn message_call(method: Method, queue: &str, receipt: &Receipt) -> Result<Call, StorageError> {
    Ok(queue_call(method, queue, &format!("/messages/{}", encode(&receipt.id)))?.query("popreceipt", &receipt.pop_receipt))
}

/// The service counts whole ones. Never less than what was asked for.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

pub(super) fn messages(answer: &Answer) -> Result<Vec<Element>, StorageError> {
    Ok(answer.xml()?.children)
}

fn receipt(message: &Element) -> Receipt {
    Receipt { id: message.text_of("MessageId").to_owned(), pop_receipt: message.text_of("PopReceipt").to_owned() }
}

pub(super) fn received(message: &Element) -> QueueMessage {
    let PeekedMessage { text, dequeue_count, inserted, expires, .. } = peeked(message);
    let next_visible = time(message.text_of("TimeNextVisible"));
    QueueMessage { receipt: receipt(message), text, dequeue_count, inserted, expires, next_visible }
}

fn peeked(message: &Element) -> PeekedMessage {
    PeekedMessage {
        id: message.text_of("MessageId").to_owned(),
        text: message.text_of("MessageText").to_owned(),
        dequeue_count: message.text_of("DequeueCount").trim().parse().unwrap_or_default(),
        inserted: time(message.text_of("InsertionTime")),
        expires: time(message.text_of("ExpirationTime")),
    }
}
