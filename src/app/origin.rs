//! Where configuration was written, and the errors that say so.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::json::{Document, JsonError, Step};

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file. The path is relative to the app's root; the line counts from 1 and is absent where the field isn't in the file.
    File {
        /// The file.
        file: String,
        /// The line.
        line: Option<usize>,
    },
    /// In an app setting.
    Setting {
        /// The setting's name.
        name: String,
    },
}

/// A field whose value can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{origin}: `{field}` {problem}")]
pub struct FieldError {
    /// Where it was written.
    pub origin: Origin,
    /// The way to it: `bindings[0].direction`.
    pub field: String,
    /// What is wrong and what would be right; goes on after the field's name.
    pub problem: String,
}

/// Why a configuration file can't be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It can't be read as JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// One of its fields is wrong.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// A value's place in a file, kept to be told later: the line is looked up only when it is asked for.
#[derive(Clone, PartialEq)]
pub(super) struct Place {
    pub(super) file: String,
    /// Absent where the value isn't from a file's text.
    pub(super) document: Option<Arc<Document>>,
    pub(super) path: Vec<Step>,
}

// === impl Origin ===

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { file, line: Some(line) } => write!(f, "{file}:{line}"),
            Origin::File { file, line: None } => f.write_str(file),
            Origin::Setting { name } => write!(f, "setting {name}"),
        }
    }
}

// === impl Place ===

impl Place {
    /// File and line.
    pub(super) fn origin(&self) -> Origin {
        Origin::File { file: self.file.clone(), line: self.document.as_ref().map(|document| document.position(&self.path).line) }
    }

    /// The place of a member, with any spelling of its name.
    pub(super) fn member(&self, name: &str) -> Place {
        let mut place = self.clone();
        let value = self.document.as_ref().and_then(|document| document.value_at(&self.path));
        let key = value.and_then(|value| value.as_object()?.keys().find(|key| key.eq_ignore_ascii_case(name)));
        place.path.extend(key.map(|key| Step::Key(key.clone())));
        place
    }
}

impl fmt::Debug for Place {
    /// Leaves the file's text out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, field_name(&self.path))
    }
}

/// A path as errors write it: `bindings[0].direction`.
pub(super) fn field_name(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
        }
    }
    if text.is_empty() { "(root)".to_owned() } else { text }
}
