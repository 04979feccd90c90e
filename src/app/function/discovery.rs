//! Finds the functions of an app of programming model v1: the direct subfolders of its root that hold a function.json.
//!
//! No folder with a function.json is passed over in silence: it is a function, a broken one, or has a sentence that says why it isn't here.

use crate::app::folder::{FileError, Folder, Kind};
use crate::app::settings::Settings;

use super::read::{self, Read};
use super::{BrokenFunction, FILE, Function, FunctionError};

/// What was found, sorted by name.
#[derive(Debug, Default)]
pub(in crate::app) struct Found {
    /// Functions that can run.
    pub(in crate::app) functions: Vec<Function>,
    /// Those that can't.
    pub(in crate::app) broken: Vec<BrokenFunction>,
    /// The names of all folders with a function.json, also of those that were not asked for.
    pub(in crate::app) names: Vec<String>,
    /// Sentences about what was left out.
    pub(in crate::app) notices: Vec<String>,
}

/// Reads the functions for whose names `selected` says yes.
pub(in crate::app) fn discover(folder: &Folder, settings: &Settings, selected: impl Fn(&str) -> bool) -> Result<Found, FileError> {
    let mut found = Found::default();
    for name in folder.names(".")? {
        match folder.kind(&name) {
            Ok(Kind::Folder) => {}
            Err(FileError::Outside { .. }) if is_name(&name) => {
                found
                    .notices
                    .push(format!("{name} is a link out of the app's folder and was not read: copy what it leads to into the app"));
                continue;
            }
            _ => continue,
        }
        if matches!(folder.kind(&format!("{name}/{FILE}")), Ok(Kind::Absent)) {
            continue;
        }
        found.names.push(name.clone());
        if !selected(&name) {
            continue;
        }
        let earlier = found.names.iter().find(|earlier| earlier.eq_ignore_ascii_case(&name) && **earlier != name);
        let result = if !is_name(&name) {
            Err(FunctionError::Name { name: name.clone() })
        } else if let Some(other) = earlier {
            Err(FunctionError::SameName { name: name.clone(), other: other.clone() })
        } else {
            read::read(folder, &name, settings)
        };
        match result {
            Ok(Read::Function(function)) => found.functions.push(*function),
            Ok(Read::Excluded) => found.notices.push(format!("{name}/{FILE} says `excluded`, so {name} is no function")),
            Ok(Read::NoFunction) => {}
            Err(error) => found.broken.push(BrokenFunction { name, error }),
        }
    }
    Ok(found)
}

/// Whether a function may have this name: `^[a-z][a-z0-9_\-]{0,127}$` in any case, but not `host` (Functions host,
/// `FunctionNameValidationRegex`).
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && !name.eq_ignore_ascii_case("host")
}

/// Whether a file looks like the entry file of an app of model v2: `FunctionApp(`, and the SDK's others whose names end so.
fn makes_an_app(folder: &Folder, file: &str) -> bool {
    const CALL: &[u8] = b"FunctionApp(";
    matches!(folder.read(file), Ok(Some(text)) if text.windows(CALL.len()).any(|part| part == CALL))
}

/// Why an app without any folder with a function.json may have none. `entry_file` is what would make it an app of model v2.
pub(in crate::app) fn why_none(folder: &Folder, entry_file: &str) -> String {
    let root = folder.root().display();
    let mut sentence = format!("no functions: no folder directly below {root} holds a function.json, and there is no {entry_file} in it");
    let is = |path: &str, kind| folder.kind(path).is_ok_and(|found| found == kind);
    if is(FILE, Kind::File) {
        return format!("{sentence}; {root} holds a function.json itself, so it is a function's folder: give the folder above it");
    }
    let names = folder.names(".").unwrap_or_default();
    if let Some(other) = names.iter().find(|name| name.ends_with(".py") && makes_an_app(folder, name)) {
        return format!("{sentence}; {other} makes a FunctionApp: call it {entry_file}, or name it in the setting PYTHON_SCRIPT_FILE_NAME");
    }
    let folders = names.into_iter().filter(|name| !name.starts_with('.') && is(name, Kind::Folder));
    for outer in folders {
        let below = folder.names(&outer).unwrap_or_default();
        if let Some(inner) = below.iter().find(|inner| is(&format!("{outer}/{inner}/{FILE}"), Kind::File)) {
            return format!("{sentence}; there is {outer}/{inner}/{FILE}, so the app's folder may be {outer}");
        }
        if is(&format!("{outer}/{entry_file}"), Kind::File) {
            return format!("{sentence}; there is {outer}/{entry_file}, so the app's folder may be {outer}");
        }
    }
    if !is(super::super::host_config::FILE, Kind::File) && !is(super::super::settings::FILE, Kind::File) {
        sentence.push_str("; with neither host.json nor local.settings.json it doesn't look like the folder of an Azure Functions app");
    }
    sentence
}
