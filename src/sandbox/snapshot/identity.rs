//! What makes an app the same app.

use super::Content;
use crate::sandbox::base::DIGEST;
use crate::sandbox::template::Spec;
use blake3::Hasher;
use std::fs;
use std::io;

/// Beyond these an app is loaded anew at each start: looking at all of its files would take as long.
const MOST_BYTES: u64 = 1 << 30;
const MOST_FILES: usize = 50_000;

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
        let (mut bytes, mut files) = (0, 0);
        for entry in content.entries() {
            let entry = entry?;
            hasher.update(entry.name.as_os_str().as_encoded_bytes()).update(&[0]);
            if entry.kind.is_symlink() {
                hasher.update(fs::read_link(&entry.path)?.as_os_str().as_encoded_bytes()).update(&[0]);
            }
            // A link that leads nowhere has no content, and neither has what is no file.
            let Ok(metadata) = fs::metadata(&entry.path) else { continue };
            if !metadata.is_file() {
                continue;
            }
            bytes += metadata.len();
            files += 1;
            if bytes > MOST_BYTES || files > MOST_FILES {
                return Ok(None);
            }
            let content = fs::read(&entry.path)?;
            hasher.update(&(content.len() as u64).to_le_bytes()).update(&content);
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
