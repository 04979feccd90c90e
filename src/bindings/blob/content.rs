//! A blob as the value of an input: a small one is handed over whole, a large one is read when the function reads it.

use crate::app::DataType;
use crate::bindings::event::Value;
use crate::sandbox::Content;
use crate::sandbox::api::Datum;
use crate::storage::{BlobName, BlobProperties, BlobRead, Blobs, StorageError};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use std::sync::Arc;

/// Blobs that are not larger are handed over whole.
const WHOLE: u64 = 64 << 10;

/// One version of a blob.
#[derive(Debug)]
struct LargeBlob {
    blobs: Arc<dyn Blobs>,
    name: BlobName,
    properties: BlobProperties,
    /// What was read with the properties: its beginning.
    head: Bytes,
}

/// A blob's value and what is known of it; nothing where there is no such blob.
pub(super) async fn open(
    blobs: &Arc<dyn Blobs>,
    name: &BlobName,
    data_type: DataType,
) -> Result<Option<(Value, BlobProperties)>, StorageError> {
    let Some(BlobRead { properties, content }) = blobs.read(name, 0, Some(WHOLE)).await? else { return Ok(None) };
    let head = gather(content).await?;
    let value = if properties.length <= WHOLE {
        Value::Datum(datum(head, data_type))
    } else {
        Value::Stream(Arc::new(LargeBlob { blobs: blobs.clone(), name: name.clone(), properties: properties.clone(), head }))
    };
    Ok(Some((value, properties)))
}

fn datum(content: Bytes, data_type: DataType) -> Datum {
    match data_type {
        DataType::Text => match String::from_utf8(content.into()) {
            Ok(text) => Datum::Text(text),
            Err(error) => Datum::Bytes(error.into_bytes()),
        },
        DataType::Undefined | DataType::Binary | DataType::Stream => Datum::Bytes(content.into()),
    }
}

async fn gather(content: impl TryStreamExt<Ok = Bytes, Error = StorageError> + Unpin) -> Result<Bytes, StorageError> {
    let pieces: Vec<Bytes> = content.try_collect().await?;
    match <[Bytes; 1]>::try_from(pieces) {
        Ok([piece]) => Ok(piece),
        Err(pieces) => Ok(pieces
            .into_iter()
            .fold(BytesMut::new(), |mut whole, piece| {
                whole.extend_from_slice(&piece);
                whole
            })
            .freeze()),
    }
}

#[async_trait]
impl Content for LargeBlob {
    fn length(&self) -> u64 {
        self.properties.length
    }

    async fn read(&self, offset: u64, length: u32) -> Result<Bytes, String> {
        if let Some(at) = usize::try_from(offset).ok().filter(|at| *at < self.head.len()) {
            return Ok(self.head.slice(at..self.head.len().min(at.saturating_add(length as usize))));
        }
        if offset >= self.properties.length || length == 0 {
            return Ok(Bytes::new());
        }
        match self.blobs.read(&self.name, offset, Some(u64::from(length))).await {
            Ok(Some(read)) if read.properties.etag == self.properties.etag => gather(read.content).await.map_err(|error| error.to_string()),
            Ok(Some(_)) => Err(format!("the blob {} was written while it was read", self.name)),
            Ok(None) => Err(format!("the blob {} was deleted while it was read", self.name)),
            Err(error) => Err(error.to_string()),
        }
    }
}
