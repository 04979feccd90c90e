//! Large bodies, a file each.
//!
//! A file has its last name from the start: nobody looks for it before a row of the database names it, so there is nothing to rename. What is left of
//! one that never got its row is removed by `sweep`.

use super::failure::Failure;
use super::quota::Share;
use super::{private_file, sync_folder};
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The folder of all bodies, and how this store's are named.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    writer: String,
    next: AtomicU64,
    /// Bytes of the drafts that there are.
    drafted: Arc<AtomicU64>,
}

/// A body that is being written. It goes with this, unless it is kept.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    folder: PathBuf,
    name: String,
    length: u64,
    drafted: Arc<AtomicU64>,
    kept: bool,
}

// === impl Files ===

impl Files {
    /// Names begin with the writer's, which tells whose they are.
    pub(super) fn new(folder: PathBuf, writer: &str) -> Files {
        Files { folder, writer: writer.to_owned(), next: AtomicU64::new(0), drafted: Arc::default() }
    }

    /// Begins a new body.
    pub(super) fn draft(&self) -> io::Result<Draft> {
        let name = format!("{}-{}", self.writer, self.next.fetch_add(1, Ordering::Relaxed));
        let file = private_file(&self.folder.join(&name))?;
        Ok(Draft { file, folder: self.folder.clone(), name, length: 0, drafted: self.drafted.clone(), kept: false })
    }

    /// Opens a body at an offset. Its content stays readable for the one who has it open, whatever becomes of its name.
    pub(super) fn open(&self, name: &str, offset: u64) -> io::Result<File> {
        let mut file = File::open(self.folder.join(name))?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(file)
    }

    /// Removes a body that no row names any more.
    pub(super) fn remove(&self, name: &str) {
        // What can't be removed now is swept when a store is opened.
        let _ = fs::remove_file(self.folder.join(name));
    }
}

// === impl Draft ===

impl Draft {
    /// Adds to it, if there is room for it and for all other drafts.
    pub(super) fn append(&mut self, piece: &[u8], left: Share) -> Result<(), Failure> {
        let length = piece.len() as u64;
        self.length += length;
        left.takes(self.drafted.fetch_add(length, Ordering::Relaxed) + length)?;
        Ok(self.file.write_all(piece)?)
    }

    /// Has it on the disk, with its name.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()?;
        sync_folder(&self.folder)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// A row names it, though that may not be committed yet: from here on only `sweep` may decide that it is nobody's.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.drafted.fetch_sub(self.length, Ordering::Relaxed);
        if !self.kept {
            // What can't be removed now is swept when a store is opened.
            let _ = fs::remove_file(self.folder.join(&self.name));
        }
    }
}
