//! Where a request arrived.

use std::net::SocketAddr;

/// This end of a client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
    /// Whether the connection is TLS.
    pub secure: bool,
}

// === impl Endpoint ===

impl Endpoint {
    /// The scheme of its URLs.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}
