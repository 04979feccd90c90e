//! Containers and their blobs.

use crate::bindings::account::Account;
use crate::storage::{BlobBody, BlobName, WriteBlob};
use anyhow::{Context, bail};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Bytes that are read of a file at a time.
const PIECE: usize = 1 << 20;

/// Containers, or of one the sizes and names of its blobs.
pub(super) async fn list(account: &Account, path: Option<&str>) -> anyhow::Result<()> {
    let blobs = &account.storage().await?.blobs;
    let Some(path) = path else {
        for container in blobs.containers().await.map_err(|error| account.error(error))? {
            anstream::println!("{container}");
        }
        return Ok(());
    };
    let (container, prefix) = path.split_once('/').unwrap_or((path, ""));
    let mut after = None;
    loop {
        let (page, next) = blobs.list(container, prefix, after).await.map_err(|error| account.error(error))?;
        for blob in page {
            anstream::println!("{}\t{}", blob.properties.length, crate::host::console::printable(&blob.name));
        }
        match next {
            None => return Ok(()),
            next => after = next,
        }
    }
}

pub(super) async fn put(account: &Account, path: &str, file: &Path) -> anyhow::Result<()> {
    let name = name(path)?;
    let reader: Box<dyn Read + Send> = if file == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).with_context(|| format!("{} can't be read", file.display()))?)
    };
    let pieces = futures_util::stream::iter(Pieces(reader)).boxed();
    let blobs = &account.storage().await?.blobs;
    blobs.create_container(&name.container).await.map_err(|error| account.error(error))?;
    blobs.write(&name, BlobBody::Stream(pieces), WriteBlob::default()).await.map_err(|error| account.error(error))?;
    Ok(())
}

pub(super) async fn get(account: &Account, path: &str, file: Option<&Path>) -> anyhow::Result<()> {
    let name = name(path)?;
    let blobs = &account.storage().await?.blobs;
    let Some(mut read) = blobs.read(&name, 0, None).await.map_err(|error| account.error(error))? else {
        bail!("there is no blob {name}");
    };
    let mut target: Box<dyn Write> = match file {
        Some(file) => Box::new(File::create(file).with_context(|| format!("{} can't be written", file.display()))?),
        None => Box::new(io::stdout()),
    };
    while let Some(piece) = read.content.try_next().await.map_err(|error| account.error(error))? {
        target.write_all(&piece).context("the blob can't be written there")?;
    }
    target.flush().context("the blob can't be written there")
}

fn name(path: &str) -> anyhow::Result<BlobName> {
    match path.split_once('/') {
        Some((container, blob)) if !container.is_empty() && !blob.is_empty() => Ok(BlobName::new(container, blob)),
        _ => bail!("{path:?} is not a container and a blob's name, like `samples/name.txt`"),
    }
}

/// A file in pieces.
struct Pieces(Box<dyn Read + Send>);

impl Iterator for Pieces {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut piece = Vec::with_capacity(PIECE);
        match (&mut self.0).take(PIECE as u64).read_to_end(&mut piece) {
            Ok(0) => None,
            Ok(_) => Some(Ok(piece.into())),
            Err(error) => Some(Err(error)),
        }
    }
}
