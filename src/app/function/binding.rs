//! One binding of a function: the fields that all types share.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use crate::app::fields::{Node, Source, member};
use crate::app::origin::{FieldError, Place};

/// One element of function.json's `bindings`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// A parameter's name, or `$return`.
    pub name: String,
    /// Its type, as written: `httpTrigger`. Types ignore case: see [`Binding::is`].
    pub kind: String,
    /// Which way its data goes.
    pub direction: Direction,
    /// How the function gets the data.
    pub data_type: DataType,
    /// All its fields as written, those above too.
    pub fields: Map<String, Value>,
    place: Place,
}

/// Which way a binding's data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the function: all triggers.
    In,
    /// Out of it.
    Out,
    /// Both.
    InOut,
}

/// How a function gets a binding's data: `dataType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataType {
    /// As the binding's type and the parameter's annotation imply.
    #[default]
    Undefined,
    /// As text (`string`).
    Text,
    /// As bytes.
    Binary,
    /// As a stream.
    Stream,
}

/// A Python identifier, or `$return`. Which of them the Functions host takes changed with its versions (letters and digits, then single underscores, then
/// more); Microsoft's newest tests of its Python worker have functions with `__` and `__main__`, and the worker takes them all.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:\$return|[_\p{XID_Start}]\p{XID_Continue}*)$").ok());

// === impl Binding ===

impl Binding {
    /// A binding from its fields, for functions that are not declared in a function.json. `file` is where errors say it is.
    ///
    /// # Errors
    /// The first common field that is missing or wrong.
    pub fn from_fields(file: &str, fields: Map<String, Value>) -> Result<Binding, FieldError> {
        Binding::read(&Source::without_text(file, Value::Object(fields)).root()?)
    }

    /// Reads an element of `bindings`, which must be an object.
    pub(super) fn read(node: &Node<'_>) -> Result<Binding, FieldError> {
        let required = |name, remedy| node.get(name).ok_or_else(|| node.missing(name, remedy));
        let kind = required("type", "add one like `httpTrigger`")?;
        let name = required("name", "add the parameter's name, or `$return`")?;
        let kind = match kind.text()?.trim() {
            "" => return Err(kind.expected("a binding type like `httpTrigger`")),
            text => text.to_owned(),
        };
        let name = match name.text()? {
            text if NAME.as_ref().is_some_and(|pattern| pattern.is_match(&text)) => text,
            _ => return Err(name.expected("a Python identifier or `$return`")),
        };
        Ok(Binding {
            direction: direction(node, &name, &kind)?,
            data_type: data_type(node)?,
            fields: node.value().as_object().cloned().unwrap_or_default(),
            place: node.place(),
            name,
            kind,
        })
    }

    /// Whether it starts the function: its type ends in `Trigger`.
    pub fn is_trigger(&self) -> bool {
        is_trigger(&self.kind)
    }

    /// Whether it is of this type, ignoring case.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }

    /// A field's value, with any spelling of its name; `null` counts as absent.
    pub fn field(&self, name: &str) -> Option<&Value> {
        member(&self.fields, name)
    }

    /// That a field of it is wrong, with file and line. `problem` goes on after the field's name: `must be anonymous, function or admin`.
    pub fn error(&self, field: &str, problem: impl Into<String>) -> FieldError {
        FieldError { origin: self.place.member(field).origin(), field: format!("{}.{field}", self.name), problem: problem.into() }
    }
}

fn is_trigger(kind: &str) -> bool {
    kind.len().checked_sub("trigger".len()).and_then(|at| kind.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("trigger"))
}

/// The Functions host's default is `in` for everything; types that can only be outputs and `$return` would be errors with it, so they are
/// `out`.
fn direction(node: &Node<'_>, name: &str, kind: &str) -> Result<Direction, FieldError> {
    let trigger = is_trigger(kind);
    let only_out = name == "$return" || ["http", "queue"].iter().any(|known| kind.eq_ignore_ascii_case(known));
    let Some(node) = node.get("direction") else {
        return Ok(if only_out && !trigger { Direction::Out } else { Direction::In });
    };
    let direction = match node.text()?.to_ascii_lowercase().as_str() {
        "in" => Direction::In,
        "out" => Direction::Out,
        "inout" => Direction::InOut,
        _ => return Err(node.expected("in, out or inout")),
    };
    if trigger && direction != Direction::In {
        return Err(node.error("must be in, as this is a trigger"));
    }
    if name == "$return" && direction == Direction::In {
        return Err(node.error("must be out, as this is the return value"));
    }
    Ok(direction)
}

fn data_type(node: &Node<'_>) -> Result<DataType, FieldError> {
    let Some(node) = node.get("dataType") else { return Ok(DataType::Undefined) };
    match node.text()?.to_ascii_lowercase().as_str() {
        "" | "undefined" => Ok(DataType::Undefined),
        "string" => Ok(DataType::Text),
        "binary" => Ok(DataType::Binary),
        "stream" => Ok(DataType::Stream),
        _ => Err(node.expected("string, binary or stream")),
    }
}
