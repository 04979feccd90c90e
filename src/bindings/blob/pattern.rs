//! Paths of blob triggers: which blobs of a container fit, and the names that the path takes from theirs.
//!
//! After the WebJobs SDK's `BlobPathSource` (Azure/azure-sdk-for-net) and `BindingTemplateSource` (Azure/azure-webjobs-sdk), which make a
//! regular expression of a path: `samples/{name}.{ext}` is `^samples/(?<name>.*)\.(?<ext>.*)$`. So each parameter takes as much as it can, the
//! first one first, and may take nothing: `{name}.{ext}` parts `a.b.c` at the last dot. Letters count as they are written.
//!
//! Stricter than there: parameters side by side are refused (the second one would never get anything), and two of the same name.

use crate::bindings::expression::template::{Piece, is_name, pieces};
use crate::bindings::expression::{ExpressionError, folded};
use std::collections::{BTreeMap, HashSet};
use thiserror::Error;

/// A blob trigger's `path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobPattern {
    container: String,
    blob: Blob,
}

/// Why a text is no path of a blob trigger: goes on a sentence that named it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Nothing, or `/a`.
    #[error("has no container: write one, then the blob's name, like `samples/{{name}}.txt`")]
    NoContainer,
    /// `samples/`
    #[error("has nothing after its slash: write a blob's name like `samples/{{name}}`, or the container alone for all of its blobs")]
    NoBlob,
    /// `{a}/b`
    #[error("has a brace in its container, but a trigger can't have parameters there: write the container's name")]
    ContainerParameter,
    /// `a\b`
    #[error("has a `\\` in its container: write `/` after it")]
    Backslash,
    /// `{a}{b}`
    #[error("has nothing between the parameters `{0}` and `{1}`: put a text between them")]
    Adjacent(String, String),
    /// `{a}/{A}`
    #[error("has the parameter `{0}` twice (upper and lower case are the same): rename one")]
    Duplicate(String),
    /// `{a.b}`, `{rand-guid}`
    #[error("has `{{{0}}}`, which can't take a part of a blob's name: write a name of letters, digits and `_`")]
    Name(String),
    /// Its braces are wrong.
    #[error("{0}")]
    Template(#[from] ExpressionError),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Blob {
    /// All blobs of the container.
    Any,
    /// The one of this name.
    Named(String),
    /// `first {name} before {name} before … last`
    Parameters {
        first: String,
        /// At least one. Each with the text before it, which is empty for the first one alone.
        parameters: Vec<(String, String)>,
        last: String,
    },
}

// === impl BlobPattern ===

impl BlobPattern {
    /// Reads a path, after `%settings%` have been replaced: `container`, or `container/` and a name with parameters in braces.
    ///
    /// # Errors
    /// What is wrong with it. The sentence quotes parameters.
    pub fn parse(path: &str) -> Result<BlobPattern, PatternError> {
        let (container, blob) = path.split_once('/').map_or((path, None), |(container, blob)| (container, Some(blob)));
        if container.is_empty() {
            return Err(PatternError::NoContainer);
        }
        if container.contains('\\') {
            return Err(PatternError::Backslash);
        }
        if container.contains(['{', '}']) {
            return Err(PatternError::ContainerParameter);
        }
        let blob = match blob {
            None => Blob::Any,
            Some("") => return Err(PatternError::NoBlob),
            Some(blob) => Blob::parse(blob)?,
        };
        Ok(BlobPattern { container: container.to_owned(), blob })
    }

    /// The container's name.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The names of its parameters, in its order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match &self.blob {
            Blob::Parameters { parameters, .. } => parameters.iter().map(|(_, name)| name.as_str()).collect(),
            Blob::Any | Blob::Named(_) => Vec::new(),
        }
    }

    /// What the parameters take from a blob's name (without its container). `None` if the name doesn't fit.
    #[must_use]
    pub fn match_name(&self, blob: &str) -> Option<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        match &self.blob {
            Blob::Any => {}
            Blob::Named(name) if name == blob => {}
            Blob::Named(_) => return None,
            Blob::Parameters { first, parameters, last } => {
                let mut rest = blob.strip_prefix(first.as_str())?.strip_suffix(last.as_str())?;
                // From the end, each text as late as it can be: that gives the first parameters the most.
                for (before, name) in parameters.iter().rev() {
                    let (left, value) = if before.is_empty() { ("", rest) } else { rest.rsplit_once(before.as_str())? };
                    values.insert(name.clone(), value.to_owned());
                    rest = left;
                }
            }
        }
        Some(values)
    }
}

// === impl Blob ===

impl Blob {
    fn parse(template: &str) -> Result<Blob, PatternError> {
        let mut first = String::new();
        let mut parameters: Vec<(String, String)> = Vec::new();
        let mut known = HashSet::new();
        // The text since the last parameter.
        let mut text = String::new();
        for piece in pieces(template)? {
            let name = match piece {
                Piece::Text(literal) => {
                    text = literal;
                    continue;
                }
                Piece::Braces(name) if is_name(name) => name.to_owned(),
                Piece::Braces(other) => return Err(PatternError::Name(other.to_owned())),
            };
            let before = std::mem::take(&mut text);
            match parameters.last() {
                _ if !known.insert(folded(&name)) => return Err(PatternError::Duplicate(name)),
                Some((_, left)) if before.is_empty() => return Err(PatternError::Adjacent(left.clone(), name)),
                Some(_) => parameters.push((before, name)),
                None => {
                    first = before;
                    parameters.push((String::new(), name));
                }
            }
        }
        Ok(if parameters.is_empty() { Blob::Named(text) } else { Blob::Parameters { first, parameters, last: text } })
    }
}

#[cfg(test)]
mod tests;
