//! Strict-Transport-Security, as ASP.NET Core's `HstsMiddleware` has it: on responses over TLS, but for hosts that are excluded.

use crate::app::Hsts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri, header};

/// The header, ready to be sent.
#[derive(Debug, Clone)]
pub struct StrictTransport {
    value: HeaderValue,
    /// In lower case.
    excluded_hosts: Vec<String>,
}

// === impl StrictTransport ===

impl StrictTransport {
    /// The header that `options` ask for.
    pub(super) fn new(options: &Hsts) -> Option<StrictTransport> {
        let mut value = format!("max-age={}", options.max_age.as_secs());
        if options.include_sub_domains {
            value.push_str("; includeSubDomains");
        }
        if options.preload {
            value.push_str("; preload");
        }
        let excluded_hosts = options.excluded_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Some(StrictTransport { value: HeaderValue::try_from(value).ok()?, excluded_hosts })
    }

    /// The value for the host that a request names, if that is not excluded.
    pub(super) fn value(&self, uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
        let named = || headers.get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let host = uri.authority().cloned().or_else(named)?.host().to_ascii_lowercase();
        (!self.excluded_hosts.contains(&host)).then(|| self.value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn value(options: &Hsts, host: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
        let value = StrictTransport::new(options).unwrap().value(&Uri::from_static("/a"), &headers)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_host_decides() {
        let plain = Hsts {
            max_age: Duration::from_secs(864_000),
            include_sub_domains: false,
            preload: false,
            excluded_hosts: vec!["localhost".into(), "[::1]".into(), "Own.Example".into()],
        };
        assert_eq!(value(&plain, "a.example:8443").as_deref(), Some("max-age=864000"));
        for excluded in ["LOCALHOST:1", "localhost", "[::1]:7071", "own.example"] {
            assert_eq!(value(&plain, excluded), None, "{excluded}");
        }
        let all = Hsts { include_sub_domains: true, preload: true, ..plain };
        assert_eq!(value(&all, "a.example").as_deref(), Some("max-age=864000; includeSubDomains; preload"));
    }
}
