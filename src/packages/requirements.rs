//! Reads requirements.txt as far as it must be known here: pip reads it again, and judges it.

use super::PackagesError;
use super::guest;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What requirements.txt and the files that it includes say.
#[derive(Debug, Default)]
pub(super) struct Requirements {
    /// requirements.txt.
    pub(super) file: PathBuf,
    /// The names and contents of all files, in the order in which they are included.
    pub(super) contents: Vec<(String, Vec<u8>)>,
    /// What is wanted by name.
    pub(super) named: Vec<Named>,
    /// Options that say where packages come from, for calls of pip that can't have the whole file.
    pub(super) sources: Vec<String>,
    /// Whether only files with known hashes may be installed.
    pub(super) hashed: bool,
    /// Whether something is wanted by path or address.
    unnamed: bool,
}

/// A package that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Normalised.
    pub(super) name: String,
    /// The versions that are wanted, such as `==1.2`; empty for any.
    pub(super) versions: String,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Nothing,
    Include { file: String, wants: bool },
    Source(Vec<String>),
    Named(Named),
    Unnamed,
}

// === impl Requirements ===

impl Requirements {
    /// Reads a file and those that it includes.
    pub(super) fn read(file: &Path) -> Result<Requirements, PackagesError> {
        let mut requirements = Requirements { file: file.to_owned(), ..Requirements::default() };
        let content = fs::read(file).map_err(|source| PackagesError::Unreadable { file: file.to_owned(), source })?;
        requirements.add(file, content, true, &mut vec![canonical(file)])?;
        Ok(requirements)
    }

    /// `wants`: a file of constraints wants nothing.
    fn add(&mut self, file: &Path, content: Vec<u8>, wants: bool, seen: &mut Vec<PathBuf>) -> Result<(), PackagesError> {
        let text = String::from_utf8_lossy(&content).into_owned();
        let name = self.name_of(file);
        self.contents.push((name.clone(), content));
        for (number, line) in logical_lines(&text) {
            self.hashed |= line.contains("--hash");
            match Line::read(&line) {
                Line::Include { file: included, .. } if included.contains("://") => self.unnamed |= wants,
                Line::Include { file: included, wants: of_this } => {
                    let path = file.with_file_name(&included);
                    if seen.contains(&canonical(&path)) {
                        continue;
                    }
                    seen.push(canonical(&path));
                    let content = fs::read(&path).map_err(|source| match source.kind() {
                        io::ErrorKind::NotFound => PackagesError::NoSuchFile { file: name.clone(), line: number, included },
                        _ => PackagesError::Unreadable { file: path.clone(), source },
                    })?;
                    self.add(&path, content, wants && of_this, seen)?;
                }
                Line::Source(options) => self.sources.extend(options),
                Line::Named(named) if wants => self.named.push(named),
                Line::Unnamed => self.unnamed |= wants,
                Line::Nothing | Line::Named(_) => {}
            }
        }
        Ok(())
    }

    fn name_of(&self, file: &Path) -> String {
        let root = self.file.parent().unwrap_or(Path::new(""));
        file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned()
    }

    /// Whether nothing is wanted but what the guest brings along.
    pub(super) fn wants_nothing(&self) -> bool {
        !self.unnamed && self.named.iter().all(|named| named.name == guest::SDK)
    }

    /// The versions that are wanted of a package; nothing where it isn't named.
    pub(super) fn versions(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|named| named.name == name).map(|named| named.versions.as_str())
    }
}

// === impl Line ===

impl Line {
    fn read(line: &str) -> Line {
        let (first, rest) = line.split_once(|end: char| end.is_whitespace()).map_or((line, ""), |(first, rest)| (first, rest.trim()));
        let (option, value) = match first.split_once('=').filter(|_| first.starts_with("--")) {
            Some((option, value)) => (option, value.to_owned()),
            None => (first, rest.to_owned()),
        };
        // A short option's value may follow at once: `-rother.txt`.
        let glued =
            |short: &str| first.strip_prefix(short).filter(|glued| !glued.is_empty() && !first.starts_with("--")).map(str::to_owned);
        match option {
            "" => Line::Nothing,
            "-r" | "--requirement" => Line::include(value, true),
            "-c" | "--constraint" => Line::include(value, false),
            "-i" | "--index-url" | "--extra-index-url" | "-f" | "--find-links" | "--trusted-host" => {
                Line::Source(vec![option.to_owned(), value])
            }
            "--no-index" | "--pre" | "--prefer-binary" => Line::Source(vec![option.to_owned()]),
            "-e" | "--editable" => Line::Unnamed,
            _ if option.starts_with('-') => {
                let include = |short, wants| glued(short).map(|file| Line::include(file, wants));
                include("-r", true).or_else(|| include("-c", false)).unwrap_or(Line::Nothing)
            }
            _ => Named::read(line).map_or(Line::Unnamed, Line::Named),
        }
    }

    /// `wants`: a file of constraints wants nothing.
    fn include(file: String, wants: bool) -> Line {
        Line::Include { file: file.trim_matches(['"', '\'']).to_owned(), wants }
    }
}

// === impl Named ===

impl Named {
    /// `name[extra] >= 1, < 2 ; marker --hash=…`, or nothing where a line begins with a path or an address.
    fn read(line: &str) -> Option<Named> {
        let end = line.find(|other: char| !(other.is_ascii_alphanumeric() || "-_.".contains(other))).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(extras) => extras.split_once(']')?.1.trim_start(),
            None => rest,
        };
        let is_named = name.starts_with(|first: char| first.is_ascii_alphanumeric()) && !name.ends_with(".whl");
        if !is_named || rest.starts_with(['/', '\\', ':']) {
            return None;
        }
        let versions = if rest.starts_with('@') { "" } else { rest.split(';').next().unwrap_or("").split(" --").next().unwrap_or("") };
        let versions = versions.trim_matches(['(', ')', ' ', '\t']).split_whitespace().collect();
        Some(Named { name: normalised(name), versions })
    }
}

/// A path as all that lead to the same file have it in common.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A package's name as all spellings of it have it in common (PEP 503).
pub(super) fn normalised(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.push(other.to_ascii_lowercase()),
        }
    }
    normal
}

/// The lines without comments, each with its number; those that a backslash continues are one.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let is_comment = line.trim_start().starts_with('#');
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) if !is_comment => (part, true),
            _ => (line, false),
        };
        match lines.last_mut() {
            Some((_, logical)) if continues => logical.push_str(part),
            _ => lines.push((index + 1, part.to_owned())),
        }
        continues = goes_on;
    }
    for (_, line) in &mut lines {
        *line = without_comment(line).trim().to_owned();
    }
    lines
}

/// A `#` begins a comment at the line's start or after white space: addresses have others.
fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| *at == 0 || line[..*at].ends_with(char::is_whitespace);
    line.match_indices('#').find(begins).map_or(line, |(at, _)| &line[..at])
}

#[cfg(test)]
mod tests;
