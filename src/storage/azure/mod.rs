//! A storage account of Azure, or of an emulator (Azurite), through its REST protocol.
//!
//! Hand-written on an HTTP client: Microsoft's own crates of the 1.x line take Entra credentials and shared access signatures, but neither account keys
//! nor connection strings, and those are what the settings of function apps hold. What is needed of the protocol is small.
//!
//! - `call` is a request before it is signed, `signing` signs it, `client` sends it and repeats it as `retry` says; `answer` is what came back, and which
//!   error that is; `reason` says in words why nothing came back; `xml` reads and writes what isn't JSON.
//! - `blobs`, `queues`, `tables` and `leases` are the four traits.
//!
//! Opening an account does not touch the network. Calls have bounds: 5 seconds to connect, 30 for an answer, 4 tries. A call that is dropped before it
//! returns may or may not have happened, and one that was repeated may find what its own first try has done: that something is there, or gone, already.
//!
//! Where Azure differs from the embedded account: names of blobs' metadata come in lower case, because they travel as names of HTTP headers; no part of a
//! blob's name between slashes may be `.` or `..`, which addresses can't hold; and [`Queues::changes`](super::Queues::changes) has nothing to tell.

mod answer;
mod blobs;
mod call;
mod client;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod leases;
mod queues;
mod reason;
mod retry;
mod signing;
mod tables;
#[cfg(test)]
mod tests;
mod xml;

use super::{ConnectionString, Storage, StorageError};
use client::Client;
use std::sync::Arc;

const MIB: usize = 1024 * 1024;

/// The account: all four traits in one.
#[derive(Debug, Clone)]
struct Account {
    client: Arc<Client>,
    sizes: Sizes,
}

/// In how large pieces things travel. What a call holds of a blob in memory is at most two blocks or one range, beside what its caller gave it.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// A larger blob is written in blocks of this size, one after the other. Azure takes 50,000 of them.
    block: usize,
    /// A larger blob is read in ranges of this size, each when it is wanted.
    range: usize,
    /// How many containers, blobs, tables or entities come at once; of the last two at most [`tables::PAGE`].
    page: usize,
}

// === impl Storage ===

impl Storage {
    /// The account that a connection string names. Does not touch the network: a wrong key is told by the first call. Fails where TLS is needed and can't be
    /// prepared.
    pub fn azure(connection: &ConnectionString) -> Result<Storage, StorageError> {
        Account::open(connection, Sizes::default()).map(Storage::from)
    }
}

impl From<Account> for Storage {
    fn from(account: Account) -> Self {
        let account = Arc::new(account);
        Storage { blobs: account.clone(), queues: account.clone(), tables: account.clone(), leases: account }
    }
}

// === impl Account ===

impl Account {
    fn open(connection: &ConnectionString, sizes: Sizes) -> Result<Account, StorageError> {
        Ok(Account { client: Arc::new(Client::new(connection)?), sizes })
    }
}

// === impl Sizes ===

impl Default for Sizes {
    fn default() -> Self {
        Sizes { block: 8 * MIB, range: 4 * MIB, page: 5000 }
    }
}
