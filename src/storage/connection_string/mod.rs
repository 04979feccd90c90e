//! Connection strings of storage accounts: which account, where its services are, and what opens them.
//!
//! The form is that of Azure's own libraries ("Configure Azure Storage connection strings" in its documentation): `NAME=VALUE` parts between
//! semicolons, in any order, names in any case. Secrets never leave this module in words: not in errors, not through `Debug`.

mod error;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

pub use error::ConnectionStringError;

/// The account of Azurite, the emulator, which is the same everywhere.
const DEVELOPMENT_ACCOUNT: &str = "devstoreaccount1";
/// Its key. No secret: Azurite's documentation has it.
const DEVELOPMENT_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A connection string that was understood. Made with [`str::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionString {
    pub(super) credential: Credential,
    pub(super) blob: Option<Endpoint>,
    pub(super) queue: Option<Endpoint>,
    pub(super) table: Option<Endpoint>,
}

/// The services of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Blob,
    Queue,
    Table,
}

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Scheme, host and port.
    pub(super) origin: String,
    /// What all paths begin with: `/devstoreaccount1` for an emulator, else nothing. No slash at its end.
    pub(super) path: String,
}

/// What opens an account.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// One of the account's two keys, which requests are signed with.
    Key { account: String, key: Vec<u8> },
    /// A shared access signature: the end of a query, as it was given, without a question mark.
    Signature(String),
}

// === impl ConnectionString ===

impl ConnectionString {
    /// Where a service is; nothing where the connection string doesn't say.
    pub(super) fn endpoint(&self, service: Service) -> Option<&Endpoint> {
        match service {
            Service::Blob => self.blob.as_ref(),
            Service::Queue => self.queue.as_ref(),
            Service::Table => self.table.as_ref(),
        }
    }

    /// All that it names.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        [&self.blob, &self.queue, &self.table].into_iter().flatten()
    }
}

// === impl Service ===

impl Service {
    pub(super) const ALL: [Service; 3] = [Service::Blob, Service::Queue, Service::Table];

    /// As in the names of hosts.
    fn word(self) -> &'static str {
        match self {
            Service::Blob => "blob",
            Service::Queue => "queue",
            Service::Table => "table",
        }
    }

    /// Its part of a connection string.
    pub(super) fn setting(self) -> &'static str {
        match self {
            Service::Blob => "BlobEndpoint",
            Service::Queue => "QueueEndpoint",
            Service::Table => "TableEndpoint",
        }
    }

    /// Where an emulator has it.
    fn development_port(self) -> u16 {
        match self {
            Service::Blob => 10000,
            Service::Queue => 10001,
            Service::Table => 10002,
        }
    }
}

// === impl Credential ===

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credential::Key { account, .. } => write!(f, "a key of {account:?}"),
            Credential::Signature(_) => f.write_str("a shared access signature"),
        }
    }
}
