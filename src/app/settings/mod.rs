//! App settings: what a function finds in `os.environ`, and what the host looks connections and `%names%` up in.
//!
//! # Order
//!
//! Which environment variables become settings depends on host.json's `snapfunc.passEnv`, and host.json depends on settings that override
//! it. The circle is cut here:
//! 1. local.settings.json's `Values`.
//! 2. Over them the environment variables that every app sees ([`ALWAYS`]) and those that `Values` names. All overrides of host.json are
//!    among these, so host.json is now final.
//! 3. Over these, variables that `passEnv` in host.json or the command line names.
//!
//! The process's environment is never read here: it is handed in. Values are secrets and nothing here shows one.

mod local;
mod patterns;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;

use thiserror::Error;

pub use local::FILE;
pub use local::LocalHost;
pub(super) use local::LocalSettings;
use patterns::NamePattern;

/// Variables of the host's environment that every app sees: the platform's own names.
pub const ALWAYS: [&str; 7] = [
    "AzureWebJobs*",
    "AzureFunctionsJobHost__*",
    "AzureFunctionsJobHost:*",
    "AZURE_FUNCTIONS_ENVIRONMENT",
    "FUNCTIONS_*",
    "PYTHON_*",
    "WEBSITE_*",
];

/// How values begin that Azure replaces by those of another service.
const REFERENCES: [&str; 2] = ["@Microsoft.KeyVault(", "@Microsoft.AppConfiguration("];

/// An app's settings. Names keep their case, as environment variables do.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
}

/// Why the settings can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The app is written in another language.
    #[error("setting FUNCTIONS_WORKER_RUNTIME must be `python` (or unset): this host runs Python apps")]
    Runtime,
}

// === impl Settings ===

impl Settings {
    /// `values` and, over them, those variables of `environment` that [`ALWAYS`], `values` or `pass` name. Patterns ignore case; the names
    /// in `values` don't, or a setting `Path` would bring in the machine's `PATH`. Variables that are not UTF-8 are left out.
    pub(super) fn collect(values: &[(String, String)], environment: &[(OsString, OsString)], pass: &[&str]) -> Settings {
        let patterns: Vec<NamePattern> = ALWAYS.iter().chain(pass).map(|text| NamePattern::new(text)).collect();
        let mut values: BTreeMap<String, String> = values.iter().cloned().collect();
        for (name, value) in environment {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
            if !name.is_empty() && (values.contains_key(name) || patterns.iter().any(|pattern| pattern.matches(name))) {
                values.insert(name.to_owned(), value.to_owned());
            }
        }
        Settings { values }
    }

    /// A sentence on those of `values` that the environment has otherwise; nothing where there are none.
    pub(super) fn standing_over(&self, values: &[(String, String)]) -> Option<String> {
        let others: BTreeSet<&str> =
            values.iter().filter(|(name, value)| self.values.get(name) != Some(value)).map(|(name, _)| name.as_str()).collect();
        let names = others.into_iter().collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| format!("the environment's values are used, not those of {FILE}, for {names}"))
    }

    /// A sentence on those that name their value in a service of Azure's, which is not asked here; nothing where there are none.
    pub(super) fn unresolved(&self) -> Option<String> {
        let is_reference = |value: &str| REFERENCES.iter().any(|start| value.trim_start().starts_with(start));
        let names: Vec<&str> = self.iter().filter(|(_, value)| is_reference(value)).map(|(name, _)| name).collect();
        let sentence = "references to Key Vault or App Configuration are not resolved here, so put the values themselves into the settings";
        (!names.is_empty()).then(|| format!("{sentence} {}", names.join(", ")))
    }

    /// A setting's value. If none has exactly this name: one that has it in another case, as in .NET's configuration.
    pub fn get(&self, name: &str) -> Option<&str> {
        let exact = self.values.get(name);
        let found = exact.or_else(|| self.values.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value));
        found.map(String::as_str)
    }

    /// Whether a setting is `true` or `1`, in any case.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    }

    /// All names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Refuses an app that says it is not written in Python.
    pub(super) fn check_runtime(&self) -> Result<(), SettingsError> {
        match self.get("FUNCTIONS_WORKER_RUNTIME").map(str::trim) {
            None | Some("") => Ok(()),
            Some(runtime) if runtime.eq_ignore_ascii_case("python") => Ok(()),
            Some(_) => Err(SettingsError::Runtime),
        }
    }
}

impl FromIterator<(String, String)> for Settings {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Settings { values: values.into_iter().collect() }
    }
}

impl fmt::Debug for Settings {
    /// Shows the names alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests;
