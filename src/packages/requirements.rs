//! Reads requirements.txt as far as it must be known here: pip reads it again, and judges it. Only files in the app's folder are read, as what a file
//! holds that is none of requirements would be shown in an error.

use super::guest;
use super::{PackagesError, REQUIREMENTS};
use crate::app::{FileError, Folder};
use std::path::{Path, PathBuf};

/// Files that include each other, beside requirements.txt.
pub(super) const MOST_FILES: usize = 100;

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
    /// Reads requirements.txt and the files that it includes, all of them in the app's folder; nothing where there is none.
    pub(super) fn read(app: &Folder) -> Result<Option<Requirements>, PackagesError> {
        let Some(content) = app.read(REQUIREMENTS)? else { return Ok(None) };
        let mut requirements = Requirements { file: app.root().join(REQUIREMENTS), ..Requirements::default() };
        requirements.add(app, REQUIREMENTS, content, true, &mut vec![canonical(app, REQUIREMENTS)])?;
        Ok(Some(requirements))
    }

    /// `wants`: a file of constraints wants nothing.
    fn add(&mut self, app: &Folder, file: &str, content: Vec<u8>, wants: bool, seen: &mut Vec<PathBuf>) -> Result<(), PackagesError> {
        let text = String::from_utf8_lossy(&content).into_owned();
        self.contents.push((file.to_owned(), content));
        for (number, line) in logical_lines(&text) {
            self.hashed |= line.contains("--hash");
            match Line::read(&line) {
                Line::Include { file: included, .. } if included.contains("://") => self.unnamed |= wants,
                Line::Include { file: included, wants: of_this } => {
                    let outside = || PackagesError::Outside { file: file.to_owned(), line: number, included: included.clone() };
                    let path = Path::new(file).with_file_name(&included);
                    // What has no text has no file either: all of it came from texts.
                    let path = path.to_str().filter(|_| !Path::new(&included).is_absolute()).ok_or_else(outside)?;
                    let canonical = canonical(app, path);
                    if seen.contains(&canonical) {
                        continue;
                    }
                    if seen.len() > MOST_FILES {
                        return Err(PackagesError::TooManyFiles { file: file.to_owned(), line: number });
                    }
                    seen.push(canonical);
                    let content = match app.read(path) {
                        Ok(Some(content)) => content,
                        Ok(None) => return Err(PackagesError::NoSuchFile { file: file.to_owned(), line: number, included }),
                        Err(FileError::Outside { .. }) => return Err(outside()),
                        Err(error) => return Err(error.into()),
                    };
                    self.add(app, path, content, wants && of_this, seen)?;
                }
                Line::Source(options) => self.sources.extend(options),
                Line::Named(named) if wants => self.named.push(named),
                Line::Unnamed => self.unnamed |= wants,
                Line::Nothing | Line::Named(_) => {}
            }
        }
        Ok(())
    }

    /// Whether nothing is wanted but what the guest brings along.
    pub(super) fn wants_nothing(&self) -> bool {
        !self.unnamed && self.named.iter().all(|named| guest::PROVIDED.contains(&named.name.as_str()))
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
            "-r" => Line::include(value, true),
            "-c" => Line::include(value, false),
            // pip takes the first letters of an option for it.
            _ if option.len() > 2 && "--requirement".starts_with(option) => Line::include(value, true),
            _ if option.len() > 2 && "--constraint".starts_with(option) => Line::include(value, false),
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
fn canonical(app: &Folder, path: &str) -> PathBuf {
    let path = app.root().join(path);
    path.canonicalize().unwrap_or(path)
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

#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
#[cfg(test)]
mod tests;
