//! Cross-origin resource sharing: which pages of other origins may read a function's answers (the Fetch standard, "CORS protocol"). Preflight requests are
//! answered here and never reach a function; where no origin is allowed at all, functions see to it themselves.
//!
//! By hand rather than by a middleware, as the server has no stack of services that one would fit into, and the rules are few.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

/// The origins that are allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    origins: Vec<String>,
    credentials: bool,
}

/// Every origin is allowed together with credentials, which no browser accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("CORS can't allow every origin (`*`) and credentials too: name the origins, or leave the credentials out")]
pub struct CorsError;

// === impl Cors ===

impl Cors {
    /// As `CORS` and `CORSCredentials` of local.settings.json say: `*`, or origins like `https://example.com`.
    ///
    /// # Errors
    /// Credentials for every origin.
    pub fn new(origins: &[String], credentials: bool) -> Result<Self, CorsError> {
        if credentials && origins.iter().any(|origin| origin == "*") {
            return Err(CorsError);
        }
        let origins = origins.iter().map(|origin| origin.trim_end_matches('/').to_owned()).collect();
        Ok(Cors { origins, credentials })
    }

    /// Whether a request only asks what is allowed.
    #[must_use]
    pub fn is_preflight(&self, request: &Parts) -> bool {
        !self.origins.is_empty()
            && request.method == Method::OPTIONS
            && request.headers.contains_key(ORIGIN)
            && request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// The headers for the answer to a request; more of them for a preflight.
    #[must_use]
    pub fn headers(&self, request: &Parts) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.origins.is_empty() {
            return headers;
        }
        let any = self.origins.iter().any(|origin| origin == "*");
        if !any {
            headers.insert(VARY, HeaderValue::from_static("Origin"));
        }
        let Some(origin) = request.headers.get(ORIGIN).filter(|origin| any || self.allows(origin)) else { return headers };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, if any { HeaderValue::from_static("*") } else { origin.clone() });
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if self.is_preflight(request) {
            for (asked, allowed) in [
                (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
                (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
            ] {
                if let Some(value) = request.headers.get(asked) {
                    headers.insert(allowed, value.clone());
                }
            }
        }
        headers
    }

    /// Schemes and hosts ignore case.
    fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, origin: &str) -> Parts {
        let request = http::Request::builder().method(method).header("Origin", origin).header("Access-Control-Request-Method", "PUT");
        request.header("Access-Control-Request-Headers", "x-a").body(()).unwrap().into_parts().0
    }

    #[test]
    fn named_origins_are_allowed_and_others_not() {
        let cors = Cors::new(&["https://a.example/".to_owned(), "http://b".to_owned()], true).unwrap();
        let preflight = request("OPTIONS", "https://A.example");
        assert!(cors.is_preflight(&preflight));
        let headers = cors.headers(&preflight);
        assert_eq!(headers["access-control-allow-origin"], "https://A.example");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["access-control-allow-methods"], "PUT");
        assert_eq!(headers["access-control-allow-headers"], "x-a");
        let other = cors.headers(&request("OPTIONS", "https://a.example.evil"));
        assert_eq!((other.len(), &other["vary"]), (1, &HeaderValue::from_static("Origin")));
    }

    #[test]
    fn everybody_is_allowed_without_credentials_only() {
        assert_eq!(Cors::new(&["*".to_owned()], true), Err(CorsError));
        let headers = Cors::new(&["*".to_owned()], false).unwrap().headers(&request("GET", "null"));
        assert_eq!((headers.len(), &headers["access-control-allow-origin"]), (1, &HeaderValue::from_static("*")));
        let none = Cors::default();
        assert!(!none.is_preflight(&request("OPTIONS", "x")) && none.headers(&request("OPTIONS", "x")).is_empty());
    }
}
