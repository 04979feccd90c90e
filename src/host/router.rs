//! Which function answers a request: routes of HTTP triggers, the home page, the host's own paths.

use super::admin::{Admin, Inventory};
use super::authority;
use super::body::Taken;
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

/// The answer to `/` where no function has that path.
const HOME_PAGE: &str = include_str!("home.html");
/// What hyper takes over HTTP/1.1, and Kestrel over both (`MaxRequestHeaderCount`).
const MOST_HEADERS: usize = 100;

/// An HTTP-triggered function, as the router needs it.
#[derive(Debug)]
pub struct Target {
    /// The function's name.
    pub function: String,
    /// The trigger binding's name.
    pub trigger: String,
    /// Its bindings of type `http`.
    pub outputs: Arc<[String]>,
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

/// A request whose head was read. Its body is yet to come.
pub(super) struct Admitted<'a> {
    router: &'a Router,
    request: Parts,
    at: Endpoint,
    to: To<'a>,
}

/// Who answers a request.
enum To<'a> {
    Admin,
    /// A function, with what its route captured.
    Function(&'a Target, Vec<(String, String)>),
    /// Nobody: this is the answer.
    Answer(Response<Bytes>),
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

    /// Lets in a request that arrived at `at`, or decides that it is refused, by its head: whoever is refused need not be listened to.
    pub(super) fn admit(&self, mut request: Parts, at: Endpoint) -> Admitted<'_> {
        // Over HTTP/2, where hyper counts bytes alone.
        let to = if request.headers.len() > MOST_HEADERS {
            To::Answer(status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE))
        } else if !authority::settle(&mut request) {
            To::Answer(status(StatusCode::BAD_REQUEST))
        } else if self.settings.cors.is_preflight(&request) {
            To::Answer(status(StatusCode::NO_CONTENT))
        } else {
            self.route(&request, at)
        };
        Admitted { router: self, request, at, to }
    }

    fn route(&self, request: &Parts, at: Endpoint) -> To<'_> {
        // The host's own paths come first: `{*route}` of a web framework must not swallow them.
        match self.admin.admit(request, at) {
            Some(Ok(())) => return To::Admin,
            Some(Err(refused)) => return To::Answer(status(refused)),
            None => {}
        }
        let (method, path) = (&request.method, request.uri.path());
        match self.routes.find(method, path) {
            Some(found) => {
                let target = found.target;
                match self.admin.may(&request.headers, request.uri.query(), target.level, Some(&target.function)) {
                    Ok(true) => To::Function(target, found.values.into()),
                    Ok(false) => To::Answer(status(StatusCode::UNAUTHORIZED)),
                    Err(failed) => To::Answer(status(failed)),
                }
            }
            // Whatever the method, as in the Functions host.
            None if path == "/" => To::Answer(self.home()),
            None if self.settings.unusable => {
                self.dispatcher.complain("the setting PYTHON_SCRIPT_FILE_NAME is not the name of a Python file");
                To::Answer(status(StatusCode::INTERNAL_SERVER_ERROR))
            }
            // Wrong method too: the Functions host never answers 405.
            None => To::Answer(status(StatusCode::NOT_FOUND)),
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

    async fn run(&self, target: &Target, values: Vec<(String, String)>, request: Parts, body: Taken, at: Endpoint) -> Response<Bytes> {
        let needs_data = self.dispatcher.needs_data(&target.function);
        let data = if needs_data { binding::binding_data(&request, &body.bytes, &values) } else { BindingData::default() };
        let event = Event {
            traceparent: text(&request.headers, "traceparent"),
            tracestate: text(&request.headers, "tracestate"),
            // The SDK has no use for it beside the request.
            metadata: Vec::new(),
            data,
            room: body.room.clone().map(|room| room as _),
            input: (target.trigger.clone(), Value::Datum(binding::to_datum(&request, body.bytes.clone(), values, at))),
        };
        let (outputs, method) = (target.outputs.clone(), request.method);
        let answer = move |outcome| {
            let outputs: Vec<_> = outputs.iter().map(String::as_str).collect();
            binding::from_outcome(outcome, &outputs, &method)
        };
        match self.dispatcher.run_to(&target.function, event, answer).await {
            Ok(response) => response,
            Err(DispatchError::Failed(_)) => status(StatusCode::INTERNAL_SERVER_ERROR),
            Err(DispatchError::Unavailable(PoolError::Full)) => status(StatusCode::TOO_MANY_REQUESTS),
            Err(DispatchError::Unavailable(_)) => status(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

// === impl Admitted ===

impl Admitted<'_> {
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.request.headers
    }

    /// Whether the answer depends on the body.
    pub(super) fn wants_body(&self) -> bool {
        !matches!(self.to, To::Answer(_))
    }

    /// Answers it.
    pub(super) async fn answer(self, body: Taken) -> Response<Bytes> {
        let Admitted { router, request, at, to } = self;
        let settings = &router.settings;
        let is_head = request.method == Method::HEAD;
        let mut cors = settings.cors.headers(&request);
        let strict =
            settings.strict_transport.as_ref().filter(|_| at.secure).and_then(|strict| strict.value(&request.uri, &request.headers));
        let mut response = match to {
            To::Admin => router.admin.answer(&request, &body.bytes, &router.inventory, &router.dispatcher, at).await,
            To::Function(target, values) => router.run(target, values, request, body, at).await,
            To::Answer(response) => response,
        };
        if is_head {
            binding::take_body(&mut response);
        }
        // What a function says of it holds too. Of the others, the host's word counts.
        if let Some(vary) = cors.remove(header::VARY) {
            response.headers_mut().append(header::VARY, vary);
        }
        response.headers_mut().extend(cors);
        response.headers_mut().extend(strict.map(|value| (header::STRICT_TRANSPORT_SECURITY, value)));
        for (name, value) in &settings.custom_headers {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response
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
