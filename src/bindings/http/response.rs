//! What a function gave back, as a response. What no server may send is refused with a sentence; what only the connection may say is left out.

use super::cookie;
use crate::sandbox::api::{Datum, HttpResponse, Outcome};
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// A function's response can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum ResponseError {
    /// Not a final status of HTTP.
    #[error("the response's status code {0} is none that a server may answer with (200 to 999)")]
    Status(u16),
    /// A name with characters that no header name has.
    #[error("the response's header name {0:?} holds characters that a header's name can't have")]
    HeaderName(String),
    /// A line's end or another control character.
    #[error("the value of the response's header {0:?} holds a line's end or another control character")]
    HeaderValue(String),
    /// More than a server sends.
    #[error("the response's headers are beyond {MOST_HEADERS} or {} KiB", MOST_HEADER_BYTES >> 10)]
    Headers,
    /// The same in a cookie.
    #[error("the cookie {0:?} holds a line's end or another control character")]
    Cookie(String),
    /// Not a request, not a collection.
    #[error("the http output was given a {0}, which is no response")]
    Kind(&'static str),
}

/// Headers of a response, cookies among them, and the bytes of their names and values: far beyond what clients and proxies take.
const MOST_HEADERS: usize = 1000;
const MOST_HEADER_BYTES: usize = 256 << 10;

/// Headers that belong to the connection, not to the function: RFC 9110, section 7.6.1, and the length, which the server knows better.
const CONNECTION_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The response of an HTTP-triggered function. `http_outputs` names its bindings of type `http`; among several that were set the last counts.
///
/// Without such a binding the answer is 204, or 200 where the function's return value went somewhere else.
pub fn from_outcome(outcome: Outcome, http_outputs: &[&str]) -> Result<Response<Bytes>, ResponseError> {
    let returned = outcome.return_value;
    let set = outcome.outputs.into_iter().rev().find(|(name, _)| http_outputs.contains(&name.as_str())).map(|(_, datum)| datum);
    if http_outputs.contains(&"$return") && !matches!(returned, Datum::None) {
        return from_datum(returned);
    }
    match set {
        Some(datum) => from_datum(datum),
        None if matches!(returned, Datum::None) => Ok(empty(StatusCode::NO_CONTENT)),
        None => Ok(empty(StatusCode::OK)),
    }
}

fn from_datum(datum: Datum) -> Result<Response<Bytes>, ResponseError> {
    match datum {
        Datum::HttpResponse(response) => full(response),
        Datum::Text(text) => Ok(plain(text.into(), "text/plain; charset=utf-8")),
        Datum::Json(text) => Ok(plain(text.into(), "application/json; charset=utf-8")),
        Datum::Bytes(bytes) => Ok(plain(bytes.into(), "application/octet-stream")),
        Datum::Int(number) => Ok(plain(number.to_string().into(), "text/plain; charset=utf-8")),
        Datum::Float(number) => Ok(plain(number.to_string().into(), "text/plain; charset=utf-8")),
        Datum::None => Ok(empty(StatusCode::NO_CONTENT)),
        Datum::HttpRequest(_) => Err(ResponseError::Kind("request")),
        Datum::Stream(_) => Err(ResponseError::Kind("stream")),
        Datum::CollectionText(_) | Datum::CollectionBytes(_) | Datum::CollectionInt(_) | Datum::CollectionFloat(_) => {
            Err(ResponseError::Kind("collection"))
        }
    }
}

fn full(from: HttpResponse) -> Result<Response<Bytes>, ResponseError> {
    let status = StatusCode::from_u16(from.status).ok().filter(|status| !status.is_informational());
    let mut response = empty(status.ok_or(ResponseError::Status(from.status))?);
    let mut bytes: usize = from.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if from.headers.len() + from.cookies.len() > MOST_HEADERS || bytes > MOST_HEADER_BYTES {
        return Err(ResponseError::Headers);
    }
    let headers = response.headers_mut();
    for (name, value) in from.headers {
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ResponseError::HeaderName(name))?;
        if CONNECTION_HEADERS.contains(&known.as_str()) {
            continue;
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| ResponseError::HeaderValue(known.to_string()))?;
        headers.append(known, value);
    }
    for cookie in from.cookies {
        let value = cookie::header(&cookie).map_err(|_| ResponseError::Cookie(cookie.name))?;
        bytes += header::SET_COOKIE.as_str().len() + value.len();
        if bytes > MOST_HEADER_BYTES {
            return Err(ResponseError::Headers);
        }
        headers.append(header::SET_COOKIE, value);
    }
    *response.body_mut() = from.body.into();
    Ok(response)
}

fn plain(body: Bytes, content_type: &'static str) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)]) -> Datum {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Datum::HttpResponse(HttpResponse { status, headers, cookies: vec![], body: b"body".to_vec() })
    }

    fn returned(datum: Datum) -> Outcome {
        Outcome { return_value: datum, outputs: vec![] }
    }

    #[test]
    fn what_only_the_connection_may_say_is_left_out() {
        let datum = response(201, &[("Content-Length", "9999"), ("Transfer-Encoding", "chunked"), ("X-Kept", "yes")]);
        let response = from_outcome(returned(datum), &["$return"]).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers().len(), 1);
        assert_eq!(response.headers()["x-kept"], "yes");
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        for status in [0, 99, 100, 101, 1000] {
            assert!(matches!(from_outcome(returned(response(status, &[])), &["$return"]), Err(ResponseError::Status(_))), "{status}");
        }
        let split = response(200, &[("X-A", "1\r\nX-B: 2")]);
        assert!(matches!(from_outcome(returned(split), &["$return"]), Err(ResponseError::HeaderValue(_))));
        let name = response(200, &[("X A", "1")]);
        assert!(matches!(from_outcome(returned(name), &["$return"]), Err(ResponseError::HeaderName(_))));
    }

    #[test]
    fn headers_and_cookies_have_a_limit_together() {
        let cookie = cookie::cookie("a", &"x".repeat(1 << 10));
        let with = |cookies| HttpResponse { status: 200, headers: vec![], cookies: vec![cookie.clone(); cookies], body: vec![] };
        assert!(from_outcome(returned(Datum::HttpResponse(with(200))), &["$return"]).is_ok());
        assert!(matches!(from_outcome(returned(Datum::HttpResponse(with(300))), &["$return"]), Err(ResponseError::Headers)));
    }

    #[test]
    fn without_an_http_output_there_is_no_content() {
        assert_eq!(from_outcome(returned(Datum::None), &[]).unwrap().status(), 204);
        assert_eq!(from_outcome(returned(Datum::Text("to a queue".into())), &[]).unwrap().status(), 200);
    }

    #[test]
    fn an_output_parameter_is_the_response_also_as_text() {
        let outcome = Outcome { return_value: Datum::None, outputs: vec![("res".into(), Datum::Text("hi".into()))] };
        let response = from_outcome(outcome, &["res"]).unwrap();
        assert_eq!((response.status(), response.body().as_ref()), (StatusCode::OK, &b"hi"[..]));
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    }
}
