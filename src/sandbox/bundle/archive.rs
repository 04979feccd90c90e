//! The archive in a bundle: a tar, compressed with zstd, that anybody may have made.
//!
//! All of it is looked at before anything is written: what a bundle has no use for is refused, and so is what would take more room than an app
//! has. Then it is written through a handle of one folder, out of which neither names nor links lead.

use super::{APP, SNAPSHOT, VENV_PACKAGES, VIRTUAL_ENV};
use crate::sandbox::snapshot::{Identity, MOST_BYTES, MOST_FILES};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use tar::EntryType;

/// Bytes of the longest name, and of a link's longest target: Linux's `PATH_MAX`.
const LONGEST_NAME: u64 = 4096;
/// Bytes of the snapshot, beside the app's files.
const MOST_OF_SNAPSHOT: u64 = 1 << 30;

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    /// It can't be read, or holds what no bundle holds.
    #[error("{0}")]
    Wrong(String),
    /// There is no room for it.
    #[error("{0}")]
    Unwritable(io::Error),
}

/// What one entry is.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Link { target: PathBuf },
}

/// What was seen of an archive so far.
#[derive(Default)]
struct Seen {
    names: HashSet<PathBuf>,
    links: HashSet<PathBuf>,
    /// Of the app's files and packages.
    bytes: u64,
    /// Of what lies beside their folders.
    beside: u64,
}

/// Unpacks an archive into an empty folder. Blocks the thread.
pub(super) fn unpack(archive: &[u8], folder: &Path) -> Result<(), ArchiveError> {
    let mut seen = Seen::default();
    each(archive, |name, kind, data| seen.take(name, kind, data.size()).map_err(ArchiveError::Wrong))?;
    let target = Dir::open_ambient_dir(folder, ambient_authority()).map_err(ArchiveError::Unwritable)?;
    each(archive, |name, kind, data| write(&target, name, kind, data).map_err(ArchiveError::Unwritable))
}

/// Hands over all entries, one after the other.
fn each(
    archive: &[u8],
    mut act: impl FnMut(&Path, &Kind, &mut tar::Entry<'_, zstd::Decoder<'_, io::BufReader<&[u8]>>>) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let unreadable = |error: io::Error| ArchiveError::Wrong(error.to_string());
    let mut archive = tar::Archive::new(zstd::Decoder::new(archive).map_err(unreadable)?);
    // Those that are longer than a header has room for; they come before the entry that they belong to. The library would read them whole, whatever
    // their length.
    let (mut name, mut target) = (None, None);
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
        let long = match entry.header().entry_type() {
            EntryType::GNULongName => &mut name,
            EntryType::GNULongLink => &mut target,
            other => {
                let path = name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                let path = path_of(path).ok_or_else(|| wrong("a name is not UTF-8"))?;
                let long_target = target.take();
                let kind = match other {
                    EntryType::Regular => Kind::File,
                    EntryType::Directory => Kind::Folder,
                    EntryType::Symlink => {
                        let target = long_target.or_else(|| entry.link_name_bytes().map(std::borrow::Cow::into_owned));
                        Kind::Link { target: target.and_then(path_of).ok_or_else(|| wrong("a link leads nowhere"))? }
                    }
                    _ => return Err(wrong(format!("{} is neither a file nor a folder nor a symbolic link", shown(&path)))),
                };
                act(&path, &kind, &mut entry)?;
                continue;
            }
        };
        if long.is_some() || entry.size() > LONGEST_NAME {
            return Err(wrong("a name in it is too long"));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(unreadable)?;
        bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
        *long = Some(bytes);
    }
    Ok(())
}

// === impl Seen ===

impl Seen {
    /// Takes note of an entry, or says why it is refused.
    fn take(&mut self, name: &Path, kind: &Kind, bytes: u64) -> Result<(), String> {
        if !is_place(name, kind) {
            return Err(format!("{} has no place in a bundle", shown(name)));
        }
        let counted = if name.components().count() == 1 { &mut self.beside } else { &mut self.bytes };
        *counted = counted.saturating_add(bytes);
        if self.beside > MOST_OF_SNAPSHOT {
            return Err(format!("its snapshot takes more than {} MiB", MOST_OF_SNAPSHOT >> 20));
        }
        if self.bytes > MOST_BYTES {
            return Err(format!("its files take more than {} MiB", MOST_BYTES >> 20));
        }
        if let Some(link) = name.ancestors().skip(1).find(|above| self.links.contains(*above)) {
            return Err(format!("{} lies behind {}, which is a link", shown(name), shown(link)));
        }
        if !self.names.insert(name.to_owned()) {
            return Err(format!("it holds {} twice", shown(name)));
        }
        if self.names.len() > MOST_FILES {
            return Err(format!("it holds more than {MOST_FILES} files"));
        }
        if matches!(kind, Kind::Link { .. }) {
            self.links.insert(name.to_owned());
        }
        Ok(())
    }
}

/// Whether a bundle has something there: below the app's folder, below that of packages, its snapshot, the place of its virtual environment.
fn is_place(name: &Path, kind: &Kind) -> bool {
    let (app, packages) = (Path::new(APP), Path::new(VENV_PACKAGES));
    if name.components().next().is_none() || !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return false;
    }
    if name == app || packages.starts_with(name) {
        // Never links: what is above the folders that the app's code may read decides where these are.
        return *kind == Kind::Folder;
    }
    if name.starts_with(app) || name.starts_with(packages) {
        return true;
    }
    let snapshot = || name.to_str().and_then(|name| name.strip_prefix(SNAPSHOT)).and_then(Identity::from_name);
    *kind == Kind::File && (name == Path::new(VIRTUAL_ENV) || snapshot().is_some())
}

fn write(folder: &Dir, name: &Path, kind: &Kind, data: &mut impl Read) -> io::Result<()> {
    if let Some(parent) = name.parent() {
        folder.create_dir_all(parent)?;
    }
    match kind {
        Kind::Folder => folder.create_dir_all(name),
        Kind::File => {
            let mut file = folder.open_with(name, OpenOptions::new().write(true).create_new(true))?;
            io::copy(data, &mut file).map(drop)
        }
        Kind::Link { target } => link(folder, name, target),
    }
}

/// A link may lead anywhere: the sandbox follows none that leads out of the app's folder, and the host follows none at all.
#[cfg(unix)]
fn link(folder: &Dir, name: &Path, target: &Path) -> io::Result<()> {
    folder.symlink_contents(target, name)
}

#[cfg(not(unix))]
fn link(_: &Dir, name: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, format!("{} is a symbolic link", name.display())))
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

/// A name fit for a sentence: it may hold line ends and more.
fn shown(name: &Path) -> String {
    format!("{name:?}")
}

fn wrong(reason: impl Into<String>) -> ArchiveError {
    ArchiveError::Wrong(reason.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;
    use proptest::prelude::*;
    use std::fs;

    /// An archive of entries with a type, a name, a link's target and content.
    fn archive(entries: &[(EntryType, &str, &str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
        for (kind, name, target, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o777);
            // Past the builder, which refuses some of them.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
            header.set_cksum();
            archive.append(&header, *content).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    fn unpacked(entries: &[(EntryType, &str, &str, &[u8])]) -> Result<tempfile::TempDir, String> {
        let folder = tempfile::tempdir().unwrap();
        match unpack(&archive(entries), folder.path()) {
            Ok(()) => Ok(folder),
            Err(error) => {
                assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
                Err(error.to_string())
            }
        }
    }

    #[test]
    fn what_builds_make_is_unpacked() {
        let snapshot = format!("{SNAPSHOT}{}", "0a".repeat(32));
        let folder = unpacked(&[
            (EntryType::Regular, "app/f/__init__.py", "", b"code"),
            (EntryType::Symlink, "app/link", "/etc", b""),
            (EntryType::Directory, "app/empty", "", b""),
            (EntryType::Regular, "venv/lib/python3/site-packages/p.py", "", b"package"),
            (EntryType::Regular, &snapshot, "", b"memory"),
            (EntryType::Regular, VIRTUAL_ENV, "", b"venv"),
        ]);
        let folder = folder.unwrap();
        let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
        assert_eq!((read("app/f/__init__.py"), read(&snapshot)), (b"code".to_vec(), b"memory".to_vec()));
        assert_eq!(read("venv/lib/python3/site-packages/p.py"), b"package");
        assert_eq!(fs::read_link(folder.path().join("app/link")).unwrap(), Path::new("/etc"));
        assert!(folder.path().join("app/empty").is_dir());
    }

    #[test]
    fn whatever_else_is_refused_before_anything_is_written() {
        let first = (EntryType::Regular, "app/first", "", &b"x"[..]);
        for (entry, reason) in [
            ((EntryType::Regular, "/etc/passwd", "", &b""[..]), "has no place"),
            ((EntryType::Regular, "app/../../x", "", b""), "has no place"),
            ((EntryType::Regular, "../x", "", b""), "has no place"),
            ((EntryType::Regular, "other", "", b""), "has no place"),
            ((EntryType::Regular, "snapshot-x", "", b""), "has no place"),
            (
                (EntryType::Symlink, "snapshot-0000000000000000000000000000000000000000000000000000000000000000", "/etc", b""),
                "has no place",
            ),
            ((EntryType::Symlink, "app", "/", b""), "has no place"),
            ((EntryType::Symlink, "app/", "/", b""), "has no place"),
            ((EntryType::Directory, ".", "", b""), "has no place"),
            ((EntryType::Directory, "", "", b""), "has no place"),
            ((EntryType::Symlink, "venv", "/", b""), "has no place"),
            ((EntryType::Symlink, "venv/lib", "/", b""), "has no place"),
            ((EntryType::Symlink, "venv/lib/python3/site-packages", "/root", b""), "has no place"),
            ((EntryType::Symlink, "venv/lib/python3.99/site-packages", "/root", b""), "has no place"),
            ((EntryType::Symlink, "virtual-env", "/etc/passwd", b""), "has no place"),
            ((EntryType::Regular, "app/first", "", b""), "twice"),
            ((EntryType::Link, "app/hard", "/etc/passwd", b""), "is neither a file"),
            ((EntryType::Fifo, "app/fifo", "", b""), "is neither a file"),
            ((EntryType::Char, "app/null", "", b""), "is neither a file"),
            ((EntryType::GNUSparse, "app/sparse", "", b""), "is neither a file"),
            ((EntryType::XHeader, "app/x", "", b"20 size=99999999999\n"), "is neither a file"),
            ((EntryType::GNULongName, "long", "", &[b'x'; 5000]), "too long"),
        ] {
            let error = unpacked(&[first, entry]).unwrap_err();
            assert!(error.contains(reason), "{entry:?}: {error}");
        }
        let behind = [first, (EntryType::Symlink, "app/link", "/tmp", b""), (EntryType::Regular, "app/link/x/y", "", b"")];
        assert_eq!(unpacked(&behind).unwrap_err(), r#""app/link/x/y" lies behind "app/link", which is a link"#);
    }

    #[test]
    fn what_would_take_too_much_room_is_refused_by_what_its_head_says() {
        let mut header = tar::Header::new_gnu();
        header.set_path("app/bomb").unwrap();
        header.set_size(MOST_BYTES + 1);
        header.set_cksum();
        let folder = tempfile::tempdir().unwrap();
        let bytes = zstd::encode_all(&header.as_bytes()[..], 1).unwrap();
        assert_eq!(unpack(&bytes, folder.path()).unwrap_err().to_string(), "its files take more than 1024 MiB");
        let mut seen = Seen::default();
        let names = (0..=MOST_FILES).map(|number| PathBuf::from(format!("app/{number}")));
        let refused = names.map(|name| seen.take(&name, &Kind::File, 0)).find_map(Result::err);
        assert_eq!(refused.unwrap(), "it holds more than 50000 files");
    }

    proptest! {
        #[test]
        fn nothing_is_ever_written_outside(
            entries in prop::collection::vec((prop::sample::select(vec![b'0', b'2', b'5', b'L', b'K']), "(app|\\.\\.|venv|/|x){1}(/(a|b|\\.\\.|\\.)){0,3}", "(/|\\.\\./|a){0,3}"), 0..8),
        ) {
            let outer = tempfile::tempdir().unwrap();
            let inner = outer.path().join("inner");
            fs::create_dir(&inner).unwrap();
            let entries: Vec<_> = entries.iter().map(|(kind, name, target)| (EntryType::new(*kind), name.as_str(), target.as_str(), &b""[..])).collect();
            let _ = unpack(&archive(&entries), &inner);
            prop_assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        }
    }
}
