//! The admin API below `/admin`, as the Functions host 4.x has it (`HostController`, `FunctionsController`, `KeysController`).
//!
//! Where keys are enforced it wants the master key; where not, it answers clients of this machine only, and no pages of other hosts that a browser on it
//! shows. `ping` and `warmup` are for everybody.
//!
//! - `functions` tells of functions and runs them, `keys` lists and changes keys, `host` is about the host itself; [`Control`] is how it asks the host to act.

mod control;
mod functions;
mod host;
mod keys;

pub use control::Control;
pub(super) use functions::Described;

use super::authority;
use super::by_hand::ByHand;
use super::console::Console;
use super::dispatch::Dispatcher;
use super::keys::{Keys, KeysError};
use crate::app::LogLevel;
use crate::bindings::Trigger;
use crate::bindings::http::{AuthLevel, Endpoint};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// What the API knows beside the app.
#[derive(Debug)]
pub struct Admin {
    /// Who may do what.
    pub keys: Keys,
    /// Whether keys are asked for at all.
    pub enforced: bool,
    /// What the host is asked to do.
    pub control: Control,
    pub(super) console: Arc<Console>,
    pub(super) host_id: String,
    started: Instant,
    instance_id: String,
}

/// What it knows of the app that is served.
#[derive(Debug)]
pub(super) struct Inventory {
    pub(super) functions: Vec<Described>,
    pub(super) by_hand: ByHand,
    /// The function that `/admin/warmup` runs, if there is one.
    pub(super) warmup: Option<(String, Arc<dyn Trigger>)>,
    /// host.json.
    pub(super) config: Value,
}

/// A request to it.
struct Call<'a> {
    method: &'a Method,
    /// What follows `/admin/`, between slashes.
    path: Vec<&'a str>,
    body: &'a Bytes,
    /// Where the host is, for links: `http://localhost:7071`.
    base: String,
}

// === impl Admin ===

impl Admin {
    /// With keys that are enforced or not.
    #[must_use]
    pub fn new(keys: Keys, enforced: bool, console: Arc<Console>, host_id: &str) -> Self {
        let instance_id = uuid::Uuid::new_v4().to_string();
        Admin { keys, enforced, control: Control::default(), console, host_id: host_id.to_owned(), started: Instant::now(), instance_id }
    }

    /// Whether a request may call what has a level, of a function where there is one.
    pub(super) fn may(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        level: AuthLevel,
        function: Option<&str>,
    ) -> Result<bool, StatusCode> {
        if !self.enforced || level == AuthLevel::Anonymous {
            return Ok(true);
        }
        let code = || {
            form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .find(|(name, _)| name.eq_ignore_ascii_case("code"))
                .map(|(_, code)| code)
        };
        // A header that is there counts, even where it is empty.
        let key = match headers.get("x-functions-key") {
            Some(key) => Some(String::from_utf8_lossy(key.as_bytes())),
            None => code(),
        };
        self.keys.opens(key.as_deref(), level, function).map_err(|error| self.fail(&error))
    }

    /// Whether a request below `/admin` is let in; nothing for other paths. Looks at its head alone.
    pub(super) fn admit(&self, request: &Parts, at: Endpoint) -> Option<Result<(), StatusCode>> {
        let path = path(request)?;
        if is_open(&request.method, &path) {
            return Some(Ok(()));
        }
        Some(match self.may(&request.headers, request.uri.query(), AuthLevel::Admin, None) {
            // Without keys only who is on this machine is trusted, and no page that a browser on it shows.
            Ok(true) if self.enforced || (at.address.ip().to_canonical().is_loopback() && authority::is_at_home(&request.headers)) => {
                Ok(())
            }
            Ok(_) => Err(StatusCode::UNAUTHORIZED),
            Err(failed) => Err(failed),
        })
    }

    /// Answers a request that was let in.
    pub(super) async fn answer(
        &self,
        request: &Parts,
        body: &Bytes,
        inventory: &Inventory,
        dispatcher: &Arc<Dispatcher>,
        at: Endpoint,
    ) -> Response<Bytes> {
        let path = path(request).unwrap_or_default();
        match path.as_slice() {
            ["host", "ping"] if is_open(&request.method, &path) => return status(StatusCode::OK),
            ["warmup"] if is_open(&request.method, &path) => return functions::warm_up(inventory, dispatcher).await,
            _ => {}
        }
        let host =
            request.headers.get(header::HOST).and_then(|host| host.to_str().ok()).map_or_else(|| at.address.to_string(), str::to_owned);
        let call = &Call { method: &request.method, path, body, base: format!("{}://{host}", at.scheme()) };
        match call.path.as_slice() {
            ["functions", rest @ ..] if !matches!(rest, [_, "keys", ..]) => functions::answer(call, rest, inventory, dispatcher).await,
            ["functions", name, "keys", rest @ ..] => keys::of_function(self, call, name, rest, inventory),
            ["host", "keys" | "functionkeys", rest @ ..] => keys::of_host(self, call, rest),
            ["host", "systemkeys", rest @ ..] => keys::of_system(self, call, rest),
            ["host", rest @ ..] => host::answer(self, call, rest, inventory, dispatcher),
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    /// The files of keys can't be used: that is no fault of the client's.
    fn fail(&self, error: &KeysError) -> StatusCode {
        self.console.host(LogLevel::Error, &error.to_string());
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

/// What follows `/admin`, between slashes.
fn path(request: &Parts) -> Option<Vec<&str>> {
    let rest = request.uri.path().strip_prefix("/admin")?;
    (rest.is_empty() || rest.starts_with('/')).then(|| rest.split('/').filter(|part| !part.is_empty()).collect())
}

/// Whether everybody may ask for it.
fn is_open(method: &Method, path: &[&str]) -> bool {
    (method == Method::GET || method == Method::POST) && matches!(path, ["host", "ping"] | ["warmup"])
}

fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

fn json(code: StatusCode, value: &Value) -> Response<Bytes> {
    let mut response = Response::new(value.to_string().into());
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
