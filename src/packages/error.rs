//! Why packages can't be installed.

use super::requirements::MOST_FILES;
use crate::app::{FileError, FolderError};
use std::fmt;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why packages can't be installed. What was installed before is still there.
#[derive(Debug, Error)]
pub enum PackagesError {
    /// The app's folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// requirements.txt, or a file that it includes.
    #[error(transparent)]
    Unreadable(#[from] FileError),
    /// `-r` or `-c` leads out of the app.
    #[error("{file}, line {line}: {included} leads out of the app's folder, and only what is inside is read: copy the file into the app")]
    Outside {
        /// The file that includes.
        file: String,
        /// Its line.
        line: usize,
        /// What it names.
        included: String,
    },
    /// Too many `-r` and `-c`.
    #[error("{file}, line {line}: it includes more than {MOST_FILES} files")]
    TooManyFiles {
        /// The file that includes.
        file: String,
        /// Its line.
        line: usize,
    },
    /// `-r` or `-c` leads nowhere.
    #[error("{file}, line {line}: there is no {included}")]
    NoSuchFile {
        /// The file that includes.
        file: String,
        /// Its line.
        line: usize,
        /// What it names.
        included: String,
    },
    /// `.python_packages` can't be written.
    #[error("{} can't be written: {source}", folder.display())]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else's folder.
    #[error(
        "{} was not installed by snapfunc, so it is left alone: delete it to have the packages of requirements.txt installed there",
        folder.display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing that could install.
    #[error("the packages of requirements.txt can't be installed without Python 3.10 or later with pip: {why}")]
    NoPython {
        /// What was tried, and what to do.
        why: String,
    },
    /// pip could not be started, or was killed.
    #[error("pip can't be run: {0}")]
    Run(io::Error),
    /// No answer from the index.
    #[error(
        "the package index can't be reached, so the packages of requirements.txt can't be installed: look at the network and at pip's settings"
    )]
    Unreachable,
    /// pip's own words.
    #[error("pip can't install the packages of requirements.txt:\n{0}")]
    Pip(String),
    /// Packages that can't run here.
    #[error("{}", natives(.0))]
    Native(Vec<Native>),
}

/// A package that can't run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    /// Its name, and version if it has one.
    pub package: String,
    /// The packages that need it; none where requirements.txt itself does.
    pub needed_by: Vec<String>,
    /// Why it can't run here.
    pub why: &'static str,
    /// What to do instead, if anybody knows.
    pub instead: Option<&'static str>,
}

// === impl Native ===

impl fmt::Display for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needed_by = if self.needed_by.is_empty() { "requirements.txt".to_owned() } else { self.needed_by.join(", ") };
        write!(f, "{} (needed by {needed_by}) {}", self.package, self.why)?;
        self.instead.map_or(Ok(()), |instead| write!(f, ": {instead}"))
    }
}

fn natives(packages: &[Native]) -> String {
    let lines: Vec<String> = packages.iter().map(ToString::to_string).collect();
    match lines.as_slice() {
        [one] => format!("requirements.txt can't be installed: {one}"),
        _ => format!("requirements.txt can't be installed:\n  {}", lines.join("\n  ")),
    }
}
