//! A snapshot's bytes.
//!
//! | part | bytes |
//! |---|---|
//! | `SNAPFUNC`, version | 8 + 4 |
//! | length of the header, header | 4 + n: JSON ([`Header`]) |
//! | pages that differ from the base's, one after the other | the rest: one zstd frame |
//!
//! Numbers are little-endian.

use super::{Memory, Snapshot};
use crate::sandbox::base::DIGEST;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{self, Read, Write};

const MAGIC: &[u8; 8] = b"SNAPFUNC";
const VERSION: u32 = 2;
/// zstd: quick, as it is done while the app is served.
const COMPRESSION: i32 = 3;
/// Bytes: a longer header is none.
const LONGEST_HEADER: usize = 16 << 20;

/// Why bytes are no snapshot that can be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::sandbox) enum FormatError {
    /// They were never one.
    #[error("it is no snapshot")]
    Foreign,
    /// Of another version of the format.
    #[error("its format has version {0}, and this program knows version {VERSION}")]
    Version(u32),
    /// Of another guest.
    #[error("it was made by another version of snapfunc")]
    Base,
    /// Unpacking it would take more memory than its app may have.
    #[error("it holds {needs} MiB of memory, and the app may have {limit}")]
    TooLarge {
        /// MiB.
        needs: usize,
        /// MiB.
        limit: usize,
    },
    /// They end too early or contradict themselves.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// What comes before the pages.
#[derive(Serialize, Deserialize)]
struct Header<'a> {
    /// The guest's digest.
    base: String,
    snapshot: Cow<'a, Snapshot>,
    memory: Option<Layout>,
}

/// What the frame holds.
#[derive(Serialize, Deserialize)]
struct Layout {
    /// Of the whole memory.
    bytes: usize,
    /// Runs of pages: where they begin, and their length, in bytes.
    runs: Vec<(usize, usize)>,
}

/// The bytes of a snapshot of an app on this program's guest.
pub(in crate::sandbox) fn encode(snapshot: &Snapshot) -> io::Result<Vec<u8>> {
    let layout = snapshot
        .memory
        .as_ref()
        .map(|memory| Layout { bytes: memory.bytes(), runs: memory.runs().iter().map(|(start, pages)| (*start, pages.len())).collect() });
    let header = serde_json::to_vec(&Header { base: DIGEST.to_owned(), snapshot: Cow::Borrowed(snapshot), memory: layout })?;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(header.len()).map_err(io::Error::other)?.to_le_bytes());
    bytes.extend_from_slice(&header);
    if let Some(memory) = &snapshot.memory {
        let mut frame = zstd::Encoder::new(bytes, COMPRESSION)?;
        memory.runs().iter().try_for_each(|(_, pages)| frame.write_all(pages))?;
        bytes = frame.finish()?;
    }
    Ok(bytes)
}

/// The snapshot in `bytes`. No more than `most` bytes of memory are unpacked, whatever the few that stand for them say.
pub(in crate::sandbox) fn decode(bytes: &[u8], most: usize) -> Result<Snapshot, FormatError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(FormatError::Foreign)?;
    let (version, rest) = take_u32(rest)?;
    if version != VERSION {
        return Err(FormatError::Version(version));
    }
    let (length, rest) = take_u32(rest)?;
    let length = length as usize;
    if length > LONGEST_HEADER || length > rest.len() {
        return Err(damaged("its header is not whole"));
    }
    let (header, frame) = rest.split_at(length);
    let header: Header = serde_json::from_slice(header).map_err(damaged)?;
    if header.base != DIGEST {
        return Err(FormatError::Base);
    }
    let mut snapshot = header.snapshot.into_owned();
    snapshot.memory = header.memory.map(|layout| memory(layout, frame, most)).transpose()?;
    Ok(snapshot)
}

fn memory(layout: Layout, frame: &[u8], most: usize) -> Result<Memory, FormatError> {
    let needs = layout.runs.iter().fold(0_usize, |sum, (_, length)| sum.saturating_add(*length));
    if needs > layout.bytes {
        return Err(damaged("its pages don't fit its memory"));
    }
    if needs > most {
        return Err(FormatError::TooLarge { needs: needs >> 20, limit: most >> 20 });
    }
    let mut frame = zstd::Decoder::new(frame).map_err(damaged)?;
    let mut runs = Vec::with_capacity(layout.runs.len());
    for (start, length) in layout.runs {
        let mut pages = Vec::new();
        // Grows with what is there: a wrong length must not take memory.
        let read = (&mut frame).take(length as u64).read_to_end(&mut pages).map_err(damaged)?;
        if read != length {
            return Err(damaged("it ends in the middle of its pages"));
        }
        runs.push((start, pages));
    }
    Memory::from_parts(layout.bytes, runs).ok_or_else(|| damaged("its pages don't fit its memory"))
}

fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), FormatError> {
    let (number, rest) = bytes.split_first_chunk().ok_or_else(|| damaged("it ends in the middle of its head"))?;
    Ok((u32::from_le_bytes(*number), rest))
}

fn damaged(what: impl ToString) -> FormatError {
    FormatError::Damaged(what.to_string())
}
