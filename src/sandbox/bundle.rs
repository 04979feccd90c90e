//! An app in one file: its files and its snapshot, to be run where neither its sources nor its packages are.
//!
//! The file is a tar, compressed with zstd, behind which is its digest: against damage, not against malice. Whoever runs a bundle trusts it as an
//! app; what is in its snapshot is memory of the app's interpreter, and can do what the app can.

use super::base::{CacheError, check_private, create_private};
use super::seal::Seal;
use super::snapshot::{APP, Content, Identity, Snapshot, Store, format};
use super::template::Template;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The snapshot in the archive; behind it comes the app's identity.
const SNAPSHOT: &str = "snapshot-";
/// A text in the archive: where the virtual environment is that the app has its packages from.
const VIRTUAL_ENV: &str = "virtual-env";
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
            archive.append_path_with_name(&entry.path, &entry.name).map_err(failed(&entry.path, "read"))?;
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
        let identity = Identity::of(&Identity::description(self.spec()), &Content::of(self.spec())).map_err(|error| error.to_string())?;
        let identity = identity.ok_or("it has too many files, or too large ones")?;
        match self.runtime().snapshots.find(&identity) {
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
        create_private(&cache.join("apps")).map_err(in_cache("it can't be made"))?;
        check_private(cache)?;
        let folder = cache.join("apps").join(blake3::Hash::from_bytes(*digest).to_hex().as_str());
        if !folder.exists() {
            let partial = tempfile::tempdir_in(cache.join("apps")).map_err(in_cache("a folder can't be made there"))?;
            let archive = zstd::Decoder::new(archive).map_err(|error| damaged(&error.to_string()))?;
            tar::Archive::new(archive).unpack(partial.path()).map_err(|error| damaged(&error.to_string()))?;
            let made = fs::rename(partial.path(), &folder);
            // Somebody else may have been quicker.
            made.or_else(|error| if folder.exists() { Ok(()) } else { Err(error) }).map_err(in_cache("the app can't be unpacked there"))?;
        }
        let seal = Seal::open(cache).map_err(in_cache("its key can't be read"))?;
        take_over_snapshot(&folder, &Store::open(cache, seal)).map_err(|reason| damaged(&reason))?;
        let virtual_env = fs::read_to_string(folder.join(VIRTUAL_ENV)).ok().filter(|inside| !inside.is_empty());
        let virtual_env = virtual_env.map(|inside| folder.join(inside));
        Ok(Unpacked { root: folder.join(APP), virtual_env })
    }
}

/// Puts a bundle's snapshot where starts look for it. One for another version of the program is left: then the app is loaded from its files.
fn take_over_snapshot(folder: &Path, store: &Store) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        let name = entry.file_name();
        let identity = name.to_str().and_then(|name| name.strip_prefix(SNAPSHOT)).and_then(Identity::from_name);
        let Some(identity) = identity else { continue };
        if store.find(&identity).is_some() {
            return Ok(());
        }
        let bytes = fs::read(entry.path()).map_err(|error| error.to_string())?;
        match format::decode(&bytes) {
            Ok(snapshot) => store.keep(&identity, &snapshot).map_err(|error| error.to_string())?,
            Err(error) => tracing::info!(%error, "the bundle's snapshot can't be used: the app is loaded from its files"),
        }
    }
    Ok(())
}
