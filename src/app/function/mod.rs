//! Functions: what a function.json says, or in programming model v2 the decorators in the code.
//!
//! This module holds the nouns; [`read`](self) makes them from files. It knows the fields that all bindings share. What else a binding type
//! has is kept as written, for the binding's own module.

mod binding;
mod bindings;
mod discovery;
#[cfg(any(test, fuzzing))]
pub(in crate::app) mod fuzzing;
mod read;
mod retry;
mod script;

use serde_json::{Map, Value};
use thiserror::Error;

use super::folder::FileError;
use super::json::JsonError;
use super::origin::{ConfigError, FieldError, Origin};

pub use binding::{Binding, DataType, Direction};
pub use bindings::{Bindings, BindingsError};
pub use discovery::is_name;
pub(super) use discovery::{discover, why_none};
pub(super) use read::read_definition;
pub use retry::{RetryPolicy, RetryStrategy};

/// The file that makes a folder a function.
pub(super) const FILE: &str = "function.json";

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// The folder's name, or what the decorators say: a letter, then letters, digits, `_` and `-`; at most 128. Two functions differ in more
    /// than case.
    pub name: String,
    /// The script, relative to the app's root, with `/`: `hello/__init__.py`, `shared/x.py`.
    pub script_file: String,
    /// The callable in the script. Default `main`.
    pub entry_point: String,
    /// What starts it, what it gets and what it gives.
    pub bindings: Bindings,
    /// What happens after a failure, if function.json says so.
    pub retry: Option<RetryPolicy>,
    /// Whether it must not run: `disabled` in function.json, or the setting `AzureWebJobs.NAME.Disabled`.
    pub disabled: bool,
    /// All of function.json, or what the decorators say instead.
    pub config: Map<String, Value>,
}

/// A function that can't be run, because of what is on disk.
#[derive(Debug)]
pub struct BrokenFunction {
    /// The folder's name.
    pub name: String,
    /// Why.
    pub error: FunctionError,
}

/// Why a function can't be run. Files are relative to the app's root.
#[derive(Debug, Error)]
pub enum FunctionError {
    /// The folder's name can't be a function's.
    #[error(
        "the folder {name} holds a function.json, but its name can't be a function's: rename it to a letter and up to 127 letters, digits, \
         `_` and `-` (and not `host`)"
    )]
    Name {
        /// The folder.
        name: String,
    },
    /// A name in the code can't be a function's.
    #[error(
        "{file}: {name} can't be the name of a function: give it another with @app.function_name, a letter and up to 127 letters, digits, \
         `_` and `-` (and not `host`)"
    )]
    NameInCode {
        /// The name.
        name: String,
        /// The entry file.
        file: String,
    },
    /// Two names in the code that differ in case only.
    #[error("{file}: the functions {other} and {name} are the same, as case doesn't count: rename one")]
    SameNameInCode {
        /// The name.
        name: String,
        /// The one that came first.
        other: String,
        /// The entry file.
        file: String,
    },
    /// What its decorators say is more than a function.json could.
    #[error("{file}: what the decorators of {name} say is nothing that a function.json could")]
    Undescribed {
        /// The name.
        name: String,
        /// The entry file.
        file: String,
    },
    /// Names of functions ignore case.
    #[error("the folders {other} and {name} are the same function, as case doesn't count: rename one")]
    SameName {
        /// The folder.
        name: String,
        /// The one that came first.
        other: String,
    },
    /// Its function.json can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its bindings don't make a function.
    #[error("{place}: {error}")]
    Bindings {
        /// Where `bindings` is.
        place: Origin,
        /// What is wrong with them.
        error: BindingsError,
    },
    /// There is no script.
    #[error("{folder}/function.json: there is no script: add __init__.py to the folder, or name the file with `scriptFile`")]
    NoScript {
        /// The folder.
        folder: String,
    },
    /// There are several, none of a name that would make it the one.
    #[error("{folder}/function.json: any of {} may be the script: name it with `scriptFile`, or call it __init__.py", scripts.join(", "))]
    ManyScripts {
        /// The folder.
        folder: String,
        /// Their names.
        scripts: Vec<String>,
    },
    /// A file of it can't be looked at.
    #[error(transparent)]
    File(#[from] FileError),
}

// === impl Function ===

impl Function {
    /// The binding that starts it.
    pub fn trigger(&self) -> &Binding {
        self.bindings.trigger()
    }
}

// === impl FunctionError ===

impl From<FieldError> for FunctionError {
    fn from(error: FieldError) -> Self {
        FunctionError::Config(error.into())
    }
}

impl From<JsonError> for FunctionError {
    fn from(error: JsonError) -> Self {
        FunctionError::Config(error.into())
    }
}

#[cfg(test)]
mod tests;
