//! Writing a blob: in one call where it is small, else block by block and then all blocks at once, which is when it becomes visible.
//!
//! Blocks that are not used are dropped by the service after a week, or when the blob is written.

use super::{about, blob_call, properties};
use crate::storage::azure::Account;
use crate::storage::azure::call::Repeat;
use crate::storage::{BlobBody, BlobName, BlobProperties, Condition, StorageError, WriteBlob};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};
use http::{Method, StatusCode};
use std::io;
use uuid::Uuid;

/// What the service takes for one blob.
const MOST_BLOCKS: u64 = 50_000;

/// A body, cut into blocks.
struct Blocks {
    pieces: BoxStream<'static, io::Result<Bytes>>,
    /// What was read beyond the last block.
    left: Bytes,
    size: usize,
}

pub(super) async fn write(account: &Account, name: &BlobName, body: BlobBody, how: &WriteBlob) -> Result<BlobProperties, StorageError> {
    let mut blocks = Blocks::new(body, account.sizes.block);
    let first = blocks.next().await?.unwrap_or_default();
    match blocks.next().await? {
        None => put(account, name, first, how).await,
        Some(second) => put_blocks(account, name, [first, second], blocks, how).await,
    }
}

async fn put(account: &Account, name: &BlobName, body: Bytes, how: &WriteBlob) -> Result<BlobProperties, StorageError> {
    let length = body.len() as u64;
    let call = blob_call(Method::PUT, name).header("x-ms-blob-type", "BlockBlob").header("content-type", properties::BYTES);
    let call = properties::describe(call, how)?.body(body).repeat(repeat(how));
    let answer = account.client.send(call).await?.good(&about(name))?;
    Ok(properties::written(&answer, length, how))
}

async fn put_blocks(
    account: &Account,
    name: &BlobName,
    first: [Bytes; 2],
    mut blocks: Blocks,
    how: &WriteBlob,
) -> Result<BlobProperties, StorageError> {
    // Two that write the same blob at once must not take each other's blocks. All ids of a blob have to be of one length.
    let writer = Uuid::new_v4();
    let (mut list, mut count, mut length) = (String::new(), 0_u64, 0_u64);
    let mut early = first.into_iter();
    loop {
        let block = match early.next() {
            Some(block) => Some(block),
            None => blocks.next().await?,
        };
        let Some(block) = block else { break };
        let limit = MOST_BLOCKS * account.sizes.block as u64;
        length += block.len() as u64;
        if count == MOST_BLOCKS {
            return Err(StorageError::TooLarge { what: "a blob", bytes: length, limit });
        }
        let id = STANDARD.encode([writer.as_bytes().as_slice(), &count.to_be_bytes()].concat());
        list.push_str(&format!("<Latest>{id}</Latest>"));
        count += 1;
        let call = blob_call(Method::PUT, name).query("comp", "block").query("blockid", id).header("content-type", properties::BYTES);
        account.client.send(call.body(block)).await?.good(&about(name))?;
    }
    let call = blob_call(Method::PUT, name).query("comp", "blocklist").header("content-type", "application/xml");
    let list = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{list}</BlockList>");
    let answer = account.client.send(properties::describe(call, how)?.body(list).repeat(repeat(how))).await?;
    if answer.status == StatusCode::BAD_REQUEST && answer.code == "InvalidBlockList" {
        return Err(StorageError::Conflict(format!("the blob {name} was written by somebody else at the same time")));
    }
    let answer = answer.good(&about(name))?;
    Ok(properties::written(&answer, length, how))
}

/// A condition would not hold any more after the first time.
fn repeat(how: &WriteBlob) -> Repeat {
    if how.condition == Condition::Always { Repeat::Always } else { Repeat::IfUndone }
}

// === impl Blocks ===

impl Blocks {
    fn new(body: BlobBody, size: usize) -> Blocks {
        match body {
            BlobBody::Whole(left) => Blocks { pieces: stream::empty().boxed(), left, size },
            BlobBody::Stream(pieces) => Blocks { pieces, left: Bytes::new(), size },
        }
    }

    /// All have the same size but the last, and none is empty.
    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        if self.left.len() >= self.size {
            return Ok(Some(self.left.split_to(self.size)));
        }
        let mut block = BytesMut::from(std::mem::take(&mut self.left));
        while block.len() < self.size {
            let Some(piece) = self.pieces.next().await else { break };
            let mut piece = piece.map_err(|error| StorageError::Body(error.to_string()))?;
            let fits = piece.split_to(piece.len().min(self.size - block.len()));
            block.extend_from_slice(&fits);
            self.left = piece;
        }
        Ok(Some(block.freeze()).filter(|block| !block.is_empty()))
    }
}
