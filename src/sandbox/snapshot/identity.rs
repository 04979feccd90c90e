//! What makes an app the same app.

use super::{Content, open_regular};
use crate::sandbox::base::DIGEST;
use crate::sandbox::template::Spec;
use blake3::Hasher;
use std::fs;
use std::io::{self, Read};

/// Beyond these an app is loaded anew at each start: looking at all of its files would take as long.
pub(in crate::sandbox) const MOST_BYTES: u64 = 1 << 30;
/// See above: files and links.
pub(in crate::sandbox) const MOST_FILES: usize = 50_000;

/// A digest of an app's files, of its functions and of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Identity(String);

// === impl Identity ===

impl Identity {
    /// What counts of an app beside its files, as a text.
    pub(in crate::sandbox) fn description(spec: &Spec) -> String {
        // Debug text holds every field; its form changes only with the program, and then the guest's digest does.
        let functions = (&spec.functions, &spec.entry_file);
        format!("{DIGEST} {:?} {functions:?} {:?} {:?}", spec.platform, spec.package_paths, spec.log_level)
    }

    /// The identity of an app as its files are now; nothing where there is too much of them. Reads all: blocks the thread.
    pub(in crate::sandbox) fn of(description: &str, content: &Content) -> io::Result<Option<Identity>> {
        let mut hasher = Hasher::new();
        hasher.update(&description.len().to_le_bytes()).update(description.as_bytes());
        let (mut left, mut files) = (MOST_BYTES, 0);
        for entry in content.entries() {
            let entry = entry?;
            files += 1;
            if files > MOST_FILES {
                return Ok(None);
            }
            hasher.update(entry.name.as_os_str().as_encoded_bytes()).update(&[0]);
            if entry.kind.is_symlink() {
                // Never followed: what it leads to is in the app and looked at there, or nothing that the app can read.
                let target = fs::read_link(&entry.path)?;
                let target = target.as_os_str().as_encoded_bytes();
                hasher.update(b"link").update(&(target.len() as u64).to_le_bytes()).update(target);
                continue;
            }
            let mut file = Hasher::new();
            file.update_reader(open_regular(&entry.path)?.take(left.saturating_add(1)))?;
            let Some(rest) = left.checked_sub(file.count()) else { return Ok(None) };
            left = rest;
            hasher.update(b"file").update(file.finalize().as_bytes());
        }
        Ok(Some(Identity(hasher.finalize().to_hex().to_string())))
    }

    /// One that was told by somebody else; nothing where it can't be one.
    pub(in crate::sandbox) fn from_name(name: &str) -> Option<Identity> {
        (name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))).then(|| Identity(name.to_owned()))
    }

    /// As a file's name.
    pub(in crate::sandbox) fn name(&self) -> &str {
        &self.0
    }
}
