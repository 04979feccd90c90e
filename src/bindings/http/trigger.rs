//! The trigger's fields in function.json.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

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

/// A field with a value that it can't have: its name, and what it may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct FieldError {
    /// The field.
    pub field: &'static str,
    /// What is wrong with its value.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

// === impl HttpTrigger ===

impl HttpTrigger {
    /// Reads the binding's fields; others than the trigger's own are ignored.
    pub fn from_fields(fields: &Map<String, Value>) -> Result<Self, FieldError> {
        Ok(HttpTrigger {
            auth_level: fields.get("authLevel").map_or(Ok(AuthLevel::default()), auth_level)?,
            methods: fields.get("methods").filter(|value| !value.is_null()).map(methods).transpose()?.flatten(),
            route: fields.get("route").filter(|value| !value.is_null()).map(route).transpose()?,
        })
    }
}

fn auth_level(value: &Value) -> Result<AuthLevel, FieldError> {
    match value.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("anonymous") => Ok(AuthLevel::Anonymous),
        Some("function") => Ok(AuthLevel::Function),
        Some("admin") => Ok(AuthLevel::Admin),
        _ => Err(FieldError { field: "authLevel", problem: format!("is {value}, but must be \"anonymous\", \"function\" or \"admin\"") }),
    }
}

fn methods(value: &Value) -> Result<Option<Vec<Method>>, FieldError> {
    let wrong = || FieldError { field: "methods", problem: format!("is {value}, but must be a list of HTTP methods such as [\"get\", \"post\"]") };
    let names = match OneOrMany::deserialize(value) {
        Ok(OneOrMany::One(name)) => vec![name],
        Ok(OneOrMany::Many(names)) => names,
        Err(_) => return Err(wrong()),
    };
    let parsed: Result<Vec<_>, _> = names.iter().map(|name| Method::from_bytes(name.to_ascii_uppercase().as_bytes())).collect();
    Ok(Some(parsed.map_err(|_| wrong())?).filter(|methods| !methods.is_empty()))
}

fn route(value: &Value) -> Result<String, FieldError> {
    let text = value.as_str().ok_or_else(|| FieldError { field: "route", problem: format!("is {value}, but must be a text") })?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(fields: Value) -> Result<HttpTrigger, FieldError> {
        HttpTrigger::from_fields(fields.as_object().unwrap())
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
    fn wrong_values_name_the_field() {
        for (fields, field) in [
            (json!({"authLevel": "user"}), "authLevel"),
            (json!({"methods": ["g t"]}), "methods"),
            (json!({"methods": 1}), "methods"),
            (json!({"route": 1}), "route"),
        ] {
            assert_eq!(read(fields).unwrap_err().field, field);
        }
    }
}
