//! The trigger's fields in function.json.

use crate::app::{Binding, FieldError};
use http::Method;
use serde::Deserialize;
use serde_json::Value;

/// Who may call a function: `authLevel`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuthLevel {
    /// Everybody.
    Anonymous,
    /// Whoever has the function's key, a host key or the master key.
    #[default]
    Function,
    /// Whoever has the master key.
    Admin,
}

/// The fields of an `httpTrigger` binding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpTrigger {
    /// `authLevel`; `function` where absent.
    pub auth_level: AuthLevel,
    /// `methods`; all where absent or empty.
    pub methods: Option<Vec<Method>>,
    /// `route`; the function's name where absent.
    pub route: Option<String>,
}

/// `methods` is a list; one method alone is taken as such too.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

// === impl HttpTrigger ===

impl HttpTrigger {
    /// Reads the binding's fields; others than the trigger's own are ignored.
    ///
    /// # Errors
    /// A field with a value that it can't have, with file and line.
    pub fn from_binding(binding: &Binding) -> Result<Self, FieldError> {
        Ok(HttpTrigger {
            auth_level: field(binding, "authLevel", auth_level)?.unwrap_or_default(),
            methods: field(binding, "methods", methods)?.filter(|methods| !methods.is_empty()),
            route: field(binding, "route", route)?,
        })
    }
}

/// A field as `parse` understands it, which answers with what is wrong otherwise.
fn field<T>(binding: &Binding, name: &str, parse: impl FnOnce(&Value) -> Result<T, &'static str>) -> Result<Option<T>, FieldError> {
    binding.field(name).map(|value| parse(value).map_err(|problem| binding.error(name, format!("{problem}, not {value}")))).transpose()
}

fn auth_level(value: &Value) -> Result<AuthLevel, &'static str> {
    match value.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("anonymous") => Ok(AuthLevel::Anonymous),
        Some("function") => Ok(AuthLevel::Function),
        Some("admin") => Ok(AuthLevel::Admin),
        _ => Err("must be anonymous, function or admin"),
    }
}

fn methods(value: &Value) -> Result<Vec<Method>, &'static str> {
    const EXPECTED: &str = "must be a list of HTTP methods like [\"get\", \"post\"]";
    let names = match OneOrMany::deserialize(value).map_err(|_| EXPECTED)? {
        OneOrMany::One(name) => vec![name],
        OneOrMany::Many(names) => names,
    };
    names.iter().map(|name| Method::from_bytes(name.to_ascii_uppercase().as_bytes()).map_err(|_| EXPECTED)).collect()
}

fn route(value: &Value) -> Result<String, &'static str> {
    value.as_str().map(str::to_owned).ok_or("must be a text like items/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(fields: Value) -> Result<HttpTrigger, FieldError> {
        let mut all = json!({"type": "httpTrigger", "name": "req"}).as_object().unwrap().clone();
        all.extend(fields.as_object().unwrap().clone());
        HttpTrigger::from_binding(&Binding::from_fields("f/function.json", all)?)
    }

    #[test]
    fn defaults_are_those_of_azure() {
        assert_eq!(read(json!({})).unwrap(), HttpTrigger { auth_level: AuthLevel::Function, methods: None, route: None });
        assert_eq!(read(json!({"methods": [], "route": null})).unwrap().methods, None);
    }

    #[test]
    fn levels_and_methods_in_any_case() {
        let trigger = read(json!({"authLevel": "ANONYMOUS", "methods": ["get", "Post"], "route": "a/{b}"})).unwrap();
        assert_eq!(trigger.auth_level, AuthLevel::Anonymous);
        assert_eq!(trigger.methods, Some(vec![Method::GET, Method::POST]));
        assert_eq!(trigger.route.as_deref(), Some("a/{b}"));
    }

    #[test]
    fn wrong_values_name_file_and_field() {
        for (fields, field) in [
            (json!({"authLevel": "user"}), "req.authLevel"),
            (json!({"methods": ["g t"]}), "req.methods"),
            (json!({"methods": 1}), "req.methods"),
            (json!({"route": 1}), "req.route"),
        ] {
            let error = read(fields).unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.to_string().starts_with("f/function.json"), "{error}");
        }
    }
}
