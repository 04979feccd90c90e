//! A request to a service, before it is signed.

use crate::storage::connection_string::Service;
use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what never needs to be encoded in an address (RFC 3986, 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same, for paths in which slashes stay.
const RESERVED_BUT_SLASH: &AsciiSet = &RESERVED.remove(b'/');

/// A request. All of its body is at hand, so that it can be sent again.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) method: Method,
    /// Percent-encoded, with a slash before it.
    pub(super) path: String,
    /// Not encoded.
    pub(super) query: Vec<(&'static str, String)>,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) repeat: Repeat,
}

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Whenever no good answer came: doing it twice is as good as once.
    Always,
    /// Only when it surely was not carried out: the second time would find what the first has done, and take it for another's.
    IfUndone,
}

// === impl Call ===

impl Call {
    pub(super) fn new(service: Service, method: Method, path: impl Into<String>) -> Call {
        Call { service, method, path: path.into(), query: Vec::new(), headers: Vec::new(), body: Bytes::new(), repeat: Repeat::Always }
    }

    pub(super) fn query(mut self, name: &'static str, value: impl ToString) -> Call {
        self.query.push((name, value.to_string()));
        self
    }

    /// A query's part that may be absent.
    pub(super) fn query_if(self, name: &'static str, value: Option<impl ToString>) -> Call {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(super) fn header(mut self, name: &str, value: impl ToString) -> Call {
        self.headers.push((name.to_ascii_lowercase(), value.to_string()));
        self
    }

    pub(super) fn body(mut self, body: impl Into<Bytes>) -> Call {
        self.body = body.into();
        self
    }

    pub(super) fn repeat(mut self, repeat: Repeat) -> Call {
        self.repeat = repeat;
        self
    }

    /// The query as it is sent, without the signature.
    pub(super) fn encoded_query(&self) -> String {
        let pairs = self.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// One part of a path or query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Parts of a path.
pub(super) fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, RESERVED_BUT_SLASH).to_string()
}
