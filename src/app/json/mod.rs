//! JSON files as people write them: with comments, trailing commas and a byte order mark, all of which the Functions host's own reader
//! takes.
//!
//! A [`Document`] keeps its text, so that whoever finds a wrong value in it can say on which line that is. It knows nothing of what the
//! fields mean.

mod scan;

use std::collections::HashMap;

use serde_json::Value;
use thiserror::Error;

use super::folder::{FileError, Folder};

/// A JSON file, parsed.
#[derive(Clone, PartialEq)]
pub(super) struct Document {
    /// Relative to the app's root.
    file: String,
    /// As it was read, without a byte order mark.
    source: String,
    /// `source` with blanks where comments and trailing commas were: each byte is where it was.
    bare: String,
    value: Value,
}

/// One step on the way from a document's root to one of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into an object. The key is spelled as in the document.
    Key(String),
    /// Into an array; from 0.
    Index(usize),
}

/// A place in a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// Why a JSON file can't be read. Paths are relative to the app's root.
#[derive(Debug, Error)]
pub enum JsonError {
    /// Its bytes can't be had.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is in another encoding.
    #[error("{file}:{line}: is not UTF-8 text: save the file with the encoding UTF-8")]
    NotUtf8 {
        /// The file.
        file: String,
        /// Where the first wrong byte is, from 1.
        line: usize,
    },
    /// It is not JSON.
    #[error("{file}:{}:{}: {problem}", position.line, position.column)]
    Syntax {
        /// The file.
        file: String,
        /// Where the reader stopped.
        position: Position,
        /// What is wrong there.
        problem: String,
    },
}

// === impl Document ===

impl Document {
    /// Reads a file of the app; `None` if there is no such file.
    pub(super) fn read(folder: &Folder, path: &str) -> Result<Option<Document>, JsonError> {
        match folder.read(path)? {
            Some(bytes) => Document::parse(path, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Parses what was in `file`.
    pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Document, JsonError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let source = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            JsonError::NotUtf8 { file: file.to_owned(), line: 1 + before.iter().filter(|byte| **byte == b'\n').count() }
        })?;
        let syntax = |offset, problem| JsonError::Syntax { file: file.to_owned(), position: position(source, offset), problem };

        let bare = strip(source).map_err(|offset| syntax(offset, "expected a comment (`//` or `/*`) after this slash".to_owned()))?;
        let value = serde_json::from_str(&bare).map_err(|error| {
            let problem = if bare.trim().is_empty() {
                "the file is empty, where a JSON object `{…}` belongs".to_owned()
            } else if error.is_eof() {
                "the file ends here, but a brace, a bracket, a quote or a comment is still open".to_owned()
            } else {
                let text = error.to_string();
                let what = match text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what) {
                    // What is there is not shown: it may be a secret.
                    "expected value" | "expected ident" => "expected a value: a text in double quotes, a number, true, false or null",
                    "key must be a string" => "expected a name in double quotes",
                    what => what,
                };
                format!("not valid JSON: {what}")
            };
            syntax(offset(&bare, error.line(), error.column()), problem)
        })?;
        Ok(Document { file: file.to_owned(), source: source.to_owned(), bare, value })
    }

    /// The file's path, relative to the app's root.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// What is in the file.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// The value at `path`.
    pub(super) fn value_at(&self, path: &[Step]) -> Option<&Value> {
        path.iter().try_fold(&self.value, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }

    /// Where the value at `path` is: its key for a member of an object. Where the path leads nowhere: where its last step that exists is.
    pub(super) fn position(&self, path: &[Step]) -> Position {
        position(&self.source, scan::find(&self.bare, path).at)
    }

    /// Whether there is a value at `path`.
    pub(super) fn holds(&self, path: &[Step]) -> bool {
        scan::find(&self.bare, path).steps == path.len()
    }

    /// The texts of the values in the object at `path`, by their keys and as written: `1.50`, `"a"`.
    pub(super) fn texts(&self, path: &[Step]) -> HashMap<String, &str> {
        scan::members(&self.bare, path).into_iter().filter_map(|(key, value)| Some((key, self.bare.get(value)?))).collect()
    }
}

/// Blanks out comments and trailing commas. Fails with the offset of a slash that starts neither a comment nor anything else.
fn strip(source: &str) -> Result<String, usize> {
    let mut bytes = source.as_bytes().to_vec();
    if json_strip_comments::strip_slice(&mut bytes).is_err() {
        // The slash was already blanked when the byte after it turned out to be wrong: it is the last byte that differs.
        let last = source.bytes().zip(&bytes).enumerate().rfind(|(_, (original, bare))| original != *bare);
        return Err(last.map_or(0, |(at, _)| at));
    }
    // A comment over several lines lost its line ends: put back, they keep the parser's line numbers right.
    for (bare, original) in bytes.iter_mut().zip(source.bytes()) {
        if original == b'\n' {
            *bare = b'\n';
        }
    }
    String::from_utf8(bytes).map_err(|error| error.utf8_error().valid_up_to())
}

/// The byte offset of serde_json's line and column (from 1; in bytes; column 0 is the end of the line before).
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = match line.checked_sub(2) {
        Some(ends_before) => text.match_indices('\n').nth(ends_before).map_or(text.len(), |(at, _)| at + 1),
        None => 0,
    };
    (start + column).saturating_sub(1)
}

/// Line and column of a byte offset. Offsets beyond the end, or inside a character, are moved back.
fn position(text: &str, offset: usize) -> Position {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position { line: 1 + before.matches('\n').count(), column: 1 + before[line_start..].chars().count() }
}

#[cfg(test)]
mod tests;
