//! What is on disk: host.json, local.settings.json, the functions and where their packages are; read into an immutable [`App`].
//!
//! This room opens files inside the app's folder, and lists an active virtual environment's; nothing else. It doesn't listen, run, print or
//! write, doesn't read the process's environment (which is handed in), and doesn't know what a binding type's own fields mean.
//!
//! - [`App`]: all that was read; [`App::read`] reads it again after a change.
//! - [`HostConfig`], [`Settings`], [`LocalHost`]: how the host is configured.
//! - [`Function`], [`Binding`], [`RetryPolicy`]: the functions. Those of programming model v2 are known only after their code ran, which
//!   gives [`App::declare`] something to read.
//! - Errors: [`ReadError`] where nothing can run; a [`BrokenFunction`] where one function can't. Each names file, line and field.

mod declare;
mod fields;
mod folder;
mod function;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod host_config;
mod ignore;
mod json;
mod origin;
mod outbound;
mod packages;
mod read;
mod settings;
mod time_span;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

pub(crate) use folder::Folder;
pub use folder::{FileError, FolderError};
pub use function::is_name as is_function_name;
pub use function::{
    Binding, Bindings, BindingsError, BrokenFunction, DataType, Direction, Function, FunctionError, RetryPolicy, RetryStrategy,
};
pub use host_config::{
    BlobOptions, ClientLimits, HostConfig, Hsts, HttpOptions, Isolation, LogLevel, LogLevels, LogLimits, MessageEncoding, QueueOptions,
    SnapfuncOptions,
};
pub use ignore::{FILE as IGNORED, Ignored};
pub use json::{JsonError, Position};
pub use origin::{ConfigError, FieldError, Origin};
pub use outbound::{Destination, DestinationError};
pub use settings::{ALWAYS, FILE as LOCAL_SETTINGS, LocalHost, Settings, SettingsError};
pub use time_span::{TimeSpan, TimeSpanError};

/// An app as it is on disk, with the settings that it runs with. Reading it again after a change gives another one.
#[derive(Debug)]
pub struct App {
    /// The app's folder: absolute, without symbolic links.
    pub root: PathBuf,
    /// host.json.
    pub host: HostConfig,
    /// App settings: what the functions find in `os.environ`.
    pub settings: Settings,
    /// The object `Host` in local.settings.json.
    pub local: LocalHost,
    /// How its functions are declared.
    pub model: ProgrammingModel,
    /// The functions that were selected and can run, sorted by name. Of a v2 app those that [`App::declare`] took over.
    pub functions: Vec<Function>,
    /// Those that were selected and can't.
    pub broken: Vec<BrokenFunction>,
    /// The only functions to run, by the options or host.json; `None` is all. Has been applied to `functions` and `broken`.
    pub selected: Option<Vec<String>>,
    /// Whether the setting PYTHON_SCRIPT_FILE_NAME can't be a module's file, so that no function can be found; a sentence among `notices`
    /// says so. Microsoft's host starts then and answers 500 to every request for a function (a test of its Python worker expects it).
    pub unusable: bool,
    /// The folder of third-party packages: absolute, inside the root or a virtual environment's.
    pub packages: Option<PathBuf>,
    /// Sentences for the user: why there are no functions, what was left out.
    pub notices: Vec<String>,
}

/// How an app declares its functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgrammingModel {
    /// A folder with a function.json for each.
    V1,
    /// With decorators, in a Python file.
    V2 {
        /// The file's name, in the root.
        entry_file: String,
    },
}

/// What is known beside the folder.
#[derive(Clone, Default)]
pub struct ReadOptions {
    /// The process's environment, of which the app sees a part.
    pub environment: Vec<(OsString, OsString)>,
    /// Names of further environment variables that become settings; `*` stands for any text.
    pub pass_env: Vec<String>,
    /// The only functions to run, instead of host.json's `functions`; none is all.
    pub only_functions: Vec<String>,
}

/// Why an app can't be read at all. Files are relative to its root.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Its folder can't be opened.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// host.json or local.settings.json is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The settings are.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file can't be looked at.
    #[error(transparent)]
    File(#[from] FileError),
    /// Functions were asked for that are not there.
    #[error("there is no function {}: the app has {}", names.join(" or "), known.join(", "))]
    UnknownFunctions {
        /// The names that were asked for in vain.
        names: Vec<String>,
        /// Those that there are; at least one.
        known: Vec<String>,
    },
}

// === impl App ===

impl App {
    /// Whether a function of this name is to run; ignores case.
    pub fn selects(&self, name: &str) -> bool {
        read::selects(self.selected.as_deref(), name)
    }
}

// === impl ReadOptions ===

impl ReadOptions {
    /// Options with an environment, as `std::env::vars_os()` gives it.
    pub fn new(environment: impl IntoIterator<Item = (OsString, OsString)>) -> ReadOptions {
        ReadOptions { environment: environment.into_iter().collect(), ..ReadOptions::default() }
    }
}

impl fmt::Debug for ReadOptions {
    /// Leaves the environment out: it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOptions")
            .field("pass_env", &self.pass_env)
            .field("only_functions", &self.only_functions)
            .finish_non_exhaustive()
    }
}

// === impl JsonError ===

impl From<JsonError> for ReadError {
    fn from(error: JsonError) -> Self {
        ReadError::Config(error.into())
    }
}

#[cfg(test)]
mod tests;
