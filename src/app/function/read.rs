//! Reads one function.json, or what is in its place in programming model v2.

use crate::app::fields::{Node, Source};
use crate::app::folder::Folder;
use crate::app::json::Document;
use crate::app::origin::FieldError;
use crate::app::settings::Settings;

use super::discovery::is_name;
use super::{Binding, Bindings, BindingsError, FILE, Function, FunctionError, RetryPolicy, script};

/// What a folder is.
pub(super) enum Read {
    /// It has no function.json.
    NoFunction,
    /// Its function.json says `excluded`.
    Excluded,
    /// A function.
    Function(Box<Function>),
}

/// Reads the function in the folder `name` of the root.
pub(super) fn read(folder: &Folder, name: &str, settings: &Settings) -> Result<Read, FunctionError> {
    let Some(document) = Document::read(folder, &format!("{name}/{FILE}"))? else { return Ok(Read::NoFunction) };
    let source = Source::of(document);
    let root = source.root()?;
    if root.get("excluded").map_or(Ok(false), |node| node.flag())? {
        return Ok(Read::Excluded);
    }
    let function = function(&root, name, |written| script::find(folder, name, written), settings)?;
    Ok(Read::Function(Box::new(function)))
}

/// Reads what the decorators of a function in `entry_file` say, as JSON.
pub(in crate::app) fn read_definition(
    name: &str,
    definition: &str,
    entry_file: &str,
    settings: &Settings,
) -> Result<Function, FunctionError> {
    if !is_name(name) {
        return Err(FunctionError::NameInCode { name: name.to_owned(), file: entry_file.to_owned() });
    }
    let file = format!("{entry_file}, function {name}");
    let document = Document::parse(&file, definition.as_bytes())?;
    // Its text is nothing that the user wrote, so errors name no line of it.
    let source = Source::without_text(&file, document.value().clone());
    function(&source.root()?, name, |_| Ok(entry_file.to_owned()), settings)
}

/// `script_file` finds the script, given the field that may name it.
pub(super) fn function(
    root: &Node<'_>,
    name: &str,
    script_file: impl FnOnce(Option<&Node<'_>>) -> Result<String, FunctionError>,
    settings: &Settings,
) -> Result<Function, FunctionError> {
    Ok(Function {
        bindings: bindings(root)?,
        script_file: script_file(root.get("scriptFile").as_ref())?,
        entry_point: entry_point(root)?,
        retry: root.section("retry")?.map(|node| RetryPolicy::read(&node)).transpose()?,
        disabled: is_disabled(root, settings)? || is_disabled_by_name(name, settings),
        config: root.value().as_object().cloned().unwrap_or_default(),
        name: name.to_owned(),
    })
}

fn bindings(root: &Node<'_>) -> Result<Bindings, FunctionError> {
    let Some(node) = root.get("bindings") else {
        return Err(FunctionError::Bindings { place: root.origin(), error: BindingsError::None });
    };
    let mut all = Vec::new();
    for item in node.items()? {
        if !item.value().is_object() {
            return Err(item.expected("an object `{…}`").into());
        }
        all.push(Binding::read(&item)?);
    }
    Bindings::new(all).map_err(|error| FunctionError::Bindings { place: node.origin(), error })
}

fn entry_point(root: &Node<'_>) -> Result<String, FieldError> {
    let Some(node) = root.get("entryPoint") else { return Ok("main".to_owned()) };
    let name = node.text()?;
    Ok(if name.trim().is_empty() { "main".to_owned() } else { name.trim().to_owned() })
}

/// `disabled` is a boolean, or the name of a setting that is `true` or `1`, with or without `%` around it.
fn is_disabled(root: &Node<'_>, settings: &Settings) -> Result<bool, FieldError> {
    let Some(node) = root.get("disabled") else { return Ok(false) };
    match node.flag() {
        Ok(flag) => Ok(flag),
        Err(_) if node.value().is_string() => Ok(settings.is_true(node.text()?.trim().trim_matches('%'))),
        Err(_) => Err(node.expected("true, false or the name of a setting")),
    }
}

/// The setting with `__` is for systems whose variables can't have dots in their names.
fn is_disabled_by_name(name: &str, settings: &Settings) -> bool {
    settings.is_true(&format!("AzureWebJobs.{name}.Disabled")) || settings.is_true(&format!("AzureWebJobs__{name}__Disabled"))
}
