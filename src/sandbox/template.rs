//! An app made ready: what its instances are made from.

use super::Runtime;
use super::api::{App, Configuration, Failure, FunctionSource, Level, LoadedFunction, paths};
use super::immortal;
use super::instance::{Instance, InvokeError};
use super::limits::Limits;
use super::logs::LogSink;
use super::slots::{Capture, Image};
use super::state::Mounts;
use super::warm_up::warm_up;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long an app may take to load: an import that never ends must not keep an instance for ever.
const LOAD_LIMIT: Duration = Duration::from_secs(120);

/// What to run and with what.
pub struct Spec {
    /// The app's folder on this machine.
    pub root: PathBuf,
    /// A folder of third-party packages on this machine, outside the app's folder.
    pub packages: Option<PathBuf>,
    /// Folders of third-party packages in the guest's file system, in the order of `sys.path`.
    pub package_paths: Vec<String>,
    /// All that `os.environ` holds.
    pub settings: Vec<(String, String)>,
    /// The functions to load; paths are the guest's.
    pub functions: Vec<FunctionSource>,
    /// What each instance may use.
    pub limits: Limits,
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
enum Origin {
    /// A copy of the interpreter's memory after it had loaded the app.
    Image(Arc<Image>),
    /// The app holds what no copy can have: each instance loads it anew.
    Source {
        /// What that is, in words.
        obstacles: Vec<String>,
    },
}

// === impl Template ===

impl Template {
    /// Loads an app and keeps the memory as it is then. Also tells of each function whether it could be loaded.
    pub async fn prepare(runtime: Arc<Runtime>, spec: Spec) -> Result<(Template, Vec<LoadedFunction>), TemplateError> {
        let mounts = Mounts::open(&runtime.rootfs, &spec.root, spec.packages.as_deref()).map_err(TemplateError::Instantiation)?;
        let mut template = Template { runtime, spec, mounts: Arc::new(mounts), origin: Origin::Source { obstacles: Vec::new() } };
        let capture = Capture::default();
        let (mut instance, loaded) = template.load(Some(capture.clone())).await?;
        // Before the heap is tidied up, for what lasts of it; and after it, for what comes and goes.
        instance.warm_up(&warm_up(), LOAD_LIMIT).await.map_err(load_error)?;
        let obstacles = instance.prepare_snapshot(LOAD_LIMIT).await.map_err(load_error)?;
        template.origin = if obstacles.is_empty() {
            instance.warm_up(&warm_up(), LOAD_LIMIT).await.map_err(load_error)?;
            instance.forget_folders().await.map_err(TemplateError::Instantiation)?;
            Origin::Image(template.finish(capture.take().map_err(TemplateError::Image)?).await?)
        } else {
            Origin::Source { obstacles }
        };
        Ok((template, loaded))
    }

    /// What the app holds that no copy of its memory can have, in words; nothing where instances are copies.
    #[must_use]
    pub fn obstacles(&self) -> &[String] {
        match &self.origin {
            Origin::Image(_) => &[],
            Origin::Source { obstacles } => obstacles,
        }
    }

    /// Makes an instance: an interpreter of its own with the app loaded.
    pub async fn instantiate(&self) -> Result<Instance, TemplateError> {
        match &self.origin {
            Origin::Image(image) => self.instance(image, None),
            Origin::Source { .. } => {
                let mut instance = self.load(None).await?.0;
                instance.prepare_snapshot(LOAD_LIMIT).await.map_err(load_error)?;
                Ok(instance)
            }
        }
    }

    /// What instances begin with.
    #[cfg(test)]
    pub(super) fn image(&self) -> Option<&Arc<Image>> {
        match &self.origin {
            Origin::Image(image) => Some(image),
            Origin::Source { .. } => None,
        }
    }

    fn instance(&self, image: &Arc<Image>, capture: Option<Capture>) -> Result<Instance, TemplateError> {
        if image.bytes() > self.spec.limits.memory_bytes {
            return Err(TemplateError::TooLarge { needs: image.bytes() >> 20, limit: self.spec.limits.memory_bytes >> 20 });
        }
        Instance::new(&self.runtime, &self.spec, &self.mounts, image, capture).map_err(TemplateError::Instantiation)
    }

    async fn load(&self, capture: Option<Capture>) -> Result<(Instance, Vec<LoadedFunction>), TemplateError> {
        let mut instance = self.instance(&self.runtime.base, capture)?;
        let loaded = instance.load(&self.configuration(), &self.app(), LOAD_LIMIT).await.map_err(load_error)?;
        Ok((instance, loaded))
    }

    /// Makes what lasts immortal. An instance of its own looks for it, as looking leaves traces.
    async fn finish(&self, image: Image) -> Result<Arc<Image>, TemplateError> {
        let image = Arc::new(image);
        let lasting = self.instance(&image, None)?.lasting_objects().await.map_err(TemplateError::Instantiation)?;
        Ok(Arc::new(immortal::immortalize(&image, &lasting).map_err(TemplateError::Image)?))
    }

    fn configuration(&self) -> Configuration {
        Configuration { settings: self.spec.settings.clone(), log_level: self.spec.log_level }
    }

    fn app(&self) -> App {
        App { root: paths::APP.to_owned(), package_paths: self.spec.package_paths.clone(), functions: self.spec.functions.clone() }
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template").field("root", &self.spec.root).finish_non_exhaustive()
    }
}

fn load_error(error: InvokeError) -> TemplateError {
    match error {
        InvokeError::Raised(failure) => TemplateError::Load(failure),
        other => TemplateError::Died(other),
    }
}
