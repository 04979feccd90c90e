//! Finds a Python of the machine that has pip.

use super::PackagesError;
use std::env;
use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

const OLDEST: (u32, u32) = (3, 10);
/// Prints the version, and fails where there is no pip. What is in the current folder, an app's perhaps, is not imported.
const PROBE: &str = "import sys; sys.path[:] = [folder for folder in sys.path if folder]; print(*sys.version_info[:2]); import pip";

/// A Python with pip.
#[derive(Debug)]
pub(super) struct Python(OsString);

/// Why one can't be used.
enum Unfit {
    Missing,
    Old(String),
    NoPip(String),
}

// === impl Python ===

impl Python {
    /// The one that `PYTHON` names, else the first of the usual names that can be used.
    pub(super) fn find() -> Result<Python, PackagesError> {
        let failed = |why| Err(PackagesError::NoPython { why });
        if let Some(named) = env::var_os("PYTHON").filter(|named| !named.is_empty()) {
            let name = named.to_string_lossy().into_owned();
            return match probe(&named) {
                Ok(()) => Ok(Python(named)),
                Err(unfit) => failed(format!("PYTHON names {name}, which {}", unfit.reason())),
            };
        }
        let mut reasons = Vec::new();
        for name in ["python3", "python", "py"] {
            match probe(name.as_ref()) {
                Ok(()) => return Ok(Python(name.into())),
                Err(Unfit::Missing) => {}
                Err(unfit) => reasons.push(format!("{name} {}", unfit.reason())),
            }
        }
        let found = if reasons.is_empty() { "there is no python3 in PATH".to_owned() } else { reasons.join(", ") };
        failed(format!("{found}; install one, or name one in the environment variable PYTHON"))
    }

    /// A command of it.
    pub(super) fn command(&self) -> Command {
        Command::new(&self.0)
    }
}

// === impl Unfit ===

impl Unfit {
    fn reason(&self) -> String {
        match self {
            Unfit::Missing => "is not there".to_owned(),
            Unfit::Old(version) => format!("is of version {version}"),
            Unfit::NoPip(version) => {
                format!("is of version {version} and has no pip (`python3 -m ensurepip`, or your system's package python3-pip)")
            }
        }
    }
}

fn probe(name: &OsStr) -> Result<(), Unfit> {
    let done = Command::new(name).args(["-c", PROBE]).stdin(Stdio::null()).output().map_err(|_| Unfit::Missing)?;
    let printed = String::from_utf8_lossy(&done.stdout);
    let mut parts = printed.split_whitespace().map_while(|part| part.parse::<u32>().ok());
    // Names that lead to something else, such as a shop for programs, print no version.
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else { return Err(Unfit::Missing) };
    match (done.status.success(), format!("{major}.{minor}")) {
        (_, version) if (major, minor) < OLDEST => Err(Unfit::Old(version)),
        (false, version) => Err(Unfit::NoPip(version)),
        (true, _) => Ok(()),
    }
}
