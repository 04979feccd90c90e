//! Blobs' bodies on their way in and out: small ones in the database, large ones in files, never whole in memory.

use super::Account;
use super::failure::Failure;
use super::files::Draft;
use super::quota::Share;
use super::readers::blocking;
use crate::storage::{BlobBody, StorageError};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// The most that is kept in the database.
const INLINE: usize = 64 * 1024;
/// How much is written to a file at once, at least, but for the last piece.
const WRITTEN: usize = 512 * 1024;
/// How much is read from a file at once.
const READ: u64 = 512 * 1024;

/// A body that is ready for its row.
#[derive(Debug)]
pub(super) enum Body {
    Inline(Bytes),
    /// On the disk.
    File(Draft),
}

// === impl Body ===

impl Body {
    pub(super) fn length(&self) -> u64 {
        match self {
            Body::Inline(bytes) => bytes.len() as u64,
            Body::File(draft) => draft.length(),
        }
    }

    /// A row names it from now on.
    pub(super) fn keep(self) {
        if let Body::File(draft) = self {
            draft.keep();
        }
    }

    /// Takes all that comes, if there is room for it. What has come is gone again if the future is dropped.
    pub(super) async fn take(account: &Account, body: BlobBody, left: Share) -> Result<Body, StorageError> {
        let mut pieces = match body {
            BlobBody::Whole(bytes) if bytes.len() <= INLINE => return Ok(Body::Inline(bytes)),
            BlobBody::Whole(bytes) => stream::iter([Ok(bytes)]).boxed(),
            BlobBody::Stream(pieces) => pieces,
        };
        let mut gathered = Vec::new();
        let mut draft = None;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| StorageError::Body(error.to_string()))?;
            if gathered.is_empty() && piece.len() >= WRITTEN {
                draft = Some(append(account, draft, piece, left).await?);
                continue;
            }
            gathered.extend_from_slice(&piece);
            if gathered.len() >= WRITTEN {
                draft = Some(append(account, draft, std::mem::take(&mut gathered).into(), left).await?);
            }
        }
        if draft.is_none() && gathered.len() <= INLINE {
            return Ok(Body::Inline(gathered.into()));
        }
        let draft = append(account, draft, gathered.into(), left).await?;
        let synced = move || draft.sync().map(|()| draft).map_err(Failure::from);
        blocking(&account.folder, synced).await.map(Body::File)
    }
}

/// Writes one more piece.
async fn append(account: &Account, draft: Option<Draft>, piece: Bytes, left: Share) -> Result<Draft, StorageError> {
    let files = account.files.clone();
    let append = move || {
        let mut draft = draft.map_or_else(|| files.draft(), Ok)?;
        draft.append(&piece, left)?;
        Ok(draft)
    };
    blocking(&account.folder, append).await
}

/// So many bytes of an open file, from where it stands, as they are asked for.
pub(super) fn pieces(file: File, length: u64, folder: Arc<Path>) -> BoxStream<'static, Result<Bytes, StorageError>> {
    stream::try_unfold((file, length), move |(file, left)| {
        let folder = folder.clone();
        async move {
            if left == 0 {
                return Ok(None);
            }
            let (file, piece) = blocking(&folder, move || Ok(piece(file, left.min(READ))?)).await?;
            let left = left - piece.len() as u64;
            Ok(Some((piece, (file, left))))
        }
    })
    .boxed()
}

fn piece(file: File, length: u64) -> io::Result<(File, Bytes)> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    (&file).take(length).read_to_end(&mut bytes)?;
    // Files don't change, so this one has been damaged from outside.
    if bytes.len() as u64 != length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok((file, bytes.into())) }
}
