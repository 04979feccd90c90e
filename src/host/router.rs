//! Which function answers a request: routes of HTTP triggers, the home page, the host's own paths.

use super::by_hand::ByHand;
use super::dispatch::{DispatchError, Dispatcher};
use super::route::RouteTable;
use crate::bindings::event::{Event, Value};
use crate::bindings::expression::BindingData;
use crate::bindings::http as binding;
use crate::sandbox::PoolError;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use std::net::SocketAddr;
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
}

/// What does not depend on the functions.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The largest body that is accepted, in bytes: `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`.
    pub body_limit: u64,
    /// Whether `GET /` answers with a page: not with `AzureWebJobsDisableHomepage`.
    pub home_page: bool,
    /// host.json's `extensions.http.customHeaders`, added to every response.
    pub custom_headers: HeaderMap,
}

/// Answers requests.
#[derive(Debug)]
pub struct Router {
    routes: RouteTable<Target>,
    dispatcher: Arc<Dispatcher>,
    by_hand: ByHand,
    settings: HttpSettings,
}

// === impl Router ===

impl Router {
    /// Routes to `routes`, runs by `dispatcher`.
    #[must_use]
    pub(super) fn new(routes: RouteTable<Target>, dispatcher: Arc<Dispatcher>, by_hand: ByHand, settings: HttpSettings) -> Self {
        Router { routes, dispatcher, by_hand, settings }
    }

    /// The largest body that is accepted, in bytes.
    #[must_use]
    pub fn body_limit(&self) -> u64 {
        self.settings.body_limit
    }

    /// Answers one request that arrived at `local`.
    pub async fn answer(&self, request: Parts, body: Bytes, local: SocketAddr) -> Response<Bytes> {
        let mut response = self.route(request, body, local).await;
        for (name, value) in &self.settings.custom_headers {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response
    }

    async fn route(&self, request: Parts, body: Bytes, local: SocketAddr) -> Response<Bytes> {
        let (method, path) = (&request.method, request.uri.path());
        // The host's own paths come first: `{*route}` of a web framework must not swallow them.
        if path == "/admin/host/ping" && (method == Method::GET || method == Method::POST) {
            return status(StatusCode::OK);
        }
        if let Some(function) = path.strip_prefix("/admin/functions/").filter(|_| method == Method::POST) {
            return status(self.by_hand.run(function.trim_end_matches('/'), &body, &self.dispatcher).await);
        }
        match self.routes.find(method, path) {
            Some(found) => self.run(found.target, found.values.into(), request, body, local).await,
            None if path == "/" && (method == Method::GET || method == Method::HEAD) => self.home(),
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

    async fn run(&self, target: &Target, values: Vec<(String, String)>, request: Parts, body: Bytes, local: SocketAddr) -> Response<Bytes> {
        let needs_data = self.dispatcher.needs_data(&target.function);
        let data = if needs_data { binding::binding_data(&request, &body, &values) } else { BindingData::default() };
        let event = Event {
            traceparent: text(&request.headers, "traceparent"),
            tracestate: text(&request.headers, "tracestate"),
            // The SDK has no use for it beside the request.
            metadata: Vec::new(),
            data,
            input: (target.trigger.clone(), Value::Datum(binding::to_datum(&request, body, values, local))),
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
