//! A copy of an app without what .funcignore leaves out, to be built in the app's place: what the app would miss where it runs, it misses when it is built.

use crate::app::{Folder, Ignored, LOCAL_SETTINGS};
use anyhow::Context;
use std::fs;
use std::io;
use std::path::Path;
use tempfile::TempDir;

/// What stays, whatever the rules say: packages, and what is for this machine and in no bundle.
const KEPT: [&str; 2] = [".python_packages", LOCAL_SETTINGS];
/// What Core Tools never publish.
const NEVER: [&str; 3] = [".git", ".gitignore", crate::app::IGNORED];

/// The copy, as long as this lives.
#[derive(Debug)]
pub(super) struct Staged {
    folder: TempDir,
    /// Files and folders that the rules left out.
    pub(super) left_out: usize,
}

// === impl Staged ===

impl Staged {
    /// Copies the app in a folder; nothing where it has no .funcignore.
    pub(super) fn of(root: &Path) -> anyhow::Result<Option<Staged>> {
        let app = Folder::open(root)?;
        let Some(ignored) = Ignored::read(&app)? else { return Ok(None) };
        let mut staged = Staged { folder: tempfile::tempdir().context("a copy of the app can't be made")?, left_out: 0 };
        let target = staged.folder.path().to_owned();
        staged.copy(app.root(), &target, "", &ignored).with_context(|| format!("{} can't be copied", root.display()))?;
        Ok(Some(staged))
    }

    pub(super) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Copies what is in a folder; `inside` is its path in the app, with a slash at its end.
    fn copy(&mut self, from: &Path, to: &Path, inside: &str, ignored: &Ignored) -> io::Result<()> {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let name = entry.file_name();
            let path = format!("{inside}{}", name.to_string_lossy());
            let kind = entry.file_type()?;
            if NEVER.contains(&path.as_str()) {
                continue;
            }
            let is_kept = KEPT.iter().any(|kept| path == *kept || path.strip_prefix(kept).is_some_and(|rest| rest.starts_with('/')));
            if !is_kept && ignored.leaves_out(&path, kind.is_dir()) {
                self.left_out += 1;
                continue;
            }
            let target = to.join(&name);
            if kind.is_dir() {
                fs::create_dir(&target)?;
                self.copy(&entry.path(), &target, &format!("{path}/"), ignored)?;
            } else if kind.is_symlink() {
                link(&entry.path(), &target)?;
            } else if kind.is_file() {
                fs::copy(entry.path(), &target)?;
            }
        }
        Ok(())
    }
}

/// A link that leads where the other does.
#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

/// Links need rights on Windows.
#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() { fs::copy(from, to).map(|_| ()) } else { Ok(()) }
}
