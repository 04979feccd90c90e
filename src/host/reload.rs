//! Notices that an app's files have changed.

use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Component, Path};
use std::time::Duration;
use tokio::sync::mpsc;

/// Editors and tools write several files, or one in several steps: it is over when nothing has happened for so long.
const QUIET: Duration = Duration::from_millis(50);
/// But no longer than this after the first change.
const LONGEST: Duration = Duration::from_secs(1);
/// Folders whose content no function sees, or that tools fill while they look at an app.
const IGNORED: [&str; 8] = ["__pycache__", ".snapfunc-new", ".git", ".venv", ".vscode", ".pytest_cache", ".mypy_cache", "node_modules"];

/// The changes of an app's folder, as long as this lives.
#[derive(Debug)]
pub struct Changes {
    changes: mpsc::UnboundedReceiver<()>,
    _watcher: RecommendedWatcher,
}

// === impl Changes ===

impl Changes {
    /// Watches a folder and all below it.
    ///
    /// # Errors
    /// Where the system can't, because of its limits for example.
    pub fn of(root: &Path) -> notify::Result<Self> {
        let (sender, changes) = mpsc::unbounded_channel();
        let watched = root.to_owned();
        let changed = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| counts(&event, &watched)) {
                // Fails where nobody listens any more.
                let _ = sender.send(());
            }
        };
        // A link in an app may lead to all of the machine's folders; what it leads to in the app is watched there.
        let mut watcher = RecommendedWatcher::new(changed, Config::default().with_follow_symlinks(false))?;
        watcher.watch(root, RecursiveMode::Recursive)?;
        Ok(Changes { changes, _watcher: watcher })
    }

    /// Waits for the next change, and until it is over.
    pub async fn next(&mut self) {
        if self.changes.recv().await.is_none() {
            return std::future::pending().await;
        }
        let settled = async { while let Ok(Some(())) = tokio::time::timeout(QUIET, self.changes.recv()).await {} };
        let _ = tokio::time::timeout(LONGEST, settled).await;
    }
}

/// Whether an event can make a difference to an app.
fn counts(event: &Event, root: &Path) -> bool {
    !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(|path| is_of_the_app(path, root))
}

fn is_of_the_app(path: &Path, root: &Path) -> bool {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let ignored = |component: Component<'_>| matches!(component, Component::Normal(name) if IGNORED.iter().any(|ignored| name == *ignored));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let of_an_editor = name.ends_with('~') || name.ends_with(".swp") || name.ends_with(".swx") || name.ends_with(".pyc") || name == "4913";
    !of_an_editor && !inside.components().any(ignored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_write_beside_an_app_does_not_count() {
        let root = Path::new("/.venv/app");
        for (path, counts) in [
            ("/.venv/app/host.json", true),
            ("/.venv/app/f/__init__.py", true),
            ("/.venv/app/.python_packages/lib/site-packages/x.py", true),
            ("/.venv/app/.python_packages/.snapfunc-new/lib/site-packages/x.py", false),
            ("/.venv/app/f/__pycache__/__init__.cpython-311.pyc", false),
            ("/.venv/app/.git/index", false),
            ("/.venv/app/f/.__init__.py.swp", false),
            ("/.venv/app/f/__init__.py~", false),
            ("/.venv/app/.venv/lib/x.py", false),
        ] {
            assert_eq!(is_of_the_app(Path::new(path), root), counts, "{path}");
        }
    }
}
