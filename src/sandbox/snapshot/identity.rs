//! What makes an app the same app: all that it can read while it is loaded, but for its settings.
//!
//! A virtual environment inside the app's folder is left out there: its packages are a folder of their own.

use crate::sandbox::base::DIGEST;
use crate::sandbox::template::Spec;
use blake3::Hasher;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders of tools beside the app: their content is not the app's, and there is much of it.
const NOT_READ: [&str; 6] = [".git", "__pycache__", ".venv", "node_modules", ".vscode", ".mypy_cache"];
/// Holds settings, which are not part of what an app is.
const SETTINGS: &str = "local.settings.json";
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
        format!("{DIGEST} {:?} {:?} {:?} {:?}", spec.platform, spec.functions, spec.package_paths, spec.log_level)
    }

    /// The identity of an app as its folders are now; nothing where they hold too much. Reads all of its files: blocks the thread.
    pub(in crate::sandbox) fn of(description: &str, folders: &[PathBuf]) -> io::Result<Option<Identity>> {
        let mut hasher = Hasher::new();
        hasher.update(&description.len().to_le_bytes()).update(description.as_bytes());
        let mut budget = (MOST_BYTES, MOST_FILES);
        for folder in folders {
            if !add_folder(&mut hasher, folder, &mut budget)? {
                return Ok(None);
            }
        }
        Ok(Some(Identity(hasher.finalize().to_hex().to_string())))
    }

    /// As a file's name.
    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

/// Adds names and contents of all files, in order. Says whether they were within the budget of bytes and files.
fn add_folder(hasher: &mut Hasher, root: &Path, budget: &mut (u64, usize)) -> io::Result<bool> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in sorted(&folder)? {
            let name = path.file_name().unwrap_or_default();
            let kind = fs::symlink_metadata(&path)?.file_type();
            if kind.is_dir() {
                if !NOT_READ.iter().any(|folder| name == *folder) {
                    folders.push(path);
                }
                continue;
            }
            if name == SETTINGS && folder == root {
                continue;
            }
            let inside = path.strip_prefix(root).unwrap_or(&path);
            hasher.update(inside.as_os_str().as_encoded_bytes()).update(&[0]);
            if kind.is_symlink() {
                hasher.update(fs::read_link(&path)?.as_os_str().as_encoded_bytes());
            }
            // A link that leads nowhere has no content, and neither has what is no file.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if !metadata.is_file() {
                continue;
            }
            let Some(left) = budget.0.checked_sub(metadata.len()).zip(budget.1.checked_sub(1)) else { return Ok(false) };
            *budget = left;
            let content = fs::read(&path)?;
            hasher.update(&(content.len() as u64).to_le_bytes()).update(&content);
        }
    }
    Ok(true)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
