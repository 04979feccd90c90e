//! Where snapshots are kept.

use super::format::{self, FormatError};
use super::{Identity, Snapshot};
use crate::sandbox::base::{create_private, write_whole};
use crate::sandbox::seal::Seal;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// So many are kept; the one that was not used for longest goes first.
const MOST: usize = 256;

/// The folder for snapshots of apps, in the cache folder and in a bundle's.
pub(in crate::sandbox) const APPS: &str = "snapshots";
/// The folder for those of packages.
pub(in crate::sandbox) const PRELOADED: &str = "preloaded";

/// A folder of snapshots. Nobody but its owner may write there.
#[derive(Debug)]
pub(in crate::sandbox) struct Store {
    folder: PathBuf,
    /// The same within the cache folder.
    place: String,
    seal: Seal,
}

// === impl Store ===

impl Store {
    /// A store in a folder of the cache folder.
    pub(in crate::sandbox) fn open(cache: &Path, place: &str, seal: Seal) -> Store {
        let place = place.to_owned();
        Store { folder: cache.join(&place), place, seal }
    }

    /// What its content is sealed with.
    pub(in crate::sandbox) fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Whether there is a snapshot of an app, be it good or not.
    pub(in crate::sandbox) fn has(&self, identity: &Identity) -> bool {
        self.file(identity).exists()
    }

    /// The snapshot of an app; nothing where there is none that can be used. One with more than `most` bytes of memory can't.
    pub(in crate::sandbox) fn find(&self, identity: &Identity, most: usize) -> Option<Snapshot> {
        let file = self.file(identity);
        let bytes = fs::read(&file).ok()?;
        let Some(content) = self.seal.check(&self.place(identity), &bytes) else {
            tracing::warn!(file = %file.display(), "a snapshot was changed by somebody else, or is damaged: it is not used");
            return None;
        };
        match format::decode(content, most) {
            Ok(snapshot) => {
                // For `tidy`; a clock that can't be set there only makes the snapshot go earlier.
                let _ = fs::File::options().append(true).open(&file).and_then(|file| file.set_modified(SystemTime::now()));
                Some(snapshot)
            }
            Err(error @ (FormatError::Damaged(_) | FormatError::TooLarge { .. })) => {
                tracing::warn!(%error, file = %file.display(), "a snapshot can't be used");
                None
            }
            Err(_) => None,
        }
    }

    /// Keeps a snapshot. Blocks the thread.
    pub(in crate::sandbox) fn keep(&self, identity: &Identity, snapshot: &Snapshot) -> io::Result<()> {
        self.keep_encoded(identity, format::encode(snapshot)?)
    }

    /// The same of bytes that may be one.
    pub(in crate::sandbox) fn keep_encoded(&self, identity: &Identity, mut bytes: Vec<u8>) -> io::Result<()> {
        self.seal.put(&self.place(identity), &mut bytes);
        create_private(&self.folder)?;
        write_whole(&self.file(identity), &bytes)?;
        self.tidy()
    }

    fn file(&self, identity: &Identity) -> PathBuf {
        self.folder.join(file_name(identity))
    }

    /// Where in the cache folder an app's snapshot is.
    fn place(&self, identity: &Identity) -> String {
        format!("{}/{}", self.place, file_name(identity))
    }

    /// Deletes what is too much.
    fn tidy(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let too_many = files.len().saturating_sub(MOST);
        files.drain(..too_many).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

fn file_name(identity: &Identity) -> String {
    format!("{}.snap", identity.name())
}
