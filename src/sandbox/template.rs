//! An app made ready: what its instances are made from.

use super::Runtime;
use super::api::{App, Configuration, Failure, FunctionSource, Level, LoadedFunction, paths};
use super::instance::{Instance, InvokeError};
use super::limits::Limits;
use super::logs::LogSink;
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
    /// Nothing of the app can be loaded.
    #[error("the app can't be loaded: {}: {}", .0.kind, .0.message)]
    Load(Failure),
    /// Loading did not end well: it took too long, or the interpreter died.
    #[error("the app can't be loaded: {0}")]
    Died(InvokeError),
}

/// An app, ready to be instantiated.
pub struct Template {
    runtime: Arc<Runtime>,
    spec: Spec,
}

// === impl Template ===

impl Template {
    /// Nothing is loaded yet.
    #[must_use]
    pub fn new(runtime: Arc<Runtime>, spec: Spec) -> Self {
        Template { runtime, spec }
    }

    /// Makes an instance: a new interpreter with the app loaded. Also tells of each function whether it could be loaded.
    pub async fn instantiate(&self) -> Result<(Instance, Vec<LoadedFunction>), TemplateError> {
        let mut instance = Instance::new(&self.runtime, &self.spec).await.map_err(TemplateError::Instantiation)?;
        let loaded = instance.load(&self.configuration(), &self.app(), LOAD_LIMIT).await.map_err(|error| match error {
            InvokeError::Raised(failure) => TemplateError::Load(failure),
            other => TemplateError::Died(other),
        })?;
        Ok((instance, loaded))
    }

    fn configuration(&self) -> Configuration {
        let entropy = rand::random::<[u8; 32]>().to_vec();
        Configuration { settings: self.spec.settings.clone(), entropy, log_level: self.spec.log_level }
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
