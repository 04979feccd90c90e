//! What braces hold: a name, maybe with parts and a format.

use super::Context;
use super::data::{BindingData, member};
use super::error::ExpressionError;
use super::format::DateFormat;
use super::template::is_name;
use serde_json::Value;
use std::fmt::Write;
use uuid::Uuid;

/// A parameter. The trigger's data comes before what is built in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameter {
    name: String,
    /// `b` and `c` of `{a.b.c}`.
    parts: Vec<String>,
    /// What it is where the data doesn't have it.
    built_in: Option<BuiltIn>,
}

#[derive(Debug, Clone, PartialEq)]
enum BuiltIn {
    Guid(GuidFormat),
    Now(DateFormat),
    /// `{sys.methodname}`
    FunctionName,
    /// `{sys.…}` with something that it has not.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum GuidFormat {
    /// 32 digits.
    N,
    /// With hyphens.
    D,
    /// In braces.
    B,
    /// In parentheses.
    P,
}

const RANDOM_GUID: &str = "rand-guid";

// === impl Parameter ===

impl Parameter {
    pub(super) fn parse(text: &str) -> Result<Parameter, ExpressionError> {
        let (path, format) = text.split_once(':').unwrap_or((text, ""));
        let wrong = || ExpressionError::Name(text.to_owned());
        let mut names = path.split('.');
        let name = names.next().filter(|name| is_name(name) || name.eq_ignore_ascii_case(RANDOM_GUID)).ok_or_else(wrong)?;
        let parts: Vec<String> = names.map(str::to_owned).collect();
        // An object's parts may have names like `x-request-id`.
        let is_part = |part: &String| !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || "_-$".contains(letter));
        if !parts.iter().all(is_part) {
            return Err(wrong());
        }
        Ok(Parameter { built_in: BuiltIn::of(name, &parts, format)?, name: name.to_owned(), parts })
    }

    /// Its name, if only the trigger's data can have its value.
    pub(super) fn needs(&self) -> Option<&str> {
        self.built_in.is_none().then_some(self.name.as_str())
    }

    pub(super) fn append_to(&self, text: &mut String, data: &BindingData, context: &Context<'_>) -> Result<(), ExpressionError> {
        let Some(value) = data.get(&self.name) else {
            return match &self.built_in {
                Some(built_in) => built_in.append_to(text, self.parts.last().unwrap_or(&self.name), context),
                None => Err(ExpressionError::NoValue(self.name.clone())),
            };
        };
        let value = self.parts.iter().try_fold(value, |value, part| {
            // Texts that hold JSON are texts.
            value.as_object().and_then(|object| member(object, part)).ok_or_else(|| ExpressionError::NoPart(part.clone()))
        })?;
        let not_text = |kind| ExpressionError::NotText { name: [std::slice::from_ref(&self.name), &self.parts].concat().join("."), kind };
        match value {
            Value::Null => {}
            Value::String(value) => text.push_str(value),
            // Writing to a String can't fail.
            Value::Number(_) | Value::Bool(_) => _ = write!(text, "{value}"),
            Value::Array(_) => return Err(not_text("a list")),
            Value::Object(_) => return Err(not_text("an object")),
        }
        Ok(())
    }
}

// === impl BuiltIn ===

impl BuiltIn {
    fn of(name: &str, parts: &[String], format: &str) -> Result<Option<BuiltIn>, ExpressionError> {
        let parts: Vec<String> = parts.iter().map(|part| part.to_ascii_lowercase()).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Ok(Some(match (name.to_ascii_lowercase().as_str(), parts.as_slice()) {
            (RANDOM_GUID, []) | ("sys", ["randguid"]) => BuiltIn::Guid(GuidFormat::parse(format)?),
            ("datetime", []) | ("sys", ["utcnow"]) => BuiltIn::Now(DateFormat::parse(format)?),
            ("sys", ["methodname"]) => BuiltIn::FunctionName,
            ("sys", _) => BuiltIn::Unknown,
            (RANDOM_GUID, _) => return Err(ExpressionError::Name([&[name], parts.as_slice()].concat().join("."))),
            _ => return Ok(None),
        }))
    }

    /// `part` is the last name of the parameter.
    fn append_to(&self, text: &mut String, part: &str, context: &Context<'_>) -> Result<(), ExpressionError> {
        match self {
            BuiltIn::Guid(format) => format.append_to(text, Uuid::new_v4()),
            BuiltIn::Now(format) => format.append_to(text, context.now),
            BuiltIn::FunctionName => text.push_str(context.method_name),
            BuiltIn::Unknown => return Err(ExpressionError::NoPart(part.to_owned())),
        }
        Ok(())
    }
}

// === impl GuidFormat ===

impl GuidFormat {
    fn parse(text: &str) -> Result<GuidFormat, ExpressionError> {
        match text.trim().to_ascii_uppercase().as_str() {
            "" | "D" => Ok(GuidFormat::D),
            "N" => Ok(GuidFormat::N),
            "B" => Ok(GuidFormat::B),
            "P" => Ok(GuidFormat::P),
            _ => Err(ExpressionError::GuidFormat(text.to_owned())),
        }
    }

    fn append_to(self, text: &mut String, guid: Uuid) {
        // Writing to a String can't fail.
        _ = match self {
            GuidFormat::N => write!(text, "{}", guid.simple()),
            GuidFormat::D => write!(text, "{}", guid.hyphenated()),
            GuidFormat::B => write!(text, "{}", guid.braced()),
            GuidFormat::P => write!(text, "({})", guid.hyphenated()),
        };
    }
}
