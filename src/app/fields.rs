//! Reads typed fields out of configuration, and remembers for each where it was written: a line of a file, or an app setting.
//!
//! Keys are matched ignoring case and `null` counts as absent, as in .NET's configuration. Nothing here knows which fields there are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::json::{Document, Step};
use super::origin::{FieldError, Origin, Place, field_name};
use super::time_span::TimeSpan;

/// Configuration from one file, with what app settings put over it.
#[derive(Clone)]
pub(super) struct Source {
    file: String,
    document: Option<Arc<Document>>,
    value: Value,
    overrides: Vec<Override>,
    /// Whether its values may be shown in errors.
    secret: bool,
}

/// That a value came from an app setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Override {
    /// The setting's name.
    pub(super) setting: String,
    /// The value's place.
    pub(super) path: Vec<Step>,
}

/// One value of a source.
#[derive(Clone)]
pub(super) struct Node<'a> {
    source: &'a Source,
    value: &'a Value,
    path: Vec<Step>,
}

// === impl Source ===

impl Source {
    /// What a file holds.
    pub(super) fn of(document: Document) -> Source {
        let (file, value) = (document.file().to_owned(), document.value().clone());
        Source { file, document: Some(Arc::new(document)), value, overrides: Vec::new(), secret: false }
    }

    /// A value that stands for a file's contents.
    pub(super) fn without_text(file: &str, value: Value) -> Source {
        Source { file: file.to_owned(), document: None, value, overrides: Vec::new(), secret: false }
    }

    /// The same, with values that errors must not show.
    pub(super) fn secret(self) -> Source {
        Source { secret: true, ..self }
    }

    /// The same, with its value after the overrides.
    pub(super) fn overridden(self, value: Value, overrides: Vec<Override>) -> Source {
        Source { value, overrides, ..self }
    }

    /// The whole value, which must be an object.
    pub(super) fn root(&self) -> Result<Node<'_>, FieldError> {
        let node = Node { source: self, value: &self.value, path: Vec::new() };
        if self.value.is_object() { Ok(node) } else { Err(node.expected("an object `{…}`")) }
    }
}

// === impl Node ===

impl<'a> Node<'a> {
    /// The value itself.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// The texts of an object's members in its file, as written.
    pub(super) fn written(&self) -> HashMap<String, &'a str> {
        self.source.document.as_ref().map_or_else(HashMap::new, |document| document.texts(&self.path))
    }

    /// A member, with any spelling of its name. Absent too if this is no object.
    pub(super) fn get(&self, name: &str) -> Option<Node<'a>> {
        let object = self.value.as_object()?;
        let (key, value) = object.get_key_value(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))?;
        (!value.is_null()).then(|| self.child(value, Step::Key(key.clone())))
    }

    /// A member that must be an object.
    pub(super) fn section(&self, name: &str) -> Result<Option<Node<'a>>, FieldError> {
        match self.get(name) {
            Some(node) if !node.value.is_object() => Err(node.expected("an object `{…}`")),
            found => Ok(found),
        }
    }

    /// An object's members; none if this is no object.
    pub(super) fn members(&self) -> Vec<(&'a str, Node<'a>)> {
        let members = self.value.as_object().into_iter().flatten();
        members.map(|(key, value)| (key.as_str(), self.child(value, Step::Key(key.clone())))).collect()
    }

    /// An array's elements.
    pub(super) fn items(&self) -> Result<Vec<Node<'a>>, FieldError> {
        let items = self.value.as_array().ok_or_else(|| self.expected("a list `[…]`"))?;
        Ok(items.iter().enumerate().map(|(i, value)| self.child(value, Step::Index(i))).collect())
    }

    /// A text. A number or a boolean is taken for its text, as in .NET's configuration.
    pub(super) fn text(&self) -> Result<String, FieldError> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            _ => Err(self.expected("a text")),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, FieldError> {
        self.items()?.iter().map(Node::text).collect()
    }

    /// A boolean, or its text.
    pub(super) fn flag(&self) -> Result<bool, FieldError> {
        match self.value {
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A whole number, or its text, from `least` to `most`.
    pub(super) fn integer(&self, least: i64, most: i64) -> Result<i64, FieldError> {
        let number = match self.value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|n| (least..=most).contains(n)).ok_or_else(|| self.expected(&format!("a whole number from {least} to {most}")))
    }

    /// A time span that isn't negative.
    pub(super) fn duration(&self) -> Result<Duration, FieldError> {
        let span: TimeSpan = self.text()?.parse().map_err(|error| self.error(format!("{error}")))?;
        span.to_duration().ok_or_else(|| self.error("must not be negative"))
    }

    /// Where it was written.
    pub(super) fn origin(&self) -> Origin {
        let setting = |found: &&Override| Origin::Setting { name: found.setting.clone() };
        let overrides = &self.source.overrides;
        if let Some(above) = overrides.iter().rfind(|o| self.path.starts_with(&o.path)) {
            return setting(&above);
        }
        if !self.source.document.as_ref().is_some_and(|document| document.holds(&self.path))
            && let Some(below) = overrides.iter().find(|o| o.path.starts_with(&self.path))
        {
            return setting(&below);
        }
        self.place().origin()
    }

    /// Its place in its file, for errors that are found later. Knows nothing of settings over the file.
    pub(super) fn place(&self) -> Place {
        Place { file: self.source.file.clone(), document: self.source.document.clone(), path: self.path.clone() }
    }

    /// That something is wrong with it. `problem` goes on after the field's name.
    pub(super) fn error(&self, problem: impl Into<String>) -> FieldError {
        FieldError { origin: self.origin(), field: field_name(&self.path), problem: problem.into() }
    }

    /// That a member is missing.
    pub(super) fn missing(&self, name: &str, remedy: &str) -> FieldError {
        let path = [self.path.clone(), vec![Step::Key(name.to_owned())]].concat();
        FieldError { origin: self.origin(), field: field_name(&path), problem: format!("is missing: {remedy}") }
    }

    /// Whether it must not be shown: it is an app setting, or one's value.
    pub(super) fn is_secret(&self) -> bool {
        self.source.secret || matches!(self.origin(), Origin::Setting { .. })
    }

    /// That it must be something else than it is.
    pub(super) fn expected(&self, what: &str) -> FieldError {
        let found = match self.value {
            Value::Null => "null".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            _ if self.is_secret() => return self.error(format!("must be {what}")),
            Value::String(text) if text.chars().count() > 60 => "a longer text".to_owned(),
            scalar => scalar.to_string(),
        };
        self.error(format!("must be {what}, not {found}"))
    }

    fn child(&self, value: &'a Value, step: Step) -> Node<'a> {
        let mut path = self.path.clone();
        path.push(step);
        Node { source: self.source, value, path }
    }
}

/// The member of an object with any spelling of its name; `null` counts as absent.
pub(super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found = object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}
