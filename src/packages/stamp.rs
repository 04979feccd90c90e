//! What was installed, in a file beside it. A folder of packages without one is somebody else's.

use super::requirements::Requirements;
use super::{FOLDER, guest};
use crate::app::Folder;
use blake3::Hasher;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

const FILE: &str = "snapfunc.json";
/// Raised when packages are to be installed anew because this room treats them otherwise.
const FORMAT: u32 = 1;

/// What was installed, and for what.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stamp {
    digest: String,
    /// The names and versions, for whoever looks.
    packages: BTreeMap<String, String>,
}

// === impl Stamp ===

impl Stamp {
    pub(super) fn new(requirements: &Requirements, packages: BTreeMap<String, String>) -> Stamp {
        Stamp { digest: digest(requirements), packages }
    }

    /// The one of an app. What is no such file, or can't be read as one, is none.
    pub(super) fn read(app: &Folder) -> Option<Stamp> {
        serde_json::from_slice(&app.read(&format!("{FOLDER}/lib/{FILE}")).ok()??).ok()
    }

    pub(super) fn write(&self, lib: &Path) -> io::Result<()> {
        fs::write(lib.join(FILE), serde_json::to_vec_pretty(self)?)
    }

    /// Whether the same would be installed now.
    pub(super) fn is_for(&self, requirements: &Requirements) -> bool {
        self.digest == digest(requirements)
    }
}

fn digest(requirements: &Requirements) -> String {
    let mut hasher = Hasher::new();
    let own = [FORMAT.to_string(), guest::PYTHON.to_owned(), guest::BROUGHT_ALONG.to_owned()];
    let own = own.iter().map(String::as_bytes);
    for part in own.chain(requirements.contents.iter().flat_map(|(name, content)| [name.as_bytes(), content])) {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize().to_hex().to_string()
}
