//! A request as the trigger's datum, with the Functions host's rules for what repeats (`GrpcMessageConversionExtensions`, Azure/azure-functions-host).

use super::Endpoint;
use crate::bindings::expression::BindingData;
use crate::sandbox::api::{Datum, HttpRequest};
use bytes::Bytes;
use http::header::{COOKIE, HOST};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Uri};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The datum of an HTTP trigger: `route_values` are what the route's template captured, `at` is where the request arrived.
#[must_use]
pub fn to_datum(request: &Parts, body: Bytes, route_values: Vec<(String, String)>, at: Endpoint) -> Datum {
    Datum::HttpRequest(HttpRequest {
        method: request.method.as_str().to_owned(),
        url: absolute_url(&request.uri, &request.headers, at),
        headers: headers(&request.headers).into(),
        query: query(request.uri.query().unwrap_or_default()).into(),
        route_params: route_values.into(),
        body: body.into(),
    })
}

fn absolute_url(uri: &Uri, headers: &HeaderMap, at: Endpoint) -> String {
    let authority = uri
        .authority()
        .map(ToString::to_string)
        // One that is no host's name would make a URL that is none.
        .or_else(|| headers.get(HOST)?.to_str().ok().filter(|host| host.parse::<Authority>().is_ok()).map(ToOwned::to_owned))
        .unwrap_or_else(|| at.address.to_string());
    // Clients may send letters beyond ASCII as they are, among them such as end lines.
    let path = utf8_percent_encode(uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str), CONTROLS);
    format!("{}://{authority}{path}", at.scheme())
}

/// Header names in lower case (as the `http` crate has them); a repeated header's values are joined.
fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut pairs = Vec::with_capacity(headers.keys_len());
    for name in headers.keys() {
        let separator = if name == COOKIE { "; " } else { "," };
        let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        pairs.push((name.as_str().to_owned(), values.join(separator)));
    }
    pairs
}

/// Query parameters; a repeated one's values are joined with a comma, under the name as it came first, whatever the case; one without a value is left out,
/// as on Azure.
fn query(query: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    // A client may send thousands of names: each is looked up, not searched for.
    let mut places: HashMap<String, usize> = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let known = name.to_lowercase();
        match places.get(&known).and_then(|place| pairs.get_mut(*place)) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
            }
            None => {
                pairs.push((name.into_owned(), value.into_owned()));
                places.insert(known, pairs.len() - 1);
            }
        }
    }
    pairs.retain(|(_, value)| !value.is_empty());
    pairs
}

/// What binding expressions may name: route values, query parameters, properties of a JSON body, and `headers` and `query` as objects. A key in the query
/// stays out of it.
#[must_use]
pub fn binding_data(request: &Parts, body: &Bytes, route_values: &[(String, String)]) -> BindingData {
    let object = |pairs: &[(String, String)]| pairs.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    let query: Vec<_> =
        query(request.uri.query().unwrap_or_default()).into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("code")).collect();
    let payload: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let objects = [("headers", object(&headers(&request.headers))), ("query", object(&query))];
    let objects = objects.map(|(name, object)| (name.to_owned(), Value::Object(object)));
    let texts = query.iter().chain(route_values).map(|(name, value)| (name.clone(), Value::String(value.clone())));
    let mut data = BindingData::from(payload);
    data.insert_all(objects.into_iter().chain(texts).collect());
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::api::JoinedPairs;

    const HERE: Endpoint =
        Endpoint { address: std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7071), secure: false };

    fn parts(request: http::request::Builder) -> Parts {
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn repeated_headers_and_parameters_are_joined() {
        let request = parts(http::Request::get("/api/x?a=1&b=2&A=3%2C4&c=&d").header("X-A", "1").header("x-a", "2").header("Host", "h:1"));
        let Datum::HttpRequest(request) = to_datum(&request, Bytes::from_static(b"body"), vec![], HERE) else {
            panic!("not a request");
        };
        assert_eq!(request.url, "http://h:1/api/x?a=1&b=2&A=3%2C4&c=&d");
        assert_eq!(request.headers, JoinedPairs::Joined("x-a\x001,2\0host\0h:1\0".into()));
        assert_eq!(request.query, JoinedPairs::Joined("a\x001,3,4\0b\x002\0".into()));
        assert_eq!(request.body, b"body");
    }

    #[test]
    fn parameters_with_the_sign_that_joins_stay_apart() {
        let request = parts(http::Request::get("/?a=%00&b=c"));
        let Datum::HttpRequest(request) = to_datum(&request, Bytes::new(), vec![], HERE) else { panic!("not a request") };
        assert_eq!(request.query, JoinedPairs::Apart(vec![("a".into(), "\0".into()), ("b".into(), "c".into())]));
    }

    #[test]
    fn expressions_see_route_query_body_and_headers_but_no_key() {
        let request = parts(http::Request::get("/api/x/1?a=q&code=secret").header("X-A", "h"));
        let body = Bytes::from_static(br#"{"a": "body", "b": {"c": 2}}"#);
        let data = binding_data(&request, &body, &[("id".into(), "1".into())]);
        assert_eq!(data.get("ID"), Some(&"1".into()));
        assert_eq!(data.get("a"), Some(&"q".into()));
        assert_eq!(data.get("b"), Some(&serde_json::json!({"c": 2})));
        assert_eq!(data.get("headers"), Some(&serde_json::json!({"x-a": "h"})));
        assert_eq!(data.get("query"), Some(&serde_json::json!({"a": "q"})));
        assert_eq!(data.get("code"), None);
    }

    #[test]
    fn a_url_is_ascii() {
        let request = parts(http::Request::get("/\u{85}/é%C3%A9?a=\u{2028}"));
        assert_eq!(absolute_url(&request.uri, &request.headers, HERE), "http://127.0.0.1:7071/%C2%85/%C3%A9%C3%A9?a=%E2%80%A8");
    }

    #[test]
    fn a_request_without_host_has_the_address_in_its_url() {
        let request = parts(http::Request::get("/"));
        assert_eq!(absolute_url(&request.uri, &request.headers, HERE), "http://127.0.0.1:7071/");
        let odd = parts(http::Request::get("/").header(HOST, "example org/<"));
        assert_eq!(absolute_url(&odd.uri, &odd.headers, HERE), "http://127.0.0.1:7071/");
        assert_eq!(absolute_url(&request.uri, &request.headers, Endpoint { secure: true, ..HERE }), "https://127.0.0.1:7071/");
    }
}
