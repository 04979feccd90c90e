//! The engine and the compiled guest: one a process, shared by all apps.

use super::api::ClonableAppPre;
use super::base::{Base, CacheError};
use super::immortal;
use super::instance::Instance;
use super::preparation::LOAD_LIMIT;
use super::slots::{Creator, Image};
use super::snapshot::{APPS, Keeping, PRELOADED, Store};
use super::stacks::Stacks;
use super::state::{self, Mounts, State};
use super::turns::Ticker;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{Config, Engine};

/// How deep a guest's calls may nest, in bytes of stack. Enough for Python's own limits to strike first.
const WASM_STACK: usize = 4 << 20;
/// The same and room for the host functions that it calls.
const FIBER_STACK: usize = WASM_STACK + (1 << 20);
/// Bytes that one call may carry across the border: a body at the HTTP limit, and room beside it.
pub(super) const MOST_BYTES_A_CALL: usize = 160 << 20;

/// The runtime can't start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// See there.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// wasmtime refused its configuration or the guest.
    #[error("the WebAssembly engine can't start: {0}")]
    Engine(wasmtime::Error),
    /// The thread that gives guests their turns can't start.
    #[error("a thread can't be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Is told what takes long.
pub trait Progress {
    /// The guest is compiled for this machine: some seconds, the first time only.
    fn compiling(&self);
    /// All is ready.
    fn ready(&self);
}

/// The engine and the compiled guest.
pub struct Runtime {
    pub(super) engine: Engine,
    pub(super) guest: ClonableAppPre<State>,
    /// What the guest's memory holds before an app is loaded.
    pub(super) base: Arc<Image>,
    pub(super) rootfs: PathBuf,
    /// Where files may be put that last.
    pub(super) cache: PathBuf,
    /// Of apps.
    pub(super) snapshots: Arc<Store>,
    /// Of packages.
    pub(super) preloaded: Arc<Store>,
    /// Packages are preloaded one after the other, as nobody waits for them.
    pub(super) preloading: Semaphore,
    pub(super) keeping: Keeping,
    pub(super) ticker: Ticker,
}

// === impl Runtime ===

impl Runtime {
    /// Starts the engine, and unpacks and compiles the guest into `cache` if it is not there. Takes seconds the first time, milliseconds later;
    /// blocks the thread.
    pub fn open(cache: &Path, progress: &dyn Progress) -> Result<Runtime, RuntimeError> {
        let engine = Engine::new(&config()).map_err(RuntimeError::Engine)?;
        let base = Base::prepare(cache, &engine, || progress.compiling())?;
        let component = base.component(&engine)?;
        let mut linker = Linker::new(&engine);
        state::link(&mut linker).map_err(RuntimeError::Engine)?;
        let guest = linker.instantiate_pre(&component).and_then(ClonableAppPre::new).map_err(RuntimeError::Engine)?;
        let (image, finished) = match base.image()? {
            Some(image) => (image, true),
            None => (Image::in_memory(&base.unfinished_image()?)?, false),
        };
        let runtime = Runtime {
            ticker: Ticker::start()?,
            engine,
            guest,
            base: Arc::new(image),
            rootfs: base.rootfs.clone(),
            cache: cache.to_owned(),
            snapshots: Arc::new(Store::open(cache, APPS, base.seal.clone())),
            preloaded: Arc::new(Store::open(cache, PRELOADED, base.seal.clone())),
            preloading: Semaphore::new(1),
            keeping: Keeping::default(),
        };
        let runtime = if finished { runtime } else { runtime.with_finished_base(&base)? };
        progress.ready();
        Ok(runtime)
    }

    /// Waits until the snapshots of all apps that were made ready are on disk, or can't be. Blocks the thread.
    pub fn settle(&self) {
        self.keeping.wait();
    }

    /// Makes what lasts in the guest's own memory immortal, once and for all apps.
    fn with_finished_base(self, base: &Base) -> Result<Runtime, RuntimeError> {
        let runtime = Arc::new(self);
        let lasting = thread::scope(|scope| {
            // The caller may be in a runtime of its own, where nothing may block.
            let look = scope.spawn(|| {
                let mounts = Mounts::open(&runtime.rootfs, &runtime.rootfs, None)?;
                let instance = Instance::bare(&runtime, &Arc::new(mounts))?;
                tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()?
                    .block_on(instance.lasting_objects(LOAD_LIMIT))
                    .map_err(wasmtime::Error::new)
            });
            look.join().unwrap_or_else(|_| wasmtime::bail!("the guest's memory could not be looked at"))
        });
        let mut content = runtime.base.content().to_vec();
        immortal::mark(&mut content, &lasting.map_err(RuntimeError::Engine)?);
        let image = base.keep_image(&content)?;
        // Its only other owner was the instance, which is gone.
        let runtime = Arc::into_inner(runtime).ok_or_else(|| RuntimeError::Engine(wasmtime::Error::msg("the guest is still in use")))?;
        Ok(Runtime { base: Arc::new(image), ..runtime })
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("rootfs", &self.rootfs).finish_non_exhaustive()
    }
}

fn config() -> Config {
    let mut config = Config::new();
    // The memory of the sign by which a guest can be stopped (see `turns`) has pages of a byte, and a raised one is hinted to be rare.
    config.wasm_custom_page_sizes(true);
    config.wasm_branch_hinting(true);
    config.max_wasm_stack(WASM_STACK);
    config.async_stack_size(FIBER_STACK);
    // Memories and stacks come from the sandbox's own pools: see `slots` and `stacks`.
    config.with_host_memory(Arc::new(Creator));
    config.with_host_stack(Arc::new(Stacks::default()));
    // Of the component model's own concurrency nothing is used.
    config.concurrency_support(false);
    config
}
