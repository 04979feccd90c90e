//! Snapshots on disk: what an app's memory was after it had been loaded without its settings, so that the next start need not load it; or after its
//! packages alone had been imported.
//!
//! - [`Snapshot`] is what is kept: among it a [`Memory`], which is what differs from the guest's own. [`format`] is how it is written.
//! - [`Store`] keeps them in the cache folder, by the app's [`identity`], each with a keyed digest: what others changed is not used.
//!
//! No setting is ever in one: see [`Snapshot::fits`].

mod content;
pub(super) mod format;
mod identity;
mod keeping;
mod memory;
mod store;

#[cfg(test)]
mod tests;

pub(super) use content::{APP, Content, Entry, VENV, VENV_PACKAGES, open_regular};
pub(super) use identity::{Description, Identities, Identity, MOST_BYTES, MOST_FILES};
pub(super) use keeping::Keeping;
pub(super) use memory::Memory;
pub(super) use store::{APPS, PRELOADED, Store};

use super::api::{Failure, Level, LoadedApp, LoadedFunction, Preloadable};
use serde::{Deserialize, Serialize};

/// The name in [`Snapshot::settings_read`] that stands for all (host-api.wit, `loaded-app`).
const ALL: &str = "*";

/// An app, loaded without settings; or packages, which have no functions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    /// What became of its functions.
    pub(super) functions: Vec<KeptFunction>,
    /// Why there are none, where its entry file could not be loaded.
    pub(super) entry_file_error: Option<KeptFailure>,
    /// The settings that it looked for while it was loaded.
    pub(super) settings_read: Vec<String>,
    /// Those that were there: what the platform says of itself.
    #[serde(default)]
    pub(super) platform: Vec<(String, String)>,
    /// What it logged and printed meanwhile.
    pub(super) records: Vec<KeptRecord>,
    /// The memory; nothing where it was not worth keeping, because the app reads settings, or its packages can't be preloaded.
    #[serde(skip)]
    pub(super) memory: Option<Memory>,
}

/// A function after loading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptFunction {
    name: String,
    definition: Option<String>,
    error: Option<KeptFailure>,
}

/// An error of the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptFailure {
    kind: String,
    message: String,
    stack: String,
}

/// A record of the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptRecord {
    /// A number of [`LEVELS`].
    level: usize,
    logger: String,
    text: String,
}

const LEVELS: [Level; 6] = [Level::Trace, Level::Debug, Level::Information, Level::Warning, Level::Error, Level::Critical];

// === impl Snapshot ===

impl Snapshot {
    /// Whether the app would have found the same had it been loaded with these settings.
    pub(super) fn fits(&self, settings: &[(String, String)]) -> bool {
        are_alike(&self.settings_read, &self.platform, settings)
    }

    /// What loading came to.
    pub(super) fn loaded(&self) -> LoadedApp {
        LoadedApp {
            functions: self.functions.iter().map(LoadedFunction::from).collect(),
            entry_file_error: self.entry_file_error.clone().map(Failure::from),
            settings_read: self.settings_read.clone(),
            preloadable: Preloadable { modules: Vec::new(), others: Vec::new() },
            disagreement: None,
        }
    }
}

/// Whether who looks for these names finds the same in both.
pub(super) fn are_alike(names: &[String], one: &[(String, String)], other: &[(String, String)]) -> bool {
    let value = |name: &str, of: &[(String, String)]| of.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    names.iter().all(|name| name != ALL && value(name, one) == value(name, other))
}

// === impl KeptFunction ===

impl From<&LoadedFunction> for KeptFunction {
    fn from(function: &LoadedFunction) -> Self {
        let LoadedFunction { name, definition, error } = function.clone();
        KeptFunction { name, definition, error: error.map(KeptFailure::from) }
    }
}

impl From<&KeptFunction> for LoadedFunction {
    fn from(function: &KeptFunction) -> Self {
        let KeptFunction { name, definition, error } = function.clone();
        LoadedFunction { name, definition, error: error.map(Failure::from) }
    }
}

// === impl KeptFailure ===

impl From<Failure> for KeptFailure {
    fn from(Failure { kind, message, stack }: Failure) -> Self {
        KeptFailure { kind, message, stack }
    }
}

impl From<KeptFailure> for Failure {
    fn from(KeptFailure { kind, message, stack }: KeptFailure) -> Self {
        Failure { kind, message, stack }
    }
}

// === impl KeptRecord ===

impl KeptRecord {
    /// Keeps a record.
    pub(super) fn new(level: Level, logger: &str, text: &str) -> KeptRecord {
        let level = LEVELS.iter().position(|known| *known == level).unwrap_or_default();
        KeptRecord { level, logger: logger.to_owned(), text: text.to_owned() }
    }

    /// Its parts.
    pub(super) fn parts(&self) -> (Level, &str, &str) {
        (LEVELS.get(self.level).copied().unwrap_or(Level::Information), &self.logger, &self.text)
    }
}
