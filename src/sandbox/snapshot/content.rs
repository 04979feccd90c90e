//! The files that make an app: all that it can read while it is loaded, but for those that hold its settings.

use crate::sandbox::api::paths;
use crate::sandbox::template::Spec;
use std::fs::{self, File, FileType};
use std::io;
use std::path::{Path, PathBuf};

/// Folders of tools beside the app: their content is not the app's, and there is much of it.
const NOT_READ: [&str; 6] = [".git", "__pycache__", ".venv", "node_modules", ".vscode", ".mypy_cache"];

/// The folders of an app.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Content {
    folders: Vec<Folder>,
    /// The folders of packages, by their names in a bundle.
    packages: Vec<PathBuf>,
    private: Vec<String>,
    virtual_env: Option<PathBuf>,
}

/// One of them.
#[derive(Debug, Clone)]
struct Folder {
    /// On this machine.
    path: PathBuf,
    /// In a bundle.
    name: PathBuf,
}

/// A file, or a symbolic link.
#[derive(Debug)]
pub(in crate::sandbox) struct Entry {
    /// On this machine.
    pub(in crate::sandbox) path: PathBuf,
    /// In a bundle.
    pub(in crate::sandbox) name: PathBuf,
    pub(in crate::sandbox) kind: FileType,
}

/// The app's folder in a bundle.
pub(in crate::sandbox) const APP: &str = "app";
/// The virtual environment outside of the app's folder, in a bundle.
pub(in crate::sandbox) const VENV: &str = "venv";
/// Its packages.
pub(in crate::sandbox) const VENV_PACKAGES: &str = "venv/lib/python3/site-packages";

// === impl Content ===

impl Content {
    /// The folders of an app.
    pub(in crate::sandbox) fn of(spec: &Spec) -> Content {
        Content::new(&spec.root, &spec.package_paths, spec.packages.as_deref(), &spec.private_files)
    }

    /// The same by its parts: see there.
    pub(super) fn new(root: &Path, package_paths: &[String], packages: Option<&Path>, private: &[String]) -> Content {
        let mut folders = vec![Folder { path: root.to_owned(), name: APP.into() }];
        let inside: Vec<_> = package_paths.iter().filter_map(|path| path.strip_prefix(paths::APP)?.strip_prefix('/')).collect();
        // Packages in a folder that is left out otherwise.
        for inside in inside.iter().filter(|inside| inside.split('/').any(|part| NOT_READ.contains(&part))) {
            folders.push(Folder { path: root.join(inside), name: Path::new(APP).join(inside) });
        }
        folders.extend(packages.map(|packages| Folder { path: packages.to_owned(), name: VENV_PACKAGES.into() }));
        let names = inside.iter().map(|inside| Path::new(APP).join(inside)).chain(packages.map(|_| VENV_PACKAGES.into()));
        let packages: Vec<_> = names.collect();
        Content { virtual_env: packages.iter().find_map(|packages| environment_of(packages)), folders, packages, private: private.to_vec() }
    }

    /// Whether a file is one of the app's packages'.
    pub(super) fn is_of_packages(&self, entry: &Entry) -> bool {
        self.packages.iter().any(|packages| entry.name.starts_with(packages))
    }

    /// The virtual environment in a bundle that the packages are found by; nothing where they are found without one.
    pub(in crate::sandbox) fn virtual_env(&self) -> Option<&Path> {
        self.virtual_env.as_deref()
    }

    /// All files and links, in an order that is always the same. Pipes, sockets and devices are none of the app's.
    pub(in crate::sandbox) fn entries(&self) -> impl Iterator<Item = io::Result<Entry>> {
        self.folders.iter().flat_map(|folder| match list(folder, &self.private) {
            Ok(entries) => entries.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    }
}

/// The environment of `ENV/lib/python3.14/site-packages`, or `ENV/Lib/site-packages`.
fn environment_of(packages: &Path) -> Option<PathBuf> {
    let lib = packages.ancestors().skip(1).take(2).find(|folder| folder.ends_with("lib") || folder.ends_with("Lib"))?;
    // Packages in `.python_packages` are found without one.
    lib.parent().filter(|environment| !environment.ends_with(".python_packages")).map(Path::to_owned)
}

fn list(folder: &Folder, private: &[String]) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut folders = vec![folder.path.clone()];
    while let Some(current) = folders.pop() {
        let mut found = fs::read_dir(&current)?.collect::<io::Result<Vec<_>>>()?;
        found.sort_by_key(fs::DirEntry::file_name);
        for entry in found {
            let (name, kind) = (entry.file_name(), entry.file_type()?);
            if kind.is_dir() {
                if !NOT_READ.iter().any(|skipped| name == *skipped) {
                    folders.push(entry.path());
                }
            } else if (kind.is_file() || kind.is_symlink()) && !(current == folder.path && private.iter().any(|private| name == **private))
            {
                let path = entry.path();
                let name = folder.name.join(path.strip_prefix(&folder.path).map_err(io::Error::other)?);
                entries.push(Entry { path, name, kind });
            }
        }
    }
    Ok(entries)
}

/// Opens a file to read it: only a regular one, and not through a link. Links lead the host out of the app, and the other end of a pipe may never come.
pub(in crate::sandbox) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is not a regular file", path.display())))
}
