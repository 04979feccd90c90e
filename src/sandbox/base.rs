//! The guest on disk: the binary carries it compressed; the cache folder holds it unpacked and compiled, once per machine and engine.

use super::slots::Image;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/base.wasm.zst"));
const IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/base.img.zst"));
const ROOTFS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rootfs.tar.zst"));
/// Of all three, before compression.
const DIGEST: &str = env!("SNAPFUNC_BASE_DIGEST");

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
    compiled: PathBuf,
    image: PathBuf,
}

// === impl Base ===

impl Base {
    /// Unpacks and compiles what is not in the cache yet. Safe against other processes that do the same: they take turns.
    /// `compiling` is called before the part that takes long.
    pub(super) fn prepare(cache: &Path, engine: &Engine, compiling: impl FnOnce()) -> Result<Base, super::RuntimeError> {
        let failed = |what| move |source| CacheError::Io { folder: cache.to_owned(), what, source };
        create_private(cache).map_err(failed("it can't be made"))?;
        check_private(cache)?;
        let named = |kind: &str, end: &str| cache.join(format!("{kind}-{}{end}", &DIGEST[..16]));
        let base = Base { rootfs: named("rootfs", ""), compiled: cache.join(compiled_name(engine)), image: named("base", ".img") };
        if base.rootfs.exists() && base.compiled.exists() && base.image.exists() {
            return Ok(base);
        }
        let lock = File::create(cache.join("lock")).map_err(failed("its lock file can't be made"))?;
        lock.lock().map_err(failed("it can't be locked"))?;
        if !base.rootfs.exists() {
            unpack(&base.rootfs).map_err(failed("the guest can't be unpacked"))?;
        }
        if !base.image.exists() {
            let image = zstd::decode_all(IMAGE).map_err(failed("the guest's memory can't be unpacked"))?;
            write_whole(&base.image, &image).map_err(failed("the guest's memory can't be written"))?;
        }
        if !base.compiled.exists() {
            compiling();
            base.compile(engine, cache)?;
        }
        Ok(base)
    }

    /// Compiles the guest into the cache.
    fn compile(&self, engine: &Engine, cache: &Path) -> Result<(), super::RuntimeError> {
        let failed = |what| move |source| CacheError::Io { folder: cache.to_owned(), what, source };
        let component = zstd::decode_all(COMPONENT).map_err(failed("the guest can't be unpacked"))?;
        let code = engine.precompile_component(&component).map_err(super::RuntimeError::Engine)?;
        write_whole(&self.compiled, &code).map_err(failed("the compiled guest can't be written"))?;
        Ok(())
    }

    /// The compiled guest. What is in the cache but can't be used is compiled again, once.
    pub(super) fn component(&self, engine: &Engine, cache: &Path) -> Result<Component, super::RuntimeError> {
        match self.load(engine) {
            Ok(component) => Ok(component),
            Err(error) => {
                tracing::warn!(%error, file = %self.compiled.display(), "what is in the cache can't be used: the guest is compiled again");
                self.compile(engine, cache)?;
                self.load(engine).map_err(super::RuntimeError::Engine)
            }
        }
    }

    /// The memory that the guest begins with.
    pub(super) fn image(&self, cache: &Path) -> Result<Image, CacheError> {
        let failed = |source| CacheError::Io { folder: cache.to_owned(), what: "the guest's memory can't be mapped", source };
        File::open(&self.image).and_then(Image::of).map_err(failed)
    }

    #[allow(unsafe_code)]
    fn load(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: the file must be what `precompile_component` made, and must not change while it is mapped. It was written by this program
        // (`compile`) under a name that holds the guest's digest and the engine's settings, was renamed into place when whole, and is never
        // written again; `check_private` refused a folder that other users can write to.
        unsafe { Component::deserialize_file(engine, &self.compiled) }
    }
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
    fs::create_dir_all(&partial)?;
    tar::Archive::new(zstd::Decoder::new(ROOTFS)?).unpack(&partial)?;
    fs::rename(&partial, target)
}

/// Writes a file that is never seen half written.
fn write_whole(target: &Path, content: &[u8]) -> io::Result<()> {
    let partial = partial_name(target);
    fs::write(&partial, content)?;
    File::open(&partial)?.sync_all()?;
    fs::rename(&partial, target)
}

fn partial_name(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    PathBuf::from(name)
}

#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn check_private(folder: &Path) -> Result<(), CacheError> {
    use std::os::unix::fs::PermissionsExt;
    let others_may_write = fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & 0o022 != 0);
    if others_may_write { Err(CacheError::NotPrivate(folder.to_owned())) } else { Ok(()) }
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), CacheError> {
    Ok(())
}
