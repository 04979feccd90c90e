//! Which function answers a request: routes of HTTP triggers, the home page, the host's own paths.

use super::admin::{Admin, Inventory};
use super::cors::Cors;
use super::dispatch::{DispatchError, Dispatcher};
use super::hsts::StrictTransport;
use super::route::RouteTable;
use crate::app::ClientLimits;
use crate::bindings::event::{Event, Value};
use crate::bindings::expression::BindingData;
use crate::bindings::http::{self as binding, AuthLevel, Endpoint};
use crate::sandbox::PoolError;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use std::sync::Arc;

/// The answer to `GET /` where no function has that path.
const HOME_PAGE: &str = include_str!("home.html");

/// An HTTP-triggered function, as the router needs it.
#[derive(Debug)]
pub struct Target {
    /// The function's name.
    pub function: String,
    /// The trigger binding's name.
    pub trigger: String,
    /// Its bindings of type `http`.
    pub outputs: Vec<String>,
    /// Who may call it.
    pub level: AuthLevel,
}

/// What does not depend on the functions.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The largest body that is accepted, in bytes: `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`.
    pub body_limit: u64,
    /// What clients may cost.
    pub clients: ClientLimits,
    /// Whether `GET /` answers with a page: not with `AzureWebJobsDisableHomepage`.
    pub home_page: bool,
    /// Whether no function of the app could be looked for: see [`crate::app::App::unusable`].
    pub unusable: bool,
    /// host.json's `extensions.http.customHeaders`, added to every response.
    pub custom_headers: HeaderMap,
    /// What responses over TLS say of it.
    pub strict_transport: Option<StrictTransport>,
    /// Which other origins' pages may read responses.
    pub cors: Cors,
}

/// Answers requests.
#[derive(Debug)]
pub struct Router {
    routes: RouteTable<Target>,
    dispatcher: Arc<Dispatcher>,
    admin: Arc<Admin>,
    inventory: Inventory,
    settings: HttpSettings,
}

// === impl Router ===

impl Router {
    /// Routes to `routes`, runs by `dispatcher`.
    #[must_use]
    pub(super) fn new(
        routes: RouteTable<Target>,
        dispatcher: Arc<Dispatcher>,
        admin: Arc<Admin>,
        inventory: Inventory,
        settings: HttpSettings,
    ) -> Self {
        Router { routes, dispatcher, admin, inventory, settings }
    }

    /// The largest body that is accepted, in bytes.
    #[must_use]
    pub fn body_limit(&self) -> u64 {
        self.settings.body_limit
    }

    /// What clients may cost.
    pub fn clients(&self) -> ClientLimits {
        self.settings.clients
    }

    /// Answers one request that arrived at `at`.
    pub async fn answer(&self, request: Parts, body: Bytes, at: Endpoint) -> Response<Bytes> {
        let cors = self.settings.cors.headers(&request);
        let strict =
            self.settings.strict_transport.as_ref().filter(|_| at.secure).and_then(|strict| strict.value(&request.uri, &request.headers));
        let mut response =
            if self.settings.cors.is_preflight(&request) { status(StatusCode::NO_CONTENT) } else { self.route(request, body, at).await };
        response.headers_mut().extend(cors);
        response.headers_mut().extend(strict.map(|value| (header::STRICT_TRANSPORT_SECURITY, value)));
        for (name, value) in &self.settings.custom_headers {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response
    }

    async fn route(&self, request: Parts, body: Bytes, at: Endpoint) -> Response<Bytes> {
        // The host's own paths come first: `{*route}` of a web framework must not swallow them.
        if let Some(response) = self.admin.answer(&request, &body, &self.inventory, &self.dispatcher, at).await {
            return response;
        }
        let (method, path) = (&request.method, request.uri.path());
        match self.routes.find(method, path) {
            Some(found) => {
                let target = found.target;
                match self.admin.may(&request.headers, request.uri.query(), target.level, Some(&target.function)) {
                    Ok(true) => self.run(target, found.values.into(), request, body, at).await,
                    Ok(false) => status(StatusCode::UNAUTHORIZED),
                    Err(failed) => status(failed),
                }
            }
            None if path == "/" && (method == Method::GET || method == Method::HEAD) => self.home(),
            None if self.settings.unusable => {
                self.dispatcher.complain("the setting PYTHON_SCRIPT_FILE_NAME is not the name of a Python file");
                status(StatusCode::INTERNAL_SERVER_ERROR)
            }
            // Wrong method too: the Functions host never answers 405.
            None => status(StatusCode::NOT_FOUND),
        }
    }

    fn home(&self) -> Response<Bytes> {
        if !self.settings.home_page {
            return status(StatusCode::NO_CONTENT);
        }
        let mut response = Response::new(Bytes::from_static(HOME_PAGE.as_bytes()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    }

    async fn run(&self, target: &Target, values: Vec<(String, String)>, request: Parts, body: Bytes, at: Endpoint) -> Response<Bytes> {
        let needs_data = self.dispatcher.needs_data(&target.function);
        let data = if needs_data { binding::binding_data(&request, &body, &values) } else { BindingData::default() };
        let event = Event {
            traceparent: text(&request.headers, "traceparent"),
            tracestate: text(&request.headers, "tracestate"),
            // The SDK has no use for it beside the request.
            metadata: Vec::new(),
            data,
            input: (target.trigger.clone(), Value::Datum(binding::to_datum(&request, body, values, at))),
        };
        match self.dispatcher.run(&target.function, event).await {
            Ok(outcome) => {
                let outputs: Vec<_> = target.outputs.iter().map(String::as_str).collect();
                binding::from_outcome(outcome, &outputs).unwrap_or_else(|error| {
                    self.dispatcher.reject(&target.function, error);
                    status(StatusCode::INTERNAL_SERVER_ERROR)
                })
            }
            Err(DispatchError::Failed(_)) => status(StatusCode::INTERNAL_SERVER_ERROR),
            Err(DispatchError::Unavailable(PoolError::Full)) => status(StatusCode::TOO_MANY_REQUESTS),
            Err(DispatchError::Unavailable(_)) => status(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
