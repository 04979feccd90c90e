//! What must hold of requests on their way in, and of responses on their way out: those go through the server's own writer.

use crate::bindings::http::{Endpoint, binding_data, from_outcome, take_body, to_datum};
use crate::fuzzing::{pairs, parts, sentence, text};
use crate::sandbox::api::{Cookie, Datum, HttpResponse, Outcome};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use serde_json::Value;
use std::collections::HashSet;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// A target, a body, and headers.
pub(crate) fn request(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parts = parts(&text);
    let (target, body) = (parts[0], parts.get(1).copied().unwrap_or_default());
    let mut builder = Request::builder().uri(target);
    for (name, value) in pairs(parts.get(2..).unwrap_or_default()) {
        builder = builder.header(name, value);
    }
    let Ok(request) = builder.body(()) else { return };
    let (head, ()) = request.into_parts();
    let body = Bytes::copy_from_slice(body.as_bytes());
    let at = Endpoint { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 80)), secure: false };
    let route_values = vec![("id".to_owned(), "1".to_owned())];
    let data = binding_data(&head, &body, &route_values);
    let Datum::HttpRequest(datum) = to_datum(&head, body, route_values, at) else { unreachable!() };
    assert!(datum.url.starts_with("http://") && datum.url.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", datum.url);
    let (query, headers) = (datum.query.pairs(), datum.headers.pairs());
    let names: HashSet<&str> = query.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), query.len(), "a parameter comes twice");
    assert!(query.iter().all(|(_, value)| !value.is_empty()));
    let names: HashSet<&str> = headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), headers.len(), "a header comes twice");
    assert!(names.iter().all(|name| !name.contains(|letter: char| letter.is_ascii_uppercase() || letter.is_control())));
    // Routes win, and a key of the query is nowhere.
    assert_eq!(data.get("id"), Some(&Value::from("1")));
    let is_key = |name: &String| name.eq_ignore_ascii_case("code");
    assert!(data.get("query").unwrap().as_object().is_none_or(|query| !query.keys().any(is_key)));
}

/// What a function gives out. Each part's first letter says what it is: `s`tatus, `h`eader, `c`ookie, `b`ody of a response, or another datum.
pub(crate) fn response(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let datum = datum(&parts(&text));
    let body = match &datum {
        Datum::HttpResponse(response) => Some(response.body.clone()),
        _ => None,
    };
    let given = Outcome { return_value: datum, outputs: Vec::new() };
    let response = match from_outcome(given.clone(), &["$return"], &Method::GET) {
        Ok(response) => response,
        Err(error) => return sentence(&error.to_string()),
    };
    assert!(body.is_none_or(|body| body == *response.body()), "the body is another");
    assert!((200..=999).contains(&response.status().as_u16()));
    assert!(response.headers().len() <= 1000);
    check_wire(&response);
    let mut without = from_outcome(given, &["$return"], &Method::HEAD).expect("HEAD has what GET has");
    take_body(&mut without);
    assert!(without.body().is_empty() && without.headers().get_all("content-length").iter().count() <= 1);
}

fn datum(parts: &[&str]) -> Datum {
    let mut response = HttpResponse { status: 200, headers: Vec::new(), cookies: Vec::new(), body: Vec::new() };
    for part in parts {
        let mut letters = part.chars();
        let kind = letters.next();
        let (rest, fields): (_, Vec<&str>) = (letters.as_str().to_owned(), letters.as_str().split('\u{1f}').collect());
        let field = |index: usize| fields.get(index).copied().unwrap_or_default().to_owned();
        match kind {
            Some('s') => response.status = rest.parse().unwrap_or(200),
            Some('h') => response.headers.push((field(0), field(1))),
            Some('c') => response.cookies.push(cookie(&fields)),
            Some('b') => response.body = rest.into_bytes(),
            Some('t') => return Datum::Text(rest),
            Some('j') => return Datum::Json(rest),
            Some('y') => return Datum::Bytes(rest.into_bytes()),
            Some('i') => return Datum::Int(rest.parse().unwrap_or(i64::MIN)),
            Some('f') => return Datum::Float(rest.parse().unwrap_or(f64::NAN)),
            Some('l') => return Datum::CollectionText(fields.into_iter().map(str::to_owned).collect()),
            Some('n') => return Datum::None,
            _ => {}
        }
    }
    Datum::HttpResponse(response)
}

fn cookie(fields: &[&str]) -> Cookie {
    let field = |index: usize| fields.get(index).map(|text| (*text).to_owned());
    let number = |index: usize| fields.get(index).and_then(|text| text.parse().ok());
    Cookie {
        name: field(0).unwrap_or_default(),
        value: field(1).unwrap_or_default(),
        domain: field(2),
        path: field(3),
        expires: number(4),
        max_age: number(5),
        secure: fields.len().is_multiple_of(2),
        http_only: fields.len().is_multiple_of(3),
        same_site: field(6),
    }
}

/// The bytes of a response are one response: its status line, its headers and those that the connection needs, and a body of the length that they say.
fn check_wire(response: &Response<Bytes>) {
    let sent = written(response);
    let end = memchr::memmem::find(&sent, b"\r\n\r\n").expect("a response has a head");
    let (head, body) = (&sent[..end], &sent[end + 4..]);
    assert!(head.len() < (256 << 10) + (16 << 10), "a head of {} bytes", head.len());
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    assert!(
        !head.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
            && !head.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n')
    );
    let status = lines.next().unwrap();
    assert!(status.starts_with(format!("HTTP/1.1 {} ", response.status().as_u16()).as_bytes()), "{status:?}");
    let (mut headers, mut length) = (0, None);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').expect("a header has a name");
        let (name, value) = (line[..colon].to_ascii_lowercase(), line[colon + 1..].trim_ascii());
        assert!(!value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t'), "{value:?}");
        match name.as_slice() {
            b"content-length" => length = Some(std::str::from_utf8(value).unwrap().parse::<usize>().unwrap()),
            b"connection" | b"transfer-encoding" => assert_eq!(value, b"close"),
            b"date" if !response.headers().contains_key("date") => {}
            _ => headers += 1,
        }
    }
    assert_eq!(headers, response.headers().len(), "{:?}", String::from_utf8_lossy(head));
    if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        assert!(body.is_empty(), "a body where there can be none");
    } else {
        assert_eq!((length, body), (Some(body.len()), response.body().as_ref()));
    }
}

/// The bytes that the server writes for a response.
fn written(response: &Response<Bytes>) -> Vec<u8> {
    let wire = Wire { request: b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", sent: Vec::new() };
    let service = service_fn(|request: Request<_>| {
        assert_eq!((request.method(), request.version()), (&Method::GET, Version::HTTP_11));
        let response = response.clone().map(Full::new);
        ready(Ok::<_, Infallible>(response))
    });
    let mut connection = pin!(http1::Builder::new().header_read_timeout(None).serve_connection(wire, service).without_shutdown());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if let Poll::Ready(ended) = connection.as_mut().poll(&mut context) {
            return ended.expect("the connection ends well").io.sent;
        }
    }
    panic!("the connection does not end");
}

/// A client that asks once and takes all.
struct Wire {
    request: &'static [u8],
    sent: Vec<u8>,
}

// === impl Wire ===

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, mut buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let request = std::mem::take(&mut self.request);
        if request.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(request);
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.sent.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
