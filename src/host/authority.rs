//! Which host a request is for. There must be one answer, the same for proxies, for the host and for functions: whoever can have two of them chosen
//! between poisons caches and links, and gets past what a proxy allows (RFC 9112, 3.2; RFC 9113, 8.3.1; Kestrel asks the same).

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use std::net::{IpAddr, Ipv6Addr};

/// What hosts' names consist of beside letters and digits, as Kestrel and http.sys have it: no user before an `@`, nothing percent-encoded.
const MARKS: &[u8] = b"!$&'()-._~";

/// Makes the `Host` header say what the target of the request says, which counts before it; functions look there alone. False where a request names no
/// host, several, or what can be none, and where it asks for a tunnel, which is a proxy's to make.
pub(super) fn settle(request: &mut Parts) -> bool {
    let mut hosts = request.headers.get_all(HOST).iter();
    let (host, more) = (hosts.next(), hosts.next());
    if request.method == Method::CONNECT || more.is_some() || (host.is_none() && request.version == Version::HTTP_11) {
        return false;
    }
    let Some(authority) = request.uri.authority() else { return host.is_none_or(|host| is_host(host.as_bytes())) };
    let is_same = |host: &HeaderValue| {
        without_port(host.as_bytes(), &request.uri).eq_ignore_ascii_case(without_port(authority.as_str().as_bytes(), &request.uri))
    };
    let Ok(value) = HeaderValue::from_str(authority.as_str()) else { return false };
    if !is_host(value.as_bytes()) || host.is_some_and(|host| !is_same(host)) {
        return false;
    }
    request.headers.insert(HOST, value);
    true
}

/// Whether a request is for a host that is this machine by its name alone, and no page of another host asks for it. A browser on this machine asks for
/// whatever a page wants, and reaches it by a name of the page's own too, which leads here now (DNS rebinding).
pub(super) fn is_at_home(headers: &HeaderMap) -> bool {
    let host = |value: &HeaderValue| Authority::try_from(value.as_bytes()).is_ok_and(|authority| is_literal(authority.host()));
    let origin = |value: &HeaderValue| Uri::try_from(value.as_bytes()).is_ok_and(|origin| origin.host().is_some_and(is_here));
    // No browser leaves out the host.
    headers.get_all(HOST).iter().all(host) && headers.get_all(ORIGIN).iter().all(origin)
}

/// A name, or an address, and perhaps a port. It may be empty.
fn is_host(text: &[u8]) -> bool {
    let bracket = text.starts_with(b"[").then(|| text.iter().position(|byte| *byte == b']')).flatten();
    let (is_name, rest) = match bracket {
        Some(end) => {
            let address = text.get(1..end).and_then(|address| std::str::from_utf8(address).ok());
            (address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()), text.get(end + 1..).unwrap_or_default())
        }
        None => {
            let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            (name.iter().all(|byte| byte.is_ascii_alphanumeric() || MARKS.contains(byte)), rest)
        }
    };
    is_name && (rest.is_empty() || rest.strip_prefix(b":").is_some_and(|port| !port.is_empty() && port.iter().all(u8::is_ascii_digit)))
}

/// A host without the port that its scheme has anyway.
fn without_port<'h>(host: &'h [u8], uri: &Uri) -> &'h [u8] {
    let port: &[u8] = if uri.scheme_str() == Some("https") { b":443" } else { b":80" };
    host.strip_suffix(port).unwrap_or(host)
}

/// Whether nobody else can have a name lead here: no name server is asked for it.
fn is_literal(host: &str) -> bool {
    is_localhost(host) || address(host).is_some()
}

fn is_here(host: &str) -> bool {
    is_localhost(host) || address(host).is_some_and(|address| address.to_canonical().is_loopback())
}

/// RFC 6761, 6.3.
fn is_localhost(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(version: Version, target: &str, hosts: &[&str]) -> Option<String> {
        let mut request = http::Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        settle(&mut parts).then(|| parts.headers.get(HOST).map_or(String::new(), |host| host.to_str().unwrap().to_owned()))
    }

    #[test]
    fn a_request_is_for_one_host() {
        for host in ["a", "a:80", "A.example", "my_service:7071", "127.0.0.1:1", "[::1]", "[::1]:7071", ""] {
            assert_eq!(settled(Version::HTTP_11, "/x", &[host]).as_deref(), Some(host));
        }
        for host in ["a b", "u@a", "a,b", "a/b", "a:", "a:b", "a:1:2", "a%20b", "[::1", "[x]", "[::1]x", "a\"", "a;b", "h\u{e9}"] {
            assert_eq!(settled(Version::HTTP_11, "/x", &[host]), None, "{host}");
        }
        assert_eq!(settled(Version::HTTP_11, "/x", &["a", "b"]), None);
        assert_eq!(settled(Version::HTTP_11, "/x", &["a", "a"]), None);
        assert_eq!(settled(Version::HTTP_11, "/x", &[]), None);
        assert_eq!(settled(Version::HTTP_10, "/x", &[]).as_deref(), Some(""));
    }

    #[test]
    fn the_target_says_which() {
        assert_eq!(settled(Version::HTTP_2, "http://a:81/x", &[]).as_deref(), Some("a:81"));
        assert_eq!(settled(Version::HTTP_2, "http://a:81/x", &["A:81"]).as_deref(), Some("a:81"));
        assert_eq!(settled(Version::HTTP_11, "http://a/x", &["a:80"]).as_deref(), Some("a"));
        assert_eq!(settled(Version::HTTP_11, "https://a:443/x", &["a"]).as_deref(), Some("a:443"));
        for (target, host) in [("http://a/x", "b"), ("http://a/x", "a:81"), ("http://u@a/x", "a"), ("http://u:p@a/x", "u:p@a")] {
            assert_eq!(settled(Version::HTTP_11, target, &[host]), None, "{target} {host}");
        }
        assert_eq!(settled(Version::HTTP_2, "http://u@a/x", &[]), None);
        assert_eq!(settled(Version::HTTP_11, "http://a/x", &[]), None);
    }

    #[test]
    fn pages_of_others_and_their_names_are_told_apart() {
        let at_home = |host: Option<&str>, origin: Option<&str>| {
            let pairs = [(HOST, host), (ORIGIN, origin)].into_iter().filter_map(|(name, value)| Some((name, value?.parse().unwrap())));
            is_at_home(&HeaderMap::from_iter(pairs))
        };
        for host in ["localhost:7071", "LocalHost", "app.localhost", "127.0.0.1:7071", "[::1]:7071", "0.0.0.0:7071"] {
            assert!(at_home(Some(host), None) && at_home(Some(host), Some("http://localhost:3000")), "{host}");
        }
        assert!(at_home(None, None) && at_home(Some("[::1]"), Some("https://[::1]:3000")));
        for host in ["evil.example", "localhost.evil.example", "evillocalhost", "127.0.0.1.evil.example"] {
            assert!(!at_home(Some(host), None), "{host}");
        }
        for origin in ["https://evil.example", "null", "http://localhost.evil.example", "http://10.0.0.1", "file://", ""] {
            assert!(!at_home(Some("localhost"), Some(origin)), "{origin}");
        }
    }
}
