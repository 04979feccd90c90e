//! An app in one file: its files and its snapshot, to be run where neither its sources nor its packages are.
//!
//! The file is a tar, compressed with zstd, behind which is its digest: against damage, not against malice. Whoever runs a bundle need not trust it
//! more than any app: [`archive`] unpacks nothing outside of one folder, the sandbox reads nothing outside of it, and what is in its snapshot is memory of
//! an interpreter in the sandbox, which serves this bundle alone.

mod archive;

use super::base::{CacheError, check_private, create_private};
use super::seal::Seal;
use super::snapshot::{
    APP, APPS, Content, Description, Entry, Identities, Identity, Snapshot, Store, VENV, VENV_PACKAGES, format, open_regular,
};
use super::template::Template;
use archive::ArchiveError;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// The snapshot in the archive; behind it comes the app's identity.
const SNAPSHOT: &str = "snapshot-";
/// A text in the archive: where the virtual environment is that the app has its packages from.
const VIRTUAL_ENV: &str = "virtual-env";
/// Where bundles are unpacked, in the cache folder.
const FOLDER: &str = "bundles";
/// Bytes of the digest.
const DIGEST: usize = 32;
const COMPRESSION: i32 = 9;

/// Why an app can't be bundled, or a bundle not be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Its memory can't be kept.
    #[error("the app has no snapshot: {0}")]
    NoSnapshot(String),
    /// A file can't be read or written.
    #[error("{} can't be {what}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// `read` or the like.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It was never one, or is damaged.
    #[error("{} is no bundle of `snapfunc build`, or is damaged: {reason}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// See there.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// A bundle, unpacked.
#[derive(Debug)]
pub struct Unpacked {
    /// The app's folder.
    pub root: PathBuf,
    /// A virtual environment with its packages, where it came with some that are not in the app's folder.
    pub virtual_env: Option<PathBuf>,
}

// === impl Template ===

impl Template {
    /// Puts the app in one file. Blocks the thread.
    ///
    /// # Errors
    /// [`BundleError::NoSnapshot`] where the app's memory can't be kept.
    pub fn bundle(&self, target: &Path) -> Result<(), BundleError> {
        let failed = |path: &Path, what| {
            let path = path.to_owned();
            move |source| BundleError::Io { path, what, source }
        };
        let (identity, snapshot) = self.kept_snapshot().map_err(BundleError::NoSnapshot)?;
        let snapshot = format::encode(&snapshot).map_err(failed(target, "written"))?;
        let mut archive = tar::Builder::new(zstd::Encoder::new(Vec::new(), COMPRESSION).map_err(failed(target, "written"))?);
        archive.mode(tar::HeaderMode::Deterministic);
        archive.follow_symlinks(false);
        let content = Content::of(self.spec());
        for entry in content.entries() {
            let entry = entry.map_err(failed(&self.spec().root, "read"))?;
            append(&mut archive, &entry).map_err(failed(&entry.path, "read"))?;
        }
        let virtual_env = content.virtual_env().and_then(|path| path.to_str().map(str::to_owned)).unwrap_or_default();
        for (name, bytes) in
            [(format!("{SNAPSHOT}{}", identity.name()), snapshot.as_slice()), (VIRTUAL_ENV.to_owned(), virtual_env.as_bytes())]
        {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            archive.append_data(&mut header, name, bytes).map_err(failed(target, "written"))?;
        }
        let mut bytes = archive.into_inner().and_then(zstd::Encoder::finish).map_err(failed(target, "written"))?;
        let digest = blake3::hash(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        fs::write(target, bytes).map_err(failed(target, "written"))
    }

    /// What the store has of the app; or why there is nothing.
    fn kept_snapshot(&self) -> Result<(Identity, Snapshot), String> {
        if !self.obstacles().is_empty() {
            return Err(self.obstacles().join(", "));
        }
        let identities = Identities::of(&Description::of(self.spec()), &Content::of(self.spec())).map_err(|error| error.to_string())?;
        let identity = identities.ok_or("it has too many files, or too large ones")?.app;
        self.runtime().settle();
        match self.runtime().snapshots.find(&identity, usize::MAX) {
            Some(snapshot) if snapshot.memory.is_some() => Ok((identity, snapshot)),
            // Single settings are no reason: none was there.
            Some(_) => Err("it reads all settings while it is imported (os.environ as a whole)".to_owned()),
            None => Err("it can't be kept in the cache folder, or the app was changed meanwhile".to_owned()),
        }
    }
}

// === impl Unpacked ===

impl Unpacked {
    /// Unpacks a bundle into the cache folder, if it was not yet. Blocks the thread.
    ///
    /// # Errors
    /// Where it is none, or the cache can't be used.
    pub fn of(bundle: &Path, cache: &Path) -> Result<Unpacked, BundleError> {
        let bytes = fs::read(bundle).map_err(|source| BundleError::Io { path: bundle.to_owned(), what: "read", source })?;
        let damaged = |reason: &str| BundleError::Damaged { path: bundle.to_owned(), reason: reason.to_owned() };
        let (archive, digest) = bytes.split_last_chunk::<DIGEST>().ok_or_else(|| damaged("it is too short"))?;
        if blake3::hash(archive) != blake3::Hash::from_bytes(*digest) {
            return Err(damaged("its digest is not that of its content"));
        }
        let in_cache = |what| move |source| CacheError::Io { folder: cache.to_owned(), what, source };
        create_private(&cache.join(FOLDER)).map_err(in_cache("it can't be made"))?;
        check_private(cache)?;
        let digest = blake3::Hash::from_bytes(*digest).to_hex();
        let folder = cache.join(FOLDER).join(digest.as_str());
        if !folder.exists() {
            let partial = tempfile::tempdir_in(cache.join(FOLDER)).map_err(in_cache("a folder can't be made there"))?;
            archive::unpack(archive, partial.path()).map_err(|error| match error {
                ArchiveError::Wrong(reason) => damaged(&reason),
                ArchiveError::Unwritable(source) => in_cache("the bundle can't be unpacked there")(source).into(),
            })?;
            let made = fs::rename(partial.path(), &folder);
            // Somebody else may have been quicker.
            made.or_else(|error| if folder.exists() { Ok(()) } else { Err(error) }).map_err(in_cache("the app can't be unpacked there"))?;
        }
        let folder = folder.canonicalize().map_err(in_cache("the app can't be found there"))?;
        if !is_own(&folder, APP) {
            return Err(damaged("it holds no app"));
        }
        let seal = Seal::open(cache).map_err(in_cache("its key can't be read"))?;
        take_over_snapshot(&folder, &store_of(digest.as_str(), cache, seal)).map_err(in_cache("its snapshot can't be kept there"))?;
        Ok(Unpacked { virtual_env: virtual_env(&folder).map_err(|reason| damaged(&reason))?, root: folder.join(APP) })
    }
}

/// The store with the snapshot of the bundle whose app is in a folder; nothing where that app came from no bundle.
///
/// Each bundle has one of its own: in the one of all apps, a bundle could bring along a memory for an app whose files it knows.
pub(super) fn store(root: &Path, cache: &Path, seal: Seal) -> Option<Store> {
    let folder = root.parent().filter(|_| root.ends_with(APP))?;
    let bundles = cache.join(FOLDER).canonicalize().ok()?;
    let digest = folder.file_name()?.to_str()?;
    (folder.parent() == Some(&bundles)).then(|| store_of(digest, cache, seal))
}

fn store_of(digest: &str, cache: &Path, seal: Seal) -> Store {
    Store::open(cache, &format!("{FOLDER}/{digest}/{APPS}"), seal)
}

/// Where the virtual environment is that a bundle's app has its packages from.
fn virtual_env(folder: &Path) -> Result<Option<PathBuf>, String> {
    let mut inside = String::new();
    match open_regular(&folder.join(VIRTUAL_ENV)) {
        Ok(file) => file.take(4096).read_to_string(&mut inside).map_err(|error| error.to_string())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let is_in_app = || {
        let mut parts = Path::new(&inside).components();
        parts.next() == Some(Component::Normal(APP.as_ref())) && parts.all(|part| matches!(part, Component::Normal(_)))
    };
    match inside.as_str() {
        "" => Ok(None),
        VENV if is_own(folder, VENV_PACKAGES) => Ok(Some(folder.join(VENV))),
        // Whoever reads the app opens what is in its folder through a handle of that.
        _ if is_in_app() => Ok(Some(folder.join(inside))),
        _ => Err(format!("its packages are in {inside:?}, which is no place in a bundle")),
    }
}

/// Whether a folder of an unpacked bundle is where its name says, and not behind a link.
fn is_own(bundle: &Path, name: &str) -> bool {
    let path = bundle.join(name);
    path.is_dir() && path.canonicalize().is_ok_and(|canonical| canonical == path)
}

/// Puts a file or a link into an archive.
fn append(archive: &mut tar::Builder<impl io::Write>, entry: &Entry) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    if entry.kind.is_symlink() {
        header.set_metadata_in_mode(&entry.path.symlink_metadata()?, tar::HeaderMode::Deterministic);
        header.set_size(0);
        return archive.append_link(&mut header, &entry.name, fs::read_link(&entry.path)?);
    }
    let file = open_regular(&entry.path)?;
    let metadata = file.metadata()?;
    header.set_metadata_in_mode(&metadata, tar::HeaderMode::Deterministic);
    // A file that grows meanwhile must not push what comes behind it out of its place.
    archive.append_data(&mut header, &entry.name, file.take(metadata.len()))
}

/// Puts a bundle's snapshot where its starts look for it. What is in it is looked at only then: where it can't be used, the app is loaded from its files.
fn take_over_snapshot(folder: &Path, store: &Store) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(SNAPSHOT));
        let Some(identity) = name.and_then(Identity::from_name) else { continue };
        if !store.has(&identity) {
            let mut bytes = Vec::new();
            open_regular(&path)?.read_to_end(&mut bytes)?;
            store.keep_encoded(&identity, bytes)?;
        }
    }
    Ok(())
}
