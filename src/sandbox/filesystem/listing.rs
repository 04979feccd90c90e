//! What a guest is told of a folder that it lists. The host holds it, outside of the guest's memory and its limit.

use rustix::fs::{AtFlags, Dir, FileType, statat};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorType, DirectoryEntry, ErrorCode};

/// What a name takes beside its bytes.
const NAME_COST: usize = size_of::<FsResult<DirectoryEntry>>() + 16;

/// What is left to be told of a folder.
pub(super) struct Listing {
    entries: VecDeque<FsResult<DirectoryEntry>>,
    cost: usize,
}

// === impl Listing ===

impl Listing {
    /// Takes entries in, as long as they fit into so many bytes: who has many more is not read to the end.
    pub(super) fn of(entries: impl Iterator<Item = FsResult<DirectoryEntry>>, room: usize) -> FsResult<Listing> {
        let mut listing = Listing { entries: VecDeque::new(), cost: 0 };
        for entry in entries {
            listing.cost += NAME_COST + entry.as_ref().map_or(0, |entry| entry.name.len());
            if listing.cost > room {
                return Err(ErrorCode::InsufficientMemory.into());
            }
            listing.entries.push_back(entry);
        }
        Ok(listing)
    }

    /// Bytes that it took at first.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }
}

impl Iterator for Listing {
    type Item = FsResult<DirectoryEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.pop_front()
    }
}

/// The entries of a folder of the host, each read when it is asked for.
pub(super) fn entries(folder: &File) -> io::Result<impl Iterator<Item = FsResult<DirectoryEntry>>> {
    let found = Dir::read_from(folder)?.filter(|entry| !entry.as_ref().is_ok_and(|entry| [c".", c".."].contains(&entry.file_name())));
    Ok(found.map(move |entry| {
        let entry = entry.map_err(io::Error::from)?;
        let kind = match entry.file_type() {
            // Not all file systems tell it along with the name.
            FileType::Unknown => {
                let stat = statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            known => known,
        };
        let name = entry.file_name().to_str().map_err(|_| ErrorCode::IllegalByteSequence)?;
        Ok(DirectoryEntry { type_: descriptor_type(kind), name: name.to_owned() })
    }))
}

fn descriptor_type(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        _ => DescriptorType::Unknown,
    }
}
