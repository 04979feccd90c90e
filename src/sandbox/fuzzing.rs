//! What must hold of snapshots and bundles, which come from a disk.

#![allow(clippy::unwrap_used)] // A target fails by panicking.

use super::base::DIGEST;
use super::bundle::Unpacked;
use super::snapshot::format;
use crate::fuzzing::{parts, text};
use std::fs;
use std::path::Path;

/// Stands for the guest's digest, which is another one after each change of the guest.
const BASE: &[u8] = b"@BASE@";

/// Bytes of memory that a snapshot may have: more than any input here can stand for.
const MOST_MEMORY: usize = 1 << 20;

pub(crate) fn snapshot(bytes: &[u8]) {
    read_snapshot(bytes);
    // The same as a whole one: a header, and behind a zero what is a frame then.
    let (header, pages) = bytes.iter().position(|byte| *byte == 0).map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 1..]));
    let header = match memchr::memmem::find(header, BASE) {
        Some(at) => [&header[..at], DIGEST.as_bytes(), &header[at + BASE.len()..]].concat(),
        None => header.to_vec(),
    };
    let mut whole = b"SNAPFUNC\x02\0\0\0".to_vec();
    whole.extend_from_slice(&u32::try_from(header.len()).unwrap().to_le_bytes());
    whole.extend_from_slice(&header);
    // A page for each byte.
    let pages: Vec<u8> = pages.iter().take(64).flat_map(|byte| [*byte; 4096]).collect();
    whole.extend_from_slice(&zstd::encode_all(pages.as_slice(), 1).unwrap());
    read_snapshot(&whole);
}

fn read_snapshot(bytes: &[u8]) {
    match format::decode(bytes, MOST_MEMORY) {
        Ok(snapshot) => {
            let again = format::encode(&snapshot).unwrap();
            assert_eq!(format::decode(&again, MOST_MEMORY).unwrap(), snapshot);
            let ends = snapshot.memory.iter().flat_map(|memory| memory.runs()).map(|(start, pages)| start + pages.len());
            assert!(ends.is_sorted(), "pages are out of order");
            drop(snapshot.loaded());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Entries of an archive: each a letter for its kind, a name, and what it holds or where it leads.
pub(crate) fn bundle(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut archive = tar::Builder::new(Vec::new());
    for part in parts(&text) {
        let (head, content) = part.split_once('\u{1f}').unwrap_or((part, ""));
        let mut letters = head.chars();
        let kind = letters.next().unwrap_or('f');
        entry(&mut archive, kind, letters.as_str(), content);
    }
    let mut bundle = zstd::encode_all(archive.into_inner().unwrap().as_slice(), 1).unwrap();
    let digest = blake3::hash(&bundle);
    bundle.extend_from_slice(digest.as_bytes());

    let outside = tempfile::tempdir().unwrap();
    let (file, cache) = (outside.path().join("app.snap"), outside.path().join("cache"));
    fs::write(&file, bundle).unwrap();
    let unpacked = Unpacked::of(&file, &cache);
    let mut made: Vec<_> = fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    made.sort();
    assert!(made.iter().all(|name| name == "app.snap" || name == "cache"), "something was made outside of the cache: {made:?}");
    match unpacked {
        Ok(unpacked) => {
            let cache = cache.canonicalize().unwrap();
            for folder in [Some(unpacked.root), unpacked.virtual_env].into_iter().flatten() {
                assert!(lies_in(&folder, &cache), "{} leads out of the cache", folder.display());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A path that leads nowhere lies where it says.
fn lies_in(path: &Path, folder: &Path) -> bool {
    let real = path.ancestors().find_map(|known| known.canonicalize().ok());
    real.is_some_and(|real| real.starts_with(folder)) && !path.components().any(|part| part == std::path::Component::ParentDir)
}

fn entry(archive: &mut tar::Builder<Vec<u8>>, kind: char, name: &str, content: &str) {
    let mut header = tar::Header::new_gnu();
    let fields = header.as_gnu_mut().unwrap();
    // As it is: the builder would refuse what leads out.
    for (field, text) in [(&mut fields.name, name), (&mut fields.linkname, content)] {
        field.iter_mut().zip(text.bytes()).for_each(|(byte, letter)| *byte = letter);
    }
    let (kind, content) = match kind {
        'l' => (tar::EntryType::Symlink, ""),
        'h' => (tar::EntryType::Link, ""),
        'd' => (tar::EntryType::Directory, ""),
        'p' => (tar::EntryType::Fifo, ""),
        'c' => (tar::EntryType::Char, ""),
        'L' => (tar::EntryType::GNULongName, content),
        'K' => (tar::EntryType::GNULongLink, content),
        'x' => (tar::EntryType::XHeader, content),
        _ => (tar::EntryType::Regular, content),
    };
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    archive.append(&header, content.as_bytes()).unwrap();
}
