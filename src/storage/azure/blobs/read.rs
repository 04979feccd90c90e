//! Reading a blob in ranges, all of one version.
//!
//! Each range is a call of its own, sent when it is wanted and read whole: a reader that stops early costs little, a slow one holds no connection, and one
//! that broke off is repeated.

use super::{about, blob_call, properties};
use crate::storage::azure::Account;
use crate::storage::{BlobName, BlobProperties, BlobRead, StorageError};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::{Method, StatusCode};

/// What a reader asks for next.
struct Position {
    account: Account,
    name: BlobName,
    etag: String,
    next: u64,
    end: u64,
}

/// What came of a range.
enum Range {
    Part(BlobProperties, Bytes),
    /// The blob ends before.
    Beyond,
    Missing,
}

pub(super) async fn open(account: &Account, name: &BlobName, offset: u64, length: Option<u64>) -> Result<Option<BlobRead>, StorageError> {
    let first = match length {
        Some(0) => Range::Beyond,
        _ => range(account, name, offset, offset.saturating_add(length.unwrap_or(u64::MAX)), None).await?,
    };
    match first {
        Range::Missing => Ok(None),
        // Empty blobs have no range at all, so that the service refuses any.
        Range::Beyond => {
            let answer = account.client.send(blob_call(Method::HEAD, name)).await?.good_or_missing(&about(name))?;
            Ok(answer.map(|answer| BlobRead { properties: properties::of(&answer), content: stream::empty().boxed() }))
        }
        Range::Part(properties, part) => {
            let position = Position {
                account: account.clone(),
                name: name.clone(),
                etag: properties.etag.clone(),
                next: offset + part.len() as u64,
                end: length.map_or(properties.length, |length| offset.saturating_add(length).min(properties.length)),
            };
            let rest = stream::try_unfold(position, Position::advance);
            Ok(Some(BlobRead { properties, content: stream::iter([Ok(part)]).chain(rest).boxed() }))
        }
    }
}

// === impl Position ===

impl Position {
    async fn advance(mut self) -> Result<Option<(Bytes, Position)>, StorageError> {
        if self.next >= self.end {
            return Ok(None);
        }
        match range(&self.account, &self.name, self.next, self.end, Some(&self.etag)).await? {
            Range::Part(_, part) if !part.is_empty() => {
                self.next += part.len() as u64;
                Ok(Some((part, self)))
            }
            Range::Missing => Err(StorageError::Missing { kind: "blob", name: self.name.blob.clone() }),
            Range::Part(..) | Range::Beyond => Err(StorageError::Other(format!("the blob {} ended before its end", self.name))),
        }
    }
}

/// At most one range from an offset, of a certain version.
async fn range(account: &Account, name: &BlobName, offset: u64, end: u64, etag: Option<&str>) -> Result<Range, StorageError> {
    let last = offset.saturating_add(account.sizes.range as u64).min(end).saturating_sub(1);
    let mut call = blob_call(Method::GET, name).header("x-ms-range", format!("bytes={offset}-{last}"));
    if let Some(etag) = etag {
        call = call.header("if-match", etag);
    }
    let answer = account.client.send(call).await?;
    match answer.status {
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(Range::Beyond),
        StatusCode::PRECONDITION_FAILED => Err(StorageError::Conflict(format!("the blob {name} was written while it was read"))),
        _ => Ok(match answer.good_or_missing(&about(name))? {
            Some(answer) => Range::Part(properties::of(&answer), answer.body),
            None => Range::Missing,
        }),
    }
}
