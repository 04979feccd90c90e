//! Sends calls to the services of an account: signs them, repeats them, and tells why nothing came back.
//!
//! No address with a query leaves this module: with a shared access signature, that is what opens the account.

use super::answer::Answer;
use super::call::{Call, Repeat};
use super::reason::{advice, reason};
use super::retry::{self, Trouble};
use super::signing::Signer;
use crate::storage::connection_string::{Credential, Endpoint};
use crate::storage::{ConnectionString, StorageError};
use bytes::BytesMut;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use reqwest::redirect;
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant, SystemTime};
use tokio::time::timeout;
use uuid::Uuid;

/// New enough for names in lists that XML can't hold (2021-02-12), old enough for emulators of some years.
const VERSION: &str = "2021-12-02";
const CONNECT: Duration = Duration::from_secs(5);
/// For the answer to begin, and then for each piece of it.
const ANSWER: Duration = Duration::from_secs(30);
/// Bytes a second: what is sent gets so much more time.
const SLOWEST: usize = 64 * 1024;
/// Emulators end a connection after 5 idle seconds. One that they end while it is taken again costs a try.
const IDLE_PLAIN: Duration = Duration::from_secs(3);
const IDLE: Duration = Duration::from_secs(50);

/// How an account's services are reached.
pub(super) struct Client {
    http: reqwest::Client,
    connection: ConnectionString,
    signer: Option<Signer>,
}

// === impl Client ===

impl Client {
    pub(super) fn new(connection: &ConnectionString) -> Result<Client, StorageError> {
        // The first provider of a process stays: when there is one already, that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let is_plain = connection.endpoints().all(Endpoint::is_plain);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("snapfunc/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .pool_idle_timeout(if is_plain { IDLE_PLAIN } else { IDLE })
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never());
        if is_plain {
            // Without TLS there is no need to read the system's roots, nor to have any.
            builder = builder.tls_certs_only([]);
        }
        if connection.endpoints().all(Endpoint::is_loopback) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| StorageError::Other(format!("TLS can't be used: {}", reason(&error))))?;
        let signer = match &connection.credential {
            Credential::Key { account, key } => Some(Signer::new(account, key)),
            Credential::Signature(_) => None,
        };
        Ok(Client { http, connection: connection.clone(), signer })
    }

    /// Where a call's service has what its path names; without a signature.
    pub(super) fn address(&self, call: &Call) -> Result<String, StorageError> {
        let endpoint = self.endpoint(call)?;
        Ok(format!("{}{}{}", endpoint.origin, endpoint.path, call.path))
    }

    /// Sends a call until an answer comes that isn't about the service's own troubles. Bad answers are answers, but for those that refuse access.
    pub(super) async fn send(&self, call: Call) -> Result<Answer, StorageError> {
        let endpoint = self.endpoint(&call)?;
        let started = Instant::now();
        let mut tries = 0;
        loop {
            let tried = match self.try_once(endpoint, &call).await? {
                Ok(answer) => judge(endpoint, &call, answer)?,
                Err(trouble) => Err(trouble),
            };
            tries += 1;
            let trouble = match tried {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            let may_repeat = trouble.undone || call.repeat == Repeat::Always;
            let pause = retry::pause(tries, started.elapsed(), trouble.asked, rand::random()).filter(|_| may_repeat);
            tracing::debug!(method = %call.method, path = call.path, tries, again = pause.is_some(), "{}", trouble.error);
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(trouble.error),
            }
        }
    }

    fn endpoint(&self, call: &Call) -> Result<&Endpoint, StorageError> {
        let missing = || StorageError::Other(format!("the connection string has no {}", call.service.setting()));
        self.connection.endpoint(call.service).ok_or_else(missing)
    }

    /// One try. The outer error is for calls that can't be sent at all.
    async fn try_once(&self, endpoint: &Endpoint, call: &Call) -> Result<Result<Answer, Trouble>, StorageError> {
        let request = self.request(endpoint, call)?;
        let slow = Duration::from_secs((call.body.len() / SLOWEST) as u64);
        let mut response = match within(endpoint, ANSWER + slow, self.http.execute(request)).await {
            Ok(response) => response,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        loop {
            match within(endpoint, ANSWER, response.chunk()).await {
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Ok(None) => return Ok(Ok(Answer::new(status, headers, body.freeze()))),
                Err(trouble) => return Ok(Err(trouble)),
            }
        }
    }

    /// A call with its date and signature, both of now.
    fn request(&self, endpoint: &Endpoint, call: &Call) -> Result<reqwest::Request, StorageError> {
        let mut call = call
            .clone()
            .header("x-ms-version", VERSION)
            .header("x-ms-date", httpdate::fmt_http_date(SystemTime::now()))
            .header("x-ms-client-request-id", Uuid::new_v4());
        let mut query = call.encoded_query();
        match (&self.signer, &self.connection.credential) {
            (Some(signer), _) => {
                let authorization = signer.authorization(&call, &endpoint.path);
                call = call.header("authorization", authorization);
            }
            (None, Credential::Signature(signature)) => {
                query = if query.is_empty() { signature.clone() } else { format!("{query}&{signature}") };
            }
            (None, Credential::Key { .. }) => {}
        }
        let mut address = format!("{}{}{}", endpoint.origin, endpoint.path, call.path);
        if !query.is_empty() {
            address = format!("{address}?{query}");
        }
        let address = reqwest::Url::parse(&address).map_err(|_| StorageError::Other(format!("{} is no address", call.path)))?;
        let mut request = reqwest::Request::new(call.method.clone(), address);
        *request.headers_mut() = headers(&call)?;
        if !call.body.is_empty() {
            *request.body_mut() = Some(call.body.into());
        } else if [Method::PUT, Method::POST].contains(&call.method) {
            // Nobody adds it by himself, and without it the service takes the length for unknown.
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(request)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the client of HTTP, which is long and says nothing.
        f.debug_struct("Client").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// Waits for a part of an answer.
async fn within<T>(endpoint: &Endpoint, limit: Duration, part: impl Future<Output = reqwest::Result<T>>) -> Result<T, Trouble> {
    let (reason, undone) = match timeout(limit, part).await {
        Ok(Ok(part)) => return Ok(part),
        Ok(Err(error)) if error.is_connect() => (reason(&error) + advice(&endpoint.origin), true),
        Ok(Err(error)) => (reason(&error), false),
        Err(_) => (format!("it didn't answer within {} seconds", limit.as_secs()), false),
    };
    let error = StorageError::Unreachable { endpoint: endpoint.origin.clone(), reason };
    Err(Trouble { error, undone, asked: None })
}

/// Whether an answer is about what was asked; else it is trouble that may pass, or access is refused.
fn judge(endpoint: &Endpoint, call: &Call, answer: Answer) -> Result<Result<Answer, Trouble>, StorageError> {
    // What is deleted twice is no trouble; what is made again has to wait.
    let waits = answer.is_being_deleted() && call.method != Method::DELETE;
    // What is no signature at all is told with status 400.
    let is_denied = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status) || answer.code.contains("Authentication");
    if is_denied {
        return Err(StorageError::Denied { endpoint: endpoint.origin.clone(), code: answer.summary() });
    }
    let undone = match answer.status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
        StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => false,
        _ if waits => true,
        _ => return Ok(Ok(answer)),
    };
    let error = StorageError::Busy { endpoint: endpoint.origin.clone(), code: answer.summary() };
    Ok(Err(Trouble { error, undone, asked: answer.retry_after() }))
}

fn headers(call: &Call) -> Result<HeaderMap, StorageError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &call.headers {
        let name_of = HeaderName::from_bytes(name.as_bytes());
        let (Ok(header), Ok(mut value)) = (name_of, HeaderValue::from_str(value)) else {
            return Err(StorageError::Other(format!("the header {name} can't hold its value")));
        };
        value.set_sensitive(header == AUTHORIZATION);
        headers.insert(header, value);
    }
    Ok(headers)
}
