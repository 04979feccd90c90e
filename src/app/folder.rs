//! The app's folder: the only door to its files.
//!
//! Everything inside an app is opened relative to one folder handle (cap-std), so that neither `..` nor a symbolic link leads out of it.
//! Nothing here knows what the files mean, and nothing writes.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use thiserror::Error;

/// The largest configuration file that is read, in bytes: 1 MiB, far above any real one.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;

/// An app's root, open.
pub(crate) struct Folder {
    root: PathBuf,
    dir: Dir,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Neither: a socket, a device.
    Other,
    /// Nothing.
    Absent,
}

/// Why the app's root can't be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// There is nothing at the path.
    #[error("the app's folder {} does not exist: give the folder that holds host.json", root.display())]
    Missing {
        /// The path that was asked for.
        root: PathBuf,
    },
    /// It is a file, or something else.
    #[error("{} is not a folder: give the folder that holds host.json", root.display())]
    NotAFolder {
        /// The path that was asked for.
        root: PathBuf,
    },
    /// The system refuses.
    #[error("the app's folder {} can't be opened: {source}", root.display())]
    Unreadable {
        /// The path that was asked for.
        root: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Why a file of the app can't be read. Paths are relative to the app's root.
#[derive(Debug, Error)]
pub enum FileError {
    /// A symbolic link, or `..`, leads out of the app.
    #[error("{file}: leads out of the app's folder, and only what is inside is read: copy the file into the app")]
    Outside {
        /// The file.
        file: String,
    },
    /// A folder, a socket, a device.
    #[error("{file}: is not a regular file")]
    NotAFile {
        /// The file.
        file: String,
    },
    /// More than the limit.
    #[error("{file}: is larger than {limit} bytes, which no configuration file should be")]
    TooLarge {
        /// The file.
        file: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The system refuses.
    #[error("{file}: can't be read: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
}

// === impl Folder ===

impl Folder {
    /// Opens an app's root. The root itself may be a symbolic link.
    pub(crate) fn open(root: &Path) -> Result<Folder, FolderError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => FolderError::Missing { root: root.to_owned() },
            io::ErrorKind::NotADirectory => FolderError::NotAFolder { root: root.to_owned() },
            _ => FolderError::Unreadable { root: root.to_owned(), source },
        };
        let canonical = root.canonicalize().map_err(failed)?;
        let dir = Dir::open_ambient_dir(&canonical, ambient_authority()).map_err(failed)?;
        Ok(Folder { root: canonical, dir })
    }

    /// The root's absolute path, without symbolic links.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What `path` leads to.
    pub(crate) fn kind(&self, path: &str) -> Result<Kind, FileError> {
        match self.dir.metadata(path) {
            Ok(found) if found.is_file() => Ok(Kind::File),
            Ok(found) if found.is_dir() => Ok(Kind::Folder),
            Ok(_) => Ok(Kind::Other),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Kind::Absent),
            Err(error) => Err(failure(path, error)),
        }
    }

    /// A file's bytes; `None` if there is no such file.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        match self.kind(path)? {
            Kind::Absent => return Ok(None),
            Kind::File => {}
            // Looked at before it is opened, as opening a named pipe would wait for its other end, and opening a device may do anything.
            Kind::Folder | Kind::Other => return Err(FileError::NotAFile { file: path.to_owned() }),
        }
        let mut options = OpenOptions::new();
        options.read(true);
        // It may have become one meanwhile.
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
        let file = self.dir.open_with(path, &options).map_err(|error| failure(path, error))?;
        if !file.metadata().map_err(|error| failure(path, error))?.is_file() {
            return Err(FileError::NotAFile { file: path.to_owned() });
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failure(path, error))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(FileError::TooLarge { file: path.to_owned(), limit: MAX_FILE_BYTES });
        }
        Ok(Some(bytes))
    }

    /// The names in a folder (`.` is the root), sorted. Names that are not UTF-8 are left out: no function, script or package can have one.
    pub(super) fn names(&self, path: &str) -> Result<Vec<String>, FileError> {
        let entries = self.dir.read_dir(path).map_err(|error| failure(path, error))?;
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort_unstable();
        Ok(names)
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Folder").field(&self.root).finish()
    }
}

fn failure(path: &str, source: io::Error) -> FileError {
    // cap-std makes this error itself: one that came from the system has the system's number.
    if source.kind() == io::ErrorKind::PermissionDenied && source.raw_os_error().is_none() {
        FileError::Outside { file: path.to_owned() }
    } else {
        FileError::Unreadable { file: path.to_owned(), source }
    }
}
