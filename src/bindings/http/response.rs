//! What a function gave back, as a response. What no server may send is refused with a sentence; what only the connection may say is left out.

use super::cookie;
use crate::sandbox::api::{Datum, HttpResponse, Outcome};
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};

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

/// Headers that belong to the connection, not to the function: RFC 9110, section 7.6.1, and the length, which the server knows better where there is a body.
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

/// The response of an HTTP-triggered function to a request of this method. `http_outputs` names its bindings of type `http`; among several that were set the last
/// counts.
///
/// Without such a binding the answer is 204, or 200 where the function's return value went somewhere else.
pub fn from_outcome(outcome: Outcome, http_outputs: &[&str], method: &Method) -> Result<Response<Bytes>, ResponseError> {
    let returned = outcome.return_value;
    let set = outcome.outputs.into_iter().rev().find(|(name, _)| http_outputs.contains(&name.as_str())).map(|(_, datum)| datum);
    if http_outputs.contains(&"$return") && !matches!(returned, Datum::None) {
        return from_datum(returned, method);
    }
    match set {
        Some(datum) => from_datum(datum, method),
        None if matches!(returned, Datum::None) => Ok(empty(StatusCode::NO_CONTENT)),
        None => Ok(empty(StatusCode::OK)),
    }
}

/// Takes the body of a response to HEAD, and leaves its length, if the function gave no other: that of the response that GET would have had (RFC 9110, 8.6).
pub fn take_body(response: &mut Response<Bytes>) {
    let body = std::mem::take(response.body_mut());
    match response.status() {
        StatusCode::NO_CONTENT => {
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        // Here it would be that of a response that nobody has made.
        StatusCode::NOT_MODIFIED => {}
        _ => {
            response.headers_mut().entry(header::CONTENT_LENGTH).or_insert_with(|| body.len().into());
        }
    }
}

fn from_datum(datum: Datum, method: &Method) -> Result<Response<Bytes>, ResponseError> {
    match datum {
        Datum::HttpResponse(response) => full(response, method),
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

fn full(from: HttpResponse, method: &Method) -> Result<Response<Bytes>, ResponseError> {
    let status = StatusCode::from_u16(from.status).ok().filter(|status| !status.is_informational());
    let mut response = empty(status.ok_or(ResponseError::Status(from.status))?);
    let mut bytes: usize = from.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if from.headers.len() + from.cookies.len() > MOST_HEADERS || bytes > MOST_HEADER_BYTES {
        return Err(ResponseError::Headers);
    }
    let length = (method == Method::HEAD).then(|| own_length(&from.headers)).flatten();
    let headers = response.headers_mut();
    headers.extend(length.map(|length| (header::CONTENT_LENGTH, length.into())));
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

/// The length that a function says its response to GET would have, if that is one number.
fn own_length(headers: &[(String, String)]) -> Option<u64> {
    let mut lengths =
        headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header::CONTENT_LENGTH.as_str())).map(|(_, value)| value.trim_ascii());
    let first = lengths.next()?;
    let is_one = first.bytes().all(|byte| byte.is_ascii_digit()) && lengths.all(|length| length == first);
    first.parse().ok().filter(|_| is_one)
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
        let response = from_outcome(returned(datum), &["$return"], &Method::GET).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers().len(), 1);
        assert_eq!(response.headers()["x-kept"], "yes");
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        for status in [0, 99, 100, 101, 1000] {
            assert!(
                matches!(from_outcome(returned(response(status, &[])), &["$return"], &Method::GET), Err(ResponseError::Status(_))),
                "{status}"
            );
        }
        let split = response(200, &[("X-A", "1\r\nX-B: 2")]);
        assert!(matches!(from_outcome(returned(split), &["$return"], &Method::GET), Err(ResponseError::HeaderValue(_))));
        let name = response(200, &[("X A", "1")]);
        assert!(matches!(from_outcome(returned(name), &["$return"], &Method::GET), Err(ResponseError::HeaderName(_))));
    }

    #[test]
    fn headers_and_cookies_have_a_limit_together() {
        let cookie = cookie::cookie("a", &"x".repeat(1 << 10));
        let with = |cookies| HttpResponse { status: 200, headers: vec![], cookies: vec![cookie.clone(); cookies], body: vec![] };
        assert!(from_outcome(returned(Datum::HttpResponse(with(200))), &["$return"], &Method::GET).is_ok());
        assert!(matches!(from_outcome(returned(Datum::HttpResponse(with(300))), &["$return"], &Method::GET), Err(ResponseError::Headers)));
    }

    #[test]
    fn without_an_http_output_there_is_no_content() {
        assert_eq!(from_outcome(returned(Datum::None), &[], &Method::GET).unwrap().status(), 204);
        assert_eq!(from_outcome(returned(Datum::Text("to a queue".into())), &[], &Method::GET).unwrap().status(), 200);
    }

    #[test]
    fn an_output_parameter_is_the_response_also_as_text() {
        let outcome = Outcome { return_value: Datum::None, outputs: vec![("res".into(), Datum::Text("hi".into()))] };
        let response = from_outcome(outcome, &["res"], &Method::GET).unwrap();
        assert_eq!((response.status(), response.body().as_ref()), (StatusCode::OK, &b"hi"[..]));
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    }

    #[test]
    fn head_has_the_functions_length_or_that_of_the_body() {
        let length = |status, headers: &[(&str, &str)]| {
            let mut response = from_outcome(returned(response(status, headers)), &["$return"], &Method::HEAD).unwrap();
            take_body(&mut response);
            assert!(response.body().is_empty());
            let lengths: Vec<_> =
                response.headers().get_all("content-length").iter().map(|length| length.to_str().unwrap().to_owned()).collect();
            lengths.join(" and ")
        };
        assert_eq!(length(200, &[]), "4");
        assert_eq!(length(200, &[("Content-Length", "1234")]), "1234");
        assert_eq!(length(200, &[("content-length", " 0012 "), ("Content-Length", "0012")]), "12");
        for wrong in ["", "x", "-1", "+1", "1.5", "1, 2", "0x1", "18446744073709551616", "1\r\nX: y"] {
            assert_eq!(length(200, &[("Content-Length", wrong)]), "4", "{wrong:?}");
        }
        assert_eq!(length(200, &[("Content-Length", "1"), ("Content-Length", "2")]), "4");
        assert_eq!(length(304, &[("Content-Length", "1234")]), "1234");
        assert_eq!((length(304, &[]), length(204, &[("Content-Length", "1234")])), (String::new(), String::new()));
    }
}
