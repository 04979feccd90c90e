//! Which file is a function's script.
//!
//! After the Functions host (`DeterminePrimaryScriptFile`): `scriptFile` relative to the function's folder, else the folder's only script,
//! else `run.py` or `__init__.py`; this host also tries `main.py`, and counts Python files only.

use crate::app::fields::Node;
use crate::app::folder::{FileError, Folder, Kind};

use super::FunctionError;

/// The script's path relative to the app's root, with `/`. `script_file` is function.json's field, if it is there.
pub(super) fn find(folder: &Folder, function: &str, script_file: Option<&Node<'_>>) -> Result<String, FunctionError> {
    match script_file {
        Some(node) if !node.text()?.trim().is_empty() => named(folder, function, node),
        _ => default(folder, function),
    }
}

fn named(folder: &Folder, function: &str, node: &Node<'_>) -> Result<String, FunctionError> {
    // Written on Windows, it may have backslashes.
    let text = node.text()?.trim().replace('\\', "/");
    let inside = if text.starts_with('/') { None } else { normalize(&format!("{function}/{text}")) };
    let Some(path) = inside else {
        return Err(node.error("leads out of the app's folder: name a file inside it, relative to the function's folder").into());
    };
    match folder.kind(&path) {
        Ok(Kind::File) if is_python(&path) => Ok(path),
        Ok(Kind::File) => Err(node.expected("a Python file (.py)").into()),
        Ok(Kind::Absent) => Err(node.error(format!("names {path}, which does not exist: it is relative to the function's folder")).into()),
        Ok(Kind::Folder | Kind::Other) => Err(node.error(format!("names {path}, which is not a file")).into()),
        Err(FileError::Outside { .. }) => {
            Err(node.error(format!("names {path}, a link out of the app's folder: copy the file into the app")).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn default(folder: &Folder, function: &str) -> Result<String, FunctionError> {
    let scripts: Vec<String> = folder.names(function)?.into_iter().filter(|name| is_python(name)).collect();
    let chosen = match scripts.as_slice() {
        [only] => Some(only.as_str()),
        _ => ["__init__.py", "run.py", "main.py"].into_iter().find(|name| scripts.iter().any(|script| script == name)),
    };
    let path = match chosen {
        Some(name) => format!("{function}/{name}"),
        None if scripts.len() > 1 => return Err(FunctionError::ManyScripts { folder: function.to_owned(), scripts }),
        None => return Err(FunctionError::NoScript { folder: function.to_owned() }),
    };
    match folder.kind(&path)? {
        Kind::File => Ok(path),
        _ => Err(FunctionError::NoScript { folder: function.to_owned() }),
    }
}

fn is_python(path: &str) -> bool {
    path.len() > 3 && path.to_ascii_lowercase().ends_with(".py")
}

/// Without `.` and `..`; `None` if it leads above the start.
fn normalize(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
