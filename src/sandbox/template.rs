//! An app made ready: what its instances are made from.

use super::Runtime;
use super::api::{Configuration, Failure, FunctionSource, Level, LoadedApp};
use super::instance::{Instance, InvokeError, Purpose};
use super::limits::Limits;
use super::logs::LogSink;
use super::preparation::Preparation;
use super::slots::Image;
use super::state::Mounts;
use crate::app::Destination;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What to run and with what.
#[derive(Clone)]
pub struct Spec {
    /// The app's folder on this machine.
    pub root: PathBuf,
    /// A folder of third-party packages on this machine, outside the app's folder.
    pub packages: Option<PathBuf>,
    /// Folders of third-party packages in the guest's file system, in the order of `sys.path`.
    pub package_paths: Vec<String>,
    /// All that `os.environ` holds.
    pub settings: Vec<(String, String)>,
    /// What it holds while the app is loaded to be kept on disk: what the platform says of itself to every app, and no secret.
    pub platform: Vec<(String, String)>,
    /// Whether third-party packages may be imported before the app, and that be kept.
    pub preload_packages: bool,
    /// Names of files in the app's folder that hold settings: they are no part of what is kept.
    pub private_files: Vec<String>,
    /// The functions of programming model v1 to load; paths are the guest's.
    pub functions: Vec<FunctionSource>,
    /// The Python file whose functions are loaded (programming model v2), in the guest's file system.
    pub entry_file: Option<String>,
    /// What each instance may use.
    pub limits: Limits,
    /// Where it may connect to.
    pub outbound: Arc<[Destination]>,
    /// Records below it need not leave the guest.
    pub log_level: Level,
    /// Takes what the app logs and prints.
    pub logs: Arc<dyn LogSink>,
}

/// Why no instance can be made.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A folder can't be opened, or the engine has no more memory.
    #[error("no instance can be made: {0:#}")]
    Instantiation(wasmtime::Error),
    /// The copy of the memory can't be kept.
    #[error("the loaded app's memory can't be kept: {0}")]
    Image(io::Error),
    /// The memory limit is too small for the app as it is when it was loaded.
    #[error("the app needs {needs} MiB of memory when it is loaded, but may have {limit}: raise `snapfunc.memoryMb` in host.json")]
    TooLarge {
        /// MiB.
        needs: usize,
        /// MiB.
        limit: usize,
    },
    /// Nothing of the app can be loaded.
    #[error("the app can't be loaded: {}: {}", .0.kind, .0.message)]
    Load(Failure),
    /// Loading did not end well: it took too long, or the interpreter died.
    #[error("the app can't be loaded: {0}")]
    Died(InvokeError),
}

/// An app, loaded: ready to be instantiated any number of times.
pub struct Template {
    runtime: Arc<Runtime>,
    spec: Spec,
    mounts: Arc<Mounts>,
    origin: Origin,
}

/// What instances begin with.
pub(super) enum Origin {
    /// A copy of the interpreter's memory after it had loaded the app.
    Image {
        /// The copy.
        image: Arc<Image>,
        /// The settings, where the copy doesn't have them.
        configuration: Option<Arc<Configuration>>,
    },
    /// The app holds what no copy can have: each instance loads it anew.
    Source {
        /// What that is, in words.
        obstacles: Vec<String>,
        /// What the app is loaded on: the guest, or the guest with the app's packages.
        ground: Arc<Image>,
    },
}

// === impl Template ===

impl Template {
    /// Makes an app ready: from its snapshot, or by loading it. Also tells what loading came to.
    pub async fn prepare(runtime: Arc<Runtime>, spec: Spec) -> Result<(Template, LoadedApp), TemplateError> {
        let mounts = Mounts::open(&runtime.rootfs, &spec.root, spec.packages.as_deref()).map_err(TemplateError::Instantiation)?;
        let mounts = Arc::new(mounts);
        let (origin, loaded) = Preparation { runtime: &runtime, spec: &spec, mounts: &mounts }.run().await?;
        Ok((Template { runtime, spec, mounts, origin }, loaded))
    }

    /// What the app holds that no copy of its memory can have, in words; nothing where instances are copies.
    #[must_use]
    pub fn obstacles(&self) -> &[String] {
        match &self.origin {
            Origin::Image { .. } => &[],
            Origin::Source { obstacles, .. } => obstacles,
        }
    }

    /// Makes an instance: an interpreter of its own with the app loaded.
    pub async fn instantiate(&self) -> Result<Instance, TemplateError> {
        let preparation = Preparation { runtime: &self.runtime, spec: &self.spec, mounts: &self.mounts };
        match &self.origin {
            Origin::Image { image, configuration } => {
                preparation.instance(image, Purpose { configuration: configuration.clone(), ..Purpose::logging(self.spec.logs.clone()) })
            }
            Origin::Source { ground, .. } => preparation.load_instance(ground).await,
        }
    }

    /// Gives back what was kept for more instances than are needed by now.
    pub(super) fn trim(&self) {
        self.image().trim();
        // Twice in a row would be all that is free.
        if !Arc::ptr_eq(self.image(), &self.runtime.base) {
            self.runtime.base.trim();
        }
    }

    /// For when nobody uses its instances: needs as little memory as it can.
    pub fn rest(&self) {
        self.image().rest();
        self.runtime.base.rest();
    }

    /// What it was made from.
    pub(super) fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What it runs on.
    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// What instances begin with, or what the app is loaded on for each.
    pub(super) fn image(&self) -> &Arc<Image> {
        match &self.origin {
            Origin::Image { image, .. } | Origin::Source { ground: image, .. } => image,
        }
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template").field("root", &self.spec.root).finish_non_exhaustive()
    }
}
