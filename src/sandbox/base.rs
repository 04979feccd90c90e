//! The guest on disk: the binary carries it compressed; the cache folder holds it unpacked and compiled, once per machine and engine.

use super::seal::Seal;
use super::slots::Image;
use std::borrow::Cow;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/base.wasm.zst"));
const IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/base.img.zst"));
const ROOTFS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rootfs.tar.zst"));
/// Of all three, before compression, and of how the memory is finished (`immortal`).
pub(super) const DIGEST: &str = env!("SNAPFUNC_BASE_DIGEST");

/// The cache folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file operation failed.
    #[error("the cache folder {} can't be used: {}: {source} (SNAPFUNC_CACHE_DIR names another one)", folder.display(), what)]
    Io {
        /// The cache folder.
        folder: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// Others could put compiled code there.
    #[error(
        "the cache folder {} can be written by other users, who could put code there: `chmod go-w` it, or set SNAPFUNC_CACHE_DIR to another one",
        .0.display()
    )]
    NotPrivate(PathBuf),
}

/// The guest, ready to be used.
#[derive(Debug)]
pub(super) struct Base {
    /// What is mounted beside the app: `python/` and `packages/`.
    pub(super) rootfs: PathBuf,
    /// The key of what is in the cache folder.
    pub(super) seal: Seal,
    cache: PathBuf,
    compiled: PathBuf,
    image: PathBuf,
    /// Whether it is there.
    has_image: bool,
}

// === impl Base ===

impl Base {
    /// Unpacks and compiles what is not in the cache yet, or was changed there. Safe against other processes that do the same: they take turns.
    /// `compiling` is called before the part that takes long.
    pub(super) fn prepare(cache: &Path, engine: &Engine, compiling: impl FnOnce()) -> Result<Base, super::RuntimeError> {
        let failed = |what| move |source| CacheError::Io { folder: cache.to_owned(), what, source };
        create_private(cache).map_err(failed("it can't be made"))?;
        check_private(cache)?;
        let seal = Seal::open(cache).map_err(failed("its key can't be read"))?;
        let named = |kind: &str, end: &str| cache.join(format!("{kind}-{}{end}", &DIGEST[..16]));
        let compiled = cache.join(compiled_name(engine));
        let mut base =
            Base { rootfs: named("rootfs", ""), image: named("memory", ".img"), seal, cache: cache.to_owned(), compiled, has_image: false };
        // Side by side, as this is much of what a start takes.
        let intact = std::thread::scope(|scope| {
            let image = scope.spawn(|| base.is_intact(&base.image));
            let compiled = base.is_intact(&base.compiled);
            image.join().map(|image| (image, compiled))
        });
        // A thread that panicked has looked at nothing.
        let (has_image, has_code) = intact.unwrap_or_default();
        base.has_image = has_image;
        if base.rootfs.exists() && has_code {
            return Ok(base);
        }
        let lock = File::create(cache.join("lock")).map_err(failed("its lock file can't be made"))?;
        lock.lock().map_err(failed("it can't be locked"))?;
        if !base.rootfs.exists() {
            unpack(&base.rootfs).map_err(failed("the guest can't be unpacked"))?;
        }
        // Another process may have made it meanwhile.
        if !base.is_intact(&base.compiled) {
            compiling();
            base.compile(engine)?;
        }
        Ok(base)
    }

    /// Compiles the guest into the cache.
    fn compile(&self, engine: &Engine) -> Result<(), super::RuntimeError> {
        let failed = |what| move |source| CacheError::Io { folder: self.cache.clone(), what, source };
        let component = zstd::decode_all(COMPONENT).map_err(failed("the guest can't be unpacked"))?;
        let code = engine.precompile_component(&component).map_err(super::RuntimeError::Engine)?;
        self.write_sealed(&self.compiled, &code).map_err(failed("the compiled guest can't be written"))?;
        Ok(())
    }

    /// The compiled guest. What is in the cache but can't be used is compiled again, once.
    pub(super) fn component(&self, engine: &Engine) -> Result<Component, super::RuntimeError> {
        match self.load(engine) {
            Ok(component) => Ok(component),
            Err(error) => {
                tracing::warn!(%error, file = %self.compiled.display(), "what is in the cache can't be used: the guest is compiled again");
                self.compile(engine)?;
                self.load(engine).map_err(super::RuntimeError::Engine)
            }
        }
    }

    /// The memory that the guest begins with; nothing where it was not made yet.
    pub(super) fn image(&self) -> Result<Option<Image>, CacheError> {
        if !self.has_image {
            return Ok(None);
        }
        File::open(&self.image).and_then(Image::of).map(Some).map_err(|source| self.failed("the guest's memory can't be mapped", source))
    }

    /// The same as the program carries it.
    pub(super) fn unfinished_image(&self) -> Result<Vec<u8>, CacheError> {
        zstd::decode_all(IMAGE).map_err(|source| self.failed("the guest's memory can't be unpacked", source))
    }

    /// Keeps it as it is to be.
    pub(super) fn keep_image(&self, content: &[u8]) -> Result<Image, CacheError> {
        self.write_sealed(&self.image, content)
            .and_then(|()| File::open(&self.image))
            .and_then(Image::of)
            .map_err(|source| self.failed("the guest's memory can't be written", source))
    }

    #[allow(unsafe_code)]
    fn load(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: the file must be what `precompile_component` made, and must not change while it is mapped. It was written by this program (`compile`)
        // under a name that holds the guest's digest and the engine's settings, its keyed digest was found to be right (`prepare`), it was renamed into
        // place when whole, and is never written again; `check_private` refused a folder that other users can write to.
        unsafe { Component::deserialize_file(engine, &self.compiled) }
    }

    fn failed(&self, what: &'static str, source: io::Error) -> CacheError {
        CacheError::Io { folder: self.cache.clone(), what, source }
    }

    /// Whether a file is there and has the digest that it was written with.
    fn is_intact(&self, file: &Path) -> bool {
        let Ok(opened) = File::open(file) else { return false };
        let digest = self.seal.digest_of(&place(file), &opened);
        let intact = digest.and_then(|digest| Ok(fs::read_to_string(seal_name(file))? == digest.to_hex().as_str())).unwrap_or(false);
        if !intact {
            tracing::warn!(file = %file.display(), "a file of the cache was changed, or never finished: it is made again");
        }
        intact
    }

    /// Writes a file and, beside it, its keyed digest.
    fn write_sealed(&self, file: &Path, content: &[u8]) -> io::Result<()> {
        write_whole(file, content)?;
        write_whole(&seal_name(file), self.seal.digest(&place(file), content).to_hex().as_bytes())
    }
}

/// Where in the cache folder a file is that lies in the folder itself.
fn place(file: &Path) -> Cow<'_, str> {
    file.file_name().unwrap_or_default().to_string_lossy()
}

fn seal_name(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".seal");
    PathBuf::from(name)
}

fn compiled_name(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("base-{}-{:016x}.cwasm", &DIGEST[..16], hasher.finish())
}

fn unpack(target: &Path) -> io::Result<()> {
    let partial = partial_name(target);
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    let unpacked = fs::create_dir_all(&partial)
        .and_then(|()| tar::Archive::new(zstd::Decoder::new(ROOTFS)?).unpack(&partial))
        .and_then(|()| fs::rename(&partial, target));
    // A disk that is full now must not be fuller after each try.
    unpacked.inspect_err(|_| _ = fs::remove_dir_all(&partial))
}

/// Writes a file that is never seen half written.
pub(super) fn write_whole(target: &Path, content: &[u8]) -> io::Result<()> {
    let partial = partial_name(target);
    let written = fs::write(&partial, content).and_then(|()| File::open(&partial)?.sync_all()).and_then(|()| fs::rename(&partial, target));
    written.inspect_err(|_| _ = fs::remove_file(&partial))
}

fn partial_name(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    PathBuf::from(name)
}

#[cfg(unix)]
pub(super) fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(super) fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
pub(super) fn check_private(folder: &Path) -> Result<(), CacheError> {
    use std::os::unix::fs::PermissionsExt;
    let others_may_write = fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & 0o022 != 0);
    if others_may_write { Err(CacheError::NotPrivate(folder.to_owned())) } else { Ok(()) }
}

#[cfg(not(unix))]
pub(super) fn check_private(_: &Path) -> Result<(), CacheError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("x")).unwrap();
        assert!(write_whole(&taken, b"content").is_err());
        assert!(unpack(&taken).is_err());
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["taken"]);
    }
}
