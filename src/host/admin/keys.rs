//! `/admin/host/{keys,functionkeys,systemkeys}` and `/admin/functions/NAME/keys`.

use super::{Admin, Call, Inventory, json, status};
use crate::host::keys::{Key, KeysError, Scope, is_master};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of a PUT.
#[derive(Deserialize)]
struct Given {
    value: String,
}

/// Host keys, and among them the master key by the name `_master`.
pub(super) fn of_host(admin: &Admin, call: &Call<'_>, rest: &[&str]) -> Response<Bytes> {
    answer(admin, call, &Scope::Host, rest)
}

/// System keys.
pub(super) fn of_system(admin: &Admin, call: &Call<'_>, rest: &[&str]) -> Response<Bytes> {
    answer(admin, call, &Scope::System, rest)
}

/// A function's own keys.
pub(super) fn of_function(admin: &Admin, call: &Call<'_>, function: &str, rest: &[&str], inventory: &Inventory) -> Response<Bytes> {
    match inventory.find(function) {
        Some(function) => answer(admin, call, &Scope::Function(function.name.clone()), rest),
        None => status(StatusCode::NOT_FOUND),
    }
}

fn answer(admin: &Admin, call: &Call<'_>, scope: &Scope, rest: &[&str]) -> Response<Bytes> {
    match try_answer(admin, call, scope, rest) {
        Ok(response) => response,
        Err(KeysError::Missing(_) | KeysError::Function(_)) => status(StatusCode::NOT_FOUND),
        Err(KeysError::Master | KeysError::Name(_)) => status(StatusCode::BAD_REQUEST),
        Err(error @ KeysError::Io { .. }) => status(admin.fail(&error)),
    }
}

fn try_answer(admin: &Admin, call: &Call<'_>, scope: &Scope, rest: &[&str]) -> Result<Response<Bytes>, KeysError> {
    let keys = &admin.keys;
    Ok(match (call.method, rest) {
        (&Method::GET, []) => {
            let mut all: Vec<Value> = keys.list(scope)?.iter().map(named).collect();
            if *scope == Scope::Host {
                all.push(json!({"name": "_master", "value": keys.master()?.value}));
            }
            json(StatusCode::OK, &json!({"keys": all, "links": call.links()}))
        }
        (&Method::GET, [name]) => {
            let found = match scope {
                Scope::Host if is_master(name) => Some(keys.master()?),
                _ => keys.list(scope)?.into_iter().find(|key| key.name.eq_ignore_ascii_case(name)),
            };
            match found {
                Some(key) => json(StatusCode::OK, &call.with_links(&key)),
                None => status(StatusCode::NOT_FOUND),
            }
        }
        (&Method::POST, [name]) => set(admin, call, scope, name, None)?,
        (&Method::PUT, [name]) => match serde_json::from_slice::<Given>(call.body) {
            Ok(given) if !given.value.is_empty() => set(admin, call, scope, name, Some(&given.value))?,
            _ => status(StatusCode::BAD_REQUEST),
        },
        (&Method::DELETE, [name]) => {
            keys.delete(scope, name)?;
            status(StatusCode::NO_CONTENT)
        }
        _ => status(StatusCode::NOT_FOUND),
    })
}

fn set(admin: &Admin, call: &Call<'_>, scope: &Scope, name: &str, value: Option<&str>) -> Result<Response<Bytes>, KeysError> {
    let (key, is_new) = admin.keys.set(scope, name, value)?;
    Ok(json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &call.with_links(&key)))
}

fn named(key: &Key) -> Value {
    json!({"name": key.name, "value": key.value})
}

// === impl Call ===

impl Call<'_> {
    fn links(&self) -> Value {
        json!([{"rel": "self", "href": format!("{}/admin/{}", self.base, self.path.join("/"))}])
    }

    fn with_links(&self, key: &Key) -> Value {
        json!({"name": key.name, "value": key.value, "links": self.links()})
    }
}
