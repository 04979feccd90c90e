//! A snapshot's bytes.
//!
//! | part | bytes |
//! |---|---|
//! | `SNAPFUNC`, version | 8 + 4 |
//! | length of the header, header | 4 + n: JSON ([`Header`]) |
//! | pages, lasting objects | the rest: one zstd frame |
//!
//! Numbers are little-endian. The pages are those that differ from the base, one after the other; behind them come the addresses of lasting
//! objects, each as its distance from the one before.

use super::{Memory, Snapshot};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{self, Read, Write};

const MAGIC: &[u8; 8] = b"SNAPFUNC";
const VERSION: u32 = 1;
/// Bytes of a page: what is compared with the base, and kept, at a time.
const PAGE: usize = 4096;
/// Bytes of a page of WebAssembly: a memory is a whole number of them.
const WASM_PAGE: usize = 64 << 10;
/// The most that a memory of 32 bits can hold.
const MOST_BYTES: usize = 4 << 30;
/// zstd: quick, as it is done while the app is served.
const COMPRESSION: i32 = 3;
/// Bytes: a longer header is none.
const LONGEST_HEADER: usize = 16 << 20;

/// Why bytes are no snapshot that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FormatError {
    /// They were never one.
    #[error("it is no snapshot")]
    Foreign,
    /// Of another version of the format.
    #[error("its format has version {0}, and this program knows version {VERSION}")]
    Version(u32),
    /// Of another guest.
    #[error("it was made by another version of snapfunc")]
    Base,
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
    /// Runs of pages: the first one's number, and how many.
    runs: Vec<(usize, usize)>,
    /// How many addresses.
    lasting: usize,
}

/// The bytes of a snapshot of an app on the guest with the digest `base`, whose own memory is `base_memory`.
pub(super) fn encode(snapshot: &Snapshot, base: &str, base_memory: &[u8]) -> io::Result<Vec<u8>> {
    let layout = snapshot.memory.as_ref().map(|memory| Layout {
        bytes: memory.content.len(),
        runs: changed_runs(&memory.content, base_memory),
        lasting: memory.lasting.len(),
    });
    let header = Header { base: base.to_owned(), snapshot: Cow::Borrowed(snapshot), memory: layout };
    let (header, layout) = (serde_json::to_vec(&header)?, header.memory);
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(header.len()).map_err(io::Error::other)?.to_le_bytes());
    bytes.extend_from_slice(&header);
    if let Some((memory, layout)) = snapshot.memory.as_ref().zip(layout) {
        let mut frame = zstd::Encoder::new(bytes, COMPRESSION)?;
        for (first, count) in layout.runs {
            frame.write_all(&memory.content[first * PAGE..(first + count) * PAGE])?;
        }
        let mut sorted = memory.lasting.clone();
        // The first is the model (see `immortal`); the order of the others says nothing.
        sorted.get_mut(1..).unwrap_or_default().sort_unstable();
        let mut before = 0_u32;
        for address in sorted {
            frame.write_all(&address.wrapping_sub(before).to_le_bytes())?;
            before = address;
        }
        bytes = frame.finish()?;
    }
    Ok(bytes)
}

/// The snapshot in `bytes`.
pub(super) fn decode(bytes: &[u8], base: &str, base_memory: &[u8]) -> Result<Snapshot, FormatError> {
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
    if header.base != base {
        return Err(FormatError::Base);
    }
    let mut snapshot = header.snapshot.into_owned();
    snapshot.memory = header.memory.map(|layout| memory(&layout, frame, base_memory)).transpose()?;
    Ok(snapshot)
}

fn memory(layout: &Layout, frame: &[u8], base_memory: &[u8]) -> Result<Memory, FormatError> {
    if layout.bytes < base_memory.len() || layout.bytes > MOST_BYTES || !layout.bytes.is_multiple_of(WASM_PAGE) {
        return Err(damaged(format!("its memory of {} bytes can't be", layout.bytes)));
    }
    let mut content = vec![0; layout.bytes];
    content[..base_memory.len()].copy_from_slice(base_memory);
    let mut frame = zstd::Decoder::new(frame).map_err(damaged)?;
    for &(first, count) in &layout.runs {
        let start = first.checked_mul(PAGE);
        let end = first.checked_add(count).and_then(|end| end.checked_mul(PAGE));
        let range = start.zip(end).and_then(|(start, end)| content.get_mut(start..end));
        frame.read_exact(range.ok_or_else(|| damaged("a page is outside of its memory"))?).map_err(damaged)?;
    }
    if layout.lasting > layout.bytes {
        return Err(damaged("it has more objects than bytes"));
    }
    let mut distances = vec![0; layout.lasting * size_of::<u32>()];
    frame.read_exact(&mut distances).map_err(damaged)?;
    let mut address = 0_u32;
    let (words, _) = distances.as_chunks();
    let lasting = words.iter().map(|distance| {
        address = address.wrapping_add(u32::from_le_bytes(*distance));
        address
    });
    Ok(Memory { lasting: lasting.collect(), content })
}

/// Runs of pages of `content` that are not the base's.
fn changed_runs(content: &[u8], base: &[u8]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (number, page) in content.chunks(PAGE).enumerate() {
        let same = match base.get(number * PAGE..(number + 1) * PAGE) {
            Some(of_base) => page == of_base,
            None => page.iter().all(|byte| *byte == 0),
        };
        match runs.last_mut() {
            _ if same => {}
            Some((first, count)) if *first + *count == number => *count += 1,
            _ => runs.push((number, 1)),
        }
    }
    runs
}

fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), FormatError> {
    let (number, rest) = bytes.split_first_chunk().ok_or_else(|| damaged("it ends in the middle of its head"))?;
    Ok((u32::from_le_bytes(*number), rest))
}

fn damaged(what: impl ToString) -> FormatError {
    FormatError::Damaged(what.to_string())
}
